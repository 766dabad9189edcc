"""The lab's simulated GPUs as the Swarm sees them, and what a service that finds none says."""

import json
import subprocess

import pytest
from conftest import play
from test_site import overriding


def on_manager(*argv: str) -> str:
    return subprocess.run(
        ["docker", "exec", "sophia-lab-1", *argv], check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_every_node_offers_one_gpu_of_its_own(runs):
    nodes = json.loads(on_manager("sh", "-c", "docker node inspect $(docker node ls -q)"))
    offered = [node["Description"]["Resources"]["GenericResources"] for node in nodes]
    assert [len(resources) for resources in offered] == [1, 1, 1]
    specs = [resources[0]["NamedResourceSpec"] for resources in offered]
    assert {spec["Kind"] for spec in specs} == {"NVIDIA-GPU"}
    assert len({spec["Value"] for spec in specs}) == 3
    assert all(node["Spec"]["Labels"]["gpu"] == "true" for node in nodes)


def test_the_verdict_counts_the_gpus(runs):
    (check,) = (check for check in runs["converge"].verdict["checks"] if check["name"] == "swarm: GPUs of the nodes")
    assert (check["ok"], check["detail"]) == (True, "lab-1 1, lab-2 1, lab-3 1")


@pytest.fixture
def three_gpu_replicas(runs):
    """An entry that takes every GPU of the lab; put back afterwards."""
    change = overriding(codacy={"gpu": 1, "replicas": 3})
    done = play("gpu_deploy", *change, playbook="playbooks/stacks.yml")
    assert done.returncode == 0, done.output[-3000:]
    yield change
    back = play("gpu_back", playbook="playbooks/stacks.yml")
    assert back.returncode == 0, back.output[-3000:]


def test_a_fourth_replica_stays_pending_and_everybody_says_why(three_gpu_replicas):
    where = on_manager("docker", "service", "ps", "mcp_codacy", "--filter=desired-state=running", "--format={{.Node}}")
    assert sorted(where.split()) == ["lab-1", "lab-2", "lab-3"]

    on_manager("docker", "service", "scale", "--detach", "mcp_codacy=4")
    verdict = play("gpu_verify", *three_gpu_replicas, playbook="playbooks/verify.yml")
    assert verdict.returncode != 0
    shown = play("gpu_status", playbook="playbooks/ops/status.yml")
    assert shown.returncode == 0
    for run in (verdict, shown):
        assert "pending: no suitable node (insufficient resources on 3 nodes)" in " ".join(run.output.split())

    too_many = overriding(codacy={"gpu": 1, "replicas": 4})
    deploy = play("gpu_too_many", *too_many, "-e", "stacks_timeout_seconds=30", playbook="playbooks/stacks.yml")
    assert deploy.returncode != 0
    assert "insufficient resources" in deploy.output


UPGRADE = ("-e", "nvidia_driver_source=lambda_stack")


def test_an_upgrade_under_running_work_waits_for_a_word(runs):
    run = play("driver_refused", *UPGRADE, playbook="playbooks/hosts.yml")
    assert run.returncode != 0
    said = " ".join(run.output.split())
    assert "The host needs a restart, for the driver is changed while its module 570.148.08 is loaded." in said
    assert "nvidia_driver_reboot is when_idle" in said
    assert run.changed == 0


def test_an_allowed_upgrade_restarts_one_drained_host_after_the_other(runs):
    """Two of the hosts: each waits a minute until the one before is settled."""
    hosts = ["lab-1", "lab-2"]
    allowed = (*UPGRADE, "-e", "nvidia_driver_reboot=if_required", "--limit", ",".join(hosts))
    run = play("driver_upgrade", *allowed, playbook="playbooks/hosts.yml")
    assert run.returncode == 0, run.output[-3000:]
    restarts = [line for line in run.output.splitlines() if " restarts: " in line]
    assert [host for line in restarts for host in ("lab-1", "lab-2", "lab-3") if host in line] == hosts
    states = on_manager(
        "docker", "node", "ls", "--format={{.Status}} {{.Availability}} {{.ManagerStatus}}"
    ).splitlines()
    assert sorted(states) == ["Ready Active Leader", "Ready Active Reachable", "Ready Active Reachable"]
    again = play("driver_again")
    assert (again.returncode, again.changed_tasks, again.warnings) == (0, [], []), again.output[-3000:]
    assert "580.105.08" in on_manager("nvidia-smi", "--version")
