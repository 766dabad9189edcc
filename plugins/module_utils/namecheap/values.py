# SPDX-License-Identifier: GPL-3.0-or-later
"""What Namecheap takes as a name and as a value of each type (reference §7), and how a new value is spelled. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

from ansible_collections.sophia.platform.plugins.module_utils.dns.addresses import is_address
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.records import (
    APEX,
    HOST_TYPES,
    REDIRECT_TYPES,
    caa_parts,
)

LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\Z", re.IGNORECASE)
_PRINTABLE = re.compile(r"[ -~]*\Z")
_CAA_TAGS = ("issue", "issuewild", "iodef")
_LENGTH_MAX = {"TXT": 2500}


def spelled(record_type: str, value: str) -> str:
    """A new value as the API stores it: a final dot on host names, a quoted third field in CAA."""
    if record_type in HOST_TYPES:
        return value if value.endswith(".") else value + "."
    parts = caa_parts(value) if record_type == "CAA" else None
    return f'{parts[0]} {parts[1]} "{parts[2]}"' if parts else value


def name_problems(name: str, record_type: str, domain: str) -> list[str]:
    """What is wrong with a host name; `name` is in its compared form."""
    if name == APEX:
        refused = record_type == "NS"
        return ["name servers of the domain itself are no records; set them at the registrar"] if refused else []
    if record_type == "MXE":
        return [f"an MXE record has the name {APEX}"]
    if name == "*" and record_type == "NS":
        return ["Namecheap takes no NS record at *"]
    bare = name.rstrip(".")
    if bare == domain or bare.endswith("." + domain) or name.endswith("."):
        short = bare[: -len(domain) - 1] if bare.endswith("." + domain) else APEX
        hint = f"; write {short}" if bare.endswith(domain) else ""
        return [f"the name is relative to {domain}, which Namecheap appends{hint}"]
    labels = name.split(".")
    labels = labels[1:] if labels[0] == "*" and len(labels) > 1 else labels
    if name != "*" and not all(LABEL.match(label) for label in labels):
        return ["the name is not made of labels of 1 to 63 letters, digits, hyphens and underscores (IDN: xn--…)"]
    if len(name) > 60:
        return [f"the name has {len(name)} characters, and Namecheap takes 60"]
    if len(name) + 1 + len(domain) > 253:
        return [f"the name and {domain} have more than 253 characters together"]
    return []


def value_problems(name: str, entry: Mapping, domain: str) -> list[str]:
    """What is wrong with the value, TTL and preference of an entry."""
    record_type, value = entry["type"], entry.get("value") or ""
    problems = []
    ttl_seconds, preference = entry.get("ttl_seconds"), entry.get("mx_preference")
    if ttl_seconds is not None and not 60 <= ttl_seconds <= 60000:
        problems.append(f"ttl_seconds is {ttl_seconds} and must be 60 to 60000")
    if preference is not None and record_type != "MX":
        problems.append("mx_preference belongs to MX records only")
    elif preference is not None and not 0 <= preference <= 255:
        problems.append(f"mx_preference is {preference} and must be 0 to 255")
    longest = _LENGTH_MAX.get(record_type, 255)
    if not value:
        problems.append("value is missing; Namecheap keeps no record without one")
    elif len(value) > longest:
        problems.append(f"the value has {len(value)} characters, and Namecheap takes {longest}")
    elif not _PRINTABLE.match(value):
        problems.append(
            "the value has characters other than printable ASCII, and how Namecheap keeps them is not known"
        )
    else:
        problems += _CHECKS[record_type](value, f"{name}.{domain}" if name != APEX else domain)
    return problems


def _address(version: int) -> Callable[[str, str], list[str]]:
    def check(value: str, _name: str) -> list[str]:
        return [] if is_address(value, version) else [f"{value} is no IPv{version} address"]

    return check


def _host(value: str, name: str) -> list[str]:
    labels = value[:-1].split(".") if value.endswith(".") else value.split(".")
    if len(labels) < 2 or not all(LABEL.match(label) for label in labels) or labels[-1].isdigit():
        return [f"{value} is no full host name like www.example.com (IDN: xn--…)"]
    return ["the record points at itself"] if ".".join(labels).lower() == name else []


def _url(value: str, _name: str) -> list[str]:
    try:
        place = urlsplit(value)
        fine = place.scheme.lower() in ("http", "https") and bool(place.hostname) and " " not in value
    except ValueError:
        fine = False
    return [] if fine else [f"{value} is no address that starts with http:// or https://"]


def _txt(value: str, _name: str) -> list[str]:
    return ["a double quote in a TXT value is refused: what Namecheap makes of it is not known"] if '"' in value else []


def _caa(value: str, _name: str) -> list[str]:
    parts = caa_parts(value)
    if not parts:
        return [f'{value} is not of the form: 0 issue "letsencrypt.org"']
    flag, tag, text = parts
    problems = [] if flag <= 255 else [f"the flag {flag} is over 255"]
    if tag not in _CAA_TAGS:
        problems.append(f"the tag {tag} is none of {', '.join(_CAA_TAGS)}")
    if '"' in text or "\\" in text:
        problems.append("the third field holds a quote or a backslash")
    if tag == "iodef" and not text.lower().startswith(("mailto:", "http://", "https://")):
        problems.append("an iodef value starts with mailto:, http:// or https://")
    return problems


_CHECKS = {
    "A": _address(4),
    "AAAA": _address(6),
    "MXE": _address(4),
    "CAA": _caa,
    "TXT": _txt,
    **dict.fromkeys(HOST_TYPES, _host),
    **dict.fromkeys(REDIRECT_TYPES, _url),
}
