# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances to launch or terminate, from what there is and what is wanted. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.model import (
    Instance,
    Wanted,
    hiding,
    matching,
    named,
    tagged,
)
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.settings import LaunchSettings


@dataclass
class Plan:
    """kept: what is there already, by name. With problems nothing may be done. drift is told and not mended."""

    kept: dict[str, Instance] = field(default_factory=dict)
    launch: list[Wanted] = field(default_factory=list)
    terminate: list[Instance] = field(default_factory=list)
    leaving: list[Instance] = field(default_factory=list)
    drift: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


def plan_present(
    instances: Sequence[Instance], wanted: Sequence[Wanted], tags: Mapping[str, str], settings: LaunchSettings
) -> Plan:
    """Plan that each wanted one runs once. An instance is the wanted one by its name and the tags of ownership.

    One of the name that does not tell its tags yet is waited for: a second one would be paid for.
    """
    plan = Plan(notes=strangers(instances, wanted, tags, "is another's and is left alone"))
    for each in wanted:
        found = matching(instances, each.name, tags) or hiding(instances, each.name)
        problem = present_problem(each.name, found, tags)
        if problem:
            plan.problems.append(problem)
        elif found:
            plan.kept[each.name] = found[0]
            plan.drift += drift(found[0], each, settings)
        else:
            plan.launch.append(each)
    kept = [instance.id for instance in plan.kept.values()]
    problem = budget_problem(instances, len(plan.launch), tags, settings.max_instances, kept)
    plan.problems += [problem] if problem else []
    return plan


def plan_absent(instances: Sequence[Instance], wanted: Sequence[Wanted], tags: Mapping[str, str]) -> Plan:
    """Plan that none of these runs. Only what has the name and every tag is terminated."""
    plan = Plan(notes=strangers(instances, wanted, tags, "has not these tags and is not terminated"))
    for each in wanted:
        own = matching(instances, each.name, tags)
        other = [instance for instance in own if not instance.has(each.tags)]
        if other:
            extra = {key: value for key, value in each.tags.items() if key not in tags}
            plan.problems.append(
                f"{named(other)} has not the tags {tagged(extra)} of the instance to terminate, but "
                f"{tagged({key: other[0].tags.get(key, '') for key in extra})}; give the tags that it has"
            )
        untold = hiding(instances, each.name)
        if untold:
            plan.problems.append(
                f"{named(untold)} does not tell its tags while it boots, so whose it is is not known; run again when "
                "it is active"
            )
        plan.terminate += [instance for instance in own if instance not in other]
        plan.leaving += [
            instance
            for instance in instances
            if instance.status == "terminating" and instance.name == each.name and instance.has(each.tags)
        ]
    return plan


def present_problem(name: str, found: Sequence[Instance], tags: Mapping[str, str]) -> str:
    """Say why what was found under one name cannot be used; empty when it can, or when nothing was found."""
    if len(found) > 1:
        return (
            f"{len(found)} instances are called {name} and have the tags {tagged(tags)}: {named(found)}; "
            "each is billed, so terminate all but one"
        )
    if found and found[0].status == "unhealthy":
        return (
            f"{named(found)} is unhealthy and billed all the same; see it in Lambda's dashboard, or run with "
            "`state: absent` and then again"
        )
    return ""


def budget_problem(
    instances: Sequence[Instance],
    more: int,
    tags: Mapping[str, str],
    max_instances: int,
    own_ids: Collection[str] = (),
) -> str:
    """Say why this many more may not be launched; empty when they may. own_ids: ours, whatever their tags tell."""
    living = [each for each in instances if each.alive and (each.has(tags) or each.id in own_ids)]
    if not more or len(living) + more <= max_instances:
        return ""
    there = f"{len(living)} with the tags {tagged(tags)} {'run' if len(living) != 1 else 'runs'} already"
    return (
        f"{more} more {'instances' if more > 1 else 'instance'} would make {len(living) + more}, and "
        f"`max_instances` is {max_instances}; {there}{': ' + named(living) if living else ''}"
    )


def drift(instance: Instance, wanted: Wanted, settings: LaunchSettings) -> list[str]:
    """Tell what a running instance has otherwise than wanted; only another launch could change it (reference §4.3)."""
    found = []
    if instance.instance_type != settings.instance_type:
        found.append(("instance type", instance.instance_type, settings.instance_type))
    regions = [wanted.region] if wanted.region else list(settings.regions)
    if regions and instance.region not in regions:
        found.append(("region", instance.region, " or ".join(regions)))
    if settings.ssh_key_name not in instance.ssh_key_names:
        found.append(("SSH key", ", ".join(instance.ssh_key_names), settings.ssh_key_name))
    if wanted.hostname and instance.hostname and instance.hostname != wanted.hostname:
        found.append(("hostname", instance.hostname, wanted.hostname))
    for key, value in () if instance.hides_tags else sorted(wanted.tags.items()):
        if instance.tags.get(key) != value:
            found.append((f"tag {key}", instance.tags.get(key, ""), value))
    return [
        f"{instance.name} ({instance.id}): the {what} is {has or 'empty'}, wanted is {want}"
        for what, has, want in found
    ]


def strangers(
    instances: Sequence[Instance], wanted: Sequence[Wanted], tags: Mapping[str, str], what_of_it: str
) -> list[str]:
    """Tell of living instances that have a wanted name but not the tags of ownership."""
    names = {each.name for each in wanted}
    known = [each for each in instances if each.alive and not each.hides_tags]
    found = [each for each in known if each.name in names and not each.has(tags)]
    return [f"{named([each])} {what_of_it}: it lacks the tags {tagged(tags)}." for each in found]
