# SPDX-License-Identifier: GPL-3.0-or-later
"""Which privileges there are, and whether a session's role may do what it asks for."""

from __future__ import annotations

from lab.cloud.snowflake.catalogue import ACCOUNT
from lab.cloud.snowflake.context import Account
from lab.cloud.snowflake.engine import Session
from lab.cloud.snowflake.errors import SqlError
from lab.cloud.snowflake.sql import dotted

PRIVILEGES = {  # object: what ALL PRIVILEGES gives, in the order it is shown
    "ACCOUNT": (
        "CREATE DATABASE",
        "CREATE INTEGRATION",
        "CREATE ROLE",
        "CREATE USER",
        "CREATE WAREHOUSE",
        "EXECUTE TASK",
        "MANAGE GRANTS",
        "MONITOR USAGE",
    ),
    "DATABASE": ("CREATE DATABASE ROLE", "CREATE SCHEMA", "IMPORTED PRIVILEGES", "MODIFY", "MONITOR", "USAGE"),
    "SCHEMA": (
        "ADD SEARCH OPTIMIZATION",
        "CREATE DYNAMIC TABLE",
        "CREATE EXTERNAL TABLE",
        "CREATE FILE FORMAT",
        "CREATE FUNCTION",
        "CREATE MATERIALIZED VIEW",
        "CREATE PIPE",
        "CREATE PROCEDURE",
        "CREATE SEQUENCE",
        "CREATE STAGE",
        "CREATE STREAM",
        "CREATE TABLE",
        "CREATE TASK",
        "CREATE VIEW",
        "MODIFY",
        "MONITOR",
        "USAGE",
    ),
    "TABLE": ("DELETE", "INSERT", "REFERENCES", "SELECT", "TRUNCATE", "UPDATE"),
    "VIEW": ("REFERENCES", "SELECT"),
    "WAREHOUSE": ("MODIFY", "MONITOR", "OPERATE", "USAGE"),
    "USER": ("MONITOR",),
    "STAGE": ("READ", "USAGE", "WRITE"),
    "FILE FORMAT": ("USAGE",),
    "FUNCTION": ("USAGE",),
    "PROCEDURE": ("USAGE",),
    "SEQUENCE": ("USAGE",),
    "STREAM": ("SELECT",),
    "TASK": ("MONITOR", "OPERATE"),
    "PIPE": ("MONITOR", "OPERATE"),
    "DYNAMIC TABLE": ("MONITOR", "OPERATE", "SELECT"),
    "EXTERNAL TABLE": ("REFERENCES", "SELECT"),
    "MATERIALIZED VIEW": ("REFERENCES", "SELECT"),
}


def of(kind: str) -> list[str]:
    """What ALL PRIVILEGES on such an object is."""
    return [name for name in PRIVILEGES[kind] if name != "IMPORTED PRIVILEGES"]


def roles(account: Account, session: Session) -> set[str]:
    """The session's role and those that it inherits."""
    return account.catalogue.reached("ROLE", session.role) | {session.role}


def has(account: Account, session: Session, privilege: str, kind: str, name: str, option: bool = False) -> bool:
    """Whether the role was given a privilege. option: with the right to give it on."""
    held = roles(account, session)
    return any(
        (grant["privilege"], grant["on"], grant["name"]) == (privilege, kind, name)
        and grant["grantee"] in held
        and (grant["option"] or not option)
        for grant in account.catalogue.grants
    )


def owns(account: Account, session: Session, kind: str, path: list[str]) -> bool:
    """Whether the role, or one that it inherits, owns an object that is there."""
    return account.catalogue.get(kind, path)["owner"] in roles(account, session)


def refused(kind: str, name: str) -> SqlError:
    message = f"SQL access control error:\nInsufficient privileges to operate on {kind.lower()} '{name}'."
    return SqlError(3001, "42501", message)


def need_account(account: Account, session: Session, privilege: str) -> None:
    """Raises SqlError when the role lacks a privilege on the account."""
    if not has(account, session, privilege, "ACCOUNT", ACCOUNT):
        raise refused("account", ACCOUNT)


def need_owner(account: Account, session: Session, kind: str, path: list[str], also: str = "MODIFY") -> None:
    """Raises SqlError when the role neither owns an object nor has the privilege `also` on it."""
    if not owns(account, session, kind, path) and not has(account, session, also, kind, dotted(path)):
        raise refused(kind, dotted(path))


def need_in(account: Account, session: Session, kind: str, path: list[str]) -> None:
    """Raises SqlError when the role may not create such an object below another."""
    outer = "DATABASE" if kind == "SCHEMA" else "SCHEMA"
    need_owner(account, session, outer, path[:-1], also=f"CREATE {kind}")


def may_grant(account: Account, session: Session, privilege: str, kind: str, path: list[str]) -> bool:
    """Whether the role may give a privilege on an object on."""
    if has(account, session, "MANAGE GRANTS", "ACCOUNT", ACCOUNT):
        return True
    if kind in account.catalogue.objects and owns(account, session, kind, path):
        return True
    return has(account, session, privilege, kind, dotted(path), option=True)
