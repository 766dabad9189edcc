# SPDX-License-Identifier: GPL-3.0-or-later
"""Describes NVIDIA's toolkit repository to apt, and reads what apt knows and others wrote. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from ansible_collections.sophia.platform.plugins.module_utils.host.packages import matches
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_versions import PACKAGES, compare

SOURCES_PATH = "/etc/apt/sources.list.d/nvidia-container-toolkit.sources"
PIN_PATH = "/etc/apt/preferences.d/61-nvidia-container-toolkit"
KEY_PATH = "/etc/apt/keyrings/nvidia-container-toolkit.asc"
ARCHITECTURES = ("amd64", "arm64")
PIN_PRIORITY = 1002
# Files that older instructions of NVIDIA had people write. They name the same repository with another key file.
OBSOLETE_LISTS = (
    "libnvidia-container.list",
    "nvidia-container-runtime.list",
    "nvidia-container-toolkit.list",
    "nvidia-docker.list",
)
_ARMOUR = "-----BEGIN PGP PUBLIC KEY BLOCK-----"
_LIST_LINE = re.compile(r"^\s*deb(?:-src)?\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)")
_POLICY_VERSION = re.compile(r"^ (?:\*\*\*|   ) (\S+) -?\d+$")
_POLICY_ORIGIN = re.compile(r"^ {5,}-?\d+ (\S+)")


@dataclass(frozen=True)
class Repository:
    """NVIDIA's repository for one architecture. It is the same for every distribution."""

    url: str
    architecture: str

    @property
    def address(self) -> str:
        """What apt is given as URI."""
        return f"{self.url.rstrip('/')}/stable/deb/{self.architecture}/"

    @property
    def host(self) -> str:
        """The host's name, by which apt's pins know an origin."""
        return urlsplit(self.url).hostname or ""

    def sources(self, key_path: str = KEY_PATH) -> str:
        """Give the .sources file. The repository is flat: its suite is a path and there are no components."""
        return (
            "# Written by the role nvidia_container_toolkit.\n"
            "Types: deb\n"
            f"URIs: {self.address}\n"
            "Suites: /\n"
            f"Architectures: {self.architecture}\n"
            f"Signed-By: {key_path}\n"
        )

    @property
    def pin(self) -> str:
        """Give the preferences file. Images of Lambda pin their own archive, with older packages, at 1001."""
        return (
            "# Written by the role nvidia_container_toolkit. Beats the pin of Lambda's archive, for these names only.\n"
            "Package: nvidia-container-toolkit* libnvidia-container*\n"
            f"Pin: origin {self.host}\n"
            f"Pin-Priority: {PIN_PRIORITY}\n"
        )


@dataclass(frozen=True)
class Entry:
    """One repository that a file under /etc/apt names."""

    path: str
    address: str
    suite: str
    signed_by: str


@dataclass
class Offer:
    """What apt knows of one package: `origins` gives the hosts that offer a version."""

    installed: str = ""
    candidate: str = ""
    origins: dict[str, list[str]] = field(default_factory=dict)


def entries_of(path: str, text: str) -> list[Entry]:
    """Read a .list or a .sources file. Entries that are switched off are left out."""
    if not path.endswith(".sources"):
        found = (_LIST_LINE.match(line) for line in text.splitlines())
        return [
            Entry(path, match.group(2), match.group(3), _option(match.group(1) or "", "signed-by"))
            for match in found
            if match
        ]
    entries = []
    for paragraph in re.split(r"\n[ \t]*\n", text):
        fields = _fields(paragraph)
        if not fields.get("uris") or fields.get("enabled", "yes").lower() in ("no", "false", "0", "off"):
            continue
        key = " ".join(fields.get("signed-by", "").split())
        for address in fields["uris"].split():
            entries += [Entry(path, address, suite, key) for suite in fields.get("suites", "").split()]
    return entries


def _option(text: str, name: str) -> str:
    return next((part.split("=", 1)[1] for part in text.split() if part.lower().startswith(f"{name}=")), "")


def _fields(paragraph: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in paragraph.splitlines():
        if line.startswith("#"):
            continue
        if line[:1] in (" ", "\t"):
            fields[name] = f"{fields.get(name, '')}\n{line.strip()}"
        elif ":" in line:
            name, value = line.split(":", 1)
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields


def obsolete_lists(files: Mapping[str, str]) -> list[str]:
    """Name the files (path -> text) that older instructions left behind."""
    return sorted(path for path in files if path.rsplit("/", 1)[-1] in OBSOLETE_LISTS)


def conflicts(files: Mapping[str, str], repository: Repository) -> dict[str, str]:
    """Name other files that give apt the same repository (path -> problem): apt then refuses to read any list."""
    problems = {}
    gone = {*obsolete_lists(files), SOURCES_PATH}
    for path, text in sorted(files.items()):
        for entry in [] if path in gone else entries_of(path, text):
            address = entry.address.replace("$(ARCH)", repository.architecture).rstrip("/")
            if (address, entry.suite.strip("/")) == (repository.address.rstrip("/"), ""):
                key = entry.signed_by.splitlines()[0] if entry.signed_by else "any key"
                problems[path] = (
                    f"{path} names {repository.address} too, signed by {key}, and {SOURCES_PATH} says {KEY_PATH}: apt "
                    "stops at such a contradiction (Signed-By). Remove that entry."
                )
    return problems


def key_problems(text: str, checksum: str, address: str) -> list[str]:
    """Judge a repository key that was fetched from an address."""
    if _ARMOUR not in text:
        return [
            f"{address} gave no armoured key but {text[:60].strip()!r}. Look at "
            "nvidia_container_toolkit_repository_key_url."
        ]
    have = checksum_of(text)
    if checksum and have != checksum:
        return [
            f"The key at {address} has the checksum {have}, nvidia_container_toolkit_repository_key_checksum is "
            f"{checksum}. Find out from NVIDIA which is right before you change it."
        ]
    return []


def checksum_of(text: str) -> str:
    """Give a key's checksum in the form of the role's variable."""
    return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


def parse_policy(text: str) -> dict[str, Offer]:
    """Read the output of `apt-cache policy NAME...`."""
    offers: dict[str, Offer] = {}
    offer, version = Offer(), ""
    for line in text.splitlines():
        if line and not line[0].isspace() and line.endswith(":"):
            offer, version = offers.setdefault(line[:-1], Offer()), ""
        elif line.startswith(("  Installed:", "  Candidate:")):
            label, value = line.strip().split(": ", 1)
            setattr(offer, label.lower(), "" if value == "(none)" else value)
        elif found := _POLICY_VERSION.match(line):
            version = found.group(1)
            offer.origins.setdefault(version, [])
        elif version and (found := _POLICY_ORIGIN.match(line)):
            offer.origins[version].append(urlsplit(found.group(1)).hostname or "")
    return offers


def offered(offers: Mapping[str, Offer], host: str) -> list[str]:
    """Name the versions in which a host offers all packages, newest first."""
    each = [
        {version for version, hosts in offers.get(name, Offer()).origins.items() if host in hosts} for name in PACKAGES
    ]
    return sort_versions(set.intersection(*each))


def sort_versions(versions: set[str]) -> list[str]:
    """Order versions, newest first."""
    ordered: list[str] = []
    for version in versions:
        at = next((index for index, other in enumerate(ordered) if compare(version, other) > 0), len(ordered))
        ordered.insert(at, version)
    return ordered


def choose(versions: list[str], wanted: str) -> str:
    """Give the newest version that is the wanted one; empty when there is none."""
    return next((version for version in versions if matches(version, wanted)), "")


def downgrades(offers: Mapping[str, Offer], target: str) -> list[str]:
    """Name the packages that apt would rather have in an older version than the target."""
    return [
        f"{name} {offers[name].candidate}"
        for name in PACKAGES
        if name in offers and offers[name].candidate and compare(offers[name].candidate, target) < 0
    ]
