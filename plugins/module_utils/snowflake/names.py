# SPDX-License-Identifier: GPL-3.0-or-later
"""Names and texts in SQL. Names cannot be bound as parameters, so they are validated here and quoted where needed.

A name as people write it (`memories`, `"Mixed case"`) is resolved once, to what Snowflake stores (`MEMORIES`,
`Mixed case`); all other code holds resolved names (reference §4).
"""

from __future__ import annotations

import re

LENGTH_MAX = 255
BARE = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
PART = re.compile(r'"(?:[^"]|"")*"|[^."]+')
# Words that Snowflake does not take as a bare name of an object or a column.
RESERVED = re.compile(
    r"ACCOUNT|ALL|ALTER|AND|ANY|AS|BETWEEN|BY|CASE|CAST|CHECK|COLUMN|CONNECT|CONNECTION|CONSTRAINT|"
    r"CREATE|CROSS|CURRENT|CURRENT_DATE|CURRENT_TIME|CURRENT_TIMESTAMP|CURRENT_USER|DATABASE|DELETE|"
    r"DISTINCT|DROP|ELSE|EXISTS|FALSE|FOLLOWING|FOR|FROM|FULL|GRANT|GROUP|GSCLUSTER|HAVING|ILIKE|IN|"
    r"INCREMENT|INNER|INSERT|INTERSECT|INTO|IS|ISSUE|JOIN|LATERAL|LEFT|LIKE|LOCALTIME|LOCALTIMESTAMP|"
    r"MINUS|NATURAL|NOT|NULL|OF|ON|OR|ORDER|ORGANIZATION|QUALIFY|REGEXP|REVOKE|RIGHT|RLIKE|ROW|"
    r"ROWS|SAMPLE|SCHEMA|SELECT|SET|SOME|START|TABLE|TABLESAMPLE|THEN|TO|TRIGGER|TRUE|TRY_CAST|"
    r"UNION|UNIQUE|UPDATE|USING|VALUES|VIEW|WHEN|WHENEVER|WHERE|WITH"
)


def resolve(written: str) -> str:
    """Return the name that Snowflake stores for a written one. Raises ValueError."""
    text = written.strip()
    if len(text) > 1 and text[0] == text[-1] == '"':
        inner = text[1:-1]
        if '"' in inner.replace('""', ""):
            raise ValueError(f"{written!r} is not one name: a quote inside is written twice")
        name = inner.replace('""', '"')
        if not name.isprintable():
            raise ValueError(f"{written!r} holds a character that cannot be shown")
    elif BARE.fullmatch(text):
        name = text.upper()
    else:
        raise ValueError(f"{written!r} is not a name: letters, digits, _ and $, or anything in double quotes")
    if not 0 < len(name) <= LENGTH_MAX:
        raise ValueError(f"a name has 1 to {LENGTH_MAX} characters, {written[:20]!r} has {len(name)}")
    return name


def resolve_path(written: str, count: int | None = None) -> tuple[str, ...]:
    """Resolve a name of several parts (`db.schema."My table"`). Raises ValueError, also when there are not count."""
    parts = PART.findall(written)
    if ".".join(parts) != written or not parts:
        raise ValueError(f"{written!r} is not a name with dots between its parts")
    if count is not None and len(parts) != count:
        raise ValueError(f"{written!r} has {len(parts)} part{'s' * (len(parts) != 1)}, not {count}")
    return tuple(resolve(part) for part in parts)


def told_path(told: str) -> tuple[str, ...]:
    """Read a name of several parts as Snowflake tells it: nothing is folded, and only odd parts have quotes."""
    parts = PART.findall(told) or [told]
    return tuple(part[1:-1].replace('""', '"') if part[0:1] == '"' else part for part in parts)


def sql_name(*parts: str) -> str:
    """Write a resolved name into SQL, quoted only where it must be."""
    return ".".join(part if _is_bare(part) else '"' + part.replace('"', '""') + '"' for part in parts)


def sql_text(text: str) -> str:
    """Write a text into SQL; a backslash would begin an escape."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def _is_bare(name: str) -> bool:
    return bool(BARE.fullmatch(name)) and name == name.upper() and not RESERVED.fullmatch(name)
