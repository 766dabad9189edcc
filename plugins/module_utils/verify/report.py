# SPDX-License-Identifier: GPL-3.0-or-later
"""What people and programs read of the rows [{name, ok, detail}]: one table, one JSON document, no secret."""

from __future__ import annotations

import json
import textwrap
from pathlib import Path

WIDTH = 116
MASK = "********"


def masker(secrets: dict):
    """Return a function that replaces every secret value in a text: a service's answer may quote one."""
    values = sorted({value.strip() for value in secrets.values()} - {""}, key=len, reverse=True)

    def mask(text: str) -> str:
        for value in values:
            text = text.replace(value, MASK)
        return text

    return mask


def masked(rows: list[dict], secrets: dict) -> list[dict]:
    """Return the rows without any secret value."""
    mask = masker(secrets)
    return [{**row, "name": mask(row["name"]), "detail": mask(row["detail"])} for row in rows]


def table(rows: list[dict]) -> str:
    """Return the rows as aligned text, failed ones last, and one line that counts them."""
    name_width = max((len(row["name"]) for row in rows), default=0)
    indent = " " * (4 + 2 + name_width + 2)
    lines = []
    for row in sorted(rows, key=lambda row: not row["ok"]):
        head = f"{'ok' if row['ok'] else 'FAIL':<4}  {row['name']:<{name_width}}  "
        wrapped = textwrap.wrap(
            row["detail"], max(40, WIDTH - len(indent)), break_long_words=False, break_on_hyphens=False
        )
        lines += [(head + "\n".join(wrapped)).replace("\n", "\n" + indent).rstrip()]
    failed_count = sum(not row["ok"] for row in rows)
    lines.append(f"{len(rows)} checks: {len(rows) - failed_count} ok, {failed_count} failed")
    return "\n".join(lines)


def document(rows: list[dict]) -> dict:
    """Return the report: ok only when there are checks and all of them hold."""
    return {"ok": bool(rows) and all(row["ok"] for row in rows), "checks": rows}


def write(path: Path, rows: list[dict]) -> None:
    """Write the report as JSON, in one step, so that a reader never sees half of it. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps(document(rows), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(path)
