"""The simulated GPU of the lab's hosts against what gh200_hosts.md tells of real ones, on hosts of these tests' own."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass

import pytest
import yaml

from lab import commands, docker, settings

TOOLKIT = (
    "nvidia-container-toolkit",
    "nvidia-container-toolkit-base",
    "libnvidia-container-tools",
    "libnvidia-container1",
)
QUERY = ("nvidia-smi", "--query-gpu=index,uuid,name,memory.total,driver_version", "--format=csv,noheader,nounits")
CONFIG = "/etc/nvidia-container-runtime/config.toml"
UNKNOWN = "GPU-00000000-0000-0000-0000-000000000000"
HOSTS = {
    "stack": {"ansible_port": 2264, "private_address": "10.81.0.24", "lab_gpu": "lambda_stack"},
    "bare": {"ansible_port": 2265, "private_address": "10.81.0.25", "lab_gpu": "bare"},
    "upgrade": {"ansible_port": 2266, "private_address": "10.81.0.26", "lab_gpu": "lambda_stack"},
    "old": {"ansible_port": 2267, "private_address": "10.81.0.27", "lab_release": "bookworm"},
}


@dataclass(frozen=True)
class Machine:
    """A host of these tests."""

    container: str

    def run(self, *command: str, environment: dict[str, str] | None = None):
        """How a command ended."""
        options = [part for name, value in (environment or {}).items() for part in ("--env", f"{name}={value}")]
        return docker.run("exec", *options, self.container, *command, check=False, timeout_seconds=60)

    def sh(self, script: str) -> str:
        """What a script that must succeed said."""
        done = docker.run("exec", "-i", self.container, "sh", "-e", stdin=script, check=False, timeout_seconds=60)
        assert done.returncode == 0, f"{script}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def install(self, *packages: str, simulated: bool = False):
        """Install packages by apt-get, downgrades too."""
        options = ["-y", "--allow-downgrades", "-s" if simulated else "-qq"]
        return self.run("apt-get", "install", *options, *packages, environment={"DEBIAN_FRONTEND": "noninteractive"})

    def reboot(self) -> None:
        before = self.sh("cat /proc/sys/kernel/random/boot_id")
        self.run("systemctl", "reboot")
        deadline = time.monotonic() + 30
        state = ""
        while state not in ("running", "degraded"):
            assert time.monotonic() < deadline, state
            time.sleep(0.2)
            done = self.run("sh", "-c", "cat /proc/sys/kernel/random/boot_id; systemctl is-system-running")
            boot, _, state = done.stdout.strip().partition("\n")
            state = "" if boot == before else state


@pytest.fixture(scope="module")
def hosts(tmp_path_factory):
    """Running hosts of every kind, by name; removed afterwards."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": HOSTS}}))
    prefix = f"{settings.read().prefix}-gpu"
    lab = settings.read(folder / "hosts.yml", {"LAB_PREFIX": prefix, "LAB_STATE": str(folder / "state")})
    try:
        commands.up(lab, fresh=True, with_registry=False)
        yield {host.name: Machine(host.container) for host in lab.hosts}
    finally:
        commands.down(lab, with_state=True)


@pytest.fixture(scope="module")
def nvidia_repository(hosts):
    """Both toolkit hosts know NVIDIA's repository, as a role would add it."""
    for name in ("stack", "bare"):
        url = "http://nvidia.github.io:8099/libnvidia-container"
        hosts[name].sh(
            f"curl -fsS {url}/gpgkey -o /etc/apt/keyrings/nvidia.asc\n"
            f'echo "deb [signed-by=/etc/apt/keyrings/nvidia.asc] {url}/stable/deb/\\$(ARCH) /" '
            ">/etc/apt/sources.list.d/nvidia.list\n"
            "apt-get update -qq -o Dir::Etc::sourcelist=/dev/null -o APT::Get::List-Cleanup=0"
        )


def versions(machine: Machine, *patterns: str) -> dict[str, str]:
    """The installed packages whose names fit, with their versions."""
    done = machine.run("dpkg-query", "-W", "-f=${db:Status-Abbrev} ${Package} ${Version}\n", *patterns)
    rows = [line.split() for line in done.stdout.splitlines()]
    return {name: version for status, name, version in (row for row in rows if len(row) == 3) if status == "ii"}


# ── what a host shows ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_host_without_a_gpu_shows_nothing_of_it(hosts):
    machine = hosts["old"]
    assert machine.sh("command -v nvidia-smi nvidia-ctk dkms mokutil || echo none") == "none"
    assert machine.sh("ls /usr/local/sbin; command -v modinfo") == "lab-init\n/usr/sbin/modinfo"
    assert (
        machine.sh("ls /etc/apt/sources.list.d /etc/apt/preferences.d | grep -c : ; ls -d /var/lib/lab-gpu || :") == "2"
    )
    assert "8099" not in machine.sh("cat /etc/apt/sources.list; cat /proc/net/tcp; cat /etc/hosts")


def test_bookworm_runs_and_has_its_engine_at_hand(hosts):
    machine = hosts["old"]
    assert machine.sh("systemctl is-system-running || :") in ("running", "degraded")
    assert "VERSION_CODENAME=bookworm" in machine.sh("cat /etc/os-release")
    assert machine.sh("systemctl --version").startswith("systemd 252")
    done = machine.install("docker.io")
    assert done.returncode == 0, done.stderr
    assert machine.sh("docker info --format '{{.ServerVersion}}'").startswith("20.10.24")


def test_lambdas_image_has_a_driver_and_a_toolkit(hosts):
    machine = hosts["stack"]
    assert machine.sh("systemctl is-system-running") == "running"
    found = versions(machine, "*nvidia*", "lambda-*")
    assert found["lambda-stack-cuda"] == "0.1.17~22.04.1"
    assert found["nvidia-driver-570-server-open"] == "570.148.08-0lambda0.22.04.1"
    assert {found[name] for name in TOOLKIT} == {"1.18.1-0lambda0.22.04.1"}
    index, uuid, name, memory, driver = machine.sh(" ".join(QUERY)).split(", ")
    assert (index, name, memory, driver) == ("0", "NVIDIA GH200 480GB", "97871", "570.148.08")
    assert machine.sh("nvidia-smi -L") == f"GPU 0: NVIDIA GH200 480GB (UUID: {uuid})"
    modes = "addressing_mode,c2c.mode,mig.mode.current,persistence_mode,ecc.mode.current"
    assert (
        machine.sh(f"nvidia-smi --query-gpu={modes} --format=csv,noheader")
        == "ATS, Enabled, Disabled, Enabled, Enabled"
    )
    assert machine.sh("nvidia-smi --query-gpu=memory.total,uuid --format=csv").splitlines() == [
        "memory.total [MiB], uuid",
        f"97871 MiB, {uuid}",
    ]
    assert machine.sh("nvidia-smi --version").splitlines()[0] == "NVIDIA-SMI version  : 570.148.08"
    assert uuid != hosts["upgrade"].sh("nvidia-smi --query-gpu=uuid --format=csv,noheader")
    assert machine.sh("nvidia-ctk cdi list 2>/dev/null").splitlines()[1] == f"nvidia.com/gpu={uuid}"


def test_lambdas_image_shows_the_kernels_view(hosts):
    machine = hosts["stack"]
    assert machine.sh("modinfo -F license nvidia; modinfo -F version nvidia") == "Dual MIT/GPL\n570.148.08"
    assert "CoherentGPUMemoryMode" not in machine.sh("modinfo -p nvidia")
    root = "/var/lib/lab-gpu"
    version = machine.sh(f"cat {root}/proc/driver/nvidia/version").splitlines()[0]
    assert version.startswith("NVRM version: NVIDIA UNIX Open Kernel Module for ")
    assert "  570.148.08  Release Build  (" in version
    assert machine.sh(f"cat {root}/sys/bus/pci/devices/0000:dd:00.0/vendor") == "0x10de"
    assert "99090432 kB" in machine.sh(f"cat {root}/sys/devices/system/node/node1/meminfo")
    assert machine.sh("dkms status").startswith("nvidia/570.148.08, ")
    assert machine.sh("mokutil --sb-state") == "SecureBoot disabled"
    assert machine.sh("systemctl is-enabled nvidia-persistenced.service || :") == "static"
    assert machine.sh("test -d /lib/modules/$(uname -r)/build && echo headers") == "headers"


MODES = [
    ("not-loaded", 9, "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure"),
    ("no-devices", 6, "No devices were found"),
    ("mismatch", 18, "Failed to initialize NVML: Driver/library version mismatch\nNVML library version: 570.148"),
    ("junk", 0, "WARNING"),
    ("two-gpus", 0, "0, GPU-"),
    ("healthy", 0, "0, GPU-"),
]


@pytest.mark.parametrize(("mode", "status", "said"), MODES)
def test_nvidia_smi_says_what_its_mode_wants(hosts, mode, status, said):
    machine = hosts["stack"]
    machine.sh(f"echo {mode} >/var/lib/lab-gpu/mode")
    done = machine.run(*QUERY)
    assert (done.returncode, done.stdout[: len(said)]) == (status, said)
    lines = done.stdout.strip().splitlines()
    assert len(lines) == {"mismatch": 2, "junk": 2, "two-gpus": 2}.get(mode, 1)
    if status:
        made = machine.run("nvidia-ctk", "cdi", "generate", "--output=/tmp/cdi.yaml")
        assert made.returncode == 1
        assert "failed to initialize NVML: ERROR_" in made.stderr


def test_a_bare_host_has_a_gpu_but_no_driver(hosts):
    machine = hosts["bare"]
    assert machine.sh("command -v nvidia-smi nvidia-ctk || echo none") == "none"
    assert machine.run("modinfo", "-F", "version", "nvidia").returncode == 1
    assert "FATAL: Module nvidia not found" in machine.run("modprobe", "nvidia").stderr
    assert machine.sh("cat /var/lib/lab-gpu/sys/bus/pci/devices/*/device") == "0x2342"
    assert versions(machine, "*nvidia*", "lambda*") == {}
    candidates = machine.sh(
        "apt-cache policy nvidia-driver-580-server-open linux-modules-nvidia-580-server-open-generic"
    )
    assert candidates.count("Candidate: 580.95.05-0ubuntu0.24.04.1") == 2
    assert "http://archive.ubuntu.lab:8099" in candidates


# ── apt ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_lambdas_pin_holds_the_toolkit_together_and_back(hosts, nvidia_repository):
    machine = hosts["stack"]
    policy = machine.sh("apt-cache policy nvidia-container-toolkit")
    assert "Candidate: 1.18.1-0lambda0.22.04.1" in policy
    assert [version in policy for version in ("1.18.2-1 500", "1.19.1-1 500", "1.20.0-1 500")] == [True] * 3
    alone = machine.install("nvidia-container-toolkit=1.20.0-1", simulated=True)
    assert alone.returncode == 100
    assert "nvidia-container-toolkit-base (= 1.20.0-1) but 1.18.1-0lambda0.22.04.1 is to be installed" in alone.stdout
    together = machine.install(*(f"{name}=1.20.0-1" for name in TOOLKIT))
    assert together.returncode == 0, together.stderr
    assert {versions(machine, *TOOLKIT)[name] for name in TOOLKIT} == {"1.20.0-1"}
    back = machine.sh("apt-get upgrade -s")
    assert "4 downgraded" in back
    machine.sh(
        "printf 'Package: nvidia-container-toolkit* libnvidia-container*\\nPin: origin nvidia.github.io\\n"
        "Pin-Priority: 1002\\n' >/etc/apt/preferences.d/61-nvidia-container-toolkit"
    )
    assert "4 downgraded" not in machine.sh("apt-get upgrade -s")


def test_units_move_with_the_toolkits_version(hosts, nvidia_repository):
    machine = hosts["stack"]  # it has 1.20.0 by now
    assert machine.sh("ls -d /etc/systemd/system/nvidia-cdi-* || :") == ""
    assert machine.sh("systemctl show -P FragmentPath nvidia-cdi-refresh.path").endswith(
        "/lib/systemd/system/nvidia-cdi-refresh.path"
    )
    assert machine.sh("systemctl is-active nvidia-cdi-refresh.path; cat /var/run/cdi/nvidia.yaml").startswith(
        "active\n"
    )


PLAIN, OTHER = '"DOCKER_RESOURCE_GPU"', '"DOCKER_RESOURCE_NVIDIA-GPU"'
LIST = '"DOCKER_RESOURCE_GPU,DOCKER_RESOURCE_NVIDIA-GPU"'


@pytest.mark.parametrize(
    ("version", "set_plain", "hand_plain"),
    [("1.18.2", False, False), ("1.19.1", True, False), ("1.20.0", True, True)],
)
def test_swarm_resource_goes_and_stays_as_the_version_has_it(hosts, nvidia_repository, version, set_plain, hand_plain):
    machine = hosts["bare"]
    done = machine.install(*(f"{name}={version}-1" for name in TOOLKIT))
    assert done.returncode == 0, done.stderr
    assert machine.sh("nvidia-ctk --version").splitlines()[0] == f"NVIDIA Container Toolkit CLI version {version}"
    postinst = f"nvidia-ctk --quiet config --config-file={CONFIG} --in-place"

    def written(by_hand: str = "", command: str = postinst) -> str:
        edit = f"sed -i 's/^#*swarm-resource = .*/swarm-resource = {by_hand}/' {CONFIG}" if by_hand else f"rm {CONFIG}"
        return machine.sh(f"{postinst}\n{edit}\n{command}\ngrep swarm-resource {CONFIG}")

    def given(value: str) -> str:
        return f"nvidia-ctk config --set swarm-resource={value} --in-place"

    off, plain = f"#swarm-resource = {PLAIN}", f"swarm-resource = {PLAIN}"
    assert written() == off
    assert written(command=given("DOCKER_RESOURCE_GPU")) == (plain if set_plain else off)
    assert written(PLAIN) == (plain if hand_plain else off)
    assert written(command=f"{given('DOCKER_RESOURCE_NVIDIA-GPU')}\n{postinst}") == f"swarm-resource = {OTHER}"
    assert written(LIST) == f"swarm-resource = {LIST}"
    refused = machine.run("nvidia-ctk", "config", "--set", "swarm-resource=A,B", "--in-place")
    assert refused.returncode == 1
    assert "undefined field" in refused.stderr


# ── the container runtime ────────────────────────────────────────────────────────────────────────────────────────────


def created(machine: Machine, **environment: str):
    """How the runtime ends that is to create a container with an environment; runc is played by `true`."""
    names = [f"{name.replace('__', '-')}={value}" for name, value in environment.items()]
    document = {"process": {"env": names}, "mounts": []}
    machine.sh(
        f"mkdir -p /tmp/bundle; cat >/tmp/bundle/config.json <<'END'\n{json.dumps(document)}\nEND\n"
        "[ -e /usr/local/bin/runc ] || ln -s /bin/true /usr/local/bin/runc"
    )
    return machine.run("nvidia-container-runtime", "--root", "/tmp", "create", "--bundle", "/tmp/bundle", "x")


def test_the_runtime_heeds_the_swarms_variable_since_1_19(hosts, nvidia_repository):
    machine = hosts["stack"]
    mine = machine.sh("nvidia-smi --query-gpu=uuid --format=csv,noheader")
    machine.sh("nvidia-ctk config --set swarm-resource=DOCKER_RESOURCE_NVIDIA-GPU --in-place")
    wrong = {"NVIDIA_VISIBLE_DEVICES": "all", "DOCKER_RESOURCE_NVIDIA__GPU": UNKNOWN}
    refused = created(machine, **wrong)
    assert refused.returncode == 1
    assert f"unresolvable CDI devices nvidia.com/gpu={UNKNOWN}" in refused.stderr
    assert created(machine, DOCKER_RESOURCE_NVIDIA__GPU=mine).returncode == 0
    assert json.loads(machine.sh("cat /tmp/bundle/config.json"))["mounts"][0]["destination"] == "/usr/bin/nvidia-smi"
    assert created(machine, PATH="/bin").returncode == 0
    assert json.loads(machine.sh("cat /tmp/bundle/config.json"))["mounts"] == []
    done = machine.install(*(f"{name}=1.18.1-0lambda0.22.04.1" for name in TOOLKIT))
    assert done.returncode == 0, done.stderr
    assert created(machine, **wrong).returncode == 0  # the bug of 1.18
    machine.sh("nvidia-ctk config --set nvidia-container-runtime.mode=legacy --in-place")
    assert created(machine, **wrong).returncode == 1


def test_runtime_configure_writes_what_the_real_one_does(hosts, nvidia_repository):
    shown = hosts["stack"].sh("nvidia-ctk runtime configure --runtime=docker --set-as-default --dry-run")
    document = {"default-runtime": "nvidia", "runtimes": {"nvidia": {"args": [], "path": "nvidia-container-runtime"}}}
    assert shown == json.dumps(document, indent=4)


# ── a new driver, and a reboot ───────────────────────────────────────────────────────────────────────────────────────


def test_an_upgrade_replaces_the_branch_and_wants_a_reboot(hosts):
    machine = hosts["upgrade"]
    options = "options nvidia NVreg_CoherentGPUMemoryMode=driver"
    cmdline = 'GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT init_on_alloc=0"'
    machine.sh(
        f"echo '{options}' >/etc/modprobe.d/60-gh200-nvidia.conf\n"
        f"echo '{cmdline}' >/etc/default/grub.d/60-gh200.cfg\nupdate-initramfs -u\nupdate-grub\ntouch /run/was-here"
    )
    done = machine.install("nvidia-driver-580-server-open=580.105.08-0lambda0.22.04.1")
    assert done.returncode == 0, done.stderr
    found = versions(machine, "*nvidia*")
    assert [name for name in found if "570" in name] == []
    assert found["nvidia-dkms-580-server-open"] == "580.105.08-0lambda0.22.04.1"
    assert "lambda-stack-cuda" in versions(machine, "lambda-*")
    seen = machine.run("nvidia-smi")
    assert (seen.returncode, seen.stdout.splitlines()[1]) == (18, "NVML library version: 580.105")
    loaded = "cat /var/lib/lab-gpu/sys/module/nvidia/version; modinfo -F version nvidia"
    assert machine.sh(loaded) == "570.148.08\n580.105.08"
    machine.reboot()
    assert machine.sh(" ".join(QUERY)).endswith(", NVIDIA GH200 480GB, 97871, 580.105.08")
    assert machine.sh(loaded) == "580.105.08\n580.105.08"
    assert 'CoherentGPUMemoryMode: "driver"' in machine.sh("cat /var/lib/lab-gpu/proc/driver/nvidia/params")
    assert machine.sh("cat /var/lib/lab-gpu/proc/cmdline").endswith(" init_on_alloc=0")
    assert machine.sh("ls -d /run/was-here /var/lib/lab-gpu/sys/devices/system/node/node1 2>/dev/null || :") == ""
    assert machine.sh("systemctl is-active nvidia-persistenced nvidia-cdi-refresh.path") == "active\nactive"
    commands_seen = machine.sh("cat /var/log/lab-gpu.log").splitlines()
    assert {"update-initramfs -u", "update-grub", "nvidia-smi"} <= set(commands_seen)


def test_nouveau_and_secure_boot_keep_the_module_out(hosts):
    machine = hosts["upgrade"]
    boot = "/var/lib/lab-gpu/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    machine.sh(f"touch /var/lib/lab-gpu/nouveau\nprintf '\\006\\000\\000\\000\\001' >{boot}")
    machine.reboot()
    assert machine.sh("mokutil --sb-state; ls /var/lib/lab-gpu/sys/module") == "SecureBoot enabled\nnouveau"
    assert machine.run("nvidia-smi").returncode == 9
    machine.sh("echo 'blacklist nouveau' >/etc/modprobe.d/60-gh200-nouveau.conf\nupdate-initramfs -u")
    machine.reboot()
    assert machine.sh("ls /var/lib/lab-gpu/sys/module") == ""
    assert "Key was rejected by service" in machine.run("modprobe", "nvidia").stderr
    machine.sh(f"printf '\\006\\000\\000\\000\\000' >{boot}")
    machine.sh("modprobe nvidia")
    assert machine.run("nvidia-smi").returncode == 0
