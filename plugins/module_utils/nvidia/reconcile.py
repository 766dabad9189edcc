# SPDX-License-Identifier: GPL-3.0-or-later
"""Brings a host's driver to what was asked for: see, plan, refuse or apply, see again. Knows no Ansible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.host import apt, files
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError
from ansible_collections.sophia.platform.plugins.module_utils.host.units import unit_state
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import (
    apply,
    observe,
    parse,
    problems,
    reboot,
    settings,
    sources,
)
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.plan import Plan, describe, difference, make_plan


class Refused(Exception):
    """Nothing (more) is done on this host; `problems` say why."""

    def __init__(self, found: list[str], result: Mapping[str, Any]) -> None:
        super().__init__(" ".join(found))
        self.problems, self.result = found, dict(result)


@dataclass
class Run:
    """One run over a host: what was seen last, and what was, or would be, changed."""

    wanted: Mapping[str, Any]
    check_mode: bool
    seen: dict[str, Any] = field(default_factory=dict)
    diff: list[dict[str, str]] = field(default_factory=list)
    changed_paths: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    changed: bool = False
    restart_persistenced: bool = False

    def look(self) -> None:
        """See the whole host."""
        self.seen = observe.observe(self.wanted["sys_path"], self.wanted["proc_path"])

    def write(self, wanted: list[files.File]) -> bool:
        """Write those files that differ; says whether there were any."""
        changes = files.changes(wanted)
        self.diff += [files.diff(file) for file in changes]
        self.changed_paths += [file.path for file in changes]
        self.changed = self.changed or bool(changes)
        for file in [] if self.check_mode else changes:
            files.write(file)
        return bool(changes)


def reconcile(wanted: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Do everything; gives the module's answer, or raises Refused or HostError."""
    run = Run(wanted, check_mode)
    run.look()
    before = dict(run.seen)
    plan = decide(run)
    if plan.problems:
        raise Refused(plan.problems, answer(run, plan))
    run.reasons = plan.reasons
    if wanted["defer_on_busy_host"] and plan.installing and plan.reasons and run.seen["containers"] != 0:
        return {**answer(run, plan), "deferred": True}
    run.changed = plan.installing or plan.configure or plan.load or bool(plan.hold)
    if run.changed and check_mode:
        run.diff.append(describe(plan, before, wanted["hold"]))
    _packages(run, plan)
    _configuration(run, plan)
    if not check_mode:
        _verify(run, plan)
        _describe(run, before)
    _persistence(run, plan, before)
    return answer(run, plan)


def decide(run: Run) -> Plan:
    """Plan, with what apt has on offer when something must be installed."""
    plan = make_plan(run.seen, run.wanted)
    if not plan.lookup:
        return plan
    refused = bool(plan.problems)
    trust = plan.new_repository and bool(files.changes(plan.apt_files))
    offers = apply.read_offers(plan.lookup)
    if not run.check_mode and not refused and make_plan(run.seen, run.wanted, offers, trust).not_on_offer:
        apply.refresh_lists()
        offers = apply.read_offers(plan.lookup)
    known = any(offers.get(name) for name in plan.lookup)
    plan = make_plan(run.seen, run.wanted, offers, trust or (run.check_mode and not known))
    if not plan.problems and known and not trust and not plan.configure:
        wanted_packages, downgrade = {**plan.first, **plan.install}, bool(run.wanted["version"])
        plan.brings, plan.removes = apply.rehearse(wanted_packages, downgrade, plan.apt_files)
    return plan


def _packages(run: Run, plan: Plan) -> None:
    """Tell apt where drivers come from, install, hold."""
    wanted = run.wanted
    if plan.key and not run.check_mode and files.changes(plan.apt_files):
        where = f"{sources.nvidia_repository(run.seen, wanted)}/{wanted['repository_key_name']}"
        apply.trust_key(where, wanted["repository_key_fingerprint"])
    told = run.write(plan.apt_files)
    if run.check_mode:
        return
    # What the packages' own scripts put into the initial ramdisk already has the blacklist.
    if plan.installing:
        run.write([file for file in plan.boot_files if file.path == settings.NOUVEAU_PATH])
    if plan.configure:
        apply.finish_interrupted(wanted["apt_timeout_seconds"])
    if plan.installing:
        _install(run, plan, refresh=told and plan.new_repository)
    elif plan.configure:
        apply.install({}, False, wanted["apt_timeout_seconds"])
        run.look()
    rows = run.seen["packages"]
    names = [name for name, row in rows.items() if parse.is_gpu_package(name) and not row["held"]]
    if names and wanted["hold"]:
        apt.hold(names)
        run.seen["packages"] = {**rows, **{name: {**rows[name], "held": True} for name in names}}


def _install(run: Run, plan: Plan, refresh: bool) -> None:
    downgrade, seconds = bool(run.wanted["version"]), run.wanted["apt_timeout_seconds"]
    chosen = plan
    if refresh:
        apply.refresh_lists()
        chosen = make_plan(run.seen, {**run.wanted, "source": plan.source}, apply.read_offers(plan.lookup))
        if chosen.problems:
            raise Refused(chosen.problems, answer(run, plan))
    if chosen.first:
        apply.install(chosen.first, downgrade, seconds)
    if chosen.install:
        apply.install(chosen.install, downgrade, seconds)
    run.look()


def _configuration(run: Run, plan: Plan) -> None:
    """Write what the kernel and the tools read; have it in force where that takes no restart."""
    wanted, seen = run.wanted, run.seen
    installing = plan.installing and run.check_mode
    run.write(plan.boot_files if installing else settings.boot_files(seen, wanted, plan.installing))
    tools = apply.boot_tools(run.changed_paths, seen["kernel"])
    run.changed = run.changed or bool(tools)
    sysctls = settings.sysctl_file(wanted)
    written = run.write([sysctls])
    differs = settings.sysctl_differs(wanted, apply.live_sysctls(wanted["sysctls"]))
    run.changed = run.changed or differs
    if run.check_mode:
        return
    apply.run_boot_tools(tools)
    if sysctls.text and (written or differs):
        apply.apply_sysctls()


def _verify(run: Run, plan: Plan) -> None:
    """Load the driver if that is all it takes, see it again, and say what still needs a restart or is wrong."""
    wanted, load_error = run.wanted, ""
    if plan.load and run.seen["on_disk"] and not run.seen["loaded"]:
        load_error = apply.load_module()
    if plan.load or plan.installing:
        run.seen.update(observe.driver(wanted["sys_path"], wanted["proc_path"]))
    there = run.seen["on_disk"]
    if plan.installing and not (there and parse.branch_of(there["version"]) == wanted["branch"]):
        raise HostError(
            f"The packages are installed, and the module on disk is {there['version'] if there else 'missing'} instead "
            f"of branch {wanted['branch']}. See `dkms status` and /var/lib/dkms/nvidia*/*/build/make.log."
        )
    run.reasons = reboot.reasons(run.seen, wanted, False, load_error)
    found = reboot.refusal(run.reasons, run.seen, wanted)
    if not run.reasons:
        found += problems.of_driver(run.seen, wanted, False) + problems.of_known_gpus(run.seen, wanted)
    if found:
        raise Refused(found, answer(run, plan))


def _describe(run: Run, before: Mapping[str, Any]) -> None:
    """Put what became of the packages and the module at the head of the diff."""
    loaded = (not before["loaded"]) and bool(run.seen["loaded"])
    text = difference(before["packages"], run.seen["packages"], ("not loaded", "loaded") if loaded else None)
    run.diff[:0] = [text] if text["before"] or text["after"] else []


def _persistence(run: Run, plan: Plan, before: Mapping[str, Any]) -> None:
    """Have the driver stay loaded; the caller restarts the daemon. A restart of the host needs neither that nor us."""
    state = run.seen["modes"]["persistence"] or before["modes"]["persistence"]
    if not settings.wants_persistence(state, run.wanted, plan.installing):
        return
    if not run.reasons and run.seen["containers"] != 0:
        return
    if not run.check_mode and not unit_state(settings.PERSISTENCE_UNIT)["exists"]:
        plan.warnings.append(f"Persistence is off and stays off: the driver came without {settings.PERSISTENCE_UNIT}.")
        return
    written = run.write([files.File(settings.PERSISTENCE_PATH, settings.PERSISTENCE)])
    if run.reasons or run.check_mode:
        return
    if written:
        apply.reload_units()
    run.changed = run.restart_persistenced = True


def answer(run: Run, plan: Plan) -> dict[str, Any]:
    """Give the module's result."""
    seen = run.seen
    gpus = seen["smi"]["gpus"]
    return {
        "changed": run.changed,
        "diff": run.diff,
        "source": plan.source,
        "driver_version": (sources.driver_there(seen) or {"version": ""})["version"],
        "versions": {name: row["version"] for name, row in seen["packages"].items() if parse.is_gpu_package(name)},
        "gpus": gpus,
        "generic_resources": observe.generic_resources(gpus),
        "reboot_reasons": run.reasons,
        "deferred": False,
        "restart_persistenced": run.restart_persistenced,
        "lambda_stack": sources.has_lambda(seen),
        "page_size_bytes": seen["page_size_bytes"],
        "numa_gpu_memory": seen["numa_gpu_memory"],
        "missing_kernel_parameters": settings.missing_kernel_parameters(seen, run.wanted),
        "swarm_node_id": seen["swarm_node_id"],
        "warnings": plan.warnings,
    }
