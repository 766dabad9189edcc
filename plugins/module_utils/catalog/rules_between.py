# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong between entries, and between entries and the platform. Messages name both culprits."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator

from ansible_collections.sophia.platform.plugins.module_utils.catalog import login
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import (
    KEY_SECRET,
    MADE,
    OPERATOR,
    Catalog,
    Service,
    is_guarded,
    stack_needs,
)
from ansible_collections.sophia.platform.plugins.module_utils.catalog.order import in_order
from ansible_collections.sophia.platform.plugins.module_utils.catalog.origin import (
    CLOUDS_PATH,
    PLATFORM_PATH,
    plain,
    where,
)
from ansible_collections.sophia.platform.plugins.module_utils.catalog.records import ADDRESSING, written_authorities
from ansible_collections.sophia.platform.plugins.module_utils.catalog.rules_entry import is_network
from ansible_collections.sophia.platform.plugins.module_utils.dns.addresses import is_address

DNS_PATH = "inventories/common/group_vars/all/dns.yml"
TTL_SECONDS_MIN, TTL_SECONDS_MAX = 60, 60000
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
    overrides_path = f"inventories/{plain(platform['environment'])}/group_vars/all/platform.yml"
    for key, value in overrides.items():
        place = where(key, value, otherwise=overrides_path)
        if key not in first:
            text = f"there is no service {key}{_known(key, first)}"
            yield f"{place}: service_overrides: {text}"
        elif not isinstance(value, dict):
            text = f"the override of {key} must be a mapping, not {plain(value)!r}"
            yield f"{place}: service_overrides: {text}"
    for key, value in kinds.items():
        if not isinstance(value, dict):
            yield f"{where(key, value)}: service_kinds: the kind {key} must be a mapping, not {plain(value)!r}"


def _known(name: object, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(str(name), list(map(str, names)), n=1)
    return f", did you mean {near[0]}" if near else f"; known are {', '.join(map(str, names)) or 'none'}"


def clashes(catalog: Catalog) -> Iterator[str]:
    """Two services that want the same thing of the node, of the edge or of the disk."""
    first: dict[tuple[str, str], Service] = {}
    for service in catalog.entries:
        for option, text in _wants(catalog, service):
            other = first.setdefault((option, text), service)
            if other is not service:
                yield service.problem(option, f"{text}, as does service {other.name} ({other.at(option)})")


def _wants(catalog: Catalog, service: Service) -> Iterator[tuple[str, str]]:
    """What only one service can have, as the option and a text that is the same for the same thing."""
    for protocol, port in {(port["protocol"], port["published"]) for port in service["publish"]}:
        yield "publish", f"publishes {protocol} port {port} of the nodes"
    if service["route"]:
        yield "route", f"is routed at {service['route']['host']}.{catalog.domain}{service['route']['path'] or ''}"
    for name in service["volumes"]:
        yield "volumes", f"uses the volume {name} of stack {service['stack']}"


def needs(catalog: Catalog, names: set[str]) -> Iterator[str]:
    """Needs that cannot be met. `names` are all services, also those that this environment leaves out."""
    enabled = {service.name: service for service in catalog.entries}
    for service in catalog.entries:
        for name in service["needs"]:
            if name not in names:
                yield service.problem("needs", f"needs {name}, which there is not{_known(name, enabled)}")
            elif name not in enabled:
                yield service.problem("needs", f"needs {name}, which is left out here or not valid")
    _order, cycle = in_order(list(enabled), {service.name: service["needs"] for service in catalog.entries})
    if cycle:
        places = ", ".join(f"{name} ({enabled[name].at('needs')})" for name in cycle[:-1])
        yield enabled[cycle[0]].problem("needs", f"needs itself by {' -> '.join(cycle)}: {places}")
        return
    stacks = list(dict.fromkeys(service["stack"] for service in catalog.entries))
    _order, cycle = in_order(stacks, stack_needs(catalog.entries))
    if cycle:
        guilty = [
            (service, f"{service.name} of {service['stack']} needs {name} of {enabled[name]['stack']}")
            for service in catalog.entries
            for name in service["needs"]
            if name in enabled and (service["stack"], enabled[name]["stack"]) in zip(cycle, cycle[1:])
        ]
        texts = "; ".join(f"{text} ({service.at('needs')})" for service, text in guilty)
        yield guilty[0][0].problem("needs", f"stacks need each other by {' -> '.join(cycle)}: {texts}")


def secrets(catalog: Catalog, secret_names: Iterable[str]) -> Iterator[str]:
    """Secrets that are named and that the store does not have."""
    there = set(secret_names)
    missing = "the secret store has no"
    if KEY_SECRET not in there:
        yield f"{PLATFORM_PATH}: {missing} {KEY_SECRET}, the key that names of secrets are made with"
    for service in catalog.entries:
        for name in service["secrets"]:
            if name not in there and name not in MADE:
                yield service.problem("secrets", f"{missing} {name}")
    guarded = next(filter(is_guarded, catalog.entries), None)
    if guarded and OPERATOR["secret"] not in there:
        yield guarded.problem("route", f"{missing} {OPERATOR['secret']}, which verify logs in with")
    for host, account in catalog.registry_credentials.items():
        if _is_login(account) and account["secret"] not in there:
            yield f"{PLATFORM_PATH}: registry_credentials: {missing} {account['secret']}, the password for {host}"
    for cloud, names in catalog.clouds.items():
        for name in names:
            if name not in there:
                yield f"{CLOUDS_PATH}: platform_clouds: {missing} {name}, which {cloud} needs"
    for key in catalog.api_keys:
        if key["secret"] not in there:
            yield f"{CLOUDS_PATH}: platform_api_keys: {missing} {key['secret']}, the key for {key['service']}"


def _is_login(account: object) -> bool:
    return isinstance(account, dict) and all(isinstance(account.get(key), str) for key in ("username", "secret"))


def settings(catalog: Catalog, platform: dict) -> Iterator[str]:
    """What is wrong with the platform's own settings."""

    def problem(name: str, text: str) -> str:
        return f"{where(platform.get(name), platform, otherwise=PLATFORM_PATH)}: platform_{name}{text}"

    if not DOMAIN.fullmatch(catalog.domain):
        yield problem("domain", f" {catalog.domain!r} is no domain name")
    if not re.fullmatch(r"[a-z][a-z0-9_-]*", catalog.environment):
        yield problem("environment", f" {catalog.environment!r} must be a plain name, it names a directory")
    for name in ("edge_http_port", "edge_https_port"):
        if not 1 <= getattr(catalog, name) <= 65535:
            yield problem(name, f" {getattr(catalog, name)} is no port")
    for text in login.problems(catalog.login) if catalog.oidc else []:
        yield problem("oidc", f": {text}")
    for source in catalog.oidc["password_sources"] if catalog.oidc else []:
        if not is_network(source):
            yield problem("oidc", f": password_sources: {source!r} is no network in CIDR form, such as 192.0.2.0/24")
    for name, value in catalog.route_limits.items():
        if value < 1:
            yield problem("route_limits", f": {name} must be at least 1, it is {value}")
    if catalog.zone and not f".{catalog.domain}".endswith(f".{catalog.zone}"):
        yield problem("zone", f" {catalog.zone!r} is neither platform_domain {catalog.domain!r} nor a parent of it")
    for address in catalog.edge_addresses:
        if not is_address(address):
            yield problem("edge_addresses", f": {address!r} is no IPv4 or IPv6 address")
    if not TTL_SECONDS_MIN <= catalog.record_ttl_seconds <= TTL_SECONDS_MAX:
        limits = f"{TTL_SECONDS_MIN} to {TTL_SECONDS_MAX}"
        yield problem("record_ttl_seconds", f" {catalog.record_ttl_seconds} must be {limits}, which Namecheap takes")
    for authority in catalog.certificate_authorities:
        if not DOMAIN.fullmatch(authority):
            text = f": {authority!r} is no domain name, which an authority is named by (letsencrypt.org)"
            yield problem("certificate_authorities", text)
    for host, account in catalog.registry_credentials.items():
        if not _is_login(account):
            yield problem("registry_credentials", f": {host} must have a username and a secret")


def authorities(catalog: Catalog) -> Iterator[str]:
    """CAA records of dns.yml that keep the platform's own authorities from issuing its certificate."""
    written = written_authorities(catalog)
    tag = "issuewild" if catalog.certificate_wildcard and "issuewild" in written else "issue"
    for authority in catalog.certificate_authorities:
        if authority not in written.get(tag, [authority]):
            text = f"the CAA records of {catalog.domain} ({tag}) do not let {authority} issue certificates, which"
            yield f"{DNS_PATH}: {text} platform_certificate_authorities names: add it, or leave these records out"


def records(catalog: Catalog) -> Iterator[str]:
    """Records of the zone that a route has already."""
    routes = {service["route"]["host"]: service for service in catalog.entries if service["route"]}
    for record in catalog.dns:
        service = routes.get(record["name"])
        if service and record["type"] in ADDRESSING:
            name = f"{record['name']}.{catalog.domain}"
            text = (
                f"the {record['type']} record {name} is already that of service {service.name} ({service.at('route')})"
            )
            yield f"{DNS_PATH}: {text}"
