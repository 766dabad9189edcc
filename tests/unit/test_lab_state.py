"""The lab's state: secrets that never change, keys, pinned host keys."""

from __future__ import annotations

import stat

import bcrypt
import pytest
import yaml
from ansible_collections.sophia.platform.plugins.module_utils.secrets import read

from lab import settings, state
from lab.errors import LabError
from lab.inventory import Host

HOST = Host("lab-1", "sophia-lab-1", "10.77.0.11", 2201, "127.0.0.1")


def test_secrets_are_made_once_encrypted_and_only_added_to(tmp_path):
    first = state.State(tmp_path / "s").ensure_secrets(["postgres_password"])
    again = state.State(tmp_path / "s").ensure_secrets(["postgres_password", "mcp_calendar_token"])
    assert {name: again[name] for name in first} == first
    assert set(again) - set(first) == {"mcp_calendar_token"}
    assert len(set(again.values())) == len(again)
    user, _colon, hashed = again["operators_htpasswd"].partition(":")
    assert user and bcrypt.checkpw(again["operators_password"].encode(), hashed.encode())
    text = (tmp_path / "s/secrets.yml").read_text()
    assert text.startswith("$ANSIBLE_VAULT;") and again["postgres_password"] not in text


def test_the_platform_finds_the_values_that_the_lab_made(tmp_path):
    made = state.State(tmp_path).ensure_secrets([])
    source = {"kind": "file", "path": str(tmp_path / "secrets.yml"), "password_path": str(tmp_path / "vault_password")}
    assert read(source) == made


def test_secrets_that_cannot_be_read_are_not_replaced(tmp_path):
    lab = state.State(tmp_path)
    lab.ensure_secrets([])
    before = lab.secrets_path.read_bytes()
    lab.password_path.write_text("another\n")
    with pytest.raises(LabError, match="wrong vault password"):
        lab.ensure_secrets(["more"])
    assert lab.secrets_path.read_bytes() == before


def test_the_committed_catalog_says_which_secrets_there_are():
    names = state.secret_names(settings.read(environment={}).variables)
    assert {"postgres_password", "redis_password", "mcp_ai_memory_token", "registry_password", "platform_key"} <= set(
        names
    )
    assert "grafana_admin_password" not in names


def test_nobody_else_can_read_the_state(tmp_path):
    lab = state.State(tmp_path / "s")
    lab.ensure_secrets([])
    lab.ensure_key()
    lab.ensure_host_key(HOST)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "s").rglob("*") if path.is_file()}
    assert len(modes) == 6 and set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "s").stat().st_mode) == 0o700


def test_keys_are_kept_and_made_again_when_missing(tmp_path):
    lab = state.State(tmp_path)
    public = lab.ensure_key()
    assert public == lab.ensure_key() and public.startswith("ssh-ed25519 AAAA")
    (tmp_path / "id_ed25519.pub").unlink()
    assert lab.ensure_key() == public and (tmp_path / "id_ed25519.pub").exists()
    lab.key_path.unlink()
    assert lab.ensure_key() != public
    lab.key_path.write_text("no key")
    with pytest.raises(LabError, match="is not a private key"):
        lab.ensure_key()


def test_known_hosts_has_one_line_a_port_and_keeps_the_other_lab(tmp_path):
    lab = state.State(tmp_path)
    lab.known_hosts_path.write_text("[127.0.0.1]:2201 ssh-ed25519 OLD\n[127.0.0.1]:2211 ssh-ed25519 OTHER\n")
    lab.pin({HOST: "ssh-ed25519 NEW"})
    assert lab.known_hosts_path.read_text().splitlines() == [
        "[127.0.0.1]:2211 ssh-ed25519 OTHER",
        "[127.0.0.1]:2201 ssh-ed25519 NEW",
    ]


def test_a_catalog_with_a_new_server_needs_its_secret():
    variables = settings.read(environment={}).variables
    variables["platform"]["services"].append(yaml.safe_load("{name: calendar, kind: mcp_server, port: 9200}"))
    assert "mcp_calendar_token" in state.secret_names(variables)
