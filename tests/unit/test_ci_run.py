"""ci/run.py: what it makes of runner's events, and how a run becomes an exit status."""

import signal
from types import SimpleNamespace

import pytest

from ci import run
from ci.run_report import Report, annotation, diff_lines, one_diff


def started(name, uuid, **more):
    return {"event": "playbook_on_task_start", "event_data": {"task": name, "task_uuid": uuid, **more}}


def ended(kind, task, result, **more):
    return {"event": f"runner_on_{kind}", "event_data": {"host": "lab-1", "task": task, "res": result, **more}}


DIFF = {
    "before": "a\n",
    "after": "b\n",
    "before_header": "/etc/x",
    "after_header": "/root/.ansible/tmp/ansible-tmp-1/x",
}
STREAM = [
    {"event": "playbook_on_start", "event_data": {}},
    {"event": "playbook_on_play_start", "event_data": {"name": "Deploy the stacks"}},
    started("Write it", "1", role="docker"),
    started("Write it", "1", role="docker"),  # strategy free: once a host
    ended("ok", "Write it", {"changed": True, "diff": [DIFF]}, role="docker"),
    started("Hide it", "2"),
    ended("ok", "Hide it", {"changed": True, "censored": "hidden", "diff": {"before": "", "after": "s3cret"}}),
    started("Ignore it", "3"),
    ended("failed", "Ignore it", {"msg": "no matter"}, ignore_errors=True),
    started("Check", "4"),
    ended("ok", "Check", {"table": "ok    a  fine"}, task_action="sophia.platform.platform_verify"),
    started("Break <it>", "5"),
    ended("failed", "Break <it>", {"msg": "it broke: 100%\n```\nlog"}),
    ended("unreachable", "Break <it>", {"censored": "hidden", "msg": "s3cret"}),
    {
        "event": "playbook_on_stats",
        "event_data": {"changed": {"lab-1": 3}, "failures": {"lab-1": 1}, "dark": {"lab-1": 1}},
    },
]


@pytest.fixture
def report():
    lines = []
    made = Report(say=lambda text, flush: lines.append(text))
    made.lines = lines
    assert not any([made.event(event) for event in STREAM]), "runner would keep the event's file"
    return made


def test_progress(report):
    text = "\n".join(report.lines)
    assert text.count("docker: Write it") == 1 and "FAILED lab-1: it broke" in text and "no matter" not in text
    assert report.counts().startswith("5 tasks, 3 changes, 2 failures")


def test_summary(report):
    text = report.markdown("Deploy of lab: failed", failed=True)
    assert "### ❌ Deploy of lab: failed" in text and "ok    a  fine" in text
    assert "-a\n+b" in text and "+++ (generated)" in text
    assert "1 of tasks that hide their output" in text and "(the task hides its output: no_log)" in text
    assert "Break &lt;it&gt;" in text and "\n````\nit broke: 100%\n```\nlog\n````\n" in text
    assert "s3cret" not in text


def test_annotations(report):
    assert report.annotations()[0] == "::error title=Break <it>::lab-1: it broke: 100%25%0A```%0Alog"
    assert annotation("a: b, c", "x") == "::error title=a%3A b%2C c::x"


@pytest.mark.parametrize(
    ("diff", "lines"),
    [
        ({"prepared": "--- a\n+++ b\n"}, ["--- a", "+++ b"]),
        ({"before": {"a": 1}, "after": {"a": 2}}, ["--- before", "+++ after", "@@ -1 +1 @@", "-a: 1", "+a: 2"]),
        ({"after": "x"}, ["--- before", "+++ after", "@@ -0,0 +1 @@", "+x"]),
        ({"before": "", "after": ""}, []),
    ],
)
def test_diffs(diff, lines):
    assert one_diff(diff) == lines


def test_items_with_no_log_keep_their_diff_to_themselves():
    items = [{"diff": {"after": "shown"}}, {"censored": "x", "diff": {"after": "s3cret"}}]
    assert diff_lines({"results": items})[-1] == "+shown"


def test_a_summary_is_never_longer_than_github_takes(report):
    report.changes *= 400_000 // 10
    assert len(report.markdown("x", failed=False)) < 1_000_000


@pytest.mark.parametrize(
    ("arguments", "rc", "document", "status", "says"),
    [
        ([], 0, {"ok": True}, 0, "Deploy of lab: verified"),
        ([], 0, {"ok": False}, 1, "not verified"),
        ([], 0, {"ok": "yes"}, 1, "not verified"),
        ([], 0, None, 1, "without a verdict"),
        ([], 4, {"ok": True}, 4, "exit status 4"),
        (["--check"], 0, None, 0, "Check of lab: the run would succeed"),
        (["--check"], 2, None, 2, "failed"),
        (["--tags", "docker"], 0, None, 0, "done in part"),
        (["--tags", "verify"], 0, {"ok": False}, 1, "not verified"),
    ],
)
def test_verdict(arguments, rc, document, status, says):
    made = run.verdict(run.options(["--environment", "lab", *arguments]), rc, document)
    assert made[0] == status and says in made[1]


def test_options(capsys, monkeypatch):
    monkeypatch.setenv("ENV", "staging")
    given = run.options(["--check", "--limit", "a:!b c"])
    assert given.environment == "staging" and run.command_line(given) == "--diff --check --limit 'a:!b c'"
    for wrong, says in (
        (["--environment", "nowhere"], "inventories/ has: "),
        (["--playbook", "no.yml"], "no playbook"),
    ):
        with pytest.raises(SystemExit):
            run.options(wrong)
        assert says in capsys.readouterr().err


@pytest.mark.parametrize("ending", ["returns", "raises", "signal"])
def test_nothing_of_a_run_stays(ending, monkeypatch, tmp_path):
    seen = {}

    def fake(**arguments):
        work = arguments["private_data_dir"]
        seen.update(arguments, work=work, mode=run.Path(work).stat().st_mode & 0o777)
        (run.Path(work) / "command").write_text("the whole environment")
        if ending == "raises":
            raise RuntimeError
        if ending == "signal":
            signal.raise_signal(signal.SIGTERM)
        return SimpleNamespace(status="canceled" if arguments["cancel_callback"]() else "successful", rc=0)

    monkeypatch.setattr(run.ansible_runner, "run", fake)
    before = signal.getsignal(signal.SIGTERM)
    given = run.options(["--environment", "lab"])
    if ending == "raises":
        with pytest.raises(RuntimeError):
            run.run(given, Report())
    else:
        assert run.run(given, Report())[0] == (143 if ending == "signal" else 0)
    assert seen["mode"] == 0o700 and not run.Path(seen["work"]).exists()
    assert seen["envvars"]["ANSIBLE_HOST_KEY_CHECKING"] == "True" and signal.getsignal(signal.SIGTERM) is before
    assert [run.Path(path).name for path in seen["inventory"]] == ["common", "lab"]


def test_ansible_is_asked_before_it_is_killed(monkeypatch):
    now, sent = [100.0], []
    monkeypatch.setattr(run.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(run.os, "kill", lambda *call: sent.append(call))
    stop = run.Stop()
    stop.event({"event": "playbook_on_start", "pid": 4321})
    assert not stop.now()
    stop.request()
    assert not stop.now() and not stop.now() and sent == [(4321, signal.SIGTERM)]
    now[0] += run.STOP_SECONDS_MAX + 1
    assert stop.now() and not stop.late
    late = run.Stop()
    now[0] += run.RUN_SECONDS_MAX + 1
    assert late.now() and late.late


def test_an_old_verdict_is_not_taken_for_this_runs(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(run, "VERDICT_PATH", tmp_path / "verify.json")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setattr(run, "run", lambda *_: (0, ""))
    run.VERDICT_PATH.write_text('{"ok": true}')
    assert run.main(["--environment", "lab"]) == 1
    assert "::error title=platform::" in capsys.readouterr().out
    assert "without a verdict" in (tmp_path / "summary.md").read_text()
