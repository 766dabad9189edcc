"""An upgrade inside Lambda's archive, with the restart that it needs, and the way back."""

import json

import pytest

testinfra_hosts = ["ansible://mol-3"]
DRIVER = ["playbooks/hosts.yml", "--tags=nvidia_driver", "--limit=mol-3"]
BOOT = "cat /proc/sys/kernel/random/boot_id"
OURS = "/etc/modprobe.d/60-sophia-* /etc/apt/preferences.d/60-sophia-*"
pytestmark = pytest.mark.usefixtures("host")  # every test has it, so that pytest keeps their order


def with_(**variables):
    return [*DRIVER, "--extra-vars", json.dumps(variables)]


def test_upgrade_restarts_the_host_once(host, playbook):
    boot = host.check_output(BOOT)
    run = playbook(*with_(nvidia_driver_source="lambda_stack"), "--diff")
    assert (run.status, run.changed, run.failed) == (0, 2, 0), run.text
    assert "mol-3 restarts: the module 570.148.08 is loaded and 580.105.08 is on disk." in run.text
    assert "+nvidia-driver-570-server-open absent" in run.text
    assert host.check_output(BOOT) != boot
    assert "580.105.08" in host.check_output("nvidia-smi --query-gpu=driver_version --format=csv,noheader")
    params = host.file("/var/lib/lab-gpu/proc/driver/nvidia/params").content_string
    assert 'CoherentGPUMemoryMode: "driver"' in params
    assert "nvidia-driver-580-server-open" in host.check_output("apt-mark showhold")
    assert host.package("lambda-stack-cuda").is_installed


@pytest.mark.parametrize("source", ["lambda_stack", "auto"])
def test_second_run_changes_nothing(playbook, source):
    run = playbook(*with_(nvidia_driver_source=source), "--diff")
    assert (run.status, run.changed) == (0, 0), run.text


def test_interrupted_installation_is_finished(host, playbook):
    """As if dpkg had been killed between unpacking and configuring."""
    folder = "/usr/local/lib/lab-gpu/repositories/archive.lambdalabs.com"
    host.check_output(f"dpkg --unpack {folder}/nvidia-utils-580-server_*.deb")
    run = playbook(*with_(nvidia_driver_source="lambda_stack"))
    assert (run.status, run.changed) == (0, 1), run.text
    assert host.check_output("dpkg --audit") == ""
    assert playbook(*with_(nvidia_driver_source="lambda_stack")).changed == 0


def test_the_way_back(host, playbook):
    boot = host.check_output(BOOT)
    run = playbook(*with_(nvidia_driver_source="lambda_stack", nvidia_driver_branch="570"), "--diff")
    assert (run.status, run.changed) == (0, 2), run.text
    assert host.check_output(BOOT) != boot
    assert not host.file("/etc/modprobe.d/60-sophia-nvidia.conf").exists
    host.check_output(f"rm -f {OURS} && update-initramfs -u")
    run = playbook(*DRIVER)
    assert (run.status, run.changed) == (0, 0), run.text
