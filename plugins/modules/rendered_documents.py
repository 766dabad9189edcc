#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps a directory of computed documents."""

from __future__ import annotations

DOCUMENTATION = r"""
module: rendered_documents
short_description: Keep a directory of computed documents
version_added: "0.1.0"
author: [Sophia platform (@sophia-platform)]
description:
  - Makes a directory hold the given texts and nothing else, so that what is not computed any more is gone as well.
options:
  path:
    description: The directory. It is made when it is not there. B(Every other file in it is removed.)
    type: path
    required: true
  documents:
    description: The texts by path relative to O(path), as P(sophia.platform.catalog_documents#filter) gives them.
    type: dict
    required: true
attributes:
  check_mode:
    support: full
    description: Says what would be written and removed.
  diff_mode:
    support: full
    description: Shows every file that differs.
"""

EXAMPLES = r"""
- name: Write everything that the catalog computes
  sophia.platform.rendered_documents:
    path: build/lab
    documents: "{{ platform | sophia.platform.catalog_documents }}"
"""

RETURN = r"""
changed_paths:
  description: The files that were written or removed, relative to O(path).
  returned: always
  type: list
  elements: str
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.catalog import tree


def main() -> None:
    """Run the module."""
    options = {"path": {"type": "path", "required": True}, "documents": {"type": "dict", "required": True}}
    module = AnsibleModule(argument_spec=options, supports_check_mode=True)
    root_path, want = Path(module.params["path"]), module.params["documents"]
    try:
        have = tree.read(root_path)
        found = tree.differences(have, want)
        if not module.check_mode:
            tree.write(root_path, have, want)
    except OSError as error:
        module.fail_json(msg=f"The documents in {root_path} cannot be written: {error}.")
    paths = sorted(path for path in {*have, *want} if have.get(path) != want.get(path))
    module.exit_json(changed=bool(found), changed_paths=paths, diff=found)


if __name__ == "__main__":
    main()
