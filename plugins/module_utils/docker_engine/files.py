# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the engine's files in place and looks after its systemd unit. Knows no Ansible."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Callable

UNIT = "docker.service"
TIMEOUT_SECONDS = 120


class HostError(Exception):
    """A file or the unit of the engine could not be brought to its state."""


def run(*argv: str) -> str:
    """Run a command and return what it printed; HostError when it fails."""
    try:
        done = subprocess.run(argv, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise HostError(f"{' '.join(argv)}: {error}") from error
    if done.returncode != 0:
        raise HostError(f"{' '.join(argv)} ended with {done.returncode}: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def read(path: str) -> str:
    """Give a file's text, empty when there is none."""
    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""


def write(path: str, text: str, judge: Callable[[str], Any] | None = None) -> None:
    """Write a file in one step once `judge` accepts the draft's path; an empty text removes the file."""
    target = Path(path)
    if not text:
        target.unlink()
        return
    target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=".sophia-")
    draft = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
        if judge is not None:
            judge(name)
        draft.chmod(0o644)
        draft.replace(target)
    except BaseException:
        draft.unlink()
        raise


def validate(draft: str) -> None:
    """Let the installed engine judge a daemon.json."""
    try:
        run("dockerd", "--validate", "--config-file", draft)
    except HostError as error:
        raise HostError(f"dockerd refuses the new daemon.json, the old one stays: {error}") from error


def unit_state() -> dict[str, bool]:
    """Say whether the unit exists, runs, and starts at boot."""
    text = run("systemctl", "show", UNIT, "--property=LoadState,ActiveState,UnitFileState")
    state = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {
        "exists": state.get("LoadState") == "loaded",
        "active": state.get("ActiveState") == "active",
        "enabled": state.get("UnitFileState") == "enabled",
    }
