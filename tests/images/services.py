"""What the tests of the platform's own services share: HTTP and MCP requests to a container, and its start."""

from __future__ import annotations

import json
import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

from lab import docker, settings

IN_CONTAINER = Path(__file__).parent / "in_container"
PASSWORDS = {"postgres_password": "postgres-pa55word-of-a-test", "redis_password": "redis-pa55word-of-a-test"}  # noqa: S105


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Message
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)


@dataclass(frozen=True)
class Service:
    """A service of the catalog that runs in a container and is published on loopback."""

    name: str
    container: Any
    port: int

    @property
    def address(self) -> tuple[str, int]:
        """Where it is published; a new port after each start."""
        published = docker.run("port", self.container.name, str(self.port)).stdout.splitlines()[0]
        return "127.0.0.1", int(published.rpartition(":")[2])

    @property
    def token(self) -> str:
        return token_of(self.name)

    def request(self, path: str, document: object = None, headers: Mapping[str, str] | None = None) -> Answer:
        """GET, or POST of a JSON document. Follows no redirect; raises OSError when nothing answers."""
        data = None if document is None else json.dumps(document).encode()
        url = "http://{}:{}{}".format(*self.address, path)
        sent = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})})  # noqa: S310
        opener = urllib.request.build_opener(NoRedirect, urllib.request.ProxyHandler({}))
        try:
            with opener.open(sent, timeout=10) as answer:
                return Answer(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def rpc(self, method: str, params: dict, path: str = "/mcp", headers: Mapping[str, str] | None = None) -> Answer:
        """One JSON-RPC request as a client behind the ingress sends it."""
        sent = {
            "Accept": "application/json, text/event-stream",
            "Authorization": f"Bearer {self.token}",
            "Host": "mcp.example.org:8080",
            **(headers or {}),
        }
        return self.request(path, {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}, sent)

    def call(self, tool: str, **arguments: object) -> dict:
        """The result of a tool."""
        return self.rpc("tools/call", {"name": tool, "arguments": arguments}).json["result"]

    def until_well(self, timeout_seconds: float = 30) -> None:
        """Wait until `/health` says that all is well."""

        def reason() -> str:
            try:
                answer = self.request("/health")
            except OSError as error:
                return str(error)
            return "" if answer.json["status"] == "ok" else answer.body.decode()

        self.container.until(f"{self.name} to be well", reason, timeout_seconds)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: object) -> None:
        return None


def token_of(name: str) -> str:
    return f"token-of-{name}"


def folder_of(document: dict) -> str:
    """The folder in lab/images of a compose document's image."""
    return document["image"].rpartition("/")[2].partition(":")[0]


def secret_files(document: dict) -> dict[str, str]:
    """The secrets of a service's compose document, as the files that a container has."""
    names = [secret["target"] for secret in document.get("secrets", ())]
    values = {
        name: PASSWORDS.get(name) or token_of(name.removeprefix("mcp_").removesuffix("_token").replace("_", "-"))
        for name in names
    }
    return {f"/run/secrets/{name}": f"{value}\n" for name, value in values.items()}


@contextmanager
def new_network() -> Iterator[str]:
    """A network of Docker's, where containers find each other by name."""
    prefix = settings.read().prefix
    name = f"{prefix}-test-{os.getpid()}-services"
    docker.run("network", "create", "--label", f"{docker.LABEL}={prefix}", name)
    try:
        yield name
    finally:
        docker.run("network", "rm", name, check=False)


@contextmanager
def serving(start, catalog: dict, name: str, network: str, environment: Mapping[str, str] | None = None) -> Iterator:
    """The container of a service of the catalog, in a network under the service's name."""
    document = catalog[name]
    ports = {"backend": 8000, "postgres": 5432, "redis": 6379}
    port = ports.get(name) or int(document["environment"]["MCP_PORT"])
    options = ("--network", network, "--network-alias", name, "--publish", f"127.0.0.1::{port}")
    files = {
        **secret_files(document),
        **{f"/test/{script.name}": script.read_text() for script in IN_CONTAINER.glob("*.py")},
    }
    variables = {**document.get("environment", {}), **(environment or {})}
    command = [part.replace("$$", "$") for part in document.get("command", ())]
    with start(folder_of(document), *command, environment=variables, files=files, options=options) as container:
        yield Service(name, container, port)
