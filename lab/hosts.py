# SPDX-License-Identifier: GPL-3.0-or-later
"""Host containers: systemd machines that are reached over SSH. `ensure` makes or repairs one, `remove` removes one."""

from __future__ import annotations

import functools
import hashlib
import json
import socket
import subprocess
import time
from dataclasses import dataclass

from lab import docker
from lab.engine import Engine
from lab.errors import LabError
from lab.inventory import Host
from lab.ports import refuse_if_taken
from lab.progress import step
from lab.settings import REGISTRY_NAME, Settings
from lab.state import State

_READY_SECONDS = 60
_CONFIG_LABEL = f"{docker.LABEL}.config"
_AUTHORIZED_KEYS, _HOST_KEY = "/root/.ssh/authorized_keys", "/etc/ssh/ssh_host_ed25519_key"

# The apt repositories that a host with a simulated GPU serves to itself, so under the names of the real ones.
GPU_REPOSITORIES = (
    "archive.lambdalabs.com",
    "nvidia.github.io",
    "developer.download.nvidia.com",
    "archive.ubuntu.lab",
)

# All that a host needs to run systemd and Docker. SYS_RESOURCE is not among them: machines whose own root lacks it
# refuse --privileged.
CAPABILITIES = (
    "AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID IPC_LOCK "
    "IPC_OWNER KILL LEASE LINUX_IMMUTABLE MKNOD NET_ADMIN NET_BIND_SERVICE NET_BROADCAST NET_RAW SETFCAP SETGID "
    "SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_TIME "
    "SYS_TTY_CONFIG WAKE_ALARM"
)


@dataclass(frozen=True)
class Plan:
    """Everything that a host container is made from."""

    settings: Settings
    engine: Engine
    image: str
    host: Host

    @property
    def arguments(self) -> list[str]:
        """What `docker run` is told, without how it is given its rights."""
        host, settings = self.host, self.settings
        published = [("127.0.0.1", host.ssh_port, 22)]
        if host.edge_address:
            published += [(host.edge_address, outside, inside) for outside, inside in settings.edge_ports.items()]
        return [
            *["--name", host.container, "--hostname", host.name, "--label", f"{docker.LABEL}={settings.prefix}"],
            *["--network", settings.network, "--ip", host.address, "--network-alias", host.name],
            *["--add-host", f"{REGISTRY_NAME}:{settings.registry_address}"],
            *(f"--publish={address}:{outside}:{inside}" for address, outside, inside in published),
            *["--volume", f"{volume(host)}:/var/lib/docker"],
            *["--tmpfs", "/run:exec,mode=755", "--tmpfs", "/run/lock", "--tmpfs", "/tmp:exec,mode=1777"],  # noqa: S108
            *["--env", "container=docker", "--stop-timeout", "20", "--restart", "unless-stopped"],
            *(gpu_arguments(host.gpu) if host.gpu != "none" else []),
        ]

    @property
    def fingerprint(self) -> str:
        """Changes when the container has to be made anew."""
        seen = [self.arguments, self.image, self.engine.cgroup_version, rights(self.engine.cgroup_version, False)]
        return hashlib.sha256(json.dumps(seen).encode()).hexdigest()[:12]


def gpu_arguments(gpu: str) -> list[str]:
    """What makes a host play one with a GPU: images/host/lab-gpu serves these repositories inside of it."""
    return [
        *["--env", f"LAB_GPU={gpu}"],
        *(part for name in GPU_REPOSITORIES for part in ("--add-host", f"{name}:127.0.0.1")),
    ]


def rights(cgroup_version: int, privileged: bool) -> list[str]:
    """The arguments that let systemd and an engine run in a container."""
    if cgroup_version == 1:
        groups = [
            *["--cgroupns=host", "--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw"],
            "--env=SYSTEMD_PROC_CMDLINE=systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",
        ]
    else:
        groups = ["--cgroupns=private"]
    if privileged:
        return [*groups, "--privileged"]
    unconfined = [f"--security-opt={what}=unconfined" for what in ("seccomp", "apparmor", "systempaths")]
    return [
        *groups,
        *unconfined,
        "--device-cgroup-rule=a *:* rwm",
        *(f"--cap-add={name}" for name in CAPABILITIES.split()),
    ]


@functools.cache
def may_be_privileged(image: str) -> bool:
    """Whether this engine starts privileged containers."""
    done = docker.run("run", "--rm", "--privileged", "--network=none", "--entrypoint=/bin/true", image, check=False)
    return done.returncode == 0


def volume(host: Host) -> str:
    """The volume of the host's engine. It outlives the container, so a repaired host finds its Swarm and its data."""
    return f"{host.container}-docker"


def ensure(settings: Settings, engine: Engine, state: State, image: str, host: Host) -> str:
    """Have one host run as the settings say, let our key in and answer; give its public host key.

    What is as it should be is left alone, what stopped is started, anything else is made anew around its volume.
    """
    plan = Plan(settings, engine, image, host)
    private_key, public_key = state.ensure_host_key(host)
    files = {_AUTHORIZED_KEYS: state.ensure_key(), _HOST_KEY: private_key}
    container = docker.inspect("container", host.container).get(host.container)
    if container and not _is_ours(container, settings):
        raise LabError(
            f"There is a container {host.container} that no lab made. Remove it with `docker rm -f {host.container}`, "
            "or set LAB_PREFIX to another name."
        )
    if container and _is_as_planned(container, plan):
        if _repaired(container, host, files):
            return public_key
        with step(f"{host.name}: does not answer as it is, making it anew"):
            docker.run("rm", "--force", "--volumes", host.container)
    elif container:
        docker.run("rm", "--force", "--volumes", host.container)
    with step(f"host {host.name}"):
        _create(plan)
        problem = _until_ready(host, files)
    if problem:
        raise LabError(f"{host.name} (container {host.container}) is not ready after {_READY_SECONDS} s: {problem}")
    return public_key


def remove(host: Host) -> None:
    """Remove one host and its data; nothing happens when it is not there."""
    docker.run("rm", "--force", "--volumes", host.container, check=False)
    docker.run("volume", "rm", "--force", volume(host), check=False)


def _is_ours(container: dict, settings: Settings) -> bool:
    return (container["Config"].get("Labels") or {}).get(docker.LABEL) == settings.prefix


def _is_as_planned(container: dict, plan: Plan) -> bool:
    made_from = (container["Config"].get("Labels") or {}).get(_CONFIG_LABEL)
    usable = ("running", "restarting", "exited", "paused")
    return made_from == plan.fingerprint and container["State"]["Status"] in usable


def _create(plan: Plan) -> None:
    host, here = plan.host, plan.settings.inventory_path
    refuse_if_taken(host.ssh_port, f"{host.name} for SSH", f"change its ansible_port in {here}")
    for port in plan.settings.edge_ports if host.edge_address else ():
        remedy = f"change its lab_edge_address in {here}"
        refuse_if_taken(port, f"the edge of {host.name}", remedy, host.edge_address)
    docker.ensure_volume(volume(host), plan.settings.prefix)
    version = plan.engine.cgroup_version
    given = rights(version, privileged=version != 1 and may_be_privileged(plan.image))
    label = f"--label={_CONFIG_LABEL}={plan.fingerprint}"
    docker.run("run", "--detach", label, *given, *plan.arguments, plan.image, timeout_seconds=60)


def _repaired(container: dict, host: Host, files: dict[str, str]) -> bool:
    """Start a host that is not running, put missing keys back, and say whether it answers then."""
    status = container["State"]["Status"]
    if status in ("running", "restarting"):  # a host that reboots is restarting for a moment
        return not _until_ready(host, files)
    with step(f"starting {host.name}, which was {status}"):
        done = docker.run("unpause" if status == "paused" else "start", host.container, check=False)
        return done.returncode == 0 and not _until_ready(host, files)


def _until_ready(host: Host, files: dict[str, str]) -> str | None:
    """Wait until systemd has started everything and sshd answers with our keys in place; else tell what is missing."""
    until = time.monotonic() + _READY_SECONDS
    while True:
        problem = _not_ready(host, files)
        if problem is None or time.monotonic() > until:
            return problem
        time.sleep(0.3)


def _not_ready(host: Host, files: dict[str, str]) -> str | None:
    sums = "\n".join(f"{hashlib.sha256(text.encode()).hexdigest()}  {path}" for path, text in files.items())
    script = "sha256sum --check --status 2>&1 && echo keys; systemctl is-system-running; systemctl is-active ssh; :"
    done = docker.run("exec", "-i", host.container, "sh", "-c", script, stdin=f"{sums}\n", check=False)
    words = done.stdout.split()
    if done.returncode:
        return f"`docker exec` fails: {docker.tail(done.stderr, 3)}"
    if "keys" not in words:
        _write(host, files)
        return "its keys were just written"
    if not {"running", "degraded"} & set(words):
        return f"systemd says {' '.join(words[1:2]) or 'nothing'}: {_jobs(host)}"
    if words[-1] != "active":
        docker.run("exec", host.container, "sh", "-c", "systemctl reset-failed ssh; systemctl start ssh", check=False)
        return f"sshd is {words[-1]}"
    return None if _ssh_banner(host.ssh_port) else f"no SSH server answers on 127.0.0.1:{host.ssh_port}"


def _write(host: Host, files: dict[str, str]) -> None:
    for path, text in files.items():
        script = f"umask 077 && mkdir -p {path.rpartition('/')[0]} && cat > {path}"
        docker.run("exec", "-i", host.container, "sh", "-c", script, stdin=text, check=False)


def _jobs(host: Host) -> str:
    shown = docker.run("exec", host.container, "systemctl", "list-jobs", "--no-legend", "--plain", check=False)
    return "; ".join(docker.tail(shown.stdout or shown.stderr, 5).splitlines()) or "no jobs"


def _ssh_banner(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def answers(state: State, host: Host) -> str | None:
    """Log in with our key and the pinned host key, as Ansible will; give what ssh said when that fails."""
    options = {
        "UserKnownHostsFile": state.known_hosts_path,
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        "ControlPath": "none",
    }
    command = ["ssh", "-F", "none", "-i", str(state.key_path), "-p", str(host.ssh_port)]
    command += [f"-o{name}={value}" for name, value in options.items()]
    done = subprocess.run([*command, "root@127.0.0.1", "true"], capture_output=True, text=True, timeout=30, check=False)
    return None if done.returncode == 0 else done.stderr.strip()
