# SPDX-License-Identifier: GPL-3.0-or-later
"""Ready-made domains, and a domain from a description (control actions `seed` and `domain`)."""

from __future__ import annotations

from lab.cloud.namecheap.envelope import ApiError
from lab.cloud.namecheap.rules import EMAIL_TYPES, MAX_RECORDS, RECORD_TYPES, Record, stored_address
from lab.cloud.namecheap.zone import NAMESERVERS, Domain

MEMBERS = ("name", "sld", "email_type", "using_our_dns", "nameservers", "shared", "records", "forwards")
RECORD_MEMBERS = ("name", "type", "address", "mx_pref", "ttl", "ddns", "title", "friendly_name")
APEX = {"name": "@", "type": "A", "address": "192.0.2.10", "ttl": 1799}


def seed(name: str, domain: str) -> dict:
    """The description of a ready-made domain."""
    mail = [
        {"name": "@", "type": "MX", "address": "mx1.example.net.", "mx_pref": 5, "ttl": 3600},
        {"name": "@", "type": "MX", "address": "mx2.example.net.", "mx_pref": 10, "ttl": 3600},
    ]
    private = [
        {"name": "@", "type": "MX", "address": f"mx{number}.privateemail.com.", "mx_pref": 10, "ttl": 1799}
        for number in (1, 2)
    ]
    private.append({"name": "@", "type": "TXT", "address": "v=spf1 include:spf.privateemail.com ~all", "ttl": 1799})
    www = {"name": "www", "type": "CNAME", "address": domain, "ttl": 1800, "friendly_name": "CNAME Record"}
    forwards = [["info", "me@example.net"]]
    numbered = [
        {"name": f"host-{number:03d}", "type": "A", "address": f"192.0.2.{number}"}
        for number in range(1, MAX_RECORDS + 1)
    ]
    seeds: dict[str, dict] = {
        "parking": {"records": parking(domain)},
        "fwd": {"email_type": "FWD", "records": [APEX, www], "forwards": forwards},
        "mx": {"email_type": "MX", "records": [APEX, www, *mail]},
        "ox": {"email_type": "OX", "records": [APEX, *private]},
        "ddns": {"records": [{**APEX, "name": "home", "ddns": True}, APEX]},
        "shared": {"shared": True, "records": [APEX]},
        "co.uk": {"records": [APEX, www]},
        "custom_ns": {"using_our_dns": False, "nameservers": ["ns1.example.net", "ns2.example.net"], "records": [APEX]},
        "empty": {},
        "full150": {"records": numbered},
    }
    if name not in seeds:
        raise ValueError(f"no seed of Namecheap is {name!r}; there are: {', '.join(seeds)}")
    if name == "co.uk" and not domain.endswith(".co.uk"):
        raise ValueError(f"the seed co.uk wants a domain that ends in .co.uk, not {domain!r}")
    return {"name": domain, **seeds[name]}


def parking(domain: str) -> list[dict]:
    return [
        {"name": "www", "type": "CNAME", "address": "parkingpage.namecheap.com.", "friendly_name": "CNAME Record"},
        {"name": "@", "type": "URL", "address": f"http://www.{domain}/", "friendly_name": "URL Record"},
    ]


def described(given: dict, number: int) -> Domain:
    """A domain from its description. `sld` is given for a sub-domain that is a zone of its own: `1605.carlini`."""
    unknown = sorted(set(given) - set(MEMBERS))
    if unknown:
        raise ValueError(f"a domain has no {unknown[0]!r}; it has: {', '.join(MEMBERS)}")
    name = str(given.get("name", "")).lower().rstrip(".")
    sld = str(given.get("sld") or name.partition(".")[0]).lower()
    tld = name.removeprefix(sld + ".")
    if not sld or not tld or tld == name:
        raise ValueError(f"{name!r} is no domain name with the SLD {sld!r}")
    email_type = given.get("email_type", "NONE")
    if email_type not in EMAIL_TYPES:
        raise ValueError(f"no EmailType is {email_type!r}; there are: {', '.join(EMAIL_TYPES)}")
    ours = given.get("using_our_dns", True)
    servers = given.get("nameservers") or (NAMESERVERS if ours else ("ns1.example.net", "ns2.example.net"))
    forwards = [(str(mailbox), str(to)) for mailbox, to in given.get("forwards") or []]
    domain = Domain(sld, tld, number, email_type, ours, list(servers), given.get("shared", False), forwards=forwards)
    for record in given.get("records") or []:
        domain.add(stored(record))
    return domain


def stored(given: dict) -> Record:
    """A record from its description. The panel also holds types that the API does not take, such as SRV."""
    unknown = sorted(set(given) - set(RECORD_MEMBERS))
    if unknown or not {"name", "type", "address"} <= set(given):
        raise ValueError(f"a record needs name, type and address, and has no others than {', '.join(RECORD_MEMBERS)}")
    kind = given["type"].upper()
    try:
        address = stored_address(kind, given["address"], "address") if kind in RECORD_TYPES else given["address"]
    except ApiError as error:
        raise ValueError(error.text) from None
    return Record(**{**given, "name": given["name"].lower(), "type": kind, "address": address})
