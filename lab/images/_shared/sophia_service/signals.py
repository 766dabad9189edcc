"""Signals before the server is there. Imports nothing that takes time."""

import signal
import sys


def exit_on_early_sigterm() -> None:
    """Makes PID 1 stoppable while it still loads (the kernel drops signals that PID 1 has no handler for)."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
