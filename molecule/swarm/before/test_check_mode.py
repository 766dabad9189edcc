"""Check mode on hosts that are in no Swarm, whether they have an engine already or not."""

import testinfra

testinfra_hosts = ["ansible://mol-1"]
HOSTS = [f"mol-{number}" for number in (1, 2, 3, 4)]


def test_predicts_and_changes_nothing(host, playbook, request):
    options = request.config.option
    given = {"ansible_inventory": options.ansible_inventory, "ssh_identity_file": options.ssh_identity_file}
    for one in testinfra.get_hosts([f"ansible://{name}" for name in HOSTS], **given):
        if one.exists("docker"):
            one.run("docker swarm leave --force")
    run = playbook("playbooks/swarm.yml", "--check", "--diff")
    assert (run.status, run.failed) == (0, 0), run.text
    assert run.changed == len(HOSTS) + 1
    assert "+makes a new Swarm" in run.text
    assert "+network data: " in run.text and '"Labels": {"redis": "1"}' in run.text
    assert "/var/lib/docker/swarm/docker-state.json" not in host.run("ls /var/lib/docker/swarm/*").stdout
