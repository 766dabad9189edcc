# SPDX-License-Identifier: GPL-3.0-or-later
"""Sees what a host has of an NVIDIA driver, as plain data. Decides nothing and knows no Ansible."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.host import apt, support
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import ask
from ansible_collections.sophia.platform.plugins.module_utils.host.files import read
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import parse, sources
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.names import GPU_KIND
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine, EngineError

ROW_QUERY = "--query-gpu=index,uuid,name,memory.total,driver_version"
SMI_SECONDS = 90
NO_SMI = {"status": parse.NO_COMMAND, "text": "", "gpus": []}
SECURE_BOOT = "firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
REBOOT_REQUIRED = "/var/run/reboot-required"
ENGINE_SOCKET = "/var/run/docker.sock"


def observe(sys_path: str = "/sys", proc_path: str = "/proc") -> dict[str, Any]:
    """See everything that the plan needs."""
    kernel = os.uname()
    rows = packages()
    return {
        "os_release": support.read_os_release(),
        "machine": support.machine(),
        "kernel": kernel.release,
        "kernel_build": kernel.version,
        "page_size_bytes": os.sysconf("SC_PAGE_SIZE"),
        "headers": Path("/lib/modules", kernel.release, "build").exists(),
        "pci": pci_gpus(sys_path),
        "secure_boot": _secure_boot(Path(sys_path, SECURE_BOOT)),
        "nouveau": Path(sys_path, "module/nouveau").is_dir(),
        "numa_gpu_memory": has_gpu_memory_node(sys_path),
        "cmdline": read(f"{proc_path}/cmdline").split(),
        "packages": {
            name: row
            for name, row in rows.items()
            if parse.is_gpu_package(name) or parse.is_lambda_package(name, row["version"])
        },
        "broken_packages": sorted(name for name, row in rows.items() if not row["ok"]),
        "archives": parse.hosts_in(apt.read_sources(), (sources.LAMBDA_ARCHIVE, sources.NVIDIA_ARCHIVE)),
        "foreign_pin": read(sources.FOREIGN_PATH) == sources.FOREIGN_PIN,
        "reboot_packages": sorted(set(read(f"{REBOOT_REQUIRED}.pkgs").split()))
        if Path(REBOOT_REQUIRED).exists()
        else None,
        **engine(),
        **driver(sys_path, proc_path),
    }


def driver(sys_path: str = "/sys", proc_path: str = "/proc") -> dict[str, Any]:
    """See the driver: what is loaded, what is on disk, and what nvidia-smi says."""
    smi = nvidia_smi()
    return {
        "loaded": loaded_module(sys_path, proc_path),
        "on_disk": module_on_disk(),
        "params": parse.params(read(f"{proc_path}/driver/nvidia/params")),
        "smi": smi,
        "modes": _modes() if smi["status"] == 0 else parse.modes(""),
    }


def nvidia_smi() -> dict[str, Any]:
    """Ask nvidia-smi for the GPUs; its failure is a finding."""
    answer = ask("nvidia-smi", ROW_QUERY, "--format=csv,noheader,nounits", timeout_seconds=SMI_SECONDS)
    text = answer.output or answer.errors
    return {"status": parse.smi_status(answer.status, text), "text": text.strip(), "gpus": parse.gpus(answer.output)}


def loaded_module(sys_path: str, proc_path: str) -> dict[str, Any] | None:
    """See the module that the kernel runs."""
    if not Path(sys_path, "module/nvidia").is_dir():
        return None
    told = parse.proc_version(read(f"{proc_path}/driver/nvidia/version")) or {"version": "", "open": None}
    return {"version": read(f"{sys_path}/module/nvidia/version").strip() or told["version"], "open": told["open"]}


def module_on_disk() -> dict[str, Any] | None:
    """See the module that the kernel would load."""
    version = ask("modinfo", "-F", "version", "nvidia")
    if version.status != 0 or not version.output.strip():
        return None
    return {
        "version": version.output.strip(),
        "open": parse.is_open_license(ask("modinfo", "-F", "license", "nvidia").output),
        "parameters": parse.module_parameters(ask("modinfo", "-p", "nvidia").output),
    }


def packages() -> dict[str, dict[str, Any]]:
    """See every package that dpkg knows."""
    return parse.packages(
        ask("dpkg-query", "--show", "--showformat=${Package}\t${db:Status-Abbrev}\t${Version}\n").output
    )


def pci_gpus(sys_path: str) -> list[str]:
    """See the NVIDIA display controllers on the PCI bus, as `address device`."""
    found = []
    for device in sorted(Path(sys_path, "bus/pci/devices").glob("*")):
        if read(f"{device}/vendor").strip() == "0x10de" and read(f"{device}/class").startswith("0x03"):
            found.append(f"{device.name} {read(f'{device}/device').strip()}")
    return found


def has_gpu_memory_node(sys_path: str) -> bool:
    """See whether a GPU's memory is a NUMA node: one that has memory and no processor."""
    for node in Path(sys_path, "devices/system/node").glob("node[0-9]*"):
        total = [line.split()[-2] for line in read(f"{node}/meminfo").splitlines() if "MemTotal:" in line]
        if node.name != "node0" and total and total[0] != "0" and not read(f"{node}/cpulist").strip():
            return True
    return False


def engine(socket_path: str = ENGINE_SOCKET) -> dict[str, Any]:
    """See how many containers run (None: an engine is there and does not answer) and the host's place in a Swarm."""
    if not Path(socket_path).exists():
        return {"containers": 0, "swarm_node_id": ""}
    try:
        info = Engine(socket_path).get("/info")
    except EngineError:
        return {"containers": None, "swarm_node_id": ""}
    return {
        "containers": info.get("ContainersRunning", 0),
        "swarm_node_id": (info.get("Swarm") or {}).get("NodeID") or "",
    }


def _modes() -> dict[str, str]:
    answer = ask(
        "nvidia-smi", "--query-gpu=persistence_mode,mig.mode.current", "--format=csv,noheader", timeout_seconds=30
    )
    return parse.modes(answer.output)


def _secure_boot(path: Path) -> bool | None:
    try:
        return parse.secure_boot(path.read_bytes())
    except OSError:
        return None


def generic_resources(gpus: list[dict[str, Any]]) -> list[str]:
    """Give the GPUs as an engine's generic resources; the kind is the one that the container toolkit listens to."""
    return [f"{GPU_KIND}={gpu['uuid']}" for gpu in gpus]
