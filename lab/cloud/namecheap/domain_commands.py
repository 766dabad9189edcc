# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands about whole domains and their mail forwarding (reference §9)."""

from __future__ import annotations

import re

from lab.cloud.namecheap.commands import NOT_OURS, Call, unknown
from lab.cloud.namecheap.envelope import ApiError, Element, invalid
from lab.cloud.namecheap.knobs import Knobs
from lab.cloud.namecheap.zone import Domain

CREATED, EXPIRES = "05/20/2020", "05/20/2031"
NEVER = "0001-01-01T00:00:00"
RIGHTS = (
    *("dns", "eforward", "rlock", "parkpage", "hosts", "ddns"),
    *("extend", "nameserver", "autorenew", "whoisguard", "premiumDns", "dnsSec"),
)
PAGE_SIZES = range(10, 101)
SORTED_BY = ("NAME", "NAME_DESC", "EXPIREDATE", "EXPIREDATE_DESC", "CREATEDATE", "CREATEDATE_DESC")


def named(call: Call) -> Domain | None:
    wanted = call.needed("DomainName").lower()
    return next((domain for domain in call.domains if domain.name == wanted), None)


def get_info(call: Call) -> list[Element]:
    domain = named(call)
    if domain is None:
        raise ApiError(2030166, "Domain is invalid")
    boolean = call.knobs.boolean
    attributes = {"Status": "Ok", "ID": str(domain.number), "DomainName": domain.name}
    attributes |= {"OwnerName": "another" if domain.shared else call.account.user}
    attributes |= {"IsOwner": boolean(not domain.shared), "IsPremium": boolean(False)}
    return [
        Element(
            "DomainGetInfoResult",
            attributes,
            [
                _texts("DomainDetails", CreatedDate=CREATED, ExpiredDate=EXPIRES, NumYears="0"),
                Element("LockDetails"),
                _privacy(),
                _premium(),
                _dns(domain, call.knobs),
                _rights(domain, call.knobs),
            ],
        )
    ]


def _texts(name: str, **texts: str) -> Element:
    return Element(name, children=[Element(child, text=text) for child, text in texts.items()])


def _privacy() -> Element:
    mail = {"WhoisGuardEmail": "x@whoisguard.example", "ForwardedTo": "me@example.net"}
    mail |= {"LastAutoEmailChangeDate": CREATED, "AutoEmailChangeFrequencyDays": "3"}
    inner = _texts("Whoisguard", ID="481121", ExpiredDate=EXPIRES).children
    return Element("Whoisguard", {"Enabled": "True"}, [*inner, Element("EmailDetails", mail)])


def _premium() -> Element:
    texts = {"UseAutoRenew": "false", "SubscriptionId": "-1"}
    return _texts("PremiumDnsSubscription", **texts, CreatedDate=NEVER, ExpirationDate=NEVER, IsActive="false")


def _dns(domain: Domain, knobs: Knobs) -> Element:
    provider = "FreeDNS" if domain.own_zone else "FREE"
    mail = "No Email Service" if domain.email_type == "NONE" else domain.email_type
    attributes = {
        "ProviderType": provider if domain.using_our_dns else "CUSTOM",
        "IsUsingOurDNS": knobs.boolean(domain.using_our_dns),
        "HostCount": str(len(domain.records)),
        "EmailType": mail,
        "DynamicDNSStatus": knobs.boolean(any(record.ddns for record in domain.records)),
        "IsFailover": knobs.boolean(False),
    }
    return Element("DnsDetails", attributes, [Element("Nameserver", text=name) for name in domain.nameservers])


def _rights(domain: Domain, knobs: Knobs) -> Element:
    some = [Element("Rights", {"Type": right}, text="OK") for right in RIGHTS] if domain.shared else []
    return Element("Modificationrights", {"All": knobs.boolean(not domain.shared)}, some)


def no_info(_: Call) -> list[Element]:
    """What getInfo answers beside an error."""
    dns = {"IsUsingOurDNS": "false", "HostCount": "0", "DynamicDNSStatus": "false", "IsFailover": "false"}
    inner = [_texts("DomainDetails", NumYears="0"), Element("LockDetails"), _texts("Whoisguard", ID="0"), _premium()]
    inner += [Element("DnsDetails", dns), Element("Modificationrights")]
    return [Element("DomainGetInfoResult", {"ID": "0", "IsOwner": "false", "IsPremium": "false"}, inner)]


def get_domains(call: Call) -> list[Element]:
    """One page of the account's own domains: neither shared ones nor zones of sub-domains."""
    kind, order = call.given.get("listtype", "ALL").upper(), call.given.get("sortby", "NAME").upper()
    if kind not in ("ALL", "EXPIRING", "EXPIRED"):
        raise invalid("Parameter ListType is invalid")
    if order not in SORTED_BY:
        raise invalid("Parameter SortBy is invalid")
    page, size = _number(call, "Page", 1, range(1, 10**9)), _number(call, "PageSize", 20, PAGE_SIZES)
    term = call.given.get("searchterm", "").lower()
    found = [d for d in call.domains if kind == "ALL" and term in d.name and not d.shared and not d.own_zone]
    found.sort(key=lambda domain: domain.name, reverse=order.endswith("_DESC"))
    shown = [_listed(domain, call) for domain in found[(page - 1) * size : page * size]]
    paging = _texts("Paging", TotalItems=str(len(found)), CurrentPage=str(page), PageSize=str(size))
    return [Element("DomainGetListResult", children=shown), paging]


def _listed(domain: Domain, call: Call) -> Element:
    boolean = call.knobs.boolean
    attributes = {"ID": str(domain.number), "Name": domain.name, "User": call.account.user}
    attributes |= {"Created": CREATED, "Expires": EXPIRES, "IsExpired": boolean(False), "IsLocked": boolean(False)}
    attributes |= {"AutoRenew": boolean(False), "WhoisGuard": "ENABLED", "IsPremium": boolean(False)}
    return Element("Domain", {**attributes, "IsOurDNS": boolean(domain.using_our_dns)})


def _number(call: Call, name: str, default: int, allowed: range) -> int:
    text = call.given.get(name.lower(), "") or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) not in allowed:
        raise invalid(f"Parameter {name} is invalid")
    return int(text)


def _with_forwarding(call: Call) -> Domain:
    domain = named(call)
    if domain is None:
        raise unknown(call.given["domainname"])
    if not domain.using_our_dns:
        raise ApiError(*NOT_OURS)
    return domain


def get_forwarding(call: Call) -> list[Element]:
    domain = _with_forwarding(call)
    rows = [Element("Forward", {"mailbox": mailbox}, text=to) for mailbox, to in domain.forwards]
    return [Element("DomainDNSGetEmailForwardingResult", {"Domain": domain.name}, rows)]


def set_forwarding(call: Call) -> list[Element]:
    """The whole table is replaced; no row empties it."""
    domain = _with_forwarding(call)
    numbers = {int(n[2]) for name in call.given if (n := re.fullmatch(r"(mailbox|forwardto)([0-9]{1,6})", name))}
    rows = [(call.needed(f"MailBox{n}"), call.needed(f"ForwardTo{n}")) for n in sorted(numbers)]
    domain.forwards = rows
    done = {"Domain": domain.name, "IsSuccess": call.knobs.boolean(True)}
    return [Element("DomainDNSSetEmailForwardingResult", done)]


def _no_forwarding(name: str, **attributes: str):
    return lambda call: [Element(name, {"Domain": call.given.get("domainname", "").lower(), **attributes})]


DOMAIN_COMMANDS = {
    name.lower(): (name, command, empty)
    for name, command, empty in (
        ("namecheap.domains.getInfo", get_info, no_info),
        ("namecheap.domains.getList", get_domains, lambda call: [Element("DomainGetListResult")]),
        (
            "namecheap.domains.dns.getEmailForwarding",
            get_forwarding,
            _no_forwarding("DomainDNSGetEmailForwardingResult"),
        ),
        (
            "namecheap.domains.dns.setEmailForwarding",
            set_forwarding,
            _no_forwarding("DomainDNSSetEmailForwardingResult", IsSuccess="false"),
        ),
    )
}
