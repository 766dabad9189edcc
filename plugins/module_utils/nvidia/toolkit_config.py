# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes single keys of the toolkit's config.toml and leaves every other byte alone. Pure.

`nvidia-ctk config --set` is not used: it writes the whole file anew and, before 1.20, comments out a key whose value
is the default one. Python 3.10 has no TOML reader, so there is a small scanner here; where `tomllib` is, it judges too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

try:
    import tomllib
except ImportError:  # Python before 3.11
    tomllib = None  # type: ignore[assignment]

PATH = "/etc/nvidia-container-runtime/config.toml"
RUNTIME = "nvidia-container-runtime"
SWARM_RESOURCE = "swarm-resource"
ENVIRONMENT_ALLOWED = "accept-nvidia-visible-devices-envvar-when-unprivileged"
DEFAULT_RESOURCE = "DOCKER_RESOURCE_GPU"

_TABLE = re.compile(r"^\s*(\[{1,2})\s*([^\[\]#]+?)\s*(\]{1,2})\s*(?:#.*)?$")
_KEY = re.compile(r"^(\s*)([\"']?)([A-Za-z0-9_-]+)\2\s*=")
_DOTTED = re.compile(r"^\s*[A-Za-z0-9_\"'.\s-]+=")
_COMMENTED = re.compile(r"^\s*#\s?([A-Za-z0-9_-]+)\s*=\s*[\"'\[{0-9tf]")
_SIMPLE = re.compile(r"^(\s*\S+?\s*=\s*)(\"(?:[^\"\\]|\\.)*\"|'[^']*'|[^\s#\"'\[{]+)(\s*(?:#.*)?)$")


class ConfigError(Exception):
    """The file is no TOML, or an edit of it would do more than it should."""


@dataclass(frozen=True)
class Line:
    """One line of the file. `key` is empty for blank lines, headers, prose and the inner lines of a long value."""

    text: str
    table: str
    key: str = ""
    commented: bool = False
    header: bool = False
    inner: bool = False


@dataclass(frozen=True)
class Edit:
    """A key and the TOML text of its value. An empty table is the top of the file."""

    table: str
    key: str
    literal: str


class _Value:
    """Follows a value over lines: open brackets and open strings of several lines."""

    def __init__(self) -> None:
        self.depth = 0
        self.quote = ""

    @property
    def open(self) -> bool:
        return bool(self.depth or self.quote)

    def feed(self, text: str) -> None:
        at = 0
        while at < len(text):
            if self.quote:
                if text[at] == "\\" and self.quote == '"""':
                    at += 2
                elif text.startswith(self.quote, at):
                    at, self.quote = at + 3, ""
                else:
                    at += 1
            elif text[at] == "#":
                return
            elif text.startswith(('"""', "'''"), at):
                self.quote = text[at : at + 3]
                at += 3
            elif text[at] in "\"'":
                found = re.compile(r'"(?:[^"\\]|\\.)*"|\'[^\']*\'').match(text, at)
                if found is None:
                    raise ConfigError("a string is not closed")
                at = found.end()
            else:
                self.depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(text[at], 0)
                at += 1


def scan(text: str) -> list[Line]:
    """Split the file into lines and say what each is; ConfigError when it is no TOML."""
    lines: list[Line] = []
    seen: set[tuple[str, str]] = set()
    table, value = "", _Value()
    for count, raw in enumerate(text.splitlines(keepends=True), start=1):
        bare = raw.rstrip("\r\n")
        try:
            line = _line(raw, bare, table, value)
        except ConfigError as error:
            raise ConfigError(f"line {count}: {error}: {bare.strip()!r}") from error
        table = line.table
        if bare.lstrip().startswith("[[") and line.header:
            seen = {name for name in seen if name[0] != table}  # one more of its kind, with keys of its own
        name = (table, "" if line.header else line.key)
        if line.header or (line.key and not line.commented):
            if name in seen:
                raise ConfigError(f"line {count}: it is there twice: {bare.strip()!r}")
            seen.add(name)
        lines.append(line)
    if value.open:
        raise ConfigError("the last value is not closed")
    if tomllib is not None:
        try:
            tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            raise ConfigError(str(error)) from error
    return lines


def _line(raw: str, bare: str, table: str, value: _Value) -> Line:
    if value.open:
        value.feed(bare)
        return Line(raw, table, inner=True)
    if not bare.strip():
        return Line(raw, table)
    if bare.lstrip().startswith("#"):
        found = _COMMENTED.match(bare)
        return Line(raw, table, found.group(1) if found else "", commented=bool(found))
    found = _TABLE.match(bare)
    if found and len(found.group(1)) == len(found.group(3)):
        return Line(raw, found.group(2), header=True)
    found = _KEY.match(bare)
    if found is None and not _DOTTED.match(bare):
        raise ConfigError("neither a table nor a key")
    value.feed(bare.split("=", 1)[1])
    if value.depth < 0:
        raise ConfigError("a bracket too many")
    return Line(raw, table, found.group(3) if found else "")


def value_of(text: str, table: str, key: str) -> str | bool | None:
    """Give a key's value when it is set: text, or a truth value. Anything else is given as it is written."""
    line = next((line for line in scan(text) if (line.table, line.key, line.commented) == (table, key, False)), None)
    if line is None:
        return None
    found = _SIMPLE.match(line.text.rstrip("\r\n"))
    literal = found.group(2) if found else line.text.split("=", 1)[1].strip()
    if literal in ("true", "false"):
        return literal == "true"
    return literal[1:-1] if literal[:1] in "\"'" and len(literal) > 1 else literal


def resource_of(kind: str) -> str:
    """Give the variable in which Swarm names the reserved GPUs of a task: it writes the kind in capitals."""
    return f"DOCKER_RESOURCE_{kind.upper()}"


def edits_for(text: str, resource: str, mode: str) -> list[Edit]:
    """Say which keys must change so that Swarm's variable is looked at, in the mode that is asked for."""
    edits = []
    if value_of(text, "", SWARM_RESOURCE) != resource:
        edits.append(Edit("", SWARM_RESOURCE, f'"{resource}"'))
    if value_of(text, "", ENVIRONMENT_ALLOWED) is False:
        # With false the variable is ignored in containers without privileges, which is every task of a Swarm.
        edits.append(Edit("", ENVIRONMENT_ALLOWED, "true"))
    have = value_of(text, RUNTIME, "mode")
    if have != mode and not (have is None and mode == "auto"):
        edits.append(Edit(RUNTIME, "mode", f'"{mode}"'))
    return edits


def edited(text: str, edits: list[Edit]) -> str:
    """Give the file with the edits made, judged: it is TOML, has the new values, and nothing else of it changed."""
    result = text
    for edit in edits:
        result = _apply(result, edit)
    _judge(text, result, edits)
    return result


def _apply(text: str, edit: Edit) -> str:
    lines = scan(text)
    texts = [line.text for line in lines]
    ending = "\r\n" if "\r\n" in text else "\n"
    new = f"{edit.key} = {edit.literal}{ending}"
    places = [index for index, line in enumerate(lines) if (line.table, line.key) == (edit.table, edit.key)]
    active = [index for index in places if not lines[index].commented]
    if active:
        return "".join([*texts[: active[0]], _replaced(texts[active[0]], edit), *texts[active[0] + 1 :]])
    if places:
        return "".join([*texts[: places[0]], new, *texts[places[0] + 1 :]])
    if texts and not texts[-1].endswith("\n"):
        texts[-1] += ending
    at = _place_for(lines, edit.table)
    if at is None:
        return "".join([*texts, *([ending] if texts else []), f"[{edit.table}]{ending}", new])
    return "".join([*texts[:at], new, *texts[at:]])


def _place_for(lines: list[Line], table: str) -> int | None:
    """Where a new key goes: behind the last key at the top of the file, or right under its table's header."""
    if not table:
        top = [index for index, line in enumerate(lines) if not line.table and (line.key or line.inner)]
        return top[-1] + 1 if top else 0
    return next((index + 1 for index, line in enumerate(lines) if line.header and line.table == table), None)


def _replaced(text: str, edit: Edit) -> str:
    body = text.rstrip("\r\n")
    found = _SIMPLE.match(body)
    if found is None:
        raise ConfigError(f"the value of {edit.key} is more than one text: {body.strip()!r}")
    return f"{found.group(1)}{edit.literal}{found.group(3)}{text[len(body) :]}"


def _judge(before: str, after: str, edits: list[Edit]) -> None:
    scan(after)
    wrong = [edit.key for edit in edits if value_of(after, edit.table, edit.key) != _plain(edit.literal)]
    if wrong:
        raise ConfigError(f"after the edit these keys are not what they should be: {', '.join(wrong)}")
    ours = {(edit.table, edit.key) for edit in edits}
    if _others(before, ours) != _others(after, ours):
        raise ConfigError("the edit would change keys of others")


def _plain(literal: str) -> str | bool:
    return literal == "true" if literal in ("true", "false") else literal.strip('"')


def _others(text: str, ours: set[tuple[str, str]]) -> list[str]:
    lines = scan(text)
    return [
        line.text.strip()
        for line in lines
        if line.text.strip() and (line.table, line.key) not in ours and not (line.header and _is_new(line, ours))
    ]


def _is_new(line: Line, ours: set[tuple[str, str]]) -> bool:
    return any(table == line.table for table, _ in ours)


def judge_draft(path: str) -> None:
    """Refuse a draft that is no TOML: what lies there is read at every start of a container."""
    with open(path, encoding="utf-8", newline="") as stream:
        scan(stream.read())
