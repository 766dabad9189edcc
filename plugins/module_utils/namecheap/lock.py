# SPDX-License-Identifier: GPL-3.0-or-later
"""One writer of a zone at a time on this control node: the API itself has no version and no lock."""

from __future__ import annotations

import contextlib
import fcntl
import getpass
import os
import time
from collections.abc import Iterator

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.errors import NamecheapError
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.pace import state_directory

POLL_SECONDS = 0.5


@contextlib.contextmanager
def held(domain: str, timeout_seconds: float, clock: Clock) -> Iterator[None]:
    """Hold the lock of a domain; the kernel gives it back however the process ends.

    Raises NamecheapError with the holder when it is not free within timeout_seconds.
    """
    try:
        path = state_directory() / f"{domain}.lock"
        file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")  # noqa: SIM115 - closed below
    except (OSError, RuntimeError) as error:
        raise NamecheapError(
            f"The lock of the zone {domain} cannot be opened: {error}. Set XDG_CACHE_HOME to a folder that this user "
            "may write. Nothing was changed."
        ) from None
    with file:
        deadline = clock.monotonic() + timeout_seconds
        while not _taken(file):
            if clock.monotonic() >= deadline:
                file.seek(0)
                raise NamecheapError(
                    f"The zone {domain} is being written by {file.read(200).strip() or 'another run'} on this control "
                    f"node, still after {timeout_seconds:g} s (lock_timeout_seconds). Nothing was changed; run again "
                    "when it has ended, and give one task all records of a zone (run_once, not one task a host)."
                )
            clock.sleep(POLL_SECONDS)
        file.truncate(0)
        file.write(f"process {os.getpid()} of {_user()} since {time.strftime('%Y-%m-%d %H:%M:%S')}\n")
        file.flush()
        yield


def _taken(file: object) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
