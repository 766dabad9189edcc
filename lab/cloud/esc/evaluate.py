# SPDX-License-Identifier: GPL-3.0-or-later
"""From a definition to its values: imports, references, functions (reference §3.2, §3.5)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.cloud.esc.definition import Call, Definition, Expression, Interpolation, Items, Members, Parser, Secret, Symbol
from lab.cloud.esc.functions import PROVIDERS, FunctionError, called
from lab.cloud.esc.paths import Path, written
from lab.cloud.esc.problems import Diagnostic, Invalid, Range
from lab.cloud.esc.secrets import Sealer
from lab.cloud.esc.values import Value, from_plain, merged, text_of


class Unavailable(ValueError):
    """An environment cannot be imported; the message is a diagnostic's summary."""


@dataclass(frozen=True)
class Context:
    """What all definitions of one evaluation share. `load`: a reference to (project/name, text)."""

    organization: str
    login: str
    root: str
    sealer: Sealer
    load: Callable[[str], tuple[str, str]]
    opening: bool = True  # else it is only checked: what providers would give is unknown


class Evaluation:
    """One definition's."""

    def __init__(self, text: str, name: str, context: Context, within: tuple[str, ...] = ()) -> None:
        self.name = name
        self.context = context
        self.within = (*within, name)
        self.definition: Definition = Parser(text, name).parse()
        self.found: list[Diagnostic] = []
        self.done: dict[Expression, Value] = {}
        self.busy: set[Expression] = set()
        self.base: Value | None = None
        self.imports: dict[str, Value] = {}

    def run(self) -> Value:
        """The values. Raises Invalid."""
        for each in self.definition.imports:
            value = self._environment(each.reference, each.range, "imports")
            self.imports[each.reference] = value
            if each.merge:
                self.base = merged(value, self.base)
        result = self._value(self.definition.values, self.base)
        if self.found:
            raise Invalid(self.found)
        return result

    def execution_context(self) -> Value:
        """What `${context…}` leads to."""
        data = {
            "rootEnvironment": {"name": self.context.root},
            "currentEnvironment": {"name": self.name},
            "pulumi": {
                "organization": {"login": self.context.organization},
                "user": {"id": f"u-{self.context.login}", "login": self.context.login},
            },
        }
        return from_plain(data, Range(self.name))

    def _environment(self, reference: str, where: Range, path: str) -> Value:
        try:
            name, text = self.context.load(reference)
            if name in self.within:
                raise Unavailable(f"cyclic import of {name}")
            return Evaluation(text, name, self.context, self.within).run()
        except Unavailable as error:
            self.found.append(Diagnostic(str(error), where, path))
        except Invalid as error:
            self.found += error.diagnostics
        return Value({}, where, unknown=True)

    def _value(self, expression: Expression, base: Value | None) -> Value:
        if expression in self.done:
            return self.done[expression]
        if expression in self.busy:
            return self._error(f"cyclic reference to {written(expression.path[1:])}", expression)
        self.busy.add(expression)
        value = merged(self._own(expression, base), base)
        self.busy.remove(expression)
        self.done[expression] = value
        return value

    def _own(self, expression: Expression, base: Value | None) -> Value:
        where = expression.range
        if isinstance(expression, Members):
            inner = {key: self._value(child, member(base, key)) for key, child in expression.members.items()}
            return Value(inner, where)
        if isinstance(expression, Items):
            return Value([self._value(item, None) for item in expression.items], where)
        if isinstance(expression, Symbol):
            found = self._resolved(expression.access, expression)
            return Value(found.content, where, found.secret, found.unknown)
        if isinstance(expression, Interpolation):
            return self._interpolated(expression)
        if isinstance(expression, Secret):
            return self._secret(expression)
        if isinstance(expression, Call):
            return self._call(expression)
        return Value(expression.literal, where)

    def _interpolated(self, expression: Interpolation) -> Value:
        values = [(text, path and self._resolved(path, expression)) for text, path in expression.parts]
        given = [value for _, value in values if value]
        secret, unknown = any(v.holds_secret() for v in given), any(v.holds_unknown() for v in given)
        content = None if unknown else "".join(text + (text_of(value) if value else "") for text, value in values)
        return Value(content, expression.range, secret, unknown)

    def _secret(self, expression: Secret) -> Value:
        try:
            text = self.context.sealer.open(expression.text) if expression.sealed else expression.text
        except ValueError:
            return self._error("invalid ciphertext", expression)
        return Value(text, expression.range, secret=True)

    def _call(self, expression: Call) -> Value:
        argument = self._value(expression.argument, None)  # type: ignore[arg-type]
        if expression.name.startswith(PROVIDERS):
            if self.context.opening:
                return self._error(f"the simulator has no provider for {expression.name}", expression)
            return Value(None, expression.range, secret=True, unknown=True)
        try:
            return called(expression.name, argument, expression.range)
        except FunctionError as error:
            return self._error(str(error), expression)

    def _resolved(self, path: Path, at: Expression) -> Value:
        """What a path in the definition leads to: own values first, then imported ones below them."""
        if path[0] == "context":
            return self._descended(self.execution_context(), path[1:], at)
        if path[0] == "imports":
            return self._descended(Value(self.imports, at.range), path[1:], at)
        if path[0] == "environments" and len(path) > 2:
            value = self._environment(f"{path[1]}/{path[2]}", at.range, written(at.path))
            return self._descended(value, path[3:], at)
        expression: Expression = self.definition.values
        base = self.base
        for number, element in enumerate(path):
            if isinstance(expression, Members) and isinstance(element, str):
                below = member(base, element)
                if element not in expression.members:
                    if below is None:
                        return self._error(f'unknown property "{element}"', at)
                    return self._descended(below, path[number + 1 :], at)
                expression, base = expression.members[element], below
            elif isinstance(expression, Items) and isinstance(element, int) and element < len(expression.items):
                expression, base = expression.items[element], None
            else:
                return self._descended(self._value(expression, base), path[number:], at)
        return self._value(expression, base)

    def _descended(self, value: Value, path: Path, at: Expression) -> Value:
        found = descended(value, path)
        return found if isinstance(found, Value) else self._error(found, at)

    def _error(self, summary: str, at: Expression) -> Value:
        self.found.append(Diagnostic(summary, at.range, written(at.path)))
        return Value(None, at.range, unknown=True)


def member(value: Value | None, key: str) -> Value | None:
    """An object's member, if it is an object and has it."""
    return value.content.get(key) if value is not None and isinstance(value.content, dict) else None


def descended(value: Value, path: Path) -> Value | str:
    """What a path leads to inside a value, or what is wrong with it. Below a secret everything is secret."""
    secret = value.secret
    for element in path:
        if value.unknown:
            return Value(None, value.range, secret, unknown=True)
        content = value.content
        if isinstance(element, str):
            if not isinstance(content, dict) or element not in content:
                return f'unknown property "{element}"'
            value = content[element]
        else:
            if not isinstance(content, list):
                return "cannot access an element of a value that is no list"
            if element >= len(content):
                return f"list index {element} out of bounds"
            value = content[element]
        secret = secret or value.secret
    return Value(value.content, value.range, secret, value.unknown, value.base)
