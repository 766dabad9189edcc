# SPDX-License-Identifier: GPL-3.0-or-later
"""Base root filesystems: Debian made with mmdebstrap, or Debian's own image where a container registry is to be had."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from dataclasses import dataclass

from lab import docker
from lab.engine import apt_install
from lab.errors import LabError
from lab.progress import step


@dataclass(frozen=True)
class Release:
    """A Debian release: the Python it carries, and the minor version of its glibc (which wheels fit)."""

    python: str
    glibc_minor: int


RELEASES = {"trixie": Release("3.13", 41), "bookworm": Release("3.11", 36)}
REPOSITORY = "sophia-lab/base"

# Package lists stay in the base, compressed, so that `apt-get update` in a build finds most of them unchanged.
# Builds and hosts may lose their disk in a crash: nothing waits for fsync.
_APT = [
    'Acquire::Languages "none"',
    'Acquire::GzipIndexes "true"',
    'Acquire::Retries "3"',
    'APT::Install-Recommends "0"',
]
_DPKG = ["force-unsafe-io", "path-exclude=/usr/share/man/*", "path-exclude=/usr/share/doc/*"]
_OPTIONS = [
    "--variant=minbase",
    "--include=ca-certificates",
    "--skip=cleanup/apt/lists",
    *(f"--aptopt={option}" for option in _APT),
    *(f"--dpkgopt={option}" for option in _DPKG),
]
_BUILD_SECONDS = 600


def ensure(release: str, present: dict[str, str], upstream: bool) -> tuple[str, str]:
    """Make or fetch the base of a release unless it is here; give its tag and id. `present`: images by tag."""
    if release not in RELEASES:
        raise LabError(f"`# base: {release}` is none of {', '.join(RELEASES)}; see lab/bases.py.")
    recipe = "upstream" if upstream else hashlib.sha256(json.dumps(_OPTIONS).encode()).hexdigest()[:12]
    tag = f"{REPOSITORY}:{release}-{recipe}"
    if tag not in present:
        if not upstream and can_bootstrap():
            _bootstrap(release, tag)
        else:
            _pull(release, tag)
        present[tag] = docker.run("image", "inspect", "--format", "{{.Id}}", tag).stdout.strip()
    alias = f"{REPOSITORY}:{release}"
    if present.get(alias) != present[tag]:
        docker.run("tag", tag, alias)
        present[alias] = present[tag]
    return tag, present[tag]


def can_bootstrap() -> bool:
    """Whether this machine can make root filesystems: root, and mmdebstrap here or to be installed."""
    return os.geteuid() == 0 and bool(shutil.which("mmdebstrap") or shutil.which("apt-get"))


def _bootstrap(release: str, tag: str) -> None:
    if not shutil.which("mmdebstrap"):
        apt_install("mmdebstrap", "debian-archive-keyring")
    with step(f"base image {release}: mmdebstrap"):
        make = subprocess.Popen(
            ["mmdebstrap", "--quiet", *_OPTIONS, release, "-"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        take = subprocess.Popen(
            ["docker", "import", "--change", f"LABEL {docker.LABEL}=image", "--change", 'CMD ["bash"]', "-", tag],
            stdin=make.stdout,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        make.stdout.close()
        try:
            said = make.stderr.read().decode(errors="replace")
            imported = take.communicate(timeout=_BUILD_SECONDS)[0].decode(errors="replace")
        except subprocess.TimeoutExpired as error:
            raise LabError(f"mmdebstrap {release}: no end after {_BUILD_SECONDS} s.") from error
        finally:
            for process in (make, take):
                if process.poll() is None:
                    process.kill()
        if make.wait():
            docker.run("rmi", tag, check=False)
            raise LabError(
                f"mmdebstrap {release} failed with {make.returncode}; it needs Debian's mirror and "
                f"debian-archive-keyring with the keys of {release}:\n{docker.tail(said)}"
            )
        if take.returncode:
            raise LabError(f"docker import of {tag} failed with {take.returncode}: {docker.tail(imported)}")


def _pull(release: str, tag: str) -> None:
    image = f"docker.io/library/debian:{release}-slim"
    with step(f"base image {release}: docker pull {image}"):
        done = docker.run("pull", image, timeout_seconds=_BUILD_SECONDS, check=False)
    if done.returncode:
        raise LabError(
            f"docker pull {image} failed, and mmdebstrap cannot make the base here (that wants root and Debian's or "
            f"Ubuntu's apt): {docker.tail(done.stderr)}"
        )
    docker.run("tag", image, tag)
