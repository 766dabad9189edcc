# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands about host records and name servers (reference §5, §6, §9)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from lab.cloud.namecheap.checks import Account
from lab.cloud.namecheap.envelope import ApiError, Element, invalid
from lab.cloud.namecheap.knobs import Knobs
from lab.cloud.namecheap.rules import EMAIL_TYPES, MAX_RECORDS, Record, incoming
from lab.cloud.namecheap.seeds import stored
from lab.cloud.namecheap.zone import NAMESERVERS, Domain

NOT_OURS = 2030288, "Cannot complete this command as this domain is not using proper DNS servers"
NUMBERED = re.compile(r"(hostname|recordtype|address|mxpref|ttl)([0-9]{1,6})")


class Call:
    """One call: its parameters, and what of the account it may touch."""

    def __init__(self, given: Mapping[str, str], account: Account, domains: list[Domain], knobs: Knobs) -> None:
        self.given = given
        self.account = account
        self.domains = domains
        self.knobs = knobs

    def needed(self, name: str) -> str:
        value = self.given.get(name.lower(), "").strip()
        if not value:
            raise invalid(f"Parameter {name} is missing")
        return value

    def zone(self) -> Domain:
        """The domain that SLD and TLD name, split exactly there (§3)."""
        sld, tld = self.needed("SLD").lower(), self.needed("TLD").lower()
        for domain in self.domains:
            if (domain.sld, domain.tld) == (sld, tld):
                return domain
        raise unknown(f"{sld}.{tld}")

    def asked_name(self) -> str:
        return f"{self.given.get('sld', '')}.{self.given.get('tld', '')}".lower().strip(".")

    def proper_zone(self, even_on_custom: bool = False) -> Domain:
        domain = self.zone()
        if not domain.using_our_dns and not even_on_custom:
            raise ApiError(*NOT_OURS)
        return domain


def unknown(name: str) -> ApiError:
    return ApiError(2019166, f"The domain ({name}) doesn't seem to be associated with your account.")


def get_hosts(call: Call) -> list[Element]:
    knobs = call.knobs
    domain = call.proper_zone(knobs.custom_ns_is_readable)
    records = domain.served() if domain.using_our_dns else []
    if knobs.srv_in_get_hosts:
        strange = Record("_sip._tcp", "SRV", "0 5 5060 sip.example.net.", host_id=1)
        records = sorted([*records, strange], key=Record.order)
    attributes = {"Domain": domain.name}
    if not knobs.hide_email_type:
        attributes["EmailType"] = domain.email_type
    attributes["IsUsingOurDNS"] = knobs.boolean(domain.using_our_dns)
    result = Element("DomainDNSGetHostsResult", attributes, [host(record, knobs) for record in records])
    _write_second(domain, knobs)
    return [result]


def host(record: Record, knobs: Knobs) -> Element:
    attributes = {
        "HostId": str(record.host_id),
        "Name": record.name,
        "Type": record.type,
        "Address": record.address,
        "MXPref": str(record.mx_pref),
        "TTL": str(record.ttl),
        "AssociatedAppTitle": record.title,
        "FriendlyName": record.friendly_name,
        "IsActive": knobs.boolean(True),
        "IsDDNSEnabled": knobs.boolean(record.ddns),
    }
    if knobs.extra_attribute:
        attributes["Comment"] = "unknown"
    return Element("Host" if knobs.upper_host else "host", attributes)


def _write_second(domain: Domain, knobs: Knobs) -> None:
    writer = knobs.second_writer
    if not writer or writer.get("domain", "").lower() != domain.name:
        return
    for record in writer.get("records", []):
        domain.add(stored(record))
    left = writer.get("times", 1) - 1
    knobs.second_writer = {**writer, "times": left} if left > 0 else {}


def set_hosts(call: Call) -> list[Element]:
    domain = call.proper_zone(call.knobs.custom_ns_is_writable)
    email_type = call.given.get("emailtype", "").strip().upper() or None
    if email_type is not None and email_type not in EMAIL_TYPES:
        raise invalid("Parameter EmailType is invalid")
    numbers = {int(found[2]) for name in call.given if (found := NUMBERED.fullmatch(name))}
    if len(numbers) > MAX_RECORDS:
        raise ApiError(4013288, "Too many records")
    if 0 in numbers or max(numbers, default=0) > MAX_RECORDS:
        raise invalid("Parameter HostName is invalid: the records are numbered from 1 without gaps")
    records = incoming(call.given, max(numbers, default=0), call.knobs.mx_needs_dot)
    done = not call.knobs.spent("unsuccessful_write_calls")
    if done:
        domain.write(records, email_type, call.knobs)
    attributes = {"Domain": domain.name} | ({"EmailType": email_type} if email_type else {})
    attributes["IsSuccess"] = call.knobs.boolean(done)
    return [Element("DomainDNSSetHostsResult", attributes, [Element("Warnings")])]


def get_list(call: Call) -> list[Element]:
    domain = call.zone()
    if domain.own_zone:
        raise unknown(domain.name)  # a FreeDNS domain (§9)
    attributes = {"Domain": domain.name, "IsUsingOurDNS": call.knobs.boolean(domain.using_our_dns)}
    attributes |= {"IsPremiumDNS": call.knobs.boolean(False), "IsUsingFreeDNS": call.knobs.boolean(False)}
    servers = [Element("Nameserver", text=name) for name in domain.nameservers]
    return [Element("DomainDNSGetListResult", attributes, servers)]


def set_custom(call: Call) -> list[Element]:
    domain = call.zone()
    text = call.needed("Nameservers")
    servers = [name.strip().rstrip(".").lower() for name in text.split(",") if name.strip()]
    if len(servers) < 2 or len(text) > 1200:
        raise invalid("Parameter Nameservers is invalid: at least two names in at most 1200 characters are expected")
    domain.nameservers, domain.using_our_dns = servers, False
    return [_updated("DomainDNSSetCustomResult", domain, call.knobs)]


def set_default(call: Call) -> list[Element]:
    domain = call.zone()
    domain.nameservers, domain.using_our_dns = list(NAMESERVERS), True
    return [_updated("DomainDNSSetDefaultResult", domain, call.knobs)]


def _updated(name: str, domain: Domain, knobs: Knobs) -> Element:
    return Element(name, {"Domain": domain.name, "Updated": knobs.boolean(True)})


def hollow(name: str, **attributes: str) -> Callable[[Call], list[Element]]:
    """The result element of a command that failed: still there, with nothing in it (§4)."""
    warnings = [Element("Warnings")] if name == "DomainDNSSetHostsResult" else []
    return lambda call: [Element(name, {"Domain": call.asked_name(), **attributes}, warnings)]


# command in lower case: (its name, what does it, its result when it fails)
COMMANDS = {
    name.lower(): (name, command, empty)
    for name, command, empty in (
        (
            "namecheap.domains.dns.getHosts",
            get_hosts,
            hollow("DomainDNSGetHostsResult", EmailType="", IsUsingOurDNS="false"),
        ),
        (
            "namecheap.domains.dns.setHosts",
            set_hosts,
            hollow("DomainDNSSetHostsResult", EmailType="", IsSuccess="false"),
        ),
        ("namecheap.domains.dns.getList", get_list, hollow("DomainDNSGetListResult", IsUsingOurDNS="false")),
        ("namecheap.domains.dns.setCustom", set_custom, hollow("DomainDNSSetCustomResult", Updated="false")),
        ("namecheap.domains.dns.setDefault", set_default, hollow("DomainDNSSetDefaultResult", Updated="false")),
    )
}
