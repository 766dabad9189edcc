# SPDX-License-Identifier: GPL-3.0-or-later
"""Stand-ins for nvidia-smi and nvidia-persistenced. Shapes and exit codes: gh200_hosts.md §2.6."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from lab_gpu import machine

_EXIT = {
    "ERROR_LIBRARY_NOT_FOUND": 12,
    "ERROR_DRIVER_NOT_LOADED": 9,
    "ERROR_LIB_RM_VERSION_MISMATCH": 18,
    "ERROR_NOT_FOUND": 6,
}
_CUDA = {570: "12.8", 580: "13.0", 590: "13.1"}
_UNITS = {"MiB": ("memory.",), "%": ("utilization.",), "W": ("power.",), "MHz": ("clocks.",)}
_PID = Path("/run/nvidia-persistenced/nvidia-persistenced.pid")


def nvidia_smi(arguments: list[str]) -> int:
    """`-L`, `--version`, `--query-gpu=…  --format=csv[,noheader][,nounits]`, `-i N`, `-pm 0|1`, or a short table."""
    given = _parsed(arguments)
    if given is None:
        print("Invalid combination of input arguments. Please run 'nvidia-smi -h' for help.\n")
        return 2
    problem = machine.nvml()
    if problem:
        print(problem[1])
        return _EXIT[problem[0]]
    gpus = _gpus()
    if "id" in given:
        gpus = [gpu for gpu in gpus if given["id"] in (gpu["index"], gpu["uuid"], gpu["pci.bus_id"])]
        if not gpus:
            print("No devices were found")
            return 6
    if machine.mode() == "junk":
        print("WARNING: infoROM is corrupted at gpu 0000:DD:00.0")
    if "pm" in given:
        if os.geteuid() != 0:
            print("Unable to set persistence mode: Insufficient Permissions")
            return 4
        machine.write(machine.PERSISTENCE, "Enabled" if given["pm"] == "1" else "Disabled")
        print("All done.")
    elif "version" in given:
        version = machine.loaded() or ""
        print(f"NVIDIA-SMI version  : {version}\nNVML version        : {machine.short(version)}")
        print(f"DRIVER version      : {version}\nCUDA Version        : {_cuda(version)}")
    elif "list" in given:
        for gpu in gpus:
            print(f"GPU {gpu['index']}: {gpu['name']} (UUID: {gpu['uuid']})")
    elif "query" in given:
        return _query(gpus, given["query"].split(","), given["format"].split(","))
    else:
        _table(gpus)
    return 0


def _parsed(arguments: list[str]) -> dict[str, str] | None:
    names = {"-i": "id", "--id": "id", "-pm": "pm", "--persistence-mode": "pm", "--query-gpu": "query"}
    names |= {"--format": "format"}
    flags = {"-L": "list", "--list-gpus": "list", "--version": "version"}
    found: dict[str, str] = {}
    rest = list(arguments)
    while rest:
        word, sign, value = rest.pop(0).partition("=")
        if word in flags and not sign:
            found[flags[word]] = "1"
        elif word in names and (sign or rest):
            found[names[word]] = value if sign else rest.pop(0)
        else:
            return None
    if found.get("pm", "0") not in ("0", "1") or ("query" in found) != found.get("format", "").startswith("csv"):
        return None
    return found


def _gpus() -> list[dict[str, str]]:
    version = machine.loaded() or ""
    parameters = machine.PARAMETERS.read_text() if machine.PARAMETERS.exists() else ""
    persistence = machine.PERSISTENCE.read_text().strip() if machine.PERSISTENCE.exists() else "Disabled"
    return [
        {
            "index": str(index),
            "count": str(len(machine.uuids())),
            "uuid": uuid,
            "name": machine.NAME,
            "driver_version": version,
            "pci.bus_id": f"00000000:D{'D' if index == 0 else 'E'}:00.0",
            "pci.device_id": "0x234210DE",
            "pci.sub_device_id": "0x180910DE",
            "compute_cap": "9.0",
            "compute_mode": "Default",
            "memory.total": str(machine.MEMORY_MIB),
            "memory.reserved": "593",
            "memory.used": "1",
            "memory.free": "97277",
            "utilization.gpu": "0",
            "utilization.memory": "0",
            "temperature.gpu": "31",
            "temperature.memory": "28",
            "power.draw": "76.94",
            "power.limit": "700.00",
            "power.max_limit": "900.00",
            "clocks.sm": "345",
            "clocks.mem": "2619",
            "persistence_mode": persistence,
            "addressing_mode": "ATS" if "EnableUserNUMAManagement: 1" in parameters else "None",
            "c2c.mode": "Enabled",
            "mig.mode.current": "Disabled",
            "mig.mode.pending": "Disabled",
            "ecc.mode.current": "Enabled",
            "ecc.mode.pending": "Enabled",
            "ecc.errors.corrected.volatile.total": "0",
            "ecc.errors.uncorrected.volatile.total": "0",
            "fan.speed": "[N/A]",
            "pstate": "P0",
            "serial": "[N/A]",
        }
        for index, uuid in enumerate(machine.uuids())
    ]


def _query(gpus: list[dict[str, str]], wanted: list[str], format_words: list[str]) -> int:
    aliases = {"gpu_uuid": "uuid", "gpu_name": "name", "gpu_bus_id": "pci.bus_id", "ecc.mode": "ecc.mode.current"}
    fields = [aliases.get(field.strip(), field.strip()) for field in wanted]
    for name, field in zip(wanted, fields):
        if field not in gpus[0]:
            print(f'Field "{name.strip()}" is not a valid field to query.\n')
            return 2
    units = {
        field: next((unit for unit, beginnings in _UNITS.items() if field.startswith(beginnings)), "")
        for field in fields
    }
    if "noheader" not in format_words:
        print(", ".join(f"{field} [{units[field]}]" if units[field] else field for field in fields))
    for gpu in gpus:
        with_units = "nounits" not in format_words
        print(", ".join(f"{gpu[name]} {units[name]}" if with_units and units[name] else gpu[name] for name in fields))
    return 0


def _cuda(version: str) -> str:
    return _CUDA.get(machine.branch(version), "13.3")


def _table(gpus: list[dict[str, str]]) -> None:
    version = machine.loaded() or ""
    line = "+" + "-" * 89 + "+"
    print(line)
    print(f"| {f'NVIDIA-SMI {version}':<30}Driver Version: {version:<14} CUDA Version: {_cuda(version):<12}|")
    print(line)
    for gpu in gpus:
        on = "On" if gpu["persistence_mode"] == "Enabled" else "Off"
        text = f"{gpu['index']:>3}  {gpu['name']:<26} {on:>4} | {gpu['pci.bus_id']} | "
        text += f"{gpu['memory.used']}MiB / {gpu['memory.total']}MiB"
        print(f"| {text:<88}|")
    print(line)
    print("| A stand-in of the Sophia lab: there is no GPU here.".ljust(90) + "|")
    print(line)


def nvidia_persistenced(arguments: list[str]) -> int:
    """Hold the (simulated) device open, in the background, with persistence mode on if it is asked for."""
    if not machine.loaded():
        print("nvidia-persistenced failed to initialize. Check syslog for more information.", file=sys.stderr)
        return 1
    _PID.parent.mkdir(exist_ok=True)
    if pid := os.fork():
        _PID.write_text(f"{pid}\n")
        return 0
    os.setsid()
    signal.signal(signal.SIGTERM, lambda *_: None)
    asked = "--persistence-mode" in arguments
    if asked:
        machine.write(machine.PERSISTENCE, "Enabled")
    null = os.open("/dev/null", os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    signal.pause()
    if asked:
        machine.write(machine.PERSISTENCE, "Disabled")
    return 0
