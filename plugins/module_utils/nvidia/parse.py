# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what the tools around an NVIDIA driver print, and how nvidia-smi ends. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

# One GPU of `nvidia-smi --query-gpu=index,uuid,name,memory.total,driver_version --format=csv,noheader,nounits`.
# Error texts go to the same stream, so a line that does not fit is never trusted.
_ROW = re.compile(r"^(\d+), (GPU-[0-9a-f-]{36}), ([^,]+), (\d+), (\d+(?:\.\d+)+)$")
_MISMATCH = "Driver/library version mismatch"
NOT_LOADED, NO_DEVICE, MISMATCH, NO_COMMAND = 9, 6, 18, 127
_ENDS = {
    2: ("it does not know an argument", "the driver is older than this role knows"),
    4: ("it may not ask the driver", "run the role as root"),
    NO_DEVICE: ("it found no device", "see whether the GPU is on the PCI bus (lspci -d 10de:) and what dmesg says"),
    NOT_LOADED: ("the driver is not loaded", "see `dmesg | grep -i nvrm` and `dkms status`, then load it or restart"),
    12: ("the library libnvidia-ml.so is missing", "install the libnvidia-compute package of the driver's version"),
    14: ("the GPU's infoROM is corrupt", "have the GPU looked at by the provider"),
    15: ("the GPU fell off the bus", "restart the host; when it comes again, have the provider look at the GPU"),
    MISMATCH: ("the loaded module and the library have different versions", "restart the host"),
    NO_COMMAND: ("there is no nvidia-smi on this host", "install the driver's utilities (nvidia-utils)"),
    124: ("it did not end in time", "see `dmesg | grep -i nvrm`: the GPU may hang"),
}
_BRANCH = re.compile(r"^\d{3}$")
# Packages of the driver. Those of the container toolkit have an owner of their own.
_GPU_PACKAGE = re.compile(
    r"^(lib)?nvidia-|^libcuda1?$|^libcudadebugger|^libnv(ml|optix|cuvid)|^linux-(modules|objects|signatures)-nvidia-"
    r"|^xserver-xorg-video-nvidia|^cuda-drivers|^firmware-nvidia"
)
_OTHER_OWNER = re.compile(r"^(lib)?nvidia-container|^nvidia-docker|^nvidia-cuda-")
_LAMBDA_VERSION = re.compile(r"0lambda0\.")


def gpus(text: str) -> list[dict[str, Any]]:
    """Read the rows of nvidia-smi; lines that are no such row are left out."""
    rows = (_ROW.match(line.strip()) for line in text.splitlines())
    return [
        {"index": int(row[1]), "uuid": row[2], "name": row[3], "memory_mib": int(row[4]), "driver_version": row[5]}
        for row in rows
        if row
    ]


def smi_status(status: int, text: str) -> int:
    """Give the status that counts: a mismatch and a missing device are told in words as well."""
    if _MISMATCH in text:
        return MISMATCH
    if status == 0 and "No devices were found" in text:
        return NO_DEVICE
    return status


def explain(status: int, text: str) -> str:
    """Say in one sentence how nvidia-smi ended and what to do about it."""
    seen, advice = _ENDS.get(status, ("something else is wrong", "run nvidia-smi on the host"))
    said = " ".join(text.split())[:300]
    return f"nvidia-smi ended with {status}: {seen}{f' ({said})' if said else ''}. What to do: {advice}."


def modes(text: str) -> dict[str, str]:
    """Read persistence and MIG mode of the first GPU from `--query-gpu=persistence_mode,mig.mode.current`."""
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) == 2 and cells[0] in ("Enabled", "Disabled"):
            return {"persistence": cells[0], "mig": cells[1]}
    return {"persistence": "", "mig": ""}


def packages(text: str) -> dict[str, dict[str, Any]]:
    """Read `name<TAB>status abbreviation<TAB>version` of all packages dpkg knows; removed ones are left out.

    `ok` is false for a package that an interrupted run of dpkg left behind.
    """
    found = {}
    for line in text.splitlines():
        if line.count("\t") != 2:
            continue
        name, abbreviation, version = line.split("\t")
        state = abbreviation.ljust(3)
        if state[1] not in "nc":
            ok = state[1] == "i" and state[2] != "R"
            found[name] = {"version": version, "held": state[0] == "h", "ok": ok}
    return found


def is_gpu_package(name: str) -> bool:
    """Say whether a package belongs to the driver."""
    return bool(_GPU_PACKAGE.search(name)) and not _OTHER_OWNER.search(name)


def is_lambda_package(name: str, version: str) -> bool:
    """Say whether Lambda built the package."""
    return name in ("lambda-stack-cuda", "lambda-server") or bool(_LAMBDA_VERSION.search(version))


def proc_version(text: str) -> dict[str, Any] | None:
    """Read /proc/driver/nvidia/version: the module's version and whether it is the open one."""
    line = next((line for line in text.splitlines() if line.startswith("NVRM version:")), "")
    version = re.search(r"\s(\d+(?:\.\d+)+)\s", line + " ")
    return {"version": version[1] if version else "", "open": "Open Kernel Module" in line} if line else None


def params(text: str) -> dict[str, str]:
    """Read `Name: value` lines of /proc/driver/nvidia/params; quotes are taken away."""
    pairs = (line.split(":", 1) for line in text.splitlines() if ":" in line)
    return {name.strip(): value.strip().strip('"') for name, value in pairs}


def module_parameters(text: str) -> list[str]:
    """Read the names that `modinfo -p` lists."""
    return [line.split(":", 1)[0].strip() for line in text.splitlines() if ":" in line]


def is_open_license(license_name: str) -> bool | None:
    """Say by `modinfo -F license` whether the module is the open one; None when it does not say."""
    return {"Dual MIT/GPL": True, "NVIDIA": False}.get(license_name.strip())


def secure_boot(variable: bytes) -> bool | None:
    """Read the firmware's variable: four bytes of attributes, then 1 or 0. None when there is none."""
    return variable[4] == 1 if len(variable) == 5 else None


def simulated_installs(text: str) -> dict[str, str]:
    """Read which packages `apt-get -s` would install, with their versions."""
    rows = (re.match(r"^Inst (\S+) (?:\[[^\]]*\] )?\((\S+)", line) for line in text.splitlines())
    return {row[1].split(":")[0]: row[2] for row in rows if row}


def offers(text: str) -> dict[str, list[tuple[str, str]]]:
    """Read `apt-cache madison`: package -> versions on offer with where they are, the newest first."""
    found: dict[str, list[tuple[str, str]]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 3:
            found.setdefault(cells[0], []).append((cells[1], cells[2]))
    return found


def version_key(version: str) -> tuple[int, ...]:
    """Give a driver version's numbers, for comparing."""
    return tuple(int(part) for part in re.findall(r"\d+", version.split("-", 1)[0]))


def at_least(version: str, minimum: str) -> bool:
    """Say whether a driver version is a minimum or newer."""
    return version_key(version) >= version_key(minimum)


def begins_with(version: str, wanted: str) -> bool:
    """Say whether a driver version is the wanted one or begins with it (580 and 580.105 fit 580.105.08)."""
    return not wanted or version == wanted or version.startswith(f"{wanted}.")


def branch_of(version: str) -> str:
    """Give the branch of a driver version, empty when it has none."""
    first = version.split(".", 1)[0]
    return first if _BRANCH.match(first) else ""


def hosts_in(texts: Mapping[str, str], names: Iterable[str]) -> dict[str, list[str]]:
    """Say which files name which of the hosts, comments left out."""
    found: dict[str, list[str]] = {name: [] for name in names}
    for path, text in sorted(texts.items()):
        lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
        for name, paths in found.items():
            if any(name in line for line in lines):
                paths.append(path)
    return found
