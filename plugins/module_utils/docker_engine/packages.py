# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what apt has to do for the engine, and what forbids it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.sources import PREINSTALLED, Source
from ansible_collections.sophia.platform.plugins.module_utils.host.packages import Installed, Plan, make_plan

_NUMBERS = re.compile(r"\d+(?:\.\d+)*")


def numbers(version: str) -> tuple[int, ...]:
    """Give the upstream numbers of a package's or an engine's version: `5:29.8.0-1~debian.13` is (29, 8, 0)."""
    found = _NUMBERS.match(version.split(":", 1)[-1])
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def conflicts(source: Source, installed: Mapping[str, Installed]) -> list[str]:
    """Name the installed packages that exclude the source's engine."""
    return [name for name in source.conflicts if name in installed]


def decide(
    kind: str,
    source: Source,
    options: Mapping,
    installed: Mapping[str, Installed],
    candidates: Mapping[str, list[str]],
    containers_count: int,
) -> Plan:
    """Plan the packages of one host; the plan's problems say why nothing may be done.

    `options`: version, min_version, allow_upgrade, replace. `candidates` may be empty (see make_plan).
    """
    names = [*source.names, *source.companions]
    wanted = {name: options["version"] for name in source.names if options["version"]}
    plan = make_plan(names, wanted, dict(installed), dict(candidates), options["allow_upgrade"])
    if kind == PREINSTALLED and not source.names:
        plan.problems.append(
            "docker_source is `preinstalled` and no package of an engine is installed (neither docker.io nor "
            "docker-ce). Choose `distribution` or `docker`."
        )
    engine = source.names[0] if source.names else ""
    coming = plan.install.get(engine) or next(iter(candidates.get(engine, [])), "") if engine in plan.install else ""
    version = coming or (installed[engine].version if engine in installed and engine not in plan.install else "")
    if version and numbers(version) < numbers(options["min_version"]):
        plan.problems.append(
            f"{engine} {version} is older than docker_min_version ({options['min_version']}). Choose another "
            "docker_source or docker_version, with docker_allow_upgrade where an engine runs already."
        )
    blocking = conflicts(source, installed)
    if plan.install and blocking and containers_count and not options["replace"]:
        told = ", ".join(f"{name} {installed[name].version}" for name in blocking)
        plan.problems.append(
            f"docker_source is `{kind}`, and {told} cannot stay beside it. Containers run on this host "
            f"({containers_count} containerd shims): replacing the engine stops all of them. Move the work away "
            "(`docker node update --availability drain`), keep the engine that is there (docker_source: preinstalled), "
            "or allow it with docker_replace: true."
        )
    return plan
