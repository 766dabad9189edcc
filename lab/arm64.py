# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lab.arm64 up|down`: a small arm64 host for the scenario `arm64`, emulated where this machine is no arm64.

Where no emulation is to be had it says so in one line and makes none; the tests in tests/arm64, in which a real apt
decides for arm64, then stand for it.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

from lab import docker
from lab.engine import apt_install
from lab.errors import LabError
from lab.progress import step

ROOT = Path(__file__).resolve().parents[1]
CONFIGURE = ROOT / "molecule/arm64/files/configure.py"
STATE = ROOT / "build/arm64/molecule"
HOSTS, SAID = STATE / "hosts.json", STATE / "why-not"
REGISTERED = STATE / "registered-by-us"
BINFMT = Path("/proc/sys/fs/binfmt_misc")
ENTRY = "qemu-aarch64"
# The interpreter is opened once, at registration (F), so that containers need no file of it.
LINE = (
    rf":{ENTRY}:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:"
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:{interpreter}:F"
)
RELEASE = "trixie"
PACKAGES = (
    "base-files base-passwd bash dash coreutils sed grep tar gzip dpkg apt debian-archive-keyring ca-certificates "
    "findutils diffutils hostname mawk perl-base libc-bin util-linux login python3"
)
# What Ansible's modules import of Python's own library. Unpacked packages have no compiled modules.
WARM = (
    "argparse, ast, calendar, ctypes, datetime, email.parser, fcntl, grp, hashlib, http.client, ipaddress, json, "
    "locale, logging, multiprocessing, pathlib, platform, pwd, queue, runpy, shlex, shutil, signal, socket, ssl, "
    "subprocess, syslog, tempfile, traceback, typing, unittest, urllib.request, uuid, zipfile, zipimport"
)
_BUILD_SECONDS = 300


class NoEmulation(LabError):
    """This machine can run no arm64 programs, for this reason."""


def up() -> None:
    """Have the host run and write down its name; or write down none, and say why."""
    STATE.mkdir(parents=True, exist_ok=True)
    hosts = []
    try:
        ensure_emulation()
        name, image = container(), ensure_image()
        docker.run("rm", "--force", name, check=False)
        docker.run("run", "--detach", "--name", name, "--label", f"{docker.LABEL}={prefix()}", image, "sleep", "3600")
        hosts = [name]
        SAID.unlink(missing_ok=True)
    except NoEmulation as why:
        SAID.write_text(f"{why}\n", encoding="utf-8")
        print(f"arm64: no host is made: {why} tests/arm64 stands for it.")
    HOSTS.write_text(json.dumps(hosts), encoding="utf-8")


def down() -> None:
    """Remove the host, and the emulation if `up` has registered it. The image stays for the next time."""
    docker.run("rm", "--force", container(), warming(), check=False)
    if REGISTERED.exists():
        entry = BINFMT / ENTRY
        if entry.exists():
            entry.write_text("-1", encoding="ascii")
        REGISTERED.unlink()


def prefix() -> str:
    """What names of the lab begin with."""
    return os.environ.get("LAB_PREFIX", "sophia-mol")


def container() -> str:
    """The host's name."""
    return f"{prefix()}-arm64"


def ensure_emulation() -> None:
    """Make this machine run arm64 programs, also in containers; NoEmulation says why it cannot."""
    if platform.machine() == "aarch64" or _works(BINFMT / ENTRY):
        return
    if os.geteuid() != 0:
        raise NoEmulation("only root may register an emulator, and none is registered.")
    if not shutil.which("qemu-aarch64-static"):
        if not shutil.which("apt-get"):
            raise NoEmulation("there is no qemu-aarch64-static, and no apt-get to install it.")
        apt_install("qemu-user-static")
    if _works(BINFMT / ENTRY):  # installing it has registered it
        REGISTERED.touch()
        return
    try:
        if not (BINFMT / "register").exists():
            subprocess.run(["mount", "-t", "binfmt_misc", "none", str(BINFMT)], check=True, capture_output=True)
        if (BINFMT / ENTRY).exists():
            raise NoEmulation(f"{BINFMT / ENTRY} is there without the flag F, so containers have no use of it.")
        interpreter = Path(shutil.which("qemu-aarch64-static") or "").resolve()
        (BINFMT / "register").write_text(LINE.format(interpreter=interpreter), encoding="ascii")
        REGISTERED.touch()
    except (OSError, subprocess.CalledProcessError) as error:
        raise NoEmulation(f"the kernel lets nobody register an emulator ({error}).") from error


def _works(entry: Path) -> bool:
    """Whether an emulator is registered that works in containers too."""
    try:
        lines = entry.read_text(encoding="ascii").splitlines()
    except OSError:
        return False
    return "enabled" in lines and any(line.startswith("flags:") and "F" in line for line in lines)


def ensure_image() -> str:
    """Give an image of an arm64 Debian that was unpacked, not installed: seconds instead of minutes."""
    recipe = hashlib.sha256(f"{RELEASE} {PACKAGES} {WARM}".encode() + CONFIGURE.read_bytes()).hexdigest()[:12]
    tag = f"sophia-lab/arm64:{recipe}"
    if docker.run("image", "inspect", tag, check=False).returncode == 0:
        return tag
    if not shutil.which("mmdebstrap"):
        apt_install("mmdebstrap", "debian-archive-keyring")
    with step(f"arm64 image {RELEASE}: unpacking"):
        argv = ["mmdebstrap", "--quiet", "--variant=extract", "--architectures=arm64", "--skip=cleanup/apt/lists"]
        argv += [f"--include={','.join(PACKAGES.split())}", f"--extract-hook={CONFIGURE}", RELEASE, "-"]
        made = subprocess.run(argv, capture_output=True, timeout=_BUILD_SECONDS, check=False)
        if made.returncode != 0:
            raise LabError(f"mmdebstrap could not unpack {RELEASE} for arm64: {made.stderr.decode()[-1500:]}")
        taken = subprocess.run(["docker", "import", "-", tag], input=made.stdout, capture_output=True, check=False)
        if taken.returncode != 0:
            raise LabError(f"docker import failed: {taken.stderr.decode()[-1500:]}")
        docker.run("rm", "--force", warming(), check=False)
        docker.run("run", "--name", warming(), tag, "python3", "-c", f"import {WARM}", timeout_seconds=_BUILD_SECONDS)
        docker.run("commit", warming(), tag)
        docker.run("rm", "--force", warming())
    return tag


def warming() -> str:
    """The container in which Python compiles its own modules, once for all times that the image is used."""
    return f"{container()}-warming"


if __name__ == "__main__":
    try:
        {"up": up, "down": down}[sys.argv[1] if len(sys.argv) == 2 else ""]()
    except KeyError:
        sys.exit(__doc__)
    except LabError as error:
        sys.exit(f"arm64: {error}")
