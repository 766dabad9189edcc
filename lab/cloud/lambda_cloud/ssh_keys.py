# SPDX-License-Identifier: GPL-3.0-or-later
"""SSH keys. There is no update."""

from __future__ import annotations

import subprocess
import tempfile
import uuid
from pathlib import Path

from lab.cloud.lambda_cloud import fields
from lab.cloud.lambda_cloud.account import Account
from lab.cloud.lambda_cloud.errors import ApiError, invalid, missing
from lab.cloud.wire import Request

_KINDS = ("ssh-", "ecdsa-sha2-", "sk-ssh-", "sk-ecdsa-")


def listed(account: Account, _request: Request) -> list[dict]:
    """GET /ssh-keys."""
    return account.state.ssh_keys


def add(account: Account, request: Request) -> dict:
    """POST /ssh-keys. Without public_key a pair is made, and the private one is answered this once."""
    given = fields.body(request, ["name", "public_key"], ["name"])
    name, public_key = fields.text(given, "name", 1, 64), fields.text(given, "public_key", 1, 4096)
    if any(key["name"] == name for key in account.state.ssh_keys):
        raise invalid(f"SSH key name {name!r} is already in use.")
    private_key = None
    if public_key is None:
        private_key, public_key = _pair()
    elif len(public_key.split()) < 2 or not public_key.startswith(_KINDS):
        raise invalid("public_key: Input should be a public key of OpenSSH")
    key = {"id": uuid.uuid4().hex, "name": name, "public_key": public_key}
    account.state.ssh_keys.append(key)
    return key if private_key is None else {**key, "private_key": private_key}


def delete(account: Account, _request: Request, key_id: str) -> dict:
    """DELETE /ssh-keys/{id}."""
    key = next((key for key in account.state.ssh_keys if key["id"] == key_id), None)
    if key is None:
        raise missing("SSH key")
    used = any(key["name"] in instance.ssh_key_names for instance in account.live())
    if used and account.state.behaviour.ssh_key_in_use:
        raise ApiError(400, "ssh-keys/key-in-use", f"SSH key {key['name']} is in use.")
    account.state.ssh_keys.remove(key)
    return {}


def _pair() -> tuple[str, str]:
    """(private, public) key."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "key")
        command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", str(path)]
        try:
            subprocess.run(command, check=True, capture_output=True, timeout=20, stdin=subprocess.DEVNULL)
        except (OSError, subprocess.SubprocessError):
            raise ApiError(500, "global/internal-error", "The simulator has no ssh-keygen to make a pair.") from None
        return path.read_text(encoding="ascii"), path.with_suffix(".pub").read_text(encoding="ascii").strip()
