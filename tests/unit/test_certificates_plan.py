"""Which certificate is the best, whether another one is ordered, and what the reason is."""

from datetime import timedelta

import certificate_fixtures as made
import pytest
from ansible_collections.sophia.platform.plugins.module_utils.certificates import names, pem, plan
from ansible_collections.sophia.platform.plugins.module_utils.certificates.errors import CertificatesError

NAMES = ("api.example.org", "mcp.example.org")
ACCOUNT = made.key_pem("account")


def held(text, key_name="edge", account=ACCOUNT):
    return {"chain": text, "private_key": made.key_pem(key_name), "account_key": account}


def good(**more):
    return held(made.chain(*NAMES, **more))


NOTHING = {"chain": "", "private_key": "", "account_key": ""}
GOOD, SECOND = good(), held(made.chain(*NAMES, days=50, key_name="second"), "second")


def decide(found, **more):
    asked = {"names": frozenset(NAMES), "renew_days": 30, "now": made.NOW, **more}
    return plan.decide(found, plan.Want(anchors=[made.authority("root")], anchors_name="ca.pem", **asked))


@pytest.mark.parametrize(
    ("found", "reason", "source", "to_write"),
    [
        # nothing that can be used
        ({}, "No manager has a certificate.", "", []),
        ({"m1": NOTHING, "m2": NOTHING}, "No manager has a certificate.", "", ["m1", "m2"]),
        ({"m1": {**GOOD, "private_key": ""}}, "that can be used: what m1 has has no key.", "", ["m1"]),
        ({"m1": {**GOOD, "chain": ""}}, "what m1 has has no certificate beside the key.", "", ["m1"]),
        ({"m1": {**GOOD, "chain": "garbage"}}, "what m1 has is no certificate that can be read.", "", ["m1"]),
        ({"m1": {**GOOD, "chain": GOOD["chain"][:300]}}, "is no certificate that can be read.", "", ["m1"]),
        ({"m1": {**GOOD, "private_key": "garbage"}}, "what m1 has has no key that can be read.", "", ["m1"]),
        ({"m1": {**GOOD, "private_key": made.key_pem("x")}}, "does not belong to the key beside it.", "", ["m1"]),
        # it can be used, and is not as wanted
        ({"m1": good(days=29.5)}, "The certificate on m1 ends in 29 days.", "m1", ["m1"]),
        ({"m1": good(days=30)}, "The certificate on m1 ends in 30 days.", "m1", ["m1"]),
        ({"m1": good(days=1)}, "The certificate on m1 ends in 1 day.", "m1", ["m1"]),
        ({"m1": good(days=0.25)}, "The certificate on m1 ends in 6 hours.", "m1", ["m1"]),
        ({"m1": good(days=-3)}, "The certificate on m1 expired 3 days ago.", "m1", ["m1"]),
        ({"m1": held(made.chain(NAMES[0]))}, "lacks mcp.example.org.", "m1", ["m1"]),
        (
            {"m1": held(made.chain("*.example.org"))},
            "lacks api.example.org, mcp.example.org and has *.example",
            "m1",
            ["m1"],
        ),
        (
            {"m1": held(made.chain(*NAMES, "old.example.org"))},
            "old.example.org that no route wants any more",
            "m1",
            ["m1"],
        ),
        ({"m1": held(made.chain())}, "lacks api.example.org, mcp.example.org", "m1", ["m1"]),
        ({"m1": good(issuer="staging", root="other")}, "not issued by an authority that ca.pem trusts", "m1", ["m1"]),
        ({"m1": good(links=0)}, "not issued by an authority that ca.pem trusts", "m1", ["m1"]),
        ({"m1": good(days=95)}, "not valid before 2026-06-06 12:00 UTC (is this machine's clock right?)", "m1", ["m1"]),
        ({"m1": held(made.chain(NAMES[0], days=-3))}, "lacks mcp.example.org and expired 3 days ago.", "m1", ["m1"]),
        # the best of several
        ({"m1": good(days=-3), "m2": good(days=20)}, "The certificate on m2 ends in 20 days.", "m2", ["m1", "m2"]),
        ({"m1": held(made.chain(NAMES[0])), "m2": NOTHING}, "on m1 lacks mcp.example.org.", "m1", ["m1", "m2"]),
    ],
)
def test_an_order_has_a_reason(found, reason, source, to_write):
    decided = decide(found)
    assert decided.order
    assert reason in decided.reason
    assert (decided.source, decided.hosts_to_write) == (source, to_write)


@pytest.mark.parametrize(
    ("found", "source", "to_write"),
    [
        ({"m1": GOOD}, "m1", []),
        ({"m1": GOOD, "m2": GOOD, "m3": GOOD}, "m1", []),
        ({"m1": NOTHING, "m2": GOOD}, "m2", ["m1"]),
        ({"m1": {**GOOD, "chain": "garbage"}, "m2": GOOD}, "m2", ["m1"]),
        ({"m1": {**GOOD, "private_key": made.key_pem("new")}, "m2": GOOD}, "m2", ["m1"]),
        ({"m1": SECOND, "m2": GOOD}, "m2", ["m1"]),
        ({"m1": held(made.chain(*NAMES, "old.example.org", days=80)), "m2": SECOND}, "m2", ["m1"]),
        ({"m1": good(issuer="staging", root="other", days=80), "m2": SECOND}, "m2", ["m1"]),
        ({"m1": {**GOOD, "account_key": made.key_pem("lost")}, "m2": GOOD, "m3": GOOD}, "m1", ["m1"]),
        ({"m1": {**GOOD, "account_key": ""}}, "m1", []),
        ({"m1": held(made.chain(*reversed(NAMES)))}, "m1", []),
        ({"m1": held(made.chain(*[name.upper() for name in NAMES]))}, "m1", []),
        ({"m1": held(made.chain(*NAMES, issuer="root", links=0))}, "m1", []),
    ],
)
def test_nothing_is_ordered_while_one_is_good(found, source, to_write):
    decided = decide(found)
    assert (decided.order, decided.source, decided.hosts_to_write) == (False, source, to_write)
    assert f"on {source} is good for" in decided.reason


@pytest.mark.parametrize(
    ("accounts", "source"),
    [
        ([], ""),
        ([""], ""),
        (["garbage"], ""),
        (["a"], "m0"),
        (["a", "b", "b"], "m1"),
        (["garbage", "garbage", "b"], "m2"),
    ],
)
def test_the_account_is_the_one_that_most_managers_have(accounts, source):
    texts = [made.key_pem(name) if len(name) == 1 else name for name in accounts]
    assert (
        decide({f"m{at}": {**NOTHING, "account_key": text} for at, text in enumerate(texts)}).account_source == source
    )


def test_among_equal_accounts_that_of_the_best_certificate_counts():
    assert decide({"m1": {**NOTHING, "account_key": made.key_pem("a")}, "m2": GOOD}).account_source == "m2"


def test_what_is_told_of_the_certificate_in_place():
    decided = decide({"m1": GOOD})
    assert (decided.names, decided.days_left, decided.serial) == (sorted(NAMES), 60, "abc")
    assert decided.in_place == "The one on m1 stays in place; it has 60 days left."
    assert decide({"m1": good(days=-3)}).in_place == "The one on m1 stays in place; it is over."
    assert decide({}).in_place == "There is none in place."


def test_a_good_one_is_replaced_on_demand():
    decided = decide({"m1": GOOD}, force=True)
    assert decided.order and "replaced on demand" in decided.reason


def test_a_life_shorter_than_the_renewal_is_warned_of():
    assert "every run orders another one" in decide({"m1": GOOD}, renew_days=90).warning
    assert decide({"m1": GOOD}, renew_days=60).warning == ""


def test_no_text_of_a_key_is_in_a_decision():
    decided = str(decide({"m1": {**GOOD, "chain": "garbage"}, "m2": SECOND}))
    assert "PRIVATE" not in decided and "garbage" not in decided


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["example.org", "*.example.org", "api.lab.example.org"], ""),
        ([], "there are none"),
        (["api.example.com"], "api.example.com is not in the zone example.org"),
        (["notexample.org"], "is not in the zone"),
        (["API.example.org"], "is no host name in lower case"),
        (["*.*.example.org"], "is no host name"),
        (["api.example.org", "*.example.org"], "authorities refuse both together"),
        ([f"a{number}.example.org" for number in range(101)], "101 are too many"),
    ],
)
def test_names_that_cannot_be_had_are_told(asked, words):
    told = "; ".join(names.problems(asked, "example.org"))
    assert words in told if words else told == ""


def test_authorities_come_from_a_file_or_from_this_machine(tmp_path):
    file = tmp_path / "ca.pem"
    file.write_text(made.pem(made.authority("root")))
    assert pem.read_anchors(str(file)) == [made.authority("root")]
    for text, words in (("", "cannot be read"), ("garbage", "cannot be read"), (made.chain(*NAMES, links=0), "has no")):
        file.write_text(text)
        with pytest.raises(CertificatesError, match=words):
            pem.read_anchors(str(file))
    with pytest.raises(CertificatesError, match="No such file"):
        pem.read_anchors(str(tmp_path / "none.pem"))


def test_a_chain_is_judged_at_a_time_at_which_it_was_valid():
    over = pem.read_chain(made.chain(*NAMES, days=-3))
    assert pem.is_trusted(over, [made.authority("root")], made.NOW)
    assert not pem.is_trusted(over, [made.authority("other")], made.NOW)
    assert pem.is_trusted(over, [made.authority("root")], made.NOW - timedelta(days=5000))
