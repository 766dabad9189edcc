"""What happens to a running engine when its settings change, or cannot be. Debian 13's engine and the old one of 12."""

import json

import pytest

testinfra_hosts = ["ansible://mol-1"]
both_engines = pytest.mark.testinfra_hosts("ansible://mol-1", "ansible://mol-4")
FILE = "/etc/docker/daemon.json"


@pytest.fixture
def role(host, playbook):
    """Run the role against this host with other variables."""

    def run(*options, **variables):
        limit = f"--limit={host.backend.get_hostname()}"
        given = ["--extra-vars", json.dumps(variables)] if variables else []
        return playbook("playbooks/hosts.yml", "--tags=docker", limit, *options, *given)

    return run


@pytest.fixture
def content(host):
    """Give, or change by hand, what is in daemon.json."""

    def read(**by_hand):
        found = json.loads(host.file(FILE).content_string)
        if by_hand:
            found.update(by_hand)
            host.run_expect([0], f"printf %s %s > {FILE}", "%s", json.dumps(found))
        return found

    return read


def process(host):
    return host.check_output("systemctl show docker --property=MainPID --value")


def test_converged_hosts_need_nothing_in_check_mode(playbook):
    run = playbook("playbooks/hosts.yml", "--check", "--diff", "--tags=docker")
    assert (run.status, run.changed, run.failed) == (0, 0, 0), run.text


@both_engines
def test_settings_that_the_engine_refuses_never_land(host, role, content):
    before = content()
    run = role(docker_daemon_settings={"storage-drive": "overlay2"})
    assert run.status != 0
    assert "dockerd refuses the new daemon.json" in run.text and "storage-drive" in run.text
    assert content() == before
    assert [name for name in host.file("/etc/docker").listdir() if name.startswith(".")] == [], "no draft is left"
    assert not host.file("/run/sophia-docker-pending").exists


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


@both_engines
def test_a_reload_touches_no_container(host, role):
    running = process(host)
    run = role(docker_daemon_settings={"debug": True, "labels": ["sophia=test"]})
    assert (run.status, run.changed) == (0, 2), run.text
    assert process(host) == running
    assert host.check_output("docker info --format '{{.Debug}} {{.Labels}}'") == "true [sophia=test]"
    run = role(docker_daemon_settings={"debug": False, "labels": ["sophia=other"]})
    assert run.status == 0 and process(host) == running
    assert host.check_output("docker info --format '{{.Debug}} {{.Labels}}'") == "false [sophia=other]"
    # An engine keeps the value of a key that went away until it starts anew.
    assert role().changed == 2
    assert process(host) != running and host.check_output("docker info --format '{{.Labels}}'") == "[]"


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


@both_engines
def test_content_of_others_stays_and_is_told(host, role, content):
    content(**{"max-concurrent-downloads": 2, "log-opts": {"max-size": "1m", "max-file": "5", "tag": "x"}})
    run = role()
    assert run.status == 0 and "keeps it: log-opts.tag, max-concurrent-downloads" in run.text
    found = content()
    assert found["log-opts"] == {"max-size": "20m", "max-file": "5", "tag": "x"}, "ours wins, theirs stays"
    assert found["max-concurrent-downloads"] == 2
    assert role().changed == 0


@both_engines
def test_content_of_others_that_no_swarm_can_have_is_an_error(host, role, content):
    running = process(host)
    content(**{"live-restore": True})
    run = role()
    assert run.status != 0 and "live-restore, which the platform did not write" in run.text
    assert content()["live-restore"] is True and process(host) == running
    run = role(docker_foreign_settings="remove")
    assert run.status == 0, run.text
    assert not {"live-restore", "max-concurrent-downloads"} & set(content())
    assert role().changed == 0
