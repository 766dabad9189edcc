"""A host as Lambda delivers it: what would happen, and what is refused before anything happens."""

import json

import pytest

testinfra_hosts = ["ansible://mol-3"]
OPTIONS = ("playbooks/hosts.yml", "--limit=mol-3", "--skip-tags=docker")
LAMBDA = "1.18.1-0lambda0.22.04.1"
OURS = (
    "/etc/apt/sources.list.d/nvidia-container-toolkit.sources",
    "/etc/apt/preferences.d/61-nvidia-container-toolkit",
    "/etc/apt/keyrings/nvidia-container-toolkit.asc",
)


@pytest.fixture(autouse=True)
def untouched(host):
    """Nothing of what these tests do changes the host."""
    config = host.file("/etc/nvidia-container-runtime/config.toml").content_string
    yield
    assert host.package("nvidia-container-toolkit").version == LAMBDA
    assert host.file("/etc/nvidia-container-runtime/config.toml").content_string == config
    assert [path for path in OURS if host.file(path).exists] == []
    assert host.check_output("ls -d /tmp/sophia-apt-* 2>/dev/null || true") == ""


def test_predicts_and_changes_nothing(playbook):
    run = playbook(*OPTIONS, "--check", "--diff")
    assert (run.status, run.changed, run.failed) == (0, 1, 0), run.text
    assert f"-nvidia-container-toolkit {LAMBDA}" in run.text
    assert "+nvidia-container-toolkit 1.20.0-1 (held)" in run.text
    assert '+swarm-resource = "DOCKER_RESOURCE_NVIDIA-GPU"' in run.text
    assert "+Pin-Priority: 1002" in run.text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"source": "preinstalled"}, [LAMBDA, "ignores swarm-resource", "source: nvidia", "mode: legacy"]),
        ({"repository_url": "http://127.0.0.1:1/x"}, ["http://127.0.0.1:1/x/gpgkey", "refused"]),
        ({"repository_key_checksum": f"sha256:{'0' * 64}"}, ["checksum", "0000", "Find out from NVIDIA"]),
        ({"version": "1.25.0"}, ["does not offer toolkit 1.25.0", "1.20.0-1, 1.19.1-1"]),
    ],
)
def test_refused_before_anything_changes(playbook, values, words):
    named = {f"nvidia_container_toolkit_{name}": value for name, value in values.items()}
    run = playbook(*OPTIONS, "--extra-vars", json.dumps(named))
    assert run.status != 0 and run.changed == 0
    assert [word for word in words if word not in run.text] == [], run.text
