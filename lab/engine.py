# SPDX-License-Identifier: GPL-3.0-or-later
"""The Docker engine: what answers is used; where nothing answers, Debian's is installed and started by hand."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from lab import docker
from lab.errors import LabError
from lab.progress import step

_START_SECONDS = 60
_PID_FILES = {
    Path("/var/run/docker.pid"): "dockerd",
    Path("/var/run/docker/containerd/containerd.pid"): "containerd",
}


@dataclass(frozen=True)
class Engine:
    """What the lab has to know of the engine. `architecture` is the kernel's word: x86_64 or aarch64."""

    version: str
    cgroup_version: int
    architecture: str


def ensure(state_path: Path) -> Engine:
    """Give the engine that answers; install and start one when none does. Raises LabError when there can be none."""
    found = ask()
    if found:
        return found
    if os.environ.get("DOCKER_HOST"):
        raise LabError(f"No Docker engine answers at DOCKER_HOST={os.environ['DOCKER_HOST']}; start it or unset that.")
    if os.geteuid() != 0:
        raise LabError(
            "No Docker engine answers, and only root may start one. Start Docker (and be in the group `docker`), "
            "or run this as root on Debian or Ubuntu."
        )
    if not shutil.which("dockerd"):
        apt_install("docker.io")
    if not shutil.which("docker"):
        apt_install("docker-cli")  # a package of its own since Debian 13
    found = ask()  # where systemd runs, installing it has started it
    if found:
        return found
    for pid_path, command in _PID_FILES.items():
        forget_if_dead(pid_path, command)
    return start(state_path)


def ask() -> Engine | None:
    """What the engine says of itself; None when there is none, or no answer."""
    if not shutil.which("docker"):
        return None
    done = docker.run("info", "--format", "{{json .}}", timeout_seconds=20, check=False)
    try:
        info = json.loads(done.stdout or "{}")
    except ValueError:
        return None
    if not info.get("ServerVersion"):
        return None
    return Engine(info["ServerVersion"], int(info.get("CgroupVersion") or 1), info.get("Architecture") or "x86_64")


def forget_if_dead(pid_path: Path, command: str, processes: Path = Path("/proc")) -> None:
    """Remove the pid file of an engine that is gone: dockerd does not start while any process has that number."""
    try:
        pid = pid_path.read_text(encoding="ascii").strip()
        running = (processes / pid / "comm").read_text(encoding="utf-8").strip() if pid else ""
    except FileNotFoundError:
        running = ""
    if running != command:
        pid_path.unlink(missing_ok=True)


def start(state_path: Path) -> Engine:
    """Start dockerd detached from this process, and wait until it answers. Raises LabError with the end of its log."""
    log_path = state_path / "dockerd.log"
    with step("starting the Docker engine"), open(log_path, "ab") as log:
        process = subprocess.Popen(
            ["dockerd"], stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, cwd="/"
        )
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and process.poll() is None:
            found = ask()
            if found:
                return found
            time.sleep(0.3)
    seen = "ended" if process.poll() is not None else f"does not answer after {_START_SECONDS} s"
    said = docker.tail(log_path.read_text(encoding="utf-8", errors="replace"), 15)
    raise LabError(f"dockerd was started and {seen}; the end of {log_path}:\n{said}")


def apt_install(*packages: str) -> None:
    """Install Debian packages on this machine. Raises LabError when that is not possible."""
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise LabError(
            f"Missing on this machine: {', '.join(packages)}. Install them; for root on Debian, the lab does."
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "NEEDRESTART_SUSPEND": "1"}
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]
    with step(f"apt-get install {' '.join(packages)}"):
        for command in (["apt-get", "update", "-qq"], install):
            done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=900, check=False)
        if done.returncode:
            said = docker.tail(done.stderr or done.stdout)
            raise LabError(f"{' '.join(install)} failed with {done.returncode}: {said}")
