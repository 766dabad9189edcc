"""Check mode on hosts without an engine."""

testinfra_hosts = ["ansible://mol-1"]


def test_predicts_and_changes_nothing(host, playbook):
    assert not host.exists("dockerd")
    run = playbook("playbooks/hosts.yml", "--check", "--diff")
    assert (run.status, run.failed) == (0, 0), run.text
    assert run.changed == 6
    assert "+docker.io newest (held)" in run.text or "+docker.io 26" in run.text
    assert not host.exists("dockerd")
    assert not host.file("/etc/docker").exists
