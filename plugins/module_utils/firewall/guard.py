# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard against locking oneself out: keeps the old state, and puts it back unless somebody confirms in time.

It is a timer of systemd, so it outlives the process, the SSH session and Ansible. When the host goes down meanwhile,
the next boot puts the old state back.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.firewall import restore
from ansible_collections.sophia.platform.plugins.module_utils.host import files
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, ask, run

SERVICE, TIMER = f"{restore.UNIT}.service", f"{restore.UNIT}.timer"
_KEPT, _NOTE, _STATE = Path(restore.KEPT), Path(restore.NOTE), "state.json"
_RESTORE_SECONDS = 30


@dataclass(frozen=True)
class Pending:
    """A change that waits for its confirmation."""

    until: float
    connection: str

    @property
    def left_seconds(self) -> int:
        """How long it still waits."""
        return max(0, round(self.until - time.time()))


def pending() -> Pending | None:
    """The change that waits, if one does."""
    try:
        state = json.loads((_KEPT / _STATE).read_text(encoding="utf-8"))
        return Pending(float(state["until"]), str(state["connection"]))
    except FileNotFoundError:
        return Pending(0, "") if _KEPT.exists() else None
    except (ValueError, KeyError):
        return Pending(0, "")


def taken_back() -> str:
    """When a change was taken back, as text; empty when none was, or it has been told."""
    return files.read(restore.NOTE).strip()


def told() -> None:
    """Forget that a change was taken back."""
    _NOTE.unlink(missing_ok=True)


def start(old: restore.OldState, seconds: int, connection: str) -> None:
    """Keep the old state and start the clock. After this returns, the host comes back by itself."""
    draft = Path(f"{restore.KEPT}.new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.rmtree(restore.TAKEN, ignore_errors=True)
    draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft.parent.chmod(0o700)
    draft.mkdir(mode=0o700)
    state = {"until": time.time() + seconds, "connection": connection}
    for name, text in {**restore.kept_files(old), _STATE: json.dumps(state)}.items():
        handle = os.open(draft / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(handle)
    try:
        draft.rename(_KEPT)
    except OSError as error:
        raise HostError(
            f"Another change began to wait for its confirmation just now ({restore.KEPT}): {error}"
        ) from error
    files.write(files.File(restore.UNIT_PATH, restore.unit()))
    ask("systemctl", "stop", TIMER)
    ask("systemctl", "reset-failed", SERVICE, TIMER)
    run("systemctl", "--quiet", "enable", SERVICE)
    on_time = [f"--on-active={seconds}s", "--timer-property=AccuracySec=1s", f"--unit={SERVICE}"]
    try:
        run("systemd-run", "--quiet", *on_time)
    except HostError:
        _forget(_KEPT)
        raise


def confirm(connection: str) -> bool:
    """Keep the change; False when there was none. Refuses the connection that was there before the change."""
    waiting = pending()
    if waiting is None:
        if taken_back():
            raise HostError(
                f"The change was taken back at {taken_back()} (host time): no new connection confirmed it in time. The "
                "host has its old rules. Find out what kept connections out, or raise host_firewall_guard_seconds."
            )
        return False
    if connection and connection == waiting.connection:
        raise HostError(
            "This is the connection that was open before the change, and proves nothing. Reset it first "
            f"(meta: reset_connection); the change is taken back in {waiting.left_seconds} s otherwise."
        )
    confirmed = Path(f"{restore.KEPT}.confirmed")
    shutil.rmtree(confirmed, ignore_errors=True)
    try:
        _KEPT.rename(confirmed)
    except FileNotFoundError:
        raise HostError("The change was being taken back while it was confirmed; run again.") from None
    _forget(confirmed)
    return True


def _forget(kept: Path) -> None:
    ask("systemctl", "stop", TIMER)
    ask("systemctl", "--quiet", "--no-reload", "disable", SERVICE)
    Path(restore.UNIT_PATH).unlink(missing_ok=True)
    told()
    shutil.rmtree(kept)


def revert() -> None:
    """Put the old state back now."""
    ask("systemctl", "stop", TIMER)
    answer = ask("systemctl", "start", SERVICE)
    if pending() is not None:
        raise HostError(f"The old state could not be put back: {answer.said}. It is kept in {restore.KEPT}.")
    told()


def settle() -> list[str]:
    """Wait until no change waits any longer; say what was waited for. One whose timer is gone is taken back now."""
    waiting = pending()
    if waiting is None:
        return []
    messages = [
        f"An earlier change waited for its confirmation, for {waiting.left_seconds} s more; this run waited too."
    ]
    until = time.monotonic() + waiting.left_seconds + _RESTORE_SECONDS
    while pending() is not None and time.monotonic() < until and _is_ticking():
        time.sleep(0.5)
    if pending() is not None:
        revert()
        messages.append("Its timer was gone, so it was taken back.")
    return messages


def _is_ticking() -> bool:
    return any(
        ask("systemctl", "is-active", unit).output.strip() in ("active", "activating") for unit in (TIMER, SERVICE)
    )
