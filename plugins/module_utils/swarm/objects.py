# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets and configs under versioned names: made when absent, removed when nothing refers to them any more."""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Mapping

from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import EngineError, SwarmError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import Swarm

STACK_LABEL = "sophia.stack"
KIND_LABEL = "sophia.kind"
BASE_LABEL = "sophia.base"
KINDS = ("secrets", "configs")
_REFERENCES = {"secrets": ("Secrets", "SecretName"), "configs": ("Configs", "ConfigName")}


def base_name(name: str) -> str:
    """The part of a versioned name that stays the same: `<base>_<hash>`."""
    return name.rpartition("_")[0] or name


def content(found: Mapping) -> str:
    """The text of a config as it was read."""
    return base64.b64decode(found["Spec"].get("Data") or "").decode(errors="replace")


def ensure(swarm: Swarm, stack: str, kind: str, contents: Mapping[str, str], there: Collection[str]) -> list[str]:
    """Make what is not there; returns the names that were made. The same name means the same content."""
    made = []
    for name, content in contents.items():
        if name in there:
            continue
        labels = {STACK_LABEL: stack, KIND_LABEL: kind[:-1], BASE_LABEL: base_name(name)}
        try:
            swarm.create(kind, name, content.encode(), labels)
        except EngineError as error:
            if error.status == 409:
                continue
            raise SwarmError(f"Cannot create the {kind[:-1]} {name}: {error.message}") from error
        made.append(name)
    return made


def in_use(services: Iterable[dict], kind: str) -> set[str]:
    """The names that any service's containers get."""
    key, name = _REFERENCES[kind]
    return {
        reference[name]
        for service in services
        for reference in (service["Spec"]["TaskTemplate"].get("ContainerSpec") or {}).get(key) or []
    }


def unused(
    objects: Iterable[dict], kind: str, stack: str, services: Iterable[dict], records: Iterable[Mapping]
) -> list[dict]:
    """The versions of a stack that no service and no kept release of any stack refers to.

    They are told by their labels. What a stack left behind that is gone altogether counts as well.
    """
    everyone, kept = list(services), list(records)
    used = in_use(everyone, kind) | {name for record in kept for name in record[kind]}
    alive = {record["stack"] for record in kept} | {
        (service["Spec"].get("Labels") or {}).get("com.docker.stack.namespace") for service in everyone
    }
    found = []
    for candidate in objects:
        labels = candidate["Spec"].get("Labels") or {}
        owner = labels.get(STACK_LABEL)
        mine = owner == stack or (owner and owner not in alive)
        if mine and labels.get(KIND_LABEL) == kind[:-1] and candidate["Spec"]["Name"] not in used:
            found.append(candidate)
    return found


def prune(swarm: Swarm, stack: str, services: list[dict], records: list[Mapping]) -> list[str]:
    """Remove the unused versions; returns their names. One that the engine still sees in use stays for next time."""
    removed = []
    for kind in KINDS:
        for candidate in unused(swarm.objects(kind), kind, stack, services, records):
            try:
                swarm.remove(kind, candidate["ID"])
            except EngineError as error:
                if error.status not in (400, 409):
                    raise
                continue
            removed.append(candidate["Spec"]["Name"])
    return removed
