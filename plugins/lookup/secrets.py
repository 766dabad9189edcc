# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform's secrets, as one mapping."""

from __future__ import annotations

DOCUMENTATION = r"""
name: secrets
short_description: Read the platform's secrets
version_added: "0.1.0"
author: [Sophia platform]
description:
  - Returns every secret of a source as one dictionary of names to values.
  - The values are decrypted in the memory of the control node and are written nowhere. They are data, never templates.
  - An environment of Pulumi ESC is opened once in a process and in those that it forks, however many secrets it holds.
  - Errors name files, secrets and types, never a value.
options:
  _terms:
    description: Takes none.
  source:
    description: Where the secrets are.
    type: dict
    required: true
    suboptions:
      kind:
        description:
          - V(esc) is one property of an environment of Pulumi ESC, a mapping of names to text. It takes
            O(source.organization), O(source.project) and O(source.environment), and the options that go with them.
          - V(file) is one YAML mapping of names to text, encrypted as a whole with C(ansible-vault). It takes
            O(source.path) and O(source.password_path).
        type: str
        required: true
        choices: [esc, file]
      organization:
        description: With V(esc), the organization at Pulumi.
        type: str
      project:
        description: With V(esc), the environment's project.
        type: str
      environment:
        description: With V(esc), the environment's name.
        type: str
      version:
        description: With V(esc), a revision's number or tag. Without it, the latest revision counts.
        type: str
      property:
        description: With V(esc), the path of the property below which the secrets are.
        type: str
        default: platform
      api_url:
        description:
          - With V(esc), where the API is. Without it, E(PULUMI_BACKEND_URL), then E(PULUMI_API), then
            C(https://api.pulumi.com) counts.
        type: str
      access_token:
        description: With V(esc), the access token. Without it, E(PULUMI_ACCESS_TOKEN) counts.
        type: str
      timeout_seconds:
        description: With V(esc), how long one call of the API may take, in seconds.
        type: float
        default: 30
      path:
        description: With V(file), the encrypted file. V(~) stands for the home directory.
        type: str
      password_path:
        description: With V(file), the file that holds the vault's password.
        type: str
notes:
  - Give tasks that take a value C(no_log), or pass it to a module option that has it.
"""

EXAMPLES = r"""
platform_secrets_source: {kind: esc, organization: acme, project: sophia-platform, environment: production}
# Without a cloud:
# platform_secrets_source: {kind: file, path: ~/sophia/secrets.yml, password_path: ~/sophia/vault_password}
platform_secrets: "{{ lookup('sophia.platform.secrets', source=platform_secrets_source) }}"
"""

RETURN = r"""
_raw:
  description: One dictionary of secret names to values.
  type: list
  elements: dict
"""

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible_collections.sophia.platform.plugins.module_utils import secrets


class LookupModule(LookupBase):
    """Read a secrets source."""

    def run(self, terms, variables=None, **kwargs):
        """Return a list with one dictionary. Raises AnsibleError when the source cannot be read."""
        self.set_options(var_options=variables, direct=kwargs)
        message = ""
        try:
            return [secrets.read(self.get_option("source"))]
        except secrets.SecretsError as error:
            message = str(error)
        raise AnsibleError(message)
