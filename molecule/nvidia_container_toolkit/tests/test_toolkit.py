"""A container that reserved a GPU gets that GPU."""

import json

import pytest

testinfra_hosts = ["ansible://mol-3"]
PACKAGES = {
    *("nvidia-container-toolkit", "nvidia-container-toolkit-base"),
    *("libnvidia-container-tools", "libnvidia-container1"),
}
NOBODY = "GPU-00000000-0000-0000-0000-000000000000"
IMAGE = "sophia-test/shell"


@pytest.fixture(scope="module")
def uuid(host):
    return host.check_output("nvidia-smi -L | grep -o 'GPU-[0-9a-f-]*'")


@pytest.fixture(scope="module")
def docker_run(host):
    """Run a command in an image made of this host's own shell: no registry is needed."""
    libraries = "$(ldd /bin/sh /bin/cat | grep -o '/lib[^ ]*' | sort -u)"
    host.check_output(f"tar -ch /bin/sh /bin/cat {libraries} 2>/dev/null | docker import - {IMAGE}")

    def run(command, **environment):
        options = " ".join(f"-e {name}={value}" for name, value in environment.items())
        return host.run(f"docker run --rm {options} {IMAGE} {command}")

    yield run
    host.check_output(f"docker rmi {IMAGE}")


def test_all_packages_have_one_version_and_are_held(host):
    assert {host.package(name).version for name in PACKAGES} == {"1.20.0-1"}
    assert set(host.check_output("apt-mark showhold").split()) >= PACKAGES


@pytest.mark.parametrize("option", ["", "--ignore-hold"])
def test_an_upgrade_does_not_take_them_back(host, option):
    assert "1001" in host.check_output("apt-cache policy nvidia-container-toolkit")
    planned = host.check_output(f"apt-get --simulate {option} upgrade")
    assert [line for line in planned.splitlines() if line.startswith("Inst") and "nvidia-container" in line] == []


def test_config_listens_to_swarm(host):
    lines = host.file("/etc/nvidia-container-runtime/config.toml").content_string.splitlines()
    top = lines[: next(index for index, line in enumerate(lines) if line.startswith("["))]
    assert 'swarm-resource = "DOCKER_RESOURCE_NVIDIA-GPU"' in top


def test_cdi_names_the_gpu_and_is_renewed(host, uuid):
    assert f"nvidia.com/gpu={uuid}" in host.check_output("nvidia-ctk cdi list").split()
    assert host.file("/var/run/cdi/nvidia.yaml").exists
    assert host.service("nvidia-cdi-refresh.service").is_enabled
    path = host.service("nvidia-cdi-refresh.path")
    assert path.is_enabled and path.is_running


def test_daemon_json_has_one_owner(host):
    assert host.check_output("docker info --format '{{.DefaultRuntime}}'") == "nvidia"
    assert json.loads(host.file("/etc/docker/daemon.json").content_string)["default-runtime"] == "nvidia"
    assert "runtime configure" not in host.file("/var/log/lab-gpu.log").content_string


# gh200_hosts.md §3.7: the proof of Swarm's way to a GPU, without a Swarm.
def test_a_container_gets_the_gpu_that_swarm_names(docker_run, uuid):
    done = docker_run("nvidia-smi -L", **{"DOCKER_RESOURCE_NVIDIA-GPU": uuid})
    assert done.rc == 0, done.stderr
    assert uuid in done.stdout


def test_swarms_variable_wins_over_the_images(docker_run):
    done = docker_run("sh -c :", NVIDIA_VISIBLE_DEVICES="all", **{"DOCKER_RESOURCE_NVIDIA-GPU": NOBODY})
    assert done.rc != 0 and NOBODY in done.stderr, "the variable is ignored, as 1.18 does"


def test_a_container_that_asks_for_none_has_none(docker_run):
    assert docker_run("sh -c :").rc == 0
    assert docker_run("nvidia-smi -L").rc != 0
