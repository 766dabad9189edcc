"""The secrets source: what it reads, and that no message holds a value."""

import pytest
from ansible.parsing.vault import VaultLib, VaultSecret
from ansible_collections.sophia.platform.plugins.module_utils import secrets

VALUE = "Zq7-{{ not_a_template }}"


@pytest.fixture
def source(tmp_path):
    """Return a function that writes an encrypted file and describes it as a source."""

    def write(text, password="right", given="right\n"):  # noqa: S107
        path, password_path = tmp_path / "secrets.yml", tmp_path / "password"
        path.write_bytes(VaultLib([("default", VaultSecret(password.encode()))]).encrypt(text))
        password_path.write_text(given)
        return {"kind": "file", "path": str(path), "password_path": str(password_path)}

    return write


def test_values_come_as_written(source):
    text = f"one: '{VALUE}'\ntwo: |\n  line 1\n  line 2\n"
    assert secrets.read(source(text)) == {"one": VALUE, "two": "line 1\nline 2\n"}


def test_nothing_is_written(source, tmp_path):
    given = source(f"one: '{VALUE}'")
    before = sorted(tmp_path.rglob("*"))
    secrets.read(given)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"- {VALUE[:4]}", "a list; it must be one mapping"),
        ("", "a NoneType"),
        ("port: 8080\nname: text", "put quotes around: port (int)"),
        (f"deep: {{a: '{VALUE}'}}", "deep (dict)"),
        ("1: 'x'", "not text"),
        ("a: ''", "without a value in the file secrets source: a"),
        (f"a: '{VALUE}'\nb: '{VALUE}", "not valid YAML (line 2"),
        (f"a: '{VALUE}'\na: '{VALUE}2'", "not valid YAML (line 2"),
        ("when: 2026-99-99", "not valid YAML"),
        ("? [a, b]\n: c", "not valid YAML (line 1"),
        (f"a: !!python/name:{VALUE[:3]} {VALUE[:3]}", "not valid YAML (line 1"),
    ],
)
def test_what_is_wrong_is_told_without_values(source, text, says):
    with pytest.raises(secrets.SecretsError) as error:
        secrets.read(source(text))
    assert says in str(error.value) and "Zq7" not in str(error.value)
    assert error.value.__cause__ is None and error.value.__context__ is None, "Ansible prints the chain at -vvv"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "vault"}, "Unknown kind of secrets source 'vault'; known: file"),
        ({"path": ""}, "needs path; set it in platform_secrets_source"),
        ({"path": "/nowhere/secrets.yml"}, "/nowhere/secrets.yml cannot be read: No such file"),
        ({"password_path": "/nowhere/password"}, "vault password file /nowhere/password cannot be read"),
        ({"extra": 1}, "does not know: extra"),
    ],
)
def test_a_wrong_source_is_refused(source, change, says):
    with pytest.raises(secrets.SecretsError) as error:
        secrets.read({**source(f"a: '{VALUE}'"), **change})
    assert says in str(error.value)


@pytest.mark.parametrize(("given", "says"), [("wrong", "wrong vault password"), (" \n", "password file is empty")])
def test_a_wrong_password(source, given, says):
    with pytest.raises(secrets.SecretsError, match=says) as error:
        secrets.read(source(f"a: '{VALUE}'", given=given))
    assert error.value.__cause__ is None and error.value.__context__ is None


def test_a_plain_file_is_refused(source, tmp_path):
    given = source("a: b")
    (tmp_path / "secrets.yml").write_text("a: b")
    with pytest.raises(secrets.SecretsError, match="is not encrypted"):
        secrets.read(given)


def test_a_source_needs_a_kind():
    with pytest.raises(secrets.SecretsError, match="mapping with a `kind`"):
        secrets.read({})
