#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs and holds the Docker engine, owns what the platform says in daemon.json, and keeps the engine running."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_engine
short_description: Install, hold, configure and run the Docker engine
version_added: "0.1.0"
description:
  - Judges everything that can be known beforehand, tells all problems of the host in one message, and only then changes
    anything.
  - Decides from the host's own facts which packages the engine is, describes Docker's repository to apt where that is
    the source, and installs and holds the engine, its client, containerd and runc.
  - Builds C(daemon.json) from settings and from fragments of other roles, has the installed engine judge it, puts it in
    place in one step, and has the service enabled and started. Keys that nobody of the platform wrote stay, unless the
    platform says otherwise for them.
  - Never restarts the engine. RV(action) says what a handler must do, because the files or the packages changed under a
    running engine, or because an earlier run ended before its handler did.
  - Works in check mode on a host that has no engine yet.
options:
  source:
    description:
      - Where the packages come from. V(distribution) is docker.io, V(docker) is Docker's own repository, whose key must
        lie at C(/etc/apt/keyrings/docker.asc). V(preinstalled) installs nothing and keeps what is there.
    type: str
    choices: [distribution, docker, preinstalled]
    default: distribution
  version:
    description: Version of the engine, whole or its beginning. Empty accepts what is installed, or the newest on offer.
    type: str
    default: ""
  min_version:
    description: An engine older than this is refused.
    type: str
    default: "20.10"
  allow_upgrade:
    description: Whether an installed engine may be changed to O(version).
    type: bool
    default: false
  replace:
    description: >-
      Whether the engine of another source may be replaced while containers run. That stops all of them. Where no
      container runs it is replaced without this.
    type: bool
    default: false
  repository_url:
    description: Base of Docker's repository, without the distribution's name. For O(source=docker).
    type: str
    default: https://download.docker.com/linux
  repository_channel:
    description: The repository's component.
    type: str
    default: stable
  settings:
    description: Content of C(daemon.json). Keys with empty values are left out.
    type: dict
    default: {}
  fragments:
    description: What other roles add. Mappings are merged, lists are appended to.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Whose fragment it is, for messages.
        type: str
        required: true
      settings:
        description: A part of C(daemon.json).
        type: dict
        required: true
  foreign_settings:
    description:
      - What becomes of content of C(daemon.json) that neither O(settings) nor O(fragments) ever had. V(keep) leaves it
        there beside ours, and refuses what a Swarm node cannot have. V(remove) writes the file anew.
    type: str
    choices: [keep, remove]
    default: keep
  reserved_networks:
    description: Networks in CIDR form that no address pool may overlap, besides the host's own routes.
    type: list
    elements: str
    default: []
  environment:
    description: Environment variables of the engine, set by a systemd drop-in. Empty removes the drop-in.
    type: dict
    default: {}
  path:
    description: The configuration file.
    type: path
    default: /etc/docker/daemon.json
  memory_path:
    description: >-
      Where the platform's own last content of O(path) is remembered. A key of O(path) that is not in it is foreign; a
      key that is in it and no longer wanted is removed.
    type: path
    default: /var/lib/sophia/daemon.json
  drop_in_path:
    description: The systemd drop-in.
    type: path
    default: /etc/systemd/system/docker.service.d/sophia-environment.conf
  timeout_seconds:
    description: How long one run of apt may take.
    type: int
    default: 900
attributes:
  check_mode: {support: full, description: Runs without changing anything.}
  diff_mode: {support: full, description: "Shows packages, files and the service before and after."}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Install, configure and start the engine
  sophia.platform.docker_engine:
    settings:
      log-driver: json-file
      log-opts: {max-size: 20m, max-file: "5"}
    fragments:
      - {name: nvidia_container_toolkit, settings: {default-runtime: nvidia}}
  register: docker_engine
  notify: Restart docker
"""

RETURN = r"""
settings:
  description: The whole content of C(daemon.json), foreign content included.
  returned: success
  type: dict
foreign:
  description: Paths of the values in C(daemon.json) that the platform did not write and that stay.
  returned: success
  type: list
  elements: str
  sample: [max-concurrent-downloads, runtimes.crun.path]
action:
  description: What the running engine needs to take up its settings, C(reload), C(restart) or nothing.
  returned: success
  type: str
problems:
  description: What the running engine does otherwise than its unchanged files say.
  returned: success
  type: list
  elements: str
versions:
  description: Package name to installed version, as it was found.
  returned: success
  type: dict
  sample: {docker.io: 26.1.5+dfsg1-9, containerd: 1.7.24~ds1-6}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.foreign import MEMORY_PATH
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.reconcile import reconcile
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import EngineError

FRAGMENT = {"name": {"type": "str", "required": True}, "settings": {"type": "dict", "required": True}}
SPEC = {
    "source": {"type": "str", "choices": ["distribution", "docker", "preinstalled"], "default": "distribution"},
    "version": {"type": "str", "default": ""},
    "min_version": {"type": "str", "default": "20.10"},
    "allow_upgrade": {"type": "bool", "default": False},
    "replace": {"type": "bool", "default": False},
    "repository_url": {"type": "str", "default": "https://download.docker.com/linux"},
    "repository_channel": {"type": "str", "default": "stable"},
    "settings": {"type": "dict", "default": {}},
    "fragments": {"type": "list", "elements": "dict", "default": [], "options": FRAGMENT},
    "foreign_settings": {"type": "str", "choices": ["keep", "remove"], "default": "keep"},
    "reserved_networks": {"type": "list", "elements": "str", "default": []},
    "environment": {"type": "dict", "default": {}},
    "path": {"type": "path", "default": "/etc/docker/daemon.json"},
    "memory_path": {"type": "path", "default": MEMORY_PATH},
    "drop_in_path": {"type": "path", "default": "/etc/systemd/system/docker.service.d/sophia-environment.conf"},
    "timeout_seconds": {"type": "int", "default": 900},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = reconcile(module.params, module.check_mode)
    except (HostError, EngineError, OSError) as error:
        module.fail_json(msg=str(error))
    if result["foreign"]:
        module.warn(
            f"{module.params['path']} has content that the platform did not write, and keeps it: "
            f"{', '.join(result['foreign'])}. Take it over with docker_daemon_settings, or drop it with "
            "docker_foreign_settings: remove."
        )
    module.exit_json(**result)


if __name__ == "__main__":
    main()
