#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells what is known of a project at Vercel, and what DNS must hold for its domains."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vercel_project_info
short_description: What DNS must hold for a project at Vercel
version_added: "0.2.0"
description:
  - Reads the project, its custom domains and what Vercel recommends for each. Changes nothing.
  - A project that does not exist is no error; it has no domains and no records.
extends_documentation_fragment: [sophia.platform.vercel]
options:
  dns_ttl_seconds:
    description: The time to live that RV(dns_records) get, in seconds.
    type: int
    default: 300
attributes:
  check_mode: {support: full, description: It only reads.}
  diff_mode: {support: none, description: It changes nothing.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Read which records the frontend needs
  sophia.platform.vercel_project_info:
    name: web
    team_id: team_abc
  register: web
"""

RETURN = r"""
exists:
  description: Whether the project is there.
  returned: success
  type: bool
project_id:
  description: The project's id, or nothing.
  returned: success
  type: str
production:
  description: The deployment that production is on; empty without a project.
  returned: success
  type: dict
  contains:
    id: {description: Its id; empty when there is none., type: str}
    ready_state: {description: "V(READY) when it is built.", type: str}
    serves: {description: Whether it is built and has its names without an error., type: bool}
    aliases: {description: The names under which it serves., type: list}
    url: {description: Its own address., type: str}
dns_records:
  description: What DNS must hold for the custom domains, as M(sophia.platform.vercel_project) describes it.
  returned: success
  type: list
  elements: dict
domains:
  description: The custom domains as they stand, as M(sophia.platform.vercel_project) describes them.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.vercel import options, reconcile
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import VercelError

SPEC = {**options.CONNECTION, "dns_ttl_seconds": {"type": "int", "default": 300}}


def main(clock: Clock | None = None) -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, mutually_exclusive=options.ONE_TEAM, supports_check_mode=True)
    asked, message = module.params, ""
    try:
        client = options.client(asked, clock or Clock())
        result = reconcile.information(client, asked["name"], asked["dns_ttl_seconds"])
    except VercelError as error:
        message = str(error)
    if message:
        module.fail_json(msg=message)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
