"""When an engine may be restarted, and what it is waited for afterwards."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.restart import missing, refusal, wait


def node(name, role="manager", state="ready", reachability="reachable", leader=False):
    shown = reachability if role == "manager" else ""
    return {
        "id": name,
        "hostname": name,
        "address": f"10.0.0.{name[-1]}",
        "role": role,
        "state": state,
        "reachability": shown,
        "leader": leader,
    }


def seen(*nodes, state="active", manager=True, quorum=True, answers=True):
    swarm = {
        "state": state,
        "error": "",
        "node_id": "m1",
        "control_available": manager,
        "quorum": quorum,
        "nodes": list(nodes),
    }
    return {"answers": answers, "error": "" if answers else "no socket", "swarm": swarm}


M1, M2, M3 = node("m1", leader=True), node("m2"), node("m3")
M2_AWAY, M3_AWAY = node("m2", reachability="unreachable"), node("m3", reachability="unreachable")


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (seen(state="inactive", manager=False), []),
        (seen(manager=False), []),
        (seen(M1), []),
        (seen(M1, M2), []),
        (seen(M1, M2, M3), []),
        (seen(M1, M2, M3_AWAY), ["m3 (10.0.0.3, unreachable)", "of 3 managers", "1 would be left", "quorum is 2"]),
        (seen(M1, M2, M3, node("m4"), node("m5", reachability="unreachable")), []),
        (seen(M1, M2_AWAY, M3_AWAY, node("m4"), node("m5")), ["m2", "m3", "2 would be left"]),
        (seen(M1, M2, M3, node("w1", role="worker", state="down")), []),
        (seen(quorum=False), ["without a leader"]),
        (seen(answers=False), ["does not answer", "no socket"]),
    ],
)
def test_a_restart_is_refused_when_the_quorum_would_go(found, words):
    assert bool(refusal(found)) == bool(words)
    assert [word for word in words if word not in refusal(found)] == []


BEFORE = seen(M1, M2, M3, node("w1", role="worker"), node("w2", role="worker", state="down"))


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (BEFORE, BEFORE, []),
        (BEFORE, seen(answers=False), ["engine's answer", "no socket"]),
        (BEFORE, seen(state="pending", manager=False), ["place in the Swarm", "pending"]),
        (BEFORE, seen(quorum=False), ["a leader"]),
        (BEFORE, seen(node("m1"), M2, M3), ["a leader"]),
        (BEFORE, seen(M1, M2, node("m3", state="unknown")), ["m3 is unknown reachable"]),
        (BEFORE, seen(M1, M2_AWAY, M3), ["m2 is ready unreachable"]),
        (BEFORE, seen(node("m1", state="down", leader=True), M2, M3), ["m1 is down"]),
        (seen(M1, M2, M3_AWAY, node("m4"), node("m5")), seen(M1, M2, M3_AWAY, node("m4"), node("m5")), []),
        (seen(manager=False), seen(manager=False), []),
        (seen(state="inactive", manager=False), seen(state="inactive", manager=False), []),
    ],
)
def test_what_is_still_waited_for(before, after, words):
    assert bool(missing(before, after)) == bool(words)
    assert [word for word in words if word not in missing(before, after)] == []


def test_waiting_ends_with_the_last_answer():
    answers = iter(["a", "b", "", "c"])
    assert wait(lambda: next(answers), 5, poll_seconds=0) == ""
    assert wait(lambda: "still", 0.01, poll_seconds=0.001) == "still"
    assert wait(lambda: "at once", 0) == "at once"
