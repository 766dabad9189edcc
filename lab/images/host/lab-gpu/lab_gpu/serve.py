# SPDX-License-Identifier: GPL-3.0-or-later
"""Serves the stand-in apt repositories on the socket that systemd hands over, told apart by the Host header."""

from __future__ import annotations

import re
import socket
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PORT = 8099
REPOSITORIES = Path(__file__).resolve().parents[1] / "repositories"
# Where a repository's files lie under its name; the same for every architecture, since its packages are.
PATHS = {
    "archive.lambdalabs.com": r"/ubuntu",
    "archive.ubuntu.lab": r"/ubuntu",
    "nvidia.github.io": r"/libnvidia-container(/stable/deb/(amd64|arm64))?",
    "developer.download.nvidia.com": r"/compute/cuda/repos/[a-z]+[0-9]+/(sbsa|x86_64)",
}


class Handler(SimpleHTTPRequestHandler):
    """A repository is one folder: what counts of a path is its last part."""

    protocol_version = "HTTP/1.1"

    def translate_path(self, path: str) -> str:
        host = self.headers.get("Host", "").partition(":")[0]
        folder, _, name = re.sub(r"/(\./|/)+", "/", path.partition("?")[0]).rpartition("/")
        known = host in PATHS and re.fullmatch(PATHS[host], folder) and name
        return str(REPOSITORIES / host / name) if known else "/nonexistent"

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    """Serve until systemd ends it."""
    server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = socket.socket(fileno=3)
    server.server_address, server.server_name, server.server_port = server.socket.getsockname(), "localhost", PORT
    server.serve_forever()


if __name__ == "__main__":
    main()
