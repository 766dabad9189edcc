# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a host's rules and sshd's settings to what is asked for: read all, judge all, then change under the guard."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.firewall import guard, policy, render, restore, sshd, view
from ansible_collections.sophia.platform.plugins.module_utils.firewall import loaded as kernel
from ansible_collections.sophia.platform.plugins.module_utils.host import apt, files
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, ask, run
from ansible_collections.sophia.platform.plugins.module_utils.host.packages import Plan as Packages

_NFTABLES_SERVICE = "nftables.service"
_PACKAGE_SECONDS = 600


@dataclass
class Change:
    """What a host needs: the files, units and loaded rules that are otherwise, and the words for it."""

    packages: list[str] = field(default_factory=list)
    files: list[files.File] = field(default_factory=list)
    diff: list[dict[str, str]] = field(default_factory=list)
    units: list[str] = field(default_factory=list)
    rules: list[dict[str, str]] = field(default_factory=list)
    disable: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    uplinks: list[str] = field(default_factory=list)

    @property
    def is_needed(self) -> bool:
        """Whether anything has to be done."""
        return bool(self.packages or self.files or self.units or self.rules or self.disable)

    def described(self) -> list[dict[str, str]]:
        """The entries of a module's diff. What is loaded is shown when no file explains the difference."""
        entries = [*self.diff, *([] if self.diff else self.rules)]
        words = [
            *(("package {}: absent", "package {}: installed", name) for name in self.packages),
            *(("{}: otherwise", "{}: enabled, and as its file says", name) for name in self.units),
            *(("{}: enabled", "{}: disabled", name) for name in self.disable),
        ]
        before = "".join(f"{was.format(name)}\n" for was, _, name in words)
        after = "".join(f"{will.format(name)}\n" for _, will, name in words)
        return entries + ([{"before": before, "after": after}] if words else [])


class Refused(Exception):
    """The options contradict each other or the host; nothing was changed. `problems` has all of them."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def plan(options: Mapping[str, Any]) -> Change:
    """Read the host, judge everything, and say what it needs. Changes nothing."""
    units = view.unit_states()
    host = view.host_view(units)
    rules, problems = policy.read_policy(options, host.default_route_interfaces)
    keys = sshd.drop_in(options["ssh_users"], options["ssh_permit_root"], options["ssh_settings"], problems)
    more, warnings = policy.judge(rules, host, options["interfaces"])
    disable = []
    if options["replace_nftables_service"] and _NFTABLES_SERVICE in host.conflicts:
        disable.append(_NFTABLES_SERVICE)
        more.remove(policy.CONFLICTS[_NFTABLES_SERVICE])
    text = sshd.render(keys) if options["enabled"] else ""
    if options["enabled"]:
        problems += more
    else:
        problems, disable = [], []
    if not 1 <= options["guard_seconds"] <= 3600:
        problems.append(f"host_firewall_guard_seconds: {options['guard_seconds']} is not between 1 and 3600.")
    problems += _judge_sshd(keys if options["enabled"] else {}, text, host.client)
    if problems:
        raise Refused(problems)
    names = view.families()
    change = Change(disable=disable, warnings=warnings if options["enabled"] else [], uplinks=list(rules.uplinks))
    if options["enabled"] and shutil.which("nft") is None:
        change.packages.append("nftables")
    wanted_files, wanted_rules = _wanted(rules, names, text, enabled=options["enabled"], has_nft=not change.packages)
    change.files = files.changes(wanted_files)
    change.diff = [files.diff(file) for file in change.files]
    if not change.packages:
        change.rules = kernel.differences(view.loaded(names), wanted_rules)
    change.units = _units_otherwise(units, options["enabled"], bool(names))
    return change


def _wanted(
    rules: policy.Policy, names: list[str], drop_in: str, *, enabled: bool, has_nft: bool
) -> tuple[list[files.File], kernel.Loaded]:
    """The files, and what is to be loaded, after the tools have judged it."""
    texts = {
        render.TABLE_PATH: render.table(rules),
        **{path: render.docker_rules(rules, name) for name, path in render.RULES_PATHS.items()},
        render.SCRIPT_PATH: render.docker_script(),
        f"{render.UNITS_PATH}/{render.HOST_UNIT}": render.host_unit(),
        f"{render.UNITS_PATH}/{render.DOCKER_UNIT}": render.docker_unit(),
    }
    wanted = [files.File(path, text if enabled else "") for path, text in texts.items()]
    wanted.append(files.File(sshd.DROP_IN_PATH, drop_in))
    if not enabled:
        return wanted, kernel.Loaded("", dict.fromkeys(names, ""))
    if not has_nft:
        return wanted, kernel.Loaded()
    chains = {name: texts[render.RULES_PATHS[name]] for name in names}
    view.judge_in_place(texts[render.TABLE_PATH], chains)
    return wanted, view.as_loaded(texts[render.TABLE_PATH], chains)


def _judge_sshd(keys: Mapping[str, str], text: str, who: policy.Client | None) -> list[str]:
    main, others = files.read(sshd.MAIN_PATH), view.drop_ins()
    in_place = sshd.whole(main, others, text)
    if in_place is None:
        return [f"{sshd.MAIN_PATH} does not include {sshd.DIRECTORY}/*.conf, so a drop-in has no effect. Add the line."]
    try:
        effective = view.sshd_says(in_place, who)
        wanted = view.sshd_says(sshd.whole(main, others, text, first=True) or "", who) if keys else {}
    except HostError as error:
        return [f"sshd refuses its new settings, the old ones stay: {error}"]
    problems = sshd.overridden(keys, effective, wanted)
    if who is not None:
        problems += sshd.locked_out(who, effective, view.groups_of(who.user), view.has_keys(who.user, effective))
    return problems


def _units_otherwise(units: Mapping[str, Mapping[str, str]], enabled: bool, has_iptables: bool) -> list[str]:
    """Our units that are not as they should be. Without iptables (no engine yet) there is nothing to load for it."""
    found = []
    for name in view.UNITS:
        state = units[name]
        wants_to_run = enabled and (name == render.HOST_UNIT or has_iptables)
        runs, starts = state["ActiveState"] == "active", state["UnitFileState"] == "enabled"
        if starts != enabled or (runs != wants_to_run and (wants_to_run or not enabled)):
            found.append(name)
    return found


def apply(change: Change, options: Mapping[str, Any]) -> None:
    """Make the change under the guard; when it does not hold, put everything back and say why."""
    if change.packages:
        apt.apply(Packages(install=dict.fromkeys(change.packages, "")), _PACKAGE_SECONDS)
        plan(options)  # now nft can judge, and nothing has been written yet
    who = view.client()
    guard.start(_old_state(change.disable), options["guard_seconds"], who.connection if who else "")
    try:
        if not options["enabled"]:
            _unload()
        _write(change)
        _load(change, options["enabled"])
        left = plan(options)
        if left.is_needed:
            seen = [*(entry["after_header"] for entry in (*left.diff, *left.rules)), *left.units, *left.disable]
            raise HostError(f"What was loaded is not what was written: {', '.join(seen)}.")
    except (HostError, Refused, OSError) as error:
        guard.revert()
        raise HostError(f"{error} Everything was put back as it was.") from error


def _write(change: Change) -> None:
    for file in change.files:
        files.write(file)
    if any(file.path.startswith(render.UNITS_PATH) for file in change.files):
        run("systemctl", "daemon-reload")
    for name in change.disable:
        run("systemctl", "--quiet", "disable", name)


def _load(change: Change, enabled: bool) -> None:
    if sshd.DROP_IN_PATH in [file.path for file in change.files]:
        run("systemctl", "try-reload-or-restart", "ssh.service")
    if enabled:
        run("systemctl", "--quiet", "enable", *view.UNITS)
        run("systemctl", "restart", render.HOST_UNIT, *([render.DOCKER_UNIT] if view.families() else []))


def _unload() -> None:
    ask("systemctl", "--quiet", "disable", "--now", *view.UNITS)
    if shutil.which("nft"):
        run("nft", "-f", "-", stdin=render.REPLACE)
    for name in view.families():
        listing = run(name, "-w", "-S")
        chains = [chain for chain in render.CHAINS if f"-N {chain}" in listing.splitlines()]
        removal = render.docker_removal(kernel.jumps_count(listing), chains)
        run(f"{name}-restore", "-w", "--noflush", stdin=removal)


def _old_state(disable: list[str]) -> restore.OldState:
    units = view.unit_states()
    names = view.families()
    have = view.loaded(names)
    paths = [render.TABLE_PATH, *render.RULES_PATHS.values(), render.SCRIPT_PATH, sshd.DROP_IN_PATH]
    paths += [f"{render.UNITS_PATH}/{name}" for name in view.UNITS]
    kept = {
        path: (files.read(path), Path(path).stat().st_mode & 0o7777) if Path(path).exists() else None for path in paths
    }
    states = {
        name: (units[name]["UnitFileState"] == "enabled", units[name]["ActiveState"] == "active") for name in view.UNITS
    }
    states |= dict.fromkeys(disable, (True, True))  # enabled again, and never stopped: that would flush everything
    chains = {name: render.docker_restore(listing) for name, listing in have.chains.items()}
    return restore.OldState(files=kept, units=states, table=_table_of(have.table), chains=chains)


def _table_of(listing: str) -> str:
    """What loads a table that is listed like this. The file that it came from, if it did: nft does not always list what
    it was told in the same words."""
    text = files.read(render.TABLE_PATH)
    if text and listing:
        with contextlib.suppress(HostError):
            if view.as_loaded(text, {}).table == listing:
                return text
    return render.REPLACE + listing
