# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP server in front of the simulated clouds: loopback, one port, HTTP/1.1 with keep-alive."""

from __future__ import annotations

import contextlib
import re
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, unquote

from lab.cloud import control
from lab.cloud.clouds import Clouds, Outcome
from lab.cloud.services import URLS
from lab.cloud.wire import Request, Response

_BODY_BYTES_MAX = 128 * 1024 * 1024
_WITHOUT_BODY = (204, 304)


class BodyError(Exception):
    """A request's body cannot be read; the connection is of no use any more."""


class Server(ThreadingHTTPServer):
    """Serves `clouds` on 127.0.0.1. port: 0 for any."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, clouds: Clouds, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.clouds = clouds

    @property
    def urls(self) -> dict[str, str]:
        """The base URL of each service."""
        return {name: f"http://127.0.0.1:{self.server_port}{path}" for name, path in URLS.items()}

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away is nothing to report."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "lab", ""
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body leave together
    server: Server

    def handle_any(self) -> None:
        try:
            body = self._body()
        except BodyError as error:
            self.close_connection = True
            self._send(Response(400, f"{error}\n".encode(), "text/plain"))
            return
        request = self._request(body)
        if control.handles(request.path):
            self._send(control.answer(self.server.clouds, request))
            return
        outcome = self.server.clouds.answer(request, self.command)
        self._cut(outcome) if outcome.half or outcome.response is None else self._send(outcome.response)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = handle_any  # noqa: N815

    def _request(self, body: bytes) -> Request:
        path, _mark, query = self.path.partition("?")
        headers: dict[str, str] = {}
        for name, value in self.headers.items():
            known = headers.get(name.lower())
            headers[name.lower()] = value if known is None else f"{known}, {value}"
        return Request(
            method="GET" if self.command == "HEAD" else self.command,
            path=re.sub("/{2,}", "/", unquote(path)),
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=headers,
            body=body,
            raw_target=self.path,
        )

    def _body(self) -> bytes:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = self.headers.get("Content-Length") or "0"
        if not length.isdigit() or int(length) > _BODY_BYTES_MAX:
            raise BodyError(f"The Content-Length {length[:20]!r} is not one to accept.")
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            raise BodyError("The body is shorter than its Content-Length.")
        return body

    def _chunks(self) -> bytes:
        body = b""
        while True:
            size = self.rfile.readline(100).split(b";")[0].strip()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", size) or len(body) + int(size, 16) > _BODY_BYTES_MAX:
                raise BodyError("The chunks of the body are not right.")
            if int(size, 16) == 0:
                while self.rfile.readline(8192).strip():  # trailers
                    pass
                return body
            body += self.rfile.read(int(size, 16))
            self.rfile.readline(3)

    def _send(self, response: Response, length: int | None = None) -> None:
        self._head(response)
        if self.command != "HEAD" and response.status not in _WITHOUT_BODY:
            self.wfile.write(response.body[:length])
        self.wfile.flush()

    def _head(self, response: Response) -> None:
        self.send_response(response.status)
        given = {name.lower() for name in response.headers}
        if response.status not in _WITHOUT_BODY:
            if "content-type" not in given:
                self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(response.body)))
        for name, value in response.headers.items():
            if name.lower() != "content-length":
                self.send_header(name, str(value))
        if self.close_connection and "connection" not in given:
            self.send_header("Connection", "close")
        self.end_headers()

    def _cut(self, outcome: Outcome) -> None:
        """Send nothing or the half of an answer, and hang up."""
        self.close_connection = True
        if outcome.response is not None:
            self._send(outcome.response, len(outcome.response.body) // 2)
        with contextlib.suppress(OSError):
            self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *_arguments: object) -> None:
        """Nothing: a request line may hold a key."""
