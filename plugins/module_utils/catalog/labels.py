# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels of a Swarm service, which Traefik and the autoscaler read."""

from __future__ import annotations

from ansible_collections.sophia.platform.plugins.module_utils.catalog import edge
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import Catalog, Service


def service_labels(catalog: Catalog, service: Service) -> dict[str, str]:
    """All labels of one service."""
    labels = {"ai.sophia.service": service.name}
    if service["autoscale"]:
        labels["autoscale.enable"] = "true"
        labels["autoscale.min"] = str(service["autoscale"]["min"])
        labels["autoscale.max"] = str(service["autoscale"]["max"])
    if service["route"] and not service["route"]["internal"]:
        labels.update(_flat("traefik.http", _http(catalog, service)))
        labels.update({"traefik.enable": "true", "traefik.swarm.network": edge.NETWORK})
        if catalog.endpoint_mode == "vip":
            labels["traefik.swarm.lbswarm"] = "true"
    return labels


def _http(catalog: Catalog, service: Service) -> dict:
    """What Traefik's dynamic configuration has under `http` because of the entry's route."""
    balancer: dict = {"server": {"port": service["port"]}}
    timeout = edge.transport_name(edge.limits(catalog, service)["timeout_seconds"])
    balancer["serverstransport"] = f"{timeout}@file"
    if catalog.endpoint_mode != "vip" and service.live_path:
        balancer["healthcheck"] = {
            "path": service.live_path,
            "interval": f"{service['health']['interval_seconds']}s",
            "timeout": f"{service['health']['timeout_seconds']}s",
        }
    found = {
        "routers": edge.routers(catalog, service),
        "middlewares": edge.own_middlewares(catalog, service),
        "services": {service.name: {"loadbalancer": balancer}},
    }
    return {kind: values for kind, values in found.items() if values}


def _flat(prefix: str, value: object) -> dict[str, str]:
    """Nested settings as labels: keys joined by dots, lists by commas."""
    if isinstance(value, dict):
        return {name: text for key, item in value.items() for name, text in _flat(f"{prefix}.{key}", item).items()}
    if isinstance(value, list):
        return {prefix: ",".join(map(str, value))}
    return {prefix: str(value).lower() if isinstance(value, bool) else str(value)}
