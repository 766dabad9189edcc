# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds to the calls a minute that a key has, among all processes of this user on this control node.

The times of the last minute's calls stand in a file; it is named after the user of the API and holds no secret.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.errors import NamecheapError

WINDOW_SECONDS = 60.0
WAIT_SECONDS_MAX = 300.0


def state_directory() -> Path:
    """Where locks and times are kept, made if need be. Raises OSError.

    Below the cache and not XDG_RUNTIME_DIR: that one exists in a login session but not for cron, and both must meet.
    """
    base = os.environ.get("XDG_CACHE_HOME") or ""
    path = (Path(base) if Path(base).is_absolute() else Path.home() / ".cache") / "sophia-platform" / "namecheap"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


class Pace:
    """The budget of one key. Times are the kernel's monotonic ones, which all processes share."""

    def __init__(self, path: Path | None, calls_per_minute: int, clock: Clock) -> None:
        self.path, self.limit, self.clock = path, calls_per_minute, clock
        self._own: list[float] = []  # when there is no place for the file

    def note(self) -> None:
        """Count a call that does not wait: a write follows its read at once, or others get between them."""
        self._take(room=None)

    def wait(self, room: int) -> None:
        """Count a call when this many more fit into the minute; wait only if they do not."""
        room = max(1, min(room, self.limit))
        begun = self.clock.monotonic()
        while pause_seconds := self._take(room):
            if self.clock.monotonic() + pause_seconds - begun > WAIT_SECONDS_MAX:
                raise NamecheapError(
                    f"The {self.limit} calls a minute to Namecheap (calls_per_minute) are used up by other runs of "
                    f"this control node, for {WAIT_SECONDS_MAX:g} s now; run fewer at once. Nothing was changed."
                )
            self.clock.sleep(pause_seconds)

    def _take(self, room: int | None) -> float:
        """Count the call and return 0, or the seconds until there is room."""
        with self._times() as times:
            now = self.clock.monotonic()
            times[:] = sorted(time for time in times if now - WINDOW_SECONDS < time <= now)  # none of an earlier boot
            if room is not None and len(times) + room > self.limit:
                return times[len(times) + room - self.limit - 1] + WINDOW_SECONDS - now + 0.01
            times.append(now)
            return 0.0

    @contextmanager
    def _times(self) -> Iterator[list[float]]:
        try:
            file = self.path and open(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600), "r+")  # noqa: SIM115
        except OSError:
            file = None
        if file is None:
            yield self._own
            return
        with file:
            fcntl.flock(file, fcntl.LOCK_EX)  # held for the length of this block, never while waiting
            times: list[float] = []
            for line in file.read().split():
                with suppress(ValueError):
                    times.append(float(line))
            yield times
            file.seek(0)
            file.truncate()
            file.write("".join(f"{time:.3f}\n" for time in times))
