# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a host's engine to what the role asks for: judges everything first, then installs, writes and starts."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.docker_engine import (
    foreign,
    install,
    packages,
    pending,
    pools,
    settings,
    sources,
)
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.judge import UNIT, validate
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.restart import binary_replaced
from ansible_collections.sophia.platform.plugins.module_utils.host import apt, files, support
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, ask, run
from ansible_collections.sophia.platform.plugins.module_utils.host.packages import Installed, Plan, describe
from ansible_collections.sophia.platform.plugins.module_utils.host.units import unit_state
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine

NOT_ON_OFFER = "is not on offer"


@dataclass
class Configuration:
    """daemon.json and the environment as they should be, and what keeps them from being so."""

    content: dict[str, Any] = field(default_factory=dict)
    foreign_paths: list[str] = field(default_factory=list)
    wanted: list[files.File] = field(default_factory=list)
    action: str = pending.NOTHING
    problems: list[str] = field(default_factory=list)


def configuration(options: Mapping[str, Any]) -> Configuration:
    """Merge what is ours with what is foreign in the file, and judge the whole. Changes nothing."""
    found, path = Configuration(), options["path"]
    try:
        ours = settings.merge(options["settings"], options["fragments"])
        environment = {name: str(value) for name, value in options["environment"].items()}
        drop_in = files.File(options["drop_in_path"], settings.render_environment(environment))
    except settings.SettingsError as error:
        return Configuration(problems=[str(error)])
    before: dict[str, Any] = {}
    try:
        before = foreign.parse(files.read(path), path)
        if options["foreign_settings"] == "keep":
            remembered = foreign.parse(files.read(options["memory_path"]), options["memory_path"])
            stays = foreign.beyond(foreign.beyond(before, remembered), ours)
            found.foreign_paths, found.problems = foreign.paths(stays), foreign.problems(stays, path)
            ours_and_theirs = foreign.together(stays, ours)
        else:
            ours_and_theirs = ours
    except settings.SettingsError as error:
        ours_and_theirs = ours
        if options["foreign_settings"] == "keep":
            found.problems.append(str(error))
    found.problems += pools.problems(
        ours_and_theirs.get("default-address-pools", []),
        pools.read_routes(),
        pools.read_bridges(),
        options["reserved_networks"],
    )
    found.content = ours_and_theirs
    # The same content in somebody else's spelling stays as it is.
    text = files.read(path) if before and before == ours_and_theirs else settings.render(ours_and_theirs)
    # daemon.json before what we remember of it: a run that ends between the two forgets nothing that is foreign.
    found.wanted = [
        files.File(path, text),
        drop_in,
        files.File(options["memory_path"], settings.render(ours)),
    ]
    found.action = pending.needed(pending.changed_keys(before, ours_and_theirs), ours_and_theirs)
    if not drop_in.is_right:
        found.action = pending.RESTART
    return found


def running_problems(options: Mapping[str, Any], content: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Say what the running engine does otherwise than its files say, and what that takes."""
    info = Engine().get("/info")
    problems, keys = settings.problems_of(content, options["version"], info), settings.differences(content, info)
    only_settings = len(keys) == len(problems)
    return pending.needed(keys, content) if only_settings else pending.RESTART, problems


@dataclass
class Packages:
    """The engine's packages as they are and as they should be."""

    installed: dict[str, Installed]
    source: sources.Source
    plan: Plan
    blocking: list[str]


def decide_packages(options: Mapping[str, Any]) -> Packages:
    """Look at dpkg and apt, and plan. Changes nothing."""
    installed = apt.read_installed(list(sources.EVERY_PACKAGE))
    source = sources.choose(
        options["source"],
        support.read_os_release(),
        support.machine(),
        options["version"],
        options["repository_url"],
        options["repository_channel"],
        installed,
    )
    names = [*source.names, *source.companions]
    # Lists that were read before the repository was described do not know it: its versions are then taken on trust.
    known = all(file.is_right for file in source.files if file.path == sources.REPOSITORY_PATH)
    wants = bool(options["version"]) or any(name not in installed for name in names)
    candidates = apt.read_candidates(names) if names and known and wants else {}
    plan = packages.decide(options["source"], source, options, installed, candidates, install.containers_count())
    return Packages(installed, source, plan, packages.conflicts(source, installed))


def with_new_lists(options: Mapping[str, Any]) -> Packages:
    """Read the package lists again and plan anew; HostError tells the problems."""
    apt.update_lists(options["timeout_seconds"])
    found = decide_packages(options)
    if found.plan.problems:
        raise HostError(" ".join(found.plan.problems))
    return found


def install_packages(options: Mapping[str, Any], found: Packages, repository: list[files.File]) -> None:
    """Tell apt about the source, then install and hold."""
    for file in repository:
        files.write(file)
    if repository:
        found = with_new_lists(options)
    try:
        install.install(found.plan, found.blocking, options["timeout_seconds"])
    except HostError:
        if not found.plan.install or repository:
            raise
        found = with_new_lists(options)
        install.install(found.plan, found.blocking, options["timeout_seconds"])


def start(options: Mapping[str, Any], wanted: list[files.File], unit: Mapping[str, bool], action: str) -> None:
    """Put the files in place, judged by the engine, and have its unit enabled and running."""
    if shutil.which("dockerd") is None:
        raise HostError("There is no dockerd on this host to judge the settings: install the engine first.")

    def judge(draft: str) -> None:
        validate(draft)
        remember()

    def remember() -> None:
        if unit["active"] and action:
            pending.mark(action)

    judged = options["path"] in [file.path for file in wanted]
    if not judged:
        remember()
    for file in wanted:  # daemon.json comes first: what the engine refuses leaves nothing behind
        files.write(file, judge if file.path == options["path"] else None)
    if options["drop_in_path"] in [file.path for file in wanted]:
        run("systemctl", "daemon-reload")
    if not unit["enabled"]:
        run("systemctl", "enable", UNIT)
    if not unit["active"]:
        ask("systemctl", "reset-failed", UNIT)  # it may have failed too often with its earlier settings
        run("systemctl", "start", UNIT)


def reconcile(options: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Bring the host there, or say what that would take. HostError tells all problems, before anything is changed."""
    wished, found = configuration(options), decide_packages(options)
    problems = support.host_problems() + wished.problems
    if not problems and not check_mode and any(NOT_ON_OFFER in problem for problem in found.plan.problems):
        found = with_new_lists(options)
    if problems or found.plan.problems:
        raise HostError(" ".join(problems + found.plan.problems))
    repository, changes = files.changes(found.source.files), files.changes(wished.wanted)
    told = [file for file in changes if file.path != options["memory_path"]] or changes
    diff = [files.diff(file) for file in [*repository, *told]] + [describe(found.plan, found.installed)]
    package_changes = bool(found.plan.install or found.plan.hold or repository)
    if package_changes and not check_mode:
        install_packages(options, found, repository)

    unit, action, running = unit_state(UNIT), pending.NOTHING, []
    if unit["active"]:
        newer = found.plan.upgrades or binary_replaced(UNIT)
        asked, running = (wished.action, []) if changes else running_problems(options, wished.content)
        action = pending.stronger(asked, pending.marked(), pending.RESTART if newer else pending.NOTHING)
    service_changes = not (unit["active"] and unit["enabled"])
    if service_changes:
        diff.append({"before": f"{UNIT}: {unit}\n", "after": f"{UNIT}: enabled and running\n"})
    if (changes or service_changes) and not check_mode:
        start(options, changes, unit, action)
    return {
        "changed": bool(package_changes or changes or service_changes or action or running),
        "settings": wished.content,
        "foreign": wished.foreign_paths,
        "action": action,
        "problems": running,
        "versions": {name: package.version for name, package in found.installed.items()},
        "diff": diff,
    }
