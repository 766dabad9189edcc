# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes sshd's drop-in and judges what sshd makes of all its files. Pure."""

from __future__ import annotations

import fnmatch
import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.firewall.policy import Client
from ansible_collections.sophia.platform.plugins.module_utils.firewall.render import OURS

MAIN_PATH = "/etc/ssh/sshd_config"
DIRECTORY = "/etc/ssh/sshd_config.d"
DROP_IN_PATH = f"{DIRECTORY}/00-sophia.conf"

# Keys that are not ours to set: lower-case key -> why.
_REFUSED = {
    "port": "the port belongs to sshd's own files and, where there is one, to ssh.socket",
    "listenaddress": "the address belongs to sshd's own files and, where there is one, to ssh.socket",
    "addressfamily": "it belongs to sshd's own files and, where there is one, to ssh.socket",
    "match": "blocks would swallow what follows; write a drop-in of your own",
    "include": "write a drop-in of your own",
    "allowusers": "set host_firewall_ssh_users",
    "permitrootlogin": "set host_firewall_ssh_permit_root",
}


def drop_in(users: Iterable[str], permit_root: str, settings: Mapping[str, Any], problems: list[str]) -> dict[str, str]:
    """Give the drop-in's keys with their values as text; what cannot be is added to the problems."""
    keys = {"PermitRootLogin": permit_root}
    if list(users):
        keys["AllowUsers"] = " ".join(users)
    seen: dict[str, str] = {}
    for key, value in settings.items():
        twin = seen.setdefault(key.lower(), key)
        if key.lower() in _REFUSED:
            problems.append(f"host_firewall_ssh_settings: {key} cannot be set here; {_REFUSED[key.lower()]}.")
        elif twin != key:
            problems.append(f"host_firewall_ssh_settings: {twin} and {key} are one key for sshd.")
        elif not key.isalnum() or "\n" in _text(value):
            problems.append(f"host_firewall_ssh_settings: {key} cannot stand in one line of sshd's configuration.")
        elif _text(value):
            keys[key] = _text(value)
    return keys


def _text(value: Any) -> str:
    """YAML reads `no` as false; sshd wants `no`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return " ".join(map(_text, value))
    return "" if value is None else str(value)


def render(keys: Mapping[str, str]) -> str:
    """The drop-in's text."""
    why = "# The first value of a key wins, so this file is read before those of the image."
    return "\n".join([OURS, why, *(f"{key} {keys[key]}" for key in sorted(keys))]) + "\n"


def whole(main: str, others: Iterable[str], text: str, first: bool = False) -> str | None:
    """All of sshd's configuration as one text, with `text` for our drop-in; None when drop-ins are not read at all.

    `others` are the paths of the other drop-ins. With `first`, ours stands before everything.
    """
    lines = main.splitlines()
    place = next((number for number, line in enumerate(lines) if _includes_drop_ins(line)), None)
    if place is None:
        return None
    before = [f"Include {path}" for path in sorted(others) if path < DROP_IN_PATH]
    after = [f"Include {path}" for path in sorted(others) if path >= DROP_IN_PATH]
    ours = text.splitlines()
    included = [*before, *([] if first else ours), *after]
    return "\n".join([*(ours if first else []), *lines[:place], *included, *lines[place + 1 :]]) + "\n"


def _includes_drop_ins(line: str) -> bool:
    words = line.split()
    return len(words) > 1 and words[0].lower() == "include" and f"{DIRECTORY}/*.conf" in words[1:]


def parse(listing: str) -> dict[str, list[str]]:
    """Read what `sshd -T` prints: lower-case key -> its values."""
    found: dict[str, list[str]] = {}
    for line in listing.splitlines():
        key, _, value = line.partition(" ")
        found.setdefault(key, []).append(value)
    return found


def overridden(keys: Iterable[str], effective: Mapping[str, list[str]], wanted: Mapping[str, list[str]]) -> list[str]:
    """Say which of our keys another file decides."""
    return [
        f"sshd: {key} is {' '.join(effective.get(key.lower(), ['unset']))} whatever {DROP_IN_PATH} says; a file that "
        f"is read before it sets the key. Look for it in {MAIN_PATH} and {DIRECTORY}."
        for key in sorted(keys)
        if effective.get(key.lower()) != wanted.get(key.lower())
    ]


def locked_out(client: Client, effective: Mapping[str, list[str]], groups: Iterable[str], has_keys: bool) -> list[str]:
    """Say why sshd would no longer let the connected user in."""
    user, own, told = client.user, set(groups), []

    def one(key: str) -> str:
        return " ".join(effective.get(key, []))

    users = effective.get("allowusers", [])
    if users and not any(_is_user(pattern, client) for pattern in users):
        told.append(f"AllowUsers has only {', '.join(users)}: add {user} to host_firewall_ssh_users")
    if any(_is_user(pattern, client) for pattern in effective.get("denyusers", [])):
        told.append("DenyUsers names it")
    allowed = effective.get("allowgroups", [])
    if allowed and not any(fnmatch.fnmatchcase(group, pattern) for group in own for pattern in allowed):
        told.append(f"AllowGroups has only {', '.join(allowed)}, and it is in {', '.join(sorted(own)) or 'none'}")
    if any(fnmatch.fnmatchcase(group, pattern) for group in own for pattern in effective.get("denygroups", [])):
        told.append("DenyGroups names one of its groups")
    if user == "root" and one("permitrootlogin") in ("no", "forced-commands-only"):
        told.append(
            f"PermitRootLogin would be {one('permitrootlogin')}: connect as another user, or set "
            "host_firewall_ssh_permit_root to prohibit-password"
        )
    by_password = one("passwordauthentication") == "yes" and not (user == "root" and one("permitrootlogin") != "yes")
    if one("pubkeyauthentication") != "yes" and not by_password:
        told.append("neither keys nor passwords would be accepted")
    elif not has_keys and not by_password and one("authorizedkeyscommand") in ("", "none"):
        files = " or ".join(
            f"~{user}/{name}" if name[:1] not in "/%" else name for name in one("authorizedkeysfile").split()
        )
        told.append(f"passwords would be refused and no key is in {files}")
    return [f"sshd would no longer let in {user}, who runs this over SSH from {client.address}: {why}." for why in told]


def _is_user(pattern: str, client: Client) -> bool:
    name, _, place = pattern.partition("@")
    if not fnmatch.fnmatchcase(client.user, name):
        return False
    if not place or fnmatch.fnmatchcase(client.address, place):
        return True
    try:
        return ipaddress.ip_address(client.address) in ipaddress.ip_network(place, strict=False)
    except ValueError:
        return False
