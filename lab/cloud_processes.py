# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated clouds as processes of this machine: started, told the accounts that the lab made up, and ended."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab.cloud_accounts import accounts, snowflake_user
from lab.errors import LabError
from lab.ports import refuse_if_taken
from lab.progress import step
from lab.settings import ROOT, Settings
from lab.state import State, write_private

_START_SECONDS, _STOP_SECONDS = 30, 10
_SOURCES = ("lab/cloud/**/*.py", "lab/*.py")


@dataclass(frozen=True)
class Process:
    """One simulator. `health` is a path that answers 200 once it works."""

    name: str
    port: int
    variable: str
    health: str
    arguments: tuple[str, ...]
    path: Path

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", *self.arguments, "--port", str(self.port)]

    @property
    def fingerprint(self) -> str:
        """Changes when the process has to be started anew."""
        digest = hashlib.sha256(" ".join([*self.arguments, str(self.port)]).encode())
        for source in sorted({path for pattern in _SOURCES for path in ROOT.glob(pattern)}):
            digest.update(source.read_bytes())
        return digest.hexdigest()[:16]

    def recorded(self) -> dict:
        """{pid, fingerprint} of the process that was started last."""
        try:
            return json.loads(self.path.with_suffix(".pid").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def ask(self, method: str, path: str, given: object = None, headers: dict | None = None) -> tuple[int, object]:
        """One request; (status, JSON). Raises OSError when nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            body = None if given is None else json.dumps(given)
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            content = answer.read()
            return answer.status, json.loads(content) if content.strip() else None
        except (http.client.HTTPException, ValueError) as error:
            raise OSError(f"port {self.port} does not answer as {self.name}: {error}") from error
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.ask("GET", self.health)[0] == 200
        except OSError:
            return False


def processes(settings: Settings) -> tuple[Process, Process]:
    """The clouds' server, and Snowflake's beside it."""
    state = settings.state_path
    return (
        Process(
            "clouds",
            settings.cloud_port,
            "LAB_CLOUD_PORT",
            "/control",
            ("lab.cloud", "--hosts", "--state", str(state / "clouds.json")),
            state / "clouds",
        ),
        Process(
            "snowflake",
            settings.snowflake_port,
            "LAB_SNOWFLAKE_PORT",
            "/lab/statements",
            ("lab.cloud.snowflake", "--state", str(state / "snowflake")),
            state / "snowflake",
        ),
    )


def ensure(settings: Settings, state: State, secrets: dict[str, str]) -> None:
    """Have both run, with the accounts and tokens that the platform's secrets are for."""
    write_private(settings.state_path / "pulumi_access_token", f"{secrets['pulumi_access_token']}\n")
    clouds, snowflake = processes(settings)
    started = [process for process in (clouds, snowflake) if _started(process)]
    for process in started:
        _until_answers(process)
    for service, action, given in accounts(settings, secrets):
        _told(clouds, f"/control/{service}/{action}", given)
    zone = settings.variables["platform_zone"]
    if zone not in [domain["name"] for domain in _told(clouds, "/control/namecheap/domains", {})]:
        _told(clouds, "/control/namecheap/seed", {"name": "parking", "domain": zone})
    if "snowflake" in settings.variables["platform_clouds"]:
        _told(snowflake, "/lab/users", snowflake_user(settings, secrets))


def launched(settings: Settings, secrets: dict[str, str]) -> set[str]:
    """The names of the instances that Lambda Cloud says there are."""
    if "lambda_cloud" not in settings.variables["platform_clouds"]:
        return set()
    clouds = processes(settings)[0]
    headers = {"Authorization": f"Bearer {secrets['lambda_api_key']}"}
    status, answer = clouds.ask("GET", "/api/v1/instances", headers=headers)
    if status != 200:
        raise LabError(f"The simulated Lambda Cloud answers {status} to the lab's own key; see {clouds.path}.log.")
    return {instance["name"] for instance in answer["data"] if instance["status"] in ("booting", "active")}


def urls(settings: Settings) -> Iterator[tuple[str, str]]:
    """(name, address) of each process that answers."""
    for process in processes(settings):
        if process.answers():
            yield process.name, f"http://127.0.0.1:{process.port}"


def forget(settings: Settings) -> None:
    """End both and remove what they remember. Only a process that this lab started is ended."""
    if not settings.with_clouds:
        return
    for process in processes(settings):
        _stop(process)
        for path in process.path.parent.glob(f"{process.path.name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def _started(process: Process) -> bool:
    """Start the process unless it runs as it should; whether it was started."""
    if process.recorded().get("fingerprint") == process.fingerprint and process.answers():
        return False
    _stop(process)
    refuse_if_taken(process.port, f"the simulated {process.name}", f"set {process.variable} to another port")
    with open(process.path.with_suffix(".log"), "ab") as log:
        child = subprocess.Popen(
            process.command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    record = {"pid": child.pid, "fingerprint": process.fingerprint}
    write_private(process.path.with_suffix(".pid"), json.dumps(record))
    return True


def _until_answers(process: Process) -> None:
    with step(f"simulated {process.name}"):
        until = time.monotonic() + _START_SECONDS
        while not process.answers():
            if time.monotonic() > until:
                log = process.path.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
                raise LabError(
                    f"The simulated {process.name} do not answer on 127.0.0.1:{process.port} after {_START_SECONDS} s. "
                    f"The end of {process.path}.log:\n" + "\n".join(log.splitlines()[-15:])
                )
            time.sleep(0.1)


def _told(process: Process, path: str, given: dict) -> list | dict:
    status, answer = process.ask("POST", path, given)
    if status >= 300:
        raise LabError(f"The simulated {process.name} refuse {path}: HTTP {status}, {answer}")
    return answer


def _stop(process: Process) -> None:
    """End the recorded process, if the process of that number still is it."""
    pid = process.recorded().get("pid")
    if not pid or not _is(pid, process.arguments[0]):
        return
    os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + _STOP_SECONDS
    while _is(pid, process.arguments[0]) and time.monotonic() < until:
        time.sleep(0.05)
    if _is(pid, process.arguments[0]):
        os.kill(pid, signal.SIGKILL)


def _is(pid: int, module: str) -> bool:
    """Whether the process of this number is ours; one that ended and was not waited for has no arguments any more."""
    if Path("/proc/self").exists():
        try:
            arguments = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        except OSError:
            return False
    else:
        done = subprocess.run(["ps", "-o", "args=", "-p", str(pid)], capture_output=True, text=True, check=False)
        arguments = done.stdout.split()
    return module in arguments
