# SPDX-License-Identifier: GPL-3.0-or-later
"""What the platform looks like from outside: records of its zone, ports of its nodes, and checks that verify it."""

from __future__ import annotations

from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import (
    OPERATOR,
    Catalog,
    Service,
    is_for_operators,
)
from ansible_collections.sophia.platform.plugins.module_utils.catalog.naming import image_reference

TTL_SECONDS = 300


def records(catalog: Catalog) -> list[dict]:
    """The zone: {name, type, value, ttl_seconds}, names within the domain. Routed hosts have one A record an edge."""
    hosts = sorted({service["route"]["host"] for service in catalog.entries if service["route"]})
    routed = [
        {"name": host, "type": "A", "value": address, "ttl_seconds": TTL_SECONDS}
        for host in hosts
        for address in catalog.edge_addresses
    ]
    return routed + [dict(record) for record in catalog.dns]


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
    found += [_service_check(catalog, service) for service in catalog.entries]
    for service in catalog.entries:
        if service["route"] and (service["health"] or {}).get("path"):
            found.append(_http_check(catalog, service))
        if service["route"] and service["mcp"]:
            found += _mcp_checks(catalog, service)
        if service["route"] and service.name == "prometheus":
            found.append(_targets_check(catalog, service))
    return found


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
    return {"basic_auth": dict(OPERATOR)} if is_for_operators(service) else {}
