"""dns-lexicon's Namecheap provider, which others wrote, against the simulated Namecheap."""

from __future__ import annotations

import pytest
from lexicon._private.providers import namecheap as provider
from lexicon.client import Client
from lexicon.config import ConfigResolver
from lexicon.exceptions import AuthenticationError

USER, KEY = "labuser", "the-key-of-the-lab"


@pytest.fixture
def lexicon(cloud, monkeypatch):
    """Run lexicon's own operations; only the address of the API is ours, it has no option for that."""
    cloud.control("namecheap/account", {"user": USER, "key": KEY, "addresses": ["127.0.0.1"]})
    original = provider._Api.__init__

    def at_simulator(self, *arguments, **options):
        original(self, *arguments, **options)
        self.endpoint = cloud.urls["namecheap"]

    monkeypatch.setattr(provider._Api, "__init__", at_simulator)

    def run(action: str, rtype: str, domain: str = "example.com", **options):
        given = {"provider_name": "namecheap", "action": action, "type": rtype, "domain": domain, **options}
        given["namecheap"] = {
            "auth_username": USER,
            "auth_token": options.pop("token", KEY),
            "auth_client_ip": "127.0.0.1",
        }
        given.pop("token", None)
        config = ConfigResolver().with_dict(given)
        with Client(config) as client:
            method = getattr(client, f"{action}_record" if action != "list" else "list_records")
            if action == "list":
                return method(rtype)
            return method(rtype=rtype, name=options.get("name"), content=options.get("content"))

    return run


@pytest.fixture
def zone(cloud):
    """What the simulator holds: (name, type, address) of each record."""

    def read(domain: str = "example.com"):
        return {(r["name"], r["type"], r["address"]) for r in cloud.control("namecheap/zone", {"domain": domain})}

    return read


def seeded(cloud, domain="example.com", **more):
    cloud.control("namecheap/domain", {"name": domain, "email_type": "NONE", "records": [], **more})


def test_lexicon_creates_lists_and_deletes_records(cloud, lexicon, zone):
    seeded(cloud)
    assert lexicon("create", "A", name="www.example.com", content="192.0.2.1")
    assert lexicon("create", "TXT", name="_acme-challenge.example.com", content="a+b & c=d")
    assert lexicon("create", "CNAME", name="docs.example.com", content="pages.example.net")
    listed = {(record["name"], record["content"]) for record in lexicon("list", "TXT")}
    assert listed == {("_acme-challenge.example.com", "a+b & c=d")}
    assert zone() == {
        ("www", "A", "192.0.2.1"),
        ("_acme-challenge", "TXT", "a+b & c=d"),
        ("docs", "CNAME", "pages.example.net."),
    }
    assert lexicon("delete", "A", name="www.example.com", content="192.0.2.1")
    assert ("www", "A", "192.0.2.1") not in zone()


def test_lexicon_creates_more_than_ten_records(cloud, lexicon, zone):
    seeded(cloud)
    for number in range(12):
        lexicon("create", "A", name=f"n{number}.example.com", content=f"192.0.2.{number}")
    assert len(zone()) == 12


def test_lexicon_finds_a_domain_of_somebody_else(cloud, lexicon):
    with pytest.raises(AuthenticationError, match="2030166"):
        lexicon("list", "A", domain="example.net")


def test_lexicon_is_refused_with_a_wrong_key(cloud, lexicon):
    seeded(cloud)
    with pytest.raises(AuthenticationError, match="1011102"):
        lexicon("list", "A", token="wrong")


def test_known_defect_lexicon_loses_custom_mail_records(cloud, lexicon, zone):
    """It sends no EmailType, so that Namecheap drops the zone's MX records (hazard H3). namecheap_dns sends it."""
    seeded(cloud, email_type="MX", records=[{"name": "@", "type": "MX", "address": "mx1.example.net.", "mx_pref": 5}])
    lexicon("create", "A", name="www.example.com", content="192.0.2.1")
    assert zone() == {("www", "A", "192.0.2.1")}


def test_known_defect_lexicon_splits_a_public_suffix_of_two_labels_wrongly_or_not(cloud, lexicon):
    """Whether co.uk works depends on the public-suffix list that lexicon has; namecheap_dns needs none (H12)."""
    seeded(cloud, "example.co.uk")
    lexicon("create", "A", domain="example.co.uk", name="www.example.co.uk", content="192.0.2.1")
    records = cloud.control("namecheap/zone", {"domain": "example.co.uk"})
    assert [record["name"] for record in records] == ["www"]
