"""What happens to a running engine when its settings change, or cannot be."""

import json

testinfra_hosts = ["ansible://mol-1"]
FILE = "/etc/docker/daemon.json"


def vars_of(**values):
    return ["--extra-vars", json.dumps(values)]


def test_converged_hosts_need_nothing_in_check_mode(playbook):
    run = playbook("playbooks/hosts.yml", "--check", "--diff")
    assert (run.status, run.changed, run.failed) == (0, 0, 0), run.text


def test_settings_that_the_engine_refuses_never_land(host, playbook):
    before = host.file(FILE).content_string
    settings = {"storage-drive": "overlay2"}
    run = playbook("playbooks/hosts.yml", "--limit=mol-1", *vars_of(docker_daemon_settings=settings))
    assert run.status != 0
    assert "dockerd refuses the new daemon.json" in run.text and "storage-drive" in run.text
    assert host.file(FILE).content_string == before
    assert host.file("/etc/docker").listdir() == ["daemon.json"]


def test_a_change_is_in_force_at_once_and_can_be_taken_back(host, playbook):
    for environment in ({"SOPHIA_TEST": "a b"}, {}):
        run = playbook("playbooks/hosts.yml", "--limit=mol-1", *vars_of(docker_environment=environment))
        assert (run.status, run.changed) == (0, 2), run.text
        process = host.check_output("cat /proc/$(pidof dockerd)/environ | tr '\\0' '\\n'")
        assert ("SOPHIA_TEST=a b" in process) is bool(environment)
