"""The judgement of services, the repeating of checks, and the report."""

import json
import time

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.verify import judge, report, runs
from ansible_collections.sophia.platform.plugins.module_utils.verify.judge import Verdict

DIGEST = "@sha256:" + "a" * 64
IMAGE = "docker.io/library/redis:7.2.11"
FOUND = {
    "name": "data_redis",
    "replicas_wanted": 1,
    "replicas_running": 1,
    "image": IMAGE + DIGEST,
    "update_state": "completed",
    "pending": [],
    "failures": [],
}


@pytest.mark.parametrize(
    ("found", "check", "ok", "says"),
    [
        ({}, {}, True, "1 of 1 running, docker.io/library/redis:7.2.11 pinned"),
        ({"image": "redis:7.2.11" + DIGEST}, {}, True, "1 of 1"),
        ({}, {"replicas": None}, True, "1 of 1"),
        ({}, {"image": IMAGE + DIGEST}, True, "1 of 1"),
        ({"update_state": "updating"}, {}, True, "1 of 1"),
        ({}, {"image": IMAGE + DIGEST.replace("a", "b")}, False, "it runs docker.io/library/redis:7.2.11@sha256"),
        ({"image": IMAGE}, {}, False, "is not pinned by a digest"),
        ({"image": "registry.lab:5000/library/redis:7.2.11" + DIGEST}, {}, False, "the catalog says docker.io"),
        ({"image": "redis:7.4" + DIGEST}, {}, False, "the catalog says"),
        ({}, {"replicas": 2}, False, "the Swarm is asked for 1 replicas, the catalog for 2"),
        (
            {"replicas_running": 0, "pending": ["no suitable node"]},
            {},
            False,
            "0 of 1 replicas running; pending: no suit",
        ),
        ({"replicas_wanted": 0, "replicas_running": 0}, {"replicas": None}, False, "0 of 0 replicas running"),
        ({"replicas_running": 0, "failures": [{"error": "exit 1"}]}, {}, False, "failed: {'error': 'exit 1'}"),
        ({"replicas_wanted": 0, "replicas_running": 0}, {"replicas": 0}, True, "0 of 0 running"),
        ({"update_state": "rollback_paused"}, {}, False, "its last update ended as rollback_paused"),
        ({"update_state": "rollback_completed"}, {}, True, "an update was rolled back to this"),
        ({"name": "other"}, {}, False, "There is no service data_redis on the Swarm"),
    ],
)
def test_service(found, check, ok, says):
    asked = {"name": "redis", "kind": "service", "service": "data_redis", "replicas": 1, "image": IMAGE, **check}
    made = judge.service(asked, {"services": [{**FOUND, **found}]})
    assert made.ok is ok and says in made.detail and made.final, made.detail


@pytest.mark.parametrize(
    ("nodes", "ok", "says"),
    [
        ([("a", "ready", 1), ("b", "ready", 1)], True, "a 1, b 1"),
        ([("a", "ready", 1), ("b", "ready", 0)], False, "offer 1 GPUs (a 1, b 0), the inventory has 2"),
        ([("a", "ready", 1), ("b", "down", 1)], False, "offer 1 GPUs (a 1)"),
        ([], False, "no node is ready"),
    ],
)
def test_gpus(nodes, ok, says):
    swarm = {"nodes": [{"name": name, "state": state, "gpus": ["GPU-x"] * count} for name, state, count in nodes]}
    verdict = judge.gpus({"count": 2}, swarm)
    assert verdict.ok is ok
    assert says in verdict.detail


@pytest.mark.parametrize("swarm", [None, {}, {"failed": True, "msg": "not a manager"}])
def test_no_manager_answers(swarm):
    assert judge.gpus({"count": 1}, swarm).detail.startswith("No manager told what runs")
    said = judge.service({"service": "x"}, swarm).detail
    assert "No manager told what runs" in said and ("It said: not a manager" in said) is bool(swarm)


@pytest.mark.parametrize(
    ("reference", "full"),
    [
        ("redis:7", "docker.io/library/redis:7"),
        ("prom/prometheus:v2", "docker.io/prom/prometheus:v2"),
        ("registry.lab:5000/library/redis:7" + DIGEST, "registry.lab:5000/library/redis:7"),
        ("localhost/x:1", "localhost/x:1"),
    ],
)
def test_canonical(reference, full):
    assert judge.canonical(reference) == full


def settled(verdicts, wait_seconds):
    """Run `settle` with a clock of its own; returns the verdict and how often was asked."""
    now, asked = [0.0], []

    def attempt():
        asked.append(now[0])
        return verdicts[min(len(asked), len(verdicts)) - 1]

    made = runs.settle(attempt, wait_seconds, 2, clock=lambda: now[0], sleep=lambda s: now.__setitem__(0, now[0] + s))
    return made, len(asked)


BAD, GOOD = Verdict(False, "bad"), Verdict(True, "good")


@pytest.mark.parametrize(
    ("verdicts", "wait_seconds", "expected"),
    [
        ([GOOD], 60, (GOOD, 1)),
        ([BAD, BAD, GOOD], 60, (Verdict(True, "good (after 4 s)"), 3)),
        ([BAD], 10, (Verdict(False, "bad (still so after 10 s)"), 6)),
        ([BAD], 0, (BAD, 1)),
        ([Verdict(False, "wrong", True), GOOD], 60, (Verdict(False, "wrong", True), 1)),
    ],
)
def test_a_wait_ends_in_a_verdict(verdicts, wait_seconds, expected):
    assert settled(verdicts, wait_seconds) == expected


def test_checks_run_at_the_same_time_and_keep_their_order(monkeypatch):
    monkeypatch.setattr(runs, "GRACE_SECONDS", 0)

    def attempt(check):
        time.sleep(5 if check["name"] == "hangs" else 0.1)
        return Verdict(check["name"] != "b", "seen")

    began = time.monotonic()
    rows = runs.run([{"name": name} for name in ("a", "b", "hangs", "c")], attempt, 0, 0.5)
    assert time.monotonic() - began < 1
    assert [(row["name"], row["ok"]) for row in rows] == [("a", True), ("b", False), ("hangs", False), ("c", True)]
    assert "No verdict within 0.5 s" in rows[2]["detail"]


def test_table_and_report(tmp_path):
    rows = report.masked(
        [
            {"name": "broken", "ok": False, "detail": "said s3cret-value and " + "more " * 30},
            {"name": "fine one", "ok": True, "detail": "200 OK"},
        ],
        {"a": "s3cret-value\n", "b": ""},
    )
    lines = report.table(rows).splitlines()
    assert lines[0] == "ok    fine one  200 OK"
    assert lines[1].startswith("FAIL  broken    said ******** and more")
    assert lines[2].startswith("                more") and lines[-1] == "2 checks: 1 ok, 1 failed"
    path = tmp_path / "build" / "verify.json"
    report.write(path, rows)
    assert json.loads(path.read_text()) == {"ok": False, "checks": rows}
    assert not report.document([])["ok"], "a run that checked nothing is no proof"
