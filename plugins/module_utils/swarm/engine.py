# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the Docker engine's API over its unix socket; knows no Ansible and decides nothing."""

from __future__ import annotations

import http.client
import json
import socket
import urllib.parse
from collections.abc import Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import EngineError

__all__ = ["Engine", "EngineError"]

API_CEILING = (1, 54)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, socket_path: str, timeout_seconds: float) -> None:
        super().__init__("docker", timeout=timeout_seconds)
        self._socket_path = socket_path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._socket_path)


class Engine:
    """The engine behind one socket. Every method raises EngineError when the engine refuses or does not answer."""

    def __init__(self, socket_path: str = "/var/run/docker.sock", timeout_seconds: float = 30) -> None:
        self.socket_path = socket_path
        self._timeout_seconds = timeout_seconds
        self._version = ""

    def get(self, path: str, filters: Mapping | None = None, **query: Any) -> Any:
        return self.call("GET", path, query=query, filters=filters)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return self.call("POST", path, query=query, body=body)

    def delete(self, path: str, **query: Any) -> Any:
        return self.call("DELETE", path, query=query)

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping | None = None,
        filters: Mapping | None = None,
        body: Any = None,
        headers: Mapping | None = None,
        timeout_seconds: float | None = None,
        raw: bool = False,
    ) -> Any:
        """One request; returns the decoded answer (bytes when `raw`, None when it is empty)."""
        asked = {name: _written(value) for name, value in (query or {}).items()}
        if filters:
            asked["filters"] = json.dumps(filters)
        target = f"/v{self.api_version()}{path}" + (f"?{urllib.parse.urlencode(asked)}" if asked else "")
        status, _headers, data = self._exchange(method, target, body, headers, timeout_seconds)
        if status >= 400:
            raise EngineError(f"{method} {path}: the Docker engine answered {status}: {_message(data)}", status)
        if raw:
            return data
        return json.loads(data) if data.strip() else None

    def api_version(self) -> str:
        """The API version that is spoken: the engine's own, at most the newest that this client knows."""
        if not self._version:
            status, headers, _body = self._exchange("GET", "/_ping")
            offered = headers.get("Api-Version", "")
            if status != 200 or not offered:
                raise EngineError(f"GET /_ping on the Docker engine at {self.socket_path} answered {status}.", status)
            spoken = min(tuple(int(part) for part in offered.split(".")), API_CEILING)
            self._version = ".".join(str(part) for part in spoken)
        return self._version

    def _exchange(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: Mapping | None = None,
        timeout_seconds: float | None = None,
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = _UnixConnection(self.socket_path, timeout_seconds or self._timeout_seconds)
        sent = dict(headers or {})
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        try:
            connection.request(method, target, body=data, headers=sent)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(
                f"{method} {target.split('?')[0]} on the Docker engine at {self.socket_path}: "
                f"{error or type(error).__name__}. Is the engine running, and may this user open its socket?"
            ) from error
        finally:
            connection.close()


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _message(data: bytes) -> str:
    try:
        return str(json.loads(data)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return data.decode(errors="replace").strip()[:500]
