# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds in a compose document what Swarm drops without a word, rejects with an obscure message, or can never run."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.swarm import compose as documents
from ansible_collections.sophia.platform.plugins.module_utils.swarm.images import tag_of

NAME = re.compile(r"^[a-zA-Z0-9]([a-zA-Z0-9._-]{0,62}[a-zA-Z0-9])?$")
_VARIABLE = re.compile(r"(?<!\$)(?:\$\$)*\$(?!\$)")
_IGNORED = "Swarm ignores it"
_REFUSED = "Swarm's schema refuses it"
UNSUPPORTED = {
    **dict.fromkeys(
        (
            "build",
            "cgroup_parent",
            "container_name",
            "devices",
            "external_links",
            "ipc",
            "links",
            "mac_address",
            "network_mode",
            "pid",
            "privileged",
            "security_opt",
            "userns_mode",
        ),
        _IGNORED,
    ),
    "restart": f"{_IGNORED}; say deploy.restart_policy",
    "depends_on": f"{_IGNORED}; services must wait for each other themselves",
    "shm_size": f"{_IGNORED}; mount a volume of type tmpfs at /dev/shm with tmpfs.size in bytes",
    "tmpfs": f"{_IGNORED}; write it as a volume of type tmpfs",
    **dict.fromkeys(
        (
            "annotations",
            "blkio_config",
            "extends",
            "gpus",
            "group_add",
            "memswap_limit",
            "pids_limit",
            "profiles",
            "pull_policy",
            "runtime",
        ),
        _REFUSED,
    ),
    "mem_limit": f"{_REFUSED}; say deploy.resources.limits.memory",
    "cpus": f"{_REFUSED}; say deploy.resources.limits.cpus",
}


@dataclass
class Surroundings:
    """What is there to refer to: names in the Swarm, and what the release brings along."""

    networks: dict[str, str] = field(default_factory=dict)  # name -> scope
    secrets: set[str] = field(default_factory=set)
    configs: set[str] = field(default_factory=set)
    brought: dict[str, set[str]] = field(default_factory=dict)  # secrets, configs -> names


def problems(
    stack: str, compose: Mapping, scaled: Mapping[str, Mapping], sequential: Iterable[str], around: Surroundings | None
) -> list[str]:
    """Everything that is wrong, all at once; empty when nothing is. Without `around`, only what the document says."""
    if not NAME.match(stack):
        return [f"the stack's name {stack!r} may hold letters, digits, '.', '_' and '-' only"]
    if not documents.services(compose):
        return ["compose.services is empty; to remove a stack, say state: absent"]
    found = (
        [f"compose.name is refused by Swarm's schema; the stack is called {stack!r} already"]
        if "name" in compose
        else []
    )
    for name, service in documents.services(compose).items():
        found += [f"service {name}: {problem}" for problem in _service_problems(stack, name, service or {})]
        found += [f"service {name}: {problem}" for problem in _reference_problems(compose, service or {})]
    found += _variables(compose, "compose")
    if around is not None:
        found += _network_problems(compose, around)
        for kind in documents.KINDS:
            found += _object_problems(compose, kind, getattr(around, kind), around.brought.get(kind, set()))
    return found + _option_problems(documents.services(compose), scaled, sequential)


def _service_problems(stack: str, name: str, service: Mapping) -> list[str]:
    found = [f"{key}: {reason}" for key, reason in UNSUPPORTED.items() if key in service]
    if not NAME.match(f"{stack}_{name}"):
        found.append(f"{stack}_{name} is no valid name of a Swarm service (letters, digits, '.', '_', '-'; at most 64)")
    image = service.get("image")
    if not image:
        found.append("image: is missing")
    elif not tag_of(image):
        found.append(f"image: {image} has no tag; what runs would depend on the day")
    deploy = service.get("deploy") or {}
    if "devices" in ((deploy.get("resources") or {}).get("reservations") or {}):
        found.append(f"deploy.resources.reservations.devices: {_REFUSED}; reserve generic_resources")
    ports = [port for port in service.get("ports") or [] if isinstance(port, Mapping)]
    if any(isinstance(port.get("published"), str) for port in ports):
        found.append("ports: published must be a number")
    in_mesh = [
        port for port in service.get("ports") or [] if not isinstance(port, Mapping) or port.get("mode") != "host"
    ]
    if in_mesh and deploy.get("endpoint_mode") == "dnsrr":
        found.append("ports: endpoint_mode dnsrr allows published ports in mode host only")
    order = (deploy.get("update_config") or {}).get("order")
    if ports and not in_mesh and deploy.get("mode") == "global" and order == "start-first":
        found.append("update_config.order: start-first can never find the host port free on a node; say stop-first")
    variables = service.get("environment")
    if isinstance(variables, Mapping):
        found += [
            f"environment.{key}: a boolean is refused; quote it"
            for key, value in variables.items()
            if isinstance(value, bool)
        ]
    for kind in documents.KINDS:
        modes = [entry.get("mode") for entry in service.get(kind) or [] if isinstance(entry, Mapping)]
        if any(isinstance(mode, str) for mode in modes):
            found.append(f"{kind}: mode must be a number")
    return found


def _reference_problems(compose: Mapping, service: Mapping) -> list[str]:
    """What a service names and the document does not define."""
    found = []
    for kind in (*documents.KINDS, "networks"):
        entries = service.get(kind) or []
        keys = list(entries) if kind == "networks" else documents.referenced_keys(service, kind)
        defined = {*(compose.get(kind) or {}), *(["default"] if kind == "networks" else [])}
        found += [f"{kind}: {key} is not defined under compose.{kind}" for key in keys if key not in defined]
    return found


def missing_networks(compose: Mapping, around: Surroundings) -> list[str]:
    """The external networks that do not exist."""
    entries = compose.get("networks") or {}
    names = [
        documents.object_name(compose, "networks", key)
        for key, entry in entries.items()
        if (entry or {}).get("external")
    ]
    return [name for name in names if name not in around.networks]


def changed_networks(before: Mapping, after: Mapping) -> list[str]:
    """The stack's own networks whose definition changed, which Swarm would ignore."""
    old, new = before.get("networks") or {}, after.get("networks") or {}
    return [
        f"networks.{key}: Swarm does not change a network in place; define it under another key"
        for key in old
        if key in new and old[key] != new[key] and not (new[key] or {}).get("external")
    ]


def _network_problems(compose: Mapping, around: Surroundings) -> list[str]:
    found = []
    for key, entry in (compose.get("networks") or {}).items():
        if not (entry or {}).get("external"):
            continue
        name = documents.object_name(compose, "networks", key)
        scope = around.networks.get(name)
        if scope is None:
            found.append(f"network {name} is external and does not exist; create it (overlay) first")
        elif scope != "swarm":
            found.append(
                f"network {name} is external and of scope {scope}; services need an overlay network (scope swarm)"
            )
    return found


def _object_problems(compose: Mapping, kind: str, there: Collection[str], brought: Collection[str]) -> list[str]:
    found = []
    for key, entry in (compose.get(kind) or {}).items():
        name = documents.object_name(compose, kind, key)
        if not (entry or {}).get("external"):
            found.append(f"{kind}.{key} is not external; pass its content in the option {kind} under a versioned name")
        elif name not in there and name not in brought:
            found.append(f"{kind}.{key}: {name} neither exists in the Swarm nor is passed in the option {kind}")
    unused = sorted(set(brought) - set(documents.object_names(compose, kind)))
    found += [f"{kind}: {name} is passed in and no service uses it" for name in unused]
    found += [
        f"{kind}: {name!r} is no valid name (at most 64 of letters, digits, '.', '_', '-')"
        for name in brought
        if not NAME.match(name)
    ]
    return found


def _option_problems(services: Mapping, scaled: Mapping[str, Mapping], sequential: Iterable[str]) -> list[str]:
    found = []
    for name, bounds in scaled.items():
        if name not in services:
            found.append(f"scaled: there is no service {name}")
        elif not {"min", "max"} <= set(bounds) or not 0 <= int(bounds["min"]) <= int(bounds["max"]):
            found.append(f"scaled.{name}: wants {{min, max}} with 0 <= min <= max, got {dict(bounds)}")
        elif ((services[name] or {}).get("deploy") or {}).get("mode", "replicated") != "replicated":
            found.append(f"scaled.{name}: only a replicated service can be scaled")
    return found + [f"sequential: there is no service {name}" for name in sequential if name not in services]


def _variables(value: Any, path: str) -> list[str]:
    """Where a lone `$` stands: the CLI would put an environment variable of the host there, or refuse it."""
    if isinstance(value, Mapping):
        return [problem for key, item in value.items() for problem in _variables(item, f"{path}.{key}")]
    if isinstance(value, list):
        return [problem for index, item in enumerate(value) for problem in _variables(item, f"{path}[{index}]")]
    if isinstance(value, str) and _VARIABLE.search(value):
        return [f"{path}: variables are not put in here; write $$ for a dollar sign"]
    return []
