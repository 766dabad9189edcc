"""A web server on loopback whose answers a test writes down: {(method, path): function or answer}."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple


class Answer(NamedTuple):
    """What to send. raw replaces the whole answer, byte for byte; hold_seconds keeps the connection open after it."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: dict | None = None
    raw: bytes | None = None
    hold_seconds: float = 0


def document(value, status=200, **headers) -> Answer:
    """Return a JSON answer."""
    return Answer(status, json.dumps(value).encode(), headers=headers)


@contextmanager
def served(answers):
    """Run the server; yields (port, list of the requests seen). A missing path is answered with 404."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            request = {"method": self.command, "path": self.path, "headers": self.headers, "body": body}
            seen.append(request)
            answer = answers.get((self.command, self.path), Answer(404, b"404 page not found", "text/plain"))
            answer = answer(request) if callable(answer) else answer
            if answer.raw is not None:
                self.wfile.write(answer.raw)
                self.wfile.flush()
                time.sleep(answer.hold_seconds)
                self.close_connection = True
                return
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in (answer.headers or {}).items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(answer.body)

        do_GET = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        yield server.server_port, seen
    finally:
        server.shutdown()
        server.server_close()


class McpServer:
    """The answers of a small MCP server. Arguments switch on its faults."""

    def __init__(self, token="t0ken-of-the-server", sse=False, fault=""):  # noqa: S107
        self.token, self.sse, self.fault, self.closed = token, sse, fault, False

    def delete(self, _request) -> Answer:
        """End the session."""
        self.closed = True
        return Answer(405)

    def post(self, request) -> Answer:
        """Answer one message."""
        headers = request["headers"]
        message = json.loads(request["body"])
        if headers.get("Authorization") != f"Bearer {self.token}" and self.fault != "open":
            return Answer(500 if self.fault == "no-401" else 401)
        method = message["method"]
        if method == "initialize":
            assert "text/event-stream" in headers["Accept"]
            result = {"protocolVersion": "2025-03-26", "serverInfo": {"name": "sophia-test", "version": "1.2"}}
            return self.reply(message, result, Mcp_Session_Id="session-1")
        if headers.get("Mcp-Session-Id") != "session-1" or headers.get("MCP-Protocol-Version") != "2025-03-26":
            return Answer(400, b'{"error": "no session"}')
        if method == "notifications/initialized":
            return Answer(202)
        if method == "tools/call":
            text = {"type": "text", "text": f"stored {message['params']['arguments']}"}
            return self.reply(message, {"content": [text], "isError": self.fault == "tool"})
        if self.fault == "error":
            failed = {"jsonrpc": "2.0", "id": message["id"], "error": {"code": -32603, "message": "no database"}}
            return document(failed)
        pages = {None: (["a", "b"], "2"), "2": (["c"], None)}
        names, cursor = pages[message["params"].get("cursor")]
        tools = [] if self.fault == "no-tools" else [{"name": name} for name in names]
        return self.reply(message, {"tools": tools, "nextCursor": cursor})

    def reply(self, message, result, **headers) -> Answer:
        """Return a result as JSON or as an event stream, with the fault asked for."""
        answer = {"jsonrpc": "2.0", "id": message["id"], "result": result}
        if self.fault == "other-id":
            answer["id"] = 999
        if not self.sse:
            return document(answer, **headers)
        note = json.dumps({"jsonrpc": "2.0", "method": "notifications/message", "params": {}})
        lines = [": hello", "", "id: 0", "data:", "", "event: message", f"data: {note}", "", "event: message"]
        body = "\r\n".join(lines + [f"data: {part}" for part in json.dumps(answer, indent=1).splitlines()]) + "\r\n\r\n"
        body = body[:-20] if self.fault == "truncated" else body
        if self.fault == "stays-open":  # longer than what comes, and nobody hangs up
            extra = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{extra}Content-Length: 100000\r\n\r\n"
            return Answer(raw=(head + body).encode(), hold_seconds=5)
        return Answer(200, body.encode(), "text/event-stream; charset=utf-8", headers)
