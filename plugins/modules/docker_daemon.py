#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owns daemon.json and the engine's environment."""

from __future__ import annotations

DOCUMENTATION = r"""
module: docker_daemon
short_description: Write the Docker engine's daemon.json and environment
version_added: "0.1.0"
description:
  - Builds C(daemon.json) from settings and from fragments of other roles, has C(dockerd --validate) judge it and puts it
    in place in one step. The engine is not restarted; let a handler do that.
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
  diff_mode: {support: full, description: Shows both files before and after.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Configure the engine
  sophia.platform.docker_daemon:
    settings:
      log-driver: json-file
      log-opts: {max-size: 20m, max-file: "5"}
    fragments:
      - {name: nvidia_container_toolkit, settings: {default-runtime: nvidia}}
  notify: Restart docker
"""

RETURN = r"""
settings:
  description: The merged content of C(daemon.json).
  returned: always
  type: dict
paths:
  description: The files that were, or would be, written or removed.
  returned: always
  type: list
  elements: str
"""

import os
import shutil
import tempfile

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.settings import (
    SettingsError,
    merge,
    render,
    render_environment,
)


def read(path: str) -> str:
    """Give a file's text, empty when there is none."""
    try:
        with open(path, encoding="utf-8") as stream:
            return stream.read()
    except FileNotFoundError:
        return ""


def put(module: AnsibleModule, path: str, text: str, validated: bool) -> None:
    """Write a file in one step, or remove it when the text is empty."""
    if not text:
        os.unlink(path)
        return
    directory = os.path.dirname(path)
    os.makedirs(directory, mode=0o755, exist_ok=True)
    handle, draft = tempfile.mkstemp(dir=directory, prefix=".sophia-")
    module.add_cleanup_file(draft)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
    if validated:
        code, out, err = module.run_command(["dockerd", "--validate", "--config-file", draft])
        if code != 0:
            module.fail_json(msg=f"dockerd refuses the settings for {path}, which stays as it was: {(err or out).strip()}")
    os.chmod(draft, 0o644)
    module.atomic_move(draft, path)


def main() -> None:
    """Run the module."""
    fragment = {"name": {"type": "str", "required": True}, "settings": {"type": "dict", "required": True}}
    module = AnsibleModule(
        argument_spec={
            "settings": {"type": "dict", "default": {}},
            "fragments": {"type": "list", "elements": "dict", "default": [], "options": fragment},
            "environment": {"type": "dict", "default": {}},
            "path": {"type": "path", "default": "/etc/docker/daemon.json"},
            "drop_in_path": {
                "type": "path",
                "default": "/etc/systemd/system/docker.service.d/sophia-environment.conf",
            },
        },
        supports_check_mode=True,
    )
    options = module.params
    try:
        settings = merge(options["settings"], options["fragments"])
        drop_in = render_environment({name: str(value) for name, value in options["environment"].items()})
    except SettingsError as error:
        module.fail_json(msg=str(error))
    wanted = {options["path"]: render(settings), options["drop_in_path"]: drop_in}
    have = {path: read(path) for path in wanted}
    changes = [path for path in wanted if wanted[path] != have[path]]
    if changes and not module.check_mode:
        if shutil.which("dockerd") is None:
            module.fail_json(msg="There is no dockerd on this host to judge the settings: install the engine first.")
        for path in changes:
            put(module, path, wanted[path], validated=path == options["path"])
    diff = [
        {"before": have[path], "after": wanted[path], "before_header": path, "after_header": path} for path in changes
    ]
    module.exit_json(changed=bool(changes), settings=settings, paths=changes, diff=diff)


if __name__ == "__main__":
    main()
