# SPDX-License-Identifier: GPL-3.0-or-later
"""What must change so that a project is as it is wanted: settings, variables, domains, with texts for people. Pure."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.vercel import domain_plan, environment_plan

SETTINGS = {  # option: field of the API (reference §3)
    "framework": "framework",
    "build_command": "buildCommand",
    "install_command": "installCommand",
    "output_directory": "outputDirectory",
    "root_directory": "rootDirectory",
    "node_version": "nodeVersion",
    "sso_protection": "ssoProtection",
}
SSO_PROTECTIONS = ("none", "preview", "prod_deployment_urls_and_all_previews", "all_except_custom_domains", "all")
NOT_AT_CREATION = ("nodeVersion",)


@dataclass
class Have:
    """A project as it is. project is None when there is none."""

    project: Mapping[str, Any] | None = None
    variables: list[Mapping[str, Any]] = field(default_factory=list)
    domains: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass
class Plan:
    """What to do. changes: (what, before, after) for people, without values of variables."""

    create: bool = False
    settings: dict[str, Any] = field(default_factory=dict)
    environment: environment_plan.EnvironmentPlan = field(default_factory=environment_plan.EnvironmentPlan)
    domains: domain_plan.DomainPlan = field(default_factory=domain_plan.DomainPlan)
    changes: list[tuple[str, str, str]] = field(default_factory=list)


def problems(have: Have, want: Mapping[str, Any]) -> list[str]:
    """Say everything that is wrong with what is wanted."""
    name = want["name"]
    found = []
    if not re.fullmatch(r"[a-z0-9._-]{1,100}", name) or "---" in name:
        found.append(
            f"The project name {name!r} is not one of Vercel's: at most 100 lower-case letters, digits, '.', '_' and "
            "'-', without '---'."
        )
    found += environment_plan.problems(want["environment_variables"] or [])
    found += domain_plan.problems(have.domains, want["domains"] or [], want["purge_domains"])
    return found


def make(have: Have, want: Mapping[str, Any]) -> Plan:
    """Compare everything. What is None in `want` is left alone."""
    plan = Plan(create=have.project is None, settings=settings(have.project, want))
    if want["environment_variables"] is not None:
        hmac_key = want["fingerprint_key"] or derived_key(want["name"])
        arguments = (want["environment_variables"], hmac_key, want["purge_environment_variables"])
        plan.environment = environment_plan.make(have.variables, *arguments)
    if want["domains"] is not None:
        plan.domains = domain_plan.make(have.domains, want["domains"], want["purge_domains"])
    plan.changes = [*_project_changes(have, plan, want), *_variable_changes(plan), *_domain_changes(plan)]
    return plan


def derived_key(name: str) -> str:
    """The key of fingerprints when the caller gives none. It is no secret: short values could be guessed with it."""
    return hashlib.sha256(f"sophia.platform vercel {name}".encode()).hexdigest()


def settings(project: Mapping[str, Any] | None, want: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of the API that differ. An empty text asks for Vercel's own default."""
    changes = {}
    for option, name in SETTINGS.items():
        value = want[option]
        if value is None or (name == "nodeVersion" and not value):
            continue
        if name == "ssoProtection":
            value = None if value == "none" else {"deploymentType": value}
        value = value or None
        if project is None and value is None and name != "ssoProtection":
            continue  # what a new project has anyway; but Vercel protects new projects
        if project is None or _shown(name, project.get(name)) != _shown(name, value):
            changes[name] = value
    return changes


def at_creation(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a new project may be made with; the others are changed afterwards."""
    return {name: value for name, value in fields.items() if name not in NOT_AT_CREATION}


def fingerprint(project: Mapping[str, Any], variables: list[Mapping[str, Any]]) -> str:
    """A hash of all that a production build takes from the project; another one asks for a new deployment."""
    fields = {name: project.get(name) for name in SETTINGS.values() if name != "ssoProtection"}
    keys = ("id", "key", "type", "gitBranch", "updatedAt", "comment")
    entries = [[str(entry.get(key)) for key in keys] for entry in variables if "production" in entry["target"]]
    return hashlib.sha256(json.dumps([fields, sorted(entries)], sort_keys=True).encode()).hexdigest()[:32]


def texts(changes: list[tuple[str, str, str]]) -> dict[str, str]:
    """The two sides of a diff."""
    return {
        "before": "".join(f"{what}: {before}\n" for what, before, _after in changes),
        "after": "".join(f"{what}: {after}\n" for what, _before, after in changes),
    }


def _shown(name: str, value: Any) -> str:
    """A setting in words; of a protection only its kind counts, and without one there is none."""
    value = value.get("deploymentType") if isinstance(value, Mapping) else value
    return str(value or ("none" if name == "ssoProtection" else "default"))


def _project_changes(have: Have, plan: Plan, want: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    made = [(f"project {want['name']}", "absent", "present")] if plan.create else []
    old = have.project or {}
    return made + [
        (name, "absent" if plan.create else _shown(name, old.get(name)), _shown(name, value))
        for name, value in plan.settings.items()
    ]


def _variable_changes(plan: Plan) -> list[tuple[str, str, str]]:
    variables = plan.environment
    changes = [(f"variable {entry['key']}", environment_plan.described(entry), "absent") for entry in variables.deletes]
    for old, entry in variables.updates:
        other_value = "value" in environment_plan.differences(old, entry)
        before, after = environment_plan.described(old), environment_plan.described(entry)
        changes.append(
            (
                f"variable {entry['key']}",
                before + (" (old value)" if other_value else ""),
                after + (" (new value)" if other_value else ""),
            )
        )
    return changes + [
        (f"variable {entry['key']}", "absent", environment_plan.described(entry)) for entry in variables.creates
    ]


def _domain_changes(plan: Plan) -> list[tuple[str, str, str]]:
    described, domains = domain_plan.described, plan.domains
    return [
        *((f"domain {old['name']}", described(old), "absent") for old in domains.detaches),
        *((f"domain {old['name']}", described(old), described(entry)) for old, entry in domains.updates),
        *((f"domain {entry['name']}", "absent", described(entry)) for entry in domains.attaches),
    ]
