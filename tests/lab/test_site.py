"""site.yml on fresh hosts, again, and in check mode: the records of conftest.py."""

import json
import tempfile
from pathlib import Path

import pytest
from conftest import SUMMARY, ask, play


def test_check_mode_on_fresh_hosts_runs_to_the_end_and_predicts_changes(runs):
    run = runs["check_fresh"]
    assert run.returncode == 0, run.output[-3000:]
    assert run.changed > 0
    assert {"Deploy each stack and wait for its verdict"} <= {name.split(" : ")[-1] for name in run.changed_tasks}


def test_converge_ends_with_a_green_verdict(runs):
    assert runs["converge"].returncode == 0
    report = runs["converge"].verdict
    assert report["ok"] is True
    assert len(report["checks"]) > 30
    assert [check["name"] for check in report["checks"] if not check["ok"]] == []


def test_second_run_changes_nothing(runs):
    run = runs["again"]
    assert run.returncode == 0 and ", 0 changes, 0 failures" in run.output, run.output[-3000:]


def test_runner_summarises_and_keeps_nothing(runs):
    assert "backend: health through the edge" in SUMMARY.read_text()
    began = SUMMARY.stat().st_mtime - runs["again"].seconds
    temporary = Path(tempfile.gettempdir()).glob("sophia*")
    assert [path for path in temporary if path.stat().st_mtime > began] == []


def test_check_mode_on_a_converged_lab_predicts_nothing(runs):
    run = runs["check_converged"]
    assert (run.returncode, run.changed_tasks, run.changed) == (0, [], 0)


@pytest.mark.parametrize("name", ["check_empty", "launch", "check_fresh", "converge", "check_converged"])
def test_no_warning_of_our_own(runs, name):
    assert runs[name].warnings == []


def test_the_printed_url_answers(runs):
    health = json.load(ask("api", "/health"))
    assert health["status"] == "ok"
    assert health["checks"]["postgres"]["version"].startswith("PostgreSQL 16")


@pytest.mark.parametrize(("host", "path"), [("api", "/metrics"), ("mcp", "/linear/metrics")])
def test_metrics_are_not_served_outside(runs, host, path):
    assert ask(host, path).status == 404


def overriding(**services: dict) -> tuple[str, str]:
    """Arguments of ansible-playbook that change catalog entries on top of what the lab changes."""
    return "-e", json.dumps({"service_overrides": {"grafana": {"enabled": False}, **services}})


CHANGE = overriding(linear={"environment": {"LOG_LEVEL": "debug"}})


def test_one_changed_entry_changes_one_service(runs):
    predicted = play("change_check", "--check", "--diff", *CHANGE, playbook="playbooks/stacks.yml")
    assert predicted.returncode == 0
    assert predicted.output.count("LOG_LEVEL") >= 1
    done = play("change", *CHANGE, playbook="playbooks/stacks.yml")
    assert done.returncode == 0
    assert done.output.count("changed: [") == predicted.output.count("changed: [") == 1
    back = play("change_back", playbook="playbooks/stacks.yml")
    assert back.returncode == 0
    assert back.changed == 1


def test_an_image_that_cannot_be_pulled_fails_and_the_old_version_runs_on(runs):
    broken = overriding(backend={"image": "ghcr.io/sophia-ai/sophia-backend:0.0.0"})
    run = play("bad_image", *broken, playbook="playbooks/stacks.yml")
    assert run.returncode != 0
    assert "sophia-backend:0.0.0" in run.output
    test_the_printed_url_answers(runs)
    assert play("bad_image_back", playbook="playbooks/stacks.yml").changed == 0


def test_a_service_that_never_gets_healthy_rolls_back_with_its_own_error(runs):
    broken = overriding(asana={"command": ["python3", "-c", "raise SystemExit('no such board')"]})
    run = play("crash", *broken, playbook="playbooks/stacks.yml")
    assert run.returncode != 0
    assert "no such board" in run.output
    after = play("crash_verify", playbook="playbooks/verify.yml")
    assert after.returncode == 0, after.output[-3000:]
    assert play("crash_back", playbook="playbooks/stacks.yml").returncode == 0


def test_mistakes_are_refused_before_any_host_is_touched(runs):
    run = play("mistakes", *overriding(nosuch={}, linear={"replica": 2}, codacy={"image": "x/y"}))
    assert run.returncode != 0
    assert run.hosts == ["localhost"]
    for culprit in ("nosuch", "replica", "x/y"):
        assert culprit in run.output


def test_an_empty_fleet_is_refused(runs):
    given = ("-i", "inventories/common", "-i", "inventories/production", "-e", '{"platform_fleet": {}}')
    run = play("empty", *given, environment={"LAMBDA_CLOUD_INVENTORY": "skip"})
    assert run.returncode != 0
    assert "no host is a manager" in run.output
