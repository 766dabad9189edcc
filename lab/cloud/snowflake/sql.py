# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a statement: its tokens, and the names, values and properties in it."""

from __future__ import annotations

import re
from typing import NamedTuple

from lab.cloud.snowflake.errors import SqlError, syntax

_TOKEN = re.compile(
    r"""(?P<space>\s+|--[^\n]*|//[^\n]*|/\*.*?\*/)
    |(?P<string>'(?:[^'\\]|''|\\.)*')
    |(?P<dollar>\$\$.*?\$\$)
    |(?P<quoted>"(?:[^"]|"")+")
    |(?P<number>\d+(?:\.\d+)?)
    |(?P<word>[A-Za-z_][\w$]*)
    |(?P<mark>::|=>|.)""",
    re.VERBOSE | re.DOTALL,
)
_PLAIN = re.compile(r"[A-Z_][A-Z0-9_$]*")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0"}


class Token(NamedTuple):
    """One token. `value`: a word in upper case, a string or quoted name without its quotes."""

    kind: str
    value: str
    start: int
    end: int


def tokens(text: str) -> list[Token]:
    """The tokens of a text, comments and space left out."""
    found = []
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "space":
            found.append(Token(match.lastgroup, _value(match.lastgroup, match.group()), match.start(), match.end()))
    return found


def _value(kind: str, text: str) -> str:
    if kind == "string":
        return re.sub(r"\\(.)|''", lambda match: _ESCAPES.get(match[1], match[1] or "'"), text[1:-1], flags=re.DOTALL)
    if kind == "dollar":
        return text[2:-2]
    if kind == "quoted":
        return text[1:-1].replace('""', '"')
    return text.upper() if kind == "word" else text


def quoted(name: str) -> str:
    """A name as it must be written in a statement or is shown in a path."""
    return name if _PLAIN.fullmatch(name) else '"' + name.replace('"', '""') + '"'


def dotted(path: tuple[str, ...] | list[str]) -> str:
    """A qualified name, unique."""
    return ".".join(quoted(name) for name in path)


def literal(text: str) -> str:
    """A string as it must be written in a statement."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


class Reader:
    """Goes through one statement from the left."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = tokens(text)
        while self.tokens and self.tokens[-1].value == ";" and self.tokens[-1].kind == "mark":
            self.tokens.pop()
        self.at = 0

    @property
    def ended(self) -> bool:
        return self.at >= len(self.tokens)

    def peek(self, *words: str) -> bool:
        """Whether these words or marks come next."""
        ahead = self.tokens[self.at : self.at + len(words)]
        return [token.value for token in ahead if token.kind in ("word", "mark")] == list(words)

    def take(self, *words: str) -> bool:
        """Go past these words if they come next."""
        found = self.peek(*words)
        self.at += len(words) if found else 0
        return found

    def take_one(self, *words: str) -> str | None:
        """Go past the one of these words that comes next. A word may be several, with spaces."""
        return next((word for word in words if self.take(*word.split())), None)

    def expect(self, *words: str) -> None:
        if not self.take(*words):
            raise self.unexpected()

    def next(self) -> Token:
        if self.ended:
            raise self.unexpected()
        self.at += 1
        return self.tokens[self.at - 1]

    def unexpected(self) -> SqlError:
        """The syntax error at this place."""
        if self.ended:
            return syntax(len(self.text), "<EOF>")
        token = self.tokens[self.at]
        return syntax(token.start, self.text[token.start : token.end])

    def end(self) -> None:
        if not self.ended:
            raise self.unexpected()

    def name(self) -> str:
        """An identifier, folded to upper case unless it is quoted."""
        if self.ended or self.tokens[self.at].kind not in ("word", "quoted"):
            raise self.unexpected()
        return self.next().value

    def path(self) -> list[str]:
        """A qualified name."""
        names = [self.name()]
        while self.take("."):
            names.append(self.name())
        return names

    def string(self) -> str:
        if self.ended or self.tokens[self.at].kind not in ("string", "dollar"):
            raise self.unexpected()
        return self.next().value

    def value(self) -> str | int | bool | None:
        """What stands after a property's `=`."""
        if self.take("NULL"):
            return None
        token = self.next()
        if token.kind == "number" and token.value.isdigit():
            return int(token.value)
        if token.kind == "word" and token.value in ("TRUE", "FALSE"):
            return token.value == "TRUE"
        if token.kind in ("string", "dollar", "word", "quoted", "number"):
            return token.value
        self.at -= 1
        raise self.unexpected()

    def properties(self, *known: str) -> dict[str, str | int | bool | None]:
        """The `NAME = value`s to the statement's end. Only those known are right."""
        found: dict[str, str | int | bool | None] = {}
        while not self.ended:
            self.take(",")
            if self.tokens[self.at].value not in known:
                raise self.unexpected()
            name = self.next().value
            self.expect("=")
            found[name] = self.value()
        return found

    def skip_parentheses(self) -> str:
        """Go past `( … )` and give the text between."""
        self.expect("(")
        start, depth = self.tokens[self.at - 1].end, 1
        while depth:
            token = self.next()
            if token.kind == "mark":
                depth += {"(": 1, ")": -1}.get(token.value, 0)
        return self.text[start : self.tokens[self.at - 1].start]
