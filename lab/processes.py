# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's programs on this machine, beside its containers: started, found again by a later command, ended."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.progress import step
from lab.settings import ROOT
from lab.state import write_private

_START_SECONDS, _STOP_SECONDS = 30, 10


@dataclass(frozen=True)
class Process:
    """One program. `arguments` begin with its module; all its files begin with `path`."""

    name: str
    arguments: tuple[str, ...]
    path: Path
    sources: tuple[str, ...]

    @property
    def place(self) -> str:
        """Where it answers, for a message."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Whether it works."""
        raise NotImplementedError

    def refuse_if_taken(self) -> None:
        """Raise LabError when something else is where it is to answer."""

    @property
    def fingerprint(self) -> str:
        """Changes when the process has to be started anew."""
        digest = hashlib.sha256(" ".join(self.arguments).encode())
        for source in sorted({path for pattern in self.sources for path in ROOT.glob(pattern)}):
            digest.update(source.read_bytes())
        return digest.hexdigest()[:16]

    def recorded(self) -> dict:
        """{pid, fingerprint} of the process that was started last."""
        try:
            return json.loads(self.path.with_suffix(".pid").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def start(self) -> bool:
        """Start the process unless it runs as it should; whether it was started."""
        if self.recorded().get("fingerprint") == self.fingerprint and self.answers():
            return False
        self.stop()
        self.refuse_if_taken()
        command = [sys.executable, "-m", *self.arguments]
        with open(self.path.with_suffix(".log"), "ab") as log:
            child = subprocess.Popen(
                command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        record = {"pid": child.pid, "fingerprint": self.fingerprint}
        write_private(self.path.with_suffix(".pid"), json.dumps(record))
        return True

    def until_answers(self) -> None:
        """Wait for a process that was started. Raises LabError with the end of its log."""
        with step(self.name):
            until = time.monotonic() + _START_SECONDS
            while not self.answers():
                if time.monotonic() > until:
                    log = self.path.with_suffix(".log").read_text(encoding="utf-8", errors="replace")
                    raise LabError(
                        f"Lab process `{self.name}` does not answer on {self.place} after {_START_SECONDS} s. "
                        f"The end of {self.path}.log:\n" + "\n".join(log.splitlines()[-15:])
                    )
                time.sleep(0.1)

    def stop(self) -> None:
        """End the recorded process, if the process of that number still is it."""
        pid = self.recorded().get("pid")
        if not pid or not _is(pid, self.arguments[0]):
            return
        os.kill(pid, signal.SIGTERM)
        until = time.monotonic() + _STOP_SECONDS
        while _is(pid, self.arguments[0]) and time.monotonic() < until:
            time.sleep(0.05)
        if _is(pid, self.arguments[0]):
            os.kill(pid, signal.SIGKILL)

    def forget(self) -> None:
        """End the process and remove what it remembers."""
        self.stop()
        for path in self.path.parent.glob(f"{self.path.name}*"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()


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
