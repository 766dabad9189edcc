"""The lab's settings: environment and inventory."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lab import settings, variables
from lab.errors import LabError

GOOD = {"ansible_port": 2201, "private_address": "10.77.0.11", "lab_edge_address": "127.0.0.2"}


def inventory(**hosts: dict) -> dict:
    return {
        "all": {"children": {"managers": {"hosts": {name.replace("_", "-"): host for name, host in hosts.items()}}}}
    }


def write(path: Path, document: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document))
    return path


def test_the_committed_inventory_gives_three_hosts():
    lab = settings.read(environment={"HOME": "/home/x"})
    assert [host.container for host in lab.hosts] == ["sophia-lab-1", "sophia-lab-2", "sophia-lab-3"]
    assert (str(lab.subnet), lab.registry_address) == ("10.77.0.0/24", "10.77.0.10")
    assert (lab.names_address, lab.directory_url) == ("10.77.0.53", "https://10.77.0.54:14000/dir")
    assert lab.certificate_days == 90
    assert str(lab.state_path) == "/home/x/.local/state/sophia-lab"
    assert isinstance(lab.variables["platform"]["services"], list)


def test_the_environment_names_a_second_lab(tmp_path):
    path = write(tmp_path / "hosts.yml", inventory(mol_1={"ansible_port": 2211, "private_address": "10.78.0.11"}))
    environment = {"LAB_PREFIX": "sophia-mol", "LAB_STATE": str(tmp_path / "s"), "LAB_REGISTRY_PORT": "5078"}
    lab = settings.read(path, environment)
    assert (lab.hosts[0].container, lab.hosts[0].edge_address) == ("sophia-mol-mol-1", None)
    assert (lab.network, lab.registry_endpoint, lab.state_path) == ("sophia-mol", "127.0.0.1:5078", tmp_path / "s")


def test_a_host_chooses_its_release_and_what_plays_a_gpu(tmp_path):
    usual = {"ansible_port": 2202, "private_address": "10.77.0.12"}
    hosts = {"lab_1": {**GOOD, "lab_release": "bookworm", "lab_gpu": "lambda_stack"}, "lab_2": usual}
    found = settings.read(write(tmp_path / "hosts.yml", inventory(**hosts)), {}).hosts
    assert [(host.release, host.gpu) for host in found] == [("bookworm", "lambda_stack"), ("trixie", "none")]


@pytest.mark.parametrize(
    ("hosts", "said"),
    [
        ({}, ["it names no host"]),
        ({"lab_1": {"ansible_port": 2201}}, ["lab-1: private_address: "]),
        ({"lab_1": {**GOOD, "ansible_port": "ssh"}}, ["lab-1: ansible_port is 'ssh', not a port number"]),
        (
            {"lab_1": GOOD, "lab_2": {**GOOD, "private_address": "10.77.9.12"}},
            ["lab-2 and lab-1 both use 2201", "lab-2 and lab-1 both use 127.0.0.2", "not in one /24"],
        ),
        (
            {"lab_1": {**GOOD, "lab_release": "sid", "lab_gpu": True, "ansible_port": 0}},
            [
                "lab-1: ansible_port is 0, not a port number",
                "lab-1: lab_release is 'sid'; it is one of trixie, bookworm",
                "lab-1: lab_gpu is True; it is one of none, bare, lambda_stack",
            ],
        ),
    ],
)
def test_a_wrong_inventory_is_refused_with_all_that_is_wrong(tmp_path, hosts, said):
    with pytest.raises(LabError) as caught:
        settings.read(write(tmp_path / "hosts.yml", inventory(**hosts)), {})
    assert all(text in str(caught.value) for text in [*said, str(tmp_path / "hosts.yml")])


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"LAB_PREFIX": "My Lab"}, "LAB_PREFIX is 'My Lab'"),
        ({"LAB_REGISTRY_PORT": "70000"}, "LAB_REGISTRY_PORT is '70000', not a port number"),
        ({"LAB_CERTIFICATE_DAYS": "0"}, "LAB_CERTIFICATE_DAYS is '0', not a number of days"),
        ({"LAB_IMAGES": "real"}, "LAB_IMAGES is 'real'"),
    ],
)
def test_a_wrong_environment_is_refused(environment, said):
    with pytest.raises(LabError, match=said.replace("(", r"\(")):
        settings.read(environment=environment)


@pytest.mark.parametrize(("content", "said"), [("a: [", "is not valid YAML"), (None, "cannot be read")])
def test_an_unreadable_inventory_is_refused(tmp_path, content, said):
    path = tmp_path / "hosts.yml"
    if content:
        path.write_text(content)
    with pytest.raises(LabError, match=said):
        settings.read(path, {})


def test_an_inventory_overrides_common_variables_and_references_are_followed(tmp_path):
    write(
        tmp_path / "common/a.yml", {"domain": "example.org", "platform": {"domain": "{{ domain }}", "n": ["{{ n }}"]}}
    )
    write(tmp_path / "lab/a.yml", {"domain": "{{ base }}", "base": "lab.test", "n": "{{ lookup('env', 'X') }}"})
    found = variables.read_variables(tmp_path / "common", tmp_path / "lab")
    assert found["platform"] == {"domain": "lab.test", "n": ["{{ lookup('env', 'X') }}"]}


def test_references_in_a_circle_end():
    assert variables.resolved("{{ a }}", {"a": "{{ b }}", "b": "{{ a }}"}) in ("{{ a }}", "{{ b }}")
