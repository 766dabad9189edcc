"""The simulated Lambda Cloud against its contract (reference/lambda_cloud_contract.md)."""

import base64
import hashlib
import json
import threading
import uuid

import pytest
from simulator_client import ask

from lab.cloud.lambda_cloud import LambdaCloud
from lab.cloud.running import ControlError
from lab.cloud.wire import Clock, Request

KEY = "secret_lab_0123456789abcdef0123456789abcdef.aBcD"
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGV4YW1wbGVleGFtcGxlZXhhbXBsZWV4YW1wbGVl lab"
LAUNCH = {"region_name": "us-east-3", "instance_type_name": "gpu_1x_gh200", "ssh_key_names": ["ci"]}
WITHOUT = object()


class Lambda:
    """An account with the key ci, no limiter, and instances that boot for 30 s."""

    def __init__(self, cloud):
        self.cloud = cloud
        cloud.control("lambda/api_key", {"key": KEY})
        cloud.control("lambda/limits", {"enabled": False})
        cloud.control("lambda/ssh_keys", {"name": "ci", "public_key": PUBLIC_KEY})

    def ask(self, method, path, given=None, **headers):
        headers = headers or {"Authorization": f"Bearer {KEY}"}
        return ask(method, self.cloud.urls["lambda"] + path, given, headers)

    def data(self, method, path, given=None):
        answer = self.ask(method, path, given)
        assert answer.status == 200, answer.body
        assert list(answer.json) == ["data"]
        return answer.json["data"]

    def refused(self, method, path, given=None):
        answer = self.ask(method, path, given)
        assert set(answer.json["error"]) <= {"code", "message", "suggestion"}
        assert answer.json["error"]["message"]
        return answer.status, answer.json["error"]["code"]

    def launch(self, **given):
        wanted = {name: value for name, value in {**LAUNCH, **given}.items() if value is not WITHOUT}
        return self.data("POST", "/instance-operations/launch", wanted)["instance_ids"][0]

    def not_launched(self, **given):
        wanted = {name: value for name, value in {**LAUNCH, **given}.items() if value is not WITHOUT}
        return self.refused("POST", "/instance-operations/launch", wanted)

    def instance(self, instance_id):
        return self.data("GET", f"/instances/{instance_id}")


@pytest.fixture
def api(cloud):
    return Lambda(cloud)


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (f"Bearer {KEY}", 200),
        (f"Basic {base64.b64encode(f'{KEY}:'.encode()).decode()}", 200),
        (f"Basic {KEY}", 200),
        (f"Basic {base64.b64encode(f'{KEY}:x'.encode()).decode()}", 401),
        ("Bearer secret_other", 401),
        ("Bearer ", 401),
        (KEY, 401),
        ("", 401),
    ],
)
def test_a_key_is_taken_as_bearer_and_as_both_kinds_of_basic(api, authorization, status):
    answer = api.ask("GET", "/ssh-keys", Authorization=authorization)
    assert answer.status == status
    if status == 401:
        assert answer.json["error"]["code"] == "global/invalid-api-key"


def test_no_key_is_built_in(cloud):
    assert ask("GET", f"{cloud.urls['lambda']}/ssh-keys", headers={"Authorization": "Bearer x"}).status == 401


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("inactive", "global/account-inactive"),
        ("invalid-address", "global/invalid-address"),
        ("forbidden", "global/forbidden"),
    ],
)
def test_an_account_that_may_not_be_used_answers_403(api, state, code):
    api.cloud.control("lambda/account", {"state": state})
    assert api.refused("GET", "/instances") == (403, code)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/billing"),
        ("GET", "/filesystems"),
        ("POST", "/file-systems"),
        ("DELETE", "/file-systems/abc"),
        ("POST", "/instance-operations/stop"),
    ],
)
def test_what_the_api_does_not_have_is_not_found(api, method, path):
    assert api.refused(method, path, {}) == (404, "global/not-found")


def test_types_are_an_object_with_the_regions_that_have_capacity(api):
    found = api.data("GET", "/instance-types")["gpu_1x_gh200"]
    assert found["instance_type"]["price_cents_per_hour"] == 229
    assert found["instance_type"]["specs"] == {"vcpus": 64, "memory_gib": 432, "storage_gib": 4096, "gpus": 1}
    assert found["regions_with_capacity_available"] == [{"name": "us-east-3", "description": "Washington DC, USA"}]
    api.cloud.control("lambda/capacity", {"instance_type": "gpu_1x_gh200", "count": 0})
    api.cloud.control("lambda/price", {"instance_type": "gpu_1x_gh200", "cents_per_hour": 149})
    found = api.data("GET", "/instance-types")["gpu_1x_gh200"]
    assert found["regions_with_capacity_available"] == []
    assert found["instance_type"]["price_cents_per_hour"] == 149


def test_an_instance_boots_and_becomes_active(api):
    tags = [{"key": "managed-by", "value": "sophia"}]
    instance_id = api.launch(name="lab-1", tags=tags)
    booting = api.instance(instance_id)
    assert (booting["status"], booting["ip"], booting["name"], booting["tags"]) == ("booting", None, "lab-1", tags)
    assert not {"private_ip", "hostname", "jupyter_token", "jupyter_url"} & set(booting)
    assert booting["actions"]["restart"]["reason_code"] == "vm-has-not-launched"
    api.cloud.advance(29)
    assert api.instance(instance_id)["status"] == "booting"
    api.cloud.advance(2)
    active = api.instance(instance_id)
    assert (active["status"], active["ip"], active["private_ip"]) == ("active", "198.51.100.1", "10.19.0.1")
    assert active["hostname"] == "198-51-100-1"
    assert active["jupyter_token"] in active["jupyter_url"]
    assert active["actions"]["restart"] == {"available": True}
    assert active["instance_type"]["name"] == "gpu_1x_gh200"
    assert api.data("GET", "/instances") == [active]
    assert api.data("GET", "/instances?cluster_id=c1") == []


def test_an_instance_is_terminating_then_terminated_then_gone_and_the_next_has_another_address(api):
    instance_id = api.launch()
    api.cloud.advance(31)
    path = "/instance-operations/terminate"
    (ended,) = api.data("POST", path, {"instance_ids": [instance_id]})["terminated_instances"]
    assert ended["status"] == "terminating"
    assert ended["actions"]["terminate"]["reason_code"] == "vm-is-terminating"
    api.cloud.advance(11)
    assert api.instance(instance_id)["status"] == "terminated"
    api.cloud.advance(61)
    gone = (404, "global/object-does-not-exist")
    assert api.refused("GET", f"/instances/{instance_id}") == gone
    assert api.data("GET", "/instances") == []
    assert api.refused("POST", path, {"instance_ids": [instance_id]}) == gone
    again = api.launch()
    api.cloud.advance(31)
    assert api.instance(again)["ip"] == "198.51.100.2"


def test_nothing_is_terminated_when_one_of_several_is_not_there(api):
    instance_id = api.launch()
    given = {"instance_ids": [instance_id, "0" * 32]}
    assert api.refused("POST", "/instance-operations/terminate", given)[0] == 404
    assert api.instance(instance_id)["status"] == "booting"


def test_the_name_can_be_changed_and_nothing_else(api):
    instance_id = api.launch(name="a")
    assert api.data("POST", f"/instances/{instance_id}", {"name": "b"})["name"] == "b"
    assert api.refused("POST", f"/instances/{instance_id}", {"tags": []})[0] == 400
    assert api.refused("POST", f"/instances/{instance_id}", {"name": "x" * 65})[0] == 400


def test_a_restart_conflicts_with_a_boot_and_with_a_restart(api):
    instance_id = api.launch()
    given = {"instance_ids": [instance_id]}
    assert api.refused("POST", "/instance-operations/restart", given) == (409, "global/conflict")
    api.cloud.advance(31)
    (restarted,) = api.data("POST", "/instance-operations/restart", given)["restarted_instances"]
    assert restarted["actions"]["restart"]["reason_code"] == "vm-action-in-progress"
    assert api.refused("POST", "/instance-operations/restart", given) == (409, "global/conflict")


INVALID, MISSING = (400, "global/invalid-parameters"), (400, "global/object-does-not-exist")


@pytest.mark.parametrize(
    ("given", "answer"),
    [
        ({"region_name": WITHOUT}, INVALID),
        ({"region_name": "moon-1"}, INVALID),
        ({"instance_type_name": "gpu_9x_none"}, MISSING),
        ({"ssh_key_names": []}, INVALID),
        ({"ssh_key_names": ["ci", "ci"]}, INVALID),
        ({"ssh_key_names": "ci"}, INVALID),
        ({"ssh_key_names": ["other"]}, MISSING),
        ({"name": "x" * 65}, INVALID),
        ({"hostname": "Upper"}, INVALID),
        ({"hostname": "-a"}, INVALID),
        ({"image": {"family": "windows"}}, MISSING),
        ({"image": {"id": str(uuid.uuid4())}}, MISSING),
        ({"image": {"family": "lambda-stack-24-04", "id": "x"}}, INVALID),
        ({"image": "lambda-stack-24-04"}, INVALID),
        ({"image": {"family": "gpu-base-24-04"}}, INVALID),  # x86_64 only
        ({"user_data": ["a"]}, INVALID),
        ({"user_data": "x" * 1_000_001}, INVALID),
        ({"file_system_names": ["none"]}, MISSING),
        ({"file_system_mounts": [{"mount_point": "/data/x", "file_system_id": "none"}]}, MISSING),
        ({"file_system_mounts": [{"mount_point": "/srv/x", "file_system_id": "none"}]}, INVALID),
        ({"tags": [{"key": "Upper", "value": "x"}]}, INVALID),
        ({"tags": [{"key": "env"}]}, INVALID),
        ({"tags": [{"key": "env", "value": "x" * 129}]}, INVALID),
        ({"tags": {"env": "x"}}, INVALID),
        ({"firewall_rulesets": [{"id": "none"}]}, MISSING),
        ({"quantity": 2}, INVALID),
        ({"tag": []}, INVALID),
    ],
)
def test_a_wrong_launch_is_refused(api, given, answer):
    assert api.not_launched(**given) == answer
    assert api.data("GET", "/instances") == []


def test_a_launch_may_say_404_for_what_is_not_there(api):
    api.cloud.control("lambda/behaviour", {"launch_not_found_status": 404})
    assert api.not_launched(ssh_key_names=["other"]) == (404, "global/object-does-not-exist")


def test_all_fields_of_a_launch_are_kept(api):
    disk = api.data("POST", "/filesystems", {"name": "data", "region": "us-east-3"})
    rule = {"protocol": "tcp", "port_range": [443, 443], "source_network": "0.0.0.0/0", "description": "HTTPS"}
    ruleset = api.data("POST", "/firewall-rulesets", {"name": "web", "region": "us-east-3", "rules": [rule]})
    mount = {"mount_point": "/data/x", "file_system_id": disk["id"]}
    instance_id = api.launch(
        name="n" * 64,
        hostname="node-1",
        image={"family": "lambda-stack-24-04"},
        user_data="#cloud-config\npassword: s3cret\n",
        file_system_names=["data"],
        file_system_mounts=[mount],
        firewall_rulesets=[{"id": ruleset["id"]}],
        quantity=1,
    )
    api.cloud.advance(31)
    shown = api.instance(instance_id)
    assert (shown["hostname"], shown["file_system_names"], shown["file_system_mounts"]) == ("node-1", ["data"], [mount])
    assert shown["firewall_rulesets"] == [{"id": ruleset["id"]}]
    assert "user_data" not in shown
    (known,) = api.cloud.control("lambda/instances", {})
    assert known["user_data_sha256"] == hashlib.sha256(b"#cloud-config\npassword: s3cret\n").hexdigest()
    newest = [row for row in api.data("GET", "/images") if row["id"] == known["image_id"]][0]
    assert (newest["version"], newest["architecture"]) == ("24.4.4-2141", "arm64")
    assert api.data("GET", "/file-systems")[0]["is_in_use"] is True
    assert api.refused("DELETE", f"/filesystems/{disk['id']}") == (400, "filesystems/filesystem-in-use")
    in_use = (400, "firewall-rulesets/firewall-ruleset-in-use")
    assert api.refused("DELETE", f"/firewall-rulesets/{ruleset['id']}") == in_use
    assert api.data("GET", f"/firewall-rulesets/{ruleset['id']}")["instance_ids"] == [instance_id]


def test_a_file_system_of_another_region_cannot_be_mounted(api):
    disk = api.data("POST", "/filesystems", {"name": "data", "region": "us-west-1"})
    wrong = (400, "instance-operations/launch/file-system-in-wrong-region")
    assert api.not_launched(file_system_names=["data"]) == wrong
    assert api.not_launched(file_system_mounts=[{"mount_point": "/data/x", "file_system_id": disk["id"]}]) == wrong


def test_capacity_runs_out_and_comes_back(api):
    api.cloud.control("lambda/capacity", {"instance_type": "gpu_1x_gh200", "region": "us-east-3", "count": 1})
    instance_id = api.launch()
    sold_out = (400, "instance-operations/launch/insufficient-capacity")
    assert api.not_launched() == sold_out
    api.data("POST", "/instance-operations/terminate", {"instance_ids": [instance_id]})
    assert api.not_launched() == sold_out
    api.cloud.advance(11)
    api.launch()


def test_the_list_of_types_may_promise_what_is_not_there(api):
    given = {"instance_type": "gpu_1x_gh200", "region": "us-east-3", "count": 0, "advertised": True}
    api.cloud.control("lambda/capacity", given)
    assert api.data("GET", "/instance-types")["gpu_1x_gh200"]["regions_with_capacity_available"]
    assert api.not_launched()[1].endswith("insufficient-capacity")


def test_a_quota_can_be_exceeded(api):
    api.cloud.control("lambda/quota", {"instances": 1})
    api.launch()
    assert api.not_launched() == (400, "global/quota-exceeded")


@pytest.mark.parametrize("status", ["unhealthy", "preempted", "thinking"])
def test_an_instance_can_have_any_status(api, status):
    instance_id = api.launch(name="a")
    api.cloud.control("lambda/instance_status", {"name": "a", "status": status})
    assert api.instance(instance_id)["status"] == status


def test_two_requests_a_second_and_two_launches_in_twelve_are_too_many(api):
    api.cloud.control("lambda/limits", {"enabled": True})
    assert api.ask("GET", "/instances").status == 200
    refused = api.ask("GET", "/instances")
    assert (refused.status, refused.body) == (429, b"Too Many Requests\n")
    assert "retry-after" not in refused.headers
    path = "/instance-operations/launch"
    api.cloud.advance(1)
    assert api.ask("POST", path, LAUNCH).status == 200
    api.cloud.advance(11)
    assert api.ask("POST", path, LAUNCH).status == 429
    assert api.ask("GET", "/instances").status == 200  # a refused request is not counted
    api.cloud.advance(1)
    assert api.ask("POST", path, LAUNCH).status == 200


@pytest.mark.parametrize("body", ["json", "html", "empty"])
def test_a_429_can_have_any_body(api, body):
    api.cloud.control("lambda/limits", {"enabled": True, "body": body, "retry_after_seconds": 11})
    api.ask("GET", "/instances")
    answer = api.ask("GET", "/instances")
    assert (answer.status, answer.headers["retry-after"]) == (429, "11")


def test_limits_are_on_at_first(cloud):
    cloud.control("lambda/api_key", {"key": KEY})
    url, headers = f"{cloud.urls['lambda']}/regions", {"Authorization": f"Bearer {KEY}"}
    assert [ask("GET", url, headers=headers).status for _ in range(2)] == [200, 429]


def test_ssh_keys_are_added_once_and_deleted(api):
    key = api.data("POST", "/ssh-keys", {"name": "a", "public_key": PUBLIC_KEY})
    assert set(key) == {"id", "name", "public_key"}
    assert api.refused("POST", "/ssh-keys", {"name": "a", "public_key": PUBLIC_KEY}) == INVALID
    assert [one["name"] for one in api.data("GET", "/ssh-keys")] == ["ci", "a"]
    assert api.data("DELETE", f"/ssh-keys/{key['id']}") == {}
    assert api.refused("DELETE", f"/ssh-keys/{key['id']}") == (404, "global/object-does-not-exist")


@pytest.mark.parametrize(
    "given", [{"public_key": PUBLIC_KEY}, {"name": ""}, {"name": "x" * 65}, {"name": "a", "public_key": "no key"}]
)
def test_a_wrong_ssh_key_is_refused(api, given):
    assert api.refused("POST", "/ssh-keys", given) == INVALID


def test_a_key_without_a_public_key_is_a_new_pair_that_is_shown_once(api):
    made = api.data("POST", "/ssh-keys", {"name": "made"})
    assert made["private_key"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert made["public_key"].startswith("ssh-ed25519 ")
    assert all("private_key" not in key for key in api.data("GET", "/ssh-keys"))


def test_a_key_of_an_instance_can_be_kept_from_deletion(api):
    api.launch()
    (key,) = api.data("GET", "/ssh-keys")
    api.cloud.control("lambda/behaviour", {"ssh_key_in_use": True})
    assert api.refused("DELETE", f"/ssh-keys/{key['id']}") == (400, "ssh-keys/key-in-use")


def test_file_systems_are_listed_with_one_spelling_and_made_with_the_other(api):
    made = api.data("POST", "/filesystems", {"name": "data-1", "region": "us-east-3"})
    assert (made["mount_point"], made["is_in_use"], made["region"]["name"]) == (
        "/lambda/nfs/data-1",
        False,
        "us-east-3",
    )
    assert api.data("GET", "/file-systems") == [made]
    duplicate = api.refused("POST", "/filesystems", {"name": "data-1", "region": "us-east-3"})
    assert duplicate == (400, "global/duplicate")
    assert api.refused("POST", "/filesystems", {"name": "1data", "region": "us-east-3"}) == INVALID
    assert api.data("DELETE", f"/filesystems/{made['id']}") == {"deleted_ids": [made["id"]]}
    assert api.data("GET", "/file-systems") == []


def test_images_are_rows_for_each_region_and_of_both_architectures(api):
    images = api.data("GET", "/images")
    regions = {region["name"] for region in api.data("GET", "/regions")}
    assert {row["region"]["name"] for row in images} == regions
    assert {row["architecture"] for row in images} == {"arm64", "x86_64"}
    assert {"lambda-stack-22-04", "lambda-stack-24-04", "gpu-base-24-04"} <= {row["family"] for row in images}
    assert len({row["id"] for row in images}) < len(images)
    hidden = {"family": "lambda-stack-24-04", "architecture": "arm64", "region": "us-east-3"}
    api.cloud.control("lambda/images", {"hidden": [hidden]})
    assert api.not_launched(image={"family": "lambda-stack-24-04"}) == INVALID


RULE = {"protocol": "tcp", "port_range": [80, 443], "source_network": "203.0.113.7", "description": "web"}


def test_global_rules_are_replaced_as_a_whole_by_both_ways(api):
    assert {rule["protocol"] for rule in api.data("GET", "/firewall-rules")} == {"tcp", "icmp"}
    (kept,) = api.data("PUT", "/firewall-rules", {"data": [RULE]})
    assert kept == {**RULE, "source_network": "203.0.113.7/32"}
    ruleset = {"id": "global", "name": "Global Firewall Rules", "rules": [kept]}
    assert api.data("GET", "/firewall-rulesets/global") == ruleset
    assert api.data("PATCH", "/firewall-rulesets/global", {"rules": []})["rules"] == []
    assert api.data("GET", "/firewall-rules") == []


@pytest.mark.parametrize(
    "changed",
    [
        {"protocol": "sctp"},
        {"protocol": "icmp"},
        {"port_range": None},
        {"port_range": [443, 80]},
        {"port_range": [0, 80]},
        {"source_network": "10.0.0.0/8"},
        {"source_network": "2001:db8::/32"},
        {"description": None},
        {"description": "x" * 129},
        {"ports": [1, 2]},
    ],
)
def test_a_wrong_rule_is_refused_and_the_rules_stay(api, changed):
    before = api.data("GET", "/firewall-rules")
    assert api.refused("PUT", "/firewall-rules", {"data": [{**RULE, **changed}]}) == INVALID
    assert api.data("GET", "/firewall-rules") == before


def test_rulesets_of_a_region_are_made_changed_and_deleted(api):
    made = api.data("POST", "/firewall-rulesets", {"name": "web", "region": "us-east-3", "rules": [RULE]})
    assert (made["instance_ids"], made["region"]["name"]) == ([], "us-east-3")
    path = f"/firewall-rulesets/{made['id']}"
    assert api.data("PATCH", path, {"name": "new"}) == {**made, "name": "new"}
    assert api.data("PATCH", path, {"rules": []})["rules"] == []
    assert [one["name"] for one in api.data("GET", "/firewall-rulesets")] == ["new"]
    elsewhere = {"region_name": "us-east-1", "instance_type_name": "gpu_1x_a10"}
    assert api.not_launched(**elsewhere, firewall_rulesets=[{"id": made["id"]}]) == INVALID
    assert api.data("DELETE", path) == {}
    assert api.refused("GET", path) == (404, "global/object-does-not-exist")


def test_us_south_1_has_no_rulesets(api):
    assert api.refused("POST", "/firewall-rulesets", {"name": "a", "region": "us-south-1", "rules": []}) == INVALID


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("api_key", {}),
        ("capacity", {"instance_type": "none", "count": 1}),
        ("capacity", {"instance_type": "gpu_1x_gh200", "count": "1"}),
        ("limits", {"enabled": 1}),
        ("limits", {"body": "xml"}),
        ("quota", {"instances": -1}),
        ("instance_status", {"name": "none", "status": "unhealthy"}),
        ("account", {"state": "sad"}),
        ("nothing", {}),
    ],
)
def test_a_wrong_control_action_is_refused_with_a_sentence(api, action, given):
    with pytest.raises(ControlError, match=r"\w+ .*\."):
        api.cloud.control(f"lambda/{action}", given)


class FakeMachines:
    """A backend whose machines start when the test says so."""

    def __init__(self):
        self.may_start, self.done, self.seen, self.fails = threading.Event(), threading.Event(), [], False

    def problem(self, request):
        return None if request.get("name") == "lab-1" else "The lab has no such machine."

    def start(self, instance):
        self.seen.append(("start", instance["name"]))
        self.may_start.wait(10)
        if self.fails:
            raise RuntimeError("no engine")

    def addresses(self, _instance):
        return "127.0.0.1", "10.1.1.1"

    def stop(self, instance):
        self.seen.append(("stop", instance["name"]))


class OnMachines:
    """LambdaCloud with a backend, without a server."""

    def __init__(self, machines, state=None):
        self.clock, self.machines = Clock(), machines
        self.service = LambdaCloud(self.clock, machines)
        self.changed = threading.Semaphore(0)
        self.service.on_change = self.changed.release
        if state:
            self.service.load(state)
        else:
            self.service.control("api_key", {"key": KEY})
            self.service.control("limits", {"enabled": False})
            self.service.control("ssh_keys", {"name": "ci", "public_key": PUBLIC_KEY})

    def ask(self, method, path, given=None):
        body = b"" if given is None else json.dumps(given).encode()
        headers = {"authorization": f"Bearer {KEY}"}
        answer = self.service.handle(Request(method, f"/api/v1{path}", {}, headers, body, f"/api/v1{path}"))
        return json.loads(answer.body)

    def launch(self, name="lab-1"):
        return self.ask("POST", "/instance-operations/launch", {**LAUNCH, "name": name})

    def status(self):
        return [one["status"] for one in self.ask("GET", "/instances")["data"]]

    def wait(self):
        assert self.changed.acquire(timeout=10)


def test_an_instance_on_a_machine_is_active_once_the_machine_has_started():
    cloud = OnMachines(FakeMachines())
    assert cloud.launch("other")["error"]["message"] == "The lab has no such machine."
    instance_id = cloud.launch()["data"]["instance_ids"][0]
    cloud.clock.advance(1000)
    assert cloud.status() == ["booting"]
    cloud.ask("POST", f"/instances/{instance_id}", {"name": "renamed"})
    cloud.machines.may_start.set()
    cloud.wait()
    assert cloud.status() == ["active"]
    cloud.ask("POST", "/instance-operations/terminate", {"instance_ids": [instance_id]})
    cloud.wait()
    assert cloud.machines.seen == [("start", "lab-1"), ("stop", "lab-1")]  # a rename makes no other machine of it
    cloud.clock.advance(11)
    assert cloud.status() == ["terminated"]


def test_a_machine_that_does_not_start_makes_the_instance_unhealthy(capfd):
    cloud = OnMachines(FakeMachines())
    cloud.machines.fails = True
    cloud.machines.may_start.set()
    cloud.launch()
    cloud.wait()
    assert cloud.status() == ["unhealthy"]
    assert "lab-1 did not start: no engine" in capfd.readouterr().err


def test_a_restarted_simulator_goes_on_with_the_start():
    first = OnMachines(FakeMachines())
    first.launch()
    second = OnMachines(FakeMachines(), first.service.dump())
    second.machines.may_start.set()
    second.wait()
    assert second.status() == ["active"]
    first.machines.may_start.set()


def test_a_termination_during_the_start_stops_the_machine_after_it():
    cloud = OnMachines(FakeMachines())
    instance_id = cloud.launch()["data"]["instance_ids"][0]
    while not cloud.machines.seen:
        threading.Event().wait(0.005)
    cloud.ask("POST", "/instance-operations/terminate", {"instance_ids": [instance_id]})
    cloud.clock.advance(11)
    assert cloud.status() == ["terminating"]
    cloud.machines.may_start.set()
    cloud.wait()
    cloud.wait()
    assert cloud.machines.seen == [("start", "lab-1"), ("stop", "lab-1")]
    assert cloud.status() == ["terminated"]


def test_a_dump_holds_no_key_and_no_user_data():
    cloud = OnMachines(FakeMachines())
    cloud.machines.may_start.set()
    cloud.ask("POST", "/instance-operations/launch", {**LAUNCH, "name": "lab-1", "user_data": "password: s3cret"})
    dumped = json.dumps(cloud.service.dump())
    assert KEY not in dumped
    assert "s3cret" not in dumped
