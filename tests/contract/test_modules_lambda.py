"""The modules and the inventory plugin for Lambda Cloud against the simulated one, which other hands wrote."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.sophia.platform.plugins.modules import lambda_firewall_ruleset, lambda_instance
from module_runs import run as run_module
from simulator_lambda import KEY, Lambda

ROOT = Path(__file__).resolve().parents[2]
TAGS = {"platform": "test"}
TYPE = "gpu_1x_gh200"
PLACE = {"instance_type": TYPE, "region": "us-east-3"}
LAUNCH = {"method": "POST", "path": "/launch$"}
LIST = {"method": "GET", "path": "/instances$"}


class CloudClock:
    """Sleeping lets time pass here and in the cloud, and does what was ordered for later."""

    def __init__(self, cloud):
        self.cloud, self.now, self.orders, self.real_seconds = cloud, 1000.0, [], {}

    def monotonic(self):
        return self.now

    def later(self, seconds, order):
        self.orders.append((self.now + seconds, order))

    def sleep(self, seconds):
        time.sleep(self.real_seconds.get(seconds, 0))
        self.now += seconds
        self.cloud.advance(seconds)
        for when, order in list(self.orders):
            if when <= self.now:
                self.orders.remove((when, order))
                order()


@pytest.fixture
def account(cloud):
    """An account with the key ci; the limits of the real one hold."""
    made = Lambda(cloud)
    cloud.control("lambda/limits", {"enabled": True})
    return made


@pytest.fixture
def clock(cloud, monkeypatch):
    made = CloudClock(cloud)
    for module in (lambda_instance, lambda_firewall_ruleset):
        monkeypatch.setattr(module, "Clock", lambda: made)
    for name in ("LAMBDA_API_KEY", "LAMBDA_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")  # certificates of all the world cost 20 ms a call
    monkeypatch.setenv("SSL_CERT_DIR", "/dev/null")
    return made


@pytest.fixture
def run(account, clock, cloud, monkeypatch, capsys):
    """Run a module; the key and the instances' own secrets are in nothing that it said."""

    def run_against(module, **options):
        clock.sleep(60)  # since whatever was before
        cloud.forget_calls()
        access = {"api_key": KEY, "api_url": cloud.urls["lambda"]}
        done = run_module(module.main, monkeypatch, capsys, **{**access, **options})
        told = done.said + str(done.warnings)
        assert KEY not in told and "jupyter" not in told and "Traceback" not in told
        assert done.result["calls"] == len(cloud.calls("lambda")) or options.get("api_key")
        return done.result

    return run_against


@pytest.fixture
def launch(run):
    """Run lambda_instance for these names."""

    def launched(*names, **options):
        given = {"ssh_key_name": "ci", "tags": TAGS, "regions": ["us-east-3"], "ssh_port": 0, **options}
        return run(lambda_instance, instances=[{"name": name} for name in names], **given)

    return launched


def living(cloud):
    """(name, id) of what is billed."""
    gone = ("terminating", "terminated", "preempted")
    return [(one["name"], one["id"]) for one in cloud.control("lambda/instances", {}) if one["status"] not in gone]


def statuses(cloud):
    return [call["status"] for call in cloud.calls("lambda")]


def error(code, status=400):
    return {"status": status, "body": {"error": {"code": code, "message": f"No ({KEY})."}}}


# --- launches ---


@pytest.mark.parametrize("tags_while_booting", [True, False])
def test_three_are_launched_within_the_limits(cloud, launch, tags_while_booting):
    cloud.control("lambda/behaviour", {"tags_while_booting": tags_while_booting})
    result = launch("a", "b", "c")
    assert result["changed"] and set(statuses(cloud)) == {200}
    assert [(each["name"], each["id"]) for each in result["launched"]] == living(cloud)
    assert [(each["status"], each["tags"]) for each in result["instances"]] == [("active", TAGS)] * 3
    assert all(each["ip"] and each["private_ip"] for each in result["instances"])
    assert (result["cost_cents_per_hour"], result["drift"], result["notes"]) == (3 * 229, [], [])
    again = launch("a", "b", "c")
    assert (again["changed"], again["calls"], again["instances"]) == (False, 1, result["instances"])


@pytest.mark.parametrize("advertised", [True, None], ids=["told wrongly", "told"])
def test_a_launch_waits_for_capacity(cloud, clock, launch, advertised):
    cloud.control("lambda/capacity", {**PLACE, "count": 0, "advertised": advertised})
    clock.later(200, lambda: cloud.control("lambda/capacity", {**PLACE, "count": 1}))
    result = launch("a")
    assert [("a", each["id"]) for each in result["launched"]] == living(cloud) and 429 not in statuses(cloud)
    assert statuses(cloud).count(400) == (0 if advertised is None else sum_of_launches(cloud) - 1)
    failed = launch("b", capacity_timeout_seconds=60)
    assert f"b could not be launched within 60 s and {failed_tries(failed)} tries" in failed["msg"]
    assert "Run again to go on, allow more regions in `regions`" in failed["msg"] and len(living(cloud)) == 1


def sum_of_launches(cloud):
    return sum(call["path"].endswith("/launch") for call in cloud.calls("lambda"))


def failed_tries(result):
    return int(result["msg"].partition(" s and ")[2].split()[0])


def test_a_region_with_room_is_taken_when_another_has_none(cloud, launch):
    cloud.control("lambda/capacity", {**PLACE, "count": 0, "advertised": True})
    cloud.control("lambda/capacity", {"instance_type": TYPE, "region": "us-east-1", "count": 1})
    result = launch("a", regions=["us-east-3", "us-east-1"])
    assert [each["region"] for each in result["instances"]] == ["us-east-1"] and len(living(cloud)) == 1


LOST = {
    "cut after": ("cut_after", {}),
    "cut before": ("cut_before", {}),
    "truncated": ("truncate", {}),
    "500 after": ("status", {**error("global/internal-error", 500), "carried_out": True}),
    "500 before": ("status", error("global/internal-error", 500)),
    "503 after": ("status", {"status": 503, "carried_out": True}),
    "503 before": ("status", {"status": 503}),
    "provider after": ("status", {**error("provider/internal-unavailable"), "carried_out": True}),
    "provider before": ("status", error("provider/internal-unavailable")),
    "gateway's page after": ("html", {"carried_out": True}),
    "gateway's page before": ("html", {}),
    "garbage after": ("garbage", {"carried_out": True}),
    "garbage before": ("garbage", {}),
    "too slow": ("slow", {"seconds": 0.25}),
    "slow": ("slow", {"seconds": 0.02}),
    "429 as text": ("status", {"status": 429, "body": "Too many", "content_type": "text/plain"}),
    "429 with a wait": ("status", {"status": 429, "headers": {"Retry-After": "30"}}),
    "no capacity": ("status", error("instance-operations/launch/insufficient-capacity")),
}


@pytest.mark.parametrize("tags_while_booting", [True, False], ids=["tags", "no tags while booting"])
@pytest.mark.parametrize("fault", LOST)
def test_no_launch_is_paid_twice(cloud, clock, launch, fault, tags_while_booting):
    kind, more = LOST[fault]
    cloud.control("lambda/behaviour", {"tags_while_booting": tags_while_booting})
    cloud.fault("lambda", kind, **LAUNCH, **more)
    clock.real_seconds = {13: 0.3} if fault == "too slow" else {}  # between two launches
    result = launch("a", timeout_seconds=0.15 if fault == "too slow" else 30)
    assert [(each["name"], each["id"]) for each in result["launched"]] == living(cloud)
    assert [each["name"] for each in result["instances"]] == ["a"] and len(living(cloud)) == 1
    assert launch("a")["calls"] == 1


@pytest.mark.parametrize("kind", ["cut_before", "html", "garbage"])
def test_a_launch_that_never_works_ends_in_a_sentence(cloud, launch, kind):
    cloud.fault("lambda", kind, count=-1, **LAUNCH)
    message = launch("a", capacity_timeout_seconds=60)["msg"]
    for words in ("a could not be launched within 60 s", f"launch a ({TYPE} in us-east-3)", "Run again to go on"):
        assert words in message
    assert living(cloud) == [] and "billed" not in message


def test_a_run_that_ends_while_booting_is_gone_on_with(cloud, clock, launch):
    cloud.control("lambda/behaviour", {"tags_while_booting": False})
    cloud.control("lambda/boot_seconds", {"seconds": 600})
    failed = launch("a", boot_timeout_seconds=60)
    assert "Not ready after 60 s: a" in failed["msg"] and "its status is booting" in failed["msg"]
    assert f"billed until terminated: a ({living(cloud)[0][1]})" in failed["msg"]
    again = launch("a")
    assert (again["changed"], len(again["instances"]), len(living(cloud))) == (False, 1, 1)
    assert again["drift"] == again["notes"] == []


def test_one_that_hides_its_tags_and_is_another_s_is_not_taken(cloud, account, launch):
    cloud.control("lambda/behaviour", {"tags_while_booting": False})
    cloud.control("lambda/boot_seconds", {"seconds": 200})
    account.launch(name="a", tags=[{"key": "platform", "value": "other"}])
    absent = launch("a", state="absent")
    assert "does not tell its tags while it boots" in absent["msg"] and len(living(cloud)) == 1
    failed = launch("a")
    assert "is another's: it lacks the tags platform=test. Run again." in failed["msg"] and len(living(cloud)) == 1
    result = launch("a")
    assert len(result["launched"]) == 1 and len(living(cloud)) == 2 and "is another's" in result["notes"][0]


# --- storms, refusals, ends ---


@pytest.mark.parametrize("body", ["text", "json", "html", "empty"])
def test_a_storm_of_429_is_waited_out(cloud, launch, body):
    cloud.control("lambda/limits", {"body": body, "launch_seconds": 50, "retry_after_seconds": 15})
    result = launch("a", "b")
    assert len(result["launched"]) == len(living(cloud)) == 2
    assert 429 in statuses(cloud)


def test_looks_that_fail_after_a_launch_do_not_end_the_run(cloud, clock, launch):
    clock.later(63.5, lambda: cloud.fault("lambda", "status", count=4, status=429, **LIST))
    clock.later(63.5, lambda: cloud.fault("lambda", "html", count=3, **LIST))
    assert len(launch("a")["instances"]) == len(living(cloud)) == 1
    assert statuses(cloud).count(429) == 4 and statuses(cloud).count(502) == 3


def test_looks_that_always_fail_say_what_is_billed(cloud, clock, launch):
    clock.later(63.5, lambda: cloud.fault("lambda", "garbage", count=-1, **LIST))
    message = launch("a", boot_timeout_seconds=60)["msg"]
    ((_name, identifier),) = living(cloud)
    assert f"Launched by this run and billed until terminated: a ({identifier})" in message
    assert "list the instances" in message


@pytest.mark.parametrize("kind", ["cut_before", "cut_after", "truncate", "html", "garbage"])
def test_without_a_listing_nothing_is_launched(cloud, launch, kind):
    cloud.fault("lambda", kind, count=-1, **LIST)
    result = launch("a")
    assert "did not list the instances" in result["msg"] and result["calls"] == 3
    assert living(cloud) == [] and sum_of_launches(cloud) == 0


def hidden(**image):
    return lambda cloud: cloud.control("lambda/images", {"hidden": [image]})


REFUSED = {
    "inactive": (
        lambda cloud: cloud.control("lambda/account", {"state": "inactive"}),
        {},
        ("did not list the instances: global/account-inactive", "Verify the account's e-mail"),
    ),
    "forbidden": (
        lambda cloud: cloud.control("lambda/account", {"state": "forbidden"}),
        {},
        ("did not list the instances: global/forbidden", "may not do this"),
    ),
    "address": (
        lambda cloud: cloud.control("lambda/account", {"state": "invalid-address"}),
        {},
        ("did not list the instances: global/invalid-address", "billing address"),
    ),
    "wrong key": (
        lambda cloud: cloud.control("lambda/api_key", {"key": KEY, "valid": False}),
        {},
        ("did not list the instances: global/invalid-api-key", "Give a valid key"),
    ),
    "quota": (
        lambda cloud: cloud.control("lambda/quota", {"instances": 0}),
        {},
        (f"did not launch a ({TYPE} in us-east-3): global/quota-exceeded", "Terminate an instance"),
    ),
    "no such key": (lambda _cloud: None, {"ssh_key_name": "other"}, ("no SSH key other", "it has: ci")),
    "other key": (
        lambda _cloud: None,
        {"ssh_public_key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOther"},
        ("The SSH key ci at Lambda Cloud is another",),
    ),
    "key gone at launch, 400": (
        lambda cloud: cloud.fault("lambda", "status", **error("global/object-does-not-exist", 400), **LAUNCH),
        {},
        (f"did not launch a ({TYPE} in us-east-3): global/object-does-not-exist", "is not there (any more)"),
    ),
    "key gone at launch, 404": (
        lambda cloud: cloud.fault("lambda", "status", **error("global/object-does-not-exist", 404), **LAUNCH),
        {},
        (f"did not launch a ({TYPE} in us-east-3): global/object-does-not-exist", "is not there (any more)"),
    ),
    "no such family": (
        lambda _cloud: None,
        {"image_family": "gpu-base-24-04"},  # of x86_64 only
        (f"{TYPE} cannot be launched: us-east-3 has no arm64 image of the family gpu-base-24-04",),
    ),
    "family hidden": (
        hidden(family="lambda-stack-24-04", architecture="arm64"),
        {},
        (f"{TYPE} cannot be launched: us-east-3 has no arm64 image of the family lambda-stack-24-04",),
    ),
    "no such image": (lambda _cloud: None, {"image_id": "none"}, ("us-east-3 has no arm64 image none",)),
    "no such type": (lambda _cloud: None, {"instance_type": "gpu_1x_none"}, ("has no instance type gpu_1x_none", TYPE)),
    "price": (
        lambda cloud: cloud.control("lambda/price", {"instance_type": TYPE, "cents_per_hour": 301}),
        {},
        (f"{TYPE} costs 301 cents/hour, and `max_price_cents_per_hour` is 300: nothing was launched",),
    ),
    "no such ruleset": (lambda _cloud: None, {"firewall_rulesets": ["x"]}, ("us-east-3 has no firewall ruleset x",)),
    "no such file system": (lambda _cloud: None, {"file_systems": ["x"]}, ("us-east-3 has no file system x",)),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_told_in_a_sentence_and_costs_nothing(cloud, launch, case):
    prepare, options, words = REFUSED[case]
    prepare(cloud)
    message = launch("a", **options)["msg"]
    for word in words:
        assert word in message
    assert message.count(". ") <= 2 and "\n" not in message
    assert living(cloud) == []


def test_a_quota_that_ends_between_two_launches_says_what_is_billed(cloud, launch):
    cloud.control("lambda/quota", {"instances": 1})
    result = launch("a", "b")
    ((name, identifier),) = living(cloud)
    assert name == "a" and result["launched"] == [{"name": "a", "id": identifier}]
    assert "did not launch b" in result["msg"] and "global/quota-exceeded" in result["msg"]
    assert f"billed until terminated: a ({identifier})" in result["msg"]


@pytest.mark.parametrize(
    ("status", "words"),
    [("preempted", "ended before it was ready. Run again"), ("unhealthy", "is unhealthy and billed all the same")],
)
def test_what_ends_while_booting_is_told(cloud, clock, launch, status, words):
    clock.later(75, lambda: cloud.control("lambda/instance_status", {"name": "a", "status": status}))
    message = launch("a")["msg"]
    assert words in message and f"a ({cloud.control('lambda/instances', {})[0]['id']}, {status} in" in message


def test_images_of_the_right_kind_and_the_newest(cloud, account, launch):
    launch("a")
    cloud.control("lambda/limits", {"enabled": False})
    rows = [row for row in account.data("GET", "/images") if row["id"] == image_of(cloud)]
    assert {(row["family"], row["architecture"], row["version"]) for row in rows} == {
        ("lambda-stack-24-04", "arm64", "24.4.4-2141")
    }


def image_of(cloud):
    return cloud.control("lambda/instances", {})[0]["image_id"]


# --- the end of instances ---


@pytest.mark.parametrize("fault", [None, "cut_after", "cut_before", "truncate", "html", "garbage", "status"])
def test_only_what_the_tags_own_is_terminated(cloud, clock, account, launch, fault):
    cloud.control("lambda/limits", {"enabled": False})
    own = {account.launch(name=name, tags=[{"key": "platform", "value": "test"}]) for name in ("a", "b")}
    others = {
        account.launch(name="a", tags=[{"key": "platform", "value": "other"}]),
        account.launch(name="b"),
        account.launch(name="c", tags=[{"key": "platform", "value": "test"}]),
    }
    if fault:
        more = {"status": 429} if fault == "status" else {}
        cloud.fault("lambda", fault, method="POST", path="/terminate$", **more)
    result = launch("a", "b", state="absent")
    assert result["changed"] and {identifier for _name, identifier in living(cloud)} == others
    assert all(identifier in result["msg"] for identifier in own)
    again = launch("a", "b", state="absent")
    assert (again["changed"], again["calls"], again["msg"]) == (False, 1, "nothing to terminate")


# --- the inventory ---


def test_sixteen_instances_are_listed_with_one_call(cloud, account, tmp_path):
    cloud.control("lambda/limits", {"enabled": False})
    tags = [{"key": "platform", "value": "test"}, {"key": "role", "value": "{{ worker }}"}]
    for number in range(16):
        account.launch(name=f"host-{number:02d}", tags=tags)
    account.launch(name="stranger")
    cloud.advance(60)
    cloud.forget_calls()
    config = {"plugin": "sophia.platform.lambda_cloud", "api_url": cloud.urls["lambda"], "tags": TAGS}
    (tmp_path / "hosts.lambda_cloud.yml").write_text(json.dumps(config))
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "LAMBDA_"))}
    certificates = {"SSL_CERT_FILE": "/dev/null", "SSL_CERT_DIR": "/dev/null"}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("ansible-inventory")), "-i", str(tmp_path), "--list"],
        cwd=ROOT,
        env={**clean, **certificates, "LAMBDA_API_KEY": KEY, "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert KEY not in done.stdout + done.stderr and "jupyter" not in done.stdout + done.stderr
    found = json.loads(done.stdout, object_hook=lambda value: value.get("__ansible_unsafe", value))["_meta"]["hostvars"]
    assert sorted(found) == [f"host-{number:02d}" for number in range(16)]
    assert len({host["ansible_host"] for host in found.values()}) == 16
    assert found["host-00"]["lambda_tags"] == {"platform": "test", "role": "{{ worker }}"}
    assert [(call["method"], call["path"]) for call in cloud.calls("lambda")] == [("GET", "/api/v1/instances")]


# --- firewall rulesets ---

SSH = {"protocol": "tcp", "port_range": [22, 22], "source_network": "198.51.100.7", "description": "SSH"}
PING = {"protocol": "icmp", "source_network": "0.0.0.0/0", "description": "Ping"}


@pytest.fixture
def ruleset(run):
    def kept(name="edge", region="us-east-3", **options):
        return run(lambda_firewall_ruleset, name=name, region=region, **options)

    return kept


def rulesets(account):
    account.cloud.advance(10)
    return account.data("GET", "/firewall-rulesets")


def test_a_ruleset_lives_as_the_api_has_it(account, launch, ruleset):
    made = ruleset(rules=[SSH, PING])
    assert made["changed"] and [each["name"] for each in rulesets(account)] == ["edge"]
    again = ruleset(rules=[PING, {**SSH, "source_network": "198.51.100.7/32"}])
    assert (again["changed"], again["calls"], again["ruleset"]) == (False, 1, made["ruleset"])
    changed = ruleset(rules=[PING])
    assert changed["changed"] and [rule["protocol"] for rule in rulesets(account)[0]["rules"]] == ["icmp"]
    host = launch("a", firewall_rulesets=["edge"])["instances"][0]
    refused = ruleset(state="absent")
    assert f"The firewall ruleset edge in us-east-3 is used by {host['id']}" in refused["msg"]
    assert "terminate those first" in refused["msg"] and len(rulesets(account)) == 1
    launch("a", state="absent")
    assert ruleset(state="absent")["changed"] and rulesets(account) == []
    assert ruleset(state="absent")["calls"] == 1


def test_the_global_rules_are_replaced(account, cloud, ruleset):
    made = ruleset("global", "", rules=[SSH])
    cloud.advance(10)
    assert made["changed"] and account.data("GET", "/firewall-rules") == [{**SSH, "source_network": "198.51.100.7/32"}]
    again = ruleset("global", "", rules=[SSH])
    assert (again["changed"], again["calls"]) == (False, 1)


@pytest.mark.parametrize("fault", ["cut_after", "cut_before", "truncate", "html", "garbage", "status"])
@pytest.mark.parametrize("there", [False, True], ids=["made", "changed"])
def test_a_ruleset_survives_lost_answers(account, cloud, ruleset, there, fault):
    if there:
        ruleset(rules=[PING])
    more = {"status": 429} if fault == "status" else {}
    cloud.fault("lambda", fault, path="/firewall-rulesets", method="PATCH" if there else "POST", **more)
    assert ruleset(rules=[SSH])["changed"]
    assert [len(each["rules"]) for each in rulesets(account)] == [1]
    assert rulesets(account)[0]["rules"][0]["description"] == "SSH"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rules": [{**SSH, "source_network": "10.0.0.0/8"}]}, "did not create the firewall ruleset edge in us-east-3"),
        ({"region": "us-south-1", "rules": [SSH]}, "us-south-1 does not apply firewall rules"),
        ({"region": "mars", "rules": [SSH]}, "did not create the firewall ruleset edge in mars"),
        ({"name": "global", "region": "", "state": "absent"}, "the global rules cannot be absent"),
    ],
)
def test_a_ruleset_that_cannot_be_is_refused_in_a_sentence(account, ruleset, options, words):
    assert words in ruleset(**options)["msg"] and rulesets(account) == []
