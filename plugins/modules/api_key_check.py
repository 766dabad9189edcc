#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Says of API keys whether their services accept them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: api_key_check
short_description: Check whether API keys work
version_added: "0.2.0"
description:
  - Sends one cheap authenticated read for each key, all at the same time, and says what the answers mean.
  - Nothing is changed anywhere, no tokens are spent, and no redirect is followed with a key.
  - A request is repeated once, after HTTP 429 or 5xx or a failed connection. Such faults never make a key V(invalid).
  - Keys, parts of keys and the bodies of answers are in no result and no message.
options:
  keys:
    description: The keys to check.
    type: list
    elements: dict
    required: true
    suboptions:
      service:
        description: Whose key it is.
        type: str
        required: true
        choices:
          - anthropic
          - asana
          - codacy
          - github
          - gong
          - hubspot
          - lambda_cloud
          - linear
          - openai
          - pinecone
          - pulumi
          - slack
          - vercel
          - weaviate
      key:
        description:
          - The key. An empty one is V(invalid).
          - For Gong C(access_key:secret), or the secret alone with O(keys[].user).
          - For Linear a personal key, or C(Bearer) and an OAuth token.
        type: str
        default: ""
      user:
        description: Gong's access key, when it is not in O(keys[].key).
        type: str
        default: ""
      name:
        description: What to call the key in the results; the service's name when empty.
        type: str
        default: ""
      base_url:
        description:
          - Where the service is, when not at its usual address. It may end with the API's own beginning (C(/api/v3)).
          - Required for Weaviate, where it is the cluster's address; some Gong tenants have their own as well.
        type: str
        default: ""
      organization:
        description: OpenAI's organization, when the key belongs to several.
        type: str
        default: ""
      project:
        description: OpenAI's project, when the key belongs to several.
        type: str
        default: ""
  timeout_seconds:
    description: How long one request may take.
    type: int
    default: 10
  fail_on:
    description: The results that make the task fail.
    type: list
    elements: str
    choices: [valid_but_restricted, invalid, unknown]
    default: [invalid]
attributes:
  check_mode: {support: full, description: Sends the same requests; they only read.}
  diff_mode: {support: none, description: There is nothing to change.}
notes:
  - Anthropic accepts a key without credit here; only a message call shows that.
  - On a Weaviate server with anonymous access a key cannot be proved, so the result is V(unknown).
  - GitHub's installation and Actions tokens, which have no user, are V(valid_but_restricted).
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Check the keys of the MCP servers before they are deployed
  sophia.platform.api_key_check:
    keys:
      - {service: anthropic, key: "{{ platform_secrets.anthropic_api_key }}"}
      - {service: gong, key: "{{ platform_secrets.gong_access_key }}:{{ platform_secrets.gong_access_key_secret }}"}
      - {service: weaviate, key: "{{ platform_secrets.weaviate_api_key }}", base_url: "https://xyz.weaviate.example"}
  register: checked

- name: Show what came out, and fail for keys that could not be judged as well
  sophia.platform.api_key_check:
    keys: "{{ platform_api_keys }}"
    fail_on: [invalid, unknown]
"""

RETURN = r"""
results:
  description: One entry for each key, in the order of O(keys).
  returned: when the options are right, on failure too
  type: list
  elements: dict
  contains:
    name: {description: What the key is called., type: str}
    service: {description: Whose key it is., type: str}
    result:
      description: V(valid), V(valid_but_restricted) (known, but not allowed to do this), V(invalid) or V(unknown).
      type: str
    detail: {description: One sentence about why., type: str}
    seconds: {description: How long the check took., type: float}
table:
  description: The same as text for a person.
  returned: when the options are right, on failure too
  type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.api_keys.check import check, problems, table
from ansible_collections.sophia.platform.plugins.module_utils.api_keys.services import SERVICES, Key
from ansible_collections.sophia.platform.plugins.module_utils.api_keys.verdicts import INVALID, RESTRICTED, UNKNOWN

TEXT = {"type": "str", "default": ""}
KEY_SPEC = {
    "service": {"type": "str", "choices": sorted(SERVICES), "required": True},
    "key": {**TEXT, "no_log": True},
    "user": {**TEXT, "no_log": True},
    "name": TEXT,
    "base_url": TEXT,
    "organization": TEXT,
    "project": TEXT,
}
SPEC = {
    "keys": {"type": "list", "elements": "dict", "options": KEY_SPEC, "required": True, "no_log": False},
    "timeout_seconds": {"type": "int", "default": 10},
    "fail_on": {
        "type": "list",
        "elements": "str",
        "choices": [RESTRICTED, INVALID, UNKNOWN],
        "default": [INVALID],
    },
}


def key_of(option: dict) -> Key:
    """Read one entry of the option."""
    rest = {name: option[name].strip() for name in ("user", "base_url", "organization", "project")}
    return Key(option["service"], option["name"] or option["service"], option["key"], **rest)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    keys = [key_of(option) for option in module.params["keys"]]
    wrong = problems(keys)
    if module.params["timeout_seconds"] < 1:
        wrong.append("timeout_seconds must be 1 or more")
    if wrong:
        module.fail_json(msg=f"No key was checked. {'; '.join(wrong)}.")
    results = check(keys, module.params["timeout_seconds"])
    told = {"results": [each.as_dict() for each in results], "table": table(results), "changed": False}
    failed = [each for each in results if each.result in module.params["fail_on"]]
    if failed:
        lines = "\n".join(f"{each.name}: {each.result}. {each.detail}" for each in failed)
        module.fail_json(msg=f"{len(failed)} of {len(results)} API keys did not pass.\n{lines}", **told)
    module.exit_json(**told)


if __name__ == "__main__":
    main()
