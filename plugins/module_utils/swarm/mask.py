# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps secret values out of everything that people read."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MASK = "********"
SHORTEST_IN_TEXT = 4
SHORTEST_LINE = 12
_SECRET_NAME = re.compile(
    r"pass|secret|token|credential|private|auth|(^|_)(api|access|encryption|signing)?_?key|dsn", re.I
)
_PATH_NAME = re.compile(r"_(file|path|dir|directory)$", re.I)
_URL_PASSWORD = re.compile(r"(://[^/@\s:]*:)[^/@\s]+(?=@)")


class Masker:
    """Masks given values anywhere, values of variables with a secret-looking name, and passwords in URLs."""

    def __init__(self, values: Iterable[str]) -> None:
        known = {str(value) for value in values if str(value)}
        self._values = known | {value.strip() for value in known}
        lines = {line.strip() for value in known for line in value.splitlines() if len(line.strip()) >= SHORTEST_LINE}
        parts = {value for value in self._values if len(value) >= SHORTEST_IN_TEXT} | lines
        self._pattern = (
            re.compile("|".join(re.escape(part) for part in sorted(parts, key=len, reverse=True))) if parts else None
        )

    def text(self, text: str) -> str:
        if text in self._values:
            return MASK
        if self._pattern:
            text = self._pattern.sub(MASK, text)
        return _URL_PASSWORD.sub(rf"\g<1>{MASK}", text)

    def tree(self, value: Any) -> Any:
        """A copy of a service's definition or spec with everything secret masked, to be shown in a diff."""
        if isinstance(value, dict):
            return {
                key: self._environment(item) if key in ("environment", "Env") else self.tree(item)
                for key, item in value.items()
            }
        if isinstance(value, list):
            return [self.tree(item) for item in value]
        return self.text(value) if isinstance(value, str) else value

    def _environment(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._variable(name, item) for name, item in value.items()}
        if isinstance(value, list):
            pairs = [entry.partition("=") for entry in value]
            return [f"{name}{sign}{self._variable(name, item)}" for name, sign, item in pairs]
        return value

    def _variable(self, name: str, value: Any) -> Any:
        if value not in (None, "") and _SECRET_NAME.search(name) and not _PATH_NAME.search(name):
            return MASK
        return self.text(value) if isinstance(value, str) else value
