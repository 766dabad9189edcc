# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns swap off, now and at boot, and can take that back. Knows no Ansible."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.host.base_step import Step, told
from ansible_collections.sophia.platform.plugins.module_utils.host.base_units import Unit
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import run
from ansible_collections.sophia.platform.plugins.module_utils.host.files import File, diff, write

FSTAB = "/etc/fstab"
SWAPS = "/proc/swaps"
MARK = "#sophia-swap-off# "
SWAPOFF_SECONDS = 900


def without_swap(fstab: str) -> str:
    """Give the fstab with its swap lines commented out by our mark, so that they can come back as they were."""
    return "".join(MARK + line if _is_swap(line) else line for line in fstab.splitlines(keepends=True))


def with_swap(fstab: str) -> str:
    """Give the fstab with the lines that we commented out as they were."""
    return "".join(line[len(MARK) :] if line.startswith(MARK) else line for line in fstab.splitlines(keepends=True))


def _is_swap(line: str) -> bool:
    fields = line.split()
    return len(fields) >= 3 and not fields[0].startswith("#") and fields[2] == "swap"


def active(swaps: str) -> list[str]:
    """Read the devices and files that are swapped to now from the text of /proc/swaps."""
    names = (line.split()[0] for line in swaps.splitlines()[1:] if line.strip())
    return [re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), name) for name in names]


def to_mask(units: Iterable[Unit]) -> list[str]:
    """Choose the swap units that would come back at boot: those with a file that is not made from the fstab."""
    return sorted(
        unit.name
        for unit in units
        if unit.name.endswith(".swap")
        and not unit.masked
        and unit.load == "loaded"
        and unit.fragment
        and unit.source != FSTAB
    )


def _fstab(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return ""


def steps(mode: str, units: Iterable[Unit], fstab_path: str = FSTAB, swaps_path: str = SWAPS) -> list[Step]:
    """Plan. `keep` only gives back what an earlier `off` took out of the fstab; it turns nothing on."""
    text = _fstab(fstab_path)
    wanted = without_swap(text) if mode == "off" else with_swap(text)
    found = []
    if wanted != text:
        file = File(fstab_path, wanted, Path(fstab_path).stat().st_mode & 0o7777)
        found.append(Step(fstab_path, diff(file), lambda: _write_fstab(file)))
    if mode != "off":
        return found
    masks = to_mask(units)
    if masks:
        names = ", ".join(masks)
        found.append(told("swap units", names, f"{names} masked", lambda: _mask(masks)))
    devices = active(Path(swaps_path).read_text(encoding="utf-8", errors="surrogateescape"))
    if devices:
        found.append(told("swap in use", ", ".join(devices), "none", lambda: _off(devices)))
    return found


def _write_fstab(file: File) -> None:
    write(file)
    run("systemctl", "daemon-reload")


def _mask(units: list[str]) -> None:
    run("systemctl", "mask", *units)


def _off(devices: list[str]) -> None:
    for device in devices:
        run("swapoff", device, timeout_seconds=SWAPOFF_SECONDS)
