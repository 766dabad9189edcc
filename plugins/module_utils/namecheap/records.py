# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of a zone: what makes two of them the same, how they are read from the API and sent to it. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from ansible_collections.sophia.platform.plugins.module_utils.namecheap.answer import BadAnswer, Element

TYPES = ("A", "AAAA", "ALIAS", "CAA", "CNAME", "FRAME", "MX", "MXE", "NS", "TXT", "URL", "URL301")
HOST_TYPES = ("ALIAS", "CNAME", "MX", "NS")
REDIRECT_TYPES = ("FRAME", "URL", "URL301")
EMAIL_TYPES = ("NONE", "MX", "MXE", "FWD", "OX", "GMAIL")
APEX = "@"
DEFAULT_TTL_SECONDS = 1800
DEFAULT_MX_PREFERENCE = 10
RECORD_COUNT_MAX = 150
# The panel's "Automatic" and "30 min" (reference §7): one second apart, and peers that confuse them never come to rest.
_AUTOMATIC_TTLS_SECONDS = (1799, 1800)
PARKING_TARGET = "parkingpage.namecheap.com"
_NUMBER = re.compile(r"[0-9]{1,9}\Z")


@dataclass(frozen=True)
class Record:
    """A record. name is relative, `@` for the domain itself; value is spelled as it came.

    is_listed: of a record that is asked for, whether the list of its owner is to name it.
    """

    name: str
    type: str
    value: str
    ttl_seconds: int = DEFAULT_TTL_SECONDS
    mx_preference: int = DEFAULT_MX_PREFERENCE
    is_dynamic: bool = field(default=False, compare=False)
    is_listed: bool = field(default=True, compare=False)

    @property
    def pair(self) -> tuple[str, str]:
        """The set that the record belongs to."""
        return (self.name, self.type)

    @property
    def identity(self) -> tuple[str, str, str]:
        """What the API tells records apart by: not TTL, an MX's preference or a CAA's flag (reference §6.1)."""
        return (self.name, self.type, canonical_value(self.type, self.value))

    @property
    def stuck_state(self) -> int:
        """What the API does not change on a record that is there: an MX's preference, a CAA's flag."""
        if self.type == "MX":
            return self.mx_preference
        parts = caa_parts(self.value) if self.type == "CAA" else None
        return parts[0] if parts else 0

    def has_ttl_of(self, other: Record) -> bool:
        """Whether both have the same TTL; "Automatic" and 30 minutes count as the same."""
        both = {self.ttl_seconds, other.ttl_seconds}
        return len(both) == 1 or both == set(_AUTOMATIC_TTLS_SECONDS)

    def is_as(self, other: Record) -> bool:
        """Whether the two records are the same one in the same state."""
        same = self.identity == other.identity and self.stuck_state == other.stuck_state
        return same and self.has_ttl_of(other)

    @property
    def sort_key(self) -> tuple:
        return (self.name != APEX, self.name, self.type, canonical_value(self.type, self.value))

    def shown(self) -> dict:
        """The record as modules return it."""
        plain = {"name": self.name, "type": self.type, "value": self.value, "ttl_seconds": self.ttl_seconds}
        return {**plain, **({"mx_preference": self.mx_preference} if self.type == "MX" else {})}

    def line(self) -> str:
        """The record as a line of a zone file."""
        value = f"{self.mx_preference} {self.value}" if self.type == "MX" else self.value
        value = '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' if self.type == "TXT" else value
        return f"{self.name} {self.ttl_seconds} IN {self.type} {value}"

    def brief(self) -> str:
        """The record for a sentence."""
        preference = f"{self.mx_preference} " if self.type == "MX" else ""
        value = self.value if len(self.value) <= 60 else self.value[:60] + "…"
        return f"{self.name} {self.type} {preference}{value}"


@dataclass(frozen=True)
class Zone:
    """A zone as it was read. email_type None: the API did not say, which is not the same as NONE."""

    domain: str
    records: tuple[Record, ...] = ()
    email_type: str | None = None
    is_at_namecheap: bool = True

    def shown(self) -> list[dict]:
        """The records as modules return them."""
        return [record.shown() for record in self._sorted()]

    def listing(self) -> str:
        """The zone as text, for a diff."""
        lines = [record.line() for record in self._sorted()]
        return "\n".join([f"; {self.domain}: EmailType {self.email_type or 'unknown'}", *lines]) + "\n"

    def _sorted(self) -> list[Record]:
        return sorted(self.records, key=lambda record: record.sort_key)


def caa_parts(value: str) -> tuple[int, str, str] | None:
    """The flag, tag and unquoted value of a CAA record; None when it is not of that form."""
    parts = value.split(None, 2)
    if len(parts) != 3 or not _NUMBER.match(parts[0]):
        return None
    text = parts[2].strip()
    if len(text) >= 2 and text[0] == text[-1] == '"':
        text = text[1:-1]
    return int(parts[0]), parts[1].lower(), text


def canonical_value(record_type: str, value: str) -> str:
    """A value in the one spelling in which it is compared (reference §7); what cannot be read stays as it is."""
    if record_type in HOST_TYPES:
        return value.lower()[:-1] if value.endswith(".") else value.lower()
    if record_type in ("A", "AAAA", "MXE"):
        try:
            return str(ipaddress.ip_address(value.strip()))
        except ValueError:
            return value
    parts = caa_parts(value) if record_type == "CAA" else None
    return f"{parts[1]} {parts[2]}" if parts else value


def canonical_name(name: str, record_type: str, domain: str) -> str:
    """A host name as it is compared. The MXE record stands under the domain's own name (reference §7)."""
    lowered = name.lower() or APEX
    return APEX if record_type == "MXE" and lowered.rstrip(".") == domain else lowered


def read_zone(result: Element, domain: str) -> Zone:
    """The zone in the result of getHosts. Raises BadAnswer when any part of it is in doubt."""
    echoed = (result.get("Domain") or "").lower().rstrip(".")
    if echoed != domain:
        raise BadAnswer(
            f"it is about {echoed or 'a domain that it does not name'}. Give the registered domain, or sld and tld "
            "for a zone below one",
            transient=False,
        )
    children = [child for child in result.children() if child.name != "warnings"]
    hosts = [child for child in children if child.name == "host"]
    if children and not hosts:
        names = sorted({child.name for child in children})
        raise BadAnswer(f"it holds no record but elements that are not known ({', '.join(names)})", transient=False)
    records = tuple(_record(host, domain) for host in hosts)
    email_type = (result.get("EmailType") or "").strip() or None
    return Zone(domain, records, email_type, result.is_true("IsUsingOurDNS"))


def _record(host: Element, domain: str) -> Record:
    name, record_type, value = host.get("Name"), host.get("Type"), host.get("Address")
    if name is None or not record_type or value is None:
        raise BadAnswer(f"a record in it lacks Name, Type or Address ({name} {record_type} {value})", transient=False)
    record_type = record_type.upper()
    preference = _number(host, "MXPref", None if record_type == "MX" else DEFAULT_MX_PREFERENCE)
    ttl_seconds = _number(host, "TTL", DEFAULT_TTL_SECONDS)
    name = canonical_name(name, record_type, domain)
    return Record(name, record_type, value, ttl_seconds, preference, host.is_true("IsDDNSEnabled"))


def _number(host: Element, attribute: str, default: int | None) -> int:
    text = (host.get(attribute) or "").strip()
    if not text and default is not None:
        return default
    if not _NUMBER.match(text):
        where = f"{host.get('Type')} record of {host.get('Name')}"
        raise BadAnswer(f"the {where} has {attribute} {text!r} where a number belongs", transient=False)
    return int(text)


def form(records: Iterable[Record], domain: str) -> list[tuple[str, str]]:
    """The numbered fields of setHosts: from 1, without a gap, the values as they are spelled."""
    fields = []
    for number, record in enumerate(records, 1):
        fields += [
            (f"HostName{number}", domain if record.type == "MXE" and record.name == APEX else record.name),
            (f"RecordType{number}", record.type),
            (f"Address{number}", record.value),
            (f"MXPref{number}", str(record.mx_preference if record.type == "MX" else DEFAULT_MX_PREFERENCE)),
            (f"TTL{number}", str(record.ttl_seconds)),
        ]
    return fields


def clashing(records: Sequence[Record]) -> list[tuple[Record, list[Record]]]:
    """Records that cannot stand under one name: a CNAME beside anything, a redirect beside an address or redirect."""
    named: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        named[record.name].append(record)
    found = []
    for same_name in named.values():
        for kinds, others in ((("CNAME",), None), (REDIRECT_TYPES, ("A", "AAAA", "ALIAS", *REDIRECT_TYPES))):
            first = next((record for record in same_name if record.type in kinds), None)
            beside = [record for record in same_name if record is not first and (not others or record.type in others)]
            if first and beside:
                found.append((first, beside))
                break
    return found


def clash(first: Record, beside: Sequence[Record]) -> str:
    """The sentence about such records."""
    return f"{first.brief()} cannot stand beside {', '.join(record.brief() for record in beside)}"
