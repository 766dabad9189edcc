# SPDX-License-Identifier: GPL-3.0-or-later
"""The state file of the simulated clouds: read at start, written whole and at once when something changed."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

_PAUSE_SECONDS = 0.2


class StoreError(Exception):
    """A state file cannot be used; the text says why."""


class Store:
    """Writes `dump()` to a file (mode 0600) after `touch()`, at most every 0.2 s and at the end. No path: nothing."""

    def __init__(self, path: Path | None, dump: Callable[[], dict]) -> None:
        self.path, self._dump = path, dump
        self._touched, self._ended = threading.Event(), threading.Event()
        self._written = ""
        self._thread = threading.Thread(target=self._write_often, daemon=True)

    def read(self) -> dict:
        """What the file holds, empty when there is none. Raises StoreError."""
        if self.path is None or not self.path.exists():
            return {}
        try:
            state = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise StoreError(
                f"The state file {self.path} cannot be read ({error}). Move it away to begin anew."
            ) from error
        if not isinstance(state, dict):
            raise StoreError(f"The state file {self.path} is none of the simulated clouds'. Name another.")
        return state

    def start(self) -> None:
        """Begin to write. Raises StoreError when the file cannot be written."""
        if self.path is None:
            return
        try:
            self._write()
        except OSError as error:
            raise StoreError(f"The state file {self.path} cannot be written: {error.strerror}.") from error
        self._thread.start()

    def touch(self) -> None:
        """Something may have changed."""
        self._touched.set()

    def close(self) -> None:
        """Write what is left."""
        self._ended.set()
        self._touched.set()
        if self._thread.is_alive():
            self._thread.join()

    def _write_often(self) -> None:
        while not self._ended.is_set():
            self._touched.wait()
            self._touched.clear()
            self._write()
            self._ended.wait(_PAUSE_SECONDS)
        self._write()

    def _write(self) -> None:
        text = json.dumps(self._dump())
        if text == self._written:
            return
        partial = self.path.with_name(f".{self.path.name}.partial")
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        partial.chmod(0o600)
        partial.replace(self.path)
        self._written = text
