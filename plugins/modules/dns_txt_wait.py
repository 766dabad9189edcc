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
      - The servers to ask, each as V(ADDRESS) or V(ADDRESS:PORT). Empty are those that the zone is delegated to.
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

import traceback
from collections import defaultdict

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.sophia.platform.plugins.module_utils.certificates.errors import CertificatesError
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock

try:
    from ansible_collections.sophia.platform.plugins.module_utils.certificates import visible
except ImportError:
    MISSING = traceback.format_exc()
else:
    MISSING = ""

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
    if MISSING:
        module.fail_json(msg=missing_required_lib("dnspython >= 2.4"), exception=MISSING)
    asked, message = module.params, ""
    wanted = defaultdict(set)
    for record in asked["records"]:
        name = asked["zone"] if record["name"] == "@" else f"{record['name']}.{asked['zone']}"
        wanted[name].add(record["value"])
    try:
        servers = visible.given(asked["name_servers"]) or visible.of_zone(asked["zone"])
        visible.wait(wanted, servers, asked["timeout_seconds"], clock or Clock())
    except CertificatesError as error:
        message = str(error)
    if message:
        module.fail_json(msg=message)
    module.exit_json(changed=False, name_servers=[server.name for server in servers])


if __name__ == "__main__":
    main()
