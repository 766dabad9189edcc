"""What is wrong with a GPU is told, with what to do, and nothing is changed."""

import json

import pytest

testinfra_hosts = ["ansible://mol-3"]
DRIVER = ["playbooks/hosts.yml", "--tags=nvidia_driver", "--limit=mol-3"]
MODE = "/var/lib/lab-gpu/mode"
FOREIGN = "/etc/apt/sources.list.d/cuda-debian13.list"


def refused(run, *words):
    assert (run.status, run.changed, run.failed) == (2, 0, 1), run.text
    assert [word for word in words if word not in run.text] == [], run.text


def with_(**variables):
    return [*DRIVER, "--extra-vars", json.dumps(variables)]


@pytest.fixture
def mode(host):
    def force(name):
        host.check_output(f"echo {name} > {MODE}")

    yield force
    force("healthy")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no-devices", ["nvidia-smi ended with 6", "No devices were found", "lspci -d 10de:"]),
        ("not-loaded", ["nvidia-smi ended with 9", "the driver is not loaded"]),
        ("mismatch", ["nvidia-smi ended with 18", "It is not allowed", "nvidia_driver_reboot is never"]),
    ],
)
def test_states_of_the_driver(host, playbook, mode, name, words):
    mode(name)
    boot = host.check_output("cat /proc/sys/kernel/random/boot_id")
    refused(playbook(*with_(nvidia_driver_reboot="never")), *words)
    assert host.check_output("cat /proc/sys/kernel/random/boot_id") == boot


@pytest.mark.parametrize("name", ["two-gpus", "junk"])
def test_states_that_are_fine(playbook, mode, name):
    mode(name)
    run = playbook(*DRIVER)
    assert (run.status, run.changed) == (0, 0), run.text


def test_foreign_archive(host, playbook):
    line = "deb http://developer.download.nvidia.com:8099/compute/cuda/repos/debian13/x86_64/ /"
    host.check_output(f"echo '{line}' > {FOREIGN}")
    try:
        refused(playbook(*DRIVER), FOREIGN, "nvidia_driver_allow_foreign_repository")
    finally:
        host.check_output(f"rm {FOREIGN}")


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        (
            {
                "nvidia_driver_expected_name_regex": "H200 NVL",
                "nvidia_driver_expected_memory_mib": 140000,
                "nvidia_driver_expected_count": 2,
            },
            ["'NVIDIA GH200 480GB' and should match", "97871 MiB of memory, expected", "PCI bus has 1 of 2 expected"],
        ),
        ({"nvidia_driver_source": "nvidia"}, ["drivers of the two archives break each other"]),
        (
            {
                "nvidia_driver_source": "lambda_stack",
                "nvidia_driver_version": "580.200.01",
                "nvidia_driver_reboot": "never",
            },
            [
                "of 580.200.01 is not on offer from lambda_stack; apt knows 580.105.08-0lambda0.22.04.1",
                "while its module 570.148.08 is loaded",
                "nvidia_driver_reboot is never",
            ],
        ),
    ],
)
def test_wishes_that_cannot_be_had(host, playbook, variables, words):
    refused(playbook(*with_(**variables)), *words)
    assert host.package("nvidia-driver-570-server-open").is_installed


def test_secure_boot_refuses_modules_that_are_built_here(host, playbook):
    variable = "/var/lib/lab-gpu/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    host.check_output(rf"printf '\006\000\000\000\001' > {variable}")
    try:
        refused(playbook(*with_(nvidia_driver_source="lambda_stack")), "Secure Boot is on", "(DKMS)")
    finally:
        host.check_output(rf"printf '\006\000\000\000\000' > {variable}")


def test_packages_that_are_no_driver_are_not_removed(host, playbook):
    """A package that wants the old branch would have to go."""
    host.check_output(
        "mkdir -p /tmp/mine/DEBIAN && printf 'Package: mine\\nVersion: 1\\nArchitecture: all\\nMaintainer: me\\n"
        "Description: x\\nDepends: nvidia-driver-570-server-open\\n' > /tmp/mine/DEBIAN/control"
        " && dpkg-deb -b /tmp/mine /tmp/mine.deb && dpkg -i /tmp/mine.deb"
    )
    try:
        refused(playbook(*with_(nvidia_driver_source="lambda_stack")), "apt would remove mine", "no part of the driver")
        assert host.package("mine").is_installed
    finally:
        host.check_output("dpkg -P mine && rm -r /tmp/mine /tmp/mine.deb")
