"""Nodes, networks and settings of a Swarm: what is changed, and what is refused."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster import reconcile, settings


def node(number, role="manager", state="ready", **spec):
    manager = {"ManagerStatus": {"Addr": f"10.0.0.{number}:2377", "Reachability": "reachable"}}
    return {
        "ID": f"n{number}",
        "Version": {"Index": 7},
        "Spec": {"Role": role, "Availability": "active", "Labels": {}, **spec},
        "Description": {"Hostname": f"host-{number}"},
        "Status": {"State": state, "Addr": f"10.0.0.{number}", "Message": ""},
        **(manager if role == "manager" else {}),
    }


def member(number, role="manager", **more):
    return {"name": f"h{number}", "role": role, "address": f"10.0.0.{number}", "labels": {}, **more}


def test_labels_are_replaced_and_promotions_come_before_demotions():
    nodes = [node(1, Labels={"old": "x"}), node(2, "worker"), node(3)]
    wanted = [member(1, "worker", labels={"redis": 1}), member(2), member(3)]
    plan = settings.plan_nodes(wanted, nodes, remove_absent_nodes=False)
    assert [(change.what, change.after["Role"]) for change in plan.changes] == [
        ("node h2", "manager"),
        ("node h1", "worker"),
    ]
    demotion = plan.changes[1]
    assert demotion.body["Labels"] == {"redis": "1"}
    assert (demotion.path, demotion.query) == ("/nodes/n1/update", {"version": 7})


def test_absent_nodes():
    nodes = [node(1), node(8, state="down"), node(9, "worker")]
    assert settings.plan_nodes([member(1)], nodes, remove_absent_nodes=False) == settings.Plan()
    plan = settings.plan_nodes([member(1)], nodes, remove_absent_nodes=True)
    assert [(change.method, change.path) for change in plan.changes] == [
        ("POST", "/nodes/n8/update"),
        ("DELETE", "/nodes/n8"),
    ]
    assert len(plan.problems) == 1 and "host-9" in plan.problems[0]


@pytest.mark.parametrize(
    ("who", "found"),
    [
        ({"node_id": "n2", "address": "10.0.0.1"}, "n2"),
        ({"address": "10.0.0.1"}, "n1"),
        ({"address": "", "hostname": "host-2"}, "n2"),
        ({"address": "10.0.0.3"}, "n4"),
    ],
    ids=["node id first", "address", "host name", "the one that is ready"],
)
def test_members_are_matched(who, found):
    again = {**node(4), "Status": {"State": "ready", "Addr": "10.0.0.3"}, "ManagerStatus": {"Addr": "10.0.0.3:2377"}}
    nodes = [node(1), node(2), node(3, state="down"), again]
    assert settings.find_nodes([{"name": "h", "role": "manager", **who}], nodes)[0]["h"]["ID"] == found


def test_networks_are_made_or_refused_but_never_changed():
    have = [
        {"Name": "edge", "Scope": "swarm", "Driver": "overlay", "Options": {"encrypted": ""}},
        {"Name": "data", "Scope": "swarm", "Driver": "overlay", "Internal": False, "Options": None},
        {"Name": "more", "Scope": "local", "Driver": "bridge"},
    ]
    wanted = {"edge": {"encrypted": True}, "data": {"internal": True}, "more": {"encrypted": True, "mtu": 1400}}
    plan = settings.plan_networks(wanted, have)
    assert [change.what for change in plan.changes] == ["network more"]
    assert plan.changes[0].body["Options"] == {"encrypted": "", settings.MTU_OPTION: "1400"}
    assert len(plan.problems) == 1
    assert "data: internal is False and should be True" in plan.problems[0]
    assert "docker network rm data" in plan.problems[0]


def test_cluster_settings_keep_what_they_are_not_told_about():
    swarm = {
        "ID": "A",
        "Version": {"Index": 3},
        "Spec": {
            "EncryptionConfig": {"AutoLockManagers": True},
            "Orchestration": {"TaskHistoryRetentionLimit": 5},
        },
        "DefaultAddrPool": ["10.200.0.0/16"],
        "SubnetSize": 24,
    }
    want = {"task_history_limit": 10, "address_pool": "10.200.0.0/16", "subnet_size": 24}
    (change,) = settings.plan_cluster(want, swarm).changes
    assert change.body["EncryptionConfig"] == {"AutoLockManagers": True}
    assert change.body["Orchestration"] == {"TaskHistoryRetentionLimit": 10}
    assert "10.9.0.0/16" in settings.plan_cluster({**want, "address_pool": "10.9.0.0/16"}, swarm).problems[0]


def test_unfulfilled_names_each_member():
    slow = {**node(3), "ManagerStatus": {"Addr": "10.0.0.3:2377", "Reachability": "unreachable"}}
    wanted = [member(1), member(2), member(3), member(4), member(5, "worker")]
    found = settings.unfulfilled(wanted, [node(1), node(2, state="down"), slow, node(5)])
    assert found == [
        "h4 is no node of the Swarm",
        "h2 is down (no message)",
        "h3 is not reachable as a manager (unreachable)",
        "h5 is still a manager",
    ]


def test_check_mode_predicts_a_whole_new_swarm():
    want = {
        "members": [member(1, labels={"postgres": "1"}), member(2)],
        "networks": {"data": {}},
        "task_history_limit": 10,
        "address_pool": "10.200.0.0/16",
        "subnet_size": 24,
        "remove_absent_nodes": True,
    }
    plan = reconcile.make_plan(reconcile.predicted(None, want["members"]), want)
    assert plan.problems == []
    assert [change.what for change in plan.changes] == ["task history limit", "node h1", "network data"]
