# SPDX-License-Identifier: GPL-3.0-or-later
"""CREATE, ALTER, DROP, USE and SHOW of warehouses. They compute nothing; a suspended one may be used."""

from __future__ import annotations

import time

from lab.cloud.snowflake import privileges
from lab.cloud.snowflake.answers import Table, executed, status
from lab.cloud.snowflake.context import Account, must_have
from lab.cloud.snowflake.engine import Session
from lab.cloud.snowflake.errors import SqlError, exists, invalid, not_found
from lab.cloud.snowflake.filters import Filter
from lab.cloud.snowflake.parts import Creation
from lab.cloud.snowflake.sql import Reader, dotted

_SIZES = {
    "XSMALL": "X-Small",
    "SMALL": "Small",
    "MEDIUM": "Medium",
    "LARGE": "Large",
    "XLARGE": "X-Large",
    "XXLARGE": "2X-Large",
    "XXXLARGE": "3X-Large",
    "X4LARGE": "4X-Large",
    "X5LARGE": "5X-Large",
    "X6LARGE": "6X-Large",
}
_SIZES_OF_OLD = {"2XLARGE": "XXLARGE", "3XLARGE": "XXXLARGE", "4XLARGE": "X4LARGE", "5XLARGE": "X5LARGE"}
_DEFAULTS = {
    "WAREHOUSE_SIZE": "XSMALL",
    "WAREHOUSE_TYPE": "STANDARD",
    "AUTO_SUSPEND": 600,
    "AUTO_RESUME": True,
    "MIN_CLUSTER_COUNT": 1,
    "MAX_CLUSTER_COUNT": 1,
    "SCALING_POLICY": "STANDARD",
    "RESOURCE_MONITOR": "null",
    "ENABLE_QUERY_ACCELERATION": False,
    "QUERY_ACCELERATION_MAX_SCALE_FACTOR": 8,
    "STATEMENT_TIMEOUT_IN_SECONDS": 172800,
    "STATEMENT_QUEUED_TIMEOUT_IN_SECONDS": 0,
    "MAX_CONCURRENCY_LEVEL": 8,
}
_COLUMNS = (
    *("name", "state", "type", "size", "min_cluster_count", "max_cluster_count", "started_clusters", "running"),
    *("queued", "is_default", "is_current", "auto_suspend", "auto_resume", "available", "provisioning", "quiescing"),
    *("other", "created_on", "resumed_on", "updated_on", "owner", "comment", "enable_query_acceleration"),
    *("query_acceleration_max_scale_factor", "resource_monitor", "actives", "pendings", "failed", "suspended"),
    *("scaling_policy", "budget", "owner_role_type", "resource_constraint"),
)


def _properties(reader: Reader, *more: str) -> dict:
    reader.take("WITH")
    given = reader.properties("COMMENT", *_DEFAULTS, *more)
    if "WAREHOUSE_SIZE" in given:
        size = str(given["WAREHOUSE_SIZE"]).upper().replace("-", "")
        size = _SIZES_OF_OLD.get(size, size)
        if size not in _SIZES:
            raise invalid(f"invalid property '{given['WAREHOUSE_SIZE']}' for 'WAREHOUSE_SIZE'")
        given["WAREHOUSE_SIZE"] = size
    for name, value in given.items():
        default = False if name in more else _DEFAULTS.get(name)
        right = int if isinstance(default, int) and not isinstance(default, bool) else bool
        nothing = value is None and name == "AUTO_SUSPEND"
        if isinstance(default, int) and type(value) is not right and not nothing:
            raise invalid(f"invalid value [{value}] for parameter '{name}'")
    return given


def create(account: Account, session: Session, reader: Reader, creation: Creation) -> Table:
    name = dotted([reader.name()])
    given = _properties(reader, "INITIALLY_SUSPENDED")
    privileges.need_account(account, session, "CREATE WAREHOUSE")
    known = account.catalogue.objects["WAREHOUSE"]
    if name in known:
        if creation.unless_exists:
            return status(f"{name} already exists, statement succeeded.")
        if not creation.replace:
            raise exists(name)
        account.catalogue.forget("WAREHOUSE", name)
    state = "SUSPENDED" if given.pop("INITIALLY_SUSPENDED", False) else "STARTED"
    comment = given.pop("COMMENT", "") or ""
    now = time.time()
    about = {"properties": {**_DEFAULTS, **given}, "state": state, "resumed": now, "updated": now}
    account.catalogue.add("WAREHOUSE", name, session.role, comment=comment, **about)
    session.warehouse = name
    return status(f"Warehouse {name} successfully created.")


def alter(account: Account, session: Session, reader: Reader, if_exists: bool) -> Table:
    name = dotted([reader.name()])
    known = account.catalogue.objects["WAREHOUSE"]
    if if_exists and name not in known:
        return executed()
    must_have(account, "WAREHOUSE", [name])
    if verb := reader.take_one("SUSPEND", "RESUME IF SUSPENDED", "RESUME"):
        reader.end()
        privileges.need_owner(account, session, "WAREHOUSE", [name], also="OPERATE")
        _run(known[name], name, verb)
        return executed()
    privileges.need_owner(account, session, "WAREHOUSE", [name])
    if reader.take("RENAME", "TO"):
        new = dotted([reader.name()])
        reader.end()
        if new in known:
            raise exists(new)
        account.catalogue.rename("WAREHOUSE", name, new)
    elif reader.take("UNSET"):
        while not reader.ended:
            unset = reader.name()
            reader.take(",")
            _set(known[name], {unset: _DEFAULTS.get(unset, "")})
    else:
        reader.expect("SET")
        _set(known[name], _properties(reader, "WAIT_FOR_COMPLETION"))
    return executed()


def _run(about: dict, name: str, verb: str) -> None:
    state = "SUSPENDED" if verb == "SUSPEND" else "STARTED"
    if about["state"] == state and verb != "RESUME IF SUSPENDED":
        number, what = (90064, "suspended") if verb == "SUSPEND" else (90063, "resumed")
        raise SqlError(number, "22000", f"Invalid state. Warehouse '{name}' cannot be {what}.")
    if state == "STARTED" and about["state"] != state:
        about["resumed"] = time.time()
    about["state"] = state


def _set(about: dict, given: dict) -> None:
    given.pop("WAIT_FOR_COMPLETION", None)
    if "COMMENT" in given:
        about["comment"] = given.pop("COMMENT") or ""
    about["properties"].update(given)
    about["updated"] = time.time()


def drop(account: Account, session: Session, path: list[str]) -> Table:
    """Drop one that is there."""
    name = dotted(path)
    privileges.need_owner(account, session, "WAREHOUSE", path)
    account.catalogue.forget("WAREHOUSE", name)
    for other in account.sessions.values():
        other.warehouse = None if other.warehouse == name else other.warehouse
    return status(f"{name} successfully dropped.")


def use(account: Account, session: Session, reader: Reader) -> Table:
    name = dotted([reader.name()])
    reader.end()
    if name not in account.catalogue.objects["WAREHOUSE"]:
        raise not_found(name)
    session.warehouse = name
    return executed()


def show(account: Account, session: Session, reader: Reader) -> Table:
    wanted = Filter.read(reader)
    known = sorted(account.catalogue.objects["WAREHOUSE"].items())
    return Table.of(_COLUMNS, wanted.of([_row(session, name, about) for name, about in known]))


def _row(session: Session, name: str, about: dict) -> dict:
    properties = about["properties"]
    started = about["state"] == "STARTED"
    zeros = dict.fromkeys(("running", "queued", "actives", "pendings", "failed", "suspended"), 0)
    lower = ("auto_suspend", "auto_resume", "min_cluster_count", "max_cluster_count", "scaling_policy")
    lower += ("resource_monitor", "enable_query_acceleration", "query_acceleration_max_scale_factor")
    return {
        **zeros,
        **{column: properties[column.upper()] for column in lower},
        "name": name,
        "state": about["state"],
        "type": properties["WAREHOUSE_TYPE"],
        "size": _SIZES[properties["WAREHOUSE_SIZE"]],
        "started_clusters": int(started),
        "is_default": "N",
        "is_current": "Y" if session.warehouse == name else "N",
        "available": "100" if started else "",
        "created_on": about["created"],
        "resumed_on": about["resumed"],
        "updated_on": about["updated"],
        "owner": about["owner"],
        "comment": about["comment"],
        "budget": None,
        "owner_role_type": "ROLE",
        "resource_constraint": "STANDARD_GEN_1",
    }
