"""The module lambda_firewall_ruleset: the same rules are recognised, others are put in their place, once."""

import lambda_fixtures as fake
import pytest
from ansible_collections.sophia.platform.plugins.modules import lambda_firewall_ruleset
from lambda_fixtures import FakeLambda

SSH = {"protocol": "tcp", "port_range": [22, 22], "source_network": "198.51.100.7", "description": "SSH of the office"}
HTTPS = {"protocol": "tcp", "port_range": [443, 443], "source_network": "0.0.0.0/0", "description": "HTTPS"}
PING = {"protocol": "icmp", "source_network": "0.0.0.0/0", "description": "Ping"}
# The same as the API may tell them: a length at each address, null where there are no ports, another order.
TOLD = [{**PING, "port_range": None}, HTTPS, {**SSH, "source_network": "198.51.100.7/32"}]
LIST, CREATE = "GET /firewall-rulesets", "POST /firewall-rulesets"


@pytest.fixture(scope="module")
def served():
    with fake.switchable() as (switch, port, seen):
        yield switch, port, seen


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    made = fake.FakeClock()
    monkeypatch.setattr(lambda_firewall_ruleset, "Clock", lambda: made)
    fake.bare_environment(monkeypatch)
    return made


@pytest.fixture
def run(served):
    switch, port, seen = served

    def run_against(cloud, check=False, **options):
        switch.cloud = cloud
        seen.clear()
        arguments = {
            "name": "edge",
            "region": "us-east-3",
            "rules": [SSH, HTTPS, PING],
            "api_key": fake.KEY,
            "api_url": f"http://127.0.0.1:{port}/api/v1",
            **options,
        }
        arguments = {name: value for name, value in arguments.items() if value is not None}
        result, _printed = fake.run_module(lambda_firewall_ruleset.main, arguments, check)
        asked = [f"{request['method']} {request['path'].removeprefix('/api/v1')}" for request in seen]
        assert result["calls"] == len(asked)
        return result, asked

    return run_against


def cloud_with(*rules, region="us-east-3", instance_ids=(), name="edge"):
    cloud = FakeLambda()
    row = {"id": "r1", "name": name, "region": {"name": region}, "rules": list(rules)}
    cloud.rulesets = [{**row, "instance_ids": list(instance_ids)}]
    return cloud


def test_a_missing_ruleset_is_created_and_then_left_alone(run):
    cloud = cloud_with(region="us-east-1")
    result, asked = run(cloud, check=True)
    assert result["changed"] and asked == [LIST]
    result, asked = run(cloud)
    assert result["changed"] and asked == [LIST, CREATE, LIST] and result["ruleset"]["id"] == "r9"
    assert result["diff"]["before"] == ""
    assert result["diff"]["after"] == (
        "icmp from 0.0.0.0/0 (Ping)\ntcp 22 from 198.51.100.7/32 (SSH of the office)\ntcp 443 from 0.0.0.0/0 (HTTPS)\n"
    )
    assert {"protocol": "icmp", "source_network": "0.0.0.0/0", "description": "Ping"} in cloud.rulesets[-1]["rules"]
    result, asked = run(cloud)
    assert (result["changed"], asked) == (False, [LIST])


def test_order_lengths_and_nulls_are_no_difference(run):
    result, asked = run(cloud_with(*TOLD))
    assert (result["changed"], asked) == (False, [LIST]) and result["diff"]["before"] == result["diff"]["after"]


@pytest.mark.parametrize(
    "there",
    [
        [],
        [SSH, HTTPS],
        [SSH, HTTPS, PING, {**SSH, "source_network": "0.0.0.0/0"}],
        [SSH, PING, {**HTTPS, "port_range": [443, 444]}],
        [SSH, PING, {**HTTPS, "description": "Web"}],
        [SSH, PING, {**HTTPS, "source_network": "a network of tomorrow"}],
    ],
)
def test_other_rules_are_replaced(run, there):
    cloud = cloud_with(*there, instance_ids=["i1"])
    result, asked = run(cloud)
    assert result["changed"] and asked == [LIST, "PATCH /firewall-rulesets/r1", LIST]
    assert run(cloud)[0]["changed"] is False


def test_the_global_rules_are_changed_and_never_created(run):
    cloud = FakeLambda()
    result, asked = run(cloud, name="global", region=None)
    assert asked == [
        "GET /firewall-rulesets/global",
        "PATCH /firewall-rulesets/global",
        "GET /firewall-rulesets/global",
    ]
    assert result["ruleset"]["id"] == "global" and len(cloud.global_rules["rules"]) == 3
    assert run(cloud, name="global", region=None)[0]["changed"] is False
    result, _asked = run(cloud, name="global", region=None, rules=[])
    assert result["changed"] and cloud.global_rules["rules"] == [] and result["diff"]["after"] == "no rules\n"


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        (("after", fake.CLOSED), 1),
        (("after", fake.BAD_GATEWAY), 1),
        (fake.TOO_MANY, 2),
        (fake.HALF_JSON, 2),
        (fake.refusal("global/internal-error", 409), 2),
    ],
)
def test_a_write_is_repeated_only_after_a_look(run, fault, requests):
    cloud = FakeLambda()
    cloud.faults[("POST", "/firewall-rulesets")] = [fault]
    result, asked = run(cloud)
    assert result["changed"] and asked.count(CREATE) == requests and len(cloud.rulesets) == 1


def test_a_write_that_never_works_is_an_error(run):
    cloud = cloud_with()
    cloud.faults[("PATCH", "/firewall-rulesets/r1")] = [fake.BAD_GATEWAY] * 9
    result, asked = run(cloud)
    assert "gave no usable answer when asked to change the firewall ruleset edge in us-east-3" in result["msg"]
    assert asked.count("PATCH /firewall-rulesets/r1") == 3
    cloud.faults = {("PATCH", "/firewall-rulesets/r1"): [fake.refusal("global/invalid-parameters")]}
    result, asked = run(cloud)
    assert "did not change the firewall ruleset edge in us-east-3: global/invalid-parameters" in result["msg"]
    assert asked.count("PATCH /firewall-rulesets/r1") == 1


def test_a_ruleset_is_deleted_unless_it_is_used(run):
    cloud = cloud_with(*TOLD)
    options = {"state": "absent", "rules": None}
    assert run(cloud, check=True, **options)[0]["changed"] and cloud.rulesets
    result, asked = run(cloud, **options)
    assert result["changed"] and cloud.rulesets == [] and result["ruleset"] == {} and result["diff"]["after"] == ""
    assert run(cloud, **options)[0]["changed"] is False
    for check in (True, False):
        result, asked = run(cloud_with(instance_ids=["i1", "i2"]), check=check, **options)
        assert "edge in us-east-3 is used by i1, i2 and cannot be deleted" in result["msg"] and asked == [LIST]
    cloud = cloud_with()
    cloud.faults[("DELETE", "/firewall-rulesets/r1")] = [fake.refusal("firewall-rulesets/firewall-ruleset-in-use")]
    result, _asked = run(cloud, **options)
    assert "is used by instances and cannot be deleted" in result["msg"]
    cloud.faults[("DELETE", "/firewall-rulesets/r1")] = [("after", fake.NOT_THERE)]
    assert run(cloud, **options)[0]["changed"] and cloud.rulesets == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"region": "us-south-1"}, "us-south-1 does not apply firewall rules"),
        ({"region": None}, "`region` is missing"),
        ({"rules": None}, "`rules` is missing"),
        ({"name": "global"}, "the global rules have no region"),
        ({"name": "global", "region": None, "state": "absent"}, "the global rules cannot be absent; give `rules: []`"),
        ({"rules": [SSH, {**SSH, "source_network": "198.51.100.7/32"}]}, "(SSH of the office) is there twice"),
        ({"rules": [{**PING, "port_range": [1, 2]}]}, "rule 1 (Ping): icmp has no ports"),
        ({"rules": [{**SSH, "port_range": [22]}]}, "tcp needs `port_range` with two ports"),
        ({"rules": [{**SSH, "port_range": [23, 22]}]}, "the lower one first"),
        ({"rules": [{**PING, "protocol": "all"}]}, "all needs `port_range`"),
        ({"rules": [{**SSH, "description": " "}]}, "its description must have 1 to 128 letters"),
        ({"rules": [{**SSH, "source_network": "10.0.0.1/8"}]}, "'10.0.0.1/8' is no IPv4 network"),
        ({"rules": [{**SSH, "source_network": "::/0"}]}, "'::/0' is no IPv4 network"),
    ],
)
def test_options_that_do_not_fit_are_told_before_anything_is_asked(run, options, words):
    result, asked = run(FakeLambda(), **options)
    assert words in result["msg"] and "The firewall ruleset" in result["msg"] and asked == []


def test_two_rulesets_of_one_name_are_an_error_with_both_ids(run):
    cloud = cloud_with()
    cloud.rulesets.append({**cloud.rulesets[0], "id": "r2"})
    result, _asked = run(cloud)
    assert "2 firewall rulesets in us-east-3 are called edge: r1, r2" in result["msg"]
    cloud.rulesets = [{"id": "r1", "name": "edge", "region": {"name": "us-east-3"}, "rules": [7]}]
    assert "the firewall ruleset edge holds no rules" in run(cloud)[0]["msg"]
