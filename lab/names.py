# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's name server: what is written at the simulated Namecheap can be asked of it at once."""

from __future__ import annotations

import json
import socket
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

from lab import containers, docker
from lab.processes import Process
from lab.progress import step
from lab.settings import Settings
from lab.zone_backend import NAME_SERVER

_START_SECONDS, _ASK_SECONDS = 30, 5


@dataclass(frozen=True)
class Backend(Process):
    """The program that PowerDNS asks, on this machine."""

    socket_path: Path

    @property
    def place(self) -> str:
        return str(self.socket_path)

    def answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_ASK_SECONDS)
                connection.connect(str(self.socket_path))
                connection.sendall(b'{"method": "initialize"}\n')
                return json.loads(connection.recv(1024)) == {"result": True}
        except (OSError, ValueError):
            return False


def backend(settings: Settings) -> Backend:
    """The lab's own one; its directory is mounted into the container."""
    path = settings.state_path / "names"
    arguments = ("lab.zone_backend", "--socket", str(path / "socket"), "--port", str(settings.cloud_port))
    return Backend("zone backend", arguments, path, ("lab/zone_backend.py",), path / "socket")


def ensure(settings: Settings, image: str) -> None:
    """Have the name server run with this image, and answer. It asks the simulated clouds, which must run."""
    process, name, wanted = backend(settings), settings.names_container, arguments(settings, image)
    process.path.mkdir(mode=0o700, exist_ok=True)
    if process.start():
        process.until_answers()
    elif containers.runs(name, wanted) and not problem(settings):
        return
    with step("name server"):  # PowerDNS keeps connections to a process that has ended: it is started anew with it
        containers.start(name, wanted)
        containers.wait(name, "The name server", lambda: problem(settings), _START_SECONDS)


def forget(settings: Settings) -> None:
    """Remove the name server and end its backend."""
    containers.remove(settings.names_container)
    backend(settings).forget()


def arguments(settings: Settings, image: str) -> list[str]:
    """What `docker run` is told about the name server."""
    return [
        *["--label", f"{docker.LABEL}={settings.prefix}"],
        *["--network", settings.network, "--ip", settings.names_address, "--network-alias", NAME_SERVER],
        *["--volume", f"{settings.state_path}/names:/run/names", image],
    ]


def problem(settings: Settings) -> str:
    """Why the name server does not work; nothing when it does. A zone that it refuses has been asked for, too."""
    query = dns.message.make_query(settings.variables["platform_zone"], "SOA")
    try:
        code = dns.query.tcp(query, settings.names_address, timeout=_ASK_SECONDS).rcode()
    except (OSError, dns.exception.DNSException) as error:
        return f"{settings.names_address}:53: {error}"
    if code == dns.rcode.SERVFAIL:
        return f"SERVFAIL: its backend ({settings.state_path}/names.log) or the simulated clouds do not answer"
    return ""
