"""The driver that came with the machine is kept, and held."""

testinfra_hosts = ["ansible://mol-3"]
VERSION = "570.148.08-0lambda0.22.04.1"
DRIVER = ["playbooks/hosts.yml", "--tags=nvidia_driver", "--limit=mol-3"]


def test_packages_are_kept_and_held(host):
    package = host.package("nvidia-driver-570-server-open")
    assert package.is_installed and package.version == VERSION
    held = host.check_output("apt-mark showhold").split()
    assert {"nvidia-driver-570-server-open", "nvidia-utils-570-server", "libnvidia-compute-570-server"} <= set(held)
    assert "lambda-stack-cuda" not in held


def test_nothing_else_is_changed(host):
    assert (
        host.run("ls /etc/modprobe.d/60-sophia-* /etc/apt/preferences.d/60-sophia-* /etc/sysctl.d/60-nvidia*").rc == 2
    )
    calls = host.check_output("cat /var/log/lab-gpu.log")
    assert not [name for name in ("update-grub", "modprobe ") if f"\n{name}" in calls]


def test_converged_host_needs_nothing_in_check_mode(playbook):
    run = playbook(*DRIVER, "--check", "--diff")
    assert (run.status, run.changed, run.failed) == (0, 0, 0), run.text


def test_info_tells_the_engine_of_the_gpu(host):
    facts = host.ansible("sophia.platform.nvidia_info", "expected_count=1", check=False)
    uuid = host.check_output("nvidia-smi --query-gpu=uuid --format=csv,noheader").strip()
    assert facts["generic_resources"] == [f"NVIDIA-GPU={uuid}"]
    assert facts["daemon_fragments"][0]["settings"]["default-runtime"] == "nvidia"
    assert (facts["driver_version"], facts["problems"]) == ("570.148.08", [])
    short = host.ansible("sophia.platform.nvidia_info", "expected_count=2", check=True)
    assert "nvidia-smi shows 1 of 2 expected GPUs" in short["problems"][0]
