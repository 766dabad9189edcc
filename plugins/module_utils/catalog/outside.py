# SPDX-License-Identifier: GPL-3.0-or-later
"""What the platform looks like from outside: records of its zone, ports of its nodes, and checks that verify it."""

from __future__ import annotations

from ansible_collections.sophia.platform.plugins.module_utils.catalog.errors import CatalogError
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import (
    HTTP_PORT,
    OPERATOR,
    Catalog,
    Service,
    is_guarded,
)
from ansible_collections.sophia.platform.plugins.module_utils.catalog.naming import image_reference

TTL_SECONDS = 300
CERTIFICATE_DAYS_MIN = 14  # a renewal that was due at 30 days has failed for two weeks then
ADDRESSING = ("A", "AAAA", "ALIAS", "CNAME")


def records(catalog: Catalog, others: list[dict] | None = None) -> list[dict]:
    """The zone: {name, type, value, ttl_seconds}, names within the zone. Routed hosts have one A record an edge.

    others: more records, such as a frontend's, with names within the zone. Raises CatalogError when one has the name of
    a record of the platform that cannot stand beside it.
    """
    hosts = sorted({service["route"]["host"] for service in catalog.entries if service["route"]})
    routed = [
        {"name": host, "type": "A", "value": address, "ttl_seconds": TTL_SECONDS}
        for host in hosts
        for address in catalog.edge_addresses
    ]
    own = [{**record, "name": zone_name(catalog, record["name"])} for record in [*routed, *catalog.dns]]
    more = [{name: record[name] for name in ("name", "type", "value", "ttl_seconds")} for record in others or []]
    addresses = {record["name"]: record for record in own if record["type"] in ADDRESSING}
    clashes = [record for record in more if record["type"] in ADDRESSING and record["name"] in addresses]
    if clashes:
        raise CatalogError(
            f"{record['name']} cannot be {record['type']} {record['value']}: the platform has "
            f"{addresses[record['name']]['type']} {addresses[record['name']]['value']} there"
            for record in clashes
        )
    return own + more


def zone_name(catalog: Catalog, name: str) -> str:
    """A name within the platform's domain as a name within its zone: `api` of staging.example.org is `api.staging`."""
    inner = catalog.domain.removesuffix(catalog.zone or catalog.domain).rstrip(".")
    if not inner:
        return name
    return inner if name == "@" else f"{name}.{inner}"


def api_keys(catalog: Catalog, secrets: dict[str, str], base_urls: dict[str, str]) -> list[dict]:
    """The keys to check, as the module api_key_check takes them. It holds secret values."""
    return [
        {
            "service": key["service"],
            "name": key["secret"],
            "key": secrets.get(key["secret"], ""),
            **({"base_url": base_urls[key["service"]]} if key["service"] in base_urls else {}),
        }
        for key in catalog.api_keys
    ]


def published_ports(catalog: Catalog) -> list[dict]:
    """The ports of the nodes that clients reach: {service, port, protocol, sources}, empty sources for everybody."""
    return [
        {
            "service": service.name,
            "port": port["published"],
            "protocol": port["protocol"],
            "sources": list(port["sources"]),
        }
        for service in catalog.entries
        for port in service["publish"]
    ]


def checks(catalog: Catalog, gpu_count: int = 0) -> list[dict]:
    """What must hold, as the module platform_verify takes it. `gpu_count`: how many GPUs the inventory's hosts have."""
    found = [{"name": "swarm: GPUs of the nodes", "kind": "gpus", "count": gpu_count}] if gpu_count else []
    found += _edge_checks(catalog)
    found += [_service_check(catalog, service) for service in catalog.entries]
    for service in catalog.entries:
        if is_guarded(service) and not catalog.takes_password:
            continue
        if service["route"] and (service["health"] or {}).get("path"):
            found.append(_http_check(catalog, service))
        if service["route"] and service["mcp"]:
            found += _mcp_checks(catalog, service)
        if service["route"] and service.name == "prometheus":
            found.append(_targets_check(catalog, service))
    return found


def _edge_checks(catalog: Catalog) -> list[dict]:
    """Records, certificate and redirection of the routed hosts, and the login at every route for operators."""
    routed = [service for service in catalog.entries if service["route"]]
    hosts = sorted({f"{service['route']['host']}.{catalog.domain}" for service in routed})
    if not hosts or not catalog.edge_addresses:
        return []
    addresses, port = list(catalog.edge_addresses), catalog.edge_https_port
    found = [
        {"name": "edge: records", "kind": "records", "hosts": {host: addresses for host in hosts}},
        {
            "name": "edge: certificate at every node",
            "kind": "certificate",
            "hosts": hosts,
            "addresses": addresses,
            "port": port,
            "days_min": CERTIFICATE_DAYS_MIN,
        },
    ]
    plain = "" if catalog.edge_http_port == HTTP_PORT else f":{catalog.edge_http_port}"
    first = routed[0]["route"]["host"]
    found.append(
        {
            "name": "edge: HTTP leads to HTTPS",
            "kind": "http",
            "url": f"http://{first}.{catalog.domain}{plain}/",
            "expect_status": 301,
            "expect_location": f"{catalog.origin(first)}/",
        }
    )
    return found + [
        {
            "name": f"{service.name}: asks {service['route']['access']} to log in",
            "kind": "http",
            "url": catalog.url(service, "/"),
            "expect_status": 302 if catalog.oidc else 401,
        }
        for service in routed
        if is_guarded(service)
    ]


def _service_check(catalog: Catalog, service: Service) -> dict:
    return {
        "name": f"{service.name}: replicas and image",
        "kind": "service",
        "service": service.swarm_name,
        "replicas": service.replicas,
        "image": image_reference(service["image"], catalog.registry_mirror),
    }


def _http_check(catalog: Catalog, service: Service) -> dict:
    check = {
        "name": f"{service.name}: health through the edge",
        "kind": "http",
        "url": catalog.url(service, service["health"]["path"]),
        "expect_status": 200,
    }
    expected = service["health"]["expect_json"]
    return {**check, **({"expect_json": dict(expected)} if expected else {}), **_operator(service)}


def _mcp_checks(catalog: Catalog, service: Service) -> list[dict]:
    mcp = service["mcp"]
    session = {"url": catalog.url(service, mcp["path"]), "token_secret": mcp["token"]}
    found = [{"name": f"{service.name}: MCP session", "kind": "mcp", **session}]
    if mcp["verify_tool"]:
        call = {"tool": mcp["verify_tool"], "arguments": dict(mcp["verify_arguments"])}
        found.append({"name": f"{service.name}: MCP tool {mcp['verify_tool']}", "kind": "mcp_call", **session, **call})
    return found


def _targets_check(catalog: Catalog, service: Service) -> dict:
    jobs = {other.name: other.replicas for other in catalog.entries if other["metrics"]}
    check = {"name": "prometheus: every target up", "kind": "prometheus_targets", "url": catalog.url(service)}
    return {**check, "jobs": jobs, **_operator(service)}


def _operator(service: Service) -> dict:
    return {"basic_auth": dict(OPERATOR)} if is_guarded(service) else {}
