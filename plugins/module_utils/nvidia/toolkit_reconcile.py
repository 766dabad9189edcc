# SPDX-License-Identifier: GPL-3.0-or-later
"""Observes, plans, refuses with all problems at once, applies, and looks again. Knows no Ansible."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.host import files
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_cdi as cdi
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_config as config
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_host as host
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_repository as repositories
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_plan import (
    Plan,
    Seen,
    Wanted,
    describe,
    make_plan,
)
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_rehearsal import Rehearsal, rehearse
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_versions import is_deaf

# What no stand-in can show: to be tried on a real GH200 (gh200_hosts.md §3.6, §3.7).
REAL_CHECKS = (
    "docker run --rm -e DOCKER_RESOURCE_{kind}={uuid} IMAGE nvidia-smi -L names this GPU only",
    "docker run --rm -e NVIDIA_VISIBLE_DEVICES=all -e DOCKER_RESOURCE_{kind}=GPU-00000000-0000-0000-0000-000000000000 "
    "IMAGE true fails",
    "a container with a GPU still answers nvidia-smi after `systemctl daemon-reload`",
    "/var/run/cdi/nvidia.yaml is there again after a restart of the host",
)


@dataclass
class Result:
    """What a run found and did. `warnings` are what would stop a real run, seen in check mode."""

    plan: Plan
    seen: Seen
    changed: bool
    config_changed: bool
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    diff: list[dict[str, str]] = field(default_factory=list)


class Refused(Exception):
    """Nothing was changed, for the reasons in `problems`."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def reconcile(wanted: Wanted, sys_path: str, proc_path: str, timeout_seconds: int, check: bool) -> Result:
    """Bring the host where it should be; in check mode only say what that would take."""
    seen = host.observe(sys_path, proc_path)
    plan, rehearsal = prepare(wanted, seen)
    # In check mode the driver may be something that an earlier role would have brought.
    problems = [*([] if check else plan.driver_problems), *plan.problems]
    if problems:
        raise Refused(problems)
    result = Result(plan, seen, plan.changed, bool(plan.edits), diff=_diff(plan, seen, rehearsal))
    if check:
        result.warnings = [f"A real run would end here: {problem}" for problem in plan.driver_problems]
    elif plan.changed:
        _apply(result, wanted, rehearsal, lambda: host.observe(sys_path, proc_path), timeout_seconds)
    return result


def prepare(wanted: Wanted, seen: Seen) -> tuple[Plan, Rehearsal]:
    """Plan, have apt rehearse it where apt is needed, and plan again with what apt then knows."""
    plan = make_plan(wanted, seen)
    if not plan.rehearse or seen.architecture not in repositories.ARCHITECTURES:
        return plan, Rehearsal(key=seen.key)
    rehearsal = rehearse(plan, wanted, seen)
    if rehearsal.offers:
        plan = make_plan(replace(wanted, source=plan.source), replace(seen, offers=rehearsal.offers))
    plan.problems = list(dict.fromkeys([*plan.problems, *rehearsal.problems]))
    return plan, rehearsal


def _apply(result: Result, wanted: Wanted, rehearsal: Rehearsal, observe: Any, timeout_seconds: int) -> None:
    plan = result.plan
    host.apply_packages(plan, rehearsal.key, rehearsal.all_lists, timeout_seconds)
    seen = observe()
    settings = make_plan(wanted, seen)
    host.apply_settings(settings, seen, timeout_seconds)
    result.config_changed = bool(settings.edits)
    result.seen = observe()
    after = make_plan(wanted, result.seen)
    result.problems = [*after.driver_problems, *after.problems]
    if after.changed:
        left = describe(after, result.seen)["after"].split("\n") + sorted(after.files)
        left += [edit.key for edit in after.edits]
        raise HostError(
            "Everything was done and the host still is not as it should be. Left over: "
            f"{'; '.join(part for part in left if part)}. Run `nvidia-ctk cdi list`, `apt-cache policy "
            f"nvidia-container-toolkit` and `systemctl status {cdi.SERVICE}` there."
        )


def _diff(plan: Plan, seen: Seen, rehearsal: Rehearsal) -> list[dict[str, str]]:
    entries = [describe(plan, seen)]
    key = {repositories.KEY_PATH: rehearsal.key} if plan.fetch_key else {}
    entries += [files.diff(files.File(path, text)) for path, text in {**key, **plan.files}.items()]
    if plan.edits:
        entries.append(
            {
                "before": seen.config,
                "after": config.edited(seen.config, plan.edits),
                "before_header": config.PATH,
                "after_header": config.PATH if seen.config else f"{config.PATH} (and what the package writes)",
            }
        )
    return [entry for entry in entries if entry["before"] != entry["after"]]


def returned(result: Result, wanted: Wanted, check: bool) -> dict[str, Any]:
    """Give what the module returns. In check mode the state is the one that was found."""
    seen = result.seen
    return {
        "changed": result.changed,
        "config_changed": result.config_changed,
        "version": result.plan.version if check else seen.version,
        "source": result.plan.source,
        "ignores_swarm_resource": is_deaf(seen.version) and wanted.mode == "auto",
        "swarm_resource": config.value_of(seen.config, "", config.SWARM_RESOURCE) or "",
        "wanted_swarm_resource": wanted.resource,
        "cdi_devices": seen.devices,
        "missing_devices": cdi.missing_devices(seen.devices, seen.uuids),
        "daemon_settings": {"exec-opts": list(wanted.docker_settings["exec-opts"])} if wanted.mode == "legacy" else {},
        "problems": result.problems,
        "real_checks": [
            text.format(kind=wanted.swarm_resource_kind.upper(), uuid=uuid)
            for text in REAL_CHECKS
            for uuid in seen.uuids[:1]
        ],
        "diff": result.diff,
    }
