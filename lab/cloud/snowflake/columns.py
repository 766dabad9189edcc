# SPDX-License-Identifier: GPL-3.0-or-later
"""Column definitions: their declared types as Snowflake shows them, and their text as DuckDB can take it."""

from __future__ import annotations

import re

from lab.cloud.snowflake.errors import invalid
from lab.cloud.snowflake.sql import Reader, Token, tokens

VECTOR = re.compile(r"\bVECTOR\s*\(\s*(\w+)\s*,\s*(\d+)\s*\)", re.IGNORECASE)
_DIMENSIONS_MAX = 4096
_NUMBER, _TEXT, _BYTES = "NUMBER(38,0)", "VARCHAR(16777216)", "BINARY(8388608)"
_TYPES = {
    **dict.fromkeys(("NUMBER", "DECIMAL", "NUMERIC", "INT", "INTEGER", "BIGINT", "SMALLINT"), _NUMBER),
    **dict.fromkeys(("TINYINT", "BYTEINT", "HUGEINT"), _NUMBER),
    **dict.fromkeys(("VARCHAR", "TEXT", "STRING"), _TEXT),
    **dict.fromkeys(("CHAR", "CHARACTER"), "VARCHAR(1)"),
    **dict.fromkeys(("FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "REAL"), "FLOAT"),
    **dict.fromkeys(("BINARY", "VARBINARY", "BLOB"), _BYTES),
    **dict.fromkeys(("TIMESTAMP", "DATETIME", "TIMESTAMP_NTZ"), "TIMESTAMP_NTZ(9)"),
    "TIMESTAMP_LTZ": "TIMESTAMP_LTZ(9)",
    "TIMESTAMP_TZ": "TIMESTAMP_TZ(9)",
    "TIME": "TIME(9)",
    "JSON": "VARIANT",
    "BOOL": "BOOLEAN",
}
_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK")


def for_duckdb(text: str) -> str:
    """A statement with its VECTOR types as ARRAY, which DuckDB keeps as JSON. Raises SqlError for a wrong one."""
    parts, at = [], 0
    for match in VECTOR.finditer(text):
        if any(
            token.kind in ("string", "dollar", "quoted") and token.start <= match.start() < token.end
            for token in tokens(text)
        ):
            continue
        element, size = match[1].upper(), int(match[2])
        if element not in ("FLOAT", "INT") or not 1 <= size <= _DIMENSIONS_MAX:
            raise invalid(f"Unsupported feature or invalid vector type 'VECTOR({element}, {size})'.")
        parts += [text[at : match.start()], "ARRAY"]
        at = match.end()
    return "".join([*parts, text[at:]])


def shown(declared: str) -> str:
    """A declared type, or one of DuckDB's, as DESCRIBE TABLE shows it."""
    if match := VECTOR.fullmatch(declared.strip()):
        return f"VECTOR({match[1].upper()}, {match[2]})"
    if declared.upper() == "TIMESTAMP WITH TIME ZONE":
        return "TIMESTAMP_TZ(9)"
    match = re.match(r"\s*(\w+)\s*(?:\(([^)]*)\))?", declared)
    name, arguments = match[1].upper(), (match[2] or "").replace(" ", "")
    whole = _TYPES.get(name, name)
    if not arguments or "(" not in whole:
        return whole
    if whole == _NUMBER and "," not in arguments:
        arguments += ",0"
    return f"{whole[: whole.index('(')]}({arguments})"


def information_type(declared: str) -> str:
    """How INFORMATION_SCHEMA.COLUMNS shows a type."""
    return declared if declared.startswith("VECTOR") else re.sub(r"\(.*", "", declared).replace("VARCHAR", "TEXT")


def definitions(text: str) -> dict[str, dict]:
    """The columns between a CREATE TABLE's parentheses: type, default, comment, primary key."""
    found: dict[str, dict] = {}
    keys: list[str] = []
    for part in split(text):
        reader = Reader(part)
        if reader.tokens and reader.tokens[0].kind == "word" and reader.tokens[0].value in _CONSTRAINTS:
            if match := re.search(r"\bPRIMARY\s+KEY\s*\((.*?)\)", part, re.IGNORECASE | re.DOTALL):
                keys += [token.value for token in tokens(match[1]) if token.kind in ("word", "quoted")]
            continue
        name = reader.name()
        found[name] = definition(reader)
    for key in keys:
        if key in found:
            found[key]["key"] = True
    return found


def quoted_names(text: str) -> str:
    """The columns' definitions with their names in quotes, for DuckDB has reserved words that Snowflake has not."""
    parts = []
    for part in split(text):
        reader = Reader(part)
        first = reader.next()
        if first.kind == "word" and first.value not in _CONSTRAINTS:
            part = f'"{first.value}"{part[first.end :]}'
        parts.append(part)
    return ", ".join(parts)


def definition(reader: Reader) -> dict:
    """What follows a column's name, to the end of the text."""
    start = reader.next()
    end = start.end
    if not reader.ended and reader.peek("PRECISION"):
        end = reader.next().end
    if not reader.ended and reader.peek("("):
        reader.skip_parentheses()
        end = reader.tokens[reader.at - 1].end
    about = {"type": shown(reader.text[start.start : end])}
    while not reader.ended:
        if reader.take("COMMENT"):
            about["comment"] = reader.string()
        elif reader.take("PRIMARY", "KEY"):
            about["key"] = True
        elif reader.take("DEFAULT"):
            about["default"] = _default(reader)
        else:
            reader.next()
    return about


def _default(reader: Reader) -> str:
    first = reader.next()
    end = first.end
    if not reader.ended and reader.peek("("):
        reader.skip_parentheses()
        end = reader.tokens[reader.at - 1].end
    return reader.text[first.start : end]


def split(text: str) -> list[str]:
    """The text split at the commas outside parentheses."""
    parts, start, depth = [], 0, 0
    for token in tokens(text):
        depth += _depth(token)
        if token.kind == "mark" and token.value == "," and depth == 0:
            parts.append(text[start : token.start])
            start = token.end
    return [part for part in [*parts, text[start:]] if part.strip()]


def _depth(token: Token) -> int:
    return {"(": 1, "[": 1, ")": -1, "]": -1}.get(token.value, 0) if token.kind == "mark" else 0
