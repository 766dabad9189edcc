# SPDX-License-Identifier: GPL-3.0-or-later
"""YAML of Pulumi ESC's definitions: parsing with the positions of everything, plain data, and texts of values. Pure.

Definitions are edited where they stand and never written anew (see edit.py), so nodes matter here, not objects.
"""

from __future__ import annotations

import json
import re
from typing import Any

import yaml
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.paths import Path, has

SECRET = "fn::secret"  # noqa: S105 - the name of ESC's function
FUNCTION_PREFIX = "fn::"


class _Loader(yaml.SafeLoader):
    """Scalars as YAML 1.2 has them: `yes`, `0777` and `2026-01-01` are text."""

    yaml_implicit_resolvers: dict = {}


_RESOLVED = {
    "null": (r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    "bool": (r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    "int": (r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    "float": (
        r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
}
for _kind, (_pattern, _first) in _RESOLVED.items():
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_kind}", re.compile(f"^(?:{_pattern})$"), _first)

_BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*([./@][A-Za-z0-9_-]+)*|fn::[A-Za-z:]*[A-Za-z]")
_NOT_BARE = ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def composed(text: str, name: str) -> yaml.MappingNode | None:
    """Return the root mapping of a definition, None when it is empty. Raises EscError, which quotes nothing of it."""
    try:
        root = yaml.compose(text, Loader=_Loader)  # noqa: S506 - a SafeLoader, and nothing is constructed
        problem = ""
    except (yaml.YAMLError, RecursionError) as error:
        root, mark = None, getattr(error, "problem_mark", None)
        problem = f" (line {mark.line + 1})" if mark else " (nested too deeply, or signs that YAML has not)"
    if problem:
        raise EscError(f"The definition of {name} is not valid YAML{problem}.")
    if root is not None and not isinstance(root, yaml.MappingNode):
        raise EscError(f"The definition of {name} is not a mapping with imports and values.")
    return root


def plain(node: yaml.Node | None, name: str) -> Any:
    """Return a node as data. The text of a secret is always text. Raises EscError for names that are there twice."""
    try:
        return {} if node is None else _plain(node, name)
    except RecursionError:
        pass
    raise EscError(f"The definition of {name} is nested too deeply.")


def _plain(node: yaml.Node, name: str) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item, name) for item in node.value]
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node)
    found: dict[str, Any] = {}
    for key, value in node.value:
        if not isinstance(key, yaml.ScalarNode) or key.value in found:
            line = key.start_mark.line + 1
            raise EscError(f"The definition of {name} has a name that is there twice, or is no text, on line {line}.")
        literal = key.value == SECRET and isinstance(value, yaml.ScalarNode)
        found[key.value] = value.value if literal else _plain(value, name)
    return found


def _scalar(node: yaml.ScalarNode) -> Any:
    kind, text = node.tag.rpartition(":")[2], node.value
    try:
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        pass
    return text


def same(one: Any, other: Any) -> bool:
    """Whether two values mean the same: 1 is 1.0, but not true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other))
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return one == other


def is_function(value: Any) -> bool:
    """Whether a mapping is a call of one of ESC's functions."""
    return isinstance(value, dict) and any(str(key).startswith(FUNCTION_PREFIX) for key in value)


def is_secret(value: Any) -> bool:
    """Whether a value is a static secret."""
    return isinstance(value, dict) and set(value) == {SECRET}


def holds_secret(value: Any) -> bool:
    """Whether a static secret is in a value."""
    if isinstance(value, dict):
        return SECRET in value or any(holds_secret(child) for child in value.values())
    return isinstance(value, list) and any(holds_secret(child) for child in value)


def secret_texts(value: Any) -> list[str]:
    """Return every secret that stands in clear in a value."""
    if isinstance(value, dict):
        own = [value[SECRET]] if isinstance(value.get(SECRET), str) else []
        return own + [text for child in value.values() for text in secret_texts(child)]
    return [text for child in value for text in secret_texts(child)] if isinstance(value, list) else []


def at(value: Any, path: Path) -> tuple[bool, Any]:
    """Return whether something is at a path of plain data, and what."""
    for step in path:
        if not has(value, step):
            return False, None
        value = value[step]
    return True, value


def bare(text: str) -> str:
    """Return a text as YAML: without quotation marks where every parser reads the same."""
    return text if _BARE.fullmatch(text) and text.lower() not in _NOT_BARE else quoted(text)


def quoted(text: str) -> str:
    """Return a text as YAML on one line, in quotation marks."""
    return '"' + "".join(_ESCAPES.get(sign) or _sign(sign) for sign in text) + '"'


def _sign(sign: str) -> str:
    code = ord(sign)
    if sign == " " or (sign.isprintable() and code != 0xFEFF):
        return sign
    if 0xD800 <= code <= 0xDFFF:
        raise EscError("A value holds half a character (a lone surrogate), which no YAML can hold.")
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def flow(value: Any) -> str:
    """Return a value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{bare(str(key))}: {flow(child)}" for key, child in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(child) for child in value) + "]"
    return quoted(value) if isinstance(value, str) else json.dumps(value)
