"""The simulated Lambda Cloud: keys, file systems, images, firewall (reference/lambda_cloud_contract.md §4.4–§4.8)."""

import pytest
from simulator_lambda import INVALID, PUBLIC_KEY, Lambda


@pytest.fixture
def api(cloud):
    return Lambda(cloud)


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
