"""Run inside the sophia-backend image: sends each argument over the chat's WebSocket, prints each answer."""

import asyncio
import sys

from websockets.asyncio.client import connect


async def main() -> None:
    async with connect("ws://127.0.0.1:8000/api/v1/chat/ws", open_timeout=5) as socket:
        for message in sys.argv[1:]:
            await socket.send(message)
            print(await asyncio.wait_for(socket.recv(), 5))


asyncio.run(main())
