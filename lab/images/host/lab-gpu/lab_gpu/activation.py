# SPDX-License-Identifier: GPL-3.0-or-later
"""What `lab-init` asks for before systemd: a host that plays one with a GPU, at its first boot and at each boot."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from lab_gpu import commands, machine, serve

HOME = Path("/usr/local/lib/lab-gpu")
MARKER = machine.STATE / "activated"
UNITS = "/etc/systemd/system"
KEYRINGS = Path("/usr/share/keyrings")
LAMBDA, UBUNTU = "archive.lambdalabs.com", "archive.ubuntu.lab"
PREINSTALLED = (
    *("lambda-server", "lambda-stack-cuda", "nvidia-driver-570-server-open", "nvidia-dkms-570-server-open"),
    *("nvidia-kernel-common-570-server", "libnvidia-compute-570-server", "nvidia-utils-570-server"),
    *("nvidia-compute-utils-570-server", "nvidia-container-toolkit", "nvidia-container-toolkit-base"),
    *("libnvidia-container-tools", "libnvidia-container1"),
)


def lab_gpu(arguments: list[str]) -> int:
    """`lab-gpu boot`, run by lab-init."""
    gpu = os.environ.get("LAB_GPU", "none")
    if arguments != ["boot"] or gpu not in ("bare", "lambda_stack"):
        return 0
    os.environ.update(DEBIAN_FRONTEND="noninteractive", SYSTEMD_OFFLINE="1", LC_ALL="C")
    if not MARKER.exists():
        _activate(gpu)
        MARKER.touch()
    machine.boot()
    return 0


def _activate(gpu: str) -> None:
    machine.STATE.mkdir(parents=True, exist_ok=True)
    machine.write(machine.STATE / "mode", "healthy\n")
    for name in commands.ALWAYS:
        _link(f"/usr/local/sbin/{name}", HOME / "lab-gpu")
    for unit in sorted((HOME / "units").iterdir()):
        _link(f"{UNITS}/{unit.name}", unit)
    for wanted in (
        "sockets.target.wants/lab-gpu-repositories.socket",
        "multi-user.target.wants/lab-gpu-device.service",
    ):
        _link(f"{UNITS}/{wanted}", HOME / "units" / wanted.rpartition("/")[2])
    machine.write(Path("/etc/default/grub"), 'GRUB_CMDLINE_LINUX=""\nGRUB_CMDLINE_LINUX_DEFAULT=""\n')
    cloud = Path("/etc/default/grub.d/50-cloudimg-settings.cfg")
    machine.write(cloud, 'GRUB_CMDLINE_LINUX_DEFAULT="console=tty1 console=ttyAMA0"\n')
    (machine.MODULES / "build").mkdir(parents=True, exist_ok=True)  # the kernel's headers
    (machine.MODULES / "modules.dep").touch()
    Path("/etc/modprobe.d").mkdir(exist_ok=True)
    _source("ubuntu-archive-keyring.gpg", "ubuntu.list", UBUNTU)
    if gpu == "lambda_stack":
        _source("lambda-archive-keyring.gpg", "lambda-repository.list", LAMBDA)
        pin = f"Package: *\nPin: origin {LAMBDA}\nPin-Priority: 1001\n"
        machine.write(Path("/etc/apt/preferences.d/lambda-repository"), pin)
        files = [next((HOME / "repositories" / LAMBDA).glob(f"{name}_*.deb")) for name in PREINSTALLED]
        with open(machine.STATE / "dpkg.log", "w", encoding="utf-8") as log:
            subprocess.run(["dpkg", "--install", *files], stdout=log, stderr=log, check=True)
    machine.update_initramfs()
    machine.write(machine.CMDLINE, f"{machine.cmdline()}\n")


def _source(keyring: str, name: str, host: str) -> None:
    """Write an apt source with its key, and its lists as if `apt-get update` had run."""
    repository = HOME / "repositories" / host
    shutil.copy(repository / "gpgkey.gpg", KEYRINGS / keyring)
    line = f"deb [signed-by={KEYRINGS / keyring}] http://{host}:{serve.PORT}/ubuntu ./\n"
    machine.write(Path("/etc/apt/sources.list.d") / name, line)
    for index in ("InRelease", "Packages"):
        shutil.copy(repository / index, f"/var/lib/apt/lists/{host}:{serve.PORT}_ubuntu_._{index}")


def _link(name: str, target: Path) -> None:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.symlink_to(target)
