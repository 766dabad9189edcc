# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at systemd units. Knows no Ansible."""

from __future__ import annotations

from ansible_collections.sophia.platform.plugins.module_utils.host.commands import run


def unit_state(unit: str) -> dict[str, bool]:
    """Say whether a unit exists, runs, and starts at boot."""
    text = run("systemctl", "show", unit, "--property=LoadState,ActiveState,UnitFileState")
    state = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {
        "exists": state.get("LoadState") == "loaded",
        "active": state.get("ActiveState") == "active",
        "enabled": state.get("UnitFileState") == "enabled",
    }
