# SPDX-License-Identifier: GPL-3.0-or-later
"""What the server makes of one incoming record: refuse it, or store it in its own spelling (reference §7)."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from lab.cloud.namecheap.envelope import invalid

RECORD_TYPES = ("A", "AAAA", "ALIAS", "CAA", "CNAME", "MX", "MXE", "NS", "TXT", "URL", "URL301", "FRAME")
EMAIL_TYPES = ("NONE", "MX", "MXE", "FWD", "OX", "GMAIL")
EMAIL_TYPES_WITH_MX = ("MX", "OX", "GMAIL")
TYPES_WITH_FINAL_DOT = ("CNAME", "ALIAS", "NS", "MX")
TYPES_OF_URL = ("URL", "URL301", "FRAME")
DEFAULT_TTL_SECONDS = 1800
TTL_SECONDS = (60, 60000)
NO_PREFERENCE = 10  # what every type but MX reports (reference §5)
MAX_RECORDS = 150
MAX_HOST_LENGTH = 60
MAX_TXT_LENGTH = 2500
MAX_ADDRESS_LENGTH = 255
NS_AT_APEX = "INVALID_NAME: NS record can't be set up for a @ or * host names"
CAA = re.compile(r"(\d+)\s+(\S+)\s+(.+)", re.DOTALL)


@dataclass
class Record:
    """One stored host record."""

    name: str
    type: str
    address: str
    mx_pref: int = NO_PREFERENCE
    ttl: int = DEFAULT_TTL_SECONDS
    host_id: int = 0
    title: str = ""
    friendly_name: str = ""
    ddns: bool = False

    def identity(self) -> tuple[str, str, str]:
        """What makes two records the same one: neither TTL, nor preference, nor a CAA record's flags (§6.1)."""
        address = self.address.split(" ", 1)[1] if self.type == "CAA" else self.address
        return self.name, self.type, address

    def order(self) -> tuple[bytes, bytes, bytes]:
        return self.type.encode(), self.name.encode(), self.address.encode()


def incoming(given: Mapping[str, str], count: int, mx_needs_dot: bool = False) -> list[Record]:
    """The records of a setHosts call, in the server's spelling. `given` has lower-case names."""
    records = [(_record(given, number), given[f"address{number}"]) for number in range(1, count + 1)]
    return [record for record, sent in records if record.type != "MX" or not mx_needs_dot or sent.endswith(".")]


def _record(given: Mapping[str, str], number: int) -> Record:
    for field in ("HostName", "RecordType", "Address"):
        if f"{field.lower()}{number}" not in given:
            raise invalid(f"Parameter {field}{number} is missing")
    kind = given[f"recordtype{number}"].strip().upper()
    if kind not in RECORD_TYPES:
        raise invalid(f"Parameter RecordType{number} is invalid")
    name = given[f"hostname{number}"].strip().lower() or "@"
    if len(name) > MAX_HOST_LENGTH or any(len(label) > 63 or not label for label in name.split(".")):
        raise invalid(f"Parameter HostName{number} is invalid")
    if kind == "NS" and name in ("@", "*"):
        raise invalid(NS_AT_APEX)
    ttl = _number(given, f"TTL{number}", DEFAULT_TTL_SECONDS, *TTL_SECONDS)
    preference = _number(given, f"MXPref{number}", NO_PREFERENCE, 0, 255) if kind == "MX" else NO_PREFERENCE
    address = stored_address(kind, given[f"address{number}"], f"Address{number}")
    labels = {"title": "MXE", "friendly_name": "MXE1"} if kind == "MXE" else {}
    return Record(name, kind, address, preference, ttl, **labels)


def _number(given: Mapping[str, str], field: str, default: int, least: int, most: int) -> int:
    text = given.get(field.lower(), "").strip()
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise invalid(f"Parameter {field} is invalid: a number from {least} to {most} is expected")
    return int(text)


def stored_address(kind: str, address: str, field: str) -> str:
    """The value as the server keeps it. An empty TXT stays empty: the zone drops it (DNSControl#3320)."""
    limit = MAX_TXT_LENGTH if kind == "TXT" else MAX_ADDRESS_LENGTH
    if len(address) > limit:
        raise invalid(f"Parameter {field} is invalid: it is longer than {limit} characters")
    if kind == "TXT":
        return address
    address = address.strip()
    if not address:
        raise invalid(f"Parameter {field} is missing")
    if not _fits(kind, address):
        raise invalid(f"Parameter {field} is invalid: {address!r} is no value of a record of type {kind}")
    if kind in TYPES_WITH_FINAL_DOT:
        return address.rstrip(".") + "."
    if kind == "CAA":
        flags, tag, value = CAA.fullmatch(address).groups()  # type: ignore[union-attr]
        quoted = value if len(value) > 1 and value[0] == value[-1] == '"' else f'"{value}"'
        return f"{flags} {tag} {quoted}"
    return address


def _fits(kind: str, address: str) -> bool:
    if kind in ("A", "MXE", "AAAA"):
        try:
            return ipaddress.ip_address(address).version == (6 if kind == "AAAA" else 4)
        except ValueError:
            return False
    if kind == "CAA":
        found = CAA.fullmatch(address)
        return bool(found) and int(found[1]) < 256 and found[2].lower() in ("issue", "issuewild", "iodef")
    if kind in TYPES_OF_URL:
        return re.match(r"[A-Za-z][A-Za-z0-9+.-]*://\S", address) is not None
    return " " not in address
