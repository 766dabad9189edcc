# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for modinfo, modprobe, dkms, mokutil, update-initramfs and update-grub."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from lab_gpu import machine

_PARAMETERS = {
    "NVreg_ResmanDebugLevel": "int",
    "NVreg_ModifyDeviceFiles": "int",
    "NVreg_EnableUserNUMAManagement": "int",
    "NVreg_RestrictProfilingToAdminUsers": "int",
    "NVreg_PreserveVideoMemoryAllocations": "int",
    "NVreg_EnableStreamMemOPs": "int",
}


def parameters(version: str) -> dict[str, str]:
    coherent = {"NVreg_CoherentGPUMemoryMode": "charp"} if machine.branch(version) >= 580 else {}
    return {**_PARAMETERS, **coherent}


def modinfo(arguments: list[str]) -> int:
    if "nvidia" not in arguments:
        os.execv("/usr/sbin/modinfo", ["modinfo", *arguments])  # noqa: S606
    disk = machine.part("module")
    if disk is None:
        print("modinfo: ERROR: Module nvidia not found.", file=sys.stderr)
        return 1
    fields = {
        "filename": f"{machine.MODULES}/{'updates/dkms' if disk['kind'] == 'dkms' else 'kernel/nvidia'}/nvidia.ko",
        "version": disk["version"],
        "license": disk["license"],
        "vermagic": f"{machine.RELEASE} SMP preempt mod_unload modversions {machine.ARCHITECTURE}",
    }
    short = {"-n": "filename", "-l": "license"}
    words = [word for word in arguments if word != "nvidia"]
    if words[:1] in (["-p"], ["--parameters"]):
        for name, kind in parameters(disk["version"]).items():
            print(f"{name}: ({kind})")
    elif words:
        field = short.get(words[0]) or words[-1].removeprefix("--field=").removeprefix("-F")
        if field in fields:
            print(fields[field])
    else:
        for name, value in fields.items():
            print(f"{name + ':':<15} {value}")
    return 0


def modprobe(arguments: list[str]) -> int:
    names = [word.replace("-", "_") for word in arguments if not word.startswith("-")]
    if not names or not names[0].startswith("nvidia"):
        os.execv("/usr/sbin/modprobe", ["modprobe", *arguments])  # noqa: S606
    if {"-r", "--remove"} & set(arguments):
        print("modprobe: FATAL: Module nvidia is in use.", file=sys.stderr)
        return 1
    problem = machine.load(Path("/etc/modprobe.d"))
    if problem == "not found":
        print(f"modprobe: FATAL: Module nvidia not found in directory {machine.MODULES}", file=sys.stderr)
    elif problem:
        print(f"modprobe: ERROR: could not insert 'nvidia': {problem}", file=sys.stderr)
    elif Path("/run/systemd/system").exists():
        os.system("systemctl --quiet --no-block start lab-gpu-device.service")  # noqa: S605, S607 as udev would
    return 1 if problem else 0


def dkms(arguments: list[str]) -> int:
    if arguments[:1] != ["status"]:
        print(f"dkms (stand-in): only `status` is simulated, not {arguments}", file=sys.stderr)
        return 2
    for module in machine.parts("module"):
        if module["kind"] == "dkms":
            where = f"{machine.RELEASE}, {machine.ARCHITECTURE}"
            print(f"{module['dkms_name']}/{module['version']}, {where}: installed")
    return 0


def mokutil(arguments: list[str]) -> int:
    state = machine.secure_boot()
    if state is None:
        print("EFI variables are not supported on this system", file=sys.stderr)
        return 1
    if arguments != ["--sb-state"]:
        print(f"mokutil (stand-in): only `--sb-state` is simulated, not {arguments}", file=sys.stderr)
        return 2
    print(f"SecureBoot {'enabled' if state else 'disabled'}")
    return 0


def update_initramfs(_arguments: list[str]) -> int:
    machine.update_initramfs()
    print(f"update-initramfs: Generating /boot/initrd.img-{machine.RELEASE}")
    return 0


def update_grub(_arguments: list[str]) -> int:
    machine.write(machine.CMDLINE, f"{machine.cmdline()}\n")
    print("Generating grub configuration file ...\ndone", file=sys.stderr)
    return 0
