# SPDX-License-Identifier: GPL-3.0-or-later
"""Kernel settings: one file of ours for the next boot, and the values of the running kernel. Knows no Ansible."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.host.base_step import Step, file_step
from ansible_collections.sophia.platform.plugins.module_utils.host.base_texts import HEADER
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError
from ansible_collections.sophia.platform.plugins.module_utils.host.files import File, read

PATH = "/etc/sysctl.d/60-sophia.conf"
TREE = "/proc/sys"
FOLDERS = ("/usr/lib/sysctl.d", "/usr/local/lib/sysctl.d", "/run/sysctl.d", "/etc/sysctl.d")
KEY = re.compile(r"[A-Za-z0-9_:-]+([./][A-Za-z0-9_.:@-]+)+")
# Turning forwarding on or off makes the kernel reset the other settings of the protocol, so it comes first.
FIRST = ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding")


def plain(value: object) -> str:
    """Give a value as the kernel prints it: numbers apart by one blank."""
    return str(int(value)) if isinstance(value, bool) else " ".join(str(value).split())


def in_order(sysctls: Mapping[str, object]) -> dict[str, str]:
    """Give the settings in the order in which they are set."""
    names = sorted(sysctls, key=lambda name: (name not in FIRST, name))
    return {name: plain(sysctls[name]) for name in names}


def path_of(key: str, tree: str = TREE) -> Path:
    """Give the file of a key. With a slash as its first separator a key is a path already, and may have dots in it."""
    separator = re.search(r"[./]", key)
    if separator and separator.group() == ".":
        key = key.translate(str.maketrans("./", "/."))
    return Path(tree) / key


def render(sysctls: Mapping[str, object]) -> str:
    """Render the file for the next boot; no settings, no file."""
    rows = [f"{key} = {value}\n" for key, value in in_order(sysctls).items()]
    return f"# {HEADER}\n{''.join(rows)}" if rows else ""


def problems(sysctls: Mapping[str, object], tree: str = TREE) -> list[str]:
    """Say which settings this kernel cannot have."""
    found = []
    for key, value in sysctls.items():
        where = f"host_base_sysctls: {key}"
        if not KEY.fullmatch(key) or ".." in key:
            found.append(f"{where} is no name of a kernel setting.")
        elif not isinstance(value, (bool, int, str)) or not plain(value):
            found.append(f"{where} has the value {value!r}; it must be a number or a text.")
        elif not path_of(key, tree).is_file():
            found.append(
                f"{where} is not known to the kernel {os.uname().release}: there is no {path_of(key, tree)}. Take "
                "it out for this host, or load the module that brings it."
            )
        elif not os.access(path_of(key, tree), os.R_OK | os.W_OK):
            found.append(f"{where} cannot be set here: {path_of(key, tree)} is read-only.")
    return found


def live(sysctls: Iterable[str], tree: str = TREE) -> dict[str, str]:
    """Read the values of the running kernel."""
    return {key: plain(path_of(key, tree).read_text(encoding="ascii", errors="replace")) for key in sysctls}


def set_live(values: Mapping[str, str], tree: str = TREE) -> None:
    """Set what is otherwise at this very moment, and only that: an earlier value may have changed a later one."""
    for key, value in values.items():
        target = path_of(key, tree)
        if live([key], tree)[key] == value:
            continue
        try:
            target.write_text(f"{value}\n", encoding="ascii")
        except (OSError, UnicodeError) as error:
            raise HostError(f"The kernel refuses {value!r} for {key}: {error}. {PATH} stays as it was.") from error


def steps(sysctls: Mapping[str, object], tree: str = TREE, path: str = PATH) -> list[Step]:
    """Plan: first the running kernel, which judges the values, then the file."""
    wanted = in_order(sysctls)
    have = live(wanted, tree)
    found = []
    drift = [key for key, value in wanted.items() if have[key] != value]
    if drift:
        found.append(
            Step(
                f"kernel settings {', '.join(drift)}",
                {
                    "before_header": "running kernel",
                    "after_header": "running kernel",
                    "before": "".join(f"{key} = {have[key]}\n" for key in drift),
                    "after": "".join(f"{key} = {wanted[key]}\n" for key in drift),
                },
                lambda: set_live(wanted, tree),
            )
        )
    return found + file_step(File(path, render(sysctls)))


def later_files(sysctls: Mapping[str, object], folders: Iterable[str] = FOLDERS, ours: str = PATH) -> list[str]:
    """Name files that win over ours at the next boot and say otherwise."""
    wanted = {key.replace("/", "."): value for key, value in in_order(sysctls).items()}
    by_name = {path.name: path for folder in folders for path in Path(folder).glob("*.conf")}
    found = []
    for name in sorted(name for name in by_name if name > Path(ours).name):
        for line in read(str(by_name[name])).splitlines():
            key, _, value = line.strip().lstrip("-").partition("=")
            key = key.strip().replace("/", ".")
            if key in wanted and plain(value) != wanted[key]:
                found.append(
                    f"{by_name[name]} sets {key} to {plain(value)} at boot, after {ours} has set it to {wanted[key]}. "
                    "The next run will put it right again; take one of them out."
                )
    return found
