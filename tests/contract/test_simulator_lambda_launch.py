"""The simulated Lambda Cloud: what a launch checks (reference/lambda_cloud_contract.md §4.2)."""

import hashlib
import uuid

import pytest
from simulator_lambda import INVALID, MISSING, WITHOUT, Lambda


@pytest.fixture
def api(cloud):
    return Lambda(cloud)


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
