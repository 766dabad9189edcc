"""What is not understood ends the run with what to do; there is never a second Swarm. One state leads to the next."""

import json

import pytest
import testinfra

testinfra_hosts = ["ansible://mol-1"]
SWARM = "playbooks/swarm.yml"
pytestmark = pytest.mark.usefixtures("host")  # every test has it, so that pytest keeps their order


@pytest.fixture(scope="module")
def third(request):
    options = request.config.option
    given = {"ansible_inventory": options.ansible_inventory, "ssh_identity_file": options.ssh_identity_file}
    return testinfra.get_host("ansible://mol-3", **given)


def cluster_of(host):
    return json.loads(host.check_output("docker info --format '{{json .Swarm}}'")).get("Cluster", {}).get("ID")


def refused(run, *words):
    assert run.status != 0 and run.changed == 0
    assert [word for word in words if word not in run.text] == []


def test_network_that_cannot_be_changed(playbook):
    networks = json.dumps({"platform_networks": {"data": {"internal": False}}})
    refused(playbook(SWARM, "--extra-vars", networks), "Network data: internal is True and should be False")


def test_silent_engine(host, third, playbook):
    third.check_output("systemctl stop docker.socket docker.service")
    refused(playbook(SWARM), "mol-3: the Docker engine does not answer", "The manager mol-3 (10.78.0.13")
    third.check_output("systemctl start docker.socket docker.service")


def test_manager_that_left(host, third, playbook):
    third.check_output("docker swarm leave --force")
    refused(playbook(SWARM), "The manager mol-3 (10.78.0.13", "has left the Swarm", "docker node demote")
    assert cluster_of(third) is None


def test_host_of_another_swarm(host, third, playbook):
    third.check_output("docker swarm init --advertise-addr 10.78.0.13")
    ours, theirs = cluster_of(host), cluster_of(third)
    refused(playbook(SWARM), "2 different Swarms", f"mol-3 in {theirs}", ours)
    assert (cluster_of(host), cluster_of(third)) == (ours, theirs)
    third.check_output("docker swarm leave --force")


def test_fresh_host_is_not_enough_to_make_a_swarm(playbook):
    refused(playbook(SWARM, "--limit=mol-3"), "mol-1, mol-2, mol-4 could not be asked")


def test_the_advice_helps(host, third, playbook):
    host.check_output("docker node demote mol-3 && sleep 1 && docker node rm --force mol-3")
    run = playbook(SWARM)
    assert (run.status, run.changed) == (0, 2), run.text  # it joins, and its new node gets its label
    assert cluster_of(third) == cluster_of(host)
