# SPDX-License-Identifier: GPL-3.0-or-later
"""Property paths (`a.b[0]["x.y"]`) and the texts that hold them between `${` and `}` (reference §3.3, §3.5)."""

from __future__ import annotations

import re

Path = tuple[object, ...]  # names, and indexes of lists
ELEMENT = re.compile(r'\["((?:\\"|[^"])*)"\]|\[([0-9]+)\]|(\.?)([^.\[\]}]+)')


class PathError(ValueError):
    """A text is no property path; the message is a diagnostic's summary."""


def parsed_path(text: str) -> Path:
    """A whole text as a path."""
    path, end = _path_at(text, 0)
    if end != len(text):
        raise PathError(f"unexpected character {text[end]!r} in property path")
    return path


def _path_at(text: str, start: int) -> tuple[Path, int]:
    """The path that begins there, and where it ends: at a brace or the end of the text."""
    found: list[object] = []
    while start < len(text) and text[start] != "}":
        element = ELEMENT.match(text, start)
        if not element:
            raise PathError(
                "missing closing bracket in property access" if text[start] == "[" else "invalid property path"
            )
        quoted, index, dot, name = element.groups()
        if not found and (index is not None or dot):
            raise PathError("the root property must be a string subscript or a name")
        if found and name is not None and not dot:
            raise PathError("invalid property path")
        if index is not None:
            found.append(int(index))
        else:
            found.append(name if quoted is None else quoted.replace('\\"', '"'))
        start = element.end()
    if not found:
        raise PathError("Property access expressions cannot be empty")
    return tuple(found), start


def interpolated(text: str) -> list[tuple[str, Path | None]]:
    """A string's parts: text, and the path whose value follows it. `$$` is one dollar sign."""
    parts: list[tuple[str, Path | None]] = []
    before, at = "", 0
    while at < len(text):
        if text.startswith("$$", at):
            before, at = before + "$", at + 2
        elif text.startswith("${", at):
            path, end = _path_at(text, at + 2)
            if end == len(text):
                raise PathError("unterminated interpolation")
            parts.append((before, path))
            before, at = "", end + 1
        else:
            before, at = before + text[at], at + 1
    return [*parts, (before, None)] if before or not parts else parts


def written(path: Path) -> str:
    """A path as text."""
    text = ""
    for element in path:
        if isinstance(element, int):
            text += f"[{element}]"
        elif re.fullmatch(r"[^.\[\]\"}]+", str(element)):
            text += ("." if text else "") + str(element)
        else:
            quoted = str(element).replace('"', '\\"')
            text += f'["{quoted}"]'
    return text
