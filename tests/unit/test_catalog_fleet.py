"""The fleet: what Lambda Cloud is asked for, and hosts that are judged before they are launched."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.catalog import fleet
from ansible_collections.sophia.platform.plugins.module_utils.catalog.errors import CatalogError
from ansible_collections.sophia.platform.plugins.module_utils.catalog.problems import hosts

FLEET = {
    "a": {"role": "manager", "swarm_labels": {"disk": 1}},
    "b": {"role": "worker", "ssh_port": 2201, "gpu_count": 0},
}


def test_the_role_of_a_host_becomes_its_tag():
    assert fleet.instances(FLEET) == [
        {"name": "a", "hostname": "a", "tags": {"role": "manager"}},
        {"name": "b", "hostname": "b", "tags": {"role": "worker"}, "ssh_port": 2201},
    ]
    assert fleet.instances({}) == []


def test_hosts_that_are_not_launched_yet_are_judged_too():
    hostvars = {"a": {"private_address": "10.0.0.1", "gpu_count": 1}}
    found = hosts({"managers": ["a"]}, hostvars, FLEET)
    assert [host["name"] for host in found] == ["a", "b"]
    assert found[0]["address"] == "10.0.0.1"
    assert found[1] == {"name": "b", "role": "worker", "labels": {}, "gpu_count": 0}
    everything = hosts({}, {}, FLEET)
    assert everything[0] == {"name": "a", "role": "manager", "labels": {"gpu": "true", "disk": "1"}, "gpu_count": 1}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ([], ["platform_fleet must be a mapping"]),
        ({"a": None}, ["a must be a mapping with a role"]),
        ({"A_b": {"role": "manager"}}, ["'A_b' is no host name"]),
        (
            {"a": {"role": "boss", "swarm_lables": {}}},
            ["a: role is 'boss'", "unknown option swarm_lables, did you mean"],
        ),
        ({"a": {"role": "manager", "swarm_label": {}}, "b": {}}, ["did you mean swarm_labels", "b: role is None"]),
    ],
)
def test_all_that_is_wrong_is_told_at_once(wrong, said):
    with pytest.raises(CatalogError) as caught:
        fleet.instances(wrong)
    assert all(text in str(caught.value) for text in said)
