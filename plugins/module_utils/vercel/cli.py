# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of Vercel's own program. Framework builders exist only there (reference §7, §8)."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import masked
from ansible_collections.sophia.platform.plugins.module_utils.vercel.client import API_URL
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import VercelError

# Of the caller's environment only what programs need to be found, and to reach registries from behind a proxy.
KEPT = re.compile(
    r"PATH|LANG|LC_ALL|TZ|(HTTPS?|NO|ALL)_PROXY|(https?|no|all)_proxy|NODE_EXTRA_CA_CERTS|SSL_CERT_(FILE|DIR)|"
    r"npm_config_(registry|cache|userconfig|cafile)|NPM_CONFIG_(REGISTRY|CACHE|USERCONFIG|CAFILE)"
)
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b\][^\x07]*\x07")
OUTPUT_BYTES_MAX = 4 * 1024 * 1024


@dataclass(frozen=True)
class Run:
    """What a run left. timed_out: it was ended; exit_code is then none of its own."""

    exit_code: int
    output: str
    messages: str
    timed_out: bool = False

    def last_lines(self, count: int) -> list[str]:
        """The end of what it said, without colours; the output only when there are no messages."""
        lines = [line.strip() for line in ESCAPES.sub("", self.messages or self.output).replace("\r", "\n").split("\n")]
        return [line for line in lines if line][-count:]


@dataclass
class Cli:
    """The program with a private home, for one team and project.

    secrets: what must not be in anything it is quoted with. The token is in the environment of those runs that need it,
    never in an argument, and not in that of builds, which run other people's code.
    """

    path: str
    home: Path
    api_url: str = API_URL
    token: str = ""
    organisation_id: str = ""
    project_id: str = ""
    secrets: Sequence[str] = field(default_factory=list)

    def run(self, arguments: Sequence[str], directory: Path, timeout_seconds: float, with_token: bool = True) -> Run:
        """Run it to its end. What it started ends with it when the time is up."""
        api = ["--api", self.api_url] if with_token and self.api_url.rstrip("/") != API_URL else []
        output, messages = self.home / "output", self.home / "messages"
        with output.open("wb") as out, messages.open("wb") as err:  # pipes would be held open by what a build leaves
            try:
                process = subprocess.Popen(
                    [self.path, *arguments, *api],
                    cwd=directory,
                    env=self._environment(with_token),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )
            except OSError as error:
                raise VercelError(f"Vercel's CLI {self.path} cannot be started: {error.strerror}.") from None
            timed_out = False
            try:
                process.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                timed_out = True
            _end_group(process)
        return Run(process.returncode, self._text(output), self._text(messages), timed_out)

    def version(self, timeout_seconds: float = 60) -> str:
        """What the program says its version is."""
        run = self.run(["--version"], self.home, timeout_seconds, with_token=False)
        found = re.findall(r"\d+\.\d+\.\d+\S*", run.output) or re.findall(r"\d+\.\d+\.\d+\S*", run.messages)
        if run.exit_code or not found:
            said = " ".join(run.last_lines(3)) or "nothing"
            raise VercelError(f"{self.path} --version ended with {run.exit_code} and said: {said}. Is it Vercel's CLI?")
        return found[-1]

    def _environment(self, with_token: bool) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if KEPT.fullmatch(name)}
        user_settings = Path("~/.npmrc").expanduser()
        if user_settings.is_file() and not {"npm_config_userconfig", "NPM_CONFIG_USERCONFIG"} & set(kept):
            kept["NPM_CONFIG_USERCONFIG"] = str(user_settings)
        ids = {"VERCEL_ORG_ID": self.organisation_id, "VERCEL_PROJECT_ID": self.project_id}
        return {
            **kept,
            "HOME": str(self.home),
            "CI": "1",
            "NO_COLOR": "1",
            "NO_UPDATE_NOTIFIER": "1",
            "VERCEL_TELEMETRY_DISABLED": "1",
            **(ids if all(ids.values()) else {}),  # one without the other is an error of the CLI
            **({"VERCEL_TOKEN": self.token} if with_token and self.token else {}),
        }

    def _text(self, path: Path) -> str:
        """The end of a file, masked."""
        with path.open("rb") as stream:
            stream.seek(max(path.stat().st_size - OUTPUT_BYTES_MAX, 0))
            return masked(stream.read().decode("utf-8", "replace"), list(self.secrets))


def deployed(output: str) -> Mapping[str, Any]:
    """The deployment that `deploy --format=json` tells: {id, url, error}; empty when it tells none.

    Success nests it below `deployment`, a failed build does not; without JSON there is only the address (reference §7).
    """
    start = output.find("{")
    if start >= 0:
        try:
            told = json.JSONDecoder().raw_decode(output[start:])[0]
        except ValueError:
            told = {}
        inner = told.get("deployment") if isinstance(told.get("deployment"), dict) else told
        error = told.get("error") or inner.get("error") or {}
        text = error.get("message") if isinstance(error, dict) else str(error)
        return {"id": inner.get("id") or "", "url": inner.get("url") or "", "error": str(text or "")}
    address = re.search(r"https://\S+", output)
    return {"id": "", "url": address[0], "error": ""} if address else {}


def _end_group(process: subprocess.Popen) -> None:
    """End what the program left running; it is the leader of its own group."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(5)
        except ProcessLookupError:
            break
        except subprocess.TimeoutExpired:
            continue
    process.wait()
