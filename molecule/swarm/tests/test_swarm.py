"""Three managers and a worker of another Debian that are one Swarm."""

import json

testinfra_hosts = ["ansible://mol-1"]


def ask(host, command):
    return json.loads(host.check_output(command + " --format '{{json .}}'"))


def test_every_manager_is_reachable(host):
    states = host.check_output("docker node ls --format '{{.Hostname}} {{.Status}} {{.ManagerStatus}}'").splitlines()
    assert sorted(state.split()[:2] for state in states) == [[f"mol-{n}", "Ready"] for n in (1, 2, 3, 4)]
    assert sorted(" ".join(state.split()[2:]) for state in states) == ["", "Leader", "Reachable", "Reachable"]


def test_nodes_have_the_labels_of_the_inventory(host):
    labels = {name: ask(host, f"docker node inspect mol-{name}")["Spec"]["Labels"] for name in (1, 2, 3, 4)}
    assert labels == {1: {"postgres": "1"}, 2: {"redis": "1"}, 3: {"gpu": "true"}, 4: {}}


def test_networks_and_settings(host):
    networks = {name: ask(host, f"docker network inspect {name}") for name in ("edge", "data")}
    assert {name: network["Driver"] for name, network in networks.items()} == {"edge": "overlay", "data": "overlay"}
    assert (networks["edge"]["Internal"], networks["data"]["Internal"]) == (False, True)
    assert all(network["IPAM"]["Config"][0]["Subnet"].startswith("10.200.") for network in networks.values())
    cluster = ask(host, "docker info")["Swarm"]["Cluster"]
    assert cluster["Spec"]["Orchestration"]["TaskHistoryRetentionLimit"] == 10


def test_converged_hosts_need_nothing_in_check_mode(playbook):
    run = playbook("playbooks/swarm.yml", "--check", "--diff")
    assert (run.status, run.changed, run.failed) == (0, 0, 0), run.text


def test_drift_is_put_right_and_shown(host, playbook):
    host.check_output("docker node update --label-rm redis --label-add odd=1 --availability drain mol-2")
    run = playbook("playbooks/swarm.yml", "--diff")
    assert (run.status, run.changed) == (0, 1), run.text
    assert '-node mol-2: {"Availability": "drain", "Labels": {"odd": "1"}' in run.text
    assert ask(host, "docker node inspect mol-2")["Spec"]["Labels"] == {"redis": "1"}
