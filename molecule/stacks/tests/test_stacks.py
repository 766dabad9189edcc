"""A stack's round trip: it runs, changes, survives a bad release, and goes."""

import json

import pytest

testinfra_hosts = ["ansible://mol-1"]
pytestmark = pytest.mark.usefixtures("host")  # every test has it, so that pytest keeps their order
STACK = "molecule/stacks/stack.yml"


def service(host):
    return json.loads(host.check_output("docker service inspect demo_web"))[0]["Spec"]["TaskTemplate"]["ContainerSpec"]


def running(host):
    form = "docker service ps demo_web --filter desired-state=running --format '{{.CurrentState}}'"
    return [line.split()[0] for line in host.check_output(form).splitlines()]


def change(**values):
    return "--extra-vars", json.dumps(values)


def test_it_runs_with_a_digest_and_its_secret_as_a_file(host):
    assert running(host) == ["Running", "Running"]
    assert ":5000/demo:1@sha256:" in service(host)["Image"]
    assert [secret["SecretName"] for secret in service(host)["Secrets"]] == ["demo_secret_0000000001"]


def test_check_mode_shows_the_change_and_no_secret(host, playbook):
    run = playbook(STACK, "--check", "--diff", *change(demo_message="second"))
    assert (run.status, run.changed) == (0, 1), run.text
    assert "demo_message_" in run.text and "not-for-any-log" not in run.text


def test_it_changes(host, playbook):
    before = service(host)["Configs"][0]["ConfigName"]
    run = playbook(STACK, *change(demo_message="second"))
    assert (run.status, run.changed) == (0, 1), run.text
    assert service(host)["Configs"][0]["ConfigName"] != before
    assert running(host) == ["Running", "Running"]


def test_a_bad_release_fails_with_its_own_error_and_the_last_one_runs_on(host, playbook):
    before = service(host)
    bad = ["/bin/sh", "-c", "echo it is broken; exit 7"]
    run = playbook(STACK, *change(demo_message="second", demo_command=bad))
    assert run.status != 0
    assert "it is broken" in run.text and "7" in run.text
    assert service(host)["Args"] == before["Args"] == ["/bin/sleep", "infinity"]
    assert running(host) == ["Running", "Running"]


def test_it_goes_with_all_that_was_kept_for_it(host, playbook):
    run = playbook("molecule/stacks/absent.yml")
    assert (run.status, run.changed) == (0, 1), run.text
    for kind in ("service", "secret", "config"):
        assert host.check_output(f"docker {kind} ls --quiet") == ""
