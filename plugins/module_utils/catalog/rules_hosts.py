# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong between the catalog and the hosts of the inventory."""

from __future__ import annotations

from collections.abc import Iterator

from ansible_collections.sophia.platform.plugins.module_utils.catalog.compose import max_per_node
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import Catalog, Service


def problems(catalog: Catalog, hosts: list[dict]) -> Iterator[str]:
    """hosts: {name, role, labels, address, gpu_count} each; a role of None is a host of no group that has one."""
    place = f"inventories/{catalog.environment}"
    managers = [host["name"] for host in hosts if host["role"] == "manager"]
    if not managers:
        yield f"{place}: no host is a manager, so that there is no Swarm to make"
        return
    yield from (f"{place}: {text}" for text in _members(hosts))
    if len(managers) == 2:
        both = " and ".join(managers)
        yield f"{place}: two managers, {both}: losing one of them stops the Swarm; have one, three or five"
    for service in catalog.entries:
        for option, text in _placement(catalog, service, hosts):
            yield service.problem(option, f"{text} ({place})")


def _members(hosts: list[dict]) -> Iterator[str]:
    """What is wrong with the hosts as members of one Swarm."""
    seen: set[str] = set()
    owners: dict[str, str] = {}
    for host in hosts:
        name, address = host["name"], host.get("address", f"that of {host['name']}")  # not given: not compared
        if host["role"] is None:
            yield f"host {name} is in the group swarm only; put it into managers or workers"
        elif name in seen:
            yield f"host {name} is in managers and in workers; take it out of one"
        elif not address:
            yield f"host {name} has no private_address, by which the other hosts of the Swarm reach it"
        elif owners.setdefault(address, name) != name:
            yield f"hosts {owners[address]} and {name} have the same private_address {address}"
        seen.add(name)


def eligible(service: Service, hosts: list[dict]) -> list[str]:
    """The names of the hosts that the service's tasks may run on."""
    placement = service["placement"] or {}
    labels = (placement.get("labels") or {}).items()
    role = placement.get("role")
    return [
        host["name"]
        for host in hosts
        if role in (None, host["role"])
        and all(str((host.get("labels") or {}).get(key)) == str(value) for key, value in labels)
    ]


def _placement(catalog: Catalog, service: Service, hosts: list[dict]) -> Iterator[tuple[str, str]]:
    names, placement = eligible(service, hosts), service["placement"] or {}
    if not names:
        wanted = [f"label {key}={value}" for key, value in (placement.get("labels") or {}).items()]
        wanted += [f"role {placement['role']}"] if placement.get("role") else []
        advice = "give it to a host, or leave the service out with enabled: false in service_overrides"
        yield "placement", f"no host has {' and '.join(wanted)}; {advice}"
        return
    most = max((host.get("gpu_count", 0) for host in hosts if host["name"] in names), default=0)
    if service["gpu"] > most:
        yield "gpu", f"a task wants {service['gpu']} GPUs of its node, no host it may run on has more than {most}"
    if service["global"]:
        return
    count = (service["autoscale"] or {}).get("max") or service["replicas"]
    if service["volumes"] and len(names) > 1:
        text = "volumes without placement.labels that only one host has: a task could move and find no data"
        yield "volumes", f"{text}, among {', '.join(names)}"
    if service["publish"] and count > len(names):
        yield "publish", f"publishes a port of its node with {count} replicas, but only {_hosts(names)} may run it"
    limit = max_per_node(catalog, service)
    if limit and count > limit * len(names):
        yield "replicas", f"{count} replicas, but {_hosts(names)} with {limit} each hold only {limit * len(names)}"


def _hosts(names: list[str]) -> str:
    return f"{len(names)} host{'s' if len(names) > 1 else ''} ({', '.join(names)})"
