# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables: the files that they are read from, references to others, and values of a kind."""

from __future__ import annotations

import ipaddress
import re
from pathlib import Path

import yaml

from lab.errors import LabError

_REFERENCE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


def read_variables(*directories: Path) -> dict:
    """The variables of some group_vars directories, later ones on top; a value that is one reference is followed."""
    variables: dict = {}
    for directory in directories:
        for path in sorted(directory.glob("*.yml")):
            variables.update(read_yaml(path) or {})
    found = {name: resolved(value, variables) for name, value in variables.items()}
    platform = found.get("platform")
    if isinstance(platform, dict) and isinstance(platform.get("edge_addresses"), str):
        platform["edge_addresses"] = ["127.0.0.1"]  # computed from the hosts, which are published on loopback
    return found


def resolved(value: object, variables: dict, depth: int = 0) -> object:
    """`{{ name }}` becomes the variable's value, at any depth. Any other expression stays the text that it is."""
    if isinstance(value, dict):
        return {key: resolved(item, variables, depth) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, variables, depth) for item in value]
    match = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match and match[1] in variables and depth < 10:
        return resolved(variables[match[1]], variables, depth + 1)
    return value


def read_yaml(path: Path) -> object:
    """The document in a file. Raises LabError."""
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise LabError(f"{path} is not valid YAML: {error}") from error


def address(value: object, what: str) -> str:
    """The value as an IPv4 address. This and those below raise LabError with `what` was given."""
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError as error:
        raise LabError(f"{what}: {error}") from error


def port(value: object, what: str) -> int:
    return number(value, what, 65535, "a port number")


def number(value: object, what: str, most: int, kind: str) -> int:
    text = str(value)
    if not text.isdigit() or not 0 < int(text) <= most:
        raise LabError(f"{what} is {value!r}, not {kind}")
    return int(text)


def one_of(choices: tuple[str, ...], value: object, what: str) -> str:
    if value not in choices:
        raise LabError(f"{what} is {value!r}; it is one of {', '.join(choices)}")
    return str(value)
