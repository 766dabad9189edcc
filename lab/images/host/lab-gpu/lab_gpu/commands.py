# SPDX-License-Identifier: GPL-3.0-or-later
"""Which function plays which command."""

from __future__ import annotations

import importlib

from lab_gpu import machine

COMMANDS = {
    "nvidia-smi": "smi.nvidia_smi",
    "nvidia-persistenced": "smi.nvidia_persistenced",
    "modinfo": "kernel.modinfo",
    "modprobe": "kernel.modprobe",
    "dkms": "kernel.dkms",
    "mokutil": "kernel.mokutil",
    "update-initramfs": "kernel.update_initramfs",
    "update-grub": "kernel.update_grub",
    "nvidia-ctk": "ctk.nvidia_ctk",
    "nvidia-container-runtime": "runtime.nvidia_container_runtime",
    "nvidia-container-runtime-hook": "runtime.not_simulated",
    "nvidia-cdi-hook": "runtime.not_simulated",
    "nvidia-container-cli": "runtime.not_simulated",
    "lab-gpu": "activation.lab_gpu",
}
ALWAYS = ("modinfo", "modprobe", "dkms", "mokutil", "update-initramfs", "update-grub")  # the others come with packages


def main(name: str, arguments: list[str]) -> int:
    """Log the command, and play it."""
    if name != "lab-gpu":
        machine.log(name, arguments)
    module, function = COMMANDS[name].split(".")
    return getattr(importlib.import_module(f"lab_gpu.{module}"), function)(arguments)
