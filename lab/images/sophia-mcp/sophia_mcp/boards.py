"""Items in memory, for the servers that stand for a tracker. Each replica has its own, and a restart forgets them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from mcp.server.mcpserver.exceptions import ToolError

CAPACITY = 1000
Item = TypeVar("Item")


class Board(Generic[Item]):
    """Numbered items of one kind, at most a thousand."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._items: dict[int, Item] = {}

    def add(self, make: Callable[[int], Item]) -> Item:
        """Adds what `make` makes of the next number, from 1; raises ToolError when the board is full."""
        if len(self._items) >= CAPACITY:
            raise ToolError(f"this stand-in holds at most {CAPACITY} {self.kind}s; restart it to begin afresh")
        number = len(self._items) + 1
        self._items[number] = make(number)
        return self._items[number]

    def get(self, number: int) -> Item:
        """Raises ToolError when there is no such item."""
        if number not in self._items:
            raise ToolError(f"there is no {self.kind} {number}")
        return self._items[number]

    def select(self, wanted: Callable[[Item], bool]) -> list[Item]:
        return [item for item in self._items.values() if wanted(item)]
