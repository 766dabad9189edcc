"""The simulated Lambda Cloud: access, limits and instances (reference/lambda_cloud_contract.md §1–§4.3)."""

import base64

import pytest
from simulator_client import ask
from simulator_lambda import KEY, LAUNCH, Lambda

from lab.cloud.running import ControlError


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
