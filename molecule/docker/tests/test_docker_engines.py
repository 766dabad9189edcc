"""What a change of settings does to the engine of Debian 13, and to the old one of Debian 12."""

testinfra_hosts = ["ansible://mol-1", "ansible://mol-4"]


def process(host):
    return host.check_output("systemctl show docker --property=MainPID --value")


def test_settings_that_the_engine_refuses_never_land(host, role, content):
    before = content()
    run = role(docker_daemon_settings={"storage-drive": "overlay2"})
    assert run.status != 0
    assert "dockerd refuses the new daemon.json" in run.text and "storage-drive" in run.text
    assert content() == before
    assert [name for name in host.file("/etc/docker").listdir() if name.startswith(".")] == [], "no draft is left"
    assert not host.file("/run/sophia-docker-pending").exists


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


def test_content_of_others_stays_and_is_told(host, role, content):
    content(**{"max-concurrent-downloads": 2, "log-opts": {"max-size": "1m", "max-file": "5", "tag": "x"}})
    run = role()
    assert run.status == 0 and "keeps it: log-opts.tag, max-concurrent-downloads" in run.text
    found = content()
    assert found["log-opts"] == {"max-size": "20m", "max-file": "5", "tag": "x"}, "ours wins, theirs stays"
    assert found["max-concurrent-downloads"] == 2
    assert role().changed == 0


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
