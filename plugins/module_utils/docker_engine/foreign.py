# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells apart what the platform wrote into daemon.json and what came from elsewhere. Pure.

The platform remembers its own last content in a second file. A key of daemon.json that is not in it is foreign: a
person or the machine's image put it there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.settings import SettingsError, refusals

MEMORY_PATH = "/var/lib/sophia/daemon.json"


def parse(text: str, path: str) -> dict[str, Any]:
    """Read a JSON object; nothing for an empty text. SettingsError when it is something else."""
    if not text.strip():
        return {}
    try:
        content = json.loads(text)
    except ValueError as error:
        content = error
    if not isinstance(content, dict):
        told = str(content) if isinstance(content, ValueError) else f"a {type(content).__name__}"
        raise SettingsError(
            f"{path} holds no JSON object ({told}), so nobody can tell what of it must be kept. Repair it, or let the "
            "role write it anew with docker_foreign_settings: remove."
        )
    return content


def beyond(content: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Give what of the content the other one does not say. Mappings are compared inside, lists as a whole."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        if key not in other:
            found[key] = value
        elif isinstance(value, dict) and isinstance(other[key], dict):
            inside = beyond(value, other[key])
            if inside:
                found[key] = inside
    return found


def together(stays: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, Any]:
    """Lay our content over what stays of the foreign one."""
    both = dict(stays)
    for key, value in ours.items():
        both[key] = together(both[key], value) if isinstance(both.get(key), dict) and isinstance(value, dict) else value
    return both


def paths(content: Mapping[str, Any], above: str = "") -> list[str]:
    """Name every value by its path: `log-opts.max-size`."""
    found = []
    for key, value in content.items():
        inside = paths(value, f"{above}{key}.") if isinstance(value, dict) and value else []
        found += inside or [f"{above}{key}"]
    return sorted(found)


def problems(stays: Mapping[str, Any], path: str) -> list[str]:
    """Say which foreign values a Swarm node cannot keep."""
    return [
        f"{path} has {key}, which the platform did not write: {why}. Take it out of the file, or let the role do it "
        "with docker_foreign_settings: remove."
        for key, why in refusals(stays)
    ]
