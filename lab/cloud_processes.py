# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated clouds as processes of this machine: started, told the accounts that the lab made up, and ended."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from dataclasses import dataclass

from lab.cloud_accounts import accounts, snowflake_user
from lab.errors import LabError
from lab.ports import refuse_if_taken
from lab.processes import Process
from lab.settings import Settings
from lab.state import State, write_private

_SOURCES = ("lab/cloud/**/*.py", "lab/*.py")


@dataclass(frozen=True)
class Simulator(Process):
    """One simulator. `health` is a path that answers 200 once it works."""

    port: int
    variable: str
    health: str

    @property
    def place(self) -> str:
        return f"127.0.0.1:{self.port}"

    def refuse_if_taken(self) -> None:
        refuse_if_taken(self.port, f"the simulated {self.name}", f"set {self.variable} to another port")

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


def processes(settings: Settings) -> tuple[Simulator, Simulator]:
    """The clouds' server, and Snowflake's beside it."""
    state, clouds, snowflake = settings.state_path, settings.cloud_port, settings.snowflake_port
    return (
        Simulator(
            "clouds",
            ("lab.cloud", "--hosts", "--state", str(state / "clouds.json"), "--port", str(clouds)),
            state / "clouds",
            _SOURCES,
            clouds,
            "LAB_CLOUD_PORT",
            "/control",
        ),
        Simulator(
            "snowflake",
            ("lab.cloud.snowflake", "--state", str(state / "snowflake"), "--port", str(snowflake)),
            state / "snowflake",
            _SOURCES,
            snowflake,
            "LAB_SNOWFLAKE_PORT",
            "/lab/statements",
        ),
    )


def ensure(settings: Settings, state: State, secrets: dict[str, str]) -> None:
    """Have both run, with the accounts and tokens that the platform's secrets are for."""
    write_private(settings.state_path / "pulumi_access_token", f"{secrets['pulumi_access_token']}\n")
    clouds, snowflake = processes(settings)
    started = [process for process in (clouds, snowflake) if process.start()]
    for process in started:
        process.until_answers()
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
    for process in processes(settings):
        process.forget()


def _told(process: Simulator, path: str, given: dict) -> list | dict:
    status, answer = process.ask("POST", path, given)
    if status >= 300:
        raise LabError(f"The simulated {process.name} refuse {path}: HTTP {status}, {answer}")
    return answer
