# SPDX-License-Identifier: GPL-3.0-or-later
"""GRANT and REVOKE: privileges on objects, on all of a kind and on future ones, and roles."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from lab.cloud.snowflake import privileges
from lab.cloud.snowflake.answers import Table, status
from lab.cloud.snowflake.catalogue import ACCOUNT
from lab.cloud.snowflake.context import Account, full_path, must_have
from lab.cloud.snowflake.engine import INFORMATION_SCHEMA, Session
from lab.cloud.snowflake.errors import missing
from lab.cloud.snowflake.sql import Reader, dotted

KINDS = tuple(sorted(privileges.PRIVILEGES, key=len, reverse=True))
_PLURALS = {f"{kind}S": kind for kind in KINDS if kind not in ("ACCOUNT", "USER", "WAREHOUSE", "DATABASE")}


@dataclass
class Target:
    """What privileges are given on: objects, or the future ones of a kind in `place`."""

    kind: str
    paths: list[list[str]] = field(default_factory=list)
    future: bool = False
    place_kind: str = ""
    place: list[str] = field(default_factory=list)


def grant(account: Account, session: Session, reader: Reader) -> Table:
    return _either(account, session, reader, given=True)


def revoke(account: Account, session: Session, reader: Reader) -> Table:
    return _either(account, session, reader, given=False)


def _either(account: Account, session: Session, reader: Reader, given: bool) -> Table:
    if reader.take("ROLE"):
        return _role(account, session, reader, given)
    option = not given and reader.take("GRANT", "OPTION", "FOR")
    start = reader.at
    words = _privileges(reader)
    target = _target(account, session, reader)
    allowed = (*privileges.PRIVILEGES[target.kind], "ALL", "ALL PRIVILEGES", "OWNERSHIP", "APPLYBUDGET")
    for word in words:
        if word not in allowed:
            reader.at = start
            raise reader.unexpected()
    role = _grantee(account, reader, given)
    if given:
        option = reader.take("WITH", "GRANT", "OPTION")
        reader.take("COPY", "CURRENT", "GRANTS") or reader.take("REVOKE", "CURRENT", "GRANTS")
    else:
        reader.take_one("CASCADE", "RESTRICT")
    reader.end()
    every = any(word.startswith("ALL") for word in words)
    chosen = privileges.of(target.kind) if every else words
    if target.future:
        _future(account, session, target, chosen, role, given, option)
    elif words == ["OWNERSHIP"]:
        _ownership(account, session, target, role)
    else:
        _objects(account, session, target, chosen, role, given, option)
    return status("Statement executed successfully.")


def _privileges(reader: Reader) -> list[str]:
    """The comma-separated names before ON."""
    found: list[list[str]] = [[]]
    while not reader.take("ON"):
        if reader.take(","):
            found.append([])
        else:
            found[-1].append(reader.name())
    if not all(found):
        raise reader.unexpected()
    return [" ".join(words) for words in found]


def kind_and_path(session: Session, reader: Reader) -> tuple[str, list[str]]:
    """An object: its kind and full name."""
    if reader.take("ACCOUNT"):
        return "ACCOUNT", [ACCOUNT]
    kind = reader.take_one(*KINDS)
    if kind is None:
        raise reader.unexpected()
    path = reader.path()
    if not reader.ended and reader.peek("("):
        reader.skip_parentheses()
    return kind, path if kind in ("WAREHOUSE", "USER") else full_path(session, kind, path, "GRANT")


def _target(account: Account, session: Session, reader: Reader) -> Target:
    many = reader.take_one("FUTURE", "ALL")
    if many is None:
        kind, path = kind_and_path(session, reader)
        if kind != "ACCOUNT":
            must_have(account, kind, path)
        return Target(kind, [path])
    plural = reader.take_one(*_PLURALS)
    if plural is None:
        raise reader.unexpected()
    reader.expect("IN")
    place_kind = reader.take_one("DATABASE", "SCHEMA")
    if place_kind is None:
        raise reader.unexpected()
    place = full_path(session, place_kind, reader.path(), "GRANT")
    must_have(account, place_kind, place)
    target = Target(_PLURALS[plural], [], many == "FUTURE", place_kind, place)
    if not target.future:
        target.paths = _present(account, target)
    return target


def _present(account: Account, target: Target) -> list[list[str]]:
    """The objects of a kind in a place that there are."""
    database, engine = target.place[0], account.engine
    schemas = target.place[1:] or [name for name in engine.schemas(database) if name != INFORMATION_SCHEMA]
    if target.kind == "SCHEMA":
        return [[database, name] for name in schemas]
    found = []
    for schema in schemas:
        if target.kind == "TABLE":
            found += [[database, schema, name] for name, _rows in engine.tables(database, schema)]
        elif target.kind == "VIEW":
            found += [[database, schema, name] for name in engine.views(database, schema)]
    return found


def _grantee(account: Account, reader: Reader, given: bool) -> str:
    reader.expect("TO" if given else "FROM")
    reader.take("ROLE")
    role = dotted([reader.name()])
    must_have(account, "ROLE", [role])
    return role


def _role(account: Account, session: Session, reader: Reader, given: bool) -> Table:
    role = dotted([reader.name()])
    must_have(account, "ROLE", [role])
    reader.expect("TO" if given else "FROM")
    to = reader.take_one("ROLE", "USER")
    if to is None:
        raise reader.unexpected()
    name = dotted([reader.name()])
    reader.end()
    must_have(account, to, [name])
    if not privileges.may_grant(account, session, "USAGE", "ROLE", [role]):
        raise privileges.refused("role", role)
    if given:
        account.catalogue.grant_role(role, to, name, session.role)
    else:
        account.catalogue.revoke_role(role, to, name)
    return status("Statement executed successfully.")


def _objects(
    account: Account, session: Session, target: Target, words: list[str], role: str, given: bool, option: bool
) -> None:
    for path in target.paths:
        if not all(privileges.may_grant(account, session, word, target.kind, path) for word in words):
            raise privileges.refused(target.kind, dotted(path))
    for path in target.paths:
        for word in words:
            if given:
                account.catalogue.grant(word, target.kind, dotted(path), role, session.role, option)
            else:
                account.catalogue.revoke(word, target.kind, dotted(path), role)
                if option:  # the privilege stays, only the right to give it on goes
                    account.catalogue.grant(word, target.kind, dotted(path), role, session.role)


def _ownership(account: Account, session: Session, target: Target, role: str) -> None:
    for path in target.paths:
        if not privileges.may_grant(account, session, "OWNERSHIP", target.kind, path):
            raise privileges.refused(target.kind, dotted(path))
        if target.kind not in account.catalogue.objects:
            raise missing(target.kind, dotted(path))
        account.catalogue.get(target.kind, path)["owner"] = role


def _future(
    account: Account, session: Session, target: Target, words: list[str], role: str, given: bool, option: bool
) -> None:
    catalogue = account.catalogue
    place = dotted(target.place)
    of_managed = (
        target.place_kind == "SCHEMA"
        and catalogue.get("SCHEMA", target.place).get("managed")
        and privileges.owns(account, session, "SCHEMA", target.place)
    )
    if not of_managed and not privileges.has(account, session, "MANAGE GRANTS", "ACCOUNT", ACCOUNT):
        raise privileges.refused(target.place_kind, place)
    for word in words:
        key = {"privilege": word, "on": target.kind, "in_kind": target.place_kind, "in": place, "grantee": role}
        same = [row for row in catalogue.future if key.items() <= row.items()]
        if given and not same:
            catalogue.future.append({**key, "option": option, "by": session.role, "created": time.time()})
        elif given:
            same[0]["option"] = same[0]["option"] or option
        elif option:
            for row in same:
                row["option"] = False
        else:
            catalogue.future = [row for row in catalogue.future if row not in same]


def apply_future(account: Account, kind: str, path: list[str]) -> None:
    """Give a new object the privileges that were promised. Those of its schema go before its database's."""
    catalogue = account.catalogue
    of_kind = [row for row in catalogue.future if row["on"] == kind]
    near = [row for row in of_kind if row["in_kind"] == "SCHEMA" and row["in"] == dotted(path[:2])]
    for row in near or [row for row in of_kind if row["in_kind"] == "DATABASE" and row["in"] == dotted(path[:1])]:
        if row["privilege"] == "OWNERSHIP":
            catalogue.get(kind, path)["owner"] = row["grantee"]
        else:
            catalogue.grant(row["privilege"], kind, dotted(path), row["grantee"], row["by"], row["option"])
