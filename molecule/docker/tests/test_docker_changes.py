"""What happens to a running engine when its settings change, or cannot be."""

testinfra_hosts = ["ansible://mol-1"]


def process(host):
    return host.check_output("systemctl show docker --property=MainPID --value")


def test_converged_hosts_need_nothing_in_check_mode(playbook):
    run = playbook("playbooks/hosts.yml", "--check", "--diff", "--tags=docker")
    assert (run.status, run.changed, run.failed) == (0, 0, 0), run.text


def test_all_problems_are_told_at_once_and_nothing_changes(host, role, content):
    before, running = content(), process(host)
    run = role(
        docker_metrics_address="0.0.0.0:9323",
        docker_min_api_version="1.12",
        docker_daemon_settings={"live-restore": True, "features": {"swarm-nftables": True}},
        docker_min_version="99",
    )
    assert run.status != 0
    for word in (
        "metrics-addr",
        "min-api-version",
        "live-restore",
        "features.swarm-nftables",
        "docker_min_version (99)",
    ):
        assert word in run.text, word
    assert (content(), process(host)) == (before, running)


def test_no_pool_hides_a_network_of_the_host(role):
    run = role("--check", docker_address_pools=[{"base": "10.78.0.0/16", "size": 24}])
    assert run.status != 0 and "10.78.0.0/16 overlaps" in run.text and "eth0" in run.text
    run = role("--check", docker_reserved_networks=["10.201.4.0/22"])
    assert run.status != 0 and "docker_reserved_networks has 10.201.4.0/22" in run.text


def test_a_preinstalled_engine_is_taken_over_as_it_is(role):
    run = role(docker_source="preinstalled")
    assert (run.status, run.changed) == (0, 0), run.text


def test_an_environment_is_in_force_at_once_and_can_be_taken_back(host, role):
    for environment in ({"SOPHIA_TEST": "a b"}, {}):
        run = role(docker_environment=environment)
        assert (run.status, run.changed) == (0, 2), run.text
        found = host.check_output("cat /proc/$(pidof dockerd)/environ | tr '\\0' '\\n'")
        assert ("SOPHIA_TEST=a b" in found) is bool(environment)


def test_what_an_interrupted_run_left_is_made_up_for(host, role):
    running = process(host)
    host.run_expect([0], "echo restart > /run/sophia-docker-pending")
    assert role("--check").changed == 2
    assert role().changed == 2 and process(host) != running
    assert not host.file("/run/sophia-docker-pending").exists
    assert role().changed == 0
