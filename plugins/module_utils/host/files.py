# SPDX-License-Identifier: GPL-3.0-or-later
"""Text files of the host, each written in one step and only after a judge has seen it. Knows no Ansible."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Judge = Callable[[str], Any]


@dataclass(frozen=True)
class File:
    """A file as it should be; an empty text means that there is none. It belongs to root."""

    path: str
    text: str
    mode: int = 0o644

    @property
    def is_right(self) -> bool:
        """Whether the host has it like this."""
        target = Path(self.path)
        if not self.text:
            return not target.exists()
        return read(self.path) == self.text and target.stat().st_mode & 0o7777 == self.mode


def read(path: str) -> str:
    """Give a file's text, empty when there is none."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def changes(files: Iterable[File]) -> list[File]:
    """Those that the host has otherwise."""
    return [file for file in files if not file.is_right]


def write(file: File, judge: Judge | None = None) -> None:
    """Put a file in place, or take it away. `judge` gets the draft's path and refuses it with an exception."""
    target = Path(file.path)
    if not file.text:
        target.unlink(missing_ok=True)
        return
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".sophia-")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(file.text)
        if judge is not None:
            judge(name)
        draft.chmod(file.mode)
        draft.replace(target)
    except BaseException:
        draft.unlink()
        raise


def diff(file: File) -> dict[str, str]:
    """Give one entry of a module's diff, as long as the file is not yet written."""
    return {
        "before": read(file.path),
        "after": file.text,
        "before_header": file.path,
        "after_header": f"{file.path} (mode {file.mode:04o})" if file.text else f"{file.path} (absent)",
    }
