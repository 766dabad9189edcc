#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells the records, mail setting and name servers of a domain at Namecheap."""

from __future__ import annotations

DOCUMENTATION = r"""
module: namecheap_dns_info
short_description: Read the records of a domain at Namecheap
version_added: "0.2.0"
description:
  - Reads the records and the mail setting of a domain with one call, and its name servers with another.
  - A domain on other name servers is no error; it has no records at Namecheap then.
  - Changes nothing. SRV records are not shown by the API.
options:
  gather_name_servers:
    description: Whether to ask for the name servers, which costs the second call.
    type: bool
    default: true
extends_documentation_fragment: [sophia.platform.namecheap]
attributes:
  check_mode: {support: full, description: Changes nothing.}
  diff_mode: {support: none, description: Changes nothing.}
seealso:
  - module: sophia.platform.namecheap_dns
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Read the zone
  sophia.platform.namecheap_dns_info:
    domain: example.com
  delegate_to: localhost
  register: zone

- name: Show who manages what
  ansible.builtin.debug:
    var: zone.owners
"""

RETURN = r"""
records:
  description: The records.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: "The host name within the domain, V(@) for the domain itself.", type: str}
    type: {description: The type., type: str}
    value: {description: The value as Namecheap spells it., type: str}
    ttl_seconds: {description: "The TTL, in seconds.", type: int}
    mx_preference: {description: The preference of an MX record., type: int}
email_type:
  description:
    - How mail is routed; see the option of the same name of M(sophia.platform.namecheap_dns).
    - Null when the API did not say.
  returned: success
  type: str
is_at_namecheap:
  description: Whether the domain is on Namecheap's name servers, so that its records at Namecheap have an effect.
  returned: success
  type: bool
dynamic_dns:
  description: The names whose records have Dynamic DNS, which any write switches off.
  returned: success
  type: list
  elements: str
name_servers:
  description: The domain's name servers.
  returned: with O(gather_name_servers)
  type: list
  elements: str
owners:
  description: "What each owner lists: C(www/A) is a whole set, C(@/TXT#0a1b2c3d4e) one value of a shared one."
  returned: success
  type: dict
calls:
  description: How many calls the API got.
  returned: always, unless an option was refused
  type: int
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.namecheap import owner, settings
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.errors import NamecheapError

SPEC = {**settings.SPEC, "gather_name_servers": {"type": "bool", "default": True}}


def run(module: AnsibleModule, clock: Clock, told: dict) -> dict:
    """Read what is asked for; `told` keeps what is known if this fails."""
    problems, domain = settings.problems_and_domain(module.params)
    settings.refuse(problems)
    client = settings.client(module.params, clock)
    try:
        zone = client.zone(domain)
        servers = {"name_servers": client.name_servers(domain)} if module.params["gather_name_servers"] else {}
    finally:
        told.update(calls=client.calls)
        for text in dict.fromkeys(client.warnings):
            module.warn(f"Namecheap warns about {domain.name}: {text}")
    return {
        "records": zone.shown(),
        "email_type": zone.email_type,
        "is_at_namecheap": zone.is_at_namecheap,
        "dynamic_dns": sorted({record.name for record in zone.records if record.is_dynamic}),
        "owners": {name: sorted(entries) for name, entries in owner.read(zone.records).entries.items()},
        **servers,
    }


def main(clock: Clock | None = None) -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    told: dict = {}
    try:
        result = run(module, clock or Clock(), told)
    except NamecheapError as error:
        module.fail_json(msg=str(error), **told)
    module.exit_json(changed=False, **told, **result)


if __name__ == "__main__":
    main()
