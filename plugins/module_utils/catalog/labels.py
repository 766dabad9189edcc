# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels of a Swarm service, which Traefik and the autoscaler read."""

from __future__ import annotations

from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import (
    OPERATORS_FILE,
    Catalog,
    Service,
    is_for_operators,
)

ENTRY_POINT = "web"
RETRY_ATTEMPTS = 3


def service_labels(catalog: Catalog, service: Service) -> dict[str, str]:
    """All labels of one service."""
    labels = {"ai.sophia.service": service.name}
    if service["autoscale"]:
        labels["autoscale.enable"] = "true"
        labels["autoscale.min"] = str(service["autoscale"]["min"])
        labels["autoscale.max"] = str(service["autoscale"]["max"])
    if service["route"]:
        labels.update(_route_labels(catalog, service))
    return labels


def _route_labels(catalog: Catalog, service: Service) -> dict[str, str]:
    name, route = service.name, service["route"]
    middlewares = {}
    if is_for_operators(service):
        middlewares[f"{name}-operators"] = {"basicauth.usersfile": OPERATORS_FILE, "basicauth.removeheader": "true"}
    if route["path"]:
        middlewares[f"{name}-strip"] = {"stripprefix.prefixes": route["path"]}
    # A task that has just gone refuses the connection, and Traefik learns of it a moment later: ask another one.
    middlewares[f"{name}-retry"] = {"retry.attempts": str(RETRY_ATTEMPTS), "retry.initialinterval": "100ms"}
    router, balancer = f"traefik.http.routers.{name}", f"traefik.http.services.{name}.loadbalancer"
    labels = {
        "traefik.enable": "true",
        "traefik.swarm.network": "edge",
        f"{router}.rule": _rule(catalog, service),
        f"{router}.entrypoints": ENTRY_POINT,
        f"{router}.middlewares": ",".join(middlewares),
        f"{balancer}.server.port": str(service["port"]),
    }
    if catalog.endpoint_mode == "vip":
        labels["traefik.swarm.lbswarm"] = "true"
    elif service.live_path:
        labels[f"{balancer}.healthcheck.path"] = service.live_path
        labels[f"{balancer}.healthcheck.interval"] = f"{service['health']['interval_seconds']}s"
        labels[f"{balancer}.healthcheck.timeout"] = f"{service['health']['timeout_seconds']}s"
    for middleware, options in middlewares.items():
        labels.update({f"traefik.http.middlewares.{middleware}.{key}": value for key, value in options.items()})
    return labels


def _rule(catalog: Catalog, service: Service) -> str:
    host, path = f"Host(`{service['route']['host']}.{catalog.domain}`)", service["route"]["path"]
    # A bare PathPrefix(`/git`) would match /github too.
    rule = f"{host} && (Path(`{path}`) || PathPrefix(`{path}/`))" if path else host
    # Metrics are for Prometheus, which asks the tasks themselves; the public does not see them.
    hidden = service["metrics"] and service.metrics_port == service["port"] and not is_for_operators(service)
    return f"{rule} && !Path(`{path or ''}{service['metrics']['path']}`)" if hidden else rule
