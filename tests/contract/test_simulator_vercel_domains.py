"""The simulated Vercel: domains of projects and teams."""

from __future__ import annotations

import pytest
from simulator_vercel import Account

DOMAINS = "/v10/projects/web/domains"


@pytest.fixture
def account():
    return Account()


@pytest.fixture
def web(account):
    account.project()
    return account


def test_a_domain_is_attached_verified_at_once_changed_and_detached(web):
    made = web.got("POST", DOMAINS, {"name": "www.example.com"})
    assert made["verified"] is True and made["apexName"] == "example.com" and "verification" not in made
    given = {"redirect": "example.com", "redirectStatusCode": 308}
    one = "/v9/projects/web/domains/www.example.com"
    assert web.got("PATCH", one, given)["redirectStatusCode"] == 308
    names = [each["name"] for each in web.got("GET", "/v9/projects/web/domains")["domains"]]
    assert names == ["www.example.com", "web.vercel.app"]
    assert [each["name"] for each in web.got("GET", "/v5/domains")["domains"]] == ["example.com"]
    assert web.ask("DELETE", one) == (200, {})
    assert web.refused("GET", one) == (404, "not_found")


def test_a_domain_that_is_attached_already_is_a_conflict(web):
    project_id = web.got("GET", "/v9/projects/web")["id"]
    web.got("POST", DOMAINS, {"name": "www.example.com"})
    web.project("other")
    for project, status in (("web", 409), ("other", 400)):
        web.vercel.control("knobs", {"domain_conflict_status": status})
        found, value = web.ask("POST", f"/v10/projects/{project}/domains", {"name": "www.example.com"})
        assert (found, value["error"]["code"]) == (status, "domain_already_in_use")
        assert value["error"]["projectId"] == project_id


@pytest.mark.parametrize("name", ["localhost", "Www.example.com", "a..b", "https://x.com", 3])
def test_a_name_that_is_no_domains_is_refused(web, name):
    assert web.refused("POST", DOMAINS, {"name": name}) == (400, "invalid_domain")


def test_a_domain_of_another_team_waits_for_its_txt_record(web):
    web.vercel.control("project_of_other_team", {"name": "theirs", "domain": "example.com"})
    made = web.got("POST", DOMAINS, {"name": "www.example.com"})
    challenge = made["verification"][0]
    assert made["verified"] is False and challenge["domain"] == "_vercel.example.com"
    assert challenge["value"].startswith("vc-domain-verify=www.example.com,")
    one = "/v9/projects/web/domains/www.example.com"
    status, value = web.ask("POST", f"{one}/verify")
    assert (status, value["error"]["code"]) == (400, "missing_txt_record")
    assert challenge["value"] in value["error"]["message"]
    web.vercel.control("verify_domain", {"domain": "www.example.com"})
    assert web.got("POST", f"{one}/verify")["verified"] is True
    web.got("DELETE", one)
    again = web.got("POST", DOMAINS, {"name": "www.example.com"})
    assert again["verification"][0]["value"] != challenge["value"]
    assert web.refused("POST", f"{one}/verify") == (400, "missing_txt_record")


def test_a_locked_domain_of_another_team_is_forbidden(web):
    web.vercel.control("project_of_other_team", {"name": "theirs", "domain": "example.com", "locked": True})
    assert web.refused("POST", DOMAINS, {"name": "www.example.com"}) == (403, "forbidden")
    assert web.refused("GET", "/v9/projects/theirs") == (404, "not_found")


def test_the_configuration_tells_what_dns_should_hold_and_does(web):
    path = "/v6/domains/www.example.com/config"
    found = web.got("GET", f"{path}?projectIdOrName=web")
    assert found["misconfigured"] is True and found["configuredBy"] is None
    assert found["recommendedIPv4"][0] == {"rank": 1, "value": ["216.198.79.1"]}
    own = found["recommendedCNAME"][0]["value"]
    assert own.endswith(".vercel-dns-017.com.") and web.got("GET", path)["recommendedCNAME"][0]["value"] != own
    web.vercel.control("domain_dns", {"domain": "www.example.com", "configured_by": "CNAME"})
    found = web.got("GET", path)
    assert (found["misconfigured"], found["configuredBy"]) == (False, "CNAME")


def test_a_domain_moves_to_another_project(web):
    target = web.project("other")
    web.got("POST", DOMAINS, {"name": "www.example.com"})
    path = "/v1/projects/web/domains/www.example.com/move"
    assert web.got("POST", path, {"projectId": target["id"]})["projectId"] == target["id"]
    assert web.refused("GET", "/v9/projects/web/domains/www.example.com")[0] == 404


def test_dns_records_of_a_teams_domain(account):
    assert account.refused("GET", "/v5/domains/example.com/records") == (404, "domain_not_found")
    assert account.got("POST", "/v7/domains", {"name": "example.com", "method": "add"})["domain"]["name"]
    given = {"name": "www", "type": "A", "value": "192.0.2.1", "ttl": 60}
    uid = account.got("POST", "/v2/domains/example.com/records", given)["uid"]
    assert account.got("PATCH", f"/v1/domains/records/{uid}", {"value": "192.0.2.2"})["value"] == "192.0.2.2"
    assert account.refused("POST", "/v2/domains/example.com/records", {**given, "ttl": 1})[0] == 400
    account.got("DELETE", f"/v2/domains/example.com/records/{uid}")
    assert account.got("GET", "/v5/domains/example.com/records")["records"] == []


def test_a_domain_is_claimed_by_its_txt_record(account):
    account.vercel.control("project_of_other_team", {"name": "theirs", "domain": "example.com"})
    assert account.got("GET", "/v9/domains/example.com/verification")["verified"] is False
    assert account.refused("POST", "/v9/domains/example.com/claim") == (400, "missing_txt_record")
    account.vercel.control("verify_domain", {"domain": "example.com"})
    assert account.got("POST", "/v9/domains/example.com/claim")["domain"]["name"] == "example.com"
