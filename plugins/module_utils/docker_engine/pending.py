# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides how a running engine takes up new settings: not at all, by a reload, or by a restart."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.host.files import read

NOTHING, RELOAD, RESTART = "", "reload", "restart"
# What an engine reads again on SIGHUP; no container notices.
RELOADABLE = {
    *("debug", "labels", "max-concurrent-downloads", "max-concurrent-uploads", "max-download-attempts"),
    *("default-runtime", "runtimes", "authorization-plugins", "insecure-registries", "registry-mirrors"),
    "shutdown-timeout",
}
# Written before the files are, taken away when the engine has taken them up. A reboot clears it, and settles it too.
MARK_PATH = "/run/sophia-docker-pending"
PID_PATH = "/run/docker.pid"


def changed_keys(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """Name the top-level keys that differ."""
    return {key for key in {*before, *after} if before.get(key) != after.get(key) or (key in before) != (key in after)}


def needed(keys: Iterable[str], after: Mapping[str, Any]) -> str:
    """Say what the change of these keys of daemon.json takes.

    A key that went away takes a restart: on a reload engines keep the value that they had.
    """
    keys = set(keys)
    if not keys:
        return NOTHING
    return RELOAD if keys <= RELOADABLE & set(after) else RESTART


def stronger(*actions: str) -> str:
    """Give the one that includes the others."""
    return max(actions, key=(NOTHING, RELOAD, RESTART).index)


def marked(mark_path: str = MARK_PATH, pid_path: str = PID_PATH) -> str:
    """Give what an interrupted run left to do; nothing when the engine was started after it."""
    action = read(mark_path).strip()
    try:
        if action not in (RELOAD, RESTART) or Path(pid_path).stat().st_mtime > Path(mark_path).stat().st_mtime:
            return NOTHING
    except FileNotFoundError:
        return action
    return action


def mark(action: str, mark_path: str = MARK_PATH) -> None:
    """Remember what is to be done, or that nothing is."""
    if action:
        Path(mark_path).write_text(f"{action}\n", encoding="utf-8")
    else:
        Path(mark_path).unlink(missing_ok=True)
