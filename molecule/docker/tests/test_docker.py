"""An engine at a held version, configured in one place: on Debian 13, on Debian 12, and beside a GPU."""

import json

import pytest

testinfra_hosts = ["ansible://all"]


@pytest.fixture
def info(host):
    return json.loads(host.check_output("docker info --format '{{json .}}'"))


def test_service(host):
    service = host.service("docker")
    assert service.is_running and service.is_enabled


def test_the_engine_and_what_it_runs_on_are_held(host):
    held = set(host.check_output("apt-mark showhold").split())
    client = set() if host.system_info.release.startswith("12") else {"docker-cli"}
    assert {"docker.io", "containerd", "runc"} | client <= held


def test_services_may_start_again(host):
    assert not host.file("/usr/sbin/policy-rc.d").exists


def test_daemon_settings_are_in_force(host, info):
    file = host.file("/etc/docker/daemon.json")
    assert (file.user, file.mode) == ("root", 0o644)
    assert json.loads(file.content_string)["log-opts"] == {"max-size": "20m", "max-file": "5"}
    assert host.file("/var/lib/sophia/daemon.json").content_string == file.content_string
    assert info["Driver"] == "overlay2"
    assert info["DefaultAddressPools"] == [{"Base": "10.201.0.0/16", "Size": 24}]
    assert not info["LiveRestoreEnabled"]


def test_the_gpu_is_offered_where_there_is_one(host, info):
    has_gpu = host.backend.get_hostname() == "mol-3"
    found = [spec["NamedResourceSpec"]["Kind"] for spec in info["GenericResources"] or []]
    assert found == (["NVIDIA-GPU"] if has_gpu else [])
    assert (info["DefaultRuntime"] == "nvidia") is has_gpu


def test_the_engine_of_each_release(host, info):
    wanted = {"12": "20.10.", "13": "26.1."}[host.system_info.release.split(".")[0]]
    assert info["ServerVersion"].startswith(wanted)
