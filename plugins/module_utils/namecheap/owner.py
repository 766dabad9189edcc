# SPDX-License-Identifier: GPL-3.0-or-later
"""Who manages which records, as TXT records in the zone itself: `_owned.<owner>` lists an owner's. Pure.

An entry `www/A` is a whole set: the owner says which A records www has. An entry `@/TXT#0a1b2c3d4e` is one value
of a set that others may add to. Each record of the list stands for itself, so that their order does not count.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ansible_collections.sophia.platform.plugins.module_utils.namecheap.records import Record

OWNER = re.compile(r"[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?\Z")
PREFIX = "_owned."
MARK = "sophia-owned:"
VALUE_LENGTH_MAX = 2000


@dataclass(frozen=True)
class Registry:
    """The lists of all owners of a zone."""

    entries: dict[str, frozenset[str]] = field(default_factory=dict)

    def of(self, owner: str | None) -> frozenset[str]:
        """The entries of one owner."""
        return self.entries.get(owner or "", frozenset())

    def owners_of(self, record: Record, but: str | None) -> list[str]:
        """Who else lists a record, as a whole set or by its value."""
        mine = {set_entry(record), value_entry(record)}
        return sorted(owner for owner, entries in self.entries.items() if owner != but and mine & entries)

    def owners_of_set(self, record: Record, but: str | None) -> list[str]:
        """Who else says what the whole set of a record is."""
        entry = set_entry(record)
        return sorted(owner for owner, entries in self.entries.items() if owner != but and entry in entries)


def is_registry(name: str) -> bool:
    """Whether a name is one of those that hold the lists."""
    return name.startswith(PREFIX)


def set_entry(record: Record) -> str:
    """The entry for the whole set that a record belongs to."""
    return f"{record.name}/{record.type}"


def value_entry(record: Record) -> str:
    """The entry for this one record of its set."""
    digest = hashlib.sha256(record.identity[2].encode()).hexdigest()[:10]
    return f"{set_entry(record)}#{digest}"


def read(records: Iterable[Record]) -> Registry:
    """The lists in a zone; other TXT records under such a name are left alone."""
    found: dict[str, set[str]] = defaultdict(set)
    for record in records:
        if record.type == "TXT" and is_registry(record.name) and record.value.startswith(MARK):
            found[record.name[len(PREFIX) :]] |= set(record.value[len(MARK) :].split())
    return Registry({owner: frozenset(entries) for owner, entries in found.items()})


def write(owner: str, entries: Iterable[str]) -> list[Record]:
    """The records of an owner's list; none when it manages nothing."""
    values: list[list[str]] = []
    length = VALUE_LENGTH_MAX
    for entry in sorted(entries):
        if length + 1 + len(entry) > VALUE_LENGTH_MAX:
            values.append([])
            length = len(MARK)
        values[-1].append(entry)
        length += 1 + len(entry)
    return [Record(PREFIX + owner, "TXT", " ".join([MARK, *value])) for value in values]


def listed(entries: Sequence[str] | frozenset[str], record: Record) -> bool:
    """Whether entries name a record, as a whole set or by its value."""
    return set_entry(record) in entries or value_entry(record) in entries
