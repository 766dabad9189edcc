# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that Lambda Cloud is asked for: {name: {role, swarm_labels, gpu_count, ssh_port, region}}. Pure."""

from __future__ import annotations

import difflib
import re

from ansible_collections.sophia.platform.plugins.module_utils.catalog.errors import CatalogError
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster.labels import node_labels

FLEET_PATH = "platform_fleet"
ROLES = ("manager", "worker")
OPTIONS = ("role", "swarm_labels", "gpu_count", "ssh_port", "region")
HOST_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")  # what Lambda Cloud takes as a host name (reference §4.2)


def read(fleet: object) -> dict[str, dict]:
    """The fleet as it is written. Raises CatalogError with all that is wrong with it."""
    if not isinstance(fleet, dict):
        raise CatalogError([f"{FLEET_PATH} must be a mapping of host names to what is said of each"])
    problems = [text for name, entry in fleet.items() for text in _problems(name, entry)]
    if problems:
        raise CatalogError(problems)
    return fleet


def _problems(name: object, entry: object) -> list[str]:
    found = []
    if not HOST_NAME.fullmatch(str(name)):
        found.append(f"{FLEET_PATH}: {name!r} is no host name: lower-case letters, digits and `-`, at most 63")
    if not isinstance(entry, dict):
        return [*found, f"{FLEET_PATH}: {name} must be a mapping with a role"]
    for option in sorted(set(map(str, entry)) - set(OPTIONS)):
        near = difflib.get_close_matches(option, OPTIONS, n=1)
        found.append(f"{FLEET_PATH}: {name}: unknown option {option}" + (f", did you mean {near[0]}" if near else ""))
    if entry.get("role") not in ROLES:
        found.append(f"{FLEET_PATH}: {name}: role is {entry.get('role')!r}; it is {' or '.join(ROLES)}")
    return found


def instances(fleet: object) -> list[dict]:
    """The fleet as the module lambda_instance takes it; the role is a tag, by which the inventory groups hosts."""
    return [
        {
            "name": name,
            "hostname": name,
            "tags": {"role": entry["role"]},
            **{option: entry[option] for option in ("ssh_port", "region") if option in entry},
        }
        for name, entry in read(fleet).items()
    ]


def hosts(fleet: object, known: set[str]) -> list[dict]:
    """Hosts that are not launched yet, as `problems` takes them; they have no addresses."""
    return [
        {
            "name": name,
            "role": entry["role"],
            "labels": node_labels({"gpu_count": entry.get("gpu_count", 1), **entry}),
            "gpu_count": int(entry.get("gpu_count", 1)),
        }
        for name, entry in read(fleet).items()
        if name not in known
    ]
