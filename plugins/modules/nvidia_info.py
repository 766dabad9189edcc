#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sees the NVIDIA GPUs of a host and compares them with what is expected."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_info
short_description: See the NVIDIA GPUs of a host
version_added: "0.1.0"
description:
  - Asks nvidia-smi, changes nothing, and gives what the Docker engine must be told about the GPUs.
  - What is not as expected is an error with the reason; in check mode a warning, for a driver that is not installed yet
    shows no GPU.
options:
  expected_count:
    description: How many GPUs the host has at least. With V(0), a host without nvidia-smi is as good as any.
    type: int
    default: 0
  expected_name_regex:
    description: What every GPU's name matches. Empty matches all.
    type: str
    default: ""
  expected_memory_mib:
    description: How much memory every GPU has at least.
    type: int
    default: 0
  driver_version:
    description: The driver's version, or the beginning of it (V(580)). Empty accepts all.
    type: str
    default: ""
  open_module:
    description: Whether the module that is loaded must be the open one.
    type: bool
    default: false
  sys_path:
    description: Where the kernel shows its devices.
    type: path
    default: /sys
  proc_path:
    description: Where the kernel shows its state.
    type: path
    default: /proc
attributes:
  check_mode: {support: full, description: Never changes anything.}
  diff_mode: {support: none, description: There is nothing to show.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: See the GPUs that the engine will offer
  sophia.platform.nvidia_info:
    expected_count: 1
  register: nvidia
"""

RETURN = r"""
gpus:
  description: The GPUs, each with index, uuid, name, memory_mib and driver_version.
  returned: always
  type: list
  elements: dict
generic_resources:
  description: The GPUs as generic resources of a Docker engine.
  returned: always
  type: list
  elements: str
  sample: ["NVIDIA-GPU=GPU-33948cb3-46ff-1834-07b0-6d05730ad309"]
daemon_fragments:
  description: What C(daemon.json) needs so that containers get GPUs; empty when the container runtime is not installed.
  returned: always
  type: list
  elements: dict
driver_version:
  description: The driver's version as nvidia-smi tells it; empty when it tells none.
  returned: always
  type: str
problems:
  description: What is not as expected, a sentence each.
  returned: always
  type: list
  elements: str
"""

import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import observe
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.problems import of_gpus, of_loaded_module

RUNTIME = "nvidia-container-runtime"
FRAGMENT = {
    "name": "nvidia_container_toolkit",
    "settings": {"default-runtime": "nvidia", "runtimes": {"nvidia": {"path": RUNTIME, "args": []}}},
}
SPEC = {
    "expected_count": {"type": "int", "default": 0},
    "expected_name_regex": {"type": "str", "default": ""},
    "expected_memory_mib": {"type": "int", "default": 0},
    "driver_version": {"type": "str", "default": ""},
    "open_module": {"type": "bool", "default": False},
    "sys_path": {"type": "path", "default": "/sys"},
    "proc_path": {"type": "path", "default": "/proc"},
}


def see(options: dict) -> dict:
    """What there is, and what is not as expected."""
    smi = observe.nvidia_smi() if shutil.which("nvidia-smi") else observe.NO_SMI
    problems = of_gpus(
        smi,
        options["expected_count"],
        options["expected_name_regex"],
        options["expected_memory_mib"],
        options["driver_version"],
    )
    if options["open_module"]:
        problems += of_loaded_module(observe.loaded_module(options["sys_path"], options["proc_path"]))
    return {
        "gpus": smi["gpus"],
        "generic_resources": observe.generic_resources(smi["gpus"]),
        "daemon_fragments": [FRAGMENT] if shutil.which(RUNTIME) else [],
        "driver_version": next((gpu["driver_version"] for gpu in smi["gpus"]), ""),
        "problems": problems,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    result = see(module.params)
    if result["problems"] and not module.check_mode:
        module.fail_json(msg=" ".join(result["problems"]), **result)
    for problem in result["problems"]:
        module.warn(problem)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
