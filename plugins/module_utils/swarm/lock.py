# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer at a time in the whole Swarm: a config whose creation is atomic and whose labels say who holds it.

The autoscaler and whatever else updates services hold still while a config of this name exists. A lock whose holder is
gone is removed: at once when the holder ran on this host (its process is looked up), and otherwise when it has not been
renewed for STALE_SECONDS.
"""

from __future__ import annotations

import calendar
import getpass
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import EngineError, Interrupted, SwarmError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import Swarm

LOCK_NAME = "deploy-lock-cluster"
KIND_LABEL = "sophia.kind"
RENEW_SECONDS = 30
STALE_SECONDS = 300
POLL_SECONDS = 1
_SIGNALS = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)


class LockLost(SwarmError):
    """Someone took the lock away while it was held."""


class Lock:
    """The lock while it is held."""

    def __init__(self, swarm: Swarm, identifier: str) -> None:
        self._swarm = swarm
        self._identifier = identifier
        self._renewed = time.monotonic()

    def renew(self) -> None:
        """Show that the holder is alive; to be called at least every few seconds, writes every RENEW_SECONDS."""
        if time.monotonic() - self._renewed < RENEW_SECONDS:
            return
        self._renewed = time.monotonic()
        try:
            config = self._swarm.named("configs", LOCK_NAME)
            mine = config is not None and config["ID"] == self._identifier
            if mine:
                self._swarm.label_config(config, {**config["Spec"]["Labels"], "renewed": _clock()})
        except EngineError:  # between two leaders, say; there is time for the next renewal
            return
        if not mine:
            raise LockLost(
                f"The deploy lock {LOCK_NAME} was taken away during the deploy; someone else may be deploying. "
                "What was begun goes on in the Swarm; deploy again when the other deploy has ended."
            )

    def release(self) -> None:
        """Give the lock back. An engine that refuses is no reason to lose the report: the lock gets stale by itself."""
        with suppress(EngineError):
            self._swarm.remove("configs", self._identifier)


@contextmanager
def held(swarm: Swarm, command: str, wait_seconds: float) -> Iterator[Lock]:
    """Hold the lock; it is given back however the block ends, signals included.

    Raises SwarmError with the holder's name, host, time and command when it is not free within `wait_seconds`.
    """
    handlers = {number: signal.signal(number, _interrupt) for number in _SIGNALS}
    lock = None
    try:
        lock = _acquire(swarm, command, wait_seconds)
        yield lock
    finally:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        try:
            if lock is not None:
                lock.release()
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _interrupt(number: int, _frame: object) -> None:
    raise Interrupted(signal.Signals(number).name)


def _acquire(swarm: Swarm, command: str, wait_seconds: float) -> Lock:
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return Lock(swarm, swarm.create("configs", LOCK_NAME, b"held\n", {**_identity(), "command": command}))
        except EngineError as error:
            if error.status != 409:
                raise
        holder = swarm.named("configs", LOCK_NAME)
        if holder is None:
            continue
        labels = holder["Spec"].get("Labels") or {}
        age_seconds = time.time() - _seconds(holder["UpdatedAt"])
        if is_stale(labels, age_seconds, _identity(), process_start):
            swarm.remove("configs", holder["ID"])
            continue
        if time.monotonic() >= deadline:
            known = {
                "holder": "someone",
                "host": "unknown",
                "since": holder["CreatedAt"],
                "command": "unknown",
                **labels,
            }
            raise SwarmError(
                f"Another deploy holds the lock {LOCK_NAME}: {known['holder']} on {known['host']} "
                f"since {known['since']}, running `{known['command']}`. "
                f"Nothing was changed. Wait for it; if it is certainly gone: docker config rm {LOCK_NAME}"
            )
        time.sleep(POLL_SECONDS)


def is_stale(labels: dict, age_seconds: float, me: dict, started: Callable) -> bool:
    """Whether a lock's holder is gone. `age_seconds`: since its renewal; `started(pid)`: a process's start here."""
    if labels.get("host") != me["host"]:
        return age_seconds > STALE_SECONDS
    if labels.get("boot") != me["boot"]:
        return True
    return started(labels.get("pid", "")) != labels.get("started")


def process_start(pid: str) -> str | None:
    """When a process of this host started, in the kernel's ticks since boot; None when there is no such process."""
    try:
        return Path(f"/proc/{int(pid)}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, ValueError):
        return None


def _identity() -> dict[str, str]:
    pid = str(os.getpid())
    client = os.environ.get("SSH_CONNECTION", "").partition(" ")[0]
    user = os.environ.get("SUDO_USER") or getpass.getuser()
    return {
        KIND_LABEL: "lock",
        "holder": f"{user} from {client}" if client else user,
        "host": socket.gethostname(),
        "boot": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "pid": pid,
        "started": process_start(pid) or "",
        "since": _clock(),
    }


def _clock() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def _seconds(timestamp: str) -> float:
    return calendar.timegm(time.strptime(timestamp[:19], "%Y-%m-%dT%H:%M:%S"))
