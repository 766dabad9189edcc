# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person asks for: checked as a whole before anything is sent, and put into the API's spelling. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.sophia.platform.plugins.module_utils.namecheap.owner import OWNER, PREFIX, is_registry
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.records import (
    APEX,
    DEFAULT_MX_PREFERENCE,
    DEFAULT_TTL_SECONDS,
    RECORD_COUNT_MAX,
    Record,
    canonical_name,
    clash,
    clashing,
)
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.values import (
    LABEL,
    name_problems,
    spelled,
    value_problems,
)


@dataclass(frozen=True)
class Domain:
    """A zone's name and the two halves that the API takes."""

    name: str
    sld: str
    tld: str


@dataclass(frozen=True)
class Want:
    """What is asked for; `absent` holds (name, type, value or None for all values), or what `records` replace."""

    domain: str
    records: tuple[Record, ...] = ()
    absent: tuple[tuple[str, str, str | None], ...] = ()
    is_present: bool = True
    record_sets: str = "replace"
    owner: str | None = None
    email_type: str | None = None
    purge: bool = False
    purge_keep: tuple[str, ...] = ()
    max_deletions: int = 5
    allow_empty_zone: bool = False
    accept_ddns_loss: bool = False
    two_phase: bool = False


def domain_of(text: str, sld: str | None = None, tld: str | None = None) -> tuple[Domain, list[str]]:
    """The domain, split at its first dot: the caller names the registered domain, so no suffix list is needed."""
    name = text.strip().lower().rstrip(".")
    problems = []
    if "." not in name or not all(LABEL.match(label) for label in name.split(".")) or len(name) > 253:
        problems.append(f"domain: {text!r} is no domain name like example.com (write an IDN as xn--…)")
    first, _dot, rest = name.partition(".")
    if bool(sld) != bool(tld):
        problems.append("sld and tld: give both or none")
    elif sld and tld:
        first, rest = sld.lower(), tld.lower()
        if f"{first}.{rest}" != name:
            problems.append(f"sld and tld: {first}.{rest} is not the domain {name}")
    return Domain(name, first, rest), problems


def want_of(options: Mapping, domain: str) -> tuple[Want, list[str]]:
    """What a module's options ask for, and everything that is wrong with them."""
    is_present = options["state"] == "present"
    records, absent = [], []
    if is_present:
        records, problems = wanted_records(options["records"], domain)
        absent, found = absent_records(options["replaces"], domain)
        problems += found
    else:
        absent, problems = absent_records(options["records"], domain)
    if options["replaces"] and not is_present:
        problems.append("replaces: goes with state: present; with state: absent, records says what is to go")
    if options["purge"] and not is_present:
        problems.append("purge: removes what is not asked for, so it does not go with state: absent")
    owner, email_type = options["owner"], options["email_type"]
    if owner is not None and not OWNER.match(owner):
        problems.append(f"owner: {owner!r} is not 1 to 50 lower-case letters, digits and hyphens")
    types = {record.type for record in records}
    if "MX" in types and email_type in ("NONE", "FWD", "MXE"):
        problems.append(f"email_type: {email_type} and MX records exclude each other; Namecheap would drop the records")
    if "MXE" in types and ("MX" in types or email_type not in (None, "MXE")):
        problems.append("records: an MXE record needs email_type MXE, without MX records")
    problems += [
        f"{name}: {options[name]} is less than 0"
        for name in ("max_deletions", "lock_timeout_seconds")
        if options[name] < 0
    ]
    taken = ("record_sets", "purge", "max_deletions", "allow_empty_zone", "accept_ddns_loss", "two_phase")
    want = Want(
        domain,
        tuple(records),
        tuple(absent),
        is_present,
        owner=owner,
        email_type=email_type,
        purge_keep=tuple(options["purge_keep"]),
        **{name: options[name] for name in taken},
    )
    return want, problems


def absent_records(given: Sequence[Mapping], domain: str) -> tuple[list[tuple[str, str, str | None]], list[str]]:
    """(name, type, value or None for all values) of what is to go, and what is wrong with it."""
    wanted, problems = [], []
    for index, entry in enumerate(given):
        name = canonical_name(entry["name"], entry["type"], domain)
        problems += [f"{_where(index, entry)}: {problem}" for problem in name_problems(name, entry["type"], domain)]
        wanted.append((name, entry["type"], entry.get("value") or None))
    return wanted, problems


def wanted_records(given: Sequence[Mapping], domain: str) -> tuple[list[Record], list[str]]:
    """The records, without exact duplicates, and everything that is wrong with them."""
    by_identity: dict[tuple, tuple[str, Record]] = {}
    problems = []
    for index, entry in enumerate(given):
        where = _where(index, entry)
        name = canonical_name(entry["name"], entry["type"], domain)
        found = name_problems(name, entry["type"], domain) + value_problems(name, entry, domain)
        if is_registry(name):
            found.append(f"names below {PREFIX} are kept for the lists of owners")
        problems += [f"{where}: {problem}" for problem in found]
        if found:
            continue
        record = Record(
            name,
            entry["type"],
            spelled(entry["type"], entry["value"]),
            entry.get("ttl_seconds") or DEFAULT_TTL_SECONDS,
            DEFAULT_MX_PREFERENCE if entry.get("mx_preference") is None else entry["mx_preference"],
            is_listed=entry.get("listed", True),
        )
        other_where, other = by_identity.setdefault(record.identity, (where, record))
        if not other.is_as(record):
            problems.append(
                f"{where} and {other_where}: the same record twice, with another {_difference(record, other)}; "
                "Namecheap would keep one of them, silently"
            )
    records = [record for _where_, record in by_identity.values()]
    if len(records) > RECORD_COUNT_MAX:
        problems.append(f"records: {len(records)} are wanted, and a zone holds {RECORD_COUNT_MAX} at most")
    return records, problems + [f"records: {clash(first, beside)}" for first, beside in clashing(records)]


def _where(index: int, entry: Mapping) -> str:
    return f"records[{index}] ({entry['name'] or APEX} {entry['type']})"


def _difference(record: Record, other: Record) -> str:
    if record.stuck_state != other.stuck_state:
        return "preference" if record.type == "MX" else "flag"
    return "TTL"
