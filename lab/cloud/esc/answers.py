# SPDX-License-Identifier: GPL-3.0-or-later
"""An evaluated environment as it is answered: its values, and beside them the expressions and schemas."""

from __future__ import annotations

from lab.cloud.esc.definition import Call, Expression, Interpolation, Items, Members, Secret, Symbol
from lab.cloud.esc.evaluate import Evaluation
from lab.cloud.esc.paths import Path
from lab.cloud.esc.problems import Range
from lab.cloud.esc.values import HIDDEN, Value, from_plain, json_value, schema


def environment(evaluation: Evaluation, values: Value, show_secrets: bool = True) -> dict:
    """The Environment of reference §3.2. One without values is empty."""
    if not values.content:
        return {}
    context = evaluation.execution_context()
    return {
        "exprs": {key: expression(child) for key, child in evaluation.definition.values.members.items()},
        "properties": {key: json_value(child, show_secrets) for key, child in values.content.items()},
        "schema": schema(values),
        "executionContext": {
            "properties": {key: json_value(child) for key, child in context.content.items()},
            "schema": schema(context),
        },
    }


def expression(node: Expression) -> dict:
    """An expression's syntax tree. A list's index is an accessor without `key`."""
    shown: dict = {"range": node.range.json(), "schema": _schema(node)}
    if isinstance(node, Members):
        shown["keyRanges"] = {key: where.json() for key, where in node.key_ranges.items()}
        shown["object"] = {key: expression(child) for key, child in node.members.items()}
    elif isinstance(node, Items):
        shown["list"] = [expression(item) for item in node.items]
    elif isinstance(node, Symbol):
        shown["symbol"] = _accessors(node.access, node.range)
    elif isinstance(node, Interpolation):
        shown["interpolate"] = [_part(text, path, node.range) for text, path in node.parts]
    elif isinstance(node, Call):
        shown["builtin"] = _call(node)
    elif node.literal is not None:
        shown["literal"] = node.literal
    return shown


def _schema(node: Expression) -> dict | bool:
    if isinstance(node, Members):
        members = {key: _schema(child) for key, child in node.members.items()}
        return {"properties": members, "type": "object", "required": sorted(members)}
    if isinstance(node, (Interpolation, Secret)):
        return {"type": "string"}
    if isinstance(node, (Items, Symbol, Call)):
        return True
    constant = {} if node.literal is None else {"const": node.literal}
    return {**schema(from_plain(node.literal, node.range)), **constant}  # type: ignore[dict-item]


def _call(node: Call) -> dict:
    shown = {"name": node.name, "nameRange": node.name_range.json(), "argSchema": True}  # type: ignore[union-attr]
    if isinstance(node, Secret):
        hidden = {"range": node.range.json(), "schema": {"type": "string"}, "literal": HIDDEN}
        return {**shown, "arg": hidden}
    return {**shown, "arg": expression(node.argument)}  # type: ignore[arg-type]


def _part(text: str, path: Path | None, where: Range) -> dict:
    return ({"text": text} if text else {}) | ({"value": _accessors(path, where)} if path else {})


def _accessors(path: Path, where: Range) -> list[dict]:
    names = ["index" if isinstance(element, int) else "key" for element in path]
    return [
        {name: element, "range": where.json(), "value": where.json()} for name, element in zip(names, path, strict=True)
    ]
