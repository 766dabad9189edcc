# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the Docker engine's API over its unix socket; knows no Ansible and decides nothing."""

from __future__ import annotations

import base64
import http.client
import json
import socket
import urllib.parse
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import SwarmError

API_CEILING = (1, 54)
STACK_LABEL = "com.docker.stack.namespace"


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, socket_path: str, timeout_seconds: float) -> None:
        super().__init__("docker", timeout=timeout_seconds)
        self._socket_path = socket_path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._socket_path)


class Engine:
    """The engine behind one socket. Every method raises SwarmError when the engine refuses or does not answer."""

    def __init__(self, socket_path: str = "/var/run/docker.sock", timeout_seconds: float = 30) -> None:
        self.socket_path = socket_path
        self._timeout_seconds = timeout_seconds
        self._version = ""

    # ── transport ────────────────────────────────────────────────────────────────────────────────────────────
    def _request(
        self, method: str, path: str, body: Any = None, headers: dict | None = None, timeout_seconds: float | None = None
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = _UnixConnection(self.socket_path, timeout_seconds or self._timeout_seconds)
        sent = dict(headers or {})
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body=data, headers=sent)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise SwarmError(
                f"{method} {path.split('?')[0]} on the Docker engine at {self.socket_path}: {error or type(error).__name__}. "
                "Is the engine running, and may this user open its socket?"
            ) from error
        finally:
            connection.close()

    def api_version(self) -> str:
        """The API version that is spoken: the engine's own, at most the one that this client knows."""
        if not self._version:
            status, headers, _body = self._request("GET", "/_ping")
            offered = headers.get("Api-Version", "")
            if status != 200 or not offered:
                raise SwarmError(f"GET /_ping on the Docker engine at {self.socket_path} answered {status}.", status)
            known = min(tuple(int(part) for part in offered.split(".")), API_CEILING)
            self._version = ".".join(str(part) for part in known)
        return self._version

    def call(
        self,
        method: str,
        path: str,
        query: dict | None = None,
        filters: dict | None = None,
        body: Any = None,
        headers: dict | None = None,
        timeout_seconds: float | None = None,
        raw: bool = False,
    ) -> Any:
        """One call; returns the decoded answer (bytes when `raw`, None when it is empty)."""
        asked = dict(query or {})
        if filters:
            asked["filters"] = json.dumps(filters)
        target = f"/v{self.api_version()}{path}" + (f"?{urllib.parse.urlencode(asked)}" if asked else "")
        status, _headers, data = self._request(method, target, body, headers, timeout_seconds)
        if status >= 400:
            raise SwarmError(f"{method} {path}: the engine answered {status}: {_message(data)}", status)
        if raw:
            return data
        return json.loads(data) if data.strip() else None

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────
    def swarm(self) -> dict:
        return self.call("GET", "/swarm")

    def nodes(self) -> list[dict]:
        return self.call("GET", "/nodes")

    def networks(self) -> list[dict]:
        return self.call("GET", "/networks")

    def services(self, stack: str | None = None) -> list[dict]:
        """All services with their ServiceStatus, or those of one stack."""
        return self.call("GET", "/services", {"status": "true"}, _stack_filter(stack))

    def tasks(self, stack: str | None = None, **filters: list[str]) -> list[dict]:
        return self.call("GET", "/tasks", filters={**_stack_filter(stack), **filters})

    def up_to_date_task_ids(self, stack: str) -> set[str]:
        """The ids of the tasks that were made for the current specs of the stack's services."""
        return {task["ID"] for task in self.tasks(stack, **{"_up-to-date": ["true"]})}

    def objects(self, kind: str, **labels: str) -> list[dict]:
        """The `secrets` or `configs` that carry all of the labels (an empty value: the label with any value)."""
        wanted = [f"{name}={value}" if value else name for name, value in labels.items()]
        return self.call("GET", f"/{kind}", filters={"label": wanted} if wanted else None) or []

    def task_log(self, task_id: str, lines: int) -> str:
        """The last lines that a task wrote to stdout and stderr; empty when the log is gone."""
        asked = {"stdout": "true", "stderr": "true", "tail": str(lines)}
        try:
            data = self.call("GET", f"/tasks/{task_id}/logs", asked, timeout_seconds=10, raw=True)
        except SwarmError:
            return ""
        return "\n".join(_demultiplexed(data).splitlines()[-lines:])

    def image(self, reference: str, auth: dict | None) -> dict:
        """What the registry says about an image: {Descriptor: {digest}, Platforms: [{architecture, os}]}."""
        headers = {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(auth).encode()).decode()} if auth else None
        return self.call("GET", f"/distribution/{reference}/json", headers=headers, timeout_seconds=60)

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────
    def create(self, kind: str, name: str, data: bytes, labels: dict[str, str]) -> str:
        """Make a secret or config (`kind`: secrets, configs) and return its id; status 409 when the name is taken."""
        body = {"Name": name, "Data": base64.b64encode(data).decode(), "Labels": labels}
        return self.call("POST", f"/{kind}/create", body=body)["ID"]

    def touch_config(self, config: dict, labels: dict[str, str]) -> None:
        """Replace the labels of a config, as it was read."""
        spec = {**config["Spec"], "Labels": labels}
        self.call("POST", f"/configs/{config['ID']}/update", {"version": config["Version"]["Index"]}, body=spec)

    def remove(self, kind: str, identifier: str) -> bool:
        """Remove a service, network, secret or config (`kind` in the plural); False when it was not there."""
        try:
            self.call("DELETE", f"/{kind}/{identifier}")
        except SwarmError as error:
            if error.status == 404:
                return False
            raise
        return True

    def update_service(self, service: dict, spec: dict) -> None:
        """Give a service, as it was read, another spec; its registry credentials stay."""
        asked = {"version": service["Version"]["Index"], "registryAuthFrom": "spec"}
        self.call("POST", f"/services/{service['ID']}/update", asked, body=spec)


def _stack_filter(stack: str | None) -> dict:
    return {"label": [f"{STACK_LABEL}={stack}"]} if stack else {}


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return data.decode(errors="replace").strip()[:500]


def _demultiplexed(data: bytes) -> str:
    """The text of a log stream: frames of one byte of stream, three of padding, four of length, and the content."""
    parts, position = [], 0
    while position + 8 <= len(data) and data[position] in (0, 1, 2):
        length = int.from_bytes(data[position + 4 : position + 8], "big")
        parts.append(data[position + 8 : position + 8 + length])
        position += 8 + length
    return b"".join(parts or [data]).decode(errors="replace")
