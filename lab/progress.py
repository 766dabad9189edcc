# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress lines. A step that is over within a second says nothing."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

QUIET_SECONDS = 1.0
_printing = threading.Lock()


def say(text: str) -> None:
    """Print one line at once, also from a thread."""
    with _printing:
        print(text, flush=True)


@contextmanager
def step(what: str) -> Iterator[None]:
    """Say that `what` has begun when it takes longer than a second, and how many seconds it took."""
    began = time.monotonic()
    beginning = threading.Timer(QUIET_SECONDS, say, [f"   … {what}"])
    beginning.daemon = True
    beginning.start()
    try:
        yield
    except BaseException:
        beginning.cancel()
        raise
    beginning.cancel()
    seconds = time.monotonic() - began
    if seconds > QUIET_SECONDS:
        say(f"   ✓ {what} ({seconds:.0f} s)")
