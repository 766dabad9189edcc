"""Check mode on hosts that have nothing of ours."""

testinfra_hosts = ["ansible://mol-1"]


def test_predicts_and_changes_nothing(host, playbook):
    run = playbook("playbooks/hosts.yml", "--tags=host_base", "--limit=mol-1:mol-4", "--check", "--diff")
    assert (run.status, run.failed) == (0, 0), run.text
    assert run.changed == 4  # on each of the two hosts: settings, packages
    assert "+net.ipv4.conf.default.accept_redirects = 0" in run.text
    assert "+unattended-upgrades newest" in run.text
    assert host.check_output("find /etc -name '*sophia*'") == ""
    assert host.check_output("sysctl -n net.ipv4.conf.default.accept_redirects") == "1"
