# SPDX-License-Identifier: GPL-3.0-or-later
"""Property paths: `a.b`, `a[0]`, `a["key.with.dot"]`, `["root key"].x` (reference §3.3)."""

from __future__ import annotations

import re
from typing import Any, Union

from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError

Path = tuple[Union[str, int], ...]

_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$-]*")
_NAME = re.compile(r'[^.\[\]"]+')
_INDEX = re.compile(r"\[([0-9]{1,9})\]")
# As Pulumi reads it, a backslash only means something before a quotation mark.
_QUOTED = re.compile(r'\["((?:\\"|[^"])+)"\]')


def parsed(text: str) -> Path:
    """Return the keys and indexes of a path. Raises EscError when it is none."""
    steps: list[str | int] = []
    position = 0
    while position < len(text):
        dot = text[position] == "."
        start = position + 1 if dot and steps else position
        name = _NAME.match(text, start) if dot or not steps else None
        index = None if dot or not steps else _INDEX.match(text, start)
        quoted = None if dot and steps else _QUOTED.match(text, start)
        found = name or index or quoted
        if not found:
            break
        steps.append(found[0] if name else int(index[1]) if index else quoted[1].replace('\\"', '"'))
        position = found.end()
    if not steps or position < len(text):
        raise EscError(f'{text!r} is no property path; paths look like a.b, a[0], a["key.with.dot"].')
    return tuple(steps)


def has(value: Any, step: str | int) -> bool:
    """Whether a mapping has this name, or a list this index."""
    if isinstance(step, int):
        return isinstance(value, list) and step < len(value)
    return isinstance(value, dict) and step in value


def rendered(path: Path) -> str:
    """Return the text of a path; `parsed` gives the path back."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        elif _PLAIN.fullmatch(step):
            text += f".{step}" if text else step
        else:
            escaped = step.replace('"', '\\"')
            text += f'["{escaped}"]'
    return text
