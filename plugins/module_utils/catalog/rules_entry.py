# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be wrong within one entry. Each rule yields the option that is wrong and a text."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import Catalog, Service
from ansible_collections.sophia.platform.plugins.module_utils.catalog.naming import image_parts
from ansible_collections.sophia.platform.plugins.module_utils.catalog.units import size_bytes

Found = Iterator[tuple[str, str]]
NAME = re.compile(r"[a-z][a-z0-9-]*")
HOST = re.compile(r"@|[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
ROUTE_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")
CAPABILITY = re.compile(r"[A-Z][A-Z_]*")
LOOKS_SECRET = re.compile(r"(PASSWORD|PASSWD|TOKEN|KEY|SECRET)$", re.IGNORECASE)
SWARM_NAME_LENGTH_MAX = 63


def names(_catalog: Catalog, service: Service) -> Found:
    for option in ("name", "stack"):
        if not NAME.fullmatch(service[option]):
            yield option, f"{option} {service[option]!r} must be small letters, digits and -, and begin with a letter"
    if len(service.swarm_name) > SWARM_NAME_LENGTH_MAX:
        yield "name", f"{service.swarm_name} is longer than the {SWARM_NAME_LENGTH_MAX} characters that Swarm takes"


def image(_catalog: Catalog, service: Service) -> Found:
    tag = image_parts(service["image"])[2]
    if not tag:
        yield "image", f"image {service['image']} has no tag"
    elif tag == "latest":
        yield "image", f"image {service['image']} has the tag latest, which is another image tomorrow; name a version"


def sizes(_catalog: Catalog, service: Service) -> Found:
    reserve = service["reserve"] or {}
    given = [("memory", "memory", service["memory"])]
    given += [("reserve", "reserve.memory", reserve["memory"])] if reserve.get("memory") is not None else []
    given += [("tmpfs", f"tmpfs.{path}", size) for path, size in service["tmpfs"].items()]
    bytes_of = {}
    for option, path, text in given:
        try:
            bytes_of[path] = size_bytes(text)
        except ValueError as error:
            yield option, f"{path}: {error}"
    for path, value in (("cpus", service["cpus"]), ("reserve.cpus", reserve.get("cpus"))):
        if value is not None and not 0 < value < float("inf"):
            yield path.partition(".")[0], f"{path} must be more than 0, not {value:g}"
    if (bytes_of.get("reserve.memory") or 0) > (bytes_of.get("memory") or float("inf")):
        yield "reserve", f"reserve.memory {reserve['memory']} is more than memory {service['memory']}"
    if (reserve.get("cpus") or 0) > service["cpus"] > 0:
        yield "reserve", f"reserve.cpus {reserve['cpus']:g} is more than cpus {service['cpus']:g}"


def numbers(_catalog: Catalog, service: Service) -> Found:
    metrics_port = (service["metrics"] or {}).get("port")
    ports = [("port", service["port"]), ("metrics", metrics_port)]
    ports += [("publish", port[key]) for port in service["publish"] for key in ("port", "published")]
    for option, port in ports:
        if port is not None and not 1 <= port <= 65535:
            yield option, f"{option}: {port} is no port"
    for option in ("replicas", "gpu", "stop_grace_seconds", "secret_uid"):
        if (service[option] or 0) < 0:
            yield option, f"{option} must not be negative, it is {service[option]}"
    health = service["health"] or {}
    for option in ("interval_seconds", "timeout_seconds", "retries"):
        if health and health[option] < 1:
            yield "health", f"health.{option} must be at least 1, it is {health[option]}"


def ports(_catalog: Catalog, service: Service) -> Found:
    published = [(port["protocol"], port["published"]) for port in service["publish"]]
    if len(set(published)) < len(published):
        yield "publish", "publishes one port of the nodes twice"
    for source in [source for port in service["publish"] for source in port["sources"]]:
        if not is_network(source):
            yield "publish", f"publish.sources: {source!r} is no network in CIDR form, such as 192.0.2.0/24"
    if service["port"] is None:
        if service["route"] and not service["route"]["internal"]:
            yield "route", "route without port: say with port where the service listens"
        if service["metrics"] and service["metrics"]["port"] is None:
            yield "metrics", "metrics without a port: give metrics.port or port"
        if (service["health"] or {}).get("via"):
            yield "health", "health.via without port: say with port where the service listens"


def is_network(text: str) -> bool:
    """Whether a text is a network in CIDR form."""
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def capabilities(_catalog: Catalog, service: Service) -> Found:
    for name in service["capabilities"] or []:
        if not CAPABILITY.fullmatch(name) or name.startswith("CAP_"):
            yield "capabilities", f"capabilities: {name!r} must look like SYS_ADMIN, in capitals and without CAP_"


def health(_catalog: Catalog, service: Service) -> Found:
    given = service["health"]
    if not given:
        return
    if given["via"] and not service.live_path:
        yield "health", f"health.via {given['via']} without health.path: it has nothing to ask for"
    if given["via"] and given["command"]:
        yield "health", "health.via and health.command exclude each other"
    if given["command"] and given["command"][0] not in ("CMD", "CMD-SHELL", "NONE"):
        yield "health", f"health.command must begin with CMD or CMD-SHELL, not {given['command'][0]!r}"
    if given["command"] == []:
        yield "health", "health.command is empty"
    for option in ("path", "live_path"):
        if given[option] is not None and not given[option].startswith("/"):
            yield "health", f"health.{option} {given[option]!r} must begin with /"


def route(_catalog: Catalog, service: Service) -> Found:
    given = service["route"]
    if given and not HOST.fullmatch(given["host"]):
        yield "route", f"route.host {given['host']!r} is no host name; the domain is added to it"
    if given and given["path"] is not None and not ROUTE_PATH.fullmatch(given["path"]):
        yield "route", f"route.path {given['path']!r} must look like /name, without / at its end"
    for network in given["allow"] if given else []:
        if not is_network(network):
            yield "route", f"route.allow: {network!r} is no network in CIDR form, such as 192.0.2.0/24"
    for name, value in (given["limits"] if given else {}).items():
        if value is not None and value < 1:
            yield "route", f"route.limits.{name} must be at least 1, it is {value}"
    if given and given["internal"] and not given["internal"].endswith("@internal"):
        yield "route", f"route.internal {given['internal']!r} must name a part of Traefik, such as api@internal"


def environment(_catalog: Catalog, service: Service) -> Found:
    for name, value in service["environment"].items():
        if isinstance(value, bool) or not isinstance(value, (str, int, float)):
            yield "environment", f"environment.{name} must be text or a number, not {value!r}; quote it"
        elif LOOKS_SECRET.search(str(name)):
            yield (
                "environment",
                f"environment.{name} looks like a secret: name it in secrets and give its path in {name}_FILE",
            )


def scale(_catalog: Catalog, service: Service) -> Found:
    given, replicas = service["autoscale"], service["replicas"]
    if given and not 1 <= given["min"] <= given["max"]:
        yield "autoscale", f"autoscale.min {given['min']} must be from 1 to autoscale.max {given['max']}"
    elif given and not given["min"] <= replicas <= given["max"]:
        yield "replicas", f"replicas {replicas} is outside autoscale {given['min']}..{given['max']}"
    if given and service["global"]:
        yield "autoscale", "autoscale and global exclude each other: a global service runs once on every node"
    if service["volumes"] and not service["global"] and (replicas > 1 or given):
        yield "volumes", "volumes with more than one replica: each node would have a volume of its own, with other data"


def update(_catalog: Catalog, service: Service) -> Found:
    for option in ("gpu", "publish", "volumes"):
        if service["update_order"] == "start-first" and service[option]:
            yield (
                "update_order",
                f"update_order start-first with {option}: the new task waits for what the old one holds",
            )


def targets(_catalog: Catalog, service: Service) -> Found:
    seen: dict[str, str] = {}
    given = [("volumes", path) for path in service["volumes"].values()]
    given += [("mounts", mount["target"]) for mount in service["mounts"]]
    given += [("tmpfs", path) for path in service["tmpfs"]]
    given += [("configs", config["target"]) for config in service["configs"]]
    for option, path in given:
        if not isinstance(path, str) or not path.startswith("/"):
            yield option, f"{option}: {path!r} must be an absolute path in the container"
        elif path in seen:
            yield option, f"{option} and {seen[path]} both put something at {path}"
        else:
            seen[path] = option


def mcp(_catalog: Catalog, service: Service) -> Found:
    given = service["mcp"]
    if given and not service["route"]:
        yield "mcp", "mcp without route: nobody outside could reach the server"
    if given and given["token"] not in service["secrets"]:
        yield "mcp", f"mcp.token {given['token']} is not among the service's secrets, so that it could not check it"


def networks(catalog: Catalog, service: Service) -> Found:
    for name in service.networks:
        if name not in catalog.networks:
            option = "networks" if name in service["networks"] else "route" if name == "edge" else "metrics"
            yield (
                option,
                f"unknown network {name}; platform_networks has {', '.join(map(str, catalog.networks)) or 'none'}",
            )


RULES = (
    names,
    image,
    sizes,
    numbers,
    ports,
    capabilities,
    health,
    route,
    environment,
    scale,
    update,
    targets,
    mcp,
    networks,
)


def problems(catalog: Catalog) -> Iterator[str]:
    """Everything that is wrong within single entries."""
    for service in catalog.entries:
        for rule in RULES:
            for option, text in rule(catalog, service):
                yield service.problem(option, text)
