#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a host's NVIDIA GPUs driven by the open driver that was asked for."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_driver
short_description: Verify, install or upgrade the NVIDIA driver of a host
version_added: "0.1.0"
description:
  - Sees the whole host first (GPUs, modules, packages, archives, firmware), plans, and refuses with all problems at
    once before anything is changed. Then it installs, writes what the module and the kernel read, holds the packages,
    loads the module, and sees the host again.
  - A driver that came with the machine and will do is kept. Nothing is installed then; its packages are held.
  - Never restarts the host. RV(reboot_reasons) says why it must; a restart that is needed and that O(reboot) does not
    allow is a problem.
  - Packages that are no part of the driver are never removed.
options:
  source:
    description:
      - Where the driver comes from. V(preinstalled) keeps what is there. V(auto) keeps an open driver of at least
        O(min_version); else it takes V(lambda_stack) where Lambda's archive or packages are, V(ubuntu) on Ubuntu, and
        V(nvidia) on Debian.
    type: str
    choices: [auto, preinstalled, lambda_stack, ubuntu, nvidia]
    default: auto
  branch:
    description: The driver's branch, for everything that is installed.
    type: str
    default: "580"
  version:
    description: The driver's version or its beginning, of O(branch). Empty takes what is installed, or the newest.
    type: str
    default: ""
  min_version:
    description: The oldest driver that O(source=auto) and O(source=preinstalled) keep.
    type: str
    default: "570"
  hold:
    description: Whether dpkg is told to keep the driver's packages as they are. V(false) leaves holds alone.
    type: bool
    default: true
  allow_foreign_repository:
    description: Whether NVIDIA's archive may stand beside Lambda's packages. A pin then forbids drivers from there.
    type: bool
    default: false
  repository_url:
    description: NVIDIA's archive, without distribution and architecture.
    type: str
    default: https://developer.download.nvidia.com/compute/cuda/repos
  repository_key_name:
    description: Where the archive's key is, below the archive.
    type: str
    default: 3bf863cc.pub
  repository_key_fingerprint:
    description: The key's fingerprint. A key that differs is refused.
    type: str
    default: EB693B3035CD5710E231E123A4B469963BF863CC
  coherent_memory_mode:
    description:
      - How the GPU's memory is handed out. V(driver) keeps it out of the host's RAM, V(numa) makes it a NUMA node.
      - V(auto) is V(driver) when the driver knows the parameter and MIG is off. V(unmanaged) leaves it alone.
    type: str
    choices: [auto, driver, numa, unmanaged]
    default: auto
  module_options:
    description: More options of the module C(nvidia).
    type: dict
    default: {}
  persistence:
    description: Whether persistence is turned on when it is off. Only on a host that runs no container.
    type: bool
    default: true
  sysctls:
    description: Values of the kernel, written to C(/etc/sysctl.d/60-nvidia.conf) and set. Empty sets none.
    type: dict
    default: {}
  kernel_parameters:
    description: What the kernel should be started with.
    type: list
    elements: str
    default: []
  manage_kernel_parameters:
    description: Whether O(kernel_parameters) are written for the boot loader. Otherwise those that miss are only told.
    type: bool
    default: false
  expected_count:
    description: How many GPUs the host has at least.
    type: int
    default: 1
  expected_name_regex:
    description: What every GPU's name matches. Empty matches all.
    type: str
    default: ""
  expected_memory_mib:
    description: How much memory every GPU has at least.
    type: int
    default: 0
  reboot:
    description: When a restart is allowed. V(when_idle) means while no container runs here.
    type: str
    choices: [never, when_idle, if_required]
    default: when_idle
  reboot_scope:
    description: Whether any pending restart of the system is a reason, or only one for a driver or a kernel.
    type: str
    choices: [gpu, any]
    default: gpu
  defer_on_busy_host:
    description:
      - Whether packages that take a restart are left for a second call while containers run (RV(deferred)). From
        the upgrade to the restart no new container gets a GPU, so the caller drains the node first.
    type: bool
    default: false
  apt_timeout_seconds:
    description: How long one run of apt may take; it may build the module.
    type: int
    default: 1800
  sys_path:
    description: Where the kernel shows its devices.
    type: path
    default: /sys
  proc_path:
    description: Where the kernel shows its state.
    type: path
    default: /proc
attributes:
  check_mode: {support: full, description: Runs without changing anything; predicts the restart too.}
  diff_mode: {support: full, description: Shows packages, holds and files before and after.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Keep the driver of a Lambda instance, or install one
  sophia.platform.nvidia_driver:
    expected_name_regex: GH200
  register: driver

- name: Upgrade it inside Lambda's archive
  sophia.platform.nvidia_driver:
    source: lambda_stack
    branch: "580"
"""

RETURN = r"""
source:
  description: Where the driver comes from.
  returned: always
  type: str
driver_version:
  description: The version that is on disk afterwards; empty when there is none.
  returned: always
  type: str
versions:
  description: The driver's packages with their versions.
  returned: always
  type: dict
gpus:
  description: The GPUs that nvidia-smi shows, each with index, uuid, name, memory_mib and driver_version.
  returned: always
  type: list
  elements: dict
generic_resources:
  description: The GPUs as generic resources of a Docker engine.
  returned: always
  type: list
  elements: str
reboot_reasons:
  description: Why the host must restart. Empty when it must not.
  returned: always
  type: list
  elements: str
deferred:
  description: Whether packages were left for a second call on the drained host.
  returned: always
  type: bool
restart_persistenced:
  description: Whether the daemon that keeps the driver loaded must be restarted.
  returned: always
  type: bool
lambda_stack:
  description: Whether Lambda's archive or packages are on the host.
  returned: always
  type: bool
page_size_bytes:
  description: The kernel's page size. It is never changed.
  returned: always
  type: int
numa_gpu_memory:
  description: Whether a GPU's memory is a NUMA node and counted as RAM.
  returned: always
  type: bool
missing_kernel_parameters:
  description: What the running kernel was not started with.
  returned: always
  type: list
  elements: str
swarm_node_id:
  description: The host's node id in its Swarm; empty outside of one.
  returned: always
  type: str
problems:
  description: Why the module failed, a sentence each.
  returned: failure
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.reconcile import Refused, reconcile

SPEC = {
    "source": {
        "type": "str",
        "choices": ["auto", "preinstalled", "lambda_stack", "ubuntu", "nvidia"],
        "default": "auto",
    },
    "branch": {"type": "str", "default": "580"},
    "version": {"type": "str", "default": ""},
    "min_version": {"type": "str", "default": "570"},
    "hold": {"type": "bool", "default": True},
    "allow_foreign_repository": {"type": "bool", "default": False},
    "repository_url": {"type": "str", "default": "https://developer.download.nvidia.com/compute/cuda/repos"},
    "repository_key_name": {"type": "str", "default": "3bf863cc.pub", "no_log": False},
    "repository_key_fingerprint": {
        "type": "str",
        "default": "EB693B3035CD5710E231E123A4B469963BF863CC",
        "no_log": False,
    },
    "coherent_memory_mode": {"type": "str", "choices": ["auto", "driver", "numa", "unmanaged"], "default": "auto"},
    "module_options": {"type": "dict", "default": {}},
    "persistence": {"type": "bool", "default": True},
    "sysctls": {"type": "dict", "default": {}},
    "kernel_parameters": {"type": "list", "elements": "str", "default": []},
    "manage_kernel_parameters": {"type": "bool", "default": False},
    "expected_count": {"type": "int", "default": 1},
    "expected_name_regex": {"type": "str", "default": ""},
    "expected_memory_mib": {"type": "int", "default": 0},
    "reboot": {"type": "str", "choices": ["never", "when_idle", "if_required"], "default": "when_idle"},
    "reboot_scope": {"type": "str", "choices": ["gpu", "any"], "default": "gpu"},
    "defer_on_busy_host": {"type": "bool", "default": False},
    "apt_timeout_seconds": {"type": "int", "default": 1800},
    "sys_path": {"type": "path", "default": "/sys"},
    "proc_path": {"type": "path", "default": "/proc"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = reconcile(module.params, module.check_mode)
    except Refused as refused:
        refused.result.pop("warnings")
        module.fail_json(msg=str(refused), problems=refused.problems, **refused.result)
    except (HostError, OSError) as error:
        module.fail_json(msg=str(error), problems=[str(error)])
    for text in result.pop("warnings"):
        module.warn(text)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
