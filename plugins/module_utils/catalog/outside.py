# SPDX-License-Identifier: GPL-3.0-or-later
"""What the platform looks like from outside: ports of its nodes, keys of others, and checks that verify it."""

from __future__ import annotations

from ansible_collections.sophia.platform.plugins.module_utils.catalog import records
from ansible_collections.sophia.platform.plugins.module_utils.catalog.generated import CERTIFICATE_DAYS_MIN
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import (
    HTTP_PORT,
    OPERATOR,
    Catalog,
    Service,
    is_guarded,
)
from ansible_collections.sophia.platform.plugins.module_utils.catalog.naming import image_reference


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
    hosts = [catalog.full_name(host) for host in records.hosts(catalog)]
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
            "url": f"http://{catalog.full_name(first)}{plain}/",
            "expect_status": 301,
            "expect_location": f"{catalog.origin(first)}/",
        }
    )
    return found + [
        {
            "name": f"{service.name}: asks {service['route']['access']} to log in",
            "kind": "http",
            "url": catalog.url(service, "/"),
            "expect_status": catalog.login_status,
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
