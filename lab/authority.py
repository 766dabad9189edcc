# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's ACME authority: pebble, which looks challenges up at the lab's name server.

Its root and its accounts live in its memory, so one that runs as it should is left alone.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import ssl

from lab import certificates, containers, docker
from lab.progress import step
from lab.settings import Settings
from lab.state import write_private

MANAGEMENT_PORT = 15000
_START_SECONDS, _ASK_SECONDS = 30, 5
_FILES = ("config.json", "certificate.pem", "key.pem")


def ensure(settings: Settings, image: str) -> None:
    """Have the authority run with this image, and answer; its root lies at `settings.ca_path`."""
    _write_files(settings)
    name, wanted = settings.acme_container, arguments(settings, image)
    if not containers.runs(name, wanted) or containers.until(lambda: problem(settings), _START_SECONDS):
        with step("ACME authority"):
            containers.start(name, wanted)
            containers.wait(name, "The ACME authority", lambda: problem(settings), _START_SECONDS)
    root = _ask(settings, MANAGEMENT_PORT, "/roots/0")
    if not settings.ca_path.exists() or settings.ca_path.read_text(encoding="utf-8") != root:
        write_private(settings.ca_path, root)


def forget(settings: Settings) -> None:
    """Remove the authority and its root. What certifies its API stays: who trusts that need not learn anew."""
    containers.remove(settings.acme_container)
    settings.ca_path.unlink(missing_ok=True)


def arguments(settings: Settings, image: str) -> list[str]:
    """What `docker run` is told about the authority."""
    digest = hashlib.sha256(b"".join((settings.state_path / "acme" / name).read_bytes() for name in _FILES)).hexdigest()
    return [
        *["--label", f"{docker.LABEL}={settings.prefix}", "--label", f"{docker.LABEL}.files={digest[:16]}"],
        *["--network", settings.network, "--ip", settings.acme_address],
        *["--volume", f"{settings.state_path}/acme:/acme:ro", image],
        *["-dnsserver", f"{settings.names_address}:53"],
    ]


def configuration(settings: Settings) -> dict:
    """What pebble reads."""
    return {
        "pebble": {
            "listenAddress": f"0.0.0.0:{settings.acme_port}",
            "managementListenAddress": f"0.0.0.0:{MANAGEMENT_PORT}",
            "certificate": "/acme/certificate.pem",
            "privateKey": "/acme/key.pem",
            "certificateValidityPeriod": settings.certificate_days * 24 * 3600,
        }
    }


def problem(settings: Settings) -> str:
    """Why the directory does not answer over TLS that its authority vouches for; nothing when it does."""
    try:
        json.loads(_ask(settings, settings.acme_port, "/dir"))["newOrder"]
    except (OSError, http.client.HTTPException, LookupError, ValueError) as error:
        return f"{settings.directory_url}: {error!r}"
    return ""


def _write_files(settings: Settings) -> None:
    path = settings.state_path / "acme"
    path.mkdir(mode=0o700, exist_ok=True)
    certificates.ensure_authority(settings.acme_api_ca_path, f"{settings.prefix} ACME API")
    certificates.ensure_server(
        path / "certificate.pem", path / "key.pem", settings.acme_api_ca_path, settings.acme_address
    )
    write_private(path / "config.json", json.dumps(configuration(settings), indent=2))


def _ask(settings: Settings, port: int, path: str) -> str:
    """The answer to one GET. Raises OSError, and HTTPException."""
    trusted = ssl.create_default_context(cafile=str(settings.acme_api_ca_path))
    connection = http.client.HTTPSConnection(settings.acme_address, port, timeout=_ASK_SECONDS, context=trusted)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        content = answer.read().decode()
        if answer.status != 200:
            raise OSError(f"HTTP {answer.status}")
        return content
    finally:
        connection.close()
