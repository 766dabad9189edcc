# SPDX-License-Identifier: GPL-3.0-or-later
"""Evaluated environments: typed Values (reference §3.2), and what clients make of them (§3.4). Pure.

A Value is {value?, secret?, unknown?, trace}; its `value` is a scalar, a list of Values or a mapping of names to
Values. Only this structure tells a Value from data: data may well have a key named `value`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.paths import Path, has, rendered

Value = Mapping[str, Any]
REDACTED = "[secret]"


class _Number(float):
    """A number that remembers its JSON text."""

    text: str


def loaded(body: bytes) -> Any:
    """Return the JSON of a body. Raises ValueError when it is none; RecursionError becomes one."""
    try:
        return json.loads(body, parse_float=_number, parse_constant=_no_constant)
    except RecursionError:
        pass
    raise ValueError("nested too deeply")


def tree(environment: Mapping[str, Any], name: str) -> Value:
    """Return all properties of an evaluated environment as one Value. Raises EscError when it is none.

    An environment without values is `{}`. `exprs`, `schema` and the like are not looked at (reference §6.1).
    """
    properties = environment.get("properties")
    value = {"value": {} if properties is None else properties}
    try:
        if isinstance(value["value"], dict) and all(isinstance(node, dict) for _path, node in walked(value)):
            return value
    except RecursionError:
        pass
    raise EscError(f"What came for {name} is not an evaluated environment.")


def walked(value: Value, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Yield every Value of a tree with its path, itself first."""
    yield path, value
    content = value.get("value") if isinstance(value, dict) else None
    children = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, child in children:
        yield from walked(child, (*path, key))


def found(value: Value, path: Path) -> tuple[Value | None, bool]:
    """Return the Value at a path (None when there is none), and whether it lies in a secret."""
    secret = bool(value.get("secret"))
    for step in path:
        content = value.get("value")
        if not has(content, step):
            return (value, secret) if value.get("unknown") else (None, secret)
        value = content[step]
        secret = secret or bool(value.get("secret"))
    return value, secret


def plain(value: Value, name: str, path: Path = ()) -> Any:
    """Return a Value as data; null is a Value without `value`. Raises EscError when something in it is not known."""
    unknown = [rendered((*path, *below)) or "everything" for below, node in walked(value) if node.get("unknown")]
    if unknown:
        raise EscError(
            f"Pulumi ESC does not know the value of {', '.join(unknown)} in {name}: a provider or an import has not "
            "given it. Open the environment with the esc command to see why."
        )
    return _data(value)


def redacted(value: Value) -> Any:
    """Return a Value as data without what is secret; a secret list or mapping is secret as a whole."""
    content = value.get("value")
    if value.get("secret"):
        return REDACTED
    if isinstance(content, dict):
        return {key: redacted(child) for key, child in content.items()}
    if isinstance(content, list):
        return [redacted(child) for child in content]
    return _scalar(content)


def secret_paths(value: Value) -> list[str]:
    """Return the paths of everything secret that lies in nothing secret."""
    paths: list[Path] = []
    for path, node in walked(value):
        if node.get("secret") and not any(path[: len(above)] == above for above in paths):
            paths.append(path)
    return [rendered(path) for path in paths]


def secret_texts(value: Value, inherited: bool = False) -> list[str]:
    """Return every secret scalar as text, to be masked."""
    secret, content = inherited or bool(value.get("secret")), value.get("value")
    children = content.values() if isinstance(content, dict) else content if isinstance(content, list) else None
    if children is not None:
        return [text for child in children for text in secret_texts(child, secret)]
    return [_text(content)] if secret and content is not None else []


def environment_variables(value: Value, name: str) -> dict[str, str]:
    """Return the environment variables as text; lists and mappings are no variables (reference §3.4)."""
    return _projected(value, "environmentVariables", name)


def files(value: Value, name: str) -> dict[str, str]:
    """Return the contents of the files by the name of the variable that would hold the path."""
    return _projected(value, "files", name)


def _projected(value: Value, key: str, name: str) -> dict[str, str]:
    entries, _secret = found(value, (key,))
    if entries is None:
        return {}
    if entries.get("unknown"):
        plain(entries, name, (key,))
    content = entries.get("value")
    scalars = {
        entry: child
        for entry, child in (content.items() if isinstance(content, dict) else ())
        if not isinstance(child.get("value"), (dict, list))
    }
    plain({"value": scalars}, name, (key,))
    return {entry: _text(child.get("value")) for entry, child in scalars.items()}


def _data(value: Value) -> Any:
    content = value.get("value")
    if isinstance(content, dict):
        return {key: _data(child) for key, child in content.items()}
    if isinstance(content, list):
        return [_data(child) for child in content]
    return _scalar(content)


def _scalar(content: Any) -> Any:
    return float(content) if isinstance(content, _Number) else content


def _text(content: Any) -> str:
    """A scalar as an environment variable has it: numbers as their JSON text, null as nothing."""
    if isinstance(content, _Number):
        return content.text
    if isinstance(content, bool):
        return "true" if content else "false"
    return "" if content is None else str(content)


def _number(text: str) -> _Number:
    number = _Number(text)
    number.text = text
    return number


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")
