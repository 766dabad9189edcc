# SPDX-License-Identifier: GPL-3.0-or-later
"""Column types, in the one form in which Snowflake describes them: `int` is NUMBER(38,0). Pure."""

from __future__ import annotations

import json
import re

TEXT_LENGTH = 16777216
TEXT_LENGTH_MAX = 134217728
BINARY_LENGTH = 8388608
DIMENSIONS_MAX = 4096

SAME = {
    **dict.fromkeys(("INT", "INTEGER", "BIGINT", "SMALLINT", "TINYINT", "BYTEINT"), "NUMBER(38,0)"),
    **dict.fromkeys(("FLOAT", "FLOAT4", "FLOAT8", "DOUBLE", "DOUBLE PRECISION", "REAL"), "FLOAT"),
    **{name: name for name in ("BOOLEAN", "DATE", "VARIANT", "OBJECT", "ARRAY", "GEOGRAPHY", "GEOMETRY")},
}
NUMBERS = ("NUMBER", "DECIMAL", "DEC", "NUMERIC", "FIXED")
TEXTS = ("VARCHAR", "STRING", "TEXT", "NVARCHAR", "NVARCHAR2", "CHAR VARYING", "NCHAR VARYING")
CHARACTERS = ("CHAR", "CHARACTER", "NCHAR")
TIMES = {
    "TIME": "TIME",
    **dict.fromkeys(("TIMESTAMP_NTZ", "TIMESTAMPNTZ", "DATETIME", "TIMESTAMP WITHOUT TIME ZONE"), "TIMESTAMP_NTZ"),
    "TIMESTAMP": "TIMESTAMP_NTZ",  # written out, because what an account takes it for is a setting
    **dict.fromkeys(("TIMESTAMP_LTZ", "TIMESTAMPLTZ", "TIMESTAMP WITH LOCAL TIME ZONE"), "TIMESTAMP_LTZ"),
    **dict.fromkeys(("TIMESTAMP_TZ", "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"), "TIMESTAMP_TZ"),
}
SHAPE = re.compile(
    r"([A-Z][A-Z0-9_ ]*?)\s*(?:\(\s*([A-Z0-9]+)\s*(?:,\s*([A-Z0-9]+)\s*)?\))?((?: WITH\w*(?: LOCAL)? TIME ZONE)?)"
)


def canonical(written: str) -> str:
    """Return the type as DESCRIBE TABLE shows it. Raises ValueError for one that is not known."""
    match = SHAPE.fullmatch(" ".join(written.upper().split()))
    if not match:
        raise ValueError(f"{written!r} is not a column type")
    base, first, second = match[1] + match[4], match[2], match[3]
    kind = _parametrised(base, first, second) if base not in SAME else SAME[base] if first is None else None
    if kind is None:
        raise ValueError(f"{written!r} is not a column type that is known here, or its numbers are out of range")
    return kind


def described(told: str) -> str | None:
    """Return the type that DESCRIBE TABLE or SHOW COLUMNS (JSON) told; None for one that is not understood."""
    try:
        return canonical(_from_json(told) if told.lstrip().startswith("{") else told)
    except (ValueError, KeyError, TypeError):
        return None


def _parametrised(base: str, first: str | None, second: str | None) -> str | None:
    if base == "VECTOR":
        element = {"INT": "INT", "INTEGER": "INT"}.get(first or "", SAME.get(first or ""))
        size = _number(second, None, 1, DIMENSIONS_MAX)
        return f"VECTOR({element}, {size})" if element in ("INT", "FLOAT") and size else None
    if base in NUMBERS:
        precision, scale = _number(first, 38, 1, 38), _number(second, 0, 0, 37)
        valid = precision is not None and scale is not None and scale <= precision
        return f"NUMBER({precision},{scale})" if valid else None
    if second is not None:
        return None
    if base in TEXTS + CHARACTERS:
        length = _number(first, 1 if base in CHARACTERS else TEXT_LENGTH, 1, TEXT_LENGTH_MAX)
        return f"VARCHAR({length})" if length else None
    if base in ("BINARY", "VARBINARY"):
        length = _number(first, BINARY_LENGTH, 1, TEXT_LENGTH_MAX)
        return f"BINARY({length})" if length else None
    if base in TIMES:
        digits = _number(first, 9, 0, 9)
        return f"{TIMES[base]}({digits})" if digits is not None else None
    return None


def _number(text: str | None, default: int | None, least: int, most: int) -> int | None:
    """The number, the default when there is none, None when it is out of range."""
    value = default if text is None else int(text) if text.isdigit() else None
    return value if value is not None and least <= value <= most else None


def _from_json(told: str) -> str:
    """SHOW COLUMNS tells a type as JSON; the digits of a time are its scale, and a vector's form is not documented."""
    facts = json.loads(told)
    kind = facts["type"]
    if kind == "FIXED":
        return f"NUMBER({facts['precision']},{facts['scale']})"
    if kind in ("TEXT", "BINARY"):
        return f"{kind}({facts['length']})"
    if kind in TIMES:
        return f"{kind}({facts['scale']})"
    if kind == "VECTOR":
        element = facts["vectorElementType"]
        element = element["type"] if isinstance(element, dict) else element
        return f"VECTOR({ {'FIXED': 'INT', 'REAL': 'FLOAT'}.get(element, element) }, {facts['dimension']})"
    return kind
