#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches names, at their name servers and at each address they lead to."""

from __future__ import annotations

DOCUMENTATION = r"""
module: dns_watch
short_description: Watch names while they move
version_added: "0.2.0"
author: [Sophia platform (@sophia-platform)]
description:
  - Asks the zone's own name servers for O(answers), and each address of O(probes) for its URL, round after round.
  - Ends well when O(seconds) are over and nothing is wrong in the last round, and badly as soon as one of them fails
    more than O(failures_max) times in a row. It never fails because of what it sees; RV(ok) is the verdict.
  - Runs on the control node and changes nothing.
options:
  zone:
    description: The zone whose name servers are asked.
    type: str
    required: true
  name_servers:
    description:
      - The name servers to ask instead of those that the zone names, as C(host), C(host:port) or C([address]:port).
    type: list
    elements: str
    default: []
  answers:
    description: What each name server is to say.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: The full name., type: str, required: true}
      type: {description: The type., type: str, required: true, choices: [A, AAAA, CNAME]}
      values: {description: All values; none for no such record., type: list, elements: str, default: []}
  probes:
    description: What each address is to answer; the filter P(sophia.platform.catalog_edge_probes#filter) makes these.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: The full name., type: str, required: true}
      url: {description: "What is asked for, by the name, at each of the addresses.", type: str, required: true}
      status: {description: The HTTP status that must come., type: int, default: 200}
      addresses: {description: Where to connect., type: list, elements: str, required: true}
  seconds:
    description: How long to watch. With 0, one round in which nothing is wrong is enough.
    type: float
    default: 0
  interval_seconds:
    description: How long to wait between two rounds.
    type: float
    default: 5
  failures_max:
    description: How often in a row one and the same probe may fail.
    type: int
    default: 3
  settle_seconds:
    description: How long a name server may say something else, before its answer was right for the first time.
    type: float
    default: 600
  timeout_seconds:
    description: How long one probe may take.
    type: float
    default: 5
  ca_path:
    description: A file with the authorities, in PEM, that servers are checked with. Left out, those of this machine.
    type: path
requirements: [dnspython]
attributes:
  check_mode: {support: full, description: Asks nobody; the verdict is good.}
  diff_mode: {support: none, description: Changes nothing.}
seealso:
  - module: sophia.platform.platform_verify
"""

EXAMPLES = r"""
- name: Watch the name and both of its addresses for five minutes
  sophia.platform.dns_watch:
    zone: example.com
    answers:
      - {name: api.example.com, type: A, values: [192.0.2.10, 192.0.2.11]}
    probes:
      - {name: api.example.com, url: "https://api.example.com/health", addresses: [192.0.2.10, 192.0.2.11]}
    seconds: 300
  delegate_to: localhost
  register: watched
"""

RETURN = r"""
ok:
  description: Whether everything held.
  returned: success
  type: bool
summary:
  description: How many probes of how many failed, in which time.
  returned: success
  type: str
problems:
  description: What is wrong with the probes that failed too often, a sentence each.
  returned: success
  type: list
  elements: str
probe_count:
  description: How many probes there were, without those of name servers that did not know yet.
  returned: success
  type: int
failed_count:
  description: How many of these failed.
  returned: success
  type: int
seconds:
  description: How long it took.
  returned: success
  type: float
targets:
  description: The same for each name server's answer and each address.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: What was probed., type: str}
    probe_count: {description: How often., type: int}
    failed_count: {description: How often it failed., type: int}
    good_after_seconds: {description: When it was right for the first time; null for never., type: float}
    problem: {description: What was wrong the last time., type: str}
"""

import ssl
from functools import partial

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.dns import servers
from ansible_collections.sophia.platform.plugins.module_utils.dns.watch import Limits, Target, summary, watch
from ansible_collections.sophia.platform.plugins.module_utils.verify.errors import ProbeError
from ansible_collections.sophia.platform.plugins.module_utils.verify.names import Names
from ansible_collections.sophia.platform.plugins.module_utils.verify.transport import Client, hint

ANSWER = {
    "name": {"type": "str", "required": True},
    "type": {"type": "str", "required": True, "choices": ["A", "AAAA", "CNAME"]},
    "values": {"type": "list", "elements": "str", "default": []},
}
PROBE = {
    "name": {"type": "str", "required": True},
    "url": {"type": "str", "required": True},
    "status": {"type": "int", "default": 200},
    "addresses": {"type": "list", "elements": "str", "required": True},
}
SPEC = {
    "zone": {"type": "str", "required": True},
    "name_servers": {"type": "list", "elements": "str", "default": []},
    "answers": {"type": "list", "elements": "dict", "default": [], "options": ANSWER},
    "probes": {"type": "list", "elements": "dict", "default": [], "options": PROBE},
    "seconds": {"type": "float", "default": 0},
    "interval_seconds": {"type": "float", "default": 5},
    "failures_max": {"type": "int", "default": 3},
    "settle_seconds": {"type": "float", "default": 600},
    "timeout_seconds": {"type": "float", "default": 5},
    "ca_path": {"type": "path"},
}


def http_problem(probe: dict, address: str, timeout_seconds: float, tls: ssl.SSLContext) -> str:
    """What is wrong with the answer of an address, as a sentence; empty when it is right."""
    try:
        answer = Client(timeout_seconds, Names(address=address), tls=tls).request("GET", probe["url"])
    except ProbeError as error:
        return f"{address}: {error}"
    if answer.status == probe["status"]:
        return ""
    return f"{address}: GET {probe['url']}: {answer.status}, and {probe['status']} was expected{hint(answer.status)}"


def targets(options: dict) -> list[Target]:
    """What is probed. Raises DnsError when no name server can be found."""
    limit, found = options["timeout_seconds"], []
    tls = ssl.create_default_context(cafile=options["ca_path"] or None)
    for server in servers.servers(options["name_servers"], options["zone"]) if options["answers"] else []:
        for each in options["answers"]:
            probe = partial(servers.difference, server, each["name"], each["type"], each["values"], limit)
            found.append(Target(f"{server.label}: {each['name']} {each['type']}", probe, settles=True))
    for each in options["probes"]:
        for address in each["addresses"]:
            found.append(Target(f"{address}: {each['url']}", partial(http_problem, each, address, limit, tls)))
    return found


def main(clock: Clock | None = None) -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    options, found, ok, seconds = module.params, [], True, 0.0
    if servers.IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("dnspython"))
    try:
        found = [] if module.check_mode else targets(options)
        if found:
            names = ("seconds", "interval_seconds", "failures_max", "settle_seconds")
            ok, seconds = watch(found, Limits(*(options[name] for name in names)), clock or Clock())
    except (servers.DnsError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=False,
        ok=ok,
        summary=summary(found, seconds),
        problems=[target.problem for target in found if target.streak > options["failures_max"]],
        probe_count=sum(target.probe_count for target in found),
        failed_count=sum(target.failed_count for target in found),
        seconds=seconds,
        targets=[target.shown() for target in found],
    )


if __name__ == "__main__":
    main()
