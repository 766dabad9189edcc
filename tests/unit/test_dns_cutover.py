"""The steps in which names move: what is kept, lowered, switched, and put back."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.dns import cutover
from ansible_collections.sophia.platform.plugins.module_utils.namecheap import owner as owners
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.records import Record

ZONE, OWNER = "example.com", "prod"


def record(text, ttl_seconds=900):
    name, kind, value = text.split(" ", 2)
    return {"name": name, "type": kind, "value": value, "ttl_seconds": ttl_seconds}


def plan(have, want, listed=(), ttl_seconds=60):
    now = {"records": [record(text) for text in have], "owners": {OWNER: list(listed)}}
    return cutover.plan(now, [record(text, 300) for text in want], ZONE, OWNER, ttl_seconds)


def texts(records):
    return [f"{each['name']} {each['type']} {each['value']} {each['ttl_seconds']}" for each in records]


def kept(made):
    return [
        (text, each["listed"]) for text, each in zip(texts(made["snapshot"]["records"]), made["snapshot"]["records"])
    ]


def answers(*found):
    return [{"name": name, "type": kind, "values": list(values)} for name, kind, *values in found]


def test_an_address_takes_the_place_of_whatever_the_name_was():
    have = ["api CNAME old.example.net.", "api TXT note", "www A 192.0.2.9", "@ MX mx.example.net."]
    made = plan(have, ["api A 192.0.2.1", "api AAAA 2001:db8::1"])
    assert kept(made) == [("api CNAME old.example.net. 900", False)]
    assert texts(made["lower"]) == ["api CNAME old.example.net. 60"] and not made["lower"][0]["listed"]
    assert texts(made["switch"]) == ["api A 192.0.2.1 60", "api AAAA 2001:db8::1 60"]
    assert made["replaces"] == [{"name": "api", "type": "CNAME"}]
    assert made["snapshot"]["answers"] == answers(("api.example.com", "CNAME", "old.example.net"))
    new = ("api.example.com", "A", "192.0.2.1"), ("api.example.com", "AAAA", "2001:db8::1")
    assert made["answers"] == answers(*new)
    assert (made["snapshot"]["names"], made["snapshot"]["longest_ttl_seconds"]) == (["api"], 900)


def test_what_the_owner_lists_stays_listed_and_what_it_drops_can_be_put_back():
    have = ["api A 192.0.2.9", "gone A 192.0.2.9", '@ CAA 0 issue "a.example"', "_owned.prod TXT sophia-owned: x"]
    made = plan(have, ["api A 192.0.2.1"], ["api/A", "gone/A", "@/CAA"])
    assert [listed for _text, listed in kept(made)] == [True] * 3
    assert texts(made["lower"]) == ['@ CAA 0 issue "a.example" 900', "api A 192.0.2.9 60", "gone A 192.0.2.9 900"]
    assert made["replaces"] == []


def test_records_that_only_the_switch_replaces_are_kept_but_not_lowered():
    have = ['@ CAA 0 issue "a.example"', "@ TXT v=spf1 -all", '@ TXT a "quoted" proof', "@ MX mx.example.net."]
    made = plan(have, ['@ CAA 0 issue "b.example"', "@ TXT v=spf1 mx -all", "api A 192.0.2.1"])
    assert kept(made) == [('@ CAA 0 issue "a.example" 900', False), ("@ TXT v=spf1 -all 900", False)]
    assert made["lower"] == []
    assert texts(made["switch"])[0] == '@ CAA 0 issue "b.example" 300'


def test_one_listed_value_of_a_shared_set_is_the_owners():
    mine = Record("@", "TXT", "mine")
    made = plan(["@ TXT mine", "@ TXT theirs"], ["api A 192.0.2.1"], [owners.value_entry(mine)])
    assert kept(made) == [("@ TXT mine 900", True)] and texts(made["lower"]) == ["@ TXT mine 900"]


def test_what_is_lower_already_stays_and_nothing_is_waited_for_where_nothing_is():
    now = {"records": [record("api A 192.0.2.9", 60)], "owners": {}}
    made = cutover.plan(now, [record("api A 192.0.2.1", 300)], ZONE, OWNER, 120)
    assert made["lower"][0]["ttl_seconds"] == 60 and made["snapshot"]["longest_ttl_seconds"] == 60
    assert plan([], ["api A 192.0.2.1"])["snapshot"]["longest_ttl_seconds"] == 0


@pytest.mark.parametrize(
    ("have", "expected"),
    [
        (["api A 192.0.2.2", "api A 192.0.2.1"], [("A", "192.0.2.1", "192.0.2.2"), ("AAAA",)]),
        (["api CNAME Old.example.net."], [("CNAME", "old.example.net")]),
        (["api ALIAS old.example.net."], []),  # a server answers with addresses that the zone does not have
        (["api URL http://old.example.net"], []),
        ([], [("A",), ("AAAA",)]),
        (["* A 192.0.2.7"], []),  # the wildcard answers for names that are not there
    ],
)
def test_what_name_servers_say(have, expected):
    made = plan(have, ["api A 192.0.2.1"])
    assert made["snapshot"]["answers"] == answers(*(("api.example.com", *each) for each in expected))


def test_the_domain_itself_has_its_own_name():
    assert {each["name"] for each in plan([], ["@ A 192.0.2.1"])["answers"]} == {"example.com"}
