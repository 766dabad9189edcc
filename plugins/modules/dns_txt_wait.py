#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until TXT records are visible at a zone's name servers."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_txt_wait
short_description: Wait until TXT records are visible at a zone's name servers
version_added: "0.3.0"
description:
  - Asks the name servers themselves, not a resolver, which would go on to say for a while that there is nothing.
  - It is enough when all servers that answer show the records, and one does.
options:
  zone:
    description: The zone.
    type: str
    required: true
  records:
    description: The records, with names within O(zone) as M(sophia.platform.namecheap_dns) takes them.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {description: The name; V(@) is the zone itself., type: str, required: true}
      type: {description: The type., type: str, choices: [TXT], default: TXT}
      value: {description: The value. Other values of the name are not looked at., type: str, required: true}
      ttl_seconds: {description: Not looked at., type: int}
  name_servers:
    description:
      - The name servers to ask instead of those that the zone names, as C(host), C(host:port) or C([address]:port).
    type: list
    elements: str
    default: []
  timeout_seconds:
    description: How long it may take.
    type: int
    default: 600
attributes:
  check_mode: {support: full, description: It only reads.}
  diff_mode: {support: none, description: It changes nothing.}
requirements: [dnspython >= 2.4]
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Wait until the authority can see the challenge
  sophia.platform.dns_txt_wait:
    zone: example.com
    records:
      - {name: _acme-challenge.api, value: "{{ challenge }}"}
  delegate_to: localhost
"""

RETURN = r"""
name_servers:
  description: The servers that were asked.
  returned: success
  type: list
  elements: str
"""

from collections import defaultdict

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.dns import servers, txt

RECORD = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "choices": ["TXT"], "default": "TXT"},
    "value": {"type": "str", "required": True},
    "ttl_seconds": {"type": "int"},
}
SPEC = {
    "zone": {"type": "str", "required": True},
    "records": {"type": "list", "elements": "dict", "required": True, "options": RECORD},
    "name_servers": {"type": "list", "elements": "str", "default": []},
    "timeout_seconds": {"type": "int", "default": 600},
}


def main(clock: Clock | None = None) -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if servers.IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("dnspython >= 2.4"), exception=servers.IMPORT_ERROR)
    asked, found, message = module.params, [], ""
    wanted = defaultdict(set)
    for record in asked["records"]:
        name = asked["zone"] if record["name"] == "@" else f"{record['name']}.{asked['zone']}"
        wanted[name].add(record["value"])
    try:
        found = servers.servers(asked["name_servers"], asked["zone"])
        txt.wait(wanted, found, asked["timeout_seconds"], clock or Clock())
    except servers.DnsError as error:
        message = str(error)
    if message:
        module.fail_json(msg=message)
    module.exit_json(changed=False, name_servers=[server.label for server in found])


if __name__ == "__main__":
    main()
