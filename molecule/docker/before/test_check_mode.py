"""Check mode on hosts without an engine, Debian 12 and 13."""

testinfra_hosts = ["ansible://mol-1", "ansible://mol-4"]


def test_predicts_and_changes_nothing(host, playbook):
    assert not host.exists("dockerd")
    name = host.backend.get_hostname()
    run = playbook("playbooks/hosts.yml", "--check", "--diff", "--tags=docker", f"--limit={name}")
    assert (run.status, run.changed, run.failed) == (0, 1, 0), run.text
    for package in ("docker.io", "containerd", "runc"):
        assert f"+{package} newest (held)" in run.text
    assert ("+docker-cli newest (held)" in run.text) is (name == "mol-1"), "a package of its own since Debian 13"
    assert not host.exists("dockerd")
    for path in ("/etc/docker", "/var/lib/sophia/daemon.json", "/etc/apt/preferences.d/60-sophia-docker"):
        assert not host.file(path).exists, path
