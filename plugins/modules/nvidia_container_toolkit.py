#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has NVIDIA's container toolkit at a version that listens to Swarm, configured, with CDI devices for every GPU."""

from __future__ import annotations

DOCUMENTATION = r"""
module: nvidia_container_toolkit
short_description: Have NVIDIA's container toolkit serve the GPUs that Swarm reserves
version_added: "0.1.0"
description:
  - Looks at packages, apt's sources and pins, C(config.toml), CDI and the driver, and decides from all of it. Every
    reason why it cannot be done is told at once, before anything is changed.
  - What only apt can tell (a repository that does not answer, a key that did not sign it, a version that is not on
    offer, a pin that would take the packages back) is found by a rehearsal in a folder of its own.
  - Toolkits 1.18.0 to 1.18.2 ignore C(swarm-resource) in their default mode; they are replaced, or refused.
  - Of C(config.toml) only the keys C(swarm-resource), C(mode) of the runtime and
    C(accept-nvidia-visible-devices-envvar-when-unprivileged) are ever changed; everything else stays byte for byte.
  - Never touches C(daemon.json) and never restarts the engine.
  - Packages that an interrupted run left half done are finished.
options:
  source:
    description:
      - V(preinstalled) keeps the packages that are there, V(nvidia) takes NVIDIA's repository.
      - V(auto) keeps what is there when it is not older than O(min_version) and listens to C(swarm-resource), else
        it takes NVIDIA's repository, and stays with it.
    type: str
    choices: [auto, preinstalled, nvidia]
    default: auto
  version:
    description: Version that NVIDIA's repository shall bring, whole or its beginning. All four packages have it.
    type: str
    required: true
  min_version:
    description: The oldest version that is accepted.
    type: str
    required: true
  repository_url:
    description: Base of NVIDIA's repository; C(stable/deb/<architecture>/) is appended.
    type: str
    required: true
  repository_key_url:
    description: Where the host reads the repository's armoured key.
    type: str
    required: true
  repository_key_checksum:
    description: The key's checksum, as V(sha256:…). Empty needs O(repository_key_unchecked_reason).
    type: str
    default: ""
  repository_key_unchecked_reason:
    description: Why the key's checksum cannot be known. Used when O(repository_key_checksum) is empty only.
    type: str
    default: ""
  swarm_resource_kind:
    description: The kind of generic resource as which Swarm knows a GPU.
    type: str
    default: NVIDIA-GPU
  mode:
    description:
      - The runtime's mode. V(legacy) puts devices in by a hook, which needs C(native.cgroupdriver=cgroupfs) in
        O(docker_settings).
    type: str
    choices: [auto, legacy]
    default: auto
  docker_settings:
    description: What the engine is given as daemon.json, as far as it concerns the toolkit (C(exec-opts)).
    type: dict
    default: {}
  allow_upgrade:
    description:
      - Whether a toolkit that serves may be changed to O(version), one may be replaced while containers run, and
        C(nvidia-docker2) may be removed. A toolkit that cannot serve is replaced without it when no container runs.
    type: bool
    default: false
  hold:
    description: Whether dpkg is told to keep the packages. V(false) leaves holds alone.
    type: bool
    default: true
  sys_path:
    description: Where the kernel shows its devices.
    type: path
    default: /sys
  proc_path:
    description: Where the kernel shows its drivers.
    type: path
    default: /proc
  timeout_seconds:
    description: How long one run of apt may take.
    type: int
    default: 900
attributes:
  check_mode: {support: full, description: Plans and rehearses without changing anything. No driver is a warning then.}
  diff_mode: {support: full, description: "Shows packages, holds, CDI and each file before and after."}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Have the toolkit
  sophia.platform.nvidia_container_toolkit:
    version: 1.20.0
    min_version: 1.19.0
    repository_url: https://nvidia.github.io/libnvidia-container
    repository_key_url: https://nvidia.github.io/libnvidia-container/gpgkey
    repository_key_checksum: sha256:c880576d6cf75a48e5027a871bac70fd0421ab07d2b55f30877b21f1c87959c9
"""

RETURN = r"""
version:
  description: The version of all four packages; empty when they are not whole or not of one version.
  returned: success
  type: str
  sample: 1.20.0-1
source:
  description: Whose packages they are.
  returned: success
  type: str
  sample: nvidia
config_changed:
  description: Whether config.toml was edited.
  returned: success
  type: bool
ignores_swarm_resource:
  description: Whether this version has the defect of 1.18 in the mode that is asked for.
  returned: success
  type: bool
swarm_resource:
  description: The value in force in config.toml.
  returned: success
  type: str
  sample: DOCKER_RESOURCE_NVIDIA-GPU
wanted_swarm_resource:
  description: The value that it should have.
  returned: success
  type: str
cdi_devices:
  description: Names of the CDI devices of kind nvidia.com/gpu.
  returned: success
  type: list
  elements: str
missing_devices:
  description: UUIDs of GPUs without a CDI device.
  returned: success
  type: list
  elements: str
daemon_settings:
  description: What the engine must be given because of O(mode). Empty for V(auto).
  returned: success
  type: dict
problems:
  description: What is wrong. After a success it speaks of the host as it was left, and is empty.
  returned: always
  type: list
  elements: str
real_checks:
  description: What is to be tried by hand on a real GPU, because no stand-in can show it.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_config import ConfigError
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_plan import Wanted
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_reconcile import (
    Refused,
    reconcile,
    returned,
)

HOST_OPTIONS = {
    "sys_path": {"type": "path", "default": "/sys"},
    "proc_path": {"type": "path", "default": "/proc"},
    "timeout_seconds": {"type": "int", "default": 900},
}
SPEC = {
    "source": {"type": "str", "choices": ["auto", "preinstalled", "nvidia"], "default": "auto"},
    "version": {"type": "str", "required": True},
    "min_version": {"type": "str", "required": True},
    "repository_url": {"type": "str", "required": True},
    "repository_key_url": {"type": "str", "required": True, "no_log": False},
    "repository_key_checksum": {"type": "str", "default": "", "no_log": False},
    "repository_key_unchecked_reason": {"type": "str", "default": "", "no_log": False},
    "swarm_resource_kind": {"type": "str", "default": "NVIDIA-GPU"},
    "mode": {"type": "str", "choices": ["auto", "legacy"], "default": "auto"},
    "docker_settings": {"type": "dict", "default": {}},
    "allow_upgrade": {"type": "bool", "default": False},
    "hold": {"type": "bool", "default": True},
    **HOST_OPTIONS,
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    options = {name: module.params[name] for name in SPEC}
    host = {name: options.pop(name) for name in HOST_OPTIONS}
    wanted = Wanted(**options)
    try:
        result = reconcile(wanted, **host, check=module.check_mode)
    except Refused as error:
        module.fail_json(msg=str(error), problems=error.problems)
    except (HostError, ConfigError, OSError) as error:
        module.fail_json(msg=str(error), problems=[str(error)])
    for warning in result.warnings:
        module.warn(warning)
    module.exit_json(**returned(result, wanted, module.check_mode))


if __name__ == "__main__":
    main()
