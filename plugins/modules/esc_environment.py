#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has values and secrets in an environment of Pulumi ESC, and leaves the rest of its definition as it is."""

from __future__ import annotations

DOCUMENTATION = r"""
module: esc_environment
short_description: Values and secrets of a Pulumi ESC environment
version_added: "0.2.0"
description:
  - Sets the values, secrets and imports that are named, and removes what is named for that. All else in the definition
    keeps every sign, with comments, order, interpolations and the ciphertexts of other secrets.
  - Makes the environment when it is missing.
  - A change is guarded against others. When somebody else changes the environment at the same time, it is read again
    and changed once more, and then that is an error.
  - A stored secret is only compared, never sent again, when it has not changed. See O(compare).
  - In check mode, Pulumi ESC checks the new definition and stores nothing.
options:
  state:
    description: Whether the environment is there. V(absent) deletes it, with all revisions.
    type: str
    choices: [present, absent]
    default: present
  values:
    description:
      - Values by name. Mappings are merged into those that are there, name by name; lists and everything else replace.
      - Texts may hold ESC's references, such as C(${a.b}). A call of a function (C(fn::join)) is set as a whole.
      - A secret is refused here, and so is a value in the place of one.
    type: dict
  secrets:
    description:
      - Secrets as text, by property path, such as V(platform.api_key) or V(a["key.with.dot"]). Pulumi encrypts each.
      - They are taken as they are; nothing in them is a reference.
    type: dict
  environment_variables:
    description: Values below C(environmentVariables), by name. For a secret, refer to it, as in C(${platform.api_key}).
    type: dict
  files:
    description: Values below C(files), by the name of the variable that shall hold the file's path.
    type: dict
  imports:
    description:
      - The environments to import, all of them and in order. Each is a name, or one name with its options, as in the
        examples. An empty list removes them. Without this, imports are left alone.
    type: list
    elements: raw
  remove:
    description: Property paths of values that must not be there.
    type: list
    elements: str
  property:
    description: The property below which O(purge) removes.
    type: str
  purge:
    description: Whether to remove what lies below O(property) and is not named in this task. All else is left alone.
    type: bool
    default: false
  compare:
    description:
      - How stored secrets are compared with O(secrets).
      - V(decrypt) reads the decrypted definition, for which the token needs that permission.
      - V(open) opens the environment, which runs its providers and is an entry of the audit log.
      - V(always_write) compares nothing. Every run then changes and makes a revision.
    type: str
    choices: [decrypt, open, always_write]
    default: decrypt
  tags:
    description: Tags of the environment, names to text. Others are left alone.
    type: dict
  revision_tags:
    description: Tags that shall be at the revision that holds what is wanted, such as V(production).
    type: list
    elements: str
  deletion_protected:
    description: Whether the environment is protected against deletion. Without this, it is left as it is.
    type: bool
extends_documentation_fragment: [sophia.platform.esc]
attributes:
  check_mode: {support: full, description: Reads, and lets Pulumi ESC check the definition. Stores nothing.}
  diff_mode: {support: full, description: Shows the definition before and after, without secrets and ciphertexts.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Keep the keys of the platform
  sophia.platform.esc_environment:
    organization: acme
    project: sophia-platform
    environment: production
    imports:
      - shared/base
      - shared/keys: {merge: false}
    secrets:
      platform.openai_api_key: "{{ openai_api_key }}"
    environment_variables:
      OPENAI_API_KEY: ${platform.openai_api_key}
    revision_tags: [production]

- name: Delete an environment
  sophia.platform.esc_environment:
    environment: acme/sophia-platform/old
    state: absent
"""

RETURN = r"""
created:
  description: Whether the environment was made.
  returned: success
  type: bool
changed_paths:
  description: The paths of the values that were set or removed, without values.
  returned: success
  type: list
  elements: str
imports_changed:
  description: Whether the imports were changed.
  returned: success
  type: bool
revision:
  description: The number of the latest revision. 0 when it is not known yet, in check mode, or the environment is gone.
  returned: success
  type: int
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.esc import beside
from ansible_collections.sophia.platform.plugins.module_utils.esc.environment import (
    ALWAYS_WRITE,
    DECRYPT,
    OPEN,
    Environment,
)
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.options import SPEC, client_of, place_of
from ansible_collections.sophia.platform.plugins.module_utils.esc.want import wanted
from ansible_collections.sophia.platform.plugins.module_utils.esc.yaml_text import secret_texts

OWN_SPEC = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "values": {"type": "dict"},
    "secrets": {"type": "dict", "no_log": True},
    "environment_variables": {"type": "dict"},
    "files": {"type": "dict"},
    "imports": {"type": "list", "elements": "raw"},
    "remove": {"type": "list", "elements": "str"},
    "property": {"type": "str"},
    "purge": {"type": "bool", "default": False},
    "compare": {"type": "str", "choices": [DECRYPT, OPEN, ALWAYS_WRITE], "default": DECRYPT},
    "tags": {"type": "dict"},
    "revision_tags": {"type": "list", "elements": "str"},
    "deletion_protected": {"type": "bool"},
}


def present(module: AnsibleModule) -> dict:
    """Have the environment as the options want it."""
    options = module.params
    module.no_log_values.update(secret_texts(options["values"]))  # refused, and not shown either
    want, place = wanted(options), place_of(options)
    tags = {str(name): str(value) for name, value in (options["tags"] or {}).items()}
    beside.refuse(options["revision_tags"] or [])
    client = client_of(module, place)
    outcome = Environment(client, place, options["compare"], module.check_mode).present(want)
    there = not (outcome.created and module.check_mode)
    changes = beside.tag_changes(client, place, tags, there)
    changes += beside.revision_tag_changes(client, place, options["revision_tags"] or [], outcome.revision)
    if options["deletion_protected"] is not None:
        changes += beside.protection_changes(client, place, options["deletion_protected"], there)
    if not module.check_mode:
        beside.apply(client, place, changes)
    for warning in outcome.warnings:
        module.warn(client.masked(warning))
    edit, (before, after) = outcome.edit, beside.lines(changes)
    return {
        "changed": outcome.created or edit.changed or bool(changes),
        "created": outcome.created,
        "changed_paths": list(edit.paths),
        "imports_changed": edit.imports_changed,
        "revision": outcome.revision,
        "diff": {
            "before_header": str(place),
            "after_header": str(place),
            "before": client.masked(edit.before + before),
            "after": client.masked(edit.after + after),
        },
    }


def absent(module: AnsibleModule) -> dict:
    """Have the environment deleted."""
    place = place_of(module.params)
    client = client_of(module, place)
    environment = Environment(client, place, check_mode=module.check_mode)
    there = module.params["deletion_protected"] is False and client.definition(place) is not None
    if there and not module.check_mode:
        beside.apply(client, place, beside.protection_changes(client, place, False, True))
    edit = environment.absent()
    told = {"created": False, "changed_paths": [], "imports_changed": False, "revision": 0}
    if edit is None:
        return {**told, "changed": False, "msg": f"{place} is not there, or not visible to this token."}
    return {**told, "changed": True, "diff": {"before": edit.before, "after": ""}}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={**SPEC, **OWN_SPEC},
        supports_check_mode=True,
        required_if=[("purge", True, ["property"])],
    )
    message, result = "", {}
    try:
        result = (present if module.params["state"] == "present" else absent)(module)
    except EscError as error:
        message = str(error)
    if message:
        module.fail_json(msg=message)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
