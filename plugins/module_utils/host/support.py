# SPDX-License-Identifier: GPL-3.0-or-later
"""Which hosts the roles know: distributions with their releases, and architectures. Knows no Ansible."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from pathlib import Path

OS_RELEASE = "/etc/os-release"
RELEASES = {"debian": ("12", "13"), "ubuntu": ("22.04", "24.04")}
TITLES = {"debian": "Debian", "ubuntu": "Ubuntu"}
# What the kernel calls a machine -> what dpkg calls it.
ARCHITECTURES = {"aarch64": "arm64", "arm64": "arm64", "x86_64": "amd64", "amd64": "amd64"}


def supported() -> str:
    """Name what the roles know, for people."""
    releases = ", ".join(f"{TITLES[name]} {' and '.join(known)}" for name, known in RELEASES.items())
    return f"{releases}, on aarch64 (arm64) and x86_64 (amd64)"


def parse_os_release(text: str) -> dict[str, str]:
    """Read the lines `NAME=value` of an os-release file."""
    pairs = (line.strip().split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    return {name: value.strip("\"'") for name, value in pairs}


def read_os_release(path: str = OS_RELEASE) -> dict[str, str]:
    """Read this host's os-release file; nothing when there is none."""
    try:
        return parse_os_release(Path(path).read_text(encoding="utf-8", errors="replace"))
    except OSError:
        return {}


def machine() -> str:
    """Give what the kernel calls this machine."""
    return platform.machine()


def problems(os_release: Mapping[str, str], machine_name: str) -> list[str]:
    """Say why the roles cannot run here: a sentence for an unknown distribution, one for an unknown architecture."""
    found = []
    name, version = os_release.get("ID", ""), os_release.get("VERSION_ID", "")
    # A point release such as 12.5 would be told in the same field.
    if version not in RELEASES.get(name, ()) and version.split(".", 1)[0] not in RELEASES.get(name, ()):
        seen = os_release.get("PRETTY_NAME") or f"{name} {version}".strip() or "no readable os-release file"
        found.append(f"The distribution is not supported: {seen}. Supported: {supported()}.")
    if machine_name not in ARCHITECTURES:
        seen = machine_name or "a machine without a name"
        found.append(f"The architecture is not supported: {seen}. Supported: {supported()}.")
    return found


def host_problems() -> list[str]:
    """Say why the roles cannot run on this very host."""
    return problems(read_os_release(), machine())
