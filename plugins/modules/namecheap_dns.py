#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes records of a domain at Namecheap what is asked for, and keeps all others."""

from __future__ import annotations

DOCUMENTATION = r"""
module: namecheap_dns
short_description: Manage records of a domain at Namecheap, and lose none
version_added: "0.2.0"
description:
  - "Namecheap's API replaces a whole zone with what it is sent. This module reads the zone, plans, sends it once with
    everything that was there, reads it again and compares: one call when nothing changes, and three when something
    does, however many records."
  - Records that the task does not speak of stay, mail settings included. A read that is in any doubt is never
    followed by a write.
  - "A name and type that O(records) has is a set: its other records are removed, see O(record_sets)."
  - With O(owner) the zone itself remembers what is managed, and records that are no longer asked for are removed in
    the same write.
  - When another writer was faster, the module reads, plans and writes again, twice at most. It then fails and says
    what is missing. A writer that writes between our read and our write, within about a second, is overwritten; the
    API has nothing against that.
  - One writer of a zone at a time on a control node, for one user. Give one task all records of a zone, and run it
    once (C(run_once), C(delegate_to=localhost)), not once for each host.
options:
  records:
    description:
      - The records. All problems with them are told at once, before anything is sent.
      - With O(owner) these are all that the owner manages.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: "The host name within O(domain): V(@) is the domain itself, V(*) any name. At most 60 characters."
        type: str
        required: true
      type:
        description:
          - The type. SRV is not here because the API has none.
          - V(URL) redirects with 302, V(URL301) with 301, V(FRAME) shows a page in a frame.
          - V(MXE) sends mail to one IPv4 address and needs O(email_type=MXE).
        type: str
        required: true
        choices: [A, AAAA, ALIAS, CAA, CNAME, FRAME, MX, MXE, NS, TXT, URL, URL301]
      value:
        description:
          - One value; several entries of one name and type are a set. Needed unless O(state=absent).
          - Host names are full ones, with or without the final dot. TXT is not quoted and may be 2500 characters
            long. CAA is like V(0 issue "letsencrypt.org").
        type: str
      ttl_seconds:
        description:
          - How long resolvers may keep the record, 60 to 60000 seconds. V(1800) when it is not given.
          - V(1799), which the panel calls Automatic, and V(1800) count as the same.
        type: int
      mx_preference:
        description: The preference of an MX record, 0 to 255. V(10) when it is not given.
        type: int
      listed:
        description:
          - Whether the list of O(owner) names the record. V(false) puts it there in the owner's name and leaves it to
            others, as a roll-back does with what was there before the owner came.
        type: bool
        default: true
  replaces:
    description:
      - Names and types that go in the same write, unless O(records) has them. A name that was a CNAME becomes an
        address without a moment in which it is nothing. For O(state=present) only.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: "The host name within O(domain)."
        type: str
        required: true
      type:
        description: The type.
        type: str
        required: true
        choices: [A, AAAA, ALIAS, CAA, CNAME, FRAME, MX, MXE, NS, TXT, URL, URL301]
  state:
    description:
      - V(present) sees to it that the records are there.
      - V(absent) removes them. An entry without O(records[].value) means all values of its name and type.
    type: str
    choices: [present, absent]
    default: present
  record_sets:
    description:
      - What becomes of other records with a name and type that O(records) has.
      - V(replace) removes them. TXT is the exception, since challenges, SPF and proofs of many services share a name;
        of TXT only one with the same version mark (V(v=spf1), V(v=DMARC1), ...) is replaced, as a name may have one
        of each.
      - V(exclusive) removes them, TXT too.
      - V(add) keeps them.
    type: str
    choices: [replace, exclusive, add]
    default: replace
  owner:
    description:
      - A name for what manages these records, such as an environment. Lower-case letters, digits and hyphens, at most
        50.
      - The TXT records C(_owned.<owner>) of the zone list the names and types of this owner, and single values where
        sets are shared. What is listed and no longer in O(records) is removed; nobody else's records are.
      - Several owners can share a zone. Two that ask for the same name and type are refused, by name; and so is a
        task that would change or remove what another owner lists, or that has no owner.
      - A task that adds only a few records, a challenge say, has no owner or one of its own.
      - To let an owner go, ask for no records as that owner; or remove its list with O(state=absent), which keeps its
        records.
    type: str
  purge:
    description:
      - Also remove all records that O(records) does not have, the parking records of a new domain included. The
        records of other owners stay.
    type: bool
    default: false
  purge_keep:
    description:
      - "What O(purge) keeps: patterns of names (V(_acme-challenge*)), or of names and types (V(@/TXT), V(*/MX))."
    type: list
    elements: str
    default: []
  email_type:
    description:
      - How the domain's mail is routed. The zone's own setting stays when this is not given.
      - V(MX) is by MX records, V(MXE) by the MXE record, V(FWD) is Namecheap's forwarding, V(OX) Private Email,
        V(GMAIL) Google Workspace, V(NONE) no mail. A change reroutes mail at once.
      - MX records are refused with V(FWD), V(NONE) and V(MXE), where Namecheap silently drops them. Those of the
        domain itself are the provider's with V(OX) and V(GMAIL).
    type: str
    choices: [NONE, MX, MXE, FWD, OX, GMAIL]
  max_deletions:
    description:
      - Refuse to remove more records than this. A record that another one of the same name and type takes the place
        of does not count.
    type: int
    default: 5
  allow_empty_zone:
    description: Whether the zone may have no records afterwards.
    type: bool
    default: false
  accept_ddns_loss:
    description: Whether Dynamic DNS may be switched off. Any write does that to the records that have it.
    type: bool
    default: false
  two_phase:
    description:
      - Namecheap ignores a change of only an MX preference or a CAA flag. V(true) takes such a record out with one
        write and puts it back with a second one, five calls in all, and for a moment the record is missing. V(false)
        fails and says so.
    type: bool
    default: false
  lock_timeout_seconds:
    description: How long to wait for another run on this control node that writes the same zone, in seconds.
    type: int
    default: 120
extends_documentation_fragment: [sophia.platform.namecheap]
attributes:
  check_mode:
    support: full
    description: Reads the zone with one call, refuses what would be refused, and writes nothing.
  diff_mode:
    support: full
    description: Shows the zone before and after as lines of a zone file.
notes:
  - Nothing needs to be installed. The module runs where the API's allow-list has the address, mostly on the control
    node.
  - SRV records and the other types that only Namecheap's panel knows are not shown by the API. Whether a write keeps
    them is not known, so do not use this module on a zone that has them.
  - Domains on other name servers are refused. The module never changes name servers.
  - TXT values with double quotes or other characters than printable ASCII are refused, since it is not known how
    Namecheap keeps them. Such records that are there already are sent back as they were read.
  - A new domain has two parking records, C(www) CNAME C(parkingpage.namecheap.com) and C(@) URL. They are records
    like any other; see the examples for how to remove them.
seealso:
  - module: sophia.platform.namecheap_dns_info
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Remove the parking records of a new domain
  sophia.platform.namecheap_dns:
    domain: example.com
    state: absent
    records:
      - {name: www, type: CNAME, value: parkingpage.namecheap.com}
      - {name: "@", type: URL, value: "http://www.example.com/"}
  delegate_to: localhost
  run_once: true

- name: Publish the platform's records, and remove those whose routes have gone
  sophia.platform.namecheap_dns:
    domain: example.com
    owner: production
    records:
      - {name: api, type: A, value: 192.0.2.10, ttl_seconds: 300}
      - {name: api, type: A, value: 192.0.2.11, ttl_seconds: 300}
      - {name: "@", type: CAA, value: 0 issue "letsencrypt.org"}
  delegate_to: localhost
  run_once: true

- name: Answer an ACME challenge beside whatever is there
  sophia.platform.namecheap_dns:
    domain: example.com
    records:
      - {name: _acme-challenge.api, type: TXT, value: "{{ challenge }}", ttl_seconds: 60}
  delegate_to: localhost

- name: Route mail by MX records
  sophia.platform.namecheap_dns:
    domain: example.com
    email_type: MX
    records:
      - {name: "@", type: MX, value: mx1.example.net, mx_preference: 10}
      - {name: "@", type: MX, value: mx2.example.net, mx_preference: 20}
  delegate_to: localhost
"""

RETURN = r"""
records:
  description: The zone's records afterwards; in check mode those that would be there.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: The host name within the domain., type: str}
    type: {description: The type., type: str}
    value: {description: The value as Namecheap spells it., type: str}
    ttl_seconds: {description: "The TTL, in seconds.", type: int}
    mx_preference: {description: The preference of an MX record., type: int}
changes:
  description: What was changed, or would be. In a failure, what was to be; nothing when the plan was refused.
  returned: when the zone could be read
  type: list
  elements: dict
  contains:
    action: {description: "V(add), V(change) or V(remove).", type: str}
    name: {description: The host name within the domain., type: str}
    type: {description: "The type, or V(EmailType) for the zone's mail setting.", type: str}
    value: {description: The value., type: str}
    ttl_seconds: {description: "The TTL, in seconds.", type: int}
    mx_preference: {description: The preference of an MX record., type: int}
    before: {description: "What a changed record was, in the same form.", type: dict}
email_type:
  description: The zone's EmailType afterwards.
  returned: success
  type: str
calls:
  description: How many calls the API got.
  returned: always, unless an option was refused
  type: int
"""

from contextlib import nullcontext

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.namecheap import lock, settings, wanted
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.errors import NamecheapError
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.reconcile import Outcome, reconcile
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.records import EMAIL_TYPES, TYPES

SPEC = {
    **settings.SPEC,
    "records": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "type": {"type": "str", "required": True, "choices": list(TYPES)},
            "value": {"type": "str"},
            "ttl_seconds": {"type": "int"},
            "mx_preference": {"type": "int"},
            "listed": {"type": "bool", "default": True},
        },
    },
    "replaces": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "name": {"type": "str", "required": True},
            "type": {"type": "str", "required": True, "choices": list(TYPES)},
        },
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "record_sets": {"type": "str", "choices": ["replace", "exclusive", "add"], "default": "replace"},
    "owner": {"type": "str"},
    "purge": {"type": "bool", "default": False},
    "purge_keep": {"type": "list", "elements": "str", "default": []},
    "email_type": {"type": "str", "choices": list(EMAIL_TYPES)},
    "max_deletions": {"type": "int", "default": 5},
    "allow_empty_zone": {"type": "bool", "default": False},
    "accept_ddns_loss": {"type": "bool", "default": False},
    "two_phase": {"type": "bool", "default": False},
    "lock_timeout_seconds": {"type": "int", "default": 120},
}


def run(module: AnsibleModule, clock: Clock, told: dict) -> dict:
    """Check the options, hold the zone's lock, reconcile; `told` keeps what is known if this fails."""
    options = module.params
    problems, domain = settings.problems_and_domain(options)
    want, found = wanted.want_of(options, domain.name)
    settings.refuse(problems + found)
    client, outcome = settings.client(options, clock), Outcome()
    waiting = lock.held(domain.name, options["lock_timeout_seconds"], clock)
    try:
        with nullcontext() if module.check_mode else waiting:
            reconcile(client, domain, want, module.check_mode, outcome)
    except NamecheapError as error:
        raise NamecheapError(f"{error} {outcome.half_done}".rstrip()) from None
    finally:
        told.update(changed=outcome.is_changed, calls=client.calls, changes=outcome.changes)
        for text in dict.fromkeys(client.warnings):
            module.warn(f"Namecheap warns about {domain.name}: {text}")
    return {
        "records": outcome.after.shown(),
        "email_type": outcome.after.email_type,
        "diff": {"before": outcome.before.listing(), "after": outcome.after.listing()},
    }


def main(clock: Clock | None = None) -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    told: dict = {}
    try:
        result = run(module, clock or Clock(), told)
    except NamecheapError as error:
        module.fail_json(msg=str(error), **told)
    module.exit_json(**told, **result)


if __name__ == "__main__":
    main()
