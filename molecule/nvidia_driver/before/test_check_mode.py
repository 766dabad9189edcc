"""Check mode on a host with the driver that came with it; its GPU is a stand-in."""

testinfra_hosts = ["ansible://mol-3"]
DRIVER = ["playbooks/hosts.yml", "--tags=nvidia_driver", "--limit=mol-3"]


def test_predicts_and_changes_nothing(host, playbook):
    """Another scenario may have been here; so holds are taken away and the calls of its engine forgotten first."""
    host.check_output("apt-mark showhold | grep nvidia | grep -v container | xargs -r apt-mark unhold")
    host.check_output("truncate --size=0 /var/log/lab-gpu.log")
    before = host.check_output("apt-mark showhold")
    run = playbook(*DRIVER, "--check", "--diff")
    assert (run.status, run.changed, run.failed) == (0, 1, 0), run.text
    assert "+nvidia-driver-570-server-open 570.148.08-0lambda0.22.04.1 (held)" in run.text
    assert "lambda-stack-cuda" not in run.text and "nvidia-container-toolkit 1" not in run.text
    assert host.check_output("apt-mark showhold") == before


def test_predicts_an_upgrade_with_its_restart(host, playbook):
    boot = host.check_output("cat /proc/sys/kernel/random/boot_id")
    run = playbook(*DRIVER, "--check", "--diff", "--extra-vars=nvidia_driver_source=lambda_stack")
    assert (run.status, run.changed, run.failed) == (0, 2, 0), run.text
    assert "+nvidia-driver-580-server-open 580.105.08-0lambda0.22.04.1 (held)" in run.text
    assert "+nvidia-driver-570-server-open absent" in run.text
    assert "+options nvidia NVreg_CoherentGPUMemoryMode=driver" in run.text
    assert "mol-3 would restart: the driver is changed while its module 570.148.08 is loaded." in run.text
    assert host.package("nvidia-driver-570-server-open").is_installed
    assert not host.file("/etc/modprobe.d/60-sophia-nvidia.conf").exists
    assert host.check_output("cat /proc/sys/kernel/random/boot_id") == boot
