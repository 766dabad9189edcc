"""The verdict over recorded deploys (fixtures/swarm, taken from a real two-node Swarm) and over made-up snapshots."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.swarm import spec as specs
from ansible_collections.sophia.platform.plugins.module_utils.swarm.judge import Expectation, Judge, converged

FIXTURES = Path(__file__).parent / "fixtures/swarm"


def replay(name: str, change=lambda snapshot: snapshot):
    """Every verdict of a recorded deploy, and the judge; `change` may alter each snapshot before it is judged."""
    record = json.loads((FIXTURES / f"{name}.json").read_text())
    expected = {identifier: Expectation(*values) for identifier, values in record["expected"].items()}
    judge = Judge(expected, record["old_task_ids"], record["pending_grace_seconds"])
    verdicts = []
    for snapshot in record["snapshots"]:
        for service in snapshot["services"]:
            service["Spec"] = copy.deepcopy(record["specs"][service["Spec"]])
        snapshot = change(snapshot)
        verdicts.append(
            judge.observe(snapshot["seconds"], snapshot["services"], snapshot["tasks"], set(snapshot["up_to_date"]))
        )
    return verdicts, judge


@pytest.mark.parametrize(
    ("name", "service", "problem"),
    [
        ("first", None, ""),
        ("good_update", None, ""),
        ("global", None, ""),
        ("job", None, ""),
        ("rollback", "web", "rollback_completed"),
        ("unplaceable", "web", "cannot be placed: no suitable node"),
        ("crash_loop", "new", "end again and again (3 times"),
        ("job_failed", "job", "the job failed (1 tasks, 0 of 1 completed)"),
    ],
)
def test_recorded_deploys_end_with_the_right_verdict(name, service, problem):
    verdicts, _judge = replay(name)
    assert not any(verdict.good for verdict in verdicts[:-1])
    assert verdicts[-1].good == (service is None)
    assert set(verdicts[-1].problems) == ({service} if service else set())
    assert problem in verdicts[-1].problems.get(service, "")


def test_a_rollback_under_way_is_a_problem_that_is_not_settled():
    verdicts, judge = replay("rollback")
    under_way = [verdict for verdict in verdicts if verdict.unsettled]
    assert under_way
    assert all("rollback_started" in verdict.problems["web"] for verdict in under_way)
    assert {task["Status"]["ContainerStatus"]["ExitCode"] for task in judge.failures["web"].values()} == {3}


def test_failed_tasks_of_earlier_deploys_do_not_count():
    _verdicts, judge = replay("unplaceable")
    assert judge.failures == {}


def without_service(snapshot):
    return {**snapshot, "services": []}


def changed_by_someone(snapshot):
    snapshot["services"][0]["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"] = ["X=1"]
    return snapshot


def paused(snapshot):
    snapshot["services"][0]["UpdateStatus"] = {"State": "paused", "Message": "update paused"}
    return snapshot


def on_a_dead_node(snapshot):
    """The old task still `runs` for the engine, but is meant to be gone; this is where `service ls` says 1/1."""
    for task in snapshot["tasks"]:
        task["DesiredState"] = "shutdown"
    return snapshot


@pytest.mark.parametrize(
    ("change", "problem", "waiting"),
    [
        (without_service, "someone removed the service", ""),
        (changed_by_someone, "not the deployed one any more", ""),
        (paused, "paused: update paused", ""),
        (on_a_dead_node, "", "0 of 2 tasks run"),
    ],
)
def test_what_happens_meanwhile_is_seen(change, problem, waiting):
    verdict = replay("good_update", change)[0][-1]
    assert problem in "".join(verdict.problems.values())
    assert waiting in "".join(verdict.waiting.values())
    assert not verdict.good


def service(**changes):
    spec = {"Name": "s_web", "Mode": {"Replicated": {"Replicas": 2}}, "TaskTemplate": {}, **changes.pop("spec", {})}
    return {"ID": "web", "Spec": spec, "ServiceStatus": {"DesiredTasks": 2}, **changes}


def task(number, state="running", desired="running", **changes):
    return {
        "ID": f"t{number}",
        "ServiceID": "web",
        "Slot": number,
        "DesiredState": desired,
        "CreatedAt": str(number),
        "Status": {"State": state, **changes},
    }


def test_a_new_service_is_watched_for_its_monitor_time_and_a_flapping_one_starts_anew():
    web = service()
    judge = Judge({"web": Expectation("web", specs.spec_digest(web["Spec"]), True)}, [], 30)
    both, one = [task(1), task(2)], [task(1), task(2, "starting")]
    assert "watched for 5 s" in judge.observe(0, [web], both, {"t1", "t2"}).waiting["web"]
    assert "1 of 2 tasks run (starting)" in judge.observe(4, [web], one, {"t1", "t2"}).waiting["web"]
    assert not judge.observe(6, [web], both, {"t1", "t2"}).good
    assert judge.observe(11, [web], both, {"t1", "t2"}).good


@pytest.mark.parametrize(("check", "hold"), [(["CMD", "true"], 5), (["NONE"], 20), (None, 20)])
def test_a_new_service_with_a_health_check_is_watched_for_less(check, hold):
    container = {"Healthcheck": {"Test": check}} if check else {}
    spec = {"UpdateConfig": {"Monitor": 20 * 10**9}, "TaskTemplate": {"ContainerSpec": container}}
    web = service(spec=spec)
    judge = Judge({"web": Expectation("web", specs.spec_digest(web["Spec"]), True)}, [], 30)
    tasks = [task(1), task(2)]
    assert f"watched for {hold} s" in judge.observe(0, [web], tasks, {"t1", "t2"}).waiting["web"]
    assert not judge.observe(hold - 0.1, [web], tasks, {"t1", "t2"}).good
    assert judge.observe(hold, [web], tasks, {"t1", "t2"}).good


def test_services_that_nobody_deployed_may_carry_an_old_rollback():
    web = service(UpdateStatus={"State": "rollback_completed"})
    digest = specs.spec_digest(web["Spec"])
    tasks = [task(1), task(2)]
    assert Judge({"web": Expectation("web", digest, False)}, [], 30).observe(0, [web], tasks, {"t1", "t2"}).good
    assert Judge({"web": Expectation("web", digest, True)}, [], 30).observe(0, [web], tasks, {"t1", "t2"}).problems


@pytest.mark.parametrize(
    ("update", "tasks", "reason"),
    [
        (None, [task(1), task(2)], ""),
        (None, [task(1), task(2), task(3)], "3 tasks are to run, and 2 are wanted"),
        (None, [task(1)], "1 of 2 tasks run"),
        (None, [task(1), task(2, "pending", Err="no suitable node")], "1 of 2 tasks run (pending: no suitable node)"),
        ({"State": "paused", "Message": "update paused"}, [task(1), task(2)], "paused: update paused"),
        ({"State": "rollback_completed"}, [task(1), task(2)], ""),
    ],
)
def test_whether_a_service_is_at_rest(update, tasks, reason):
    assert converged(service(UpdateStatus=update), tasks) == reason


def test_a_digest_ignores_what_others_may_move_and_nothing_else():
    base = service()["Spec"]
    moved = {**base, "Mode": {"Replicated": {"Replicas": 7}}, "TaskTemplate": {"ForceUpdate": 3, "Placement": {}}}
    assert specs.spec_digest(moved) == specs.spec_digest(base)
    assert specs.spec_digest({**base, "Mode": {"Global": {}}}) != specs.spec_digest(base)
    assert specs.spec_digest({**base, "Labels": {"a": "b"}}) != specs.spec_digest(base)
