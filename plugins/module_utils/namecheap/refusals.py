# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a planned zone may not be written. Every reason is known before anything is sent, and all are told. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.sophia.platform.plugins.module_utils.namecheap.records import (
    APEX,
    PARKING_TARGET,
    RECORD_COUNT_MAX,
    REDIRECT_TYPES,
    Record,
    Zone,
    canonical_value,
    clash,
    clashing,
)
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.wanted import Want

if TYPE_CHECKING:
    from ansible_collections.sophia.platform.plugins.module_utils.namecheap.plan import Plan

_PROVIDER_MAIL = ("OX", "GMAIL")


def refusals(zone: Zone, want: Want, plan: Plan) -> list[str]:
    """All reasons; none when the plan changes nothing, so that a zone that is right is never complained about."""
    if not plan.changes:
        return []
    found = []
    if zone.email_type is None:
        found.append(
            "Namecheap did not tell the zone's EmailType, which every write sets, and a wrong one reroutes mail; "
            "run again later, or see the domain's mail settings at Namecheap"
        )
    else:
        found += _mail(zone, want, plan)
    return found + _dynamic(want, plan) + _conflicts(zone, want, plan) + _stuck(want, plan) + _size(want, plan)


def _mail(zone: Zone, want: Want, plan: Plan) -> list[str]:
    """MX records need the right EmailType, or are silently not stored (reference §6.2, §8)."""
    before, after = zone.email_type.upper(), plan.email_type.upper()
    target = {record.identity for record in plan.target}
    new = [record for record in plan.target if record not in zone.records]
    gone = [record for record in zone.records if record.identity not in target]
    found = []
    mx = [record for record in plan.target if record.type == "MX"]
    new_mx = [record for record in new if record.type == "MX"]
    if after not in ("MX", *_PROVIDER_MAIL) and (new_mx or (mx and after != before)):
        found.append(
            f"MX records are not stored in a zone whose EmailType is {plan.email_type} "
            f"({_listed(new_mx or mx)}): give email_type MX to route mail by them, or have no MX records"
        )
    provided = [record for record in ([*new_mx, *gone] if after == before else mx) if record.pair == (APEX, "MX")]
    if after in _PROVIDER_MAIL and provided:
        found.append(
            f"EmailType is {plan.email_type}: the MX records of the domain itself are its mail provider's "
            f"({_listed(provided)}); leave them out, or give email_type MX to route mail by your own"
        )
    mxe = [record for record in plan.target if record.type == "MXE"]
    touched = any(record.type == "MXE" for record in [*new, *gone]) or after != before
    if touched and mxe and after != "MXE":
        found.append(
            f"an MXE record ({_listed(mxe)}) works only with the EmailType MXE, and it is {plan.email_type}: "
            "give email_type MXE, or remove the record"
        )
    if touched and after == "MXE" and len(mxe) != 1:
        found.append(f"the EmailType MXE needs exactly one MXE record, and the zone would have {len(mxe)}")
    return found


def _dynamic(want: Want, plan: Plan) -> list[str]:
    """Any write turns Dynamic DNS off, and nothing can keep it (reference §6.3)."""
    dynamic = [record for record in plan.target if record.is_dynamic]
    if not dynamic or want.accept_ddns_loss:
        return []
    return [
        f"any write to this zone switches Dynamic DNS off for {_listed(dynamic)}; "
        "set accept_ddns_loss: true if that may be"
    ]


def _conflicts(zone: Zone, want: Want, plan: Plan) -> list[str]:
    """What is asked for cannot stand beside what is kept, parking records above all."""
    wanted = {record.identity for record in want.records}
    found = []
    for first, beside in clashing(plan.target):
        if not any(record.identity in wanted for record in [first, *beside]):
            continue
        parking = [record for record in [first, *beside] if is_parking(record, zone.domain)]
        also = f"; {_listed(parking)} is the parking record of a new domain" if parking else ""
        found.append(f"{clash(first, beside)}{also}: remove what is not wanted with state: absent, or with purge: true")
    return found


def is_parking(record: Record, domain: str) -> bool:
    """Whether a record is one of the two that Namecheap puts into a new zone (reference §5)."""
    if record.name == "www" and record.type == "CNAME":
        return canonical_value("CNAME", record.value) == PARKING_TARGET
    own = record.value.rstrip("/").lower() == f"http://www.{domain}"
    return record.name == APEX and record.type in REDIRECT_TYPES and own


def _stuck(want: Want, plan: Plan) -> list[str]:
    """A change of an MX's preference or a CAA's flag alone is answered with OK and ignored (reference §6.1)."""
    if not plan.stuck or want.two_phase:
        return []
    return [
        f"Namecheap ignores a change of only an MX preference or a CAA flag ({_listed(plan.stuck)}): set "
        "two_phase: true to take the record out and put it back with a second write, with a moment without it between"
    ]


def _size(want: Want, plan: Plan) -> list[str]:
    found = []
    if len(plan.target) > RECORD_COUNT_MAX:
        found.append(
            f"the zone would have {len(plan.target)} records, and Namecheap takes {RECORD_COUNT_MAX}: remove some, "
            "leftover _acme-challenge records first"
        )
    if not plan.target and not want.allow_empty_zone:
        found.append("the zone would be empty; set allow_empty_zone: true if it is to be")
    if len(plan.removals) > want.max_deletions:
        found.append(
            f"{len(plan.removals)} records would be removed ({_listed(plan.removals)}), more than "
            f"max_deletions {want.max_deletions}; look at them with --check --diff and raise it for this run"
        )
    return found


def _listed(records: tuple[Record, ...] | list[Record]) -> str:
    shown = [record.brief() for record in records]
    return "; ".join(shown[:10]) + (f"; and {len(shown) - 10} more" if len(shown) > 10 else "")
