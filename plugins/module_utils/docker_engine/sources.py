# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides from a host's facts which packages are the engine, and what apt is told about them. Pure."""

from __future__ import annotations

import urllib.parse
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ansible_collections.sophia.platform.plugins.module_utils.host.files import File
from ansible_collections.sophia.platform.plugins.module_utils.host.support import ARCHITECTURES

DISTRIBUTION, DOCKER, PREINSTALLED = "distribution", "docker", "preinstalled"
KEY_PATH = "/etc/apt/keyrings/docker.asc"
REPOSITORY_PATH = "/etc/apt/sources.list.d/docker.sources"
PIN_PATH = "/etc/apt/preferences.d/60-sophia-docker"
# A second description of the repository with another key path makes apt refuse every list.
LEFTOVER_PATHS = ("/etc/apt/sources.list.d/docker.list",)
# Above the 1001 that Lambda's image gives to its own archive, which may carry the same names.
PRIORITY = 1002
# Docker's own packages carry an epoch that nobody writes.
DOCKER_EPOCH = "5"

# The engine of each source: those that carry the engine's version, and companions with versions of their own.
_ENGINES = {
    DISTRIBUTION: (("docker.io", "docker-cli"), ("containerd", "runc")),
    DOCKER: (("docker-ce", "docker-ce-cli"), ("containerd.io",)),
}
# The client became a package of its own in Debian 13.
_CLIENT_APART = {("debian", "13")}
# What cannot be installed beside a source's engine.
_CONFLICTS = {
    DOCKER: (
        *("docker.io", "docker-cli", "docker-doc", "docker-compose", "docker-compose-v2", "docker-buildx"),
        *("podman-docker", "containerd", "runc"),
    ),
    DISTRIBUTION: ("docker-ce", "docker-ce-cli", "docker-ce-rootless-extras", "containerd.io", "podman-docker"),
    PREINSTALLED: (),
}
EVERY_PACKAGE = tuple(
    dict.fromkeys(
        name
        for group in (*(part for engine in _ENGINES.values() for part in engine), *_CONFLICTS.values())
        for name in group
    )
)


@dataclass(frozen=True)
class Source:
    """The engine's packages on one host, what excludes them, and the files that tell apt about them."""

    names: tuple[str, ...]
    companions: tuple[str, ...]
    conflicts: tuple[str, ...]
    files: tuple[File, ...]


def choose(
    source: str,
    os_release: Mapping[str, str],
    machine: str,
    version: str = "",
    repository_url: str = "",
    channel: str = "stable",
    installed: Collection[str] = (),
) -> Source:
    """Give the packages and apt's files of a source on a host.

    `os_release` and `machine` are the host's own words (VERSION_ID, VERSION_CODENAME, aarch64). `installed` matters for
    `preinstalled` only: the engine is then whatever of both sources is there.
    """
    distribution, release = os_release.get("ID", ""), os_release.get("VERSION_ID", "")
    if source == PREINSTALLED:
        engines = _ENGINES.values()
        names = tuple(name for engine in engines for name in engine[0] if name in installed)
        companions = tuple(name for engine in engines for name in engine[1] if name in installed)
        return Source(names, companions, (), (File(PIN_PATH, ""),))
    names, companions = _ENGINES[source]
    if source == DISTRIBUTION:
        if (distribution, release.split(".", 1)[0]) not in _CLIENT_APART:
            names = names[:1]
        return Source(names, companions, _CONFLICTS[source], (File(PIN_PATH, _pin(names, version)),))
    host = urllib.parse.urlsplit(repository_url).hostname or ""
    wanted = version if not version or ":" in version else f"{DOCKER_EPOCH}:{version}"
    pinned = _pin((*names, "docker-ce-rootless-extras"), wanted)
    by_origin = (*(() if version else names), *companions)
    pin = pinned + ("\n" if pinned else "") + _stanza(by_origin, f"origin {host}")
    repository = (
        "# Written by the role docker.\n"
        "Types: deb\n"
        f"URIs: {repository_url.rstrip('/')}/{distribution}\n"
        f"Suites: {os_release.get('VERSION_CODENAME', '')}\n"
        f"Components: {channel}\n"
        f"Architectures: {ARCHITECTURES.get(machine, machine)}\n"
        f"Signed-By: {KEY_PATH}\n"
    )
    files = (
        File(REPOSITORY_PATH, repository),
        File(PIN_PATH, pin),
        *(File(path, "") for path in LEFTOVER_PATHS),
    )
    return Source(names, companions, _CONFLICTS[source], files)


def _pin(names: tuple[str, ...], version: str) -> str:
    """Pin packages to a version or its beginning. Apt compares beginnings letter by letter, so each end is named."""
    if not version:
        return ""
    ends = ("", "~*", "+*", ".*") if "-" in version else (".*", "-*", "+*", "~*")
    return "\n".join(_stanza(names, f"version {version}{end}") for end in ends)


def _stanza(names: tuple[str, ...], pin: str) -> str:
    return f"# Written by the role docker.\nPackage: {' '.join(names)}\nPin: {pin}\nPin-Priority: {PRIORITY}\n"
