# SPDX-License-Identifier: GPL-3.0-or-later
"""What a lab remembers on this machine: its vault with all secrets, its keys, and the host keys it pinned."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

import bcrypt
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.sophia.platform.plugins.module_utils.catalog import login, model
from ansible_collections.sophia.platform.plugins.module_utils.secrets import read as read_secrets
from ansible_collections.sophia.platform.plugins.module_utils.secrets.errors import SecretsError
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from lab.errors import LabError
from lab.inventory import Host

REGISTRY_PASSWORD = "registry_password"  # noqa: S105 a name, as are the next two
OPERATORS_PASSWORD = "operators_password"  # noqa: S105
OPERATORS_HTPASSWD = "operators_htpasswd"
IDENTITY_PASSWORD = "identity_password"  # noqa: S105 of everybody at the lab's identity provider
PULUMI_TOKEN = "pulumi_access_token"  # noqa: S105 a name; what opens the store, and so is not in it
ALWAYS = (
    model.KEY_SECRET,
    REGISTRY_PASSWORD,
    OPERATORS_PASSWORD,
    OPERATORS_HTPASSWD,
    IDENTITY_PASSWORD,
    PULUMI_TOKEN,
)


class State:
    """The state directory of a lab (mode 0700)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.key_path = path / "id_ed25519"
        self.known_hosts_path = path / "known_hosts"
        self.secrets_path = path / "secrets.yml"
        self.password_path = path / "vault_password"
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
        except OSError as error:
            raise LabError(f"The lab's state directory {path}: {error.strerror}. LAB_STATE names another.") from error

    def ensure_secrets(self, names: list[str]) -> dict[str, str]:
        """All secrets, with a value made for each of `names` that has none. A value that is there never changes."""
        have = self._read_secrets()
        want = with_values(have, [*ALWAYS, *names])
        if want != have:
            self._write_secrets(want)
        return want

    def _read_secrets(self) -> dict[str, str]:
        if not self.secrets_path.exists():
            return {}
        try:
            return read_secrets(
                {"kind": "file", "path": str(self.secrets_path), "password_path": str(self.password_path)}
            )
        except SecretsError as error:
            raise LabError(
                f"{error} The databases of a running lab know these passwords; to start over, run "
                f"`python -m lab down` and remove {self.path}."
            ) from error

    def _write_secrets(self, values: dict[str, str]) -> None:
        if not self.password_path.exists():
            write_private(self.password_path, f"{secrets.token_urlsafe(32)}\n")
        vault = VaultLib([("default", VaultSecret(self.password_path.read_bytes().strip()))])
        document = yaml.safe_dump(values, sort_keys=True, width=1000)
        write_private(self.secrets_path, vault.encrypt(document).decode())

    def ensure_key(self) -> str:
        """The public key that the hosts let in; the pair is made when its private half is missing."""
        return f"{_ensure_pair(self.key_path)} sophia-lab\n"

    def ensure_host_key(self, host: Host) -> tuple[str, str]:
        """Private and public host key of a host; kept when its container is made anew."""
        path = self.path / "host_keys" / host.container
        path.parent.mkdir(mode=0o700, exist_ok=True)
        public = _ensure_pair(path)
        return path.read_text(encoding="utf-8"), public

    def pin(self, public_keys: dict[Host, str]) -> None:
        """Write the hosts' keys into known_hosts; lines about other ports (of another lab) stay."""
        lines = self.known_hosts_path.read_text(encoding="utf-8") if self.known_hosts_path.exists() else ""
        wanted = pinned(lines, {host.ssh_port: key for host, key in public_keys.items()})
        if wanted != lines:
            write_private(self.known_hosts_path, wanted)


def with_values(have: dict[str, str], names: list[str]) -> dict[str, str]:
    """`have` and a made-up value for each name that it lacks."""
    values = dict(have)
    for name in names:
        if not values.get(name) and name != OPERATORS_HTPASSWD:
            values[name] = MAKERS.get(name, _random)()
    if not values.get(OPERATORS_HTPASSWD):
        values[OPERATORS_HTPASSWD] = htpasswd(model.OPERATOR["username"], values[OPERATORS_PASSWORD])
    return values


def _random() -> str:
    return secrets.token_urlsafe(24)


def _rsa_key() -> str:
    """A private key as Snowflake takes it: RSA, PKCS 8, PEM."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


# What is more than a random text.
MAKERS = {
    login.COOKIE_SECRET: lambda: secrets.token_hex(16),
    "gong_api_key": lambda: f"{_random()}:{_random()}",
    "snowflake_private_key": _rsa_key,
    "vercel_token": lambda: secrets.token_hex(20),  # the CLI takes no hyphen
}


def htpasswd(user: str, password: str) -> str:
    """One line of an htpasswd file."""
    return f"{user}:{bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=8)).decode()}"


def secret_names(variables: dict) -> list[str]:
    """Every secret that the inventory's services need. Problems of the catalog are told by site.yml, not here."""
    platform = variables.get("platform")
    return model.load(platform)[0].secret_names() if isinstance(platform, dict) else []


def pinned(known_hosts: str, keys: dict[int, str]) -> str:
    """The text of known_hosts with these keys for these ports of 127.0.0.1, and no others for them."""
    names = {port: f"[127.0.0.1]:{port}" for port in keys}
    kept = [line for line in known_hosts.splitlines() if line.split(" ")[0] not in names.values()]
    return "".join(f"{line}\n" for line in [*kept, *(f"{names[port]} {key}" for port, key in sorted(keys.items()))])


def write_private(path: Path, content: str) -> None:
    """Replace a file at once by one that only its owner can read."""
    partial = path.with_name(f".{path.name}.partial")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
    partial.replace(path)


def _ensure_pair(path: Path) -> str:
    """The public key (`ssh-ed25519 …`) of a private key file, which is made when it is missing."""
    if path.exists():
        try:
            key = serialization.load_ssh_private_key(path.read_bytes(), password=None)
        except ValueError as error:
            raise LabError(f"{path} is not a private key: {error}. Remove it; a new one is made.") from error
    else:
        key = Ed25519PrivateKey.generate()
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        write_private(path, private.decode())
    public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
    public_path = path.with_name(f"{path.name}.pub")
    if not public_path.exists() or public_path.read_bytes() != public + b"\n":
        write_private(public_path, public.decode() + "\n")
    return public.decode()
