"""Who makes the Swarm, who joins it, and what stops both."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster.plan import make_plan

IDLE = {
    "state": "inactive",
    "error": "",
    "cluster_id": "",
    "node_id": "",
    "node_address": "",
    "control_available": False,
    "quorum": False,
    "manager_addresses": [],
    "nodes": [],
}


def node(number, role="manager", reachability="reachable", node_id=None):
    return {
        "id": node_id or f"n{number}",
        "hostname": f"host-{number}",
        "address": f"10.0.0.{number}",
        "role": role,
        "reachability": reachability if role == "manager" else "",
    }


def observed(answers=True, swarm_state_on_disk=False, **swarm):
    host = {"hostname": "", "answers": answers, "error": "" if answers else "no such file"}
    return {**host, "swarm_state_on_disk": swarm_state_on_disk, "swarm": {**IDLE, **swarm}}


def manager(number, cluster="A", nodes=(), **more):
    return observed(
        **{
            "state": "active",
            "cluster_id": cluster,
            "node_id": f"n{number}",
            "node_address": f"10.0.0.{number}",
            "control_available": True,
            "quorum": True,
            "manager_addresses": [f"10.0.0.{number}:2377"],
            "nodes": list(nodes) or [node(1), node(2), node(3)],
            **more,
        }
    )


def worker(number, **more):
    where = {"node_id": f"n{number}", "node_address": f"10.0.0.{number}"}
    return observed(**{"state": "active", "manager_addresses": ["10.9.9.9:2377"], **where, **more})


def members(*seen, roles="mmm"):
    return [
        {
            "name": f"h{number}",
            "role": "manager" if roles[number - 1] == "m" else "worker",
            "address": f"10.0.0.{number}",
            "labels": {},
            "availability": "active",
            "observed": host,
        }
        for number, host in enumerate(seen, start=1)
    ]


FRESH, SILENT = observed(), observed(answers=False)


@pytest.mark.parametrize(
    ("hosts", "expected"),
    [
        (members(FRESH, FRESH, FRESH), {"init": "h1", "join": ["h2", "h3"], "manager": "h1"}),
        (members(FRESH, FRESH, FRESH, roles="wmm"), {"init": "h2", "join": ["h3", "h1"], "manager": "h2"}),
        (
            members(FRESH, manager(2, nodes=[node(2)]), FRESH),
            {"init": "", "join": ["h1", "h3"], "manager": "h2", "join_addresses": ["10.0.0.2"], "cluster_id": "A"},
        ),
        (members(manager(1), manager(2), manager(3)), {"init": "", "join": [], "manager": "h1"}),
        (
            members(manager(1, nodes=[node(1), node(2, "worker")]), worker(2), FRESH, roles="mww"),
            {"init": "", "join": ["h3"], "manager": "h1"},
        ),
        # A worker that cannot be asked keeps nobody from joining a Swarm that is known.
        (members(manager(1, nodes=[node(1)]), FRESH, None, roles="mww"), {"init": "", "join": ["h2"]}),
    ],
    ids=["fresh", "managers first", "resumed after init", "converged", "one worker more", "worker not asked"],
)
def test_plan(hosts, expected):
    plan = make_plan(hosts)
    assert plan["problems"] == []
    assert {key: plan[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("hosts", "words"),
    [
        (members(manager(1), manager(2, "B"), FRESH), ["2 different Swarms", "h1 in A", "h2 in B", "leave"]),
        (members(manager(1, nodes=[node(1)]), worker(2), FRESH), ["h2 (node n2)", "another Swarm", "ours is A"]),
        (members(FRESH, worker(2), FRESH), ["h2 (node n2)", "10.9.9.9:2377", "none of our hosts"]),
        (
            members(manager(1, nodes=[node(1)]), observed(state="pending", error="x509"), FRESH),
            ["h2 is in state 'pending' (x509)", "half formed: h1 in Swarm A"],
        ),
        (members(observed(state="locked"), FRESH, FRESH), ["h1", "swarm unlock"]),
        (members(observed(state="error", error="cert"), FRESH, FRESH), ["h1", "cert"]),
        (
            members(manager(1, quorum=False, error="no leader", nodes=[]), FRESH, FRESH),
            ["h1 (10.0.0.1)", "without quorum", "force-new-cluster"],
        ),
        (
            members(*(manager(n, nodes=[node(1), node(2), node(3, reachability="unreachable")]) for n in (1, 2)), None),
            ["host-3 (10.0.0.3, node n3)", "h3 could not be asked"],
        ),
        (
            members(manager(1, nodes=[node(1), node(2, reachability="unreachable")]), FRESH, FRESH),
            ["host-2", "h2 has left the Swarm", "docker node demote n2"],
        ),
        (
            members(manager(1, nodes=[node(1), node(9, reachability="unreachable")]), roles="m"),
            ["host-9 (10.0.0.9, node n9)", "no host of the inventory"],
        ),
        (members(FRESH, FRESH, None), ["h3 could not be asked", "--limit"]),
        (members(FRESH, SILENT, FRESH), ["h2: the Docker engine does not answer (no such file)"]),
        (members(FRESH, roles="w"), ["group of managers"]),
        (members(manager(1, node_address="10.5.5.5", nodes=[node(1)])), ["10.5.5.5", "10.0.0.1"]),
    ],
    ids=[
        "two clusters",
        "stranger with ours",
        "stranger without ours",
        "half formed",
        "locked",
        "error",
        "no quorum",
        "manager unreachable",
        "manager left",
        "manager left the inventory",
        "unknown host",
        "no engine",
        "no manager",
        "moved",
    ],
)
def test_problem(hosts, words):
    plan = make_plan(hosts)
    assert len(plan["problems"]) == 1
    assert [word for word in words if word not in plan["problems"][0]] == []
    assert (plan["init"], plan["join"], plan["manager"]) == ("", [], "")


def test_all_problems_at_once():
    assert len(make_plan(members(observed(state="locked"), SILENT, worker(3)))["problems"]) == 3


def test_check_mode_counts_hosts_without_engine_as_fresh():
    assert make_plan(members(SILENT, SILENT), check_mode=True)["init"] == "h1"
    left_over = observed(answers=False, swarm_state_on_disk=True)
    assert make_plan(members(SILENT, left_over), check_mode=True)["problems"]


def test_absent_manager_that_will_be_removed_is_no_problem():
    hosts = members(manager(1, nodes=[node(1), node(9, reachability="unreachable")]), roles="m")
    assert make_plan(hosts, remove_absent_nodes=True)["problems"] == []
