# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads several systemd units in one question. Knows no Ansible."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.host.commands import run

PROPERTIES = "Id,LoadState,ActiveState,UnitFileState,ActiveEnterTimestampMonotonic,FragmentPath,SourcePath"
BLUR_SECONDS = 0.1  # between the clocks of files and of systemd


@dataclass(frozen=True)
class Unit:
    """A unit as systemd tells it. `since` is when it became active, in seconds since 1970."""

    name: str
    load: str = "not-found"
    active: bool = False
    file_state: str = ""
    since: float = 0.0
    fragment: str = ""
    source: str = ""

    @property
    def masked(self) -> bool:
        """Whether it is masked."""
        return self.load == "masked" or self.file_state == "masked"

    def is_older_than(self, path: str) -> bool:
        """Say whether a file changed after the unit started, so that the unit cannot have read it."""
        target = Path(path)
        return self.active and target.exists() and target.stat().st_mtime > self.since + BLUR_SECONDS


def parse_units(text: str, boot_time: float) -> dict[str, Unit]:
    """Read what `systemctl show` prints: a block a unit, with an empty line between. Its times count from the boot."""
    units = {}
    for block in text.split("\n\n"):
        have = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        if have.get("Id"):
            units[have["Id"]] = Unit(
                have["Id"],
                have.get("LoadState", ""),
                have.get("ActiveState") == "active",
                have.get("UnitFileState", ""),
                boot_time + int(have.get("ActiveEnterTimestampMonotonic") or 0) / 1e6,
                have.get("FragmentPath", ""),
                have.get("SourcePath", ""),
            )
    return units


def read_units(names: Iterable[str]) -> dict[str, Unit]:
    """Ask systemd; a name may be a pattern, which finds units that are loaded."""
    text = run("systemctl", "show", f"--property={PROPERTIES}", *names)
    return parse_units(text, time.time() - time.monotonic())


def unit_of(units: Mapping[str, Unit], name: str) -> Unit:
    """Give a unit, also one that systemd did not tell of."""
    return units.get(name, Unit(name))
