"""What is asked for of a zone at Namecheap, when two records are the same, and what the zone becomes."""

from __future__ import annotations

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.namecheap import owner as owners
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.plan import make
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.records import Record, Zone
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.wanted import (
    Want,
    domain_of,
    want_of,
    wanted_records,
)

DOMAIN = "example.com"
OPTIONS = {
    "state": "present",
    "records": [],
    "replaces": [],
    "record_sets": "replace",
    "owner": None,
    "email_type": None,
    "purge": False,
    "purge_keep": [],
    "max_deletions": 5,
    "allow_empty_zone": False,
    "accept_ddns_loss": False,
    "two_phase": False,
    "lock_timeout_seconds": 1,
}


def record(text, ttl_seconds=1800, **more):
    name, kind, value = text.split(" ", 2)
    preference, _space, rest = value.partition(" ")
    if kind == "MX":
        return Record(name, kind, rest, ttl_seconds, int(preference), **more)
    return Record(name, kind, value, ttl_seconds, **more)


def zone(*texts, email_type="NONE"):
    found = tuple(record(text) if isinstance(text, str) else text for text in texts)
    return Zone(DOMAIN, found, email_type)


def want(*texts, **more):
    found = tuple(record(text) if isinstance(text, str) else text for text in texts)
    return Want(DOMAIN, found, **more)


def owned(name, *entries):
    return owners.write(name, entries)


def plain(plan):
    return sorted(f"{found.name} {found.type} {found.value}" for found in plan.target)


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("www CNAME a.example.net", "www CNAME A.Example.NET.", True),
        ("www CNAME a.example.net", "www CNAME b.example.net", False),
        ("www ALIAS a.example.net.", "www CNAME a.example.net.", False),
        ("x NS ns.example.net", "x NS ns.example.net.", True),
        ("@ MX 5 mx.example.net", "@ MX 20 MX.example.net.", True),
        ("x AAAA ::0", "x AAAA 0:0:0:0:0:0:0:0", True),
        ("x AAAA 2001:DB8::1", "x AAAA 2001:db8:0:0::1", True),
        ("x AAAA ::1", "x AAAA ::2", False),
        ("x A 192.0.2.1", "x A 192.0.2.1", True),
        ("x A not-an-address", "x A 192.0.2.1", False),
        ('@ CAA 0 issue "ca.example"', "@ CAA 0 ISSUE ca.example", True),
        ('@ CAA 0 issue "ca.example"', '@ CAA 128 issue "ca.example"', True),
        ('@ CAA 0 issue "ca.example"', '@ CAA 0 issuewild "ca.example"', False),
        ('@ CAA 0 issue "CA.example"', '@ CAA 0 issue "ca.example"', False),
        ("x TXT Abc", "x TXT abc", False),
        ("x TXT a", "x TXT a.", False),
        ("x URL http://a.example", "x URL http://a.example/", False),
        ("x URL http://a.example/", "x URL301 http://a.example/", False),
    ],
)
def test_records_are_the_same_by_host_type_and_compared_value(first, second, same):
    assert (record(first).identity == record(second).identity) is same


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        (record("x A 192.0.2.1", 300), record("x A 192.0.2.1", 300), True),
        (record("x A 192.0.2.1", 300), record("x A 192.0.2.1", 301), False),
        (record("x A 192.0.2.1", 1799), record("x A 192.0.2.1", 1800), True),
        (record("x A 192.0.2.1", 1798), record("x A 192.0.2.1", 1799), False),
        (record("@ MX 5 m.example"), record("@ MX 6 m.example"), False),
        (Record("x", "A", "192.0.2.1", mx_preference=5), Record("x", "A", "192.0.2.1", mx_preference=10), True),
        (record("@ CAA 0 issue ca.example"), record("@ CAA 1 issue ca.example"), False),
    ],
)
def test_records_are_in_the_same_state_by_ttl_preference_and_flag(first, second, same):
    assert first.is_as(second) is same


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (("www", "A", "192.0.2.1"), []),
        (("*", "A", "192.0.2.1"), []),
        (("*.apps", "A", "192.0.2.1"), []),
        (("", "A", "192.0.2.1"), []),
        (("_dmarc", "TXT", "v=DMARC1; p=none"), []),
        (("example.com", "MXE", "192.0.2.1"), []),
        (("www.example.com", "A", "192.0.2.1"), ["relative to example.com", "write www"]),
        (("www.", "A", "192.0.2.1"), ["relative to example.com"]),
        (("example.com", "A", "192.0.2.1"), ["write @"]),
        (("a b", "A", "192.0.2.1"), ["labels"]),
        (("a.*", "A", "192.0.2.1"), ["labels"]),
        (("a..b", "A", "192.0.2.1"), ["labels"]),
        (("bücher", "A", "192.0.2.1"), ["xn--"]),
        (("_owned.prod", "TXT", "x"), ["kept for the lists of owners"]),
        (("x", "A", "192.0.2.256"), ["no IPv4 address"]),
        (("x", "A", "2001:db8::1"), ["no IPv4 address"]),
        (("x", "AAAA", "192.0.2.1"), ["no IPv6 address"]),
        (("x", "AAAA", "fe80::1%eth0"), ["no IPv6 address"]),
        (("x", "MXE", "192.0.2.1"), ["name @"]),
        (("x", "CNAME", "www"), ["no full host name"]),
        (("x", "CNAME", "192.0.2.1"), ["no full host name"]),
        (("x", "CNAME", "x.example.com."), ["points at itself"]),
        (("x", "MX", "."), ["no full host name"]),
        (("x", "TXT", ""), ["value is missing"]),
        (("x", "TXT", None), ["value is missing"]),
        (("x", "TXT", "ü"), ["printable ASCII"]),
        (("x", "TXT", "a\nb"), ["printable ASCII"]),
        (("x", "TXT", "x" * 2500), []),
        (("x", "CAA", "0 issue"), ["not of the form"]),
        (("x", "CAA", "²5 issue a.example"), ["printable ASCII"]),
        (("x", "CAA", '0 issue "'), ["quote"]),
        (("x", "CAA", "256 issue a.example"), ["over 255"]),
        (("x", "CAA", "0 other a.example"), ["none of issue, issuewild, iodef"]),
        (("x", "CAA", "0 iodef sec@example.com"), ["mailto:"]),
        (("x", "CAA", "0 iodef mailto:sec@example.com"), []),
        (("x", "URL", "www.example.org"), ["http://"]),
        (("x", "FRAME", "http://[bad"), ["http://"]),
        (("x", "URL301", "https://example.org/a?b=c"), []),
    ],
)
def test_entries_are_checked(entry, words):
    found, problems = wanted_records([dict(zip(("name", "type", "value"), entry))], DOMAIN)
    assert bool(problems) is bool(words), problems
    assert bool(found) is not bool(words)
    assert all(any(word in problem for problem in problems) for word in words), problems


@pytest.mark.parametrize(
    ("more", "word"),
    [
        ({"ttl_seconds": 59}, "60 to 60000"),
        ({"ttl_seconds": 60001}, "60 to 60000"),
        ({"ttl_seconds": 0}, "60 to 60000"),
        ({"mx_preference": 10}, "MX records only"),
        ({"type": "MX", "value": "m.example.net", "mx_preference": 256}, "0 to 255"),
    ],
)
def test_numbers_are_checked(more, word):
    _found, problems = wanted_records([{"name": "x", "type": "A", "value": "192.0.2.1", **more}], DOMAIN)
    assert [word in problem for problem in problems] == [True]


@pytest.mark.parametrize(
    ("texts", "word"),
    [
        (["x CNAME a.example.net", "x A 192.0.2.1"], "cannot stand beside x A 192.0.2.1"),
        (["x CNAME a.example.net", "x CNAME b.example.net"], "cannot stand beside"),
        (["x URL http://a.example", "x A 192.0.2.1"], "cannot stand beside x A"),
        (["x URL http://a.example", "x URL301 http://a.example"], "cannot stand beside"),
        (["x URL http://a.example", "x TXT t"], ""),
        (["x A 192.0.2.1", "x A 192.0.2.2", "x TXT t"], ""),
    ],
)
def test_records_that_exclude_each_other_are_named(texts, word):
    entries = [dict(zip(("name", "type", "value"), text.split(" ", 2))) for text in texts]
    _found, problems = wanted_records(entries, DOMAIN)
    assert bool(problems) is bool(word)
    assert not word or word in problems[0]


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"owner": "Prod"}, ["owner: 'Prod'"]),
        ({"owner": ""}, ["owner: ''"]),
        ({"owner": "a" * 51}, ["owner:"]),
        ({"state": "absent", "purge": True}, ["purge:"]),
        ({"max_deletions": -1, "lock_timeout_seconds": -1}, ["max_deletions: -1", "lock_timeout_seconds: -1"]),
        ({"records": [{"name": "@", "type": "MX", "value": "m.example.net"}], "email_type": "FWD"}, ["exclude"]),
        ({"records": [{"name": "@", "type": "MXE", "value": "192.0.2.1"}], "email_type": "MX"}, ["MXE"]),
        ({"state": "absent", "records": [{"name": "a.example.com", "type": "A"}]}, ["write a"]),
        ({"state": "absent", "records": [{"name": "a", "type": "A", "value": "any"}]}, []),
    ],
)
def test_options_are_checked_together(more, words):
    _want, problems = want_of({**OPTIONS, **more}, DOMAIN)
    assert [any(word in problem for problem in problems) for word in words] == [True] * len(words)
    assert len(problems) == len(words)


@pytest.mark.parametrize(
    ("given", "halves", "words"),
    [
        (("example.com",), ("example", "com"), []),
        (("Example.CO.uk.",), ("example", "co.uk"), []),
        (("shop.it.com",), ("shop", "it.com"), []),
        (("1605.example.com", "1605.example", "com"), ("1605.example", "com"), []),
        (("1605.example.com", "example", "com"), None, ["example.com is not the domain 1605.example.com"]),
        (("example.com", "example"), None, ["both or none"]),
        (("example",), None, ["no domain name"]),
        (("https://example.com",), None, ["no domain name"]),
        (("bücher.example",), None, ["xn--"]),
        (("a/../b.com",), None, ["no domain name"]),
    ],
)
def test_domains_are_split_at_the_first_dot(given, halves, words):
    domain, problems = domain_of(*given)
    assert bool(problems) is bool(words), problems
    assert all(word in problems[0] for word in words)
    assert halves is None or (domain.sld, domain.tld) == halves


SPF, OTHER_SPF = "@ TXT v=spf1 a -all", "@ TXT v=spf1 mx -all"
PROOF = "@ TXT proof=1"
SETS = {
    "nothing to do": (["x A 192.0.2.1"], want("x A 192.0.2.1"), None),
    "a set replaces the records of its name and type": (
        ["x A 192.0.2.1", "x A 192.0.2.2", "y A 192.0.2.1", "x AAAA ::1"],
        want("x A 192.0.2.2", "x A 192.0.2.3"),
        ["x A 192.0.2.2", "x A 192.0.2.3", "x AAAA ::1", "y A 192.0.2.1"],
    ),
    "add keeps them": (
        ["x A 192.0.2.1"],
        want("x A 192.0.2.2", record_sets="add"),
        ["x A 192.0.2.1", "x A 192.0.2.2"],
    ),
    "TXT of others survive": ([PROOF, SPF], want("@ TXT mine=2"), [SPF, "@ TXT mine=2", PROOF]),
    "one SPF record takes the place of another": ([PROOF, OTHER_SPF], want(SPF), [PROOF, SPF]),
    "SPF and DMARC are not the same": (["@ TXT v=DMARC1; p=none"], want(SPF), ["@ TXT v=DMARC1; p=none", SPF]),
    "a text that only begins like a mark is none": (["@ TXT v=spf10 x"], want(SPF), [SPF, "@ TXT v=spf10 x"]),
    "exclusive replaces TXT too": ([PROOF, SPF], want("@ TXT m", record_sets="exclusive"), ["@ TXT m"]),
    "add keeps another SPF record": (
        [OTHER_SPF],
        want(SPF, record_sets="add"),
        sorted([SPF, OTHER_SPF]),
    ),
    "absent takes one value": (
        ["x A 192.0.2.1", "x A 192.0.2.2"],
        want(absent=(("x", "A", "192.0.2.1"),), is_present=False),
        ["x A 192.0.2.2"],
    ),
    "absent takes all values": (
        ["x A 192.0.2.1", "x A 192.0.2.2", "y A 192.0.2.2"],
        want(absent=(("x", "A", None),), is_present=False),
        ["y A 192.0.2.2"],
    ),
    "absent compares as records do": (
        ["x CNAME a.example.net.", "y A 192.0.2.2"],
        want(absent=(("x", "CNAME", "A.example.net"),), is_present=False),
        ["y A 192.0.2.2"],
    ),
    "what others put beside each other is theirs": (
        ["@ URL http://a.example", "@ A 192.0.2.1"],
        want(PROOF),
        ["@ A 192.0.2.1", PROOF, "@ URL http://a.example"],
    ),
    "purge takes the rest": (
        ["x A 192.0.2.1", PROOF, "_acme-challenge.x TXT t", "_owned.b TXT sophia-owned: b/A", "b A 192.0.2.9"],
        want("y A 192.0.2.1", purge=True, purge_keep=("_acme-challenge*", "*/MX")),
        ["_acme-challenge.x TXT t", "_owned.b TXT sophia-owned: b/A", "b A 192.0.2.9", "y A 192.0.2.1"],
    ),
    "purge keeps patterns of name and type": (
        ["x A 192.0.2.1", PROOF],
        want("y A 192.0.2.1", purge=True, purge_keep=("@/TXT",)),
        [PROOF, "y A 192.0.2.1"],
    ),
}


@pytest.mark.parametrize(("have", "wanted", "target"), SETS.values(), ids=SETS)
def test_sets(have, wanted, target):
    plan = make(zone(*have), wanted)
    assert plan.refusals == ()
    assert plain(plan) == sorted(have if target is None else target)
    assert bool(plan.changes) is (target is not None)
    again = make(Zone(DOMAIN, plan.target, "NONE"), wanted)
    assert (again.changes, again.refusals) == ((), ())


def test_changes_say_what_was_and_what_becomes():
    plan = make(
        zone(record("x A 192.0.2.1", 300), "y A 192.0.2.1"), want(record("x A 192.0.2.1", 60), email_type="FWD")
    )
    was = {"name": "x", "type": "A", "value": "192.0.2.1", "ttl_seconds": 300}
    assert plan.changes == (
        {"action": "change", **was, "ttl_seconds": 60, "before": was},
        {"action": "change", "name": "@", "type": "EmailType", "value": "FWD", "before": {"value": "NONE"}},
    )


@pytest.mark.parametrize(
    ("have", "wanted", "count"),
    [
        (["x A 192.0.2.1", "x A 192.0.2.2"], want("x A 192.0.2.3", "x A 192.0.2.4"), 0),
        (["x A 192.0.2.1", "x A 192.0.2.2"], want("x A 192.0.2.3"), 1),
        (["x A 192.0.2.1"], want(absent=(("x", "A", None),), is_present=False), 1),
        ([*owned("me", "x/A"), "x A 192.0.2.1"], want("y A 192.0.2.1", owner="me"), 1),
        ([*owned("me", "x/A"), "x A 192.0.2.1"], want(owner="me"), 1),
    ],
)
def test_only_removals_without_a_successor_count(have, wanted, count):
    assert len(make(zone(*have), wanted).removals) == count


MX, MXE = "@ MX 10 mx.example.net.", "@ MXE 192.0.2.1"
MAIL = [
    (["y A 192.0.2.2"], "MX", want(MX), ""),
    (["y A 192.0.2.2"], "NONE", want(MX), "not stored in a zone whose EmailType is NONE"),
    (["y A 192.0.2.2"], "MXE", want("lists MX 10 m.example.net."), "not stored"),
    (["y A 192.0.2.2"], "OX", want("lists MX 10 m.example.net."), ""),
    (["y A 192.0.2.2"], "OX", want(MX), "are its mail provider's"),
    ([MX], "OX", want(MX, "y A 192.0.2.2"), ""),
    ([MX, "y A 192.0.2.2"], "OX", want(absent=(("@", "MX", None),), is_present=False), "are its mail provider's"),
    ([MX], "MX", want(email_type="OX"), "are its mail provider's"),
    (
        [MX, "y A 192.0.2.2"],
        "MX",
        want(email_type="OX", absent=(("@", "MX", None),), is_present=False),
        "",
    ),
    ([MX], "OX", want(email_type="MX"), ""),
    ([MX], "FWD", want("y A 192.0.2.2"), ""),
    ([MXE], "NONE", want("y A 192.0.2.2"), ""),
    (["y A 192.0.2.2"], "NONE", want(MXE), "works only with the EmailType MXE"),
    (["y A 192.0.2.2"], "NONE", want(MXE, email_type="MXE"), ""),
    (["y A 192.0.2.2"], "NONE", want(email_type="MXE"), "needs exactly one MXE record"),
    ([MXE], "MXE", want("y A 192.0.2.2"), ""),
    ([MXE], "MXE", want(email_type="NONE"), "works only with the EmailType MXE"),
    (["y A 192.0.2.2"], "Odd Name", want("x A 192.0.2.2"), ""),
    (["y A 192.0.2.2"], "mx", want(MX, email_type="MX"), ""),
]


@pytest.mark.parametrize(("have", "email_type", "wanted", "word"), MAIL)
def test_mail_is_routed_only_on_purpose(have, email_type, wanted, word):
    plan = make(zone(*have, email_type=email_type), wanted)
    assert [word in refusal for refusal in plan.refusals] == ([True] if word else [])


def test_all_refusals_are_told_at_once():
    have = zone(
        record("home A 192.0.2.1", is_dynamic=True), "www CNAME parkingpage.namecheap.com.", MX, email_type=None
    )
    plan = make(have, want("www A 192.0.2.1", "@ MX 20 mx.example.net."))
    assert len(plan.refusals) == 4
    for word in ("EmailType", "Dynamic DNS", "parking record", "two_phase"):
        assert any(word in refusal for refusal in plan.refusals)


OWNERS = {
    "a host that moves takes exactly its record along": (
        [*owned("prod", "old/A", "api/A"), "old A 192.0.2.1", "api A 192.0.2.1", "old TXT t", "z A 192.0.2.9"],
        want("new A 192.0.2.1", "api A 192.0.2.1", owner="prod"),
        [
            "_owned.prod TXT sophia-owned: api/A new/A",
            "api A 192.0.2.1",
            "new A 192.0.2.1",
            "old TXT t",
            "z A 192.0.2.9",
        ],
    ),
    "what is there already is taken over": (
        ["x A 192.0.2.1"],
        want("x A 192.0.2.1", owner="prod"),
        ["_owned.prod TXT sophia-owned: x/A", "x A 192.0.2.1"],
    ),
    "owners share a zone": (
        [*owned("prod", "x/A"), "x A 192.0.2.1"],
        want("y A 192.0.2.1", owner="staging"),
        [
            "_owned.prod TXT sophia-owned: x/A",
            "_owned.staging TXT sophia-owned: y/A",
            "x A 192.0.2.1",
            "y A 192.0.2.1",
        ],
    ),
    "nothing asked for lets the owner go": (
        [*owned("prod", "x/A"), "x A 192.0.2.1", "y A 192.0.2.1"],
        want(owner="prod"),
        ["y A 192.0.2.1"],
    ),
    "absent takes a set out of the list": (
        [*owned("prod", "x/A", "y/A"), "x A 192.0.2.1", "y A 192.0.2.1"],
        want(owner="prod", absent=(("x", "A", None),), is_present=False),
        ["_owned.prod TXT sophia-owned: y/A", "y A 192.0.2.1"],
    ),
    "a list is given up with its records kept": (
        [*owned("prod", "x/A"), "x A 192.0.2.1"],
        want(absent=(("_owned.prod", "TXT", None),), is_present=False),
        ["x A 192.0.2.1"],
    ),
    "another text under the list's name stays": (
        ["_owned.prod TXT hello", *owned("prod", "x/A"), "x A 192.0.2.1"],
        want("y A 192.0.2.1", owner="prod"),
        ["_owned.prod TXT hello", "_owned.prod TXT sophia-owned: y/A", "y A 192.0.2.1"],
    ),
    "the owner's purge keeps its own list and others' records": (
        [*owned("prod", "x/A"), *owned("b", "b/A"), "x A 192.0.2.1", "b A 192.0.2.2", "z A 192.0.2.3"],
        want("x A 192.0.2.1", owner="prod", purge=True),
        ["_owned.b TXT sophia-owned: b/A", "_owned.prod TXT sophia-owned: x/A", "b A 192.0.2.2", "x A 192.0.2.1"],
    ),
}


@pytest.mark.parametrize(("have", "wanted", "target"), OWNERS.values(), ids=OWNERS)
def test_owners(have, wanted, target):
    plan = make(zone(*have), wanted)
    assert plan.refusals == ()
    assert plain(plan) == target
    again = make(Zone(DOMAIN, plan.target, "NONE"), wanted)
    assert (again.changes, again.refusals) == ((), ())


def test_one_value_of_a_shared_set_is_let_go_alone():
    first = make(zone(PROOF), want("@ TXT mine", owner="prod"))
    assert plain(first)[:2] == ["@ TXT mine", PROOF]
    both = make(Zone(DOMAIN, first.target, "NONE"), want("@ TXT mine", "@ TXT more", owner="staging"))
    assert both.refusals == ()
    gone = make(Zone(DOMAIN, both.target, "NONE"), want(owner="staging"))
    assert plain(gone) == plain(first)
    assert "@ TXT mine" not in plain(make(Zone(DOMAIN, first.target, "NONE"), want(owner="prod")))


CONFLICTS = [
    (owned("prod", "x/A"), want("x A 192.0.2.1", owner="staging"), "asked for by the owner staging"),
    (owned("prod", "x/A"), want("x A 192.0.2.2", owner="staging", record_sets="add"), "asked for by the owner staging"),
    (owned("prod", "x/A"), want("x A 192.0.2.2"), "by a task without owner"),
    (owned("prod", "x/A"), want(absent=(("x", "A", None),), is_present=False), "would be removed by a task without"),
    (
        owned("prod", owners.value_entry(record("x A 192.0.2.1"))),
        want("x A 192.0.2.2", owner="staging"),
        "x A 192.0.2.1 would be removed by the owner staging",
    ),
    (
        owned("prod", owners.value_entry(record("x A 192.0.2.1"))),
        want(record("x A 192.0.2.1", 60), owner="staging", record_sets="add"),
        "would be written by the owner staging",
    ),
]


@pytest.mark.parametrize(("lists", "wanted", "words"), CONFLICTS)
def test_two_owners_of_one_set_are_named(lists, wanted, words):
    plan = make(zone(*lists, "x A 192.0.2.1", "y A 192.0.2.1"), wanted)
    assert any(words in refusal and "belongs to the owner prod" in refusal for refusal in plan.refusals), plan.refusals


def test_a_task_without_owner_may_ask_for_what_is_as_it_is():
    plan = make(zone(*owned("prod", "x/A"), "x A 192.0.2.1"), want("x A 192.0.2.1"))
    assert (plan.changes, plan.refusals) == ((), ())


def test_a_long_list_takes_several_records():
    entries = {f"host-with-a-rather-long-name-{number}.region/AAAA" for number in range(100)}
    lists = owned("prod", *entries)
    assert len(lists) == 3
    assert max(len(found.value) for found in lists) <= owners.VALUE_LENGTH_MAX
    assert owners.read(reversed(lists)).of("prod") == entries
    names = [entry.partition("/")[0] for entry in entries]
    asked = want(*[Record(name, "AAAA", "::1") for name in names], owner="prod")
    plan = make(zone(*lists, *asked.records), asked)
    assert (plan.changes, plan.refusals) == ((), ())


def test_a_name_becomes_an_address_and_what_it_was_goes_in_the_same_write():
    have = zone("api CNAME old.example.net.", "api AAAA ::1", "api TXT hello", "www CNAME old.example.net.")
    asked = {"records": [{"name": "api", "type": "A", "value": "192.0.2.1"}], "owner": "prod"}
    gone = [{"name": "api", "type": kind} for kind in ("CNAME", "AAAA")]
    refused, _problems = want_of({**OPTIONS, **asked}, DOMAIN)
    assert "cannot stand beside" in str(make(have, refused).refusals)
    wanted, problems = want_of({**OPTIONS, **asked, "replaces": gone}, DOMAIN)
    plan = make(have, wanted)
    assert (problems, plan.refusals) == ([], ())
    kept = ["api A 192.0.2.1", "api TXT hello", "www CNAME old.example.net."]
    assert plain(plan) == sorted([*kept, "_owned.prod TXT sophia-owned: api/A"])
    assert not make(plan.zone(DOMAIN), wanted).changes


def test_what_another_owner_lists_is_not_replaced():
    have = zone("api CNAME old.example.net.", *owned("staging", "api/CNAME"))
    wanted = want("api A 192.0.2.1", owner="prod", absent=(("api", "CNAME", None),))
    assert "belongs to the owner staging" in str(make(have, wanted).refusals)


def test_a_record_that_is_not_listed_is_left_to_others():
    have = zone("api A 192.0.2.1", "www A 192.0.2.1", *owned("prod", "api/A", "www/A"))
    records = [{"name": "api", "type": "A", "value": "192.0.2.9", "listed": False}]
    wanted, _problems = want_of({**OPTIONS, "records": records, "owner": "prod"}, DOMAIN)
    plan = make(have, wanted)
    assert plain(plan) == ["api A 192.0.2.9"] and not plan.refusals
    assert not make(plan.zone(DOMAIN), wanted).changes


def test_replaces_does_not_go_with_absent():
    gone = [{"name": "api", "type": "A"}]
    assert "replaces: goes with" in str(want_of({**OPTIONS, "state": "absent", "replaces": gone}, DOMAIN)[1])
