"""Accounts and keys: what is refused, planned and written."""

import base64
import os
import pwd

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.host import base_keys, base_users
from ansible_collections.sophia.platform.plugins.module_utils.host.base_users import Account
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import Answer, HostError


def key(kind="ssh-ed25519", fill=b"a"):
    return base64.b64encode(len(kind).to_bytes(4, "big") + kind.encode() + b"\0\0\0\x20" + fill * 32).decode()


A, B = f"ssh-ed25519 {key()} kim@desk", f"ssh-ed25519 {key(fill=b'b')} lee@desk"


def user(**values):
    plain = {
        "name": "kim",
        "groups": [],
        "authorized_keys": [],
        "authorized_keys_exclusive": False,
        "sudo": False,
        "shell": "/bin/bash",
        "state": "present",
    }
    return {**plain, **values}


# ── keys ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (A, ""),
        (f"  {A}\n", ""),
        (f'from="10.0.0.0/8,!10.1.1.1",command="echo \\"a b\\"" {A}', ""),
        (f"restrict ecdsa-sha2-nistp256 {key('ecdsa-sha2-nistp256')}", ""),
        ("kim", "is no SSH public key: neither"),
        ("", "is no SSH public key: neither"),
        (f"ssh-dss {key('ssh-dss')}", "is no SSH public key: neither"),
        (f"ssh-ed25519 {key()[:20]}", "cut off or not of that type"),
        (f"ssh-rsa {key()}", "cut off or not of that type"),
        ("ssh-ed25519", "cut off"),
        (f"{A}\n{B}", "several lines"),
        (f"{A}\x07", "control characters"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nabc", "PRIVATE key"),
    ],
)
def test_key_is_judged_and_never_repeated(line, words):
    text = base_keys.problem(line)
    assert words in text if words else text == ""
    assert not text or not line or line not in text


@pytest.mark.parametrize(
    ("have", "keys", "exclusive", "wanted"),
    [
        ("", [A], False, f"{A}\n"),
        (f"# mine\n{B}\n", [A], False, f"# mine\n{B}\n{A}\n"),
        (f"{B}\n{A}\n", [A], False, f"{B}\n{A}\n"),
        (f"{B}\n", [A], True, f"{A}\n"),
        (f"restrict {A} old\n{B}\n", [A], False, f"{A}\n{B}\n"),
        (f"{A}\n{A}\n", [A], False, f"{A}\n"),
        (f"# {A}\n", [A], False, f"# {A}\n{A}\n"),
        ("no line end", [A], False, f"no line end\n{A}\n"),
    ],
)
def test_keys_are_merged(have, keys, exclusive, wanted):
    assert base_keys.merge(have, keys, exclusive) == wanted
    assert base_keys.merge(wanted, keys, exclusive) == wanted


# ── users ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("values", "account", "words"),
    [
        ({"authorized_keys": [A], "sudo": True, "groups": ["docker"]}, None, []),
        ({"name": "Kim"}, None, ["is no name of a user"]),
        ({"name": "9kim"}, None, ["is no name of a user"]),
        ({"name": "k" * 33}, None, ["is no name of a user"]),
        ({"name": "kim\nroot"}, None, ["is no name of a user"]),
        ({"groups": ["a,b"]}, None, ["the group 'a,b' is no name"]),
        ({"authorized_keys": [A, "x"]}, None, ["line 2 of authorized_keys is no SSH public key"]),
        ({"authorized_keys_exclusive": True}, None, ["would lock the user out"]),
        ({"shell": "bash"}, None, ["the shell 'bash' is no absolute path"]),
        ({"shell": "/bin/sh -x"}, None, ["is no absolute path"]),
        ({"state": "absent"}, None, []),
        ({"state": "absent"}, Account(1001, 1001, "/home/kim", "/bin/sh"), []),
        ({"state": "absent", "sudo": True}, None, ["is absent and has sudo: true"]),
        ({"state": "absent"}, Account(33, 33, "/var/www", "/bin/sh"), ["an account of the system (uid 33)"]),
        ({"state": "absent"}, Account(1001, 1001, "/home/kim", "/bin/sh", (), True), ["is connected"]),
        ({"name": "K", "shell": "x", "authorized_keys": ["y"]}, None, ["no name", "line 1", "no absolute path"]),
    ],
)
def test_user_is_judged(values, account, words):
    one = user(**values)
    found = base_users.problems([one], {one["name"]: account} if account else {})
    assert len(found) == len(words), found
    assert all(
        word in text and text.startswith(f"host_base_users: {one['name']}: ") for word, text in zip(words, found)
    )


def test_user_who_is_there_twice():
    assert base_users.problems([user(), user()], {}) == ["host_base_users: kim is there twice."]


@pytest.fixture
def host(monkeypatch, tmp_path):
    """A host with the groups kim and adm, no rules for sudo, and commands that are only noted."""
    calls = []
    monkeypatch.setattr(base_users, "_group_exists", lambda name: name in ("kim2", "adm"))
    monkeypatch.setattr(base_users, "SUDOERS_PATH", str(tmp_path / "sudoers"))
    monkeypatch.setattr(base_users, "run", lambda *argv, **_: calls.append(" ".join(argv)) or "")
    monkeypatch.setattr(base_users, "ask", lambda *argv, **_: Answer(0))
    return calls


HERE = Account(1001, 1001, "/nonexistent", "/bin/sh", ("kim", "adm"))


@pytest.mark.parametrize(
    ("one", "account", "commands"),
    [
        (user(shell="/bin/sh"), None, ["useradd --create-home --shell /bin/sh --user-group kim"]),
        (user(shell="/bin/sh", name="kim2"), None, ["useradd --create-home --shell /bin/sh --gid kim2 kim2"]),
        (
            user(shell="/bin/sh", groups=["docker", "adm"]),
            None,
            ["groupadd --system docker", "useradd --create-home --shell /bin/sh --user-group --groups docker,adm kim"],
        ),
        (user(shell="/bin/sh"), HERE, []),
        (user(shell="/bin/sh", groups=["adm"]), HERE, []),
        (
            user(shell="/bin/sh", groups=["docker", "adm"]),
            HERE,
            ["groupadd --system docker", "usermod --append --groups docker kim"],
        ),
        (user(shell="/bin/cat"), HERE, ["usermod --shell /bin/cat kim"]),
        (user(state="absent", groups=["docker"]), HERE, ["userdel kim"]),
        (user(state="absent"), None, []),
    ],
)
def test_account_steps(host, one, account, commands):
    for step in base_users.steps([one], {one["name"]: account} if account else {}):
        step.apply()
    assert host == commands


def test_rule_goes_before_the_account_and_comes_after_it(host):
    with_rule = base_users.steps([user(sudo=True, shell="/bin/sh")], {})
    assert [step.title.rpartition("/")[2] for step in with_rule] == ["user kim", "sudoers"]
    for step in with_rule:
        step.apply()
    gone = base_users.steps([user(state="absent")], {"kim": HERE})
    assert [step.title.rpartition("/")[2] for step in gone] == ["sudoers", "user kim"]
    assert gone[0].diff["after"] == ""


def test_rule_that_visudo_refuses(host, monkeypatch, tmp_path):
    monkeypatch.setattr(base_users, "ask", lambda *argv, **_: Answer(1, errors="syntax error"))
    step = base_users.steps([user(sudo=True)], {"kim": Account(1, 1, "/x", "/bin/bash")})[-1]
    with pytest.raises(HostError, match="stays as it was: syntax error"):
        step.apply()
    assert list(tmp_path.iterdir()) == []


def test_shell_that_is_not_there(host):
    step = base_users.steps([user(shell="/bin/does-not-exist")], {})[0]
    with pytest.raises(HostError, match="no shell /bin/does-not-exist"):
        step.apply()
    assert host == []


def test_accounts_are_read():
    me = pwd.getpwuid(os.getuid())
    found = base_users.read_accounts([user(name=me.pw_name, state="absent"), user(name="no-such-user")])
    assert list(found) == [me.pw_name]
    assert found[me.pw_name].has_processes and found[me.pw_name].uid == me.pw_uid


# ── files of keys ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_keys_are_written_and_read_again(tmp_path):
    uid, gid = os.getuid(), os.getgid()
    assert base_users.read_keys(str(tmp_path), uid) == ("", False)
    base_users.write_keys(str(tmp_path), uid, gid, f"{A}\n")
    assert base_users.read_keys(str(tmp_path), uid) == (f"{A}\n", True)
    assert (tmp_path / ".ssh").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in (tmp_path / ".ssh").iterdir()] == ["authorized_keys"]
    (tmp_path / ".ssh/authorized_keys").chmod(0o666)
    assert base_users.read_keys(str(tmp_path), uid) == (f"{A}\n", False)
    assert not base_users.read_keys(str(tmp_path), uid + 1)[1]


@pytest.mark.parametrize("link", [".ssh", ".ssh/authorized_keys"])
def test_root_follows_no_link_of_a_user(tmp_path, link):
    home, elsewhere = tmp_path / "home", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (home / link).parent.mkdir(parents=True)
    (home / link).symlink_to(elsewhere if link == ".ssh" else elsewhere / "authorized_keys")
    (elsewhere / "authorized_keys").write_text("root's\n")
    with pytest.raises(HostError, match="is not touched"):
        base_users.read_keys(str(home), os.getuid())
    if link == ".ssh":
        with pytest.raises(HostError, match="cannot be written"):
            base_users.write_keys(str(home), os.getuid(), os.getgid(), A)
    assert (elsewhere / "authorized_keys").read_text() == "root's\n"
