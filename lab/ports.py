# SPDX-License-Identifier: GPL-3.0-or-later
"""Loopback ports: whether they are free, and who has them."""

from __future__ import annotations

import errno
import socket

from lab import docker
from lab.errors import LabError


def refuse_if_taken(port: int, what: str, remedy: str, address: str = "127.0.0.1") -> None:
    """Raise LabError, saying by whom, when a port of loopback that `what` needs is taken."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            reason = "may not be used by this user" if error.errno == errno.EACCES else f"is taken by {_occupant(port)}"
            raise LabError(f"Port {port} of {address}, for {what}, {reason}. Stop that, or {remedy}.") from error


def _occupant(port: int) -> str:
    names = docker.run("ps", "--filter", f"publish={port}", "--format", "{{.Names}}", check=False).stdout.split()
    return f"the container {names[0]}" if names else "another program (`ss -ltnp` shows which)"
