#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps the edge's certificate with its keys on a manager."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificate_store
short_description: Keep the edge's certificate and its keys on a manager
version_added: "0.3.0"
description:
  - Three files that only root can read, in a directory that only root can enter. They are what the next run, and the
    secrets of the edge, are made of; the control node keeps nothing.
  - Each file is put in place in one step, the certificate last. A run that is cut off in between leaves a certificate
    that does not belong to its key, which M(sophia.platform.certificate_plan) recognises.
options:
  path:
    description: The directory. It holds C(account.key), C(edge.key) and C(edge.pem).
    type: path
    default: /etc/sophia/certificates
  state:
    description:
      - V(present) has the files as they are given.
      - V(read) returns what is there. The task needs C(no_log), for the result holds the keys.
    type: str
    choices: [present, read]
    default: present
  account_key:
    description: The key of the account with the authority, as PEM. Without it the file stays as it is.
    type: str
    default: ""
  private_key:
    description: The certificate's key, as PEM. Needed with O(state=present).
    type: str
  chain:
    description: The certificate and those of its authorities, as PEM. Needed with O(state=present).
    type: str
attributes:
  check_mode: {support: full, description: Compares without writing.}
  diff_mode: {support: full, description: Shows modes and fingerprints of the files, never what is in them.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Read the certificate of the edge
  sophia.platform.certificate_store:
    state: read
  no_log: true
  register: edge_certificate

- name: Have the certificate on every manager
  sophia.platform.certificate_store:
    private_key: "{{ certificate_key.privatekey }}"
    chain: "{{ certificate.selected_chain.full_chain }}"
"""

RETURN = r"""
content:
  description: What the files hold; a text is empty where there is no file.
  returned: with O(state=read)
  type: dict
  contains:
    account_key: {description: The account's key. It is secret., type: str}
    private_key: {description: The certificate's key. It is secret., type: str}
    chain: {description: The certificate and those of its authorities., type: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.certificates import store
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError

SPEC = {
    "path": {"type": "path", "default": "/etc/sophia/certificates"},
    "state": {"type": "str", "choices": ["present", "read"], "default": "present"},
    "account_key": {"type": "str", "default": "", "no_log": True},
    "private_key": {"type": "str", "no_log": True},
    "chain": {"type": "str"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=SPEC,
        required_if=[("state", "present", ("private_key", "chain"))],
        supports_check_mode=True,
    )
    path, message = module.params["path"], ""
    try:
        if module.params["state"] == "read":
            result = {"changed": False, "content": store.read(path)}
        else:
            changed = store.changes(path, module.params)
            is_changed = bool(changed) or not store.is_private(path)
            result = {"changed": is_changed}
            if is_changed:
                result["diff"] = {"before": store.listing(path), "after": store.listing(path, changed)}
            if is_changed and not module.check_mode:
                store.write(path, changed)
    except (HostError, OSError) as error:
        message = str(error)
    if message:
        module.fail_json(msg=message)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
