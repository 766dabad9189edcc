"""An engine at a held version, configured in one place."""

import json

testinfra_hosts = ["ansible://all"]


def test_service(host):
    service = host.service("docker")
    assert service.is_running and service.is_enabled


def test_packages_are_held(host):
    held = host.check_output("apt-mark showhold").split()
    assert {"docker.io", "docker-cli"} <= set(held)


def test_services_may_start_again(host):
    assert not host.file("/usr/sbin/policy-rc.d").exists


def test_daemon_settings_are_in_force(host):
    file = host.file("/etc/docker/daemon.json")
    assert (file.user, file.mode) == ("root", 0o644)
    assert json.loads(file.content_string)["log-opts"] == {"max-size": "20m", "max-file": "5"}
    info = json.loads(host.check_output("docker info --format '{{json .}}'"))
    assert info["Driver"] == "overlay2"
    assert info["DefaultAddressPools"] == [{"Base": "10.201.0.0/16", "Size": 24}]
    assert not info["LiveRestoreEnabled"]
