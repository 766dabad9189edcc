#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owns daemon.json and the engine's environment, and keeps the engine running."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_engine
short_description: Configure the Docker engine and have it run
version_added: "0.1.0"
description:
  - Builds C(daemon.json) from settings and from fragments of other roles, has C(dockerd --validate) judge it, puts it
    in place in one step, and has the service enabled and started.
  - Never restarts the engine. RV(restart) says that a handler must, because the files changed under a running engine or
    because it runs with other settings than its file says (an earlier run ended too early).
  - Works in check mode on a host that has no engine yet.
  - Settings that cannot work on a Swarm node (such as C(live-restore)) and two fragments that contradict each other are
    refused.
options:
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
  environment:
    description: Environment variables of the engine, set by a systemd drop-in. Empty removes the drop-in.
    type: dict
    default: {}
  version:
    description: Version that should run, whole or its beginning. Another one that runs asks for a restart.
    type: str
    default: ""
  path:
    description: The configuration file.
    type: path
    default: /etc/docker/daemon.json
  drop_in_path:
    description: The systemd drop-in.
    type: path
    default: /etc/systemd/system/docker.service.d/sophia-environment.conf
attributes:
  check_mode: {support: full, description: Runs without changing anything.}
  diff_mode: {support: full, description: Shows both files and the service before and after.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Configure the engine
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
  description: The merged content of C(daemon.json).
  returned: always
  type: dict
restart:
  description: Whether the running engine must be restarted.
  returned: always
  type: bool
problems:
  description: What the running engine does otherwise than its unchanged files say.
  returned: always
  type: list
  elements: str
"""

import shutil

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.judge import UNIT, validate
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.settings import (
    SettingsError,
    merge,
    problems_of,
    render,
    render_environment,
)
from ansible_collections.sophia.platform.plugins.module_utils.host import files
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, run
from ansible_collections.sophia.platform.plugins.module_utils.host.units import unit_state
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine, EngineError

FRAGMENT = {"name": {"type": "str", "required": True}, "settings": {"type": "dict", "required": True}}
SPEC = {
    "settings": {"type": "dict", "default": {}},
    "fragments": {"type": "list", "elements": "dict", "default": [], "options": FRAGMENT},
    "environment": {"type": "dict", "default": {}},
    "version": {"type": "str", "default": ""},
    "path": {"type": "path", "default": "/etc/docker/daemon.json"},
    "drop_in_path": {"type": "path", "default": "/etc/systemd/system/docker.service.d/sophia-environment.conf"},
}


def write(options: dict, changes: list[files.File], unit: dict) -> None:
    """Put the files in place, then have the unit enabled and started."""
    if shutil.which("dockerd") is None:
        raise HostError("There is no dockerd on this host to judge the settings: install the engine first.")
    for file in changes:
        files.write(file, validate if file.path == options["path"] else None)
    if options["drop_in_path"] in [file.path for file in changes]:
        run("systemctl", "daemon-reload")
    if not unit["enabled"]:
        run("systemctl", "enable", UNIT)
    if not unit["active"]:
        run("systemctl", "start", UNIT)


def reconcile(module: AnsibleModule) -> dict:
    """Compare, write, and ask the engine when nothing was written."""
    options = module.params
    settings = merge(options["settings"], options["fragments"])
    environment = {name: str(value) for name, value in options["environment"].items()}
    wanted = [
        files.File(options["path"], render(settings)),
        files.File(options["drop_in_path"], render_environment(environment)),
    ]
    unit, changes = unit_state(UNIT), files.changes(wanted)
    problems = []
    if unit["active"] and not changes:
        problems = problems_of(settings, options["version"], Engine().get("/info"))
    diff = [files.diff(file) for file in changes]
    service_changes = not (unit["active"] and unit["enabled"])
    if service_changes:
        diff.append({"before": f"{UNIT}: {unit}\n", "after": f"{UNIT}: enabled and running\n"})
    if (changes or service_changes) and not module.check_mode:
        write(options, changes, unit)
    return {
        "changed": bool(changes or service_changes or problems),
        "settings": settings,
        "restart": unit["active"] and bool(changes or problems),
        "problems": problems,
        "diff": diff,
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = reconcile(module)
    except (SettingsError, HostError, EngineError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
