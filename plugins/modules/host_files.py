#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts text files of the host in place, all in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_files
short_description: Have several text files on the host, each judged before it lands
version_added: "0.1.0"
description:
  - Compares all files first and writes those that differ, each in one step. They belong to root.
  - A file with a judge is tried as a draft in its own directory first. When a draft is refused nothing of it lands, and
    files that were written before stay, for they were accepted.
options:
  files:
    description: The files.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Where the file is.
        type: path
        required: true
      content:
        description: Its text. An empty text means that there is no such file.
        type: str
        required: true
      mode:
        description: Its permission bits in octal.
        type: str
        default: "0644"
      judge:
        description: The command that must accept the draft; C(%s) in an argument stands for the draft's path.
        type: list
        elements: str
        default: []
attributes:
  check_mode: {support: full, description: Compares without writing.}
  diff_mode: {support: full, description: Shows each file before and after.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Let operators become root
  sophia.platform.host_files:
    files:
      - path: /etc/sudoers.d/sophia
        content: "%operators ALL=(ALL) NOPASSWD: ALL\n"
        mode: "0440"
        judge: [visudo, -cf, "%s"]
"""

RETURN = r"""
changed_paths:
  description: Paths of the files that were, or in check mode would be, written or removed.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.host import files
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, run

FILE = {
    "path": {"type": "path", "required": True},
    "content": {"type": "str", "required": True},
    "mode": {"type": "str", "default": "0644"},
    "judge": {"type": "list", "elements": "str", "default": []},
}


def judge_of(entry: dict) -> files.Judge | None:
    """The judge of a file, if it has one."""
    if not entry["judge"]:
        return None

    def judge(draft: str) -> None:
        try:
            run(*(draft if argument == "%s" else argument for argument in entry["judge"]))
        except HostError as error:
            raise HostError(f"{entry['path']} is refused and stays as it was: {error}") from error

    return judge


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={"files": {"type": "list", "elements": "dict", "required": True, "options": FILE}},
        supports_check_mode=True,
    )
    entries = {entry["path"]: entry for entry in module.params["files"]}
    try:
        wanted = [files.File(path, entry["content"], int(entry["mode"], 8)) for path, entry in entries.items()]
        changes = files.changes(wanted)
        diff = [files.diff(file) for file in changes]
        for file in [] if module.check_mode else changes:
            files.write(file, judge_of(entries[file.path]))
    except (HostError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=bool(changes), changed_paths=[file.path for file in changes], diff=diff)


if __name__ == "__main__":
    main()
