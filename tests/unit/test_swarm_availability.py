"""Which node may be drained, and what still runs on it."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import EngineError
from ansible_collections.sophia.platform.plugins.module_utils.swarm_cluster.availability import (
    AvailabilityError,
    Nodes,
    drain_problem,
    find,
    running,
)


def node(number, role="manager", reachability="reachable"):
    return {"id": f"n{number}", "hostname": f"host-{number}", "role": role, "reachability": reachability}


def test_nodes_are_found_by_id_or_host_name():
    nodes = [node(1), node(2), {**node(3), "hostname": "host-2"}]
    assert find(nodes, "n2")["id"] == "n2"
    assert find(nodes, "host-1")["id"] == "n1"
    with pytest.raises(AvailabilityError, match="2 nodes have the host name host-2"):
        find(nodes, "host-2")
    with pytest.raises(AvailabilityError, match=r"no node is x. Its nodes: host-1 \(n1\)"):
        find(nodes, "x")


@pytest.mark.parametrize(
    ("nodes", "words"),
    [
        ([node(1)], []),
        ([node(1), node(2, "worker", "")], []),
        ([node(1), node(2), node(3)], []),
        ([node(1), node(2), node(3), node(4), node(5)], []),
        ([node(1, "worker", ""), node(2), node(3, reachability="unreachable")], []),
        ([node(1), node(2)], ["1 of 2 managers would be left", "the quorum is 2"]),
        (
            [node(1), node(2), node(3, reachability="unreachable")],
            ["the manager host-3 cannot be reached", "1 of 3 would be left; the quorum is 2", "Bring host-3 back"],
        ),
        (
            [node(1), node(2), node(3, reachability="unreachable"), node(4), node(5)],
            ["host-3 cannot be reached", "3 of 5", "the quorum is 3"],
        ),
    ],
)
def test_quorum(nodes, words):
    told = drain_problem(nodes, nodes[0])
    assert bool(told) is bool(words)
    assert [word for word in words if word not in told] == []


def task(state, service="s1", slot=None):
    return {"ID": "t", "ServiceID": service, "Status": {"State": state}, **({"Slot": slot} if slot else {})}


def test_tasks_that_still_run():
    tasks = [task("running", slot=2), task("shutdown", slot=1), task("starting", "s2"), task("failed"), task("running")]
    assert running(tasks, {"s1": "web", "s2": "agent"}) == ["agent", "web", "web.2"]
    assert running([task("complete"), task("remove"), task("orphaned"), task("rejected")], {}) == []


class Engine:
    """Answers from lists, one a request; an exception is raised."""

    def __init__(self, **answers):
        self.answers, self.sent = answers, []

    def get(self, path, _filters=None, **_query):
        answer = self.answers[path.strip("/").split("/")[0]]
        answer = answer.pop(0) if len(answer) > 1 else answer[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def post(self, path, body, **query):
        self.sent.append((path, body["Availability"], query["version"]))
        self.get("posted")


NODE = {"ID": "n1", "Spec": {"Role": "manager", "Availability": "active"}, "Version": {"Index": 7}}


def test_manager_that_has_just_started_gets_time():
    late = EngineError("no leader", 503)
    engine = Engine(info=[late, {"Swarm": {"LocalNodeState": "active"}}], nodes=[NODE], posted=[late, None])
    nodes = Nodes(engine, 5, sleep=lambda _seconds: None)
    assert nodes.own_state() == "active"
    nodes.set("n1", "drain")
    assert engine.sent == [("/nodes/n1/update", "drain", 7)] * 2


def test_refusals_are_not_repeated():
    engine = Engine(nodes=[NODE], posted=[EngineError("bad", 400)])
    with pytest.raises(EngineError, match="bad"):
        Nodes(engine, 5, sleep=lambda _seconds: None).set("n1", "drain")
    assert len(engine.sent) == 1


def test_waiting_for_tasks():
    services = [[{"ID": "s1", "Spec": {"Name": "web"}}]]
    engine = Engine(tasks=[[task("running", slot=1)], [task("shutdown", slot=1)]], services=services)
    Nodes(engine, 5, sleep=lambda _seconds: None).wait_until_empty(node(1))
    engine = Engine(tasks=[[task("running", slot=1)]], services=services)
    with pytest.raises(AvailabilityError, match=r"After 0 s these tasks still run on host-1: web\.1"):
        Nodes(engine, 0, sleep=lambda _seconds: None).wait_until_empty(node(1))


def test_a_node_that_goes_away_again_starts_the_count_anew(monkeypatch):
    clock = iter(range(1000))
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    ready = [{**node(number), "state": "ready"} for number in (1, 2)]
    dead = {**node(3, "worker", ""), "state": "down"}  # it was down before: nobody waits for it
    away = [{**ready[0], "state": "down"}, ready[1], dead]
    looks = [[*ready, dead]] * 3 + [away] + [[*ready, dead]] * 40
    nodes = Nodes(object(), 300, sleep=lambda _seconds: None)
    monkeypatch.setattr(nodes, "list", lambda: looks.pop(0))
    nodes.wait_until_steady(ready[0], 20)
    assert len(looks) == 21  # three looks, the one in which it was away, and 20 s more of them
    monkeypatch.setattr(nodes, "list", lambda: away)
    nodes.deadline = 0
    with pytest.raises(AvailabilityError, match="host-1 did not stay ready for 20 s"):
        nodes.wait_until_steady(ready[0], 20)
