#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has the users of a host as they should be, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_users
short_description: Have accounts with groups, SSH keys and the right to become root
version_added: "0.1.0"
description:
  - Users log in with keys; they get no password.
  - All problems are told at once, before anything is changed.
  - The right to become root is one file, C(/etc/sudoers.d/60-sophia), which C(visudo) judges before it lands. It names
    exactly the users of this call, so whoever is taken out of O(users) loses that right and keeps the account.
  - A user who is connected or runs programs is never removed, and neither is an account of the system. The home folder
    of a removed user stays.
options:
  users:
    description: The users.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The user's name.
        type: str
        required: true
      groups:
        description: More groups of the user. Missing ones are made, of the system kind; none is taken away.
        type: list
        elements: str
        default: []
      authorized_keys:
        description: SSH public keys, one an entry, with options and comment if you like.
        type: list
        elements: str
        default: []
      authorized_keys_exclusive:
        description: Whether the user's other keys are removed.
        type: bool
        default: false
      sudo:
        description: Whether the user may become root, without a password.
        type: bool
        default: false
      shell:
        description: The login shell.
        type: str
        default: /bin/bash
      state:
        description: Whether the user exists.
        type: str
        choices: [present, absent]
        default: present
attributes:
  check_mode: {support: full, description: Runs without changing anything.}
  diff_mode: {support: full, description: Shows accounts and files before and after.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Let two people in, and one no more
  sophia.platform.host_users:
    users:
      - {name: kim, groups: [docker], sudo: true, authorized_keys: ["{{ key_of_kim }}"]}
      - {name: lee, authorized_keys: ["{{ key_of_lee }}"], authorized_keys_exclusive: true}
      - {name: max, state: absent}
"""

RETURN = r"""
changed_users:
  description: What was, or in check mode would be, changed.
  returned: success
  type: list
  elements: str
  sample: [user kim, /home/kim/.ssh/authorized_keys, /etc/sudoers.d/60-sophia]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.host import base, base_users
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError


def reconcile(module: AnsibleModule) -> dict:
    """Look, judge, put right, and look again."""
    users = module.params["users"]
    accounts = base_users.read_accounts(users)
    problems = base_users.problems(users, accounts)
    if problems:
        raise HostError(base.refusal(problems))
    steps = base_users.steps(users, accounts)
    for step in [] if module.check_mode else steps:
        step.apply()
    left = [] if module.check_mode else base_users.steps(users, base_users.read_accounts(users))
    if left:
        raise HostError(f"Still otherwise after it was put right: {', '.join(step.title for step in left)}.")
    return {
        "changed": bool(steps),
        "changed_users": [step.title for step in steps],
        "diff": [step.diff for step in steps],
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "users": {"type": "list", "elements": "dict", "required": True, "options": base_users.USER_SPEC}
        },
        supports_check_mode=True,
    )
    try:
        result = reconcile(module)
    except (HostError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
