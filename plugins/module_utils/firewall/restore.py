# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the program that puts an old state back, and the unit that runs it. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.sophia.platform.plugins.module_utils.firewall.render import (
    FAMILIES,
    JUMP,
    OURS,
    REPLACE,
    USER_CHAIN,
)

BASE = "/var/lib/sophia-firewall"
KEPT, TAKEN, NOTE = f"{BASE}/guard", f"{BASE}/taken", f"{BASE}/taken-back"
UNIT = "sophia-firewall-guard"
UNIT_PATH = f"/etc/systemd/system/{UNIT}.service"


@dataclass(frozen=True)
class OldState:
    """What was there before a change: files (path -> text and mode, None: absent), units (name -> enabled, active), a
    text for nft that restores our table, and one per family that restores our chains."""

    files: Mapping[str, tuple[str, int] | None] = field(default_factory=dict)
    units: Mapping[str, tuple[bool, bool]] = field(default_factory=dict)
    table: str = REPLACE
    chains: Mapping[str, str] = field(default_factory=dict)


def kept_files(old: OldState) -> dict[str, str]:
    """Everything that the kept directory holds: name -> text."""
    kept = {"table.nft": old.table, **old.chains}
    kept |= {f"file-{number}": was[0] for number, was in enumerate(old.files.values()) if was is not None}
    kept["restore"] = program(old)
    return kept


def program(old: OldState) -> str:
    """The program. It goes on after an error: each step that works brings the host nearer to what it was."""
    lines = [
        "#!/bin/sh",
        OURS,
        "# Puts back what was here before a change that nobody confirmed. The rename makes sure that only one of this",
        "# program and a confirmation takes effect. A run that was cut off is done again by the next boot.",
        f"[ -e {TAKEN} ] || mv {KEPT} {TAKEN} 2>/dev/null || exit 0",
        f"cd {TAKEN} || exit 1",
        "nft -f table.nft",
    ]
    for family in FAMILIES:
        if family in old.chains:
            lines += [
                "{",
                "    echo '*filter'",
                f"    {family} -w -S {USER_CHAIN} 2>/dev/null | grep -x -e '{JUMP}' | sed 's/^-A/-D/'",
                f"    cat {family}",
                f"}} | {family}-restore -w --noflush",
            ]
    # A unit is disabled while its file is there, and enabled once its file is back.
    for unit, (enabled, active) in old.units.items():
        if not enabled:
            lines.append(f"systemctl --quiet --no-reload disable {unit} 2>/dev/null")
        if not active:
            lines.append(f"systemctl --quiet --no-block stop {unit} 2>/dev/null")
    for number, (path, was) in enumerate(old.files.items()):
        if was is None:
            lines.append(f"rm -f {shlex.quote(path)}")
        else:
            target = shlex.quote(path)
            lines.append(f"install -m {was[1]:04o} file-{number} {target}.back && mv {target}.back {target}")
    lines += [
        "# Not as a job of systemd: at boot that would wait for sshd, which waits for this.",
        "pid=$(systemctl show --property=MainPID --value ssh.service)",
        'sshd -t && [ "${pid:-0}" -gt 0 ] && kill -HUP "$pid"',
        "systemctl daemon-reload",
    ]
    lines += [f"systemctl --quiet --no-reload enable {unit}" for unit, (enabled, _) in old.units.items() if enabled]
    lines += [
        f"date '+%Y-%m-%d %H:%M:%S' > {NOTE}",
        f"systemctl --quiet --no-reload disable {UNIT}.service 2>/dev/null",
        f"rm -f {UNIT_PATH}",
        f"rm -rf {TAKEN}",
    ]
    return "\n".join(lines) + "\n"


def unit() -> str:
    """The unit that the guard's timer starts, and that a boot starts when the host went down under a guard."""
    return f"""{OURS}
[Unit]
Description=Takes back a change of the firewall or of sshd that no new connection has confirmed
DefaultDependencies=no
RequiresMountsFor={BASE}
After=local-fs.target
Before=sophia-firewall.service sophia-firewall-docker.service ssh.service
ConditionPathExists=|{KEPT}/restore
ConditionPathExists=|{TAKEN}/restore

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'if [ -e {TAKEN}/restore ]; then exec /bin/sh {TAKEN}/restore; fi; exec /bin/sh {KEPT}/restore'

[Install]
WantedBy=sysinit.target
"""
