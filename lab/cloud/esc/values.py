# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluated values and how they go over the wire (reference §3.2)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from lab.cloud.esc.problems import Range

HIDDEN = "[secret]"


@dataclass(frozen=True)
class Value:
    """`content` is None, a scalar, a list of Values or a dict of Values."""

    content: object
    range: Range
    secret: bool = False
    unknown: bool = False
    base: Value | None = None  # what it overrides

    def parts(self) -> Iterator[Value]:
        yield self
        if isinstance(self.content, dict):
            children = list(self.content.values())
        else:
            children = self.content if isinstance(self.content, list) else []
        for child in children:
            yield from child.parts()

    def holds_secret(self) -> bool:
        return any(part.secret for part in self.parts())

    def holds_unknown(self) -> bool:
        return any(part.unknown for part in self.parts())


def json_value(value: Value, show_secrets: bool = True) -> dict:
    """One Value. Null is the absence of `value`; the flags are left out when false."""
    shown: dict = {}
    if not value.unknown and value.content is not None:
        shown["value"] = HIDDEN if value.secret and not show_secrets else _content(value.content, show_secrets)
    shown |= {flag: True for flag in ("secret", "unknown") if getattr(value, flag)}
    trace = {"def": value.range.json()}
    if value.base is not None:
        trace["base"] = json_value(value.base, show_secrets)
    return {**shown, "trace": trace}


def _content(content: object, show_secrets: bool) -> object:
    if isinstance(content, dict):
        return {key: json_value(child, show_secrets) for key, child in content.items()}
    if isinstance(content, list):
        return [json_value(child, show_secrets) for child in content]
    return content


def plain(value: Value) -> object:
    """Without its traces and flags."""
    if isinstance(value.content, dict):
        return {key: plain(child) for key, child in value.content.items()}
    return [plain(child) for child in value.content] if isinstance(value.content, list) else value.content


def from_plain(data: object, where: Range, secret: bool = False) -> Value:
    """A Value of JSON data, all of it from one place."""
    if isinstance(data, dict):
        return Value({str(key): from_plain(child, where) for key, child in data.items()}, where, secret)
    if isinstance(data, list):
        return Value([from_plain(child, where) for child in data], where, secret)
    return Value(data, where, secret)


def text_of(value: Value) -> str:
    """As it is put into a string."""
    data = plain(value)
    if isinstance(data, str):
        return data
    return "" if data is None else json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def merged(over: Value, base: Value | None) -> Value:
    """A value over the one that it overrides: objects member by member, all else whole."""
    if base is None:
        return over
    if isinstance(over.content, dict) and isinstance(base.content, dict) and not over.unknown:
        content = {**base.content, **{key: merged(v, base.content.get(key)) for key, v in over.content.items()}}
        return Value(content, over.range, over.secret, False, base)
    return Value(over.content, over.range, over.secret, over.unknown, base)


def schema(value: Value) -> dict | bool:
    """What a value is, as JSON schema; `true` is anything."""
    content = value.content
    if value.unknown:
        return True
    if isinstance(content, dict):
        members = {key: schema(child) for key, child in sorted(content.items())}
        return {"properties": members, "type": "object", "required": sorted(members)}
    if isinstance(content, list):
        return {"prefixItems": [schema(child) for child in content], "items": False, "type": "array"}
    names = {bool: "boolean", int: "number", float: "number", str: "string", type(None): "null"}
    return {"type": names[type(content)]}
