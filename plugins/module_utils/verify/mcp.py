# SPDX-License-Identifier: GPL-3.0-or-later
"""A small MCP client for the streamable HTTP transport: handshake, list of tools, one call."""

from __future__ import annotations

import json

from ansible_collections.sophia.platform.plugins.module_utils.verify.errors import ProbeError
from ansible_collections.sophia.platform.plugins.module_utils.verify.transport import Client, Response, hint

PROTOCOL_VERSION = "2025-06-18"  # offered; the server's answer decides
TOOL_PAGES_MAX = 20


def initialize_message(message_id: int) -> dict:
    """Return the first message of the handshake."""
    client = {"name": "sophia-verify", "version": "1"}
    params = {"protocolVersion": PROTOCOL_VERSION, "capabilities": {}, "clientInfo": client}
    return {"jsonrpc": "2.0", "id": message_id, "method": "initialize", "params": params}


def event_data(body: bytes) -> list[str]:
    """Return the data of each complete event of an event stream; comments and empty events are left out."""
    text = body.decode("utf-8", "replace").replace("\r\n", "\n").replace("\r", "\n")
    events = []
    for block in text.split("\n\n")[:-1]:  # what follows the last blank line is not complete
        fields = [line.partition(":") for line in block.split("\n")]
        data = "\n".join(value[1:] if value[:1] == " " else value for name, _colon, value in fields if name == "data")
        if data:
            events.append(data)
    return events


def messages(content_type: str, body: bytes) -> list[dict]:
    """Return the JSON-RPC messages of a body, which is one JSON document or an event stream. Raises ValueError."""
    documents = event_data(body) if content_type == "text/event-stream" else [body]
    parsed = [json.loads(document) for document in documents]
    flat = [message for item in parsed for message in (item if isinstance(item, list) else [item])]
    return [message for message in flat if isinstance(message, dict)]


def answer_to(message_id: int, response: Response, what: str) -> dict:
    """Return the result in the answer to a message. Raises ProbeError when there is none, or an error."""
    try:
        found = messages(response.content_type, response.body)
    except ValueError:
        raise ProbeError(f"{what}: the answer is not JSON but {response.described()}.") from None
    for message in found:
        if message.get("id") != message_id or "method" in message:
            continue
        if "error" in message:
            error = message["error"] if isinstance(message["error"], dict) else {}
            raise ProbeError(f"{what}: the server answered with error {error.get('code')}: {error.get('message')}.")
        if isinstance(message.get("result"), dict):
            return message["result"]
    raise ProbeError(f"{what}: the answer ended without a reply to it; did the server die while it answered?")


class Session:
    """One session with a server. `open` first; `close` tells the server that it may forget the session."""

    def __init__(self, client: Client, url: str, token: str | None) -> None:
        self.client, self.url = client, url
        self.headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if token is not None:
            self.headers["Authorization"] = f"Bearer {token}"
        self.last_id = 0

    def post(self, message: dict) -> Response:
        """Send one message and return the HTTP answer, whatever its status."""
        expected = message.get("id")

        def enough(body: bytes) -> bool:
            try:
                return any(found.get("id") == expected for found in messages("text/event-stream", body))
            except ValueError:
                return False

        return self.client.request("POST", self.url, self.headers, json.dumps(message).encode(), enough)

    def open(self) -> dict:
        """Do the handshake and return the server's result. Raises ProbeError."""
        self.last_id += 1
        response, result = self._call(initialize_message(self.last_id))
        if "mcp-session-id" in response.headers:
            self.headers["Mcp-Session-Id"] = response.headers["mcp-session-id"]
        self.headers["MCP-Protocol-Version"] = str(result.get("protocolVersion", PROTOCOL_VERSION))
        accepted = self.post({"jsonrpc": "2.0", "method": "notifications/initialized"})
        if accepted.status not in (200, 202, 204):
            raise ProbeError(
                f"POST {self.url} notifications/initialized: {accepted.status} {accepted.reason}, wanted 202."
            )
        return result

    def call(self, method: str, params: dict) -> dict:
        """Return the result of one method. Raises ProbeError."""
        self.last_id += 1
        return self._call({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params})[1]

    def tool_names(self) -> list[str]:
        """Return the names of all tools, over all pages."""
        names, params = [], {}
        for _page in range(TOOL_PAGES_MAX):
            result = self.call("tools/list", params)
            tools = result.get("tools")
            if not isinstance(tools, list):
                raise ProbeError(f"POST {self.url} tools/list: the answer has no list of tools.")
            names += [str(tool.get("name")) for tool in tools if isinstance(tool, dict)]
            if not result.get("nextCursor"):
                return names
            params = {"cursor": result["nextCursor"]}
        raise ProbeError(f"POST {self.url} tools/list: more than {TOOL_PAGES_MAX} pages; the cursor never ends.")

    def close(self) -> None:
        """End the session, if the server keeps one. A server may refuse; that is no fault."""
        if "Mcp-Session-Id" not in self.headers:
            return
        try:
            self.client.request("DELETE", self.url, self.headers)
        except ProbeError:
            return

    def _call(self, message: dict) -> tuple[Response, dict]:
        what = f"POST {self.url} {message['method']}"
        response = self.post(message)
        if response.status != 200:
            raise ProbeError(f"{what}: {response.status} {response.reason}, wanted 200{hint(response.status)}")
        return response, answer_to(message["id"], response, what)
