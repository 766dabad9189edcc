#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a firewall ruleset at Lambda Cloud with these rules, or has it no more."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lambda_firewall_ruleset
short_description: Keep one firewall ruleset at Lambda Cloud
version_added: "0.2.0"
description:
  - A ruleset is known by its name and region; V(global) is the one of the whole account, which always exists.
  - The ruleset has exactly these rules afterwards, others are removed. Order does not matter, and an address without a
    length is the same as one with C(/32).
  - Rules are inbound ones. Rulesets are chosen when an instance is launched
    (O(sophia.platform.lambda_instance#module:firewall_rulesets)).
  - Runs on the control node (C(delegate_to) or C(connection) local).
extends_documentation_fragment: [sophia.platform.lambda_cloud]
options:
  name:
    description: The ruleset's name, or V(global).
    type: str
    required: true
  region:
    description: The ruleset's region; empty with O(name=global). us-south-1 does not apply rules and is refused.
    type: str
    default: ""
  state:
    description: V(absent) deletes a ruleset that no instance uses.
    type: str
    choices: [present, absent]
    default: present
  rules:
    description: The rules. Required with O(state=present); an empty list lets nothing in.
    type: list
    elements: dict
    suboptions:
      protocol:
        description: The protocol.
        type: str
        choices: [tcp, udp, icmp, all]
        required: true
      port_range:
        description: The first and the last port; the same twice for one. None with V(icmp), required otherwise.
        type: list
        elements: int
        default: []
      source_network:
        description: The IPv4 address or network from which connections may come.
        type: str
        required: true
      description:
        description: What the rule is for, 1 to 128 letters.
        type: str
        required: true
attributes:
  check_mode: {support: full, description: Reads and compares.}
  diff_mode: {support: full, description: 'Shows the rules before and after, one a line.'}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Let SSH and HTTPS in
  sophia.platform.lambda_firewall_ruleset:
    name: sophia-edge
    region: us-east-3
    rules:
      - {protocol: tcp, port_range: [22, 22], source_network: 198.51.100.7, description: SSH of the office}
      - {protocol: tcp, port_range: [443, 443], source_network: 0.0.0.0/0, description: HTTPS}
      - {protocol: icmp, source_network: 0.0.0.0/0, description: Ping}
    api_key: "{{ platform_secrets.lambda_api_key }}"
  delegate_to: localhost
"""

RETURN = r"""
ruleset:
  description: The ruleset as it is now; empty when there is none.
  returned: success
  type: dict
  contains:
    id: {description: The id., type: str}
    name: {description: The name., type: str}
    region: {description: The region., type: str}
    rules: {description: 'The rules, sorted.', type: list, elements: dict}
    instance_ids: {description: The instances that use it., type: list, elements: str}
calls:
  description: How many requests were made.
  returned: always
  type: int
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.client import LambdaCloud
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.errors import LambdaCloudError
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.firewall import RULESET_SPEC, Ruleset


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=RULESET_SPEC, supports_check_mode=True)
    options, clock, client = module.params, Clock(), None
    try:
        client = LambdaCloud(options["api_key"], options["api_url"], options["timeout_seconds"], clock=clock)
        result = Ruleset(client, options, clock, module.check_mode).reconcile()
    except LambdaCloudError as error:
        message = str(error)
    else:
        module.exit_json(**result, calls=client.calls)
    module.fail_json(msg=message, calls=client.calls if client else 0)


if __name__ == "__main__":
    main()
