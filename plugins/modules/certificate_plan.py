#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides whether a certificate is ordered, and why."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_plan
short_description: Decide whether a certificate is ordered, and why
version_added: "0.3.0"
description:
  - Runs on the control node. Judges what every manager has, and takes the best one. Without need there is no order,
    since authorities limit them.
  - A certificate is good when it belongs to its key, has exactly O(names), comes from an authority that is trusted, and
    neither is over nor ends within O(renew_days).
  - When an order is needed, the authorities are first asked whether they are there, and what time they have.
  - What it returns names hosts and holds no key.
options:
  found:
    description:
      - What every manager has, by its name in the inventory, as M(sophia.platform.certificate_store) reads it.
    type: dict
    required: true
  names:
    description: The full names that the certificate is for. One that begins with C(*.) covers a whole level.
    type: list
    elements: str
    required: true
  zone:
    description: The zone whose records prove the names; they are in it.
    type: str
    required: true
  ca_path:
    description: A file with the authorities that are trusted, as PEM. Empty are those that this machine trusts.
    type: path
    default: ""
  renew_days:
    description: How many days before its end a certificate is replaced.
    type: int
    default: 30
  force:
    description: Whether a good certificate is replaced, too.
    type: bool
    default: false
  directory_urls:
    description: The ACME directories of the authorities that an order goes to. They are not asked in check mode.
    type: list
    elements: str
    default: []
attributes:
  check_mode: {support: full, description: "It only reads, and does not ask the authorities then."}
  diff_mode: {support: none, description: It changes nothing.}
requirements: [cryptography >= 42]
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Decide whether a certificate is ordered
  sophia.platform.certificate_plan:
    found: "{{ {inventory_hostname: certificates_read.content} }}"
    names: [example.com, "*.example.com"]
    zone: example.com
    directory_urls: [https://acme-v02.api.letsencrypt.org/directory]
  delegate_to: localhost
  run_once: true
  register: certificates_plan
"""

RETURN = r"""
order:
  description: Whether a certificate is to be ordered.
  returned: success
  type: bool
reason:
  description: Why, or why not, as a sentence.
  returned: success
  type: str
in_place:
  description: What is in place meanwhile, as a sentence.
  returned: success
  type: str
source:
  description: The manager that has the best certificate; empty when none can be used.
  returned: success
  type: str
account_source:
  description: The manager that has the account's key; empty when none has.
  returned: success
  type: str
names:
  description: The names of the best certificate.
  returned: success
  type: list
  elements: str
days_left:
  description: How many whole days it has left, less than 0 when it is over; nothing when there is none.
  returned: success
  type: int
serial:
  description: Its serial number in hexadecimal digits.
  returned: success
  type: str
hosts_to_write:
  description: The managers that lack the best certificate, or all when another one is ordered.
  returned: success
  type: list
  elements: str
"""

import traceback
from dataclasses import asdict
from datetime import datetime, timezone

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.sophia.platform.plugins.module_utils.certificates.errors import CertificatesError

try:
    from ansible_collections.sophia.platform.plugins.module_utils.certificates import authority, names, pem, plan
except ImportError:
    MISSING = traceback.format_exc()
else:
    MISSING = ""

SPEC = {
    "found": {"type": "dict", "required": True, "no_log": True},
    "names": {"type": "list", "elements": "str", "required": True},
    "zone": {"type": "str", "required": True},
    "ca_path": {"type": "path", "default": ""},
    "renew_days": {"type": "int", "default": 30},
    "force": {"type": "bool", "default": False},
    "directory_urls": {"type": "list", "elements": "str", "default": []},
}


def decision(asked: dict, check_mode: bool) -> plan.Decision:
    """What is to be done. Raises CertificatesError."""
    problems = names.problems(asked["names"], asked["zone"])
    if problems:
        raise CertificatesError(f"The names of the certificate cannot be had: {'; '.join(problems)}.")
    now, trusted_by = datetime.now(timezone.utc), asked["ca_path"] or "this machine"
    anchors = pem.read_anchors(asked["ca_path"])
    want = plan.Want(frozenset(asked["names"]), anchors, trusted_by, now, asked["renew_days"], asked["force"])
    decided = plan.decide(asked["found"], want)
    if decided.order and not check_mode:
        try:
            for url in asked["directory_urls"]:
                authority.ask(url, now)
        except CertificatesError as error:
            raise CertificatesError(f"{decided.reason} {error} {decided.in_place}") from None
    return decided


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if MISSING:
        module.fail_json(msg=missing_required_lib("cryptography >= 42"), exception=MISSING)
    message = ""
    try:
        result = asdict(decision(module.params, module.check_mode))
    except CertificatesError as error:
        message = str(error)
    if message:
        module.fail_json(msg=message)
    if warning := result.pop("warning"):
        module.warn(warning)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
