# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what a host needs for the driver that was asked for: seen and wanted in, a plan out. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.host import support
from ansible_collections.sophia.platform.plugins.module_utils.host.files import File
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import parse, problems, reboot, settings, sources

Seen = Mapping[str, Any]
Wanted = Mapping[str, Any]


@dataclass
class Plan:
    """What to do. `lookup` names the packages whose offers must be known before `install` can be.

    `brings` and `removes` are what apt would do for `install`, as far as it could be asked.
    """

    source: str
    install: dict[str, str] = field(default_factory=dict)
    first: dict[str, str] = field(default_factory=dict)
    lookup: list[str] = field(default_factory=list)
    brings: dict[str, str] = field(default_factory=dict)
    removes: list[str] = field(default_factory=list)
    hold: list[str] = field(default_factory=list)
    apt_files: list[File] = field(default_factory=list)
    boot_files: list[File] = field(default_factory=list)
    configure: bool = False
    key: bool = False
    load: bool = False
    reasons: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    not_on_offer: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @property
    def installing(self) -> bool:
        """Whether packages of the driver are installed or changed."""
        return bool(self.install or self.first)

    @property
    def new_repository(self) -> bool:
        """Whether apt is told of an archive that it did not know."""
        return any(file.path == sources.REPOSITORY_PATH for file in self.apt_files)


def make_plan(seen: Seen, wanted: Wanted, offers: sources.Offers | None = None, trust: bool = False) -> Plan:
    """Plan for one host. Without `offers` it is only known what must be looked up.

    With `trust`, packages that are not on offer are no problem: apt does not know their archive yet.
    """
    plan = Plan(sources.choose(seen, wanted))
    plan.problems = problems.of_host(seen, wanted, plan.source)
    if support.problems(seen["os_release"], seen["machine"]) or not wanted["branch"].isdigit():
        return plan
    plan.apt_files = _apt_files(seen, wanted, plan.source)
    plan.key = plan.new_repository
    _choose_packages(plan, seen, wanted, offers, trust)
    plan.configure = bool(sources.broken(seen) or (plan.installing and seen["broken_packages"]))
    if plan.source == sources.PREINSTALLED:
        plan.configure = False
    if wanted["hold"]:
        there = [name for name, row in seen["packages"].items() if parse.is_gpu_package(name) and not row["held"]]
        plan.hold = sorted({*there, *plan.install, *plan.first})
    plan.boot_files = settings.boot_files(seen, wanted, plan.installing)
    plan.load = bool(seen["on_disk"] and not seen["loaded"] and not seen["nouveau"]) or (
        plan.installing and not seen["loaded"] and not seen["nouveau"]
    )
    _judge(plan, seen, wanted)
    return plan


def _judge(plan: Plan, seen: Seen, wanted: Wanted) -> None:
    """Everything that can be known before anything is changed."""
    plan.problems += problems.of_known_gpus(seen, wanted)
    plan.problems += settings.option_problems(seen, wanted, plan.installing)
    plan.reasons = reboot.reasons(seen, wanted, plan.installing)
    plan.problems += plan.not_on_offer + reboot.refusal(plan.reasons, seen, wanted)
    if not plan.installing and not plan.reasons and sources.driver_there(seen):
        plan.problems += problems.of_driver(seen, wanted, plan.load)
    busy = seen["containers"] != 0 and not plan.reasons
    if busy and settings.wants_persistence(seen["modes"]["persistence"], wanted, False):
        plan.warnings.append(
            "Persistence is off and stays off: to turn it on systemd reads its units again, which can take the GPU "
            "from containers that run (gh200_hosts.md §0.10). Run the role when the host runs none."
        )


def _apt_files(seen: Seen, wanted: Wanted, source: str) -> list[File]:
    files = []
    if source == sources.NVIDIA:
        others = [path for path in seen["archives"][sources.NVIDIA_ARCHIVE] if path != sources.REPOSITORY_PATH]
        if not others:
            files.append(File(sources.REPOSITORY_PATH, sources.repository_text(seen, wanted)))
    if source != sources.PREINSTALLED:
        files.append(File(sources.BRANCH_PATH, sources.branch_pin(wanted, source)))
    if sources.has_lambda(seen) and seen["archives"][sources.NVIDIA_ARCHIVE] and wanted["allow_foreign_repository"]:
        files.append(File(sources.FOREIGN_PATH, sources.FOREIGN_PIN))
    return files


def _choose_packages(plan: Plan, seen: Seen, wanted: Wanted, offers: sources.Offers | None, trust: bool) -> None:
    sets = sources.alternatives(seen, wanted, plan.source)
    pinning = sources.pinning_package(wanted, plan.source)
    headers = f"linux-headers-{seen['kernel']}"
    if pinning in seen["packages"]:
        pinning = ""
    if not pinning and any(all(sources.is_satisfied(name, seen, wanted) for name in names) for names in sets):
        return
    plan.lookup = [*dict.fromkeys(name for names in sets for name in names), headers, *([pinning] if pinning else [])]
    plan.first = {pinning: ""} if pinning else {}
    plan.install = dict.fromkeys(sets[-1], "")
    if offers is None:
        return
    found = _first_on_offer(sets, seen, wanted, offers, plan.source)
    if found is None and not trust:
        plan.not_on_offer.append(_told(sets, wanted, offers, plan.source))
        return
    if pinning and not trust and not offers.get(pinning):
        plan.not_on_offer.append(f"{pinning} is not on offer; it keeps NVIDIA's archive on the branch or version.")
    plan.install = plan.install if found is None else found
    if not seen["headers"] and offers.get(headers) and not any(map(sources.is_signed, plan.install)):
        plan.install[headers] = ""
    if plan.install:
        plan.problems += problems.of_installation(seen, list(plan.install))


def _first_on_offer(
    sets: list[list[str]], seen: Seen, wanted: Wanted, offers: sources.Offers, source: str
) -> dict[str, str] | None:
    for names in sets:
        versions = {name: sources.eligible(name, offers, wanted, source) for name in names}
        if all(versions[name] or sources.is_satisfied(name, seen, wanted) for name in names):
            return {
                name: "" if sources.is_signed(name) else found[0]
                for name, found in versions.items()
                if not sources.is_satisfied(name, seen, wanted)
            }
    return None


def _told(sets: list[list[str]], wanted: Wanted, offers: sources.Offers, source: str) -> str:
    asked = wanted["version"] or f"branch {wanted['branch']}"
    name = sets[-1][0]
    listing = ", ".join(version for version, _where in offers.get(name, ())) or "no version"
    hint = {
        sources.UBUNTU: " Does apt know the archive's component restricted?",
        sources.LAMBDA: " Only Lambda's own builds (0lambda0) count here.",
    }.get(source, "")
    return f"{name} of {asked} is not on offer from {source}; apt knows {listing}.{hint}"


def describe(plan: Plan, seen: Seen, holds: bool) -> dict[str, str]:
    """Give packages, holds and the module as they are and as the plan would have them, as text for a diff."""
    versions = {**plan.first, **plan.install, **plan.brings}
    after = dict(seen["packages"])
    for name in {*versions, *plan.hold}:
        row = seen["packages"].get(name, {"version": "newest of the branch", "held": False})
        held = row["held"] or name in plan.hold or (holds and parse.is_gpu_package(name))
        after[name] = {"version": versions.get(name) or row["version"], "held": held}
    after = {name: row for name, row in after.items() if name not in plan.removes}
    return difference(seen["packages"], after, ("not loaded", "loaded") if plan.load else None)


def difference(before: Mapping, after: Mapping, module: tuple[str, str] | None = None) -> dict[str, str]:
    """Give what differs between two sets of packages, and what became of the module nvidia, as text for a diff."""
    sides: tuple[list[str], list[str]] = ([], [])
    for name in sorted({*before, *after}):
        texts = [
            f"{name} {row['version']}{' (held)' if row['held'] else ''}" if row else f"{name} absent"
            for row in (before.get(name), after.get(name))
        ]
        for side, text in zip(sides, texts):
            side += [text] if texts[0] != texts[1] else []
    for side, state in zip(sides, module or ()):
        side.append(f"module nvidia {state}")
    return {key: "".join(f"{line}\n" for line in side) for key, side in zip(("before", "after"), sides)}
