# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a host needs a restart, why, and whether it may have one. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.nvidia import parse, settings

_KERNEL = re.compile(r"^linux-(image|modules|nvidia|generic|base)|^dkms$")

# Options that /proc/driver/nvidia/params shows under another name.
_SHOWN_AS = {"RestrictProfilingToAdminUsers": "RmProfilingAdminOnly"}

Seen = Mapping[str, Any]
Wanted = Mapping[str, Any]


def reasons(seen: Seen, wanted: Wanted, installing: bool, load_error: str = "") -> list[str]:
    """Say why the host needs a restart. `installing`: before packages change; `load_error`: what modprobe said."""
    loaded, disk = seen["loaded"], seen["on_disk"]
    found = _pending(seen, wanted)
    if installing and loaded:
        found.append(f"the driver is changed while its module {loaded['version']} is loaded")
    elif loaded and disk and loaded["version"] != disk["version"]:
        found.append(f"the module {loaded['version']} is loaded and {disk['version']} is on disk")
    elif loaded and disk and loaded["open"] is False and disk["open"]:
        found.append(f"the closed module {loaded['version']} is loaded and the open one is on disk")
    elif seen["smi"]["status"] == parse.MISMATCH:
        said = " ".join(seen["smi"]["text"].split())
        found.append(f"nvidia-smi ended with {parse.MISMATCH}: module and library have different versions ({said})")
    if load_error:
        found.append(f"the module nvidia is on disk and could not be loaded ({load_error})")
    if seen["nouveau"]:
        found.append("the module nouveau holds the GPU")
    return found + _parameters(seen, wanted, installing)


def _pending(seen: Seen, wanted: Wanted) -> list[str]:
    names = seen["reboot_packages"]
    if names is None:
        return []
    ours = [name for name in names if parse.is_gpu_package(name) or _KERNEL.search(name)]
    if wanted["reboot_scope"] == "gpu" and not ours:
        return []
    return [f"/var/run/reboot-required is there ({', '.join(ours or names) or 'it names no package'})"]


def _parameters(seen: Seen, wanted: Wanted, installing: bool) -> list[str]:
    found = []
    mode = settings.coherent_mode(seen, wanted, installing)
    options = settings.module_options(seen, wanted, installing) or {}
    values = {**({settings.COHERENT_PARAMETER: mode} if mode is not None else {}), **options}
    for name, value in values.items() if seen["loaded"] and not installing else ():
        shown = name[len("NVreg_") :] if name.startswith("NVreg_") else name
        have = seen["params"].get(_SHOWN_AS.get(shown, shown))
        if have is not None and have != value:
            found.append(f"{shown} is {have!r} in the loaded module and should be {value!r}")
    missing = settings.missing_kernel_parameters(seen, wanted) if wanted["manage_kernel_parameters"] else []
    if missing:
        found.append(f"the kernel was started without {' '.join(missing)}")
    return found


def why_not(seen: Seen, wanted: Wanted) -> str:
    """Say why a restart is not allowed now, and what to do; empty when it is allowed."""
    policy, count = wanted["reboot"], seen["containers"]
    if policy == "if_required":
        return ""
    if policy == "never":
        return (
            "nvidia_driver_reboot is never (over a local connection it always is). Set it to when_idle or if_required, "
            "or restart the host yourself and run again."
        )
    if count is None:
        return (
            "nvidia_driver_reboot is when_idle, and the Docker engine does not say which containers run. Start the "
            "engine, or set nvidia_driver_reboot to if_required."
        )
    if count:
        return (
            f"nvidia_driver_reboot is when_idle, and {count} container{'s run' if count > 1 else ' runs'} here. Set it "
            "to if_required: the node is drained first, and its work moves to the others."
        )
    return ""


def refusal(found: list[str], seen: Seen, wanted: Wanted) -> list[str]:
    """Give the problem of a restart that is needed and not allowed."""
    reason = why_not(seen, wanted) if found else ""
    return [f"The host needs a restart, for {'; '.join(found)}. It is not allowed: {reason}"] if reason else []
