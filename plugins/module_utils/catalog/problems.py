# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is wrong with a catalog, at once."""

from __future__ import annotations

import re
from dataclasses import replace

from ansible_collections.sophia.platform.plugins.module_utils.catalog import (
    fleet,
    rules_between,
    rules_entry,
    rules_hosts,
)
from ansible_collections.sophia.platform.plugins.module_utils.catalog.errors import CatalogError
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import load
from ansible_collections.sophia.platform.plugins.module_utils.catalog.origin import plain
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster.labels import node_labels

ROLES = {"managers": "manager", "workers": "worker"}


def problems(platform: object, secret_names: list[str] | None = None, hosts: list[dict] | None = None) -> list[str]:
    """All problems, sorted; none means that everything can be computed. Never raises.

    secret_names: what the secret store has. hosts: {name, role, labels, address, gpu_count} each. What is None is not
    checked.
    """
    try:
        catalog, found = load(platform)
    except CatalogError as error:
        return sorted(error.problems, key=_by_line)
    given = [entry.get("name") for entry in platform["services"] if isinstance(entry, dict)]
    names = {plain(name) for name in given if isinstance(name, str)}
    found += rules_between.source(platform)
    found += rules_entry.problems(catalog)
    # Of two services with one name only the first is compared with others: the second is a problem already.
    catalog = replace(catalog, entries=list({entry.name: entry for entry in reversed(catalog.entries)}.values())[::-1])
    found += rules_between.clashes(catalog)
    found += rules_between.needs(catalog, names)
    found += rules_between.settings(catalog, platform)
    found += rules_between.records(catalog)
    found += rules_between.authorities(catalog)
    if secret_names is not None:
        found += rules_between.secrets(catalog, plain(secret_names))
    if hosts is not None:
        found += rules_hosts.problems(catalog, plain(hosts))
    return sorted(set(found), key=_by_line)


def _by_line(problem: str) -> list:
    """A key that sorts line 9 before line 10."""
    return [(part.isdigit(), int(part) if part.isdigit() else 0, part) for part in re.split(r"(\d+)", problem)]


def hosts(groups: dict, hostvars: dict, wanted: dict | None = None) -> list[dict]:
    """The hosts of the inventory as `problems` takes them, from Ansible's `groups` and `hostvars`.

    wanted: the platform's fleet; those of its hosts that the inventory does not have yet are told too.
    """
    grouped = [
        {
            "name": name,
            "role": role,
            "labels": node_labels(hostvars[name]),
            "gpu_count": int(hostvars[name].get("gpu_count") or 0),
            "address": hostvars[name].get("private_address"),
        }
        for group, role in ROLES.items()
        for name in groups.get(group) or []
    ]
    known = {host["name"] for host in grouped}
    grouped += [{"name": name, "role": None} for name in groups.get("swarm") or [] if name not in known]
    return grouped + fleet.hosts(plain(wanted or {}), {host["name"] for host in grouped})
