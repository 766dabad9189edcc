"""Run inside the sophia-mcp image: talks to an MCP server with the official SDK's client, prints JSON.

Arguments: URL, path of the token's file, tool, its arguments as JSON.
"""

import asyncio
import json
import sys
from pathlib import Path

from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client


async def talk(url: str, token: str, tool: str, arguments: dict, mode: str) -> dict:
    async with create_mcp_http_client(headers={"Authorization": f"Bearer {token}"}) as http:
        transport = streamable_http_client(url, http_client=http)
        async with Client(transport, mode=mode, read_timeout_seconds=10) as client:
            tools = (await client.list_tools()).tools
            result = await client.call_tool(tool, arguments)
            return {
                "server": client.server_info.name,
                "instructions": client.instructions,
                "tools": {tool.name: [tool.description, tool.output_schema] for tool in tools},
                "error": result.is_error,
                "content": result.structured_content,
            }


async def main() -> None:
    url, token_path, tool, arguments = sys.argv[1:]
    token = Path(token_path).read_text(encoding="utf-8").strip()
    # "legacy" begins with the handshake that most clients use; "auto" with the newest protocol.
    print(json.dumps({mode: await talk(url, token, tool, json.loads(arguments), mode) for mode in ("legacy", "auto")}))


asyncio.run(main())
