# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: what a deploy would do to each service, why, and whether that costs downtime."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.swarm import spec as specs
from ansible_collections.sophia.platform.plugins.module_utils.swarm.compose import clamped, wanted_replicas

CREATE, UPDATE, REMOVE, NONE = "create", "update", "remove", "none"
# Changes of these under `deploy` reach a service without new tasks.
WITHOUT_RESTART = ("labels", "replicas", "update_config", "rollback_config")


@dataclass
class Step:
    """What happens to one service. `replace`: its mode changes, which means removing and creating it."""

    service: str
    action: str
    why: str
    downtime: bool = False
    replace: bool = False

    def public(self) -> dict:
        return {key: value for key, value in asdict(self).items() if key != "replace"}


@dataclass
class Release:
    """The part of a release record that a plan needs: views, and specs as the engine had them, by service."""

    views: Mapping[str, dict]
    specs: Mapping[str, dict]


def steps(
    wanted: Mapping[str, dict], previous: Release | None, live: Mapping[str, dict], scaled: Mapping[str, Mapping]
) -> list[Step]:
    """One step for each service, wanted ones first. `live` holds the engine's services by short name."""
    drifted = {entry["service"]: entry["fields"] for entry in drift(previous, live, scaled)}
    planned = [
        _step(name, view, previous, live.get(name), scaled.get(name), drifted.get(name))
        for name, view in wanted.items()
    ]
    return planned + [
        Step(name, REMOVE, "not in the stack any more", downtime=not _is_job(service))
        for name, service in sorted(live.items())
        if name not in wanted
    ]


def drift(previous: Release | None, live: Mapping[str, dict], scaled: Collection[str]) -> list[dict]:
    """Where the live services are not what the last release left: {service, fields}."""
    found = []
    for name, recorded in (previous.specs if previous else {}).items():
        service = live.get(name)
        if service is None:
            found.append({"service": name, "fields": ["the service is gone"]})
            continue
        fields = specs.differing_fields(recorded, specs.normalised(service["Spec"]))
        count = specs.replicas(service["Spec"])
        view = previous.views.get(name, {})
        if name not in scaled and count is not None and "replicas" in view.get("deploy", {"replicas": 1}):
            expected = wanted_replicas(view)
            fields += [f"replicas ({expected} -> {count})"] if count != expected else []
        if fields:
            found.append({"service": name, "fields": fields})
    return found


def _step(
    name: str,
    view: dict,
    previous: Release | None,
    service: dict | None,
    bounds: Mapping | None,
    drifted: list[str] | None,
) -> Step:
    if service is None:
        gone = previous and name in previous.views
        return Step(name, CREATE, "the service is gone" if gone else "new")
    before = previous.views.get(name) if previous else None
    if before is None:
        replace = specs.mode(service["Spec"]) != _mode(view)
        return Step(name, UPDATE, "there is no release record of it", _stops(view), replace)
    changes = differences(_without_replicas(before) if bounds else before, view)
    fields = {change.partition(":")[0] for change in changes}
    why = list(changes)
    if drifted:
        why.append("changed by hand: " + ", ".join(drifted))
    count = specs.replicas(service["Spec"])
    if bounds and count is not None and clamped(count, bounds) != count:
        why.append(f"replicas: {count} -> {clamped(count, bounds)} (the autoscaler's limits)")
    if not why:
        return Step(name, NONE, "")
    replace = "deploy.mode" in fields or specs.mode(service["Spec"]) != _mode(view)
    return Step(name, UPDATE, "; ".join(why), replace or _downtime(before, view, fields, drifted), replace)


def _without_replicas(view: Mapping) -> dict:
    return {**view, "deploy": {key: value for key, value in (view.get("deploy") or {}).items() if key != "replicas"}}


def differences(before: Mapping, after: Mapping) -> list[str]:
    """What differs between two views of a service, as `field: old -> new`; values of variables are not shown."""
    found = []
    for key in sorted({*before, *after}):
        old, new = before.get(key), after.get(key)
        if old == new or (not old and not new):
            continue
        if key == "deploy":
            found += [f"deploy.{change}" for change in _deploy_differences(old or {}, new or {})]
        elif key in ("secrets", "configs"):
            found.append(f"{key}: {_names(old)} -> {_names(new)}")
        elif key in ("environment", "labels") and isinstance(old or {}, dict) and isinstance(new or {}, dict):
            names = sorted(
                name for name in {*(old or {}), *(new or {})} if (old or {}).get(name) != (new or {}).get(name)
            )
            found.append(f"{key}: {', '.join(names)}")
        elif key == "image":
            found.append(f"image: {old} -> {new}")
        else:
            found.append(key)
    return found


def _deploy_differences(old: Mapping, new: Mapping) -> list[str]:
    found = []
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            shown = key in ("replicas", "mode", "endpoint_mode")
            found.append(f"{key}: {old.get(key)} -> {new.get(key)}" if shown else key)
    return found


def _names(attached: Mapping | None) -> str:
    return ", ".join(sorted(entry["name"] for entry in (attached or {}).values())) or "none"


def _downtime(before: Mapping, after: Mapping, fields: Collection[str], drifted: list[str] | None) -> bool:
    if wanted_replicas(after) == 0:
        return wanted_replicas(before) != 0
    harmless = {f"deploy.{key}" for key in WITHOUT_RESTART}
    if fields <= harmless and all(field.startswith(("replicas", "Labels.")) for field in drifted or []):
        return False
    if set(before.get("networks") or {}) - set(after.get("networks") or {}) or "deploy.endpoint_mode" in fields:
        return True  # those who still use the old address or network lose it
    return _stops(after)


def _stops(view: Mapping) -> bool:
    """Whether a rolling update of such a service leaves clients with nobody to answer for a while."""
    deploy = view.get("deploy") or {}
    if _mode(view) in specs.JOB_MODES:
        return False
    update = deploy.get("update_config") or {}
    if update.get("order", "stop-first") == "start-first":
        return False
    if _mode(view) == "global":
        return any(isinstance(port, dict) and port.get("mode") == "host" for port in view.get("ports") or [])
    parallelism, count = int(update.get("parallelism", 1)), wanted_replicas(view)
    return parallelism == 0 or parallelism >= count


def _mode(view: Mapping) -> str:
    return (view.get("deploy") or {}).get("mode") or "replicated"


def _is_job(service: Mapping[str, Any]) -> bool:
    return specs.mode(service["Spec"]) in specs.JOB_MODES


def waves(planned: list[Step], sequential: list[str]) -> list[list[str]]:
    """Which services are deployed together: updated members of `sequential` one after another, then all the rest."""
    chosen = {step.service: step.action for step in planned if step.action in (CREATE, UPDATE)}
    alone = [[name] for name in sequential if chosen.get(name) == UPDATE]
    rest = [name for name in chosen if [name] not in alone]
    return alone + ([rest] if rest else [])
