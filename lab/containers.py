# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers of the lab that are not hosts: left alone while they run as they should, else made anew."""

from __future__ import annotations

import time
from collections.abc import Callable

from lab import docker
from lab.errors import LabError

_LABEL = f"{docker.LABEL}.config"


def runs(name: str, arguments: list[str]) -> bool:
    """Whether the container runs, and was started with these arguments of `docker run`."""
    container = docker.inspect("container", name).get(name)
    as_wanted = bool(container) and container["Config"]["Labels"].get(_LABEL) == " ".join(arguments)
    return as_wanted and container["State"]["Running"]


def remove(name: str) -> None:
    """Remove the container with its own volumes; nothing happens when it is not there."""
    docker.run("rm", "--force", "--volumes", name, check=False)


def start(name: str, arguments: list[str]) -> None:
    """Start the container, in the place of what has its name."""
    remove(name)
    docker.run("run", "--detach", "--label", f"{_LABEL}={' '.join(arguments)}", "--name", name, *arguments)


def until(problem: Callable[[], str], timeout_seconds: float) -> str:
    """Wait until `problem` returns nothing; what it returned last."""
    end = time.monotonic() + timeout_seconds
    while (found := problem()) and time.monotonic() < end:
        time.sleep(0.2)
    return found


def wait(name: str, what: str, problem: Callable[[], str], timeout_seconds: float) -> None:
    """The same, for a container that was started. Raises LabError with the problem and the end of its log."""
    if found := until(problem, timeout_seconds):
        logs = docker.run("logs", "--tail", "15", name, check=False)
        raise LabError(
            f"{what} ({name}) does not answer as it should after {timeout_seconds:.0f} s: {found}. "
            f"Its log:\n{docker.tail(logs.stdout + logs.stderr)}"
        )
