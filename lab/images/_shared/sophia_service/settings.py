"""Settings from environment variables; secrets from the files that variables name.

Every problem is collected, so that a wrongly configured container says all of them at once.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path


class SettingsError(Exception):
    """The environment does not describe a service that can start; `problems` lists why."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = list(problems)


class Secret:
    """A value that shows itself only to who asks with `reveal()`, never in a log or a traceback."""

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return "Secret(hidden)"


class Environment:
    """Typed access to environment variables.

    Each getter returns a usable value or notes a problem; call `check()` after the last one.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = os.environ if values is None else values
        self._problems: list[str] = []

    def text(self, name: str, default: str | None = None, choices: Sequence[str] = ()) -> str:
        value = self._values.get(name, "").strip() or default
        if value is None:
            self._problems.append(f"{name} is not set")
            return ""
        if choices and value not in choices:
            self._problems.append(f"{name} is '{value}', expected one of {', '.join(choices)}")
        return value

    def number(self, name: str, default: float, minimum: float, maximum: float) -> float:
        value = self._values.get(name, "").strip()
        if not value:
            return default
        try:
            number = float(value)
        except ValueError:
            self._problems.append(f"{name} is '{value}', expected a number")
            return default
        if not minimum <= number <= maximum:
            self._problems.append(f"{name} is {value}, expected {minimum:g} to {maximum:g}")
        return number

    def port(self, name: str, default: int) -> int:
        return int(self.number(name, default, 1, 65535))

    def secret_file(self, name: str) -> Secret:
        """The content of the file that variable `name` points at, without surrounding white space."""
        path = self.text(name)
        if not path:
            return Secret("")
        try:
            value = Path(path).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
            self._problems.append(f"{name}: cannot read {path}: {reason}")
            return Secret("")
        if not value:
            self._problems.append(f"{name}: {path} is empty")
        return Secret(value)

    def check(self) -> None:
        """Raises SettingsError when any getter found a problem."""
        if self._problems:
            raise SettingsError(self._problems)
