# SPDX-License-Identifier: GPL-3.0-or-later
"""SHOW GRANTS and SHOW FUTURE GRANTS."""

from __future__ import annotations

from lab.cloud.snowflake.answers import Table
from lab.cloud.snowflake.catalogue import BUILT_IN_ROLES
from lab.cloud.snowflake.context import Account, full_path, must_have
from lab.cloud.snowflake.engine import Session
from lab.cloud.snowflake.grants import kind_and_path
from lab.cloud.snowflake.sql import Reader, dotted

_PRIVILEGES = (
    "created_on",
    "privilege",
    "granted_on",
    "name",
    "granted_to",
    "grantee_name",
    "grant_option",
    "granted_by",
)
_ROLES = ("created_on", "role", "granted_to", "grantee_name", "granted_by")
_FUTURE = ("created_on", "privilege", "grant_on", "name", "grant_to", "grantee_name", "grant_option")


def show(account: Account, session: Session, reader: Reader) -> Table:
    """SHOW GRANTS …"""
    if reader.ended:
        return _roles(account, "grantee", session.user, "USER")
    if reader.take("ON", "ROLE"):
        role = _named(account, reader, "ROLE")
        rows = [row for row in _all(account) if (row["granted_on"], row["name"]) == ("ROLE", role)]
        return Table.of(_PRIVILEGES, rows)
    if reader.take("ON"):
        kind, path = kind_and_path(session, reader)
        reader.end()
        if kind != "ACCOUNT":
            must_have(account, kind, path)
        rows = [row for row in _all(account) if (row["granted_on"], row["name"]) == (kind, dotted(path))]
        return Table.of(_PRIVILEGES, rows)
    if reader.take("OF"):
        reader.expect("ROLE")
        return _roles(account, "role", _named(account, reader, "ROLE"))
    reader.expect("TO")
    if reader.take("USER"):
        return _roles(account, "grantee", _named(account, reader, "USER"), "USER")
    reader.take("ROLE")
    role = _named(account, reader, "ROLE")
    return Table.of(_PRIVILEGES, [row for row in _all(account) if row["grantee_name"] == role])


def _named(account: Account, reader: Reader, kind: str) -> str:
    name = dotted([reader.name()])
    if reader.take("LIMIT"):
        reader.next()
    reader.end()
    must_have(account, kind, [name])
    return name


def _roles(account: Account, field: str, name: str, to: str = "") -> Table:
    rows = [
        {
            "created_on": grant["created"],
            "role": grant["role"],
            "granted_to": grant["to"],
            "grantee_name": grant["grantee"],
            "granted_by": grant["by"],
        }
        for grant in account.catalogue.role_grants
        if grant[field] == name and to in ("", grant["to"])
    ]
    return Table.of(_ROLES, rows)


def _row(created: float, privilege: str, on: str, name: str, role: str, option: bool, by: str) -> dict:
    return {
        "created_on": created,
        "privilege": privilege,
        "granted_on": on,
        "name": name,
        "granted_to": "ROLE",
        "grantee_name": role,
        "grant_option": "true" if option else "false",
        "granted_by": by,
    }


def _all(account: Account) -> list[dict]:
    """Every privilege of every role: those given, ownership, and the use of other roles."""
    catalogue = account.catalogue
    rows = [
        _row(*(grant[field] for field in ("created", "privilege", "on", "name", "grantee", "option", "by")))
        for grant in catalogue.grants
    ]
    for kind, known in catalogue.objects.items():
        for name, about in known.items():
            if about["owner"] and not (kind == "ROLE" and name in BUILT_IN_ROLES):
                rows.append(_row(about["created"], "OWNERSHIP", kind, name, about["owner"], True, about["owner"]))
    for grant in catalogue.role_grants:
        if grant["to"] == "ROLE":
            rows.append(_row(grant["created"], "USAGE", "ROLE", grant["role"], grant["grantee"], False, grant["by"]))
    return sorted(rows, key=lambda row: (row["granted_on"], row["name"], row["privilege"], row["grantee_name"]))


def show_future(account: Account, session: Session, reader: Reader) -> Table:
    """SHOW FUTURE GRANTS …"""
    if reader.take("TO"):
        reader.expect("ROLE")
        role = _named(account, reader, "ROLE")
        chosen = [grant for grant in account.catalogue.future if grant["grantee"] == role]
    else:
        reader.expect("IN")
        kind = reader.take_one("DATABASE", "SCHEMA")
        if kind is None:
            raise reader.unexpected()
        place = full_path(session, kind, reader.path(), "SHOW FUTURE GRANTS")
        reader.end()
        must_have(account, kind, place)
        chosen = [grant for grant in account.catalogue.future if grant["in"] == dotted(place)]
    rows = [
        {
            "created_on": grant["created"],
            "privilege": grant["privilege"],
            "grant_on": grant["on"].replace(" ", "_"),
            "name": f"{grant['in']}.<{grant['on'].replace(' ', '_')}>",
            "grant_to": "ROLE",
            "grantee_name": grant["grantee"],
            "grant_option": "true" if grant["option"] else "false",
        }
        for grant in chosen
    ]
    return Table.of(_FUTURE, rows)
