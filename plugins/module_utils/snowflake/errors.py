# SPDX-License-Identifier: GPL-3.0-or-later
"""What Snowflake refuses, in words that say what to do. Decided by `errno` (reference §2, §4)."""

from __future__ import annotations

import re

LOGIN_HINTS = {
    390100: "the user or the password is wrong, or the user may not use passwords (TYPE=SERVICE)",
    390114: "the token has expired: make a new one",
    390144: "the key pair does not fit: see RSA_PUBLIC_KEY of the user (DESC USER), the account's name, and this clock",
    390189: "the role is not granted to the user, or does not exist",
    390422: "a network policy does not let this address in",
    250001: "the account's host cannot be reached or does not answer as Snowflake: see account, host and the proxy",
    250003: "the connection broke",
    251005: "no user was given",
    251006: "no password was given",
}
STATEMENT_HINTS = {
    1003: "the server does not understand it",
    2002: "an object of this name exists that this role cannot see; let the role see it or take another name",
    2003: "an object does not exist, or the role may not see it: grant it, or name a role that may",
    2043: "an object or role does not exist, or the user may not use it: grant it, or name another role",
    3001: "the role lacks a privilege: grant it, or name another role",
    606: "it needs a running warehouse: give the user a default warehouse",
    90105: "it needs a current database",
}


class SnowflakeError(Exception):
    """Snowflake refused something or could not be reached. errno is None when it said no number."""

    def __init__(self, message: str, errno: int | None = None, sqlstate: str | None = None) -> None:
        super().__init__(message)
        self.errno, self.sqlstate = errno, sqlstate

    @property
    def outcome_known(self) -> bool:
        """Whether the server itself refused the statement: small numbers, 250xxx and 604 tell of a lost answer."""
        return self.errno is not None and self.errno >= 100 and self.errno != 604 and self.errno // 1000 != 250


def login_hint(errno: int | None) -> str:
    """Say what to do about a failed login; empty when nothing is known."""
    if errno is not None and errno // 1000 == 394:
        return "the programmatic access token is not accepted: see its expiry, its role and the user's network policy"
    return LOGIN_HINTS.get(errno, "")


def said(message: object, length: int = 300) -> str:
    """What the connector said, on one line, without its own prefix and ids."""
    text = " ".join(str(message or "").split())
    text = re.sub(r"^\d{3,6}(?: \([0-9A-Z]{5}\))?: ", "", text)
    text = re.sub(r" \((?:request_id|sfqid)=[^)]*\)$", "", text)
    return (text if len(text) <= length else text[:length] + "…").rstrip(".") or "nothing more"
