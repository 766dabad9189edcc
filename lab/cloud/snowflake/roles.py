# SPDX-License-Identifier: GPL-3.0-or-later
"""CREATE, ALTER, DROP, USE and SHOW of roles."""

from __future__ import annotations

from lab.cloud.snowflake import privileges
from lab.cloud.snowflake.answers import Table, executed, status
from lab.cloud.snowflake.catalogue import BUILT_IN_ROLES
from lab.cloud.snowflake.context import Account, must_have
from lab.cloud.snowflake.engine import Session
from lab.cloud.snowflake.errors import SqlError, exists, not_found
from lab.cloud.snowflake.filters import Filter
from lab.cloud.snowflake.parts import Creation
from lab.cloud.snowflake.sql import Reader, dotted

_COLUMNS = (
    "created_on",
    "name",
    "is_default",
    "is_current",
    "is_inherited",
    "assigned_to_users",
    "granted_to_roles",
    "granted_roles",
    "owner",
    "comment",
)


def create(account: Account, session: Session, reader: Reader, creation: Creation) -> Table:
    name = dotted([reader.name()])
    given = reader.properties("COMMENT")
    privileges.need_account(account, session, "CREATE ROLE")
    if name in account.catalogue.objects["ROLE"]:
        if creation.unless_exists:
            return status(f"{name} already exists, statement succeeded.")
        if not creation.replace:
            raise exists(name)
        account.catalogue.forget("ROLE", name)
    account.catalogue.add("ROLE", name, session.role, comment=given.get("COMMENT") or "")
    return status(f"Role {name} successfully created.")


def alter(account: Account, session: Session, reader: Reader, if_exists: bool) -> Table:
    name = dotted([reader.name()])
    if if_exists and name not in account.catalogue.objects["ROLE"]:
        return executed()
    must_have(account, "ROLE", [name])
    privileges.need_owner(account, session, "ROLE", [name])
    known = account.catalogue.objects["ROLE"]
    if reader.take("RENAME", "TO"):
        new = dotted([reader.name()])
        reader.end()
        if new in known:
            raise exists(new)
        _rename(account, name, new)
    elif reader.take("UNSET"):
        reader.expect("COMMENT")
        reader.end()
        known[name]["comment"] = ""
    else:
        reader.expect("SET")
        known[name]["comment"] = reader.properties("COMMENT").get("COMMENT") or ""
    return executed()


def _rename(account: Account, name: str, new: str) -> None:
    catalogue = account.catalogue
    catalogue.rename("ROLE", name, new)
    for grant in [*catalogue.grants, *catalogue.future, *catalogue.role_grants]:
        for field in ("grantee", "role", "by"):
            if grant.get(field) == name and not (field == "grantee" and grant.get("to") == "USER"):
                grant[field] = new
    for about in (about for known in catalogue.objects.values() for about in known.values()):
        about["owner"] = new if about["owner"] == name else about["owner"]


def drop(account: Account, session: Session, path: list[str]) -> Table:
    """Drop one that is there. What it owned goes to the role that drops it."""
    name = dotted(path)
    privileges.need_owner(account, session, "ROLE", path)
    if name in BUILT_IN_ROLES:
        raise SqlError(3001, "42501", f"SQL access control error:\nThe role {name} cannot be dropped.")
    account.catalogue.forget("ROLE", name)
    for about in (about for known in account.catalogue.objects.values() for about in known.values()):
        about["owner"] = session.role if about["owner"] == name else about["owner"]
    return status(f"{name} successfully dropped.")


def use(account: Account, session: Session, reader: Reader) -> Table:
    name = dotted([reader.name()])
    reader.end()
    if name not in account.catalogue.objects["ROLE"]:
        raise not_found(name)
    if name not in account.catalogue.reached("USER", session.user):
        message = (
            f"SQL access control error:\nRequested role '{name}' is not assigned to the executing user. "
            "Specify another role to activate."
        )
        raise SqlError(3013, "42501", message)
    session.role = name
    return executed()


def show(account: Account, session: Session, reader: Reader) -> Table:
    wanted = Filter.read(reader)
    catalogue = account.catalogue
    inherited = catalogue.reached("ROLE", session.role) - {session.role}
    rows = []
    for name, about in sorted(catalogue.objects["ROLE"].items()):
        to = [grant["to"] for grant in catalogue.role_grants if grant["role"] == name]
        user = catalogue.objects["USER"].get(session.user, {})
        rows.append(
            {
                "created_on": about["created"],
                "name": name,
                "is_default": "Y" if user.get("default_role") == name else "N",
                "is_current": "Y" if session.role == name else "N",
                "is_inherited": "Y" if name in inherited else "N",
                "assigned_to_users": str(to.count("USER")),
                "granted_to_roles": str(to.count("ROLE")),
                "granted_roles": str(len(catalogue.held("ROLE", name))),
                "owner": about["owner"],
                "comment": about["comment"],
            }
        )
    return Table.of(_COLUMNS, wanted.of(rows))
