#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells what an environment of Pulumi ESC defines, without any secret, and its revisions and tags."""

from __future__ import annotations

DOCUMENTATION = r"""
module: esc_environment_info
short_description: Definition, revisions and tags of a Pulumi ESC environment
version_added: "0.2.0"
description:
  - Reads the definition of an environment, in which secrets and ciphertexts are replaced by C(***).
  - Opens nothing and decrypts nothing.
options:
  version:
    description: A revision's number or tag, whose definition is read. Without it, the latest revision is.
    type: str
  max_revisions:
    description: How many revisions to tell at most, the newest first.
    type: int
    default: 10
extends_documentation_fragment: [sophia.platform.esc]
attributes:
  check_mode: {support: full, description: Reads only.}
  diff_mode: {support: none, description: Changes nothing.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: See what an environment defines
  sophia.platform.esc_environment_info:
    environment: acme/sophia-platform/production
  register: esc
"""

RETURN = r"""
exists:
  description: Whether the environment is there and visible to this token. Without it, nothing else is returned.
  returned: always
  type: bool
definition:
  description: The definition, secrets replaced.
  returned: when it exists
  type: dict
revision:
  description: The number of the revision that was read; 0 when the API does not tell.
  returned: when it exists
  type: int
revisions:
  description: The newest revisions, each with C(number), C(created), C(creator) and C(tags).
  returned: when it exists
  type: list
  elements: dict
tags:
  description: The tags of the environment, names to values.
  returned: when it exists
  type: dict
deletion_protected:
  description: Whether it is protected against deletion.
  returned: when it exists
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.esc import names
from ansible_collections.sophia.platform.plugins.module_utils.esc.beside import all_tags, protected, revisions
from ansible_collections.sophia.platform.plugins.module_utils.esc.edit import redacted
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.options import SPEC, client_of
from ansible_collections.sophia.platform.plugins.module_utils.esc.yaml_text import composed, plain


def read(module: AnsibleModule) -> dict:
    """Read everything."""
    options = module.params
    given = (options["organization"], options["project"], options["environment"], options["version"])
    place = names.place(*given)
    client = client_of(module, place)
    stored = client.definition(place)
    if stored is None:
        return {"exists": False}
    text = redacted(stored.text, str(place), "***")
    return {
        "exists": True,
        "definition": plain(composed(text, str(place)), str(place)),
        "revision": stored.revision,
        "revisions": revisions(client, place, options["max_revisions"]),
        "tags": all_tags(client, place),
        "deletion_protected": protected(client, place),
    }


def main() -> None:
    """Run the module."""
    spec = {"version": {"type": "str"}, "max_revisions": {"type": "int", "default": 10}}
    module = AnsibleModule(argument_spec={**SPEC, **spec}, supports_check_mode=True)
    message, result = "", {}
    try:
        result = read(module)
    except EscError as error:
        message = str(error)
    if message:
        module.fail_json(msg=message)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
