# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated machine: what is on its disk, what its kernel has loaded, and the files that show it."""

from __future__ import annotations

import json
import os
import shlex
import socket
import subprocess
import uuid
from pathlib import Path

STATE = Path("/var/lib/lab-gpu")
SYS, PROC = STATE / "sys", STATE / "proc"
LOG = Path("/var/log/lab-gpu.log")
PARTS = Path("/usr/share/lab-gpu")  # what the stub packages say of themselves: module/, library/, toolkit/
MODULE = SYS / "module/nvidia"
PARAMETERS = PROC / "driver/nvidia/params"
SECURE_BOOT = SYS / "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
CMDLINE, INITRAMFS = STATE / "boot/cmdline", STATE / "boot/modprobe.d"
PERSISTENCE = STATE / "persistence"
RELEASE, ARCHITECTURE = os.uname().release, os.uname().machine
MODULES = Path("/lib/modules") / RELEASE
NAME, MEMORY_MIB = "NVIDIA GH200 480GB", 97871
_NODES_KB = {0: 452150272, 1: 99090432}  # LPDDR5X of the CPU, HBM3 of the GPU


def write(path: Path, text: str | bytes) -> None:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)


def log(name: str, arguments: list[str]) -> None:
    """Add a command to the log, as a shell would read it."""
    try:
        with open(LOG, "a", encoding="utf-8") as file:
            file.write(f"{shlex.join([name, *arguments])}\n")
    except OSError:
        pass  # a caller who is not root


def parts(kind: str) -> list[dict]:
    """What the installed stub packages say of their modules, libraries or toolkits; those built by DKMS come first."""
    found = [json.loads(path.read_text()) for path in sorted((PARTS / kind).glob("*.json"))]
    return sorted(found, key=lambda item: item.get("kind") != "dkms")


def part(kind: str) -> dict | None:
    """The first of these: what counts."""
    return next(iter(parts(kind)), None)


def loaded() -> str | None:
    """The version of the loaded module."""
    try:
        return (MODULE / "version").read_text().strip()
    except OSError:
        return None


def mode() -> str:
    """What nvidia-smi is told to say; `healthy` leaves it to the state of the machine."""
    try:
        return (STATE / "mode").read_text().strip() or "healthy"
    except OSError:
        return "healthy"


def uuids() -> list[str]:
    """The GPUs' UUIDs: the same for a host name, different on another."""
    count = 2 if mode() == "two-gpus" else 1
    return [f"GPU-{uuid.uuid5(uuid.NAMESPACE_DNS, f'gpu{index}.{socket.gethostname()}')}" for index in range(count)]


def nvml() -> tuple[str, str] | None:
    """Why no GPU can be used: NVML's word for it and what nvidia-smi says. None when all is well."""
    library, forced = part("library"), mode()
    texts = {
        "not-loaded": "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. "
        "Make sure that the latest NVIDIA driver is installed and running.\n",
        "mismatch": "Failed to initialize NVML: Driver/library version mismatch\n"
        f"NVML library version: {short((library or {}).get('version', '580.105.08'))}",
        "no-devices": "No devices were found",
    }
    if library is None:
        return "ERROR_LIBRARY_NOT_FOUND", (
            "NVIDIA-SMI couldn't find libnvidia-ml.so library in your system. Please make sure that the NVIDIA Display "
            "Driver is properly installed and present in your system."
        )
    if forced == "not-loaded" or (forced not in texts and not loaded()):
        return "ERROR_DRIVER_NOT_LOADED", texts["not-loaded"]
    if forced == "mismatch" or (forced not in texts and loaded() != library["version"]):
        return "ERROR_LIB_RM_VERSION_MISMATCH", texts["mismatch"]
    if forced == "no-devices" or not open_flavour():
        return "ERROR_NOT_FOUND", texts["no-devices"]
    return None


def open_flavour() -> bool:
    """Whether the loaded module is the open one; the other finds no GH200."""
    try:
        return "Open Kernel Module" in (PROC / "driver/nvidia/version").read_text()
    except OSError:
        return False


def short(version: str) -> str:
    """580.105 of 580.105.08."""
    return ".".join(version.split(".")[:2])


def branch(version: str) -> int:
    return int(version.split(".")[0])


def options(module: str, folder: Path) -> dict[str, str]:
    """The options of a module in the files of a modprobe.d, later ones on top; `blacklist` is one of them."""
    found: dict[str, str] = {}
    for path in sorted(folder.glob("*.conf")):
        for line in path.read_text().splitlines():
            words = line.split()
            if words[:2] == ["blacklist", module]:
                found["blacklist"] = "1"
            elif words[:2] == ["options", module]:
                found.update(word.partition("=")[::2] for word in words[2:])
    return found


def load(folder: Path) -> str | None:
    """Load the module that is on the disk, with the options of a folder; give the kernel's reason when it refuses."""
    disk = part("module")
    if disk is None:
        return "not found"
    if (SYS / "module/nouveau").exists():
        return "No such device"
    if disk["kind"] == "dkms" and secure_boot():
        return "Key was rejected by service"
    if loaded():
        return None
    given = options("nvidia", folder)
    version, coherent = disk["version"], given.get("NVreg_CoherentGPUMemoryMode", "")
    write(MODULE / "version", f"{version}\n")
    for name in ("nvidia_uvm", "nvidia_modeset"):
        write(SYS / f"module/{name}/version", f"{version}\n")
    flavour = (
        f"Open Kernel Module for {ARCHITECTURE}" if disk["license"] != "NVIDIA" else f"{ARCHITECTURE} Kernel Module"
    )
    write(
        PROC / "driver/nvidia/version",
        f"NVRM version: NVIDIA UNIX {flavour}  {version}  Release Build  (sophia-lab@stand-in)\n"
        "GCC version:  gcc version 12.3.0 (Ubuntu 12.3.0-1ubuntu1~22.04.2)\n",
    )
    profiling = given.get("NVreg_RestrictProfilingToAdminUsers", "1")
    lines = ["ResmanDebugLevel: 4294967295", "ModifyDeviceFiles: 1", f"RmProfilingAdminOnly: {profiling}"]
    numa = coherent != "driver" or branch(version) < 580
    lines.append(f"EnableUserNUMAManagement: {int(numa)}")
    if branch(version) >= 580:
        lines.append(f'CoherentGPUMemoryMode: "{coherent}"')
    write(PARAMETERS, "".join(f"{line}\n" for line in lines))
    if numa:
        _node(1)
    return None


def secure_boot() -> bool | None:
    """Whether the firmware checks signatures; None where there is no EFI."""
    try:
        return SECURE_BOOT.read_bytes()[-1] == 1
    except OSError:
        return None


def _node(number: int) -> None:
    lines = {"MemTotal": _NODES_KB[number], "MemFree": _NODES_KB[number] // 2}
    text = "".join(f"Node {number} {name}:       {size} kB\n" for name, size in lines.items())
    write(SYS / f"devices/system/node/node{number}/meminfo", text)


def boot() -> None:
    """What firmware and kernel do at every boot: a fresh view of the machine, and the module where it can be loaded."""
    subprocess.run(["rm", "-rf", *map(str, (SYS / "module", SYS / "devices/system/node", PROC))], check=True)
    device = SYS / "bus/pci/devices/0000:dd:00.0"
    for name, value in {"vendor": "0x10de", "device": "0x2342", "class": "0x030200"}.items():
        if not (device / name).exists():
            write(device / name, f"{value}\n")
    if not SECURE_BOOT.parent.exists():
        write(SECURE_BOOT, b"\x06\x00\x00\x00\x00")
    write(PROC / "cmdline", CMDLINE.read_text() if CMDLINE.exists() else f"{cmdline()}\n")
    (SYS / "module").mkdir(parents=True)
    _node(0)
    # STATE/nouveau: the kernel has that driver, and takes the GPU with it unless the blacklist is in the initramfs.
    if (STATE / "nouveau").exists() and "blacklist" not in options("nouveau", INITRAMFS):
        (SYS / "module/nouveau").mkdir()
    load(INITRAMFS)
    write(PERSISTENCE, "Enabled" if os.environ.get("LAB_GPU") == "lambda_stack" else "Disabled")


def cmdline() -> str:
    """The kernel's command line as update-grub would write it now."""
    script = (
        "[ ! -e /etc/default/grub ] || . /etc/default/grub; "
        'for file in /etc/default/grub.d/*.cfg; do [ ! -e "$file" ] || . "$file"; done; '
        'printf %s "$GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX_DEFAULT"'
    )
    tokens = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout.split()
    return " ".join([f"BOOT_IMAGE=/boot/vmlinuz-{RELEASE}", "root=LABEL=cloudimg-rootfs", "ro", *tokens])


def update_initramfs() -> None:
    """Take the modprobe.d of now into the initramfs, from which the module is loaded at the next boot."""
    subprocess.run(["rm", "-rf", str(INITRAMFS)], check=True)
    INITRAMFS.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["cp", "-r", "/etc/modprobe.d", str(INITRAMFS)], check=True)
