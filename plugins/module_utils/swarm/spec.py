# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure functions over service specs as the engine returns them."""

from __future__ import annotations

import copy
import hashlib
import json
from typing import Any

JOB_MODES = ("replicated-job", "global-job")
_MODES = {
    "Replicated": "replicated",
    "Global": "global",
    "ReplicatedJob": "replicated-job",
    "GlobalJob": "global-job",
}


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(value: Any) -> str:
    """SHA-256 (hex) over the canonical JSON of a value."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()


def normalised(spec: dict) -> dict:
    """The spec without what others may move (replicas, forced updates) and without empty values."""
    kept = copy.deepcopy(spec)
    (kept.get("Mode", {}).get("Replicated") or {}).pop("Replicas", None)
    kept.get("TaskTemplate", {}).pop("ForceUpdate", None)
    # The mode must survive the removal of what is empty: {"Global": {}} says everything.
    return {**_without_empty(kept), "Mode": mode(spec)}


def spec_digest(spec: dict) -> str:
    return digest(normalised(spec))


def mode(spec: dict) -> str:
    return next((name for key, name in _MODES.items() if spec.get("Mode", {}).get(key) is not None), "replicated")


def replicas(spec: dict) -> int | None:
    """The wanted number of a replicated service, None for every other mode."""
    if mode(spec) != "replicated":
        return None
    return int((spec.get("Mode", {}).get("Replicated") or {}).get("Replicas", 1))


def short_name(service: dict, stack: str) -> str:
    """The name that a service has in its stack's compose document."""
    name = service["Spec"]["Name"]
    return name[len(stack) + 1 :] if name.startswith(f"{stack}_") else name


def monitor_seconds(spec: dict) -> float:
    """How long a new task has to run before the engine believes it; the engine's default is 5 s."""
    nanoseconds = (spec.get("UpdateConfig") or {}).get("Monitor") or 5_000_000_000
    return nanoseconds / 1_000_000_000


def has_health_check(spec: dict) -> bool:
    """Whether a task counts as running only after the service's own check has passed. One of the image is not seen."""
    test = (spec["TaskTemplate"].get("ContainerSpec", {}).get("Healthcheck") or {}).get("Test") or ["NONE"]
    return test[0] != "NONE"


def differing_fields(before: Any, after: Any, path: str = "") -> list[str]:
    """Where two normalised specs differ, as dotted paths; lists are compared whole, values are not shown."""
    if isinstance(before or after, dict):
        old, new = before or {}, after or {}
        found = []
        for key in sorted({*old, *new}):
            found += differing_fields(old.get(key), new.get(key), f"{path}.{key}" if path else key)
        return found
    return [] if before == after else [path]


def _without_empty(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _without_empty(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in (None, "", [], {})}
    if isinstance(value, list):
        return [_without_empty(item) for item in value]
    return value
