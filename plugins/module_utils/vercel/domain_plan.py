# SPDX-License-Identifier: GPL-3.0-or-later
"""Which domains a project must get, lose or redirect. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

REDIRECT_STATUSES = (301, 302, 307, 308)
LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
NAME = re.compile(rf"(?=.{{1,253}}$){LABEL}(\.{LABEL})+")
OWN_SUFFIX = ".vercel.app"  # Vercel's own names of a project, which come and go with it

Domain = Mapping[str, Any]


@dataclass
class DomainPlan:
    """attaches: bodies; updates: (domain as it is, body); detaches: domains as they are."""

    attaches: list[dict[str, Any]] = field(default_factory=list)
    updates: list[tuple[Domain, dict[str, Any]]] = field(default_factory=list)
    detaches: list[Domain] = field(default_factory=list)


def clean(name: str) -> str:
    """A domain name as Vercel writes it."""
    return name.strip().rstrip(".").lower()


def cleaned(want: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The wanted domains with clean names; an empty redirect is none."""
    return [
        {
            "name": clean(entry["name"]),
            "redirect": clean(entry["redirect"] or "") or None,
            "status": entry["redirect_status"],
        }
        for entry in want
    ]


def problems(have: Sequence[Domain], want: Sequence[Domain], purge: bool) -> Iterator[str]:
    """Say what is wrong with the wanted domains."""
    names = [entry["name"] for entry in want]
    there = set(names) | (set() if purge else {entry["name"] for entry in have})
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"The domain {name} is given {names.count(name)} times."
    for entry in want:
        name, redirect = entry["name"], entry["redirect"]
        if name.startswith("*."):
            yield f"The domain {name} needs Vercel's nameservers; with DNS elsewhere, name each host."
        elif not NAME.fullmatch(name):
            yield f"The domain {name!r} is no domain name."
        if redirect and redirect == name:
            yield f"The domain {name} redirects to itself."
        elif redirect and redirect not in there:
            yield f"The domain {name} redirects to {redirect}, which is no domain of the project; add it."
        if entry["status"] and not redirect:
            yield f"The domain {name} has a redirect_status and no redirect."


def make(have: Sequence[Domain], want: Sequence[Domain], purge: bool) -> DomainPlan:
    """Compare. Domains that others redirect to are added first, and removed last."""
    plan = DomainPlan()
    existing = {entry["name"]: entry for entry in have}
    for entry in sorted(want, key=lambda one: one["redirect"] is not None):
        old = existing.get(entry["name"])
        if old is None:
            plan.attaches.append({"name": entry["name"], **(redirect_fields(entry) if entry["redirect"] else {})})
        elif redirect_changes(old, entry):
            plan.updates.append((old, redirect_fields(entry)))
    if purge:
        names = {entry["name"] for entry in want}
        unwanted = [old for old in have if old["name"] not in names and not old["name"].endswith(OWN_SUFFIX)]
        plan.detaches = sorted(unwanted, key=lambda old: not old.get("redirect"))
    return plan


def redirect_fields(entry: Domain) -> dict[str, Any]:
    """The redirect as the API takes it. Without a wanted status, Vercel chooses."""
    status = {"redirectStatusCode": entry["status"]} if entry["status"] or not entry["redirect"] else {}
    return {"redirect": entry["redirect"], **status}


def redirect_changes(old: Domain, entry: Domain) -> bool:
    """Whether a domain redirects elsewhere than wanted. Without a wanted status, Vercel's choice stays."""
    status = entry["status"]
    return (old.get("redirect") or None) != entry["redirect"] or bool(
        status and old.get("redirectStatusCode") != status
    )


def described(entry: Domain) -> str:
    """A domain in a few words."""
    redirect, status = entry.get("redirect"), entry.get("redirectStatusCode")
    return (f"redirects to {redirect}" + (f" with {status}" if status else "")) if redirect else "serves the project"
