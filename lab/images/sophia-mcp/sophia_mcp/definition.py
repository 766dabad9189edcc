"""What a module in `servers/` says about its server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from sophia_service.health import Probe

READ, WRITE = "read", "write"


@dataclass(frozen=True)
class Tool:
    """A tool: a typed function whose docstring describes it to the model, and whether it changes anything."""

    function: Callable[..., Any]
    effect: str = READ


@dataclass(frozen=True)
class Definition:
    """One MCP server. `probes` check what it depends on; `lifespan` is entered while the server runs."""

    title: str
    instructions: str
    tools: Sequence[Tool]
    probes: Mapping[str, Probe] = field(default_factory=dict)
    lifespan: Callable[[], AbstractAsyncContextManager[Any]] = nullcontext
