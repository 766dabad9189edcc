# SPDX-License-Identifier: GPL-3.0-or-later
"""The `file` kind: one YAML mapping, encrypted as a whole with ansible-vault. Decrypted in memory only."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import yaml
from ansible.errors import AnsibleError
from ansible.parsing.vault import VaultLib, VaultSecret, is_encrypted
from ansible_collections.sophia.platform.plugins.module_utils.secrets.errors import SecretsError

OPTIONS = {"kind", "path", "password_path"}


def read(source: dict) -> object:
    """Return what the file holds. source: {kind, path, password_path}; `~` stands for the home directory."""
    unknown, missing = sorted(set(source) - OPTIONS), sorted(key for key in OPTIONS if not source.get(key))
    if unknown:
        raise SecretsError(f"The file secrets source does not know: {', '.join(unknown)}.")
    if missing:
        raise SecretsError(f"The file secrets source needs {' and '.join(missing)}; set it in platform_secrets_source.")
    path, password_path = Path(source["path"]).expanduser(), Path(source["password_path"]).expanduser()
    return parse(decrypt(_content(path, "secrets file"), _content(password_path, "vault password file"), path), path)


def decrypt(content: bytes, password: bytes, path: Path) -> bytes:
    """Return the plain text of an ansible-vault file. path only serves the message."""
    if not is_encrypted(content):
        raise SecretsError(f"The secrets file {path} is not encrypted; run `ansible-vault encrypt {path}` first.")
    if not password.strip():
        raise SecretsError("The vault password file is empty.")
    plain = None
    with suppress(AnsibleError):  # replaced, not chained: at -vvv Ansible prints the chain
        plain = VaultLib([("default", VaultSecret(password.strip()))]).decrypt(content)
    if plain is None:
        raise SecretsError(f"The secrets file {path} cannot be decrypted: wrong vault password, or a damaged file.")
    return plain


def parse(plain: bytes, path: Path) -> object:
    """Return the document of a decrypted file. YAML's own messages quote the text, so only the line is told."""
    try:
        return yaml.load(plain, Loader=_UniqueKeys)  # noqa: S506 - a SafeLoader
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
    raise SecretsError(f"The secrets file {path} is not valid YAML (line {line} of the decrypted text).")


class _UniqueKeys(yaml.SafeLoader):
    """YAML's safe loader, refusing a name that is there twice or no name."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _value in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.value in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, "no name, or one that is there twice", key.start_mark
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _content(path: Path, what: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror
    raise SecretsError(f"The {what} {path} cannot be read: {reason}.")
