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
          - V(file) is one YAML mapping of names to text, encrypted as a whole with C(ansible-vault).
        type: str
        required: true
        choices: [file]
      path:
        description: The encrypted file. V(~) stands for the home directory.
        type: str
      password_path:
        description: The file that holds the vault's password.
        type: str
notes:
  - Give tasks that take a value C(no_log), or pass it to a module option that has it.
"""

EXAMPLES = r"""
platform_secrets_source: {kind: file, path: ~/sophia/secrets.yml, password_path: ~/sophia/vault_password}
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
