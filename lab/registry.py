# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's registry: a container on the hosts' network, published on a loopback port, open to one user."""

from __future__ import annotations

import base64
import http.client
import json
from dataclasses import dataclass
from pathlib import Path

import bcrypt

from lab import containers, docker
from lab.ports import refuse_if_taken
from lab.progress import step
from lab.settings import REGISTRY_NAME, REGISTRY_USER, Settings

_START_SECONDS = 30
_PUSH_SECONDS = 600
_MANIFESTS = ", ".join(
    [
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
    ]
)


@dataclass(frozen=True)
class Registry:
    """The registry as this machine reaches it."""

    endpoint: str
    password: str
    config_path: Path

    @property
    def _login(self) -> str:
        return base64.b64encode(f"{REGISTRY_USER}:{self.password}".encode()).decode()

    def status(self) -> int | None:
        """The HTTP status that `/v2/` answers with to the lab's user; None when nothing answers."""
        found = self._head("/v2/")
        return found[0] if found else None

    def digest(self, repository: str, *tags: str) -> str | None:
        """The digest that all these tags have; None when they differ or one is missing."""
        found = {self._tag_digest(repository, tag) for tag in tags}
        return found.pop() if len(found) == 1 else None

    def push(self, name: str) -> None:
        """Push an image. The login lies in the lab's state, not in the person's own docker configuration."""
        self.config_path.mkdir(mode=0o700, parents=True, exist_ok=True)
        config = self.config_path / "config.json"
        config.touch(mode=0o600)
        config.write_text(json.dumps({"auths": {self.endpoint: {"auth": self._login}}}), encoding="utf-8")
        engine = docker.run("context", "inspect", "--format", "{{.Endpoints.docker.Host}}").stdout.strip()
        docker.run("--config", str(self.config_path), "--host", engine, "push", name, timeout_seconds=_PUSH_SECONDS)

    def _tag_digest(self, repository: str, tag: str) -> str | None:
        found = self._head(f"/v2/{repository}/manifests/{tag}")
        return found[1] if found and found[0] == 200 else None

    def _head(self, path: str) -> tuple[int, str | None] | None:
        host, _colon, port = self.endpoint.partition(":")
        connection = http.client.HTTPConnection(host, int(port), timeout=10)
        try:
            connection.request("GET" if path == "/v2/" else "HEAD", path, headers=self._headers())
            answer = connection.getresponse()
            return answer.status, answer.getheader("Docker-Content-Digest")
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Basic {self._login}", "Accept": _MANIFESTS}


def ensure(settings: Settings, image: str, password: str) -> Registry:
    """Have the registry run with this image and password, and answer. Its storage outlives its container."""
    registry = Registry(settings.registry_endpoint, password, settings.state_path / "docker")
    name = settings.registry_container
    if containers.runs(name, arguments(settings, image)) and registry.status() == 200:
        return registry
    with step("registry"):
        containers.remove(name)
        refuse_if_taken(settings.registry_port, "the registry", "set LAB_REGISTRY_PORT to another port")
        _write_htpasswd(settings.state_path, password)
        docker.ensure_volume(name, settings.prefix)
        containers.start(name, arguments(settings, image))
        containers.wait(name, "The registry", lambda: _problem(registry), _START_SECONDS)
    return registry


def arguments(settings: Settings, image: str) -> list[str]:
    """What `docker run` is told about the registry."""
    return [
        *["--label", f"{docker.LABEL}={settings.prefix}"],
        *["--network", settings.network, "--ip", settings.registry_address, "--network-alias", REGISTRY_NAME],
        *["--publish", f"{settings.registry_endpoint}:5000"],
        *["--volume", f"{settings.registry_container}:/var/lib/registry"],
        *["--volume", f"{settings.state_path}/registry:/auth:ro", image],
    ]


def _write_htpasswd(state_path: Path, password: str) -> None:
    hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=8)).decode()
    path = state_path / "registry/htpasswd"
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(f"{REGISTRY_USER}:{hashed}\n", encoding="utf-8")


def _problem(registry: Registry) -> str:
    status = registry.status()
    return "" if status == 200 else f"http://{registry.endpoint}/v2/ does not let its user in (HTTP status: {status})"
