# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares versions of the toolkit's packages, and knows which of them cannot work. Pure."""

from __future__ import annotations

import re
from itertools import zip_longest

PACKAGES = (
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
)
# Their default mode became jit-cdi, which did not look at swarm-resource before 1.19.0.
DEAF = ((1, 18, 0), (1, 18, 2))
# Before it the default mode was the legacy hook.
FIRST_JIT = (1, 18, 0)
# From here on nvidia-ctk no longer comments a default value out again.
KEEPS_DEFAULTS = (1, 20, 0)

_PARTS = re.compile(r"(\d+)")


def numbers(version: str) -> tuple[int, int, int]:
    """Give the three numbers of an upstream version (`1.18.1-0lambda0.22.04.1` -> 1, 18, 1); zeros when it has none."""
    found = re.match(r"(?:\d+:)?(\d+)(?:\.(\d+))?(?:\.(\d+))?", version)
    first, second, third = (int(part or 0) for part in found.groups()) if found else (0, 0, 0)
    return first, second, third


def is_deaf(version: str) -> bool:
    """Say whether this version ignores swarm-resource in its default mode."""
    return DEAF[0] <= numbers(version) <= DEAF[1]


def compare(left: str, right: str) -> int:
    """Order two Debian versions as dpkg does: below zero when the left one is older."""
    for mine, other in zip(_split(left), _split(right)):
        order = _compare_part(mine, other)
        if order:
            return order
    return 0


def _split(version: str) -> tuple[str, str, str]:
    epoch, _, rest = version.rpartition(":") if ":" in version else ("0", "", version)
    upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "0")
    return epoch, upstream, revision


def _compare_part(left: str, right: str) -> int:
    # Text and numbers take turns; in text `~` comes before the end, the end before letters, letters before the rest.
    for index, (mine, other) in enumerate(zip_longest(_PARTS.split(left), _PARTS.split(right), fillvalue="")):
        order = int(mine or 0) - int(other or 0) if index % 2 else _compare_text(mine, other)
        if order:
            return order
    return 0


def _compare_text(left: str, right: str) -> int:
    return next((_rank(a) - _rank(b) for a, b in zip_longest(left, right, fillvalue="") if a != b), 0)


def _rank(character: str) -> int:
    if character == "~":
        return -1
    if not character:
        return 0
    return ord(character) + (0 if character.isalpha() else 256)
