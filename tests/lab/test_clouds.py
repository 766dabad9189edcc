"""The clouds after site.yml has run: what was launched, published and written there, and with how many calls."""

from __future__ import annotations

import json
import urllib.request

import pytest
from conftest import CLOUD_PORT, DOMAIN, MACHINES, SNOWFLAKE_PORT, clouds, lab_secrets, play
from test_site import overriding

EDGES = [host["lab_edge_address"] for host in MACHINES["lab_hosts"].values()]


def made(run, service: str, method: str, ending: str = "") -> list[dict]:
    """The calls of one service during a run."""
    return [
        call
        for call in run.calls
        if call["service"] == service and call["method"] == method and call["path"].endswith(ending)
    ]


def zone() -> set[tuple]:
    records = clouds("POST", "/control/namecheap/zone", {"domain": DOMAIN})
    return {(record["name"], record["type"], record["address"]) for record in records}


def own(records: set[tuple]) -> set[tuple]:
    """Without the record in which the platform lists what it manages."""
    return {record for record in records if not record[0].startswith("_owned")}


def test_check_mode_on_an_empty_cloud_predicts_the_launches_and_makes_none(runs):
    run = runs["check_empty"]
    assert run.returncode == 0, run.output[-3000:]
    assert [task for task in run.changed_tasks if "Launch" in task]
    assert not made(run, "lambda", "POST")
    for name in ("lab-1", "lab-2", "lab-3"):
        assert name in run.output


def test_hosts_were_launched_through_the_api_once(runs):
    assert len(made(runs["launch"], "lambda", "POST", "/launch")) == 3
    for later in ("check_fresh", "converge", "again", "check_converged"):
        assert made(runs[later], "lambda", "POST") == []


@pytest.mark.parametrize("name", ["converge", "again", "check_converged"])
def test_the_store_is_opened_once_a_run(runs, name):
    assert len(made(runs[name], "esc", "POST", "/open")) == 1
    assert len([call for call in made(runs[name], "esc", "GET") if "/open/" in call["path"]]) == 1


def test_a_converged_platform_costs_few_calls(runs):
    """The inventory and the module list the instances once each; the zone is read once; Vercel and the keys a few."""
    calls = runs["again"].calls
    asked = [call["service"] for call in calls]
    assert (asked.count("lambda"), asked.count("namecheap")) == (2, 1)
    assert [call for call in calls if call["method"] not in ("GET", "POST")] == []


def test_every_routed_name_has_its_record(runs):
    hosts = ("api", "auth", "mcp", "prometheus", "alertmanager", "traefik")
    found = {(name, address) for name, kind, address in zone() if kind == "A" and address.startswith("127.")}
    assert found == {(host, address) for host in hosts for address in EDGES}


def test_a_changed_route_changes_exactly_its_record(runs):
    before = zone()
    change = overriding(prometheus={"route": {"host": "metrics", "access": "operators"}})
    predicted = play("route_check", "--check", "--diff", *change, playbook="playbooks/dns.yml")
    assert predicted.returncode == 0, predicted.output[-2000:]
    assert predicted.changed == 1 and zone() == before
    done = play("route", *change, playbook="playbooks/dns.yml")
    assert done.returncode == 0, done.output[-2000:]
    after = zone()
    assert own(before) - own(after) == {("prometheus", "A", address) for address in EDGES}
    assert own(after) - own(before) == {("metrics", "A", address) for address in EDGES}
    assert len([call for call in done.calls if call["service"] == "namecheap"]) == 3
    back = play("route_back", playbook="playbooks/dns.yml")
    assert (back.returncode, zone()) == (0, before)


def test_records_of_others_stay(runs):
    """What somebody adds in the panel outlives a change of ours."""
    shown = ("name", "type", "address", "mx_pref", "ttl")
    records = clouds("POST", "/control/namecheap/zone", {"domain": DOMAIN})
    records = [{key: record[key] for key in shown} for record in records]
    theirs = {"name": "x", "type": "TXT", "address": "theirs"}
    clouds("POST", "/control/namecheap/domain", {"name": DOMAIN, "records": [*records, theirs]})
    change = overriding(prometheus={"route": {"host": "metrics", "access": "operators"}})
    assert play("route_with_others", *change, playbook="playbooks/dns.yml").returncode == 0
    assert play("route_with_others_back", playbook="playbooks/dns.yml").returncode == 0
    assert ("x", "TXT", "theirs") in zone()


def test_the_frontend_is_served(runs):
    request = f"http://127.0.0.1:{CLOUD_PORT}/_deployments/app.{DOMAIN}/index.html"
    with urllib.request.urlopen(request, timeout=10) as response:
        assert b"stands in for the company's frontend" in response.read()
    assert made(runs["converge"], "vercel", "POST", "/deployments")
    assert made(runs["again"], "vercel", "POST") == []


def test_the_warehouse_was_made_once(runs):
    statements = clouds("GET", "/lab/statements", port=SNOWFLAKE_PORT)
    made = [each["sql"] for each in statements if each["sql"].startswith(("CREATE", "ALTER", "GRANT"))]
    assert [sql for sql in made if "SOPHIA_AI_PRODUCTION.AI_MEMORY.MEMORIES" in sql and "VECTOR(FLOAT, 768)" in sql]
    assert len(made) == len(set(made)) and all(each["ok"] for each in statements)


def test_a_key_that_is_revoked_ends_the_run_before_any_host_is_touched(runs):
    given = {"service": "linear", "key": lab_secrets()["linear_api_key"]}
    clouds("POST", "/control/apis/key", {**given, "state": "disabled"})
    try:
        run = play("revoked")
        assert run.returncode != 0
        assert run.hosts == ["localhost"] and "linear_api_key" in run.output
    finally:
        clouds("POST", "/control/apis/key", {**given, "state": "valid"})


def test_a_cloud_that_cannot_be_asked_is_not_an_empty_inventory(runs):
    fault = {"service": "lambda", "kind": "html", "count": -1}
    clouds("POST", "/control/faults", fault)
    try:
        run = play("no_inventory", playbook="playbooks/verify.yml")
    finally:
        clouds("DELETE", "/control/faults")
    assert run.returncode != 0
    assert "instances" in run.output and json.dumps("ok") not in run.output
