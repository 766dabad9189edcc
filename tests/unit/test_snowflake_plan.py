"""From what Snowflake holds to what it should hold."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.plan import Roles, make_plan
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.read import Found
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.want import (
    MANAGE,
    Column,
    Database,
    Grant,
    Role,
    Schema,
    Table,
    Wanted,
    Warehouse,
    read_options,
)

TEXT, NUMBER = "VARCHAR(16777216)", "NUMBER(38,0)"
HELD = {
    "databases": {"D": Database("D", "old", 1)},
    "schemas": {("D", "S"): Schema(("D", "S"), "old", False)},
    "tables": {("D", "S", "T"): Table(("D", "S", "T"), (Column("A", TEXT, True, comment="old"),), "old")},
    "warehouses": {"W": Warehouse("W", "XSMALL", 60, True, "old")},
    "roles": {"R": Role("R", "old", ("SYSADMIN",), ("ALICE",))},
    "grants": {Grant("R", "USAGE", "DATABASE", ("D",)), Grant("R", "SELECT", "TABLE", ("D", "S"), True)},
}


def plan(found=None, **wanted):
    return make_plan(
        Wanted(**wanted), Found(**({**HELD, "grants": set(HELD["grants"])} if found is None else found)), Roles()
    )


def table(*columns, comment=None):
    return Table(("D", "S", "T"), columns, comment)


@pytest.mark.parametrize(
    ("wanted", "sql"),
    [
        ({"databases": [Database("D")]}, []),
        ({"databases": [Database("D", "old", 1)]}, []),
        ({"databases": [Database("D", "new", 1)]}, ["ALTER DATABASE D SET COMMENT = 'new'"]),
        ({"databases": [Database("D", "", 7)]}, ["ALTER DATABASE D SET DATA_RETENTION_TIME_IN_DAYS = 7 COMMENT = ''"]),
        ({"schemas": [Schema(("D", "S"), None, None)]}, []),
        ({"schemas": [Schema(("D", "S"), "old", True)]}, ["ALTER SCHEMA D.S ENABLE MANAGED ACCESS"]),
        ({"schemas": [Schema(("D", "S"), "new", False)]}, ["ALTER SCHEMA D.S SET COMMENT = 'new'"]),
        ({"warehouses": [Warehouse("W", "XSMALL", 60, True, "old")]}, []),
        ({"warehouses": [Warehouse("W", initially_suspended=False)]}, []),
        (
            {"warehouses": [Warehouse("W", "SMALL", 0, False, "old")]},
            ["ALTER WAREHOUSE W SET WAREHOUSE_SIZE = 'SMALL' AUTO_SUSPEND = 0 AUTO_RESUME = FALSE"],
        ),
        ({"roles": [Role("R", "old", ("SYSADMIN",), ("ALICE",))]}, []),
        (
            {"roles": [Role("R", "new", ("SYSADMIN", "R2"), ("BOB",))]},
            ["ALTER ROLE R SET COMMENT = 'new'", "GRANT ROLE R TO ROLE R2", "GRANT ROLE R TO USER BOB"],
        ),
        ({"grants": sorted(HELD["grants"], key=str)}, []),
        (
            {"grants": [Grant("R", name, "DATABASE", ("D",)) for name in ("MODIFY", "USAGE", "MONITOR")]},
            ["GRANT MODIFY, MONITOR ON DATABASE D TO ROLE R"],
        ),
        (
            {"grants": [Grant("R", "SELECT", "TABLE", ("D",), True)]},
            ["GRANT SELECT ON FUTURE TABLES IN DATABASE D TO ROLE R"],
        ),
        ({"tables": [table(Column("A", TEXT))]}, []),
        ({"tables": [table(Column("A", TEXT, comment="old"), comment="old")]}, []),
        ({"tables": [table(Column("A", TEXT), comment="new")]}, ["ALTER TABLE D.S.T SET COMMENT = 'new'"]),
        (
            {"tables": [table(Column("A", TEXT, comment="new"))]},
            ["ALTER TABLE D.S.T ALTER COLUMN A COMMENT 'new'"],
        ),
        (
            {"tables": [table(Column("A", TEXT), Column("V", "VECTOR(FLOAT, 768)"))]},
            ["ALTER TABLE D.S.T ADD COLUMN IF NOT EXISTS V VECTOR(FLOAT, 768)"],
        ),
    ],
)
def test_only_what_differs_is_changed(wanted, sql):
    made = plan(**wanted)
    assert [statement.sql for statement in made.statements] == sql
    assert (made.problems, made.warnings) == ([], [])


def test_what_a_server_does_not_tell_is_not_compared():
    found = {
        "databases": {"D": Database("D")},
        "schemas": {("D", "S"): Schema(("D", "S"))},
        "tables": {("D", "S", "T"): table(Column("A", TEXT, None))},
    }
    wanted = {
        "databases": [Database("D", "c", 7)],
        "schemas": [Schema(("D", "S"), "c", True)],
        "tables": [table(Column("A", TEXT, False, comment="c"), comment="c")],
    }
    made = plan(found, **wanted)
    assert (made.statements, made.problems, made.warnings) == ([], [], [])


def test_an_empty_account_is_filled_in_an_order_that_works():
    made = plan(
        {},
        databases=[Database("D")],
        schemas=[Schema(("D", "S")), Schema(("D", "PUBLIC"), "c", True)],
        tables=[table(Column("A", TEXT))],
        warehouses=[Warehouse("W")],
        roles=[Role("R", None, ("Q",)), Role("Q")],
        grants=[Grant("R", "SELECT", "TABLE", ("D", "S", "T")), Grant("R", "SELECT", "TABLE", ("D", "S"), True)],
    )
    assert [(statement.role, statement.text) for statement in made.statements] == [
        ("SYSADMIN", "create database D"),
        ("SYSADMIN", "create schema D.S"),
        ("SYSADMIN", "create schema D.PUBLIC"),
        ("SYSADMIN", "enable managed access of schema D.PUBLIC"),
        ("SYSADMIN", "set comment of schema D.PUBLIC"),
        ("SYSADMIN", "create warehouse W"),
        ("USERADMIN", "create role R"),
        ("USERADMIN", "create role Q"),
        ("SECURITYADMIN", "grant role R to role Q"),
        ("SECURITYADMIN", "grant SELECT on future tables in D.S to role R"),
        ("SYSADMIN", "create table D.S.T"),
        ("SECURITYADMIN", "grant SELECT on table D.S.T to role R"),
    ]


def test_an_owner_needs_no_grant_but_owning_future_objects_is_something_else():
    path = ("D", "S")
    found = {"grants": {Grant("R", "OWNERSHIP", "SCHEMA", path), Grant("R", "OWNERSHIP", "TABLE", path, True)}}
    made = plan(found, grants=[Grant("R", "USAGE", "SCHEMA", path), Grant("R", "SELECT", "TABLE", path, True)])
    assert [statement.sql for statement in made.statements] == ["GRANT SELECT ON FUTURE TABLES IN SCHEMA D.S TO ROLE R"]


def test_what_cannot_be_done_is_told_all_at_once():
    made = plan(
        schemas=[Schema(("GONE", "S"))],
        tables=[
            Table(("D", "NO_SCHEMA", "T"), (Column("A", TEXT),)),
            table(
                Column("A", NUMBER),
                Column("B", TEXT, False),
                Column("C", TEXT, False, primary_key=True),
                Column("OK", TEXT, False, "'x'"),
            ),
        ],
    )
    for words in (
        "database GONE does not exist, and `manage` lacks databases",
        "schema D.NO_SCHEMA does not exist, and `manage` lacks schemas",
        f"table D.S.T, column A is {TEXT}, wanted {NUMBER}",
        "column B is missing, and one that is not nullable needs a default",
        "column C is missing, and a primary key is not added",
    ):
        assert [problem for problem in made.problems if words in problem], words
    assert len(made.problems) == 5


def test_a_column_that_may_be_null_and_should_not_is_only_told():
    made = plan(tables=[table(Column("A", TEXT, False))])
    assert (made.statements, made.problems) == ([], [])
    assert made.warnings == ["Table D.S.T, column A is nullable, which is not as wanted; it is left so."]


def options(**given):
    return {"databases": [], "warehouses": [], "roles": [], "grants": [], "manage": list(MANAGE), **given}


def database(name, schemas=(), days=None):
    return {"name": name, "comment": None, "data_retention_days": days, "schemas": list(schemas)}


def schema(name, tables=()):
    return {"name": name, "comment": None, "managed_access": None, "tables": list(tables)}


def column(name, kind="int", nullable=None, primary_key=False):
    given = {"default": None, "comment": None, "primary_key": primary_key}
    return {"name": name, "type": kind, "nullable": nullable, **given}


def test_wrong_options_are_told_all_at_once():
    columns = [column("a"), column("A"), column("b", "jsonb"), column("c", primary_key=True, nullable=True)]
    tables = [{"name": "t", "comment": None, "columns": columns}, {"name": "T", "comment": None, "columns": []}]
    warehouse = {"name": "w", "size": "huge", "auto_suspend_seconds": -1, "auto_resume": None}
    on = {"kind": "schema", "name": "db"}
    _wanted, problems = read_options(
        options(
            databases=[database("my-db", days=91), database("d", [schema("information_schema"), schema("s", tables)])],
            warehouses=[{**warehouse, "comment": None, "initially_suspended": True}],
            roles=[{"name": "r", "comment": None, "granted_to": ["R", "1x"], "granted_to_users": []}],
            grants=[{"role": "r", "privileges": ["all", "ownership", "select;"], "object": on}],
        )
    )
    expected = [
        "database my-db: 'my-db' is not a name",
        "database my-db: data_retention_days is 0 to 90, not 91",
        "schema d.information_schema: this schema is Snowflake's own",
        "table d.s.t, column b: 'jsonb' is not a column type",
        "table d.s.t, column c: a primary key is not nullable",
        "table d.s.t: column A is there twice",
        "table d.s.T: T is there twice",
        "table d.s.T: a table has columns",
        "warehouse w: 'huge' is not a size",
        "warehouse w: auto_suspend_seconds is 0",
        "role r, granted_to: '1x' is not a name",
        "role r: a role is not granted to itself",
        "grant of r on schema db: the name has 1 parts, not 2",
        "grant of r on schema db: name the privileges",
        "grant of r on schema db: ownership is moved",
        "grant of r on schema db: 'SELECT;' is not a privilege",
    ]
    assert [problem for problem in problems if not any(problem.startswith(start) for start in expected)] == []
    assert len(problems) == len(expected)


def test_what_is_not_managed_is_not_wanted():
    wanted, problems = read_options(options(databases=[database("d", [schema("s")])], manage=["schemas"]))
    assert problems == []
    assert (wanted.databases, wanted.schemas) == ([], [Schema(("D", "S"), None, None)])
