# SPDX-License-Identifier: GPL-3.0-or-later
"""A definition's YAML as expressions, each with its place in the text (reference §3.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import yaml

from lab.cloud.esc.paths import Path, PathError, interpolated, written
from lab.cloud.esc.problems import Diagnostic, Invalid, Position, Range

TOP_LEVEL = ("imports", "values", "description")
NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


@dataclass(eq=False)
class Expression:
    """A literal, unless it is one of the classes below."""

    range: Range
    path: Path
    literal: object = None


@dataclass(eq=False)
class Interpolation(Expression):
    parts: list[tuple[str, Path | None]] = field(default_factory=list)


@dataclass(eq=False)
class Symbol(Expression):
    access: Path = ()


@dataclass(eq=False)
class Items(Expression):
    items: list[Expression] = field(default_factory=list)


@dataclass(eq=False)
class Members(Expression):
    members: dict[str, Expression] = field(default_factory=dict)
    key_ranges: dict[str, Range] = field(default_factory=dict)


@dataclass(eq=False)
class Call(Expression):
    name: str = ""
    name_range: Range | None = None
    argument: Expression | None = None


@dataclass(eq=False)
class Secret(Call):
    """`fn::secret` of a text, or of a text that is sealed already."""

    text: str = ""
    sealed: bool = False


@dataclass(frozen=True)
class Import:
    reference: str
    merge: bool
    range: Range


@dataclass
class Definition:
    imports: list[Import]
    values: Members


class Parser:
    """Reads one definition. `secrets_are_expressions`: a secret's `${x}` is an error, as in an unsealed text."""

    def __init__(self, text: str, environment: str, secrets_are_expressions: bool = False) -> None:
        self.text = text
        self.environment = environment
        self.secrets_are_expressions = secrets_are_expressions
        self.found: list[Diagnostic] = []
        self.seen: set[int] = set()

    def parse(self) -> Definition:
        """Raises Invalid with all diagnostics."""
        try:
            root = yaml.compose(self.text, Loader=yaml.SafeLoader)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = Range(self.environment, *[self._position(mark)] * 2) if mark else Range(self.environment)
            raise Invalid([Diagnostic(f"yaml: {getattr(error, 'problem', None) or 'unreadable'}", where)]) from None
        definition = Definition([], Members(Range(self.environment), ("values",)))
        if root is not None and not self._is_null(root):
            self._top(root, definition)
        if self.found:
            raise Invalid(self.found)
        return definition

    def _top(self, root: yaml.Node, definition: Definition) -> None:
        for key, node in self._pairs(root, ()):
            if key == "imports" and not self._is_null(node):
                definition.imports = self._imports(node)
            elif key == "values" and not self._is_null(node):
                values = self._expression(node, ("values",))
                if isinstance(values, Members):
                    definition.values = values
                else:
                    self._error("values must be an object", node, ("values",))
            elif key not in TOP_LEVEL:
                self._error(f'unknown property "{key}"', node, (key,))

    def _imports(self, node: yaml.Node) -> list[Import]:
        if not isinstance(node, yaml.SequenceNode):
            self._error("imports must be a list", node, ("imports",))
            return []
        return [found for n, item in enumerate(node.value) if (found := self._import(item, ("imports", n)))]

    def _import(self, node: yaml.Node, path: Path) -> Import | None:
        if isinstance(node, yaml.ScalarNode) and isinstance(scalar(node), str):
            return Import(node.value, True, self._range(node))
        if isinstance(node, yaml.MappingNode) and len(node.value) == 1:
            [(name, options)] = self._pairs(node, path)
            given = dict(self._pairs(options, (*path, name))) if isinstance(options, yaml.MappingNode) else {}
            merge = scalar(given["merge"]) if isinstance(given.get("merge"), yaml.ScalarNode) else None
            if set(given) == {"merge"} and isinstance(merge, bool):
                return Import(name, merge, self._range(node))
        self._error("an import must be a name, or a name with {merge: true|false}", node, path)
        return None

    def _expression(self, node: yaml.Node, path: Path) -> Expression:
        if id(node) in self.seen:
            self._error("aliases are not supported", node, path)
            return Expression(self._range(node), path)
        self.seen.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            items = [self._expression(item, (*path, n)) for n, item in enumerate(node.value)]
            return Items(self._range(node), path, items=items)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        value = scalar(node)
        return self._string(node, value, path) if isinstance(value, str) else Expression(self._range(node), path, value)

    def _string(self, node: yaml.Node, value: str, path: Path) -> Expression:
        try:
            parts = interpolated(value)
        except PathError as error:
            self._error(str(error), node, path)
            return Expression(self._range(node), path, value)
        where = self._range(node)
        text, access = parts[0]
        if len(parts) == 1 and access is None:
            return Expression(where, path, text)
        if len(parts) == 1 and not text:
            return Symbol(where, path, access=access or ())
        return Interpolation(where, path, parts=parts)

    def _mapping(self, node: yaml.MappingNode, path: Path) -> Expression:
        pairs = self._pairs(node, path)
        functions = [key for key, _ in pairs if key.startswith("fn::")]
        if functions and len(pairs) == 1:
            return self._call(node, path)
        if functions:
            self._error("illegal call to builtin: must be the only key within the containing object", node, path)
        members = {key: self._expression(value, (*path, key)) for key, value in pairs}
        ranges = {key.value: self._range(key) for key, _ in node.value if isinstance(key, yaml.ScalarNode)}
        return Members(self._range(node), path, members=members, key_ranges=ranges)

    def _call(self, node: yaml.MappingNode, path: Path) -> Expression:
        key, argument = node.value[0]
        common = {"name": key.value, "name_range": self._range(key)}
        if key.value != "fn::secret":
            inner = self._expression(argument, (*path, key.value))
            return Call(self._range(node), path, argument=inner, **common)
        sealed = ciphertext(argument)
        if sealed is not None:
            return Secret(self._range(node), path, text=sealed.value, sealed=True, **common)
        text = scalar(argument) if isinstance(argument, yaml.ScalarNode) else None
        dynamic = self.secrets_are_expressions and isinstance(text, str) and "${" in text
        if not isinstance(text, str) or dynamic:
            self._error("secret values must be string literals", argument, path)
        return Secret(self._range(node), path, text=str(text), **common)

    def _pairs(self, node: yaml.Node, path: Path) -> list[tuple[str, yaml.Node]]:
        if not isinstance(node, yaml.MappingNode):
            self._error("an object is expected", node, path)
            return []
        pairs: dict[str, yaml.Node] = {}
        for key, value in node.value:
            if not isinstance(key, yaml.ScalarNode) or not isinstance(scalar(key), str):
                self._error("object keys must be strings", key, path)
            elif key.value in pairs:
                self._error(f'duplicate key "{key.value}"', key, path)
            else:
                pairs[key.value] = value
        return list(pairs.items())

    def _is_null(self, node: yaml.Node) -> bool:
        return isinstance(node, yaml.ScalarNode) and scalar(node) is None

    def _error(self, summary: str, node: yaml.Node, path: Path) -> None:
        self.found.append(Diagnostic(summary, self._range(node), written(path)))

    def _range(self, node: yaml.Node) -> Range:
        return Range(self.environment, self._position(node.start_mark), self._position(node.end_mark))

    def _position(self, mark: yaml.Mark) -> Position:
        return Position(mark.line + 1, mark.column + 1, len(self.text[: mark.index].encode()))


def scalar(node: yaml.ScalarNode) -> object:
    """Its value. Only true and false are booleans; dates, `yes` and `on` are texts, unlike in YAML 1.1."""
    text = node.value
    if node.style is not None or node.tag == "!":
        return text
    if text in ("", "~", "null", "Null", "NULL"):
        return None
    if text in ("true", "True", "TRUE", "false", "False", "FALSE"):
        return text.lower() == "true"
    if re.fullmatch(r"[-+]?(0|[1-9][0-9]*)", text):
        return int(text)
    if re.fullmatch(r"0(x[0-9a-fA-F]+|o?[0-7]+|b[01]+)", text):
        return int(text, 0) if text[1] in "xob" else int(text, 8)
    return float(text) if NUMBER.fullmatch(text) else text


def ciphertext(node: yaml.Node) -> yaml.ScalarNode | None:
    """The argument of `fn::secret: {ciphertext: …}`, if this is one."""
    if isinstance(node, yaml.MappingNode) and len(node.value) == 1:
        key, value = node.value[0]
        if key.value == "ciphertext" and isinstance(value, yaml.ScalarNode):
            return value
    return None
