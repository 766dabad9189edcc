"""Check mode on hosts without rules."""

testinfra_hosts = ["ansible://mol-1"]
FILE = "/etc/sophia/firewall.nft"


def test_predicts_and_changes_nothing(host, playbook):
    run = playbook("playbooks/hosts.yml", "--check", "--diff", "--skip-tags=docker", "--limit=mol-1,mol-4")
    assert (run.status, run.failed, run.changed) == (0, 0, 2), run.text
    assert '+ tcp dport 22 accept comment "SSH"' in run.text
    assert "+sophia-firewall.service: enabled" in run.text
    assert not host.file(FILE).exists and not host.file("/etc/ssh/sshd_config.d/00-sophia.conf").exists
    assert host.run("nft list table inet sophia").rc == 1
