# SPDX-License-Identifier: GPL-3.0-or-later
"""Read, plan, write once, read again and compare: what is done to a zone. Knows no Ansible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.sophia.platform.plugins.module_utils.namecheap.client import Namecheap
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.errors import NamecheapError
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.owner import PREFIX
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.plan import Plan, make
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.records import Record, Zone
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.wanted import Domain, Want

WRITES_MAX = 3
# What comes and goes by nature: challenges, and the lists of owners, which the plan looks after itself.
_PASSING = ("_acme-challenge", PREFIX)


@dataclass
class Outcome:
    """What happened, also when it ended in an error.

    is_changed: a write was sent that may have been carried out. half_done: what is missing between two writes.
    """

    before: Zone | None = None
    after: Zone | None = None
    changes: list[dict] = field(default_factory=list)
    is_changed: bool = False
    half_done: str = ""


def read(client: Namecheap, domain: Domain) -> Zone:
    """The zone. Raises NamecheapError with the actual name servers when it is not Namecheap's."""
    zone = client.zone(domain)
    if zone.is_at_namecheap:
        return zone
    servers = ", ".join(client.name_servers(domain)) or "none that Namecheap knows"
    raise NamecheapError(
        f"{domain.name} is not on Namecheap's name servers but on {servers}, so that records at Namecheap have no "
        "effect: manage them there, or set the domain to Namecheap BasicDNS in its panel (which replaces those name "
        "servers). Nothing was changed."
    )


def reconcile(client: Namecheap, domain: Domain, want: Want, check_mode: bool, outcome: Outcome) -> None:
    """Make the zone what is asked for; `outcome` tells how far that came. Raises NamecheapError."""
    zone = outcome.before = outcome.after = read(client, domain)
    plan = _planned(zone, want)
    outcome.changes += plan.changes
    if check_mode or not plan.changes:
        outcome.is_changed = bool(plan.changes)
        outcome.after = plan.zone(domain.name) if plan.changes else zone
        return
    writes_left = WRITES_MAX
    while plan.changes:
        doubt = _write(client, domain, plan, outcome)
        if not (doubt and doubt.rate_limited):
            writes_left -= 1
        written, outcome.after = plan, _read_back(client, domain, doubt)
        there = {record.identity for record in outcome.after.records}
        taken_out = [record for record in written.stuck if record.identity not in there]
        if taken_out:  # the second of two writes that belong together is still to come
            writes_left, outcome.half_done = WRITES_MAX, _without(taken_out)
        plan = _planned(outcome.after, want)
        if not doubt or not plan.changes:
            _refuse_losses(written, outcome.after, want)
        if not written.stuck:
            outcome.changes += [change for change in plan.changes if change not in outcome.changes]
        if plan.changes and not writes_left:
            raise NamecheapError(_still_missing(domain, plan, doubt))
    outcome.half_done = ""


def _planned(zone: Zone, want: Want) -> Plan:
    """The plan, unless it may not be carried out. Raises NamecheapError with all reasons."""
    plan = make(zone, want)
    if not plan.refusals:
        return plan
    reasons = "; ".join(plan.refusals) if len(plan.refusals) == 1 else "".join(f"\n- {text}" for text in plan.refusals)
    raise NamecheapError(f"The records of {zone.domain} are not written: {reasons}.")


def _write(client: Namecheap, domain: Domain, plan: Plan, outcome: Outcome) -> NamecheapError | None:
    """Send the list once. Returns the doubt about it, when only reading the zone can tell what happened."""
    try:
        client.write(domain, plan.phase_target, plan.email_type)
    except NamecheapError as error:
        outcome.is_changed |= error.reread and not error.not_done
        if error.reread:
            return error
        raise
    outcome.is_changed = True
    return None


def _read_back(client: Namecheap, domain: Domain, doubt: NamecheapError | None) -> Zone:
    try:
        return read(client, domain)
    except NamecheapError as error:
        told = f"{doubt} Then: {error}" if doubt else f"The records were written, but not checked. {error}"
        message = f"{told} Run again: it reads the zone first and does what is left."
    raise NamecheapError(message)


def _refuse_losses(written: Plan, zone: Zone, want: Want) -> None:
    """Records that were kept must still be there, unless someone gave them another value meanwhile."""
    there = {record.identity for record in zone.records}
    expected = {record.identity for record in written.phase_target}
    asked = {record.identity for record in want.records}
    changed_pairs = {record.pair for record in zone.records if record.identity not in expected}
    lost = [
        record
        for record in written.phase_target
        if record.identity not in there | asked
        and record.pair not in changed_pairs
        and not record.name.startswith(_PASSING)
    ]
    problems = [f"lack {_listed(lost)}"] if lost else []
    if (zone.email_type or "").upper() != (written.email_type or "").upper() and not want.email_type:
        problems.append(f"have EmailType {zone.email_type} where {written.email_type} was")
    if problems:
        raise NamecheapError(
            f"After the write the records of {zone.domain} {' and '.join(problems)}, which was to be kept: Namecheap "
            "did not store it, or someone else changed it at the same time. Look at the zone and put back what is "
            "missing; in full: "
            f"{' / '.join(record.line() for record in lost) or written.email_type}."
        )


def _still_missing(domain: Domain, plan: Plan, doubt: NamecheapError | None) -> str:
    words = {"add": "is missing", "remove": "is still there", "change": "has not the state asked for"}
    left = "; ".join(
        f"{change['name']} {change['type']} {change['value']} {words[change['action']]}" for change in plan.changes
    )
    why = f"Last error: {doubt}" if doubt else "Another writer may be undoing it, or Namecheap does not store it."
    return f"After {WRITES_MAX} writes the zone {domain.name} is not as asked for: {left}. {why}"


def _listed(records: Sequence[Record]) -> str:
    return ", ".join(record.brief() for record in records)


def _without(records: Sequence[Record]) -> str:
    return (
        f"The first of two writes was carried out, so {_listed(records)} is missing from the zone now; "
        "run again soon, that puts it back."
    )
