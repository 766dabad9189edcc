"""Lambda pins its archive at 1001: what that does to packages of the same name elsewhere, and that our pins mend it.

Simulated by a real apt for arm64 with stubs of the real names and versions (reference: gh200_hosts.md, sections 0.3 and
7.3). A local repository has no host name, so `Pin: origin <host>` becomes `Pin: release o=<host>` here.
"""

from __future__ import annotations

import re

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine import sources
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import sources as driver_sources
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_repository, toolkit_versions
from apt_root import AptRoot, flat_repository

LAMBDA, NVIDIA, DOCKER = "archive.lambdalabs.com", "nvidia.github.io", "download.docker.com"
CUDA = "developer.download.nvidia.com"
TOOLKIT = list(toolkit_versions.PACKAGES)
ON_LAMBDA, WANTED = "1.18.1-0lambda0.22.04.1", "1.20.0-1"
LAMBDA_PIN = f"Package: *\nPin: release o={LAMBDA}\nPin-Priority: 1001\n"


def toolkit(version: str) -> list[tuple[str, str, str]]:
    return [
        (TOOLKIT[0], version, f"{TOOLKIT[1]} (= {version}), {TOOLKIT[2]} (= {version})"),
        (TOOLKIT[1], version, ""),
        (TOOLKIT[2], version, f"{TOOLKIT[3]} (= {version})"),
        (TOOLKIT[3], version, ""),
    ]


def engine(name: str, version: str) -> list[tuple[str, str, str]]:
    return [(name, version, f"{name}-cli, containerd.io"), (f"{name}-cli", version, "")]


def driver(branch: str, version: str) -> list[tuple[str, str, str]]:
    """The open driver of a branch, as Lambda and Canonical name it."""
    return [
        (f"nvidia-driver-{branch}-open", version, f"libnvidia-compute-{branch} (>= {version})"),
        (f"libnvidia-compute-{branch}", version, ""),
    ]


# What NVIDIA's archive calls a driver from 590 on, and what Lambda's archive does not have.
NEW_NAMES = [
    ("nvidia-open", "610.43.02-1ubuntu1", "libnvidia-compute"),
    ("libnvidia-compute", "610.43.02-1ubuntu1", ""),
    ("datacenter-gpu-manager-4-core", "4.6", ""),
]


def as_local(text: str) -> str:
    """The same pin for a repository of files."""
    return re.sub(r"Pin: origin \"?([^\s\"]+)\"?", r"Pin: release o=\1", text)


@pytest.fixture
def gh200_root(tmp_path) -> AptRoot:
    """A GH200's apt: Lambda's archive with its pin, NVIDIA's toolkit repository and Docker's beside it."""
    root = AptRoot(tmp_path / "root")
    repositories = {
        LAMBDA: [
            *toolkit(ON_LAMBDA),
            *driver("570-server", "570.148.08-0lambda0.22.04.1"),
            *driver("580-server", "580.105.08-0lambda0.22.04.1"),
            *engine("docker-ce", "5:28.0.0-0lambda0.22.04.1"),
            ("containerd.io", "1.7.0-1", ""),
        ],
        NVIDIA: [*toolkit("1.18.2-1"), *toolkit("1.19.1-1"), *toolkit(WANTED)],
        CUDA: [*driver("570", "570.211.01-1ubuntu1"), *driver("580", "580.178.04-1ubuntu1"), *NEW_NAMES],
        DOCKER: [
            *(
                package
                for version in ("29.6.1", "29.6.2", "29.60.0", "29.10.0")
                for package in engine("docker-ce", f"5:{version}-1~ubuntu.22.04~jammy")
            ),
            ("containerd.io", "2.2.6-1~ubuntu.22.04~jammy", ""),
        ],
    }
    for origin, packages in repositories.items():
        root.source(f"{origin.split('.')[-2]}.list", flat_repository(tmp_path / origin, origin, packages))
    root.preferences("lambda", LAMBDA_PIN)
    install_toolkit(root, ON_LAMBDA)
    root.update()
    return root


def install_toolkit(root: AptRoot, version: str) -> None:
    root.install(dict.fromkeys(TOOLKIT, version), {name: needs for name, _version, needs in toolkit(version) if needs})


def named(version: str) -> list[str]:
    return [f"{name}={version}" for name in TOOLKIT]


def test_a_without_a_pin_of_ours_lambdas_build_wins(gh200_root):
    assert gh200_root.candidate(TOOLKIT[0]) == ON_LAMBDA
    assert gh200_root.simulate("install", TOOLKIT[0]).installs == {}


def test_b_one_package_alone_cannot_be_upgraded(gh200_root):
    found = gh200_root.simulate("install", f"{TOOLKIT[0]}={WANTED}")
    assert found.status != 0 and f"{TOOLKIT[1]} (= {WANTED})" in found.text


def test_c_all_siblings_can_but_the_next_upgrade_takes_them_back(gh200_root):
    found = gh200_root.simulate("install", *named(WANTED))
    assert found.status == 0 and found.installs == dict.fromkeys(TOOLKIT, WANTED)
    install_toolkit(gh200_root, WANTED)
    assert gh200_root.simulate("dist-upgrade", "--allow-downgrades").installs == dict.fromkeys(TOOLKIT, ON_LAMBDA)


def test_d_our_pin_keeps_them(gh200_root):
    pin = toolkit_repository.Repository("https://nvidia.github.io/libnvidia-container", "arm64").pin
    gh200_root.preferences(toolkit_repository.PIN_PATH, as_local(pin))
    install_toolkit(gh200_root, WANTED)
    assert gh200_root.simulate("dist-upgrade", "--allow-downgrades").installs == {}
    assert gh200_root.candidate(TOOLKIT[0]) == WANTED
    assert gh200_root.candidate("docker-ce").endswith("0lambda0.22.04.1"), "our pin is for the toolkit's names only"


def docker(gh200, version: str) -> sources.Source:
    return sources.choose("docker", gh200["os_release"], gh200["machine"], version, f"https://{DOCKER}/linux")


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("", "5:29.60.0-1~ubuntu.22.04~jammy"),
        ("29.6", "5:29.6.2-1~ubuntu.22.04~jammy"),
        ("29.6.1", "5:29.6.1-1~ubuntu.22.04~jammy"),
        ("5:29.10.0-1~ubuntu.22.04~jammy", "5:29.10.0-1~ubuntu.22.04~jammy"),
    ],
)
def test_the_engines_pin_beats_lambdas(gh200_root, gh200, version, expected):
    assert gh200_root.candidate("docker-ce") == "5:28.0.0-0lambda0.22.04.1"
    pin = next(file for file in docker(gh200, version).files if file.path == sources.PIN_PATH)
    gh200_root.preferences(pin.path, as_local(pin.text))
    found = gh200_root.simulate("install", "docker-ce", "docker-ce-cli", "containerd.io")
    assert found.status == 0, found.text
    assert found.installs["docker-ce"] == found.installs["docker-ce-cli"] == expected
    assert found.installs["containerd.io"].startswith("2.2.6")
    assert gh200_root.candidate(TOOLKIT[0]) == ON_LAMBDA


def test_no_driver_comes_from_nvidias_archive_beside_lambdas(gh200_root):
    assert gh200_root.candidate("nvidia-open").startswith("610"), "without a pin the two would be mixed"
    gh200_root.preferences(driver_sources.FOREIGN_PATH, as_local(driver_sources.FOREIGN_PIN))
    for name in ("nvidia-open", "libnvidia-compute", "nvidia-driver-580-open"):
        assert gh200_root.candidate(name) == "(none)", name
    assert gh200_root.candidate("nvidia-driver-580-server-open") == "580.105.08-0lambda0.22.04.1"
    assert gh200_root.candidate("datacenter-gpu-manager-4-core") == "4.6", "what is no driver may come from there"


def test_a_branch_is_kept(gh200_root):
    wanted = {"branch": "580", "version": "", "repository_url": f"https://{CUDA}/compute/cuda/repos"}
    gh200_root.preferences(driver_sources.BRANCH_PATH, driver_sources.branch_pin(wanted, driver_sources.LAMBDA))
    assert gh200_root.candidate("nvidia-driver-570-server-open") == "(none)"
    found = gh200_root.simulate("install", "nvidia-driver-580-server-open=580.105.08-0lambda0.22.04.1")
    assert found.installs["libnvidia-compute-580-server"] == "580.105.08-0lambda0.22.04.1", found.text
