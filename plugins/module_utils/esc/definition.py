# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans the change of a definition: the stored text and what is wanted → the new text and what differs. Pure.

A secret is compared through a function, for its stored text is a ciphertext, which is sent back as it is when the
secret has not changed (reference §3.5). Nothing that is not named is touched.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.esc import edit
from ansible_collections.sophia.platform.plugins.module_utils.esc.edit import Leaf, Plain, Secret
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.paths import Path, rendered
from ansible_collections.sophia.platform.plugins.module_utils.esc.want import Wanted
from ansible_collections.sophia.platform.plugins.module_utils.esc.yaml_text import (
    SECRET,
    at,
    composed,
    holds_secret,
    is_function,
    is_secret,
    plain,
    same,
)

# (path below values, wanted text) -> whether the stored secret there is that text
SameSecret = Callable[[Path, str], bool]


@dataclass(frozen=True)
class Edit:
    """A change of a definition. paths are those below `values` that differ, without values."""

    text: str
    paths: tuple[str, ...] = ()
    imports_changed: bool = False
    before: str = ""
    after: str = ""

    @property
    def changed(self) -> bool:
        """Whether there is something to write."""
        return bool(self.paths) or self.imports_changed


def compares(text: str, wanted: Wanted, name: str) -> bool:
    """Whether a wanted secret is there as a ciphertext, so that its value is needed."""
    have = plain(composed(text, name), name)
    return any(
        is_secret(found) and not isinstance(found[SECRET], str)
        for path, leaf in wanted.leaves.items()
        if isinstance(leaf, Secret)
        for _there, found in [at(have, ("values", *path))]
    )


def edited(text: str, wanted: Wanted, name: str, same_secret: SameSecret) -> Edit:
    """Return the change that makes a definition what is wanted. Raises EscError with all that stands against it."""
    have = plain(composed(text, name), name)
    values = have.get("values")
    if values is not None and not isinstance(values, dict):
        raise EscError(f"The values of {name} are not a mapping; nothing is changed.")
    values = values or {}
    removals = [path for path in wanted.remove if at(values, path)[0]]
    removals += strays(values, wanted)
    removals = [
        path for path in dict.fromkeys(removals) if not any(path[:depth] in removals for depth in range(len(path)))
    ]
    sets = {
        path: leaf for path, leaf in wanted.leaves.items() if not _is_there(at(values, path), path, leaf, same_secret)
    }
    problems = [problem for path, leaf in sets.items() for problem in problems_of(values, path, leaf)]
    problems += [
        f"{rendered(path)} lies in a function, which is only set as a whole"
        for path in removals
        if _in_function(values, path)
    ]
    if problems:
        raise EscError(f"{name} is not changed: {'; '.join(problems)}.")
    changes: dict[Path, Leaf] = {}
    if wanted.imports is not None and not same(have.get("imports") or [], wanted.imports):
        changes[("imports",)] = Plain(wanted.imports)
    changes.update({("values", *path): leaf for path, leaf in sets.items()})
    new = _written(text, have, [("values", *path) for path in removals], changes, name)
    return Edit(
        new,
        tuple(sorted(rendered(path) for path in [*sets, *removals])),
        ("imports",) in changes,
        edit.redacted(text, name),
        edit.redacted(new, name),
    )


def _is_there(found: tuple[bool, Any], path: Path, leaf: Leaf, same_secret: SameSecret) -> bool:
    there, value = found
    if isinstance(leaf, Secret):
        if not there or not is_secret(value):
            return False
        return value[SECRET] == leaf.text if isinstance(value[SECRET], str) else same_secret(path, leaf.text)
    if leaf.value == {} and isinstance(leaf.value, dict) and isinstance(value, dict):
        return not is_function(value)
    return there and same(value, leaf.value)


def problems_of(values: Any, path: Path, leaf: Leaf) -> Iterator[str]:
    """Say why a value cannot be set at a path."""
    for depth, step in enumerate(path):
        above = rendered(path[:depth]) or "values"
        if isinstance(values, list) and isinstance(step, int):
            if step >= len(values):
                yield f"{above} has {len(values)} entries, so there is no {rendered(path[: depth + 1])}"
                return
            values = values[step]
        elif values is None and isinstance(step, str):
            return
        elif isinstance(values, dict) and isinstance(step, str) and not is_function(values):
            if step not in values:
                missing = [
                    rendered(path[:index]) for index in range(depth + 1, len(path)) if isinstance(path[index], int)
                ]
                if missing:
                    yield f"{missing[0]} is no list, so there is no {rendered(path)}"
                return
            values = values[step]
        else:
            what = f"{above} is {_kind(values)}, so {rendered(path)} cannot be set"
            yield f"{what}; remove {above} first, or set it as a whole"
            return
    if isinstance(leaf, Plain) and holds_secret(values):
        yield f"a secret stands at {rendered(path)}, which values would show; set it in secrets, or remove it first"


def _kind(value: Any) -> str:
    if is_function(value):
        return f"the function {next(iter(value))}"
    return {dict: "a mapping", list: "a list"}.get(type(value), "a single value")


def strays(values: Mapping[str, Any], wanted: Wanted) -> list[Path]:
    """Return what lies below the property to purge and is not wanted."""
    if wanted.purge_below is None:
        return []

    def below(value: Any, path: Path) -> Iterator[Path]:
        for key, child in value.items():
            at_key = (*path, key)
            if any(len(leaf) > len(at_key) and leaf[: len(at_key)] == at_key for leaf in wanted.leaves):
                if isinstance(child, dict) and not is_function(child):
                    yield from below(child, at_key)
            elif not any(at_key[: len(leaf)] == leaf for leaf in wanted.leaves):
                yield at_key

    there, value = at(values, wanted.purge_below)
    return (
        list(below(value, wanted.purge_below)) if there and isinstance(value, dict) and not is_function(value) else []
    )


def _in_function(values: Any, path: Path) -> bool:
    for step in path:
        if is_function(values):
            return True
        values = values[step]
    return False


def _written(text: str, have: dict, removals: list[Path], changes: Mapping[Path, Leaf], name: str) -> str:
    """Return the new text, if it means exactly what it should."""
    expected, result = copy.deepcopy(have), None
    for path in removals:
        _there, parent = at(expected, path[:-1])
        del parent[path[-1]]
    for path, leaf in changes.items():
        _put(expected, path, {SECRET: leaf.text} if isinstance(leaf, Secret) else leaf.value)
    with suppress(EscError, LookupError, ValueError, AttributeError, TypeError, StopIteration):
        for path in removals:
            text = edit.removed(text, path, name)
        text = edit.merged(text, changes, name) if changes else text
        result = plain(composed(text, name), name)
    if result is None or not same(result, expected):
        raise EscError(
            f"The definition of {name} is written in a way that cannot be changed without touching more of it (an "
            "alias, perhaps). Nothing was changed; write that part of it as plain YAML."
        )
    return text


def _put(value: Any, path: Path, new: Any) -> None:
    for step in path[:-1]:
        if isinstance(value, dict) and value.get(step) is None:
            value[step] = {}
        value = value[step]
    value[path[-1]] = new
