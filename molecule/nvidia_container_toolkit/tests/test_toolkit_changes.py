"""What others do to the toolkit, and what the role then does."""

import pytest

testinfra_hosts = ["ansible://mol-3"]
OPTIONS = ("playbooks/hosts.yml", "--limit=mol-3", "--skip-tags=docker")
CONFIG = "/etc/nvidia-container-runtime/config.toml"
OURS = 'swarm-resource = "DOCKER_RESOURCE_NVIDIA-GPU"'
PACKAGES = "nvidia-container-toolkit nvidia-container-toolkit-base libnvidia-container-tools libnvidia-container1"


def config_of(host):
    return host.file(CONFIG).content_string


def test_converged_hosts_need_nothing_in_check_mode(playbook):
    run = playbook(*OPTIONS, "--check", "--diff")
    assert (run.status, run.changed, run.failed) == (0, 0, 0), run.text


def test_our_key_survives_a_reinstallation(host, playbook):
    before = config_of(host)
    host.check_output(
        f"DEBIAN_FRONTEND=noninteractive apt-get install -y -q --reinstall --allow-change-held-packages {PACKAGES}"
    )
    assert config_of(host) == before and OURS in before
    run = playbook(*OPTIONS, "--diff")
    assert run.status == 0 and run.changed == 1, "apt took the packages off hold"
    assert "swarm-resource" not in run.text
    assert set(host.check_output("apt-mark showhold").split()) >= set(PACKAGES.split())


def test_a_commented_line_is_put_back(host, playbook):
    before = config_of(host)
    host.check_output(f"sed -i 's/^swarm-resource.*/#swarm-resource = \"DOCKER_RESOURCE_GPU\"/' {CONFIG}")
    run = playbook(*OPTIONS, "--diff")
    assert (run.status, run.changed) == (0, 1), run.text
    assert f"+{OURS}" in run.text and config_of(host) == before


def test_an_interrupted_installation_is_finished(host, playbook):
    status, name = "/var/lib/dpkg/status", "nvidia-container-toolkit-base"
    host.check_output(f"sed -i '/^Package: {name}$/,/^Status:/s/^Status: .*/Status: hold ok half-configured/' {status}")
    assert not host.package(name).is_installed
    run = playbook(*OPTIONS)
    assert (run.status, run.changed) == (0, 1), run.text
    assert host.package(name).is_installed and name in host.check_output("apt-mark showhold")


@pytest.mark.parametrize(
    ("path", "text", "words"),
    [
        (
            "/etc/apt/preferences.d/99-test",
            "Package: *\\nPin: origin archive.lambdalabs.com\\nPin-Priority: 1003\\n",
            ["1.18.1-0lambda", "priority above 1002"],
        ),
        (
            "/etc/apt/sources.list.d/test.list",
            "deb [signed-by=/x.gpg] http://nvidia.github.io:8099/libnvidia-container/stable/deb/$(ARCH) /\\n",
            ["/etc/apt/sources.list.d/test.list", "Signed-By", "Remove that entry"],
        ),
        ("/var/lib/lab-gpu/mode", "not-loaded\\n", ["not loaded", "nvidia_driver"]),
        ("/var/lib/lab-gpu/mode", "mismatch\\n", ["different versions", "restart the host"]),
    ],
    ids=["stronger pin", "signed-by", "driver not loaded", "driver mismatch"],
)
def test_bad_states_are_told(host, playbook, path, text, words):
    before = host.file(path).content_string if host.file(path).exists else None
    host.check_output(f"printf '{text}' > {path}")
    try:
        run = playbook(*OPTIONS)
        assert run.status != 0 and run.changed == 0
        assert [word for word in words if word not in run.text] == [], run.text
    finally:
        host.check_output(f"rm {path}" if before is None else f"printf '%s' '{before}' > {path}")


def test_another_gpu_makes_another_specification(host, playbook):
    mode = host.file("/var/lib/lab-gpu/mode").content_string.strip()
    for state, count in (("two-gpus", 2), (mode, 1)):
        host.check_output(f"echo {state} > /var/lib/lab-gpu/mode")
        run = playbook(*OPTIONS)
        assert (run.status, run.changed) == (0, 1), run.text
        assert host.check_output("nvidia-ctk cdi list").count("gpu=GPU-") == count
