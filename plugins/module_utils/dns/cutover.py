# SPDX-License-Identifier: GPL-3.0-or-later
"""How names of a zone move from what they point to now to what they are to point to. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from ansible_collections.sophia.platform.plugins.module_utils.namecheap import owner as owners
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.records import (
    APEX,
    REDIRECT_TYPES,
    Record,
    canonical_value,
)

# What a name points with. Name servers answer an ALIAS or a redirect with addresses that the zone does not have.
POINTING = ("A", "AAAA", "ALIAS", "CNAME", *REDIRECT_TYPES)
_ASKED = ("A", "AAAA", "CNAME")
_VERSIONED = "v="


def plan(now: Mapping, wanted: Sequence[Mapping], zone: str, owner: str, ttl_seconds: int) -> dict:
    """Every step of the move, as the module namecheap_dns takes it.

    now: what namecheap_dns_info returned. wanted: the records as they are to be in the end. Returned are `snapshot`
    (what was there, to be put back), `lower` (the same with the low TTL), `switch`, `replaces`, and `answers`, what
    the name servers are to say after the switch.
    """
    present = [_record(found) for found in now["records"] if not owners.is_registry(found["name"])]
    entries = frozenset(now["owners"].get(owner, ()))
    pairs = {(record["name"].lower(), record["type"]) for record in wanted}
    names = sorted({name for name, kind in pairs if kind in POINTING})
    points = [record for record in present if record.name in names and record.type in POINTING]
    mine = [record for record in present if owners.listed(entries, record)]
    replaced = [record for record in present if record.pair in pairs and _is_replaceable(record)]
    before = [{**record.shown(), "listed": record in mine} for record in _unique([*points, *mine, *replaced])]
    lower = [
        {**record.shown(), "listed": record in mine, "ttl_seconds": min(record.ttl_seconds, ttl_seconds)}
        if record in points
        else record.shown()
        for record in _unique([*points, *mine])
    ]
    return {
        "snapshot": {
            "zone": zone,
            "owner": owner,
            "names": names,
            "records": before,
            "answers": answers(present, names, zone),
            "longest_ttl_seconds": max((record.ttl_seconds for record in points), default=0),
            "written_count": len(wanted),
        },
        "lower": lower,
        "switch": [_lowered(record, ttl_seconds) for record in wanted],
        "replaces": [{"name": name, "type": kind} for name, kind in sorted({record.pair for record in points} - pairs)],
        "answers": answers([_record(record) for record in wanted], names, zone),
    }


def answers(records: Iterable[Record], names: Sequence[str], zone: str) -> list[dict]:
    """What name servers say about names: {name, type, values}, full names, no value for what is not there."""
    records = list(records)
    has_wildcard = any(record.name.startswith("*") for record in records)
    found = []
    for name in names:
        own = [record for record in records if record.name == name and record.type in POINTING]
        kinds = {record.type for record in own}
        if kinds - set(_ASKED) or name.startswith("*") or (not own and has_wildcard):
            continue
        for kind in ("CNAME",) if "CNAME" in kinds else ("A", "AAAA"):
            values = sorted(canonical_value(kind, record.value) for record in own if record.type == kind)
            found.append({"name": zone if name == APEX else f"{name}.{zone}", "type": kind, "values": values})
    return found


def _record(found: Mapping) -> Record:
    more = {"mx_preference": found["mx_preference"]} if "mx_preference" in found else {}
    return Record(found["name"].lower(), found["type"], found["value"], found["ttl_seconds"], **more)


def _is_replaceable(record: Record) -> bool:
    """Whether asking for others of its set removes a record: of TXT, only what has a version mark (SPF, DMARC)."""
    return record.type != "TXT" or record.value.lower().startswith(_VERSIONED)


def _lowered(record: Mapping, ttl_seconds: int) -> dict:
    low = {"ttl_seconds": min(record["ttl_seconds"], ttl_seconds)} if record["type"] in POINTING else {}
    return {**record, **low}


def _unique(records: Iterable[Record]) -> list[Record]:
    return sorted(dict.fromkeys(records), key=lambda record: record.sort_key)
