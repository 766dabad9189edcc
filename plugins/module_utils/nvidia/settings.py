# SPDX-License-Identifier: GPL-3.0-or-later
"""The files of a driver's configuration: module options, sysctls, kernel parameters, persistence. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.host.files import File
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import parse

NOUVEAU_PATH = "/etc/modprobe.d/60-sophia-nouveau.conf"
OPTIONS_PATH = "/etc/modprobe.d/60-sophia-nvidia.conf"
SYSCTL_PATH = "/etc/sysctl.d/60-nvidia.conf"
# It sorts behind the cloud image's 50-cloudimg-settings.cfg, which sets the variable anew.
GRUB_PATH = "/etc/default/grub.d/60-sophia-nvidia.cfg"
PERSISTENCE_PATH = "/etc/systemd/system/nvidia-persistenced.service.d/10-sophia.conf"
PERSISTENCE_UNIT = "nvidia-persistenced.service"
WRITTEN = "# Written by the role nvidia_driver.\n"
COHERENT_PARAMETER, COHERENT_PROC = "NVreg_CoherentGPUMemoryMode", "CoherentGPUMemoryMode"
COHERENT_SINCE = 580
# NVIDIA's unit is static, stops when nothing needs it, and turns persistence off; the user without rights is kept.
PERSISTENCE = f"""{WRITTEN}[Unit]
StopWhenUnneeded=false
[Service]
ExecStart=
ExecStart=/usr/bin/nvidia-persistenced --user nvidia-persistenced --persistence-mode --verbose
"""

Seen = Mapping[str, Any]
Wanted = Mapping[str, Any]


def knows_coherent_mode(seen: Seen, wanted: Wanted, installing: bool) -> bool:
    """Say whether the module that the next start loads has the parameter."""
    if installing or seen["on_disk"] is None:
        return int(wanted["branch"]) >= COHERENT_SINCE
    return COHERENT_PARAMETER in seen["on_disk"]["parameters"]


def coherent_mode(seen: Seen, wanted: Wanted, installing: bool) -> str | None:
    """Decide how the GPU's memory is handed out: a mode, empty for the driver's own, None for not ours to say."""
    mode = wanted["coherent_memory_mode"]
    if mode == "unmanaged":
        return None
    if mode != "auto":
        return mode
    possible = knows_coherent_mode(seen, wanted, installing) and seen["modes"]["mig"] != "Enabled"
    return "driver" if possible else ""


def module_options(seen: Seen, wanted: Wanted, installing: bool) -> dict[str, str] | None:
    """Give the options of the module nvidia; None when the file is not ours."""
    mode = coherent_mode(seen, wanted, installing)
    options = {name: str(value) for name, value in sorted(wanted["module_options"].items())}
    if mode is None and not options:
        return None
    return {**({COHERENT_PARAMETER: mode} if mode else {}), **options}


def boot_files(seen: Seen, wanted: Wanted, installing: bool) -> list[File]:
    """Give the files that the kernel or the initial ramdisk reads at boot."""
    files = []
    if installing or seen["nouveau"]:
        files.append(File(NOUVEAU_PATH, f"{WRITTEN}blacklist nouveau\noptions nouveau modeset=0\n"))
    options = module_options(seen, wanted, installing)
    if options is not None:
        line = " ".join(f"{name}={value}" for name, value in options.items())
        files.append(File(OPTIONS_PATH, f"{WRITTEN}options nvidia {line}\n" if options else ""))
    if wanted["manage_kernel_parameters"]:
        added = " ".join(wanted["kernel_parameters"])
        text = f'{WRITTEN}GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT {added}"\n' if added else ""
        files.append(File(GRUB_PATH, text))
    return files


def sysctl_file(wanted: Wanted) -> File:
    """Give the sysctl file; there is none when nothing is to be set."""
    lines = "".join(f"{name} = {value}\n" for name, value in sorted(wanted["sysctls"].items()))
    return File(SYSCTL_PATH, f"{WRITTEN}{lines}" if lines else "")


def sysctl_differs(wanted: Wanted, live: Mapping[str, str]) -> bool:
    """Say whether the kernel has other values than the file; `live` holds those that the kernel knows."""
    return any(
        value.split() != str(wanted["sysctls"][name]).split()
        for name, value in live.items()
        if name in wanted["sysctls"]
    )


def wants_persistence(state: str, wanted: Wanted, installing: bool) -> bool:
    """Say whether persistence is to be turned on: it is off, or not known yet while the packages have it off."""
    return bool(wanted["persistence"]) and (state == "Disabled" or (installing and not state))


def missing_kernel_parameters(seen: Seen, wanted: Wanted) -> list[str]:
    """Name the parameters that the running kernel was not started with."""
    return [token for token in wanted["kernel_parameters"] if token not in seen["cmdline"]]


def option_problems(seen: Seen, wanted: Wanted, installing: bool) -> list[str]:
    """Say which options cannot be had."""
    problems, mode = [], wanted["coherent_memory_mode"]
    if mode == "driver" and seen["modes"]["mig"] == "Enabled":
        problems.append(
            "MIG is on and nvidia_driver_coherent_memory_mode is driver; the two exclude each other. Turn MIG off, or "
            "set the variable to auto or numa."
        )
    if mode in ("driver", "numa") and not knows_coherent_mode(seen, wanted, installing):
        there = (seen["on_disk"] or {"version": f"branch {wanted['branch']}"})["version"]
        problems.append(
            f"nvidia_driver_coherent_memory_mode is {mode}, and the driver {there} has no such parameter (it came with "
            f"{COHERENT_SINCE}). Set the variable to auto, or install a newer branch (nvidia_driver_source, _branch)."
        )
    known = [] if installing or seen["on_disk"] is None else seen["on_disk"]["parameters"]
    unknown = [name for name in sorted(wanted["module_options"]) if known and name not in known]
    if unknown:
        problems.append(
            f"The driver {parse.branch_of(seen['on_disk']['version'])} has no parameter {', '.join(unknown)}: take it "
            "out of nvidia_driver_module_options (`modinfo -p nvidia` lists them)."
        )
    return problems
