# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes a YAML text where it stands: all else keeps every sign, comments, order and ciphertexts included. Pure.

Who calls compares what the new text means with what it should mean (see definition.py), so a form of YAML that is not
foreseen here, such as an alias in the way, is refused and never written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Union

import yaml
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.paths import Path, rendered
from ansible_collections.sophia.platform.plugins.module_utils.esc.yaml_text import (
    SECRET,
    bare,
    composed,
    flow,
    quoted,
)

INDENT = 2


class Plain(NamedTuple):
    """A value to be set."""

    value: Any


class Secret(NamedTuple):
    """A secret to be set."""

    text: str

    def __repr__(self) -> str:
        return "Secret(***)"


Leaf = Union[Plain, Secret]
Tree = Mapping[Union[str, int], Any]  # of Trees and Leaves


class _Splice(NamedTuple):
    start: int
    end: int
    text: str


def merged(text: str, changes: Mapping[Path, Leaf], name: str) -> str:
    """Return the text with these values set. Every path must be one that can be set."""
    wanted: dict = {}
    for path, leaf in changes.items():
        below = wanted
        for step in path[:-1]:
            below = below.setdefault(step, {})
        below[path[-1]] = leaf
    root = composed(text, name)
    if root is None or (root.flow_style and not root.value):
        kept = text if root is None else text[: root.start_mark.index] + text[root.end_mark.index :]
        kept = kept if not kept.strip() or kept.endswith("\n") else kept + "\n"
        return kept.lstrip("\n") * bool(kept.strip()) + "\n".join(_block(wanted, 0)) + "\n"
    splices: list[_Splice] = []
    _merge(text, root, wanted, splices)
    return _applied(text, splices)


def removed(text: str, path: Path, name: str) -> str:
    """Return the text without the value at a path of names, which must be there."""
    node, parent = composed(text, name), None
    for step in path:
        parent, node = node, _child(node, step)
    entries, index = parent.value, next(i for i, (key, _value) in enumerate(parent.value) if key.value == path[-1])
    (key, value), last = entries[index], index + 1 == len(entries)
    end, is_line = _tail(key, value)
    if parent.flow_style:
        if len(entries) == 1:
            opening = text.index("{", parent.start_mark.index)
            return _applied(text, [_Splice(opening + 1, parent.end_mark.index - 1, "")])
        if last:
            return _applied(text, [_Splice(_tail(*entries[index - 1])[0], end, "")])
        return _applied(text, [_Splice(key.start_mark.index, entries[index + 1][0].start_mark.index, "")])
    if len(entries) == 1:
        before = text[: key.start_mark.index].rstrip()
        beside = before.endswith(":") and "#" not in before.rpartition("\n")[2]
        empty = (" {}" if beside else "{}") + ("\n" if is_line else "")
        return _applied(text, [_Splice(len(before) if beside else key.start_mark.index, end, empty)])
    start = text.rfind("\n", 0, key.start_mark.index) + 1
    if text[start : key.start_mark.index].strip():  # the first name of an item: `- name: …`
        return _applied(text, [_Splice(key.start_mark.index, entries[index + 1][0].start_mark.index, "")])
    return _applied(text, [_Splice(start, end if is_line else _line_end(text, end) + 1, "")])


def redacted(text: str, name: str, new_text: str = "*** (new)", only_new: bool = False) -> str:
    """Return the text without secrets and, unless only_new, ciphertexts. A secret in clear is one that was just set."""
    splices: list[_Splice] = []

    def look(node: yaml.Node) -> None:
        for item in node.value if isinstance(node, yaml.SequenceNode) else ():
            look(item)
        for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
            new = isinstance(value, yaml.ScalarNode)
            if key.value != SECRET:
                look(value)
            elif new or not only_new:
                _replace(text, _name(node, value), value, quoted(new_text if new else "***"), splices)

    root = composed(text, name)
    if root is not None:
        look(root)
    return _applied(text, list(dict.fromkeys(splices)))


def _applied(text: str, splices: list[_Splice]) -> str:
    """Apply splices from the last to the first, so that positions hold; those at one position keep their order."""
    numbered = sorted(enumerate(splices), key=lambda item: (item[1].start, item[1].end, item[0]), reverse=True)
    for _number, splice in numbered:
        text = text[: splice.start] + splice.text + text[splice.end :]
    return text


def _child(node: yaml.Node, step: str | int) -> yaml.Node | None:
    if isinstance(step, int):
        return node.value[step] if isinstance(node, yaml.SequenceNode) and step < len(node.value) else None
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for key, value in node.value if key.value == step), None)


def _name(parent: yaml.Node, node: yaml.Node) -> yaml.Node | None:
    """The name of a node in a mapping that is not in braces."""
    if parent.flow_style or not isinstance(parent, yaml.MappingNode):
        return None
    return next(key for key, value in parent.value if value is node)


def _merge(text: str, node: yaml.Node, wanted: Tree, splices: list[_Splice]) -> None:
    new = {}
    for step, want in wanted.items():
        at = _child(node, step)
        if at is None:
            new[step] = want
            continue
        key = _name(node, at)
        if not isinstance(want, (Plain, Secret)) and isinstance(at, yaml.CollectionNode) and at.value:
            _merge(text, at, want, splices)
        elif not isinstance(want, (Plain, Secret)):
            _fill(text, key, at, want, splices)
        elif isinstance(want, Secret) and _child(at, SECRET) is not None and len(at.value) == 1:
            _replace(text, _name(at, at.value[0][1]), at.value[0][1], quoted(want.text), splices)
        else:
            _replace(text, key, at, _flow(want), splices)
    if new:
        if not isinstance(node, yaml.MappingNode) or any(isinstance(step, int) for step in new):
            raise EscError(
                f"Nothing can be set at {rendered(tuple(new))} in the definition: there is no such list entry."
            )
        _add(text, node, new, splices)


def _fill(text: str, key: yaml.Node | None, node: yaml.Node, wanted: Tree, splices: list[_Splice]) -> None:
    """Put a mapping in the place of nothing, null or {}."""
    if key is None:
        _replace(text, key, node, _flow(wanted), splices)
        return
    lines = _block(wanted, key.start_mark.column + INDENT)
    _replace(text, key, node, "\n" + "\n".join(lines), splices)


def _add(text: str, node: yaml.MappingNode, new: Tree, splices: list[_Splice]) -> None:
    """Put new names after the last one of a mapping."""
    if node.flow_style:
        position = _tail(*node.value[-1])[0] if node.value else node.start_mark.index + 1
        position = position if node.value else text.index("{", node.start_mark.index) + 1
        inner = _flow(new)[1:-1]
        splices.append(_Splice(position, position, f", {inner}" if node.value else inner))
        return
    lines = "\n".join(_block(new, node.value[0][0].start_mark.column))
    position, is_line = _tail(*node.value[-1])
    if is_line:
        start = "" if text[:position].endswith("\n") else "\n"
        splices.append(_Splice(position, position, f"{start}{lines}\n"))
    else:
        position = _line_end(text, position)
        splices.append(_Splice(position, position, f"\n{lines}"))


def _replace(text: str, key: yaml.Node | None, node: yaml.Node, new: str, splices: list[_Splice]) -> None:
    """Put a text in the place of a node: behind its name, before a comment that stands there.

    key: the name, None for an entry of a list and in braces.
    """
    start, (end, is_line) = node.start_mark.index, _tail(key, node)
    if is_line:
        end = start + len(text[start:end].rstrip())
    if key is None:
        splices.append(_Splice(start, end, new if start < end else f" {new}"))
        return
    colon = text.index(":", key.end_mark.index) + 1
    gap = text[colon:start]
    new = new if new.startswith("\n") else f" {new}"
    if gap.strip() and "\n" in gap:
        splices.append(_Splice(colon, colon, new))
        splices.append(_Splice(colon + gap.rindex("\n"), end, ""))
    elif start <= colon or "\n" in gap or new.startswith("\n"):
        splices.append(_Splice(colon, max(end, colon), new))
    else:
        splices.append(_Splice(start, end, new[1:]))


def _tail(key: yaml.Node | None, value: yaml.Node) -> tuple[int, bool]:
    """Where an entry ends, and whether that is the beginning of a line, as it is after a text in `|` or `>`.

    The mark of a block collection itself lies behind the comments that follow it.
    """
    node = value
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        node = node.value[-1][1] if isinstance(node, yaml.MappingNode) else node.value[-1]
    is_line = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
    return max(node.end_mark.index, key.end_mark.index if key else 0), is_line


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _block(tree: Tree, indent: int) -> list[str]:
    """Return the lines of a mapping."""
    lines = []
    for step, want in tree.items():
        name = f"{' ' * indent}{bare(str(step))}:"
        if isinstance(want, Secret):
            lines += [name, f"{' ' * (indent + INDENT)}{SECRET}: {quoted(want.text)}"]
        elif isinstance(want, Plain):
            lines.append(f"{name} {flow(want.value)}")
        else:
            lines += [name, *_block(want, indent + INDENT)]
    return lines


def _flow(tree: Any) -> str:
    if isinstance(tree, Plain):
        return flow(tree.value)
    if isinstance(tree, Secret):
        return "{" + f"{SECRET}: {quoted(tree.text)}" + "}"
    return "{" + ", ".join(f"{bare(str(step))}: {_flow(want)}" for step, want in tree.items()) + "}"
