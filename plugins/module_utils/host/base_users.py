# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts of people: groups, keys, and who may become root. Knows no Ansible."""

from __future__ import annotations

import grp
import os
import pwd
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.host import base_keys
from ansible_collections.sophia.platform.plugins.module_utils.host.base_step import Step, file_step, told
from ansible_collections.sophia.platform.plugins.module_utils.host.base_texts import HEADER
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import NOT_FOUND, HostError, ask, run
from ansible_collections.sophia.platform.plugins.module_utils.host.files import File

SUDOERS_PATH = "/etc/sudoers.d/60-sophia"
NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
FIRST_UID_OF_PEOPLE = 1000
WHERE = "host_base_users"

# The options of a user, for the modules that take them.
USER_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "groups": {"type": "list", "elements": "str", "default": []},
    "authorized_keys": {"type": "list", "elements": "str", "default": []},
    "authorized_keys_exclusive": {"type": "bool", "default": False},
    "sudo": {"type": "bool", "default": False},
    "shell": {"type": "str", "default": "/bin/bash"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


@dataclass(frozen=True)
class Account:
    """An account as the host has it."""

    uid: int
    gid: int
    home: str
    shell: str
    groups: tuple[str, ...] = ()
    has_processes: bool = False


def sudoers_text(users: Iterable[Mapping[str, Any]]) -> str:
    """Render who may become root without a password: these accounts have none, only keys."""
    names = [user["name"] for user in users if user["sudo"] and user["state"] == "present"]
    return f"# {HEADER}\n" + "".join(f"{name} ALL=(ALL:ALL) NOPASSWD: ALL\n" for name in names) if names else ""


def problems(users: Sequence[Mapping[str, Any]], have: Mapping[str, Account]) -> list[str]:
    """Say everything that speaks against these users on this host."""
    found = []
    names = [user["name"] for user in users]
    found += [f"{WHERE}: {name} is there twice." for name in sorted(set(names)) if names.count(name) > 1]
    for user in users:
        found += [f"{WHERE}: {user['name']}: {text}" for text in _user_problems(user, have.get(user["name"]))]
    return found


def _user_problems(user: Mapping[str, Any], account: Account | None) -> list[str]:
    found = []
    if not NAME.fullmatch(user["name"]):
        found.append(
            "is no name of a user: a small letter or _ first, then small letters, digits, _ and -, 32 letters at most."
        )
    if user["state"] == "absent":
        return found + _absent_problems(user, account)
    found += [f"the group {group!r} is no name of a group." for group in user["groups"] if not NAME.fullmatch(group)]
    for number, key in enumerate(user["authorized_keys"], start=1):
        text = base_keys.problem(key)
        found += [f"line {number} of authorized_keys {text}."] if text else []
    if user["authorized_keys_exclusive"] and not user["authorized_keys"]:
        found.append("authorized_keys_exclusive without a key would lock the user out.")
    if not re.fullmatch(r"/[A-Za-z0-9_./+-]+", user["shell"]):
        found.append(f"the shell {user['shell']!r} is no absolute path.")
    return found


def _absent_problems(user: Mapping[str, Any], account: Account | None) -> list[str]:
    found = []
    if user["sudo"]:
        found.append("is absent and has sudo: true; one of them is wrong.")
    if account is not None and account.uid < FIRST_UID_OF_PEOPLE:
        found.append(f"is an account of the system (uid {account.uid}), which this role never removes.")
    elif account is not None and account.has_processes:
        found.append(
            "is connected or runs programs now (Ansible itself may be that user) and is not removed. End them first, "
            f"`loginctl terminate-user {user['name']}`, or connect as someone else."
        )
    return found


def read_accounts(users: Iterable[Mapping[str, Any]]) -> dict[str, Account]:
    """Read the accounts of these users, as far as the host has them. Processes count only for those who shall go."""
    found = {}
    groups = grp.getgrall()
    for user in users:
        try:
            entry = pwd.getpwnam(user["name"])
        except (KeyError, ValueError):
            continue
        found[user["name"]] = Account(
            entry.pw_uid,
            entry.pw_gid,
            entry.pw_dir,
            entry.pw_shell,
            tuple(group.gr_name for group in groups if user["name"] in group.gr_mem or group.gr_gid == entry.pw_gid),
            user["state"] == "absent" and _has_processes(entry.pw_uid),
        )
    return found


def _has_processes(uid: int) -> bool:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.stat().st_uid == uid:
                return True
        except OSError:  # it ended meanwhile
            continue
    return False


def _group_exists(name: str) -> bool:
    try:
        grp.getgrnam(name)
    except KeyError:
        return False
    return True


def steps(users: Sequence[Mapping[str, Any]], have: Mapping[str, Account]) -> list[Step]:
    """Plan. The right to become root is taken before the account is, and given after it is there."""
    found: list[Step] = []
    there = [user for user in users if user["state"] == "present"]
    groups = sorted({group for user in there for group in user["groups"] if not _group_exists(group)})
    found += [told(f"group {name}", "absent", "a system group", lambda name=name: _add_group(name)) for name in groups]
    for user in there:
        found += _account_steps(user, have.get(user["name"]))
        found += _key_steps(user, have.get(user["name"]))
    found += file_step(File(SUDOERS_PATH, sudoers_text(users), 0o440), _judge_sudoers)
    for user in users:
        if user["state"] == "absent" and user["name"] in have:
            name = user["name"]
            after = f"absent; {have[name].home} stays"
            found.append(told(f"user {name}", f"uid {have[name].uid}", after, lambda name=name: _remove(name)))
    return found


def describe(groups: Iterable[str], shell: str) -> str:
    """Give an account as text for a diff."""
    return f"shell {shell}, groups {', '.join(sorted(groups)) or 'none'}"


def _account_steps(user: Mapping[str, Any], account: Account | None) -> list[Step]:
    name, shell = user["name"], user["shell"]
    if account is None:
        options = ["--create-home", "--shell", shell]
        # A group of the same name, made by hand or asked for, becomes the user's own.
        options += ["--gid", name] if _group_exists(name) or name in user["groups"] else ["--user-group"]
        options += ["--groups", ",".join(user["groups"])] if user["groups"] else []
        before, argv = "absent", ["useradd", *options, name]
    else:
        missing = sorted(set(user["groups"]) - set(account.groups))
        if not missing and account.shell == shell:
            return []
        options = ["--shell", shell] if account.shell != shell else []
        options += ["--append", "--groups", ",".join(missing)] if missing else []
        before, argv = describe(account.groups, account.shell), ["usermod", *options, name]
    after = describe({*user["groups"], *(account.groups if account else ())}, shell)
    return [told(f"user {name}", before, after, lambda: _change(shell, argv))]


def _change(shell: str, argv: list[str]) -> None:
    if not os.access(shell, os.X_OK):
        raise HostError(f"There is no shell {shell} on this host; add its package to host_base_packages.")
    run(*argv)


def _add_group(name: str) -> None:
    run("groupadd", "--system", name)


def _remove(name: str) -> None:
    run("userdel", name)


def _judge_sudoers(draft: str) -> None:
    answer = ask("visudo", "-cf", draft)
    if answer.status == NOT_FOUND:
        raise HostError("There is no visudo on this host to judge the rules: install the package sudo first.")
    if answer.status != 0:
        raise HostError(f"visudo refuses {SUDOERS_PATH}, which stays as it was: {answer.said}")


def _key_steps(user: Mapping[str, Any], account: Account | None) -> list[Step]:
    if not user["authorized_keys"]:
        return []
    home = account.home if account else f"/home/{user['name']}"
    path = f"{home}/.ssh/authorized_keys"
    have, safe = ("", False) if account is None else read_keys(home, account.uid)
    wanted = base_keys.merge(have, user["authorized_keys"], user["authorized_keys_exclusive"])
    if have == wanted and safe:
        return []
    diff = {"before_header": path, "after_header": path, "before": have, "after": wanted}

    def apply() -> None:
        entry = pwd.getpwnam(user["name"])
        write_keys(entry.pw_dir, entry.pw_uid, entry.pw_gid, wanted)

    return [Step(path, diff, apply)]


def read_keys(home: str, uid: int) -> tuple[str, bool]:
    """Read a user's keys, and whether sshd accepts the file's owner and mode.

    The folder belongs to the user, who could lay a link there; root must not follow it.
    """
    try:
        folder = os.open(f"{home}/.ssh", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return "", False
    except OSError as error:
        raise HostError(f"{home}/.ssh is no plain folder ({error.strerror}); look at it, it is not touched.") from error
    try:
        handle = os.open("authorized_keys", os.O_RDONLY | os.O_NOFOLLOW, dir_fd=folder)
        with os.fdopen(handle, encoding="utf-8", errors="surrogateescape") as stream:
            seen = [os.fstat(folder), os.fstat(stream.fileno())]
            return stream.read(), all(item.st_uid == uid and not item.st_mode & 0o022 for item in seen)
    except FileNotFoundError:
        return "", False
    except OSError as error:
        raise HostError(
            f"{home}/.ssh/authorized_keys is no plain file ({error.strerror}); look at it, it is not touched."
        ) from error
    finally:
        os.close(folder)


def write_keys(home: str, uid: int, gid: int, text: str) -> None:
    """Write a user's keys in one step, following no link below the home folder."""
    top = folder = -1
    try:
        # The home folder's own name is root's: it may be a link.
        top = os.open(home, os.O_RDONLY | os.O_DIRECTORY)
        with suppress(FileExistsError):
            os.mkdir(".ssh", 0o700, dir_fd=top)  # noqa: PTH102 - pathlib knows no folder handles
        folder = os.open(".ssh", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
        os.fchown(folder, uid, gid)
        os.fchmod(folder, 0o700)
        draft = f".sophia-{os.getpid()}"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600, dir_fd=folder)
        with os.fdopen(handle, "w", encoding="utf-8", errors="surrogateescape") as stream:
            os.fchown(stream.fileno(), uid, gid)
            stream.write(text)
        os.rename(draft, "authorized_keys", src_dir_fd=folder, dst_dir_fd=folder)  # noqa: PTH104
    except OSError as error:
        raise HostError(f"{home}/.ssh/authorized_keys cannot be written: {error.strerror}.") from error
    finally:
        for handle in (folder, top):
            if handle >= 0:
                os.close(handle)
