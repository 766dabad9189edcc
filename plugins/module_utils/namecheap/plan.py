# SPDX-License-Identifier: GPL-3.0-or-later
"""What a zone becomes: the records that are there and those that are asked for in, the whole new list out. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from ansible_collections.sophia.platform.plugins.module_utils.namecheap import owner as owners
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.owner import Registry
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.records import Record, Zone, canonical_value
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.refusals import refusals
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.wanted import Want

# SPF, DMARC, MTA-STS, … : their standards allow one record of a kind at a name.
_TXT_KIND = re.compile(r"v=[a-z0-9]+(?=[;\s]|\Z)", re.IGNORECASE)


@dataclass(frozen=True)
class Plan:
    """The list to write, what it changes, and why it may not be written.

    stuck: records whose change the API would ignore; removals: records that go without another in their place.
    """

    target: tuple[Record, ...]
    email_type: str | None
    changes: tuple[dict, ...] = ()
    stuck: tuple[Record, ...] = ()
    removals: tuple[Record, ...] = ()
    refusals: tuple[str, ...] = ()

    @property
    def phase_target(self) -> tuple[Record, ...]:
        """The list of the next write: without the stuck records, which are added by the write after it."""
        gone = {record.identity for record in self.stuck}
        return tuple(record for record in self.target if record.identity not in gone)

    def zone(self, domain: str) -> Zone:
        """The zone as it would be."""
        return Zone(domain, self.target, self.email_type)


@dataclass
class _Draft:
    """A plan in the making. conflicts: what is another owner's."""

    target: list[Record] = field(default_factory=list)
    added: list[Record] = field(default_factory=list)
    removed: list[Record] = field(default_factory=list)
    changed: list[tuple[Record, Record]] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)


def make(zone: Zone, want: Want) -> Plan:
    """Decide about every record of the zone. Nothing is forgotten: what is not decided on stays as it was read."""
    registry = owners.read(zone.records)
    draft = _Draft()
    wanted = {record.identity: record for record in want.records}
    for record in zone.records:
        if owners.is_registry(record.name) and not _is_listed_absent(record, want):
            draft.target.append(record)
        elif record.identity in wanted:
            _keep(draft, record, wanted.pop(record.identity))
        elif _goes(record, want, registry, draft):
            draft.removed.append(record)
        else:
            draft.target.append(record)
    for record in wanted.values():
        draft.added.append(record)
        draft.target.append(record)
    _check_owners(draft, want, registry)
    _write_registry(draft, want, registry)
    return _finished(zone, want, draft)


def _keep(draft: _Draft, have: Record, wanted: Record) -> None:
    """The record stays in the server's spelling; its TTL follows, and what is stuck is told."""
    if have.is_as(wanted):
        draft.target.append(have)
        return
    value = have.value if have.stuck_state == wanted.stuck_state else wanted.value
    new = replace(have, value=value, ttl_seconds=wanted.ttl_seconds, mx_preference=wanted.mx_preference)
    draft.changed.append((have, new))
    draft.target.append(new)


def _goes(record: Record, want: Want, registry: Registry, draft: _Draft) -> bool:
    """Whether a record that is not asked for is to be removed; another owner's is only ever told."""
    others = registry.owners_of(record, but=want.owner)
    if _is_listed_absent(record, want) or any(_replaces(new, record, want.record_sets) for new in want.records):
        if others:
            draft.conflicts.append(_owned(record, others, want, "would be removed"))
        return not others
    dropped = want.is_present and owners.listed(registry.of(want.owner), record)
    kept = any(fnmatchcase(text, pattern) for pattern in want.purge_keep for text in _patterned(record))
    return not others and (dropped or (want.purge and not kept))


def _replaces(new: Record, old: Record, record_sets: str) -> bool:
    """Whether asking for `new` means that `old`, which is not asked for, goes."""
    if new.pair != old.pair or record_sets == "add":
        return False
    if new.type != "TXT" or record_sets == "exclusive":
        return True
    kinds = [_TXT_KIND.match(record.value) for record in (new, old)]
    return all(kinds) and kinds[0].group().lower() == kinds[1].group().lower()


def _is_listed_absent(record: Record, want: Want) -> bool:
    return any(
        (name, kind) == record.pair and (value is None or canonical_value(kind, value) == record.identity[2])
        for name, kind, value in want.absent
    )


def _patterned(record: Record) -> tuple[str, str]:
    return record.name, owners.set_entry(record)


def _check_owners(draft: _Draft, want: Want, registry: Registry) -> None:
    """A whole set has one owner, and nobody changes what another one lists."""
    touched = {record.identity for record in [*draft.added, *(new for _old, new in draft.changed)]}
    for record in want.records:
        whole = registry.owners_of_set(record, but=want.owner)
        if whole and want.owner:
            draft.conflicts.append(_owned(record, whole, want, "is asked for"))
        elif record.identity in touched:
            others = registry.owners_of(record, but=want.owner)
            if others:
                draft.conflicts.append(_owned(record, others, want, "would be written"))


def _owned(record: Record, others: Sequence[str], want: Want, what: str) -> str:
    me = f"the owner {want.owner}" if want.owner else "a task without owner"
    return (
        f"{record.brief()} {what} by {me}, but it belongs to the owner {' and '.join(others)}: "
        "let only one of them ask for it"
    )


def _write_registry(draft: _Draft, want: Want, registry: Registry) -> None:
    """Put this owner's new list into the same write."""
    if not want.owner:
        return
    if want.is_present:
        entries = {_entry(record, want.record_sets) for record in want.records if record.is_listed}
    else:
        living = [record for record in draft.target if not owners.is_registry(record.name)]
        named = {name for record in living for name in (owners.set_entry(record), owners.value_entry(record))}
        entries = registry.of(want.owner) & named
    name = owners.PREFIX + want.owner
    have = [record for record in draft.target if record.pair == (name, "TXT") and record.value.startswith(owners.MARK)]
    new = owners.write(want.owner, entries)
    values = {record.value for record in new}
    draft.removed += [record for record in have if record.value not in values]
    draft.target = [record for record in draft.target if record not in have or record.value in values]
    added = [record for record in new if record.value not in {old.value for old in have}]
    draft.added += added
    draft.target += added


def _entry(record: Record, record_sets: str) -> str:
    whole = record_sets == "exclusive" or (record_sets == "replace" and record.type != "TXT")
    return owners.set_entry(record) if whole else owners.value_entry(record)


def _finished(zone: Zone, want: Want, draft: _Draft) -> Plan:
    email_type = want.email_type or zone.email_type
    changes = [_change("remove", record) for record in _ordered(draft.removed)]
    changes += [
        {**_change("change", new), "before": old.shown()}
        for old, new in sorted(draft.changed, key=lambda pair: pair[1].sort_key)
    ]
    changes += [_change("add", record) for record in _ordered(draft.added)]
    if (email_type or "").upper() != (zone.email_type or "").upper():
        before = {"value": zone.email_type}
        changes.append({"action": "change", "name": "@", "type": "EmailType", "value": email_type, "before": before})
    plan = Plan(
        tuple(draft.target),
        email_type,
        tuple(changes),
        tuple(new for old, new in draft.changed if old.stuck_state != new.stuck_state),
        tuple(_net_removals(draft)),
    )
    return replace(plan, refusals=tuple(draft.conflicts + refusals(zone, want, plan)))


def _net_removals(draft: _Draft) -> list[Record]:
    """Removed records that no new one of the same name and type stands in for; lists of owners do not count."""
    replaced = [record.pair for record in draft.added]
    found = []
    for record in _ordered(draft.removed):
        if record.pair in replaced:
            replaced.remove(record.pair)
        elif not owners.is_registry(record.name):
            found.append(record)
    return found


def _ordered(records: Iterable[Record]) -> list[Record]:
    return sorted(records, key=lambda record: record.sort_key)


def _change(action: str, record: Record) -> dict:
    return {"action": action, **record.shown()}
