# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong between entries, and between entries and the platform. Messages name both culprits."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterable, Iterator

from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import (
    KEY_SECRET,
    OPERATOR,
    Catalog,
    Service,
    is_for_operators,
    stack_needs,
)
from ansible_collections.sophia.platform.plugins.module_utils.catalog.order import in_order
from ansible_collections.sophia.platform.plugins.module_utils.catalog.origin import PLATFORM_PATH, plain, where

DOMAIN = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]{0,61}[a-z0-9]")


def source(platform: dict) -> Iterator[str]:
    """What is wrong with the lists and mappings that the entries are made from."""
    services, kinds, overrides = platform["services"], platform.get("kinds") or {}, platform.get("overrides") or {}
    first: dict[str, object] = {}
    for index, entry in enumerate(services):
        if not isinstance(entry, dict):
            yield f"{where(entry, services)}: services[{index}] must be a mapping, not {plain(entry)!r}"
            continue
        name = entry.get("name")
        if isinstance(name, str) and name in first:
            yield f"{where(name, entry)}: service {name}: there is another service {name} at {where(first[name])}"
        elif isinstance(name, str):
            first[name] = name
        override = overrides.get(name) if isinstance(name, str) else None
        kind = (override.get("kind") if isinstance(override, dict) else None) or entry.get("kind")
        if kind is not None and kind not in list(kinds):
            yield f"{where(kind, entry)}: service {name}: unknown kind {kind}{_known(kind, kinds)}"
    for key, value in overrides.items():
        if key not in first:
            yield f"{where(key, value, overrides)}: service_overrides: there is no service {key}{_known(key, first)}"
        elif not isinstance(value, dict):
            yield f"{where(key, value)}: service_overrides: the override of {key} must be a mapping, not {plain(value)!r}"
    for key, value in kinds.items():
        if not isinstance(value, dict):
            yield f"{where(key, value)}: service_kinds: the kind {key} must be a mapping, not {plain(value)!r}"


def _known(name: object, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name), list(map(str, names)), n=1)
    return f", did you mean {near[0]}" if near else f"; known are {', '.join(map(str, names)) or 'none'}"


def clashes(catalog: Catalog) -> Iterator[str]:
    """Two services that want the same thing of the node, of the edge or of the disk."""
    for service, other, option, text in [
        *_pairs(catalog.entries, _published),
        *_pairs(catalog.entries, _routes(catalog)),
    ]:
        yield f"{service.at(option)}: service {service.name}: {text}, as does service {other.name} ({other.at(option)})"
    for service, other, option, text in _pairs(catalog.entries, _volumes):
        yield f"{service.at(option)}: service {service.name}: {text}, as does service {other.name} ({other.at(option)})"


def _pairs(entries: list[Service], wants: object) -> Iterator[tuple[Service, Service, str, str]]:
    first: dict[object, Service] = {}
    for service in entries:
        for key, option, text in wants(service):
            if key in first:
                yield service, first[key], option, text
            else:
                first[key] = service


def _published(service: Service) -> Iterator[tuple[object, str, str]]:
    for port in service["publish"]:
        key = (port["protocol"], port["published"])
        yield key, "publish", f"publishes {port['protocol']} port {port['published']} of the nodes"


def _routes(catalog: Catalog) -> object:
    def wants(service: Service) -> Iterator[tuple[object, str, str]]:
        route = service["route"]
        if route:
            path = route["path"] or ""
            yield (route["host"], path), "route", f"is routed at {route['host']}.{catalog.domain}{path}"

    return wants


def _volumes(service: Service) -> Iterator[tuple[object, str, str]]:
    for name in service["volumes"]:
        yield (service["stack"], name), "volumes", f"uses the volume {name} of stack {service['stack']}"


def needs(catalog: Catalog, names: set[str]) -> Iterator[str]:
    """Needs that cannot be met. `names` are all services, also those that this environment leaves out."""
    enabled = {service.name: service for service in catalog.entries}
    for service in catalog.entries:
        for name in service["needs"]:
            if name not in names:
                yield f"{service.at('needs')}: service {service.name}: needs {name}, which there is not{_known(name, enabled)}"
            elif name not in enabled:
                yield f"{service.at('needs')}: service {service.name}: needs {name}, which is left out here or not valid"
    _order, cycle = in_order(list(enabled), {service.name: service["needs"] for service in catalog.entries})
    if cycle:
        places = ", ".join(f"{name} ({enabled[name].at('needs')})" for name in cycle[:-1])
        yield f"{enabled[cycle[0]].at('needs')}: service {cycle[0]}: needs itself by {' -> '.join(cycle)}: {places}"
        return
    stacks = list(dict.fromkeys(service["stack"] for service in catalog.entries))
    _order, cycle = in_order(stacks, stack_needs(catalog.entries))
    if cycle:
        guilty = [
            f"{service.name} of {service['stack']} needs {name} of {enabled[name]['stack']} ({service.at('needs')})"
            for service in catalog.entries
            for name in service["needs"]
            if name in enabled and (service["stack"], enabled[name]["stack"]) in zip(cycle, cycle[1:])
        ]
        yield f"{enabled_at(catalog, cycle[0])}: stacks need each other by {' -> '.join(cycle)}: {'; '.join(guilty)}"


def enabled_at(catalog: Catalog, stack: str) -> str:
    """Where the first service of a stack that needs something was written."""
    return next(service.at("needs") for service in catalog.entries if service["stack"] == stack and service["needs"])


def secrets(catalog: Catalog, secret_names: Iterable[str]) -> Iterator[str]:
    """Secrets that entries name and the store does not have."""
    there = set(secret_names)
    if KEY_SECRET not in there:
        yield f"{PLATFORM_PATH}: the secret store has no {KEY_SECRET}, the key that names of secrets are made with"
    for service in catalog.entries:
        wanted = [("secrets", name) for name in service["secrets"]]
        wanted += [("mcp", service["mcp"]["token"])] if service["mcp"] else []
        for option, name in dict((name, (option, name)) for option, name in reversed(wanted)).values():
            if name not in there:
                yield f"{service.at(option)}: service {service.name}: the secret store has no {name}"
    guarded = next(filter(is_for_operators, catalog.entries), None)
    if guarded and OPERATOR["secret"] not in there:
        yield f"{guarded.at('route')}: service {guarded.name}: the secret store has no {OPERATOR['secret']}, which verify logs in with"
    for host, login in catalog.registry_credentials.items():
        if _is_login(login) and login["secret"] not in there:
            yield f"{PLATFORM_PATH}: registry_credentials: the secret store has no {login['secret']}, the password for {host}"


def _is_login(login: object) -> bool:
    return isinstance(login, dict) and all(isinstance(login.get(key), str) for key in ("username", "secret"))


def settings(catalog: Catalog, platform: dict) -> Iterator[str]:
    """What is wrong with the platform's own settings."""

    def at(name: str) -> str:
        return where(platform.get(name), platform, otherwise=PLATFORM_PATH)

    if not DOMAIN.fullmatch(catalog.domain):
        yield f"{at('domain')}: platform_domain {catalog.domain!r} is no domain name"
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", catalog.environment):
        yield f"{at('environment')}: platform_environment {catalog.environment!r} must be a plain name, it names a directory"
    if not 1 <= catalog.edge_port <= 65535:
        yield f"{at('edge_port')}: platform_edge_port {catalog.edge_port} is no port"
    for address in catalog.edge_addresses:
        try:
            ipaddress.IPv4Address(address)
        except ValueError:
            yield f"{at('edge_addresses')}: platform_edge_addresses: {address!r} is no IPv4 address"
    for host, login in catalog.registry_credentials.items():
        if not _is_login(login):
            yield f"{at('registry_credentials')}: platform_registry_credentials: {host} must have a username and a secret"


def records(catalog: Catalog) -> Iterator[str]:
    """Records of the zone that a route has already."""
    routes = {service["route"]["host"]: service for service in catalog.entries if service["route"]}
    for record in catalog.dns:
        service = routes.get(record["name"])
        if service and record["type"] in ("A", "CNAME"):
            name = f"{record['name']}.{catalog.domain}"
            place = f"service {service.name} ({service.at('route')})"
            yield f"inventories/common/group_vars/all/dns.yml: the {record['type']} record {name} is already that of {place}"
