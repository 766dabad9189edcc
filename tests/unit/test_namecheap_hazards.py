"""Every known way to lose records at Namecheap (reference: hazards H1 to H22), tried against the module."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import parse_qs

import pytest
from ansible_collections.sophia.platform.plugins.modules import namecheap_dns
from namecheap_fake import FakeNamecheap, FakeZone, Host, error, run_module, ticking, xml

READ, WROTE = ["getHosts"], ["getHosts", "setHosts", "getHosts"]
API = {"name": "api", "type": "A", "value": "192.0.2.10"}
API_HOST = Host("api", "A", "192.0.2.10")
MAIL = [Host("@", "MX", "mx1.example.net.", pref="5"), Host("@", "MX", "mx2.example.net.", pref="20")]
SPF = Host("@", "TXT", "v=spf1 include:_spf.example.net -all", ttl="1799")
CAA = Host("@", "CAA", '0 issue "letsencrypt.org"')
PARKING = [Host("www", "CNAME", "parkingpage.namecheap.com."), Host("@", "URL", "http://www.example.com/")]


@pytest.fixture(autouse=True)
def _own_state(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")  # certificates of all the world cost 20 ms a call


@dataclass
class Case:
    """A zone, what is asked for, and what must come of it. `words`: the failure's; none for success."""

    hosts: list = field(default_factory=list)
    options: dict = field(default_factory=dict)
    words: tuple = ()
    commands: list = field(default_factory=lambda: list(READ))
    left: list | None = None  # the zone afterwards, as "name type address"; None when it must be as before
    zone: dict = field(default_factory=dict)
    prepare: object = None


def records(*found):
    return {"records": list(found)}


def asked(name, kind, value, **more):
    return {"name": name, "type": kind, "value": value, **more}


def writer(*hosts):
    """Another writer, who puts his own list in."""
    return lambda zone: setattr(zone, "hosts", list(hosts))


def answers(command, *given):
    return lambda fake: fake.faults.update({command: list(given)})


def hooks(**given):
    return lambda fake: [setattr(fake, name, value) for name, value in given.items()]


def always_undone(fake):
    """A second writer who puts the old list back after each of our writes."""
    fake.faults["setHosts"] = [lambda fields: fake.do_setHosts("example.com", FakeZone(), fields)] * 9


def not_stored(fake):
    """The API says OK and IsSuccess="false"."""
    result = '<DomainDNSSetHostsResult Domain="example.com" IsSuccess="false"/>'
    fake.faults["setHosts"] = [fake.ok("setHosts", result)] * 9


HOLLOW = xml('<ApiResponse Status="OK"><Errors /><CommandResponse Type="x" /></ApiResponse>')
OTHER_ELEMENTS = xml(
    '<ApiResponse Status="OK"><Errors/><CommandResponse><DomainDNSGetHostsResult Domain="example.com" EmailType="MX" '
    'IsUsingOurDNS="true"><record Name="@"/></DomainDNSGetHostsResult></CommandResponse></ApiResponse>'
)
ERROR_WITH_RESULT = xml(
    '<ApiResponse Status="ERROR"><Errors><Error Number="2019166">no</Error></Errors><CommandResponse>'
    '<DomainDNSGetHostsResult Domain="example.com" IsUsingOurDNS="true"/></CommandResponse></ApiResponse>'
)
LONG = "x" * 61

CASES = {
    "H1 a change keeps all that it does not speak of": Case(
        [*MAIL, SPF, CAA],
        records(API),
        commands=WROTE,
        left=["@ CAA", "@ MX mx1", "@ MX mx2", "@ TXT v=spf1", "api A 192.0.2.10"],
        zone={"email_type": "MX"},
    ),
    "H1 the documented namespace and spelling are read too": Case(
        [SPF],
        records(API),
        commands=WROTE,
        left=["@ TXT v=spf1", "api A 192.0.2.10"],
        prepare=hooks(xmlns="https://api.namecheap.com/xml.response", host_element="Host"),
    ),
    "H1 a result that is missing is no empty zone": Case(
        [SPF], records(API), ("of no use", "no element"), READ * 3, prepare=answers("getHosts", *[HOLLOW] * 3)
    ),
    "H1 a hollow result beside an error is no empty zone": Case(
        [SPF], records(API), ("2019166",), prepare=answers("getHosts", ERROR_WITH_RESULT)
    ),
    "H1 elements that are not known are no empty zone": Case(
        [SPF], records(API), ("not known (record)",), prepare=answers("getHosts", OTHER_ELEMENTS)
    ),
    "H1 a zone is not emptied": Case(
        [SPF], {"purge": True}, ("would be empty", "allow_empty_zone"), zone={"email_type": "FWD"}
    ),
    "H1 a zone is emptied when told to": Case(
        [SPF], {"purge": True, "allow_empty_zone": True}, commands=WROTE, left=[], zone={"email_type": "FWD"}
    ),
    "H1 many removals are refused": Case(
        [SPF, *[Host(f"h{number}", "A", "192.0.2.1") for number in range(6)]],
        {"purge": True, "purge_keep": ["@/TXT"]},
        ("6 records would be removed", "h0 A 192.0.2.1", "max_deletions 5"),
    ),
    "H1 a record without an address is a doubt": Case(
        [Host("api", "A", "192.0.2.1", ttl="soon")], records(API), ("api", "TTL 'soon'")
    ),
    "H2 a writer who was faster is merged": Case(
        [SPF],
        records(API),
        commands=[*WROTE, "setHosts", "getHosts"],
        left=["@ TXT v=spf1", "_acme-challenge TXT token", "api A 192.0.2.10"],
        prepare=hooks(after_write=writer(SPF, Host("_acme-challenge", "TXT", "token"))),
    ),
    "H2 what another writer changed in between stays changed": Case(
        [SPF, Host("db", "A", "192.0.2.1")],
        records(API),
        commands=WROTE,
        left=["@ TXT v=spf1", "api A 192.0.2.10", "db A 192.0.2.2"],
        prepare=hooks(after_write=writer(SPF, API_HOST, Host("db", "A", "192.0.2.2"))),
    ),
    "H2 two retries, then it is told what is missing": Case(
        [SPF],
        records(API),
        ("After 3 writes", "api A 192.0.2.10 is missing", "Another writer"),
        [*READ, *["setHosts", "getHosts"] * 3],
        prepare=always_undone,
    ),
    "H3 the EmailType is sent again": Case(
        [SPF], records(API), commands=WROTE, left=["@ TXT v=spf1", "api A 192.0.2.10"], zone={"email_type": "FWD"}
    ),
    "H3 MX records are refused where they are dropped": Case(
        [SPF],
        records(asked("@", "MX", "mx1.example.net")),
        ("EmailType is FWD", "give email_type MX"),
        zone={"email_type": "FWD"},
    ),
    "H3 MX records come with their EmailType": Case(
        [SPF],
        {**records(asked("@", "MX", "mx1.example.net", mx_preference=5)), "email_type": "MX"},
        commands=WROTE,
        left=["@ MX mx1.example.net.", "@ TXT v=spf1"],
        zone={"email_type": "FWD"},
    ),
    "H3 an EmailType that would drop MX records is refused": Case(
        MAIL, {"email_type": "FWD"}, ("not stored", "mx1.example.net."), zone={"email_type": "MX"}
    ),
    "H3 an EmailType that is not told is not guessed": Case(
        [SPF], records(API), ("did not tell the zone's EmailType",), zone={"email_type": None}
    ),
    "H4 the rows of a mail provider pass through": Case(
        MAIL,
        records(API),
        commands=WROTE,
        left=["@ MX mx1", "@ MX mx2", "api A 192.0.2.10"],
        zone={"email_type": "OX"},
    ),
    "H4 the rows of a mail provider are not replaced": Case(
        MAIL, records(asked("@", "MX", "mx9.example.net")), ("are its mail provider's",), zone={"email_type": "GMAIL"}
    ),
    "H5 a change of only an MX preference is refused": Case(
        MAIL,
        records(*[asked("@", "MX", f"mx{number}.example.net", mx_preference=20) for number in (1, 2)]),
        ("ignores a change of only an MX preference", "mx1.example.net", "two_phase: true"),
        zone={"email_type": "MX"},
    ),
    "H5 a change of only a CAA flag is refused": Case(
        [CAA], records(asked("@", "CAA", '128 issue "letsencrypt.org"')), ("CAA flag", "128 issue")
    ),
    "H5 two writes change an MX preference": Case(
        MAIL,
        {
            **records(*[asked("@", "MX", f"mx{number}.example.net", mx_preference=20) for number in (1, 2)]),
            "two_phase": True,
        },
        commands=[*WROTE, "setHosts", "getHosts"],
        left=["@ MX mx1.example.net. 20", "@ MX mx2.example.net. 20"],
        zone={"email_type": "MX"},
    ),
    "H5 two writes change a CAA flag": Case(
        [CAA],
        {**records(asked("@", "CAA", "128 issue letsencrypt.org")), "two_phase": True},
        commands=[*WROTE, "setHosts", "getHosts"],
        left=['@ CAA 128 issue "letsencrypt.org"'],
    ),
    "H6 one exchange with two preferences is refused": Case(
        MAIL,
        records(*[asked("@", "MX", "mx1.example.net", mx_preference=number) for number in (5, 10)]),
        ("records[1] (@ MX) and records[0] (@ MX)", "another preference"),
        [],
    ),
    "H7 exact duplicates are one record": Case(
        [SPF],
        records(API, dict(API), asked("API", "A", "192.0.2.10")),
        commands=WROTE,
        left=["@ TXT v=spf1", "api A 192.0.2.10"],
    ),
    "H8 a write that switches Dynamic DNS off is refused": Case(
        [Host("home", "A", "192.0.2.9", ddns=True)], records(API), ("Dynamic DNS", "home A", "accept_ddns_loss")
    ),
    "H8 Dynamic DNS is given up when told to": Case(
        [Host("home", "A", "192.0.2.9", ddns=True)],
        {**records(API), "accept_ddns_loss": True},
        commands=WROTE,
        left=["api A 192.0.2.10", "home A 192.0.2.9"],
    ),
    "H8 a zone that is right is not complained about": Case([Host("api", "A", "192.0.2.10", ddns=True)], records(API)),
    "H9 a type that is not known is sent back": Case(
        [Host("_sip._tcp", "SRV", "10 60 5060 sip.example.net.")],
        records(API),
        commands=WROTE,
        left=["_sip._tcp SRV 10 60", "api A 192.0.2.10"],
    ),
    "H9 a type that is lost by the write is told": Case(
        [Host("_sip._tcp", "SRV", "10 60 5060 sip.example.net.")],
        records(API),
        ("After the write", "_sip._tcp 1800 IN SRV 10 60 5060 sip.example.net."),
        WROTE,
        left=["api A 192.0.2.10"],
        prepare=hooks(drops=lambda host: host.type == "SRV"),
    ),
    "H10 other name servers are named": Case(
        [],
        records(API),
        ("example.com is not on Namecheap's name servers but on ns1.example.org, ns2.example.org",),
        ["getHosts", "getList"],
        zone={"using_our_dns": "2030288", "name_servers": ("ns1.example.org", "ns2.example.org")},
    ),
    "H10 IsUsingOurDNS false under OK counts too": Case(
        [SPF], records(API), ("not on Namecheap's name servers",), [*READ, "getList"], zone={"using_our_dns": "False"}
    ),
    "H10 IsUsingOurDNS that is missing counts too": Case(
        [SPF], records(API), ("not on Namecheap's name servers",), [*READ, "getList"], zone={"using_our_dns": ""}
    ),
    "H11 another domain's zone is not written": Case(
        [SPF], records(API), ("it is about other.com", "sld and tld"), zone={"echo": "other.com"}
    ),
    "H11 a name below a domain is refused by the API and explained": Case(
        [SPF], {"domain": "api.example.com", **records(API)}, ("2019166", "not api.example.com")
    ),
    "H12 a domain is split at its first dot": Case(
        [SPF], {"domain": "example.co.uk", **records(API)}, commands=WROTE, left=["@ TXT v=spf1", "api A 192.0.2.10"]
    ),
    "H12 an odd zone is split as told": Case(
        [SPF],
        {"domain": "a.example.com", "sld": "a.example", "tld": "com", **records(API)},
        commands=WROTE,
        left=["@ TXT v=spf1", "api A 192.0.2.10"],
    ),
    "H13 everything is in the body": Case(
        [SPF], records(API), commands=WROTE, left=["@ TXT v=spf1", "api A 192.0.2.10"]
    ),
    "H14 the address that Namecheap saw is told": Case(
        [SPF],
        records(API),
        ("saw the call come from 203.0.113.7", "allow-list of the account sophia", "Whitelisted IPs"),
        prepare=answers("getHosts", error("1011150", "Invalid request IP: 203.0.113.7")),
    ),
    "H14 all causes of a refused key are told": Case(
        [SPF],
        records(API),
        ("the key is not that of sophia", "API access is off", "sandbox", "allow-list", "203.0.113.7"),
        prepare=answers("getHosts", error("1011102", "API Key is invalid (203.0.113.7)")),
    ),
    "H15 HTTP 405 is the rate limit": Case(
        [SPF],
        records(API),
        ("rate limit", "20 calls a minute"),
        READ * 5,
        prepare=lambda fake: fake.faults.update(getHosts=[web(405)] * 9),
    ),
    "H15 a write that was turned away is planned anew": Case(
        [SPF],
        records(API),
        commands=["getHosts", "setHosts"] * 2 + READ,
        left=["@ TXT v=spf1", "api A 192.0.2.10"],
        prepare=lambda fake: fake.faults.update(setHosts=[web(405)]),
    ),
    "H16 what needs escapes survives a rewrite": Case(
        [Host("@", "TXT", 'a+b&c="d e"/<f>;%2B\'x'), Host("r", "URL", "https://example.com/?a=1&b=%20+x")],
        records(API),
        commands=WROTE,
        left=['@ TXT a+b&c="d e"/<f>;%2B\'x', "api A 192.0.2.10", "r URL https://example.com/?a=1&b=%20+x"],
    ),
    "H16 a double quote in a new TXT value is refused": Case(
        [SPF], records(asked("q", "TXT", 'say "hi"')), ("records[0] (q TXT)", "double quote"), []
    ),
    "H17 other spellings of the same are no change": Case(
        [
            *[Host("www", "CNAME", "Example.COM."), Host("v6", "AAAA", "2001:DB8:0::1"), CAA],
            *[Host("auto", "A", "192.0.2.1", ttl="1799"), Host("@", "MX", "mx1.example.net.", pref="10")],
        ],
        records(
            asked("WWW", "CNAME", "example.com", ttl_seconds=1800),
            asked("v6", "AAAA", "2001:db8::1"),
            asked("@", "CAA", "0 ISSUE letsencrypt.org"),
            asked("auto", "A", "192.0.2.1", ttl_seconds=1800),
            asked("", "MX", "MX1.example.net"),
        ),
        zone={"email_type": "MX"},
    ),
    "H17 the server's spelling is sent back": Case(
        [Host("v6", "AAAA", "2001:DB8:0::1", ttl="300")],
        records(asked("v6", "AAAA", "2001:db8::1", ttl_seconds=600)),
        commands=WROTE,
        left=["v6 AAAA 2001:DB8:0::1"],
    ),
    "H18 IsSuccess false under Status OK is a failure": Case(
        [SPF],
        records(API),
        ("After 3 writes", "api A 192.0.2.10 is missing", "IsSuccess is 'false' although Status is OK"),
        [*READ, *["setHosts", "getHosts"] * 3],
        prepare=not_stored,
    ),
    "H19 parking records are kept like any other": Case(
        PARKING, records(API), commands=WROTE, left=["@ URL http", "api A 192.0.2.10", "www CNAME parking"]
    ),
    "H19 a parking record in the way is named": Case(
        PARKING,
        records(asked("www", "A", "192.0.2.10"), asked("@", "A", "192.0.2.10")),
        ("www CNAME parkingpage.namecheap.com. cannot stand beside www A", "@ URL http", "parking record", "purge"),
    ),
    "H19 purge removes parking records and says so": Case(
        PARKING,
        {**records(asked("www", "A", "192.0.2.10")), "purge": True},
        commands=WROTE,
        left=["www A 192.0.2.10"],
    ),
    "H19 parking records are removed when listed": Case(
        [*PARKING, SPF],
        {"state": "absent", **records({"name": "www", "type": "CNAME"}, asked("@", "URL", "http://www.example.com/"))},
        commands=WROTE,
        left=["@ TXT v=spf1"],
    ),
    "H20 name servers of the domain itself are refused": Case(
        [],
        records(asked("@", "NS", "ns1.example.org"), asked("*", "NS", "ns1.example.org")),
        ("records[0] (@ NS)", "set them at the registrar", "records[1] (* NS)"),
        [],
    ),
    "H21 too many records are refused before the call": Case(
        [],
        records(*[asked(f"h{number}", "A", "192.0.2.1") for number in range(151)]),
        ("151 are wanted", "150 at most"),
        [],
    ),
    "H21 too many records together are refused before the write": Case(
        [Host(f"old{number}", "A", "192.0.2.1") for number in range(100)],
        records(*[asked(f"h{number}", "A", "192.0.2.1") for number in range(51)]),
        ("would have 151 records", "_acme-challenge"),
    ),
    "H21 lengths are looked at, all at once": Case(
        [],
        records(
            asked(LONG, "A", "192.0.2.1"),
            asked("t", "TXT", "x" * 2501),
            asked("c", "CNAME", "x." * 127 + "example.org"),
        ),
        ("records[0]", "the name has 61", "records[1]", "2501", "2500", "records[2]", "265", "255"),
        [],
    ),
    "H22 bad input under 5050900 is shown and not repeated": Case(
        [SPF],
        records(API),
        ("5050900: INVALID_NAME: no such thing",),
        ["getHosts", "setHosts"],
        prepare=answers("setHosts", error("5050900", "INVALID_NAME: no such thing")),
    ),
    "H22 an outage under 5050900 is followed by a read": Case(
        [SPF],
        records(API),
        commands=[*WROTE, "setHosts", "getHosts"],
        left=["@ TXT v=spf1", "api A 192.0.2.10"],
        prepare=answers("setHosts", error("5050900", "Unhandled exceptions")),
    ),
}


def web(status):
    """A page that is not the API's."""
    return xml("")._replace(status=status, body=b"<html><body>Not now</body></html>", content_type="text/html")


def shown(zone):
    return sorted(f"{host.name} {host.type} {host.address} {host.pref}" for host in zone.hosts)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_hazard(case):
    domain = case.options.get("domain", "example.com").replace("api.example.com", "example.com")
    zone = FakeZone([Host(**vars(host)) for host in case.hosts], **case.zone)
    fake = FakeNamecheap(**{domain.replace(".", "_"): zone})
    if case.prepare:
        case.prepare(fake)
    before, email_type = shown(zone), zone.email_type
    with fake.served() as address:
        result = run_module(namecheap_dns, address, ticking(), **case.options)
    assert bool(result.get("failed")) is bool(case.words), result.get("msg")
    assert [word for word in case.words if word not in result["msg"]] == [], result["msg"]
    assert fake.commands() == case.commands
    assert result.get("calls", 0) == len(case.commands)
    wrote = "setHosts" in case.commands
    assert result.get("changed", False) in ([wrote] if wrote and not case.words else [False, wrote])
    if case.left is None:
        assert shown(zone) == before
    else:
        assert len(shown(zone)) == len(case.left)
        assert [start for start, found in zip(case.left, shown(zone)) if not found.startswith(start)] == []
    assert zone.email_type == (case.options.get("email_type", email_type) if wrote else email_type)
    for request, body in zip(fake.seen, fake.bodies):
        assert (request["method"], request["path"]) == ("POST", "/xml.response")
        assert parse_qs(body.decode())["ApiKey"]
    sent = [fields for command, fields in fake.calls if command.endswith("setHosts")]
    assert all(fields["EmailType"] == case.options.get("email_type", email_type) for fields in sent)


def test_every_hazard_has_a_case():
    numbers = {int(name.split()[0][1:]) for name in CASES}
    assert numbers == set(range(1, 23))
