# SPDX-License-Identifier: GPL-3.0-or-later
"""What a task wants of a definition: its options as paths and leaves, refused with all that is wrong at once. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.esc.edit import Leaf, Plain, Secret
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.paths import Path, parsed, rendered
from ansible_collections.sophia.platform.plugins.module_utils.esc.yaml_text import holds_secret, is_function

VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Wanted:
    """The wanted part of a definition. Paths begin below `values`; imports are None when they are left alone."""

    leaves: Mapping[Path, Leaf] = field(default_factory=dict)
    imports: list[Any] | None = None
    remove: tuple[Path, ...] = ()
    purge_below: Path | None = None

    @property
    def secrets(self) -> list[str]:
        """The texts of the secrets."""
        return [leaf.text for leaf in self.leaves.values() if isinstance(leaf, Secret)]


def wanted(options: Mapping[str, Any]) -> Wanted:
    """Return what the options of the module esc_environment want. Raises EscError."""
    problems: list[str] = []
    leaves: dict[Path, Leaf] = {}
    given = [
        *((path, Plain(value)) for path, value in _flattened(options.get("values") or {}, (), problems)),
        *_projected("environmentVariables", options.get("environment_variables"), problems),
        *_projected("files", options.get("files"), problems),
        *_secrets(options.get("secrets") or {}, problems),
    ]
    for path, leaf in given:
        if path in leaves:
            problems.append(f"{rendered(path)} is set twice")
        leaves[path] = leaf
    for path in list(leaves):
        deeper = [other for other in leaves if len(other) > len(path) and other[: len(path)] == path]
        if deeper and leaves[path] == Plain({}):
            del leaves[path]
        elif deeper:
            problems.append(f"{rendered(deeper[0])} lies below {rendered(path)}, which is set too")
    remove = tuple(path for path in (_path(text, "remove", problems) for text in options.get("remove") or ()) if path)
    problems += _removal_problems(remove, leaves)
    purge_below = _path(options.get("property") or "", "property", problems) if options.get("purge") else None
    imports = options.get("imports")
    problems += [
        f"import {item!r} is neither a name nor one name with its options"
        for item in imports or ()
        if not _import(item)
    ]
    if problems:
        raise EscError(f"The task cannot be carried out: {'; '.join(dict.fromkeys(problems))}.")
    return Wanted(leaves, imports, remove, purge_below)


def _flattened(value: Mapping[str, Any], path: Path, problems: list[str]) -> Iterator[tuple[Path, Any]]:
    """Yield the leaves of nested values; lists, functions and empty mappings are leaves."""
    for key, child in value.items():
        below = (*path, key)
        if not isinstance(key, str) or not key:
            problems.append(f"the name {key!r} below {rendered(path) or 'values'} is not text")
        elif holds_secret(child):
            problems.append(f"{rendered(below)} holds a secret; give it in secrets, where nothing shows it")
        elif isinstance(child, dict) and child and not is_function(child):
            yield from _flattened(child, below, problems)
        else:
            yield below, child


def _projected(key: str, entries: Mapping[str, Any] | None, problems: list[str]) -> Iterator[tuple[Path, Plain]]:
    for name, value in (entries or {}).items():
        if not VARIABLE.fullmatch(str(name)):
            problems.append(f"{name!r} in {key} is no name of an environment variable")
        elif not isinstance(value, (str, int, float)):
            problems.append(f"{name} in {key} is a {type(value).__name__}, which is no text")
        else:
            yield (key, name), Plain(value)


def _secrets(secrets: Mapping[str, Any], problems: list[str]) -> Iterator[tuple[Path, Secret]]:
    for text, value in secrets.items():
        path = _path(str(text), "secrets", problems)
        if not isinstance(value, str):
            problems.append(f"the secret {text} is a {type(value).__name__} and must be text; put quotes around it")
        elif path:
            yield path, Secret(str(value))


def _path(text: str, option: str, problems: list[str]) -> Path | None:
    try:
        return parsed(text)
    except EscError as error:
        problems.append(f"{option}: {str(error).rstrip('.')}")
    return None


def _removal_problems(remove: tuple[Path, ...], leaves: Mapping[Path, Leaf]) -> list[str]:
    problems = [
        f"{rendered(path)} in remove is a list's entry; set the whole list in values"
        for path in remove
        if isinstance(path[-1], int)
    ]
    for path in remove:
        for leaf in leaves:
            shorter = min(len(path), len(leaf))
            if path[:shorter] == leaf[:shorter]:
                problems.append(f"{rendered(path)} is to be removed, and {rendered(leaf)} to be set")
    return problems


def _import(item: Any) -> bool:
    if isinstance(item, dict):
        return len(item) == 1 and all(isinstance(options, dict) for options in item.values()) and not holds_secret(item)
    return isinstance(item, str) and bool(item)
