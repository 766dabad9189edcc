# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a driver comes from: which source, which packages, and what apt is told about it. Pure."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.host.packages import matches
from ansible_collections.sophia.platform.plugins.module_utils.host.support import ARCHITECTURES
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import parse

LAMBDA_ARCHIVE, NVIDIA_ARCHIVE = "archive.lambdalabs.com", "developer.download.nvidia.com"
PREINSTALLED, LAMBDA, UBUNTU, NVIDIA = "preinstalled", "lambda_stack", "ubuntu", "nvidia"
KEY_PATH = "/etc/apt/keyrings/sophia-nvidia-driver.asc"
REPOSITORY_PATH = "/etc/apt/sources.list.d/sophia-nvidia-driver.sources"
BRANCH_PATH = "/etc/apt/preferences.d/60-sophia-nvidia-driver"
FOREIGN_PATH = "/etc/apt/preferences.d/60-sophia-no-foreign-driver"
# dpkg's name of an architecture -> NVIDIA's.
NVIDIA_ARCHITECTURES = {"arm64": "sbsa", "amd64": "x86_64"}
# The kernel a release of Ubuntu began with; others are hardware-enablement kernels, whose packages say so.
FIRST_KERNELS = {"22.04": "5.15.", "24.04": "6.8."}
UNSUFFIXED_SINCE = 590
# What other archives call a driver's packages: names that the branch pin and the foreign pin are about.
DRIVER_GLOBS = (
    "nvidia-driver* nvidia-dkms* nvidia-kernel* nvidia-open* nvidia-headless* nvidia-utils* nvidia-compute-utils* "
    "nvidia-modprobe nvidia-firmware* libnvidia-* libcuda* xserver-xorg-video-nvidia* cuda-drivers*"
)
FOREIGN_PIN = f"""\
# Written by the role nvidia_driver: beside Lambda's packages no driver comes from NVIDIA's archive.
Package: {DRIVER_GLOBS}
Pin: origin {NVIDIA_ARCHIVE}
Pin-Priority: -1
"""

Seen = Mapping[str, Any]
Wanted = Mapping[str, Any]
Offers = Mapping[str, Sequence[tuple[str, str]]]


def has_lambda(seen: Seen) -> bool:
    """Say whether Lambda's archive or packages are on the host."""
    rows = seen["packages"].items()
    return bool(seen["archives"][LAMBDA_ARCHIVE]) or any(parse.is_lambda_package(n, row["version"]) for n, row in rows)


def broken(seen: Seen) -> list[str]:
    """Name the driver's packages that an interrupted run of dpkg left behind."""
    return [name for name in seen["broken_packages"] if parse.is_gpu_package(name)]


def driver_there(seen: Seen) -> dict[str, Any] | None:
    """Give the driver that the host has: what is on disk counts, for that is what the next start loads."""
    return seen["on_disk"] or seen["loaded"]


def is_good_enough(seen: Seen, wanted: Wanted) -> bool:
    """Say whether the driver on the host is open, whole, and of a version that will do."""
    there = driver_there(seen)
    return bool(
        there
        and there["open"] is not False
        and not broken(seen)
        and seen["smi"]["status"] != parse.NO_COMMAND
        and parse.at_least(there["version"], wanted["min_version"])
        and parse.begins_with(there["version"], wanted["version"].split("-")[0])
    )


def choose(seen: Seen, wanted: Wanted) -> str:
    """Choose the source. A closed driver is never replaced without being told to: it stays, and is a problem."""
    there = driver_there(seen)
    if wanted["source"] != "auto":
        return wanted["source"]
    if is_good_enough(seen, wanted) or (there and there["open"] is False):
        return PREINSTALLED
    if has_lambda(seen):
        return LAMBDA
    return UBUNTU if seen["os_release"].get("ID") == "ubuntu" else NVIDIA


def alternatives(seen: Seen, wanted: Wanted, source: str) -> list[list[str]]:
    """Give the package sets that would do, the best first; the last is expected where none can be looked up."""
    branch = wanted["branch"]
    if source == LAMBDA:
        return [[f"nvidia-driver-{branch}-server-open"]]
    if source == UBUNTU:
        tools = [f"nvidia-utils-{branch}-server", f"nvidia-compute-utils-{branch}-server"]
        signed = [
            [f"linux-modules-nvidia-{branch}-server-open-{flavour}", f"nvidia-headless-no-dkms-{branch}-server-open"]
            for flavour in flavours(seen)
        ]
        built = [f"nvidia-headless-{branch}-server-open", f"nvidia-dkms-{branch}-server-open"]
        return [[*names, *tools] for names in (*signed, built)]
    if source == NVIDIA:
        # Its archives for Ubuntu and Debian name things differently; which one it is, the lookup shows.
        names = [["nvidia-driver-open" if int(branch) >= UNSUFFIXED_SINCE else f"nvidia-driver-{branch}-open"]]
        debian = [["nvidia-kernel-open-dkms", "nvidia-driver-cuda"]]
        return names + debian if seen["os_release"].get("ID") == "debian" else names
    return [[]]


def pinning_package(wanted: Wanted, source: str) -> str:
    """Name the package that keeps NVIDIA's archive on a branch or a version; it must be there before the driver."""
    if source != NVIDIA:
        return ""
    return f"nvidia-driver-pinning-{wanted['version'].split('-')[0] or wanted['branch']}"


def flavours(seen: Seen) -> list[str]:
    """Give the names under which Ubuntu may have signed modules for the running kernel."""
    flavour = re.sub(r"^[0-9.]+(-[0-9]+)*-", "", seen["kernel"])
    release = seen["os_release"].get("VERSION_ID", "")
    enablement = f"{flavour}-hwe-{release}"
    first = seen["kernel"].startswith(FIRST_KERNELS.get(release, "-"))
    return [flavour, enablement] if first else [enablement, flavour]


def is_signed(name: str) -> bool:
    """Say whether a package brings modules that Canonical signed; its version is the kernel's."""
    return name.startswith("linux-modules-nvidia-")


def is_satisfied(name: str, seen: Seen, wanted: Wanted) -> bool:
    """Say whether a package is installed, whole, and of the version or branch."""
    row = seen["packages"].get(name)
    return bool(row and row["ok"] and (is_signed(name) or fits(row["version"], wanted)))


def fits(version: str, wanted: Wanted) -> bool:
    """Say whether a package's version is of the wanted version, or else of the branch."""
    return matches(version, wanted["version"] or wanted["branch"])


def eligible(name: str, offers: Offers, wanted: Wanted, source: str) -> list[str]:
    """Give the versions on offer that the source may use, the newest first."""
    own_host = urllib.parse.urlsplit(wanted["repository_url"]).hostname or NVIDIA_ARCHIVE

    def is_ours(version: str, where: str) -> bool:
        is_lambda, is_nvidia = "0lambda0." in version, own_host in where
        return {LAMBDA: is_lambda, NVIDIA: is_nvidia}.get(source, not is_lambda and not is_nvidia)

    found = [version for version, where in offers.get(name, ()) if is_ours(version, where)]
    return [version for version in found if is_signed(name) or fits(version, wanted)]


def nvidia_repository(seen: Seen, wanted: Wanted) -> str:
    """Give the address of NVIDIA's archive for this distribution and architecture."""
    release = f"{seen['os_release'].get('ID', '')}{seen['os_release'].get('VERSION_ID', '').replace('.', '')}"
    architecture = NVIDIA_ARCHITECTURES[ARCHITECTURES[seen["machine"]]]
    return f"{wanted['repository_url'].rstrip('/')}/{release}/{architecture}"


def repository_text(seen: Seen, wanted: Wanted) -> str:
    """Give apt's description of NVIDIA's archive."""
    return (
        "# Written by the role nvidia_driver.\n"
        f"Types: deb\nURIs: {nvidia_repository(seen, wanted)}/\nSuites: /\nSigned-By: {KEY_PATH}\n"
    )


def branch_pin(wanted: Wanted, source: str) -> str:
    """Give the preferences that keep apt on the branch.

    Lambda and Canonical have the branch in the packages' names, so every other branch is forbidden: a name that was
    made a transition to a newer branch can then not be followed. NVIDIA's archive is kept by a package of its own; here
    it only becomes the place that drivers come from.
    """
    if source == NVIDIA:
        host = urllib.parse.urlsplit(wanted["repository_url"]).hostname
        # For all packages, so that what the pinning package says of single ones comes first.
        return (
            "# Written by the role nvidia_driver: the driver comes from NVIDIA's archive.\n"
            f"Package: *\nPin: origin {host}\nPin-Priority: 600\n"
        )
    other = f"/^(lib|linux-modules-|xserver-xorg-video-)?nvidia-([a-z0-9]+-)*({other_branches(wanted['branch'])})(-|$)/"
    return (
        f"# Written by the role nvidia_driver: branch {wanted['branch']} and no other.\n"
        f"Package: {other}\nPin: release *\nPin-Priority: -1\n"
    )


def other_branches(branch: str) -> str:
    """Give a regular expression (POSIX, extended) of all three-digit numbers but the branch."""
    options = []
    for index, digit in enumerate(branch):
        value = int(digit)
        below = f"0-{value - 1}" if value > 0 else ""
        above = f"{value + 1}-9" if value < 9 else ""
        options.append(f"{branch[:index]}[{below}{above}]" + "[0-9]" * (len(branch) - index - 1))
    return "|".join(options)
