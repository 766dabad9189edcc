# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides whether the CDI specification still describes this host's GPUs. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.nvidia import parse

SERVICE = "nvidia-cdi-refresh.service"
WATCH = "nvidia-cdi-refresh.path"
ENVIRONMENT_PATH = "/etc/nvidia-container-toolkit/nvidia-cdi-refresh.env"
VOLATILE_PATH = "/var/run/cdi/nvidia.yaml"  # on a tmpfs; the unit makes it again at boot
LASTING_PATH = "/etc/cdi/nvidia.yaml"  # for versions without the unit

_DEVICE = re.compile(r"\bnvidia\.com/gpu=(\S+)")
_LIBRARY = re.compile(r"libcuda\.so\.(\d+\.\d+(?:\.\d+)?)")
_OUTPUT = re.compile(r"^\s*NVIDIA_CTK_CDI_OUTPUT_FILE_PATH=[\"']?([^\"'\s#]+)", re.MULTILINE)


def driver_problem(loaded: str, smi: Mapping[str, Any]) -> str:
    """Say why the driver cannot serve containers; empty when it can. `smi` is what `observe.nvidia_smi` saw."""
    if not loaded:
        return "The NVIDIA driver is not loaded. Run the role nvidia_driver first."
    if smi["status"] == 0 and smi["gpus"]:
        return ""
    first = "" if smi["status"] == parse.NO_DEVICE else " The role nvidia_driver, which comes first, looks after it."
    return f"{parse.explain(smi['status'] or parse.NO_DEVICE, smi['text'])}{first}"


def devices_of(text: str) -> list[str]:
    """Read `nvidia-ctk cdi list`: names of GPUs, without the kind in front of them."""
    return sorted(set(_DEVICE.findall(text)))


def missing_devices(devices: Sequence[str], uuids: Sequence[str]) -> list[str]:
    """Name the GPUs that no CDI specification knows."""
    return [uuid for uuid in uuids if uuid not in devices]


def output_path(environment: str, has_unit: bool) -> str:
    """Say where this host's specification is written."""
    found = _OUTPUT.search(environment)
    if found and has_unit:
        return found.group(1)
    return VOLATILE_PATH if has_unit else LASTING_PATH


def reasons(devices: Sequence[str], uuids: Sequence[str], specification: str, driver: str) -> list[str]:
    """Say why the specification must be generated again; nothing when it is right."""
    if not uuids:
        return []
    found = []
    missing = missing_devices(devices, uuids)
    if missing:
        found.append(f"no CDI device for {', '.join(missing)}")
    gone = [name for name in devices if name.startswith("GPU-") and name not in uuids and name in specification]
    if gone:
        found.append(f"CDI devices of GPUs that are not here: {', '.join(gone)}")
    written = sorted(set(_LIBRARY.findall(specification)))
    if written and driver not in written:
        found.append(f"the specification is for driver {', '.join(written)}, {driver} is loaded")
    return found
