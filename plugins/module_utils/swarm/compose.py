# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure functions over compose documents (schema 3.13): what is compared, and what is handed to the CLI."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.swarm.spec import digest

KINDS = ("secrets", "configs")


def services(compose: Mapping) -> dict[str, dict]:
    return compose.get("services") or {}


def object_name(compose: Mapping, kind: str, key: str, stack: str = "") -> str:
    """The name in the Swarm of a document's secret, config, network or volume."""
    entry = (compose.get(kind) or {}).get(key) or {}
    external = entry.get("external")
    if isinstance(external, Mapping) and external.get("name"):
        return external["name"]
    if entry.get("name"):
        return entry["name"]
    return key if external or not stack else f"{stack}_{key}"


def referenced_keys(service: Mapping, kind: str) -> list[str]:
    """The document's secrets, configs, networks or volumes that a service names, in its order."""
    if kind == "volumes":
        mounts = service.get("volumes") or []
        return [
            mount["source"]
            for mount in mounts
            if isinstance(mount, Mapping) and mount.get("type") == "volume" and mount.get("source")
        ]
    return [entry if isinstance(entry, str) else entry["source"] for entry in service.get(kind) or []]


def object_names(compose: Mapping, kind: str) -> list[str]:
    """The names in the Swarm of all `secrets` or `configs` that the services use."""
    names = {
        object_name(compose, kind, key)
        for service in services(compose).values()
        for key in referenced_keys(service, kind)
    }
    return sorted(names)


def network_names(compose: Mapping, stack: str) -> set[str]:
    """The names in the Swarm of the document's networks, the default one among them when a service uses it."""
    names = {object_name(compose, "networks", key, stack) for key in compose.get("networks") or {}}
    default = any(not service.get("networks") for service in services(compose).values())
    return names | ({f"{stack}_default"} if default else set())


def images(compose: Mapping) -> list[str]:
    return sorted({service["image"] for service in services(compose).values()})


def views(compose: Mapping, stack: str, pinned: Mapping[str, str], scaled: Iterable[str]) -> dict[str, dict]:
    """Each service in a form that can be compared: pinned image, names as in the Swarm, lists as mappings.

    The replica count of a service in `scaled` is left out, since it belongs to the autoscaler.
    """
    return {name: _view(compose, stack, name, pinned, name in set(scaled)) for name in services(compose)}


def _view(compose: Mapping, stack: str, name: str, pinned: Mapping[str, str], scaled: bool) -> dict:
    view = copy.deepcopy(services(compose)[name])
    view["image"] = pinned.get(view["image"], view["image"])
    if isinstance(view.get("environment"), list):
        view["environment"] = dict(entry.partition("=")[::2] for entry in view["environment"])
    for kind in KINDS:
        if view.get(kind):
            view[kind] = _attached(compose, kind, view[kind])
    networks = view.get("networks") or {"default": None}
    if isinstance(networks, list):
        networks = dict.fromkeys(networks)
    view["networks"] = {object_name(compose, "networks", key, stack): value or {} for key, value in networks.items()}
    if scaled:
        view.get("deploy", {}).pop("replicas", None)
    return view


def _attached(compose: Mapping, kind: str, entries: list) -> dict[str, dict]:
    """The secrets or configs of a service by target."""
    attached = {}
    for entry in entries:
        own = {"source": entry} if isinstance(entry, str) else dict(entry)
        key = own.pop("source")
        target = own.pop("target", key)
        attached[target] = {"name": object_name(compose, kind, key), **own}
    return attached


def input_digest(compose: Mapping, stack: str, scaled: Iterable[str]) -> str:
    """What decides that two documents ask for the same, image tags as they are written."""
    own = {key: value for key, value in (compose.get("networks") or {}).items() if not (value or {}).get("external")}
    return digest(
        {"services": views(compose, stack, {}, scaled), "networks": own, "volumes": compose.get("volumes") or {}}
    )


def rendered(
    compose: Mapping, pinned: Mapping[str, str], replicas: Mapping[str, int], only: Iterable[str] | None = None
) -> dict:
    """The document for the CLI: pinned images, the given replica counts, and the services in `only` (None: all)."""
    document = copy.deepcopy(dict(compose))
    chosen = set(document["services"] if only is None else only)
    document["services"] = {name: service for name, service in services(document).items() if name in chosen}
    for name, service in document["services"].items():
        service["image"] = pinned.get(service["image"], service["image"])
        if name in replicas:
            service.setdefault("deploy", {})["replicas"] = replicas[name]
    return document


def wanted_replicas(service: Mapping) -> int:
    deploy = service.get("deploy") or {}
    count = deploy.get("replicas", 1)
    return 1 if count is None else int(count)


def clamped(count: int, bounds: Mapping[str, Any]) -> int:
    """A replica count within the autoscaler's {min, max}."""
    return max(int(bounds["min"]), min(int(bounds["max"]), count))
