# SPDX-License-Identifier: GPL-3.0-or-later
"""What a statement or a login is refused with. The numbers are Snowflake's (contract §2, §4)."""

from __future__ import annotations


class SqlError(Exception):
    """A statement that fails."""

    def __init__(self, errno: int, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.errno, self.sqlstate, self.message = errno, sqlstate, message


class LoginError(Exception):
    """A login that fails."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code, self.message = code, message


def missing(kind: str, name: str) -> SqlError:
    """Absent, or hidden from the role: the two look alike."""
    sqlstate = "42S02" if kind == "TABLE" else "02000"
    kind = "Object" if kind == "TABLE" else kind.capitalize()
    return SqlError(2003, sqlstate, f"SQL compilation error:\n{kind} '{name}' does not exist or not authorized.")


def exists(name: str) -> SqlError:
    return SqlError(2002, "42710", f"SQL compilation error:\nObject '{name}' already exists.")


def not_found(name: str) -> SqlError:
    """What SHOW and USE say of something absent."""
    return SqlError(
        2043,
        "02000",
        f"SQL compilation error:\nObject does not exist, or operation cannot be performed: '{name}'.",
    )


def syntax(position: int, unexpected: str) -> SqlError:
    message = f"SQL compilation error:\nsyntax error line 1 at position {position} unexpected '{unexpected}'."
    return SqlError(1003, "42000", message)


def invalid(what: str) -> SqlError:
    """A value or property that does not fit."""
    return SqlError(1008, "22023", f"SQL compilation error:\n{what}")


def no_current(what: str, command: str) -> SqlError:
    number = 90105 if what == "database" else 90106
    call = f"USE {what.upper()}"
    message = (
        f"Cannot perform {command}. This session does not have a current {what}. "
        f"Call '{call}', or use a qualified name."
    )
    return SqlError(number, "22000", message)
