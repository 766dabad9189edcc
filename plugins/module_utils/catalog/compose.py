# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose documents for `docker stack deploy` (schema 3.13), with only the keys that Swarm honours."""

from __future__ import annotations

from ansible_collections.sophia.platform.plugins.module_utils.catalog.labels import service_labels
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import Catalog, Service
from ansible_collections.sophia.platform.plugins.module_utils.catalog.naming import identifier, image_reference
from ansible_collections.sophia.platform.plugins.module_utils.catalog.units import size_bytes
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.names import GPU_KIND

LOGGING = {"driver": "json-file", "options": {"max-size": "20m", "max-file": "5"}}
ROLLBACK_MONITOR_SECONDS = 5


def stack_document(catalog: Catalog, services: list[Service], secrets: dict[str, str], configs: dict[str, str]) -> dict:
    """The compose document of one stack. `secrets` and `configs` are the versioned names by base name and by source."""
    used_secrets = sorted({name for service in services for name in service["secrets"]})
    used_configs = sorted({config["source"] for service in services for config in service["configs"]})
    document = {
        "services": {service.name: service_document(catalog, service) for service in services},
        "networks": {name: _external(name) for name in sorted({name for one in services for name in one.networks})},
        "volumes": {name: {} for service in services for name in service["volumes"]},
        "secrets": {name: _external(secrets[name]) for name in used_secrets},
        "configs": {identifier(name): _external(configs[name]) for name in used_configs},
    }
    return _escaped({key: value for key, value in document.items() if value})


def service_document(catalog: Catalog, service: Service) -> dict:
    """One service as Compose wants it; what is empty is left out."""
    document = {
        "image": image_reference(service["image"], catalog.registry_mirror),
        "command": service["command"],
        "user": service["user"],
        "hostname": "{{.Node.Hostname}}" if service["hostname"] == "node" else None,
        "cap_drop": ["ALL"] if service["capabilities"] else [],
        "cap_add": service["capabilities"] or [],
        "environment": {name: str(value) for name, value in service["environment"].items()},
        "secrets": [_secret(service, name) for name in service["secrets"]],
        "configs": [_config(config) for config in service["configs"]],
        "volumes": _volumes(service),
        "networks": {name: {"aliases": [service.name]} for name in service.networks},
        "ports": [_port(port) for port in service["publish"]],
        "healthcheck": _healthcheck(service),
        "init": True,
        "stop_grace_period": _duration(service["stop_grace_seconds"]),
        "logging": LOGGING,
        "deploy": _deploy(catalog, service),
    }
    return _filled(document)


def _deploy(catalog: Catalog, service: Service) -> dict:
    order = update_order(service)
    mode = {"mode": "global"} if service["global"] else {"mode": "replicated", "replicas": service["replicas"]}
    return _filled(
        {
            **mode,
            "endpoint_mode": catalog.endpoint_mode,
            "labels": service_labels(catalog, service),
            "update_config": {
                "parallelism": 1,
                "order": order,
                "failure_action": "pause" if service["volumes"] else "rollback",
                "monitor": _duration(monitor_seconds(service)),
            },
            "rollback_config": {
                "parallelism": 1,
                "order": order,
                "failure_action": "pause",
                "monitor": _duration(ROLLBACK_MONITOR_SECONDS),
            },
            "restart_policy": {"condition": "any", "delay": "5s"},
            "placement": _placement(catalog, service),
            "resources": _resources(service),
        }
    )


def update_order(service: Service) -> str:
    """Whether an update starts the new task or stops the old one first."""
    return service["update_order"] or ("stop-first" if service.pinned else "start-first")


def monitor_seconds(service: Service) -> int:
    """How long an updated task is watched, in seconds: until its check would have found it unhealthy."""
    health = service["health"]
    return max(5, health["interval_seconds"] * health["retries"] + health["timeout_seconds"]) if health else 5


def max_per_node(catalog: Catalog, service: Service) -> int:
    """The most tasks on one node, 0 for any number."""
    own = (service["placement"] or {}).get("max_per_node")
    return 0 if service["global"] else catalog.replicas_max_per_node if own is None else own


def _placement(catalog: Catalog, service: Service) -> dict:
    # Swarm spreads a service's tasks over nodes by itself; its preferences know labels only, so there are none here.
    placement = service["placement"] or {}
    constraints = [f"node.labels.{name} == {value}" for name, value in (placement.get("labels") or {}).items()]
    constraints += [f"node.role == {placement['role']}"] if placement.get("role") else []
    return _filled({"constraints": constraints, "max_replicas_per_node": max_per_node(catalog, service) or None})


def _resources(service: Service) -> dict:
    reserve = service["reserve"] or {}
    gpus = {"discrete_resource_spec": {"kind": GPU_KIND, "value": service["gpu"]}}
    reservations = {
        "cpus": _cpus(reserve.get("cpus")),
        "memory": reserve.get("memory"),
        "generic_resources": [gpus] if service["gpu"] else [],
    }
    return _filled(
        {"limits": {"cpus": _cpus(service["cpus"]), "memory": service["memory"]}, "reservations": _filled(reservations)}
    )


def _healthcheck(service: Service) -> dict | None:
    health = service["health"]
    if not health or not (health["command"] or health["via"]):
        return None
    return {
        "test": health["command"] or _probe(service),
        "interval": _duration(health["interval_seconds"]),
        "timeout": _duration(health["timeout_seconds"]),
        "retries": health["retries"],
        "start_period": _duration(health["start_seconds"]),
    }


def _probe(service: Service) -> list[str]:
    url, seconds = f"http://127.0.0.1:{service['port']}{service.live_path}", service["health"]["timeout_seconds"]
    return {
        "python3": ["CMD", "python3", "-c", f"import urllib.request as r; r.urlopen('{url}', timeout={seconds})"],
        "wget": ["CMD", "wget", "-q", "-T", str(seconds), "-O", "/dev/null", url],
        "curl": ["CMD", "curl", "-fsS", "-m", str(seconds), "-o", "/dev/null", url],
    }[service["health"]["via"]]


def _secret(service: Service, name: str) -> dict:
    owner = service["secret_uid"]
    if owner is None and (service["user"] or "").partition(":")[0].isdigit():
        owner = service["user"].partition(":")[0]
    if owner is None:
        return {"source": name, "target": name, "mode": 0o444}
    return {"source": name, "target": name, "uid": str(owner), "mode": 0o400}


def _config(config: dict) -> dict:
    return {"source": identifier(config["source"]), "target": config["target"], "mode": 0o444}


def _volumes(service: Service) -> list[dict]:
    volumes = [{"type": "volume", "source": name, "target": path} for name, path in service["volumes"].items()]
    for mount in service["mounts"]:
        read_only = {"read_only": True} if mount["read_only"] else {}
        volumes.append({"type": "bind", "source": mount["source"], "target": mount["target"], **read_only})
    for path, size in service["tmpfs"].items():
        volumes.append({"type": "tmpfs", "target": path, "tmpfs": {"size": size_bytes(size)}})
    return volumes


def _port(port: dict) -> dict:
    return {"target": port["port"], "published": port["published"], "protocol": port["protocol"], "mode": "host"}


def _external(name: str) -> dict:
    return {"external": True, "name": name}


def _duration(seconds: int) -> str:
    return f"{seconds}s"


def _cpus(cpus: float | None) -> str | None:
    return None if cpus is None else f"{cpus:g}"


def _filled(document: dict) -> dict:
    return {key: value for key, value in document.items() if value not in (None, {}, [])}


def _escaped(value: object) -> object:
    """Every `$` doubled, since the engine's CLI puts environment variables in otherwise."""
    if isinstance(value, dict):
        return {key: _escaped(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_escaped(item) for item in value]
    return value.replace("$", "$$") if isinstance(value, str) else value
