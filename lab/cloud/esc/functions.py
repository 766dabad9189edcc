# SPDX-License-Identifier: GPL-3.0-or-later
"""The functions of definitions, but for secrets and providers (reference §3.5)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

from lab.cloud.esc.problems import Range
from lab.cloud.esc.values import Value, from_plain, plain, text_of

PROVIDERS = ("fn::open", "fn::rotate")  # fn::open::aws-login, …


class FunctionError(ValueError):
    """The argument does not fit; the message is a diagnostic's summary."""


def called(name: str, argument: Value, where: Range) -> Value:
    """A function's value. A secret in the argument makes the whole of it secret."""
    if name not in FUNCTIONS:
        raise FunctionError(f'unknown function "{name}"')
    if argument.holds_unknown():
        return Value(None, where, argument.holds_secret(), unknown=True)
    result = FUNCTIONS[name](argument, where)
    return Value(result.content, where, result.secret or (name not in PLAIN and argument.holds_secret()))


def _texts(argument: Value, function: str) -> list[str]:
    if not isinstance(argument.content, list) or any(not isinstance(item.content, str) for item in argument.content):
        raise FunctionError(f"the argument of {function} must be a list of strings")
    return [item.content for item in argument.content]  # type: ignore[misc]


def _text(argument: Value, function: str) -> str:
    if not isinstance(argument.content, str):
        raise FunctionError(f"the argument of {function} must be a string")
    return argument.content


def _two(argument: Value, function: str) -> tuple[Value, Value]:
    if not isinstance(argument.content, list) or len(argument.content) != 2:
        raise FunctionError(f"the argument of {function} must be a two-valued list")
    return argument.content[0], argument.content[1]


def _join(argument: Value, where: Range) -> Value:
    delimiter, items = _two(argument, "fn::join")
    return Value(_text(delimiter, "fn::join").join(_texts(items, "fn::join")), where)


def _split(argument: Value, where: Range) -> Value:
    delimiter, text = _two(argument, "fn::split")
    by, whole = _text(delimiter, "fn::split"), _text(text, "fn::split")
    return from_plain(whole.split(by) if by else list(whole), where)


def _concat(argument: Value, where: Range) -> Value:
    lists = argument.content
    if not isinstance(lists, list) or any(not isinstance(each.content, list) for each in lists):
        raise FunctionError("the argument of fn::concat must be a list of lists")
    return Value([item for each in lists for item in each.content], where, any(each.secret for each in lists))


def _from_json(argument: Value, where: Range) -> Value:
    try:
        return from_plain(json.loads(_text(argument, "fn::fromJSON")), where)
    except json.JSONDecodeError as error:
        raise FunctionError(f"decoding JSON: {error.msg}") from None


def _from_base64(argument: Value, where: Range) -> Value:
    try:
        return Value(base64.b64decode(_text(argument, "fn::fromBase64"), validate=True).decode(), where)
    except ValueError:
        raise FunctionError("fn::fromBase64 was given no base64 of a text") from None


def _validate(argument: Value, where: Range) -> Value:
    if not isinstance(argument.content, dict) or "value" not in argument.content:
        raise FunctionError("the argument of fn::validate must be an object with schema and value")
    return argument.content["value"]


FUNCTIONS: dict[str, Callable[[Value, Range], Value]] = {
    "fn::join": _join,
    "fn::split": _split,
    "fn::concat": _concat,
    "fn::toJSON": lambda argument, where: Value(json.dumps(plain(argument), separators=(",", ":")), where),
    "fn::fromJSON": _from_json,
    "fn::toBase64": lambda argument, where: Value(
        base64.b64encode(_text(argument, "fn::toBase64").encode()).decode(), where
    ),
    "fn::fromBase64": _from_base64,
    "fn::toString": lambda argument, where: Value(text_of(argument), where),
    "fn::final": lambda argument, _: argument,
    "fn::validate": _validate,
}
PLAIN = ("fn::concat", "fn::final", "fn::validate")  # their parts keep their own secrecy
