# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a host from having the driver that was asked for, each as what was seen and what to do. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.host import support
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import parse, sources

OPEN_SOURCES = "lambda_stack, ubuntu or nvidia"

Seen = Mapping[str, Any]
Wanted = Mapping[str, Any]


def of_gpus(
    smi: Mapping[str, Any], count: int, name_regex: str = "", memory_mib: int = 0, driver_version: str = ""
) -> list[str]:
    """Compare what nvidia-smi says with what is expected. More GPUs than expected are fine."""
    problems, gpus = [], smi["gpus"]
    if len(gpus) < count and smi["status"] != 0:
        problems.append(parse.explain(smi["status"], smi["text"]))
    elif len(gpus) < count and not gpus and smi["text"]:
        problems.append(
            "nvidia-smi ended with 0 and printed no line that describes a GPU: "
            f"{' '.join(smi['text'].split())[:300]!r}. What to do: run it on the host; see `dmesg | grep -i nvrm`."
        )
    elif len(gpus) < count:
        listing = ", ".join(f"{gpu['name']} {gpu['uuid']}" for gpu in gpus) or "none"
        problems.append(
            f"nvidia-smi shows {len(gpus)} of {count} expected GPUs ({listing}). What to do: look for the others with "
            "`lspci -d 10de:` and `dmesg | grep -i nvrm`, or correct gpu_count in the inventory."
        )
    for gpu in gpus:
        where = f"GPU {gpu['index']} ({gpu['uuid']})"
        if name_regex and not re.search(name_regex, gpu["name"]):
            problems.append(
                f"{where} is {gpu['name']!r} and should match {name_regex!r}. What to do: use another type of "
                "instance, or set nvidia_driver_expected_name_regex."
            )
        if gpu["memory_mib"] < memory_mib:
            problems.append(
                f"{where} has {gpu['memory_mib']} MiB of memory, expected are at least {memory_mib}. What to do: use "
                "another type of instance, or set nvidia_driver_expected_memory_mib."
            )
        if not parse.begins_with(gpu["driver_version"], driver_version):
            problems.append(
                f"{where} is driven by {gpu['driver_version']}, expected is {driver_version}. What to do: run the role "
                "nvidia_driver; if the host was to restart, see whether it did."
            )
    return problems


def of_host(seen: Seen, wanted: Wanted, source: str) -> list[str]:
    """Say why nothing may be done here at all."""
    problems = support.problems(seen["os_release"], seen["machine"])
    count = wanted["expected_count"]
    if not seen["pci"] and not seen["smi"]["gpus"] and count:
        problems.append(
            "There is no NVIDIA GPU on the PCI bus, and nvidia-smi sees none. What to do: use an instance with a GPU, "
            "or take the host out of the inventory's group gpu."
        )
    elif len(seen["pci"]) < count and len(seen["smi"]["gpus"]) < count:
        problems.append(
            f"The PCI bus has {len(seen['pci'])} of {count} expected NVIDIA GPUs ({', '.join(seen['pci'])}). What to "
            "do: have the provider look at the instance, or correct gpu_count in the inventory."
        )
    if not re.fullmatch(r"\d{3}", wanted["branch"]):
        problems.append(f"nvidia_driver_branch is {wanted['branch']!r}; a branch is three digits, such as 580.")
    elif wanted["version"] and not parse.begins_with(wanted["version"].split("-")[0], wanted["branch"]):
        problems.append(
            f"nvidia_driver_version {wanted['version']} is not of the branch {wanted['branch']}: change one of the two."
        )
    problems += _of_source(seen, wanted, source)
    return problems + _of_archives(seen, wanted, source)


def _of_source(seen: Seen, wanted: Wanted, source: str) -> list[str]:
    there, problems = sources.driver_there(seen), []
    distribution = seen["os_release"].get("ID", "")
    if source == sources.UBUNTU and distribution != "ubuntu":
        problems.append(
            f"nvidia_driver_source is ubuntu and the host runs {distribution or 'something unknown'}. Use nvidia there."
        )
    if source == sources.LAMBDA and not sources.has_lambda(seen):
        problems.append(
            "nvidia_driver_source is lambda_stack, and neither Lambda's archive nor its packages are on the host. Use "
            "ubuntu or nvidia, or start from one of Lambda's images."
        )
    if source != sources.PREINSTALLED:
        return problems
    if there is None:
        problems.append(
            "nvidia_driver_source is preinstalled, and there is no driver on the host. "
            f"Set it to auto, {OPEN_SOURCES}: then one is installed."
        )
    elif there["open"] is False:
        problems.append(
            f"The driver {there['version']} is the closed one; a GH200 needs the open kernel modules. Set "
            f"nvidia_driver_source to {OPEN_SOURCES}: then it is replaced, and the host restarts."
        )
    elif not parse.at_least(there["version"], wanted["min_version"]) or not parse.begins_with(
        there["version"], wanted["version"].split("-")[0]
    ):
        problems.append(
            f"The driver {there['version']} is on the host; asked for is {wanted['version'] or wanted['min_version']}"
            f"{'' if wanted['version'] else ' or newer'}. Set nvidia_driver_source to auto, {OPEN_SOURCES}."
        )
    if sources.broken(seen):
        problems.append(
            f"dpkg was interrupted in the middle of {', '.join(sources.broken(seen))}. Run `dpkg --configure -a` on "
            f"the host, or set nvidia_driver_source to {OPEN_SOURCES}: then the role finishes it."
        )
    return problems


def _of_archives(seen: Seen, wanted: Wanted, source: str) -> list[str]:
    foreign = seen["archives"][sources.NVIDIA_ARCHIVE]
    if not sources.has_lambda(seen):
        return []
    if source == sources.NVIDIA:
        return [
            "nvidia_driver_source is nvidia, and the host has Lambda's packages: drivers of the two archives break "
            "each other. Use lambda_stack."
        ]
    if foreign and not seen["foreign_pin"] and not wanted["allow_foreign_repository"]:
        return [
            f"NVIDIA's archive ({', '.join(foreign)}) stands beside Lambda's packages: the next upgrade mixes the two "
            "drivers. What to do: remove it, or set nvidia_driver_allow_foreign_repository: then a pin forbids drivers "
            "from there."
        ]
    return []


def of_installation(seen: Seen, names: list[str]) -> list[str]:
    """Say why these packages would not become a driver that the kernel loads."""
    if any(sources.is_signed(name) for name in names):
        return []
    problems = []
    if seen["secure_boot"]:
        problems.append(
            f"Secure Boot is on, and {', '.join(names)} builds the module on the host (DKMS), which the kernel then "
            "refuses. What to do: turn Secure Boot off in the provider's console, or use Ubuntu with a kernel that "
            "Canonical has signed modules for (nvidia_driver_source: ubuntu)."
        )
    if not seen["headers"] and f"linux-headers-{seen['kernel']}" not in names:
        problems.append(
            f"/lib/modules/{seen['kernel']}/build is missing, and apt has no linux-headers-{seen['kernel']}: the "
            "module cannot be built. What to do: install the headers of the running kernel, or restart into one that "
            "has them."
        )
    return problems


def of_driver(seen: Seen, wanted: Wanted, will_load: bool) -> list[str]:
    """Say what is wrong with the driver as it runs, when nothing is going to be changed about it."""
    if will_load and seen["smi"]["status"] in (parse.NOT_LOADED, parse.NO_DEVICE):
        return []
    return of_gpus(seen["smi"], wanted["expected_count"])


def of_known_gpus(seen: Seen, wanted: Wanted) -> list[str]:
    """Compare the GPUs that nvidia-smi shows already; a driver is not changed under GPUs of the wrong kind."""
    return of_gpus(seen["smi"], 0, wanted["expected_name_regex"], wanted["expected_memory_mib"])


def of_loaded_module(loaded: Mapping[str, Any] | None) -> list[str]:
    """Say what is wrong with the module that the kernel runs."""
    if loaded is None:
        return ["The module nvidia is not loaded. What to do: see `dmesg | grep -i nvrm` and `dkms status`."]
    if loaded["open"] is False:
        return [
            f"The module that is loaded ({loaded['version']}) is the closed one; a GH200 needs the open one. What to "
            f"do: set nvidia_driver_source to {OPEN_SOURCES}."
        ]
    return []
