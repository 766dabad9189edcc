"""What a catalog entry gets that has no module here: a server with two tools that need nothing."""

from __future__ import annotations

from datetime import datetime, timezone

from pydantic import BaseModel
from sophia_service.settings import Environment

from sophia_mcp.definition import Definition, Tool


class Text(BaseModel):
    text: str
    words: int


class Now(BaseModel):
    utc: str


async def count_words(text: str) -> Text:
    """Gives a text back with the number of its words."""
    return Text(text=text, words=len(text.split()))


async def current_time() -> Now:
    """Gives the time in UTC."""
    return Now(utc=datetime.now(timezone.utc).isoformat(timespec="seconds"))


def definition(environment: Environment) -> Definition:
    return Definition(
        title=environment.text("MCP_SERVER"),
        instructions="A stand-in for a server that the lab has no module for.",
        tools=[Tool(count_words), Tool(current_time)],
    )
