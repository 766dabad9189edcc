"""Snowflake's names, texts, types and statements."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.snowflake import ddl, errors, want
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.column_types import canonical, described
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.names import (
    resolve,
    resolve_path,
    sql_name,
    sql_text,
    told_path,
)


@pytest.mark.parametrize(
    ("written", "stored", "sql"),
    [
        ("memories", "MEMORIES", "MEMORIES"),
        ("Ai_Memory$1", "AI_MEMORY$1", "AI_MEMORY$1"),
        ('"memories"', "memories", '"memories"'),
        ('"MEMORIES"', "MEMORIES", "MEMORIES"),
        ('"my table"', "my table", '"my table"'),
        ('"say ""hi"""', 'say "hi"', '"say ""hi"""'),
        ("order", "ORDER", '"ORDER"'),
        ('"1st"', "1st", '"1st"'),
        ("A" * 255, "A" * 255, "A" * 255),
    ],
)
def test_names_fold_unless_they_are_quoted(written, stored, sql):
    assert resolve(written) == stored
    assert sql_name(stored) == sql
    assert told_path(sql) == (stored,)


@pytest.mark.parametrize(
    "written", ["", '""', "1st", "my-db", "a.b", "a;drop", 'a"b', '"a"b"', '"a\nb"', "A" * 256, "é"]
)
def test_what_is_no_name_is_refused(written):
    with pytest.raises(ValueError, match=r"name|quote|shown"):
        resolve(written)


def test_names_of_several_parts():
    assert resolve_path('db."a.b".T', 3) == ("DB", "a.b", "T")
    assert sql_name("DB", "a.b", "T") == 'DB."a.b".T'
    assert told_path('DB."a.b".T') == ("DB", "a.b", "T")
    assert told_path("mixed.T") == ("mixed", "T")
    for wrong in ("db", "db.s.t.u"):
        with pytest.raises(ValueError, match=r"has \d part"):
            resolve_path(wrong, 2)
    for wrong in ("db..t", ".t", "db.", "", 'db."t'):
        with pytest.raises(ValueError, match="name"):
            resolve_path(wrong)


def test_texts_end_where_they_end():
    assert sql_text("it's") == "'it''s'"
    assert sql_text("a\\'; DROP") == "'a\\\\''; DROP'"


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("int", "NUMBER(38,0)"),
        ("bigint", "NUMBER(38,0)"),
        ("number", "NUMBER(38,0)"),
        ("decimal(10, 2)", "NUMBER(10,2)"),
        ("numeric(5)", "NUMBER(5,0)"),
        ("NUMBER(38,0)", "NUMBER(38,0)"),
        ("double precision", "FLOAT"),
        ("real", "FLOAT"),
        ("varchar", "VARCHAR(16777216)"),
        ("string(20)", "VARCHAR(20)"),
        ("text", "VARCHAR(16777216)"),
        ("char", "VARCHAR(1)"),
        ("binary", "BINARY(8388608)"),
        ("bool ean", None),
        ("boolean", "BOOLEAN"),
        ("date", "DATE"),
        ("time", "TIME(9)"),
        ("timestamp", "TIMESTAMP_NTZ(9)"),
        ("datetime", "TIMESTAMP_NTZ(9)"),
        ("timestamp_ntz(3)", "TIMESTAMP_NTZ(3)"),
        ("timestamp_ltz", "TIMESTAMP_LTZ(9)"),
        ("timestamp with time zone", "TIMESTAMP_TZ(9)"),
        ("timestamp(3) with time zone", "TIMESTAMP_TZ(3)"),
        ("variant", "VARIANT"),
        ("vector(float,768)", "VECTOR(FLOAT, 768)"),
        ("Vector( int , 4096 )", "VECTOR(INT, 4096)"),
        ("vector(float, 4097)", None),
        ("vector(float)", None),
        ("vector(text, 3)", None),
        ("vector", None),
        ("number(39)", None),
        ("number(2,3)", None),
        ("varchar(0)", None),
        ("varchar(1,2)", None),
        ("varchar(x)", None),
        ("boolean(1)", None),
        ("timestamp_ntz(10)", None),
        ("jsonb", None),
        ("int); drop table t", None),
        ("", None),
    ],
)
def test_types_have_one_form(written, shown):
    if shown is None:
        with pytest.raises(ValueError, match="type"):
            canonical(written)
        return
    assert canonical(written) == shown
    assert canonical(shown) == shown


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ('{"type":"FIXED","precision":10,"scale":2,"nullable":true}', "NUMBER(10,2)"),
        ('{"type":"TEXT","length":16777216,"byteLength":16777216}', "VARCHAR(16777216)"),
        ('{"type":"TIMESTAMP_NTZ","precision":0,"scale":9}', "TIMESTAMP_NTZ(9)"),
        ('{"type":"REAL","nullable":true}', "FLOAT"),
        ('{"type":"VARIANT"}', "VARIANT"),
        ('{"type":"BINARY","length":8388608}', "BINARY(8388608)"),
        ('{"type":"VECTOR","dimension":768,"vectorElementType":{"type":"REAL"}}', "VECTOR(FLOAT, 768)"),
        ('{"type":"VECTOR","dimension":8,"vectorElementType":"INT"}', "VECTOR(INT, 8)"),
        ('{"type":"VECTOR","dimension":8}', None),
        ('{"type":"FIXED","precision":10}', None),
        ('{"kind":"new"}', None),
        ("{", None),
        ("FILE", None),
    ],
)
def test_told_types_are_read_in_both_forms(told, shown):
    assert described(told) == shown


COLUMN = want.Column("ID", "VARCHAR(16777216)", nullable=False, primary_key=True)
NOTE = want.Column("note", "BINARY(8388608)", default="'x'", comment="it's")
GRANT = want.Grant("R", "SELECT", "TABLE", ("D", "S", "T"))


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (ddl.create_database(want.Database("D")), "CREATE DATABASE IF NOT EXISTS D"),
        (
            ddl.create_database(want.Database("my db", "it's", 0)),
            "CREATE DATABASE IF NOT EXISTS \"my db\" DATA_RETENTION_TIME_IN_DAYS = 0 COMMENT = 'it''s'",
        ),
        (
            ddl.create_schema(want.Schema(("D", "S"), "c", True)),
            "CREATE SCHEMA IF NOT EXISTS D.S WITH MANAGED ACCESS COMMENT = 'c'",
        ),
        (ddl.create_schema(want.Schema(("D", "S"), None, False)), "CREATE SCHEMA IF NOT EXISTS D.S"),
        (ddl.set_managed_access(("D", "S"), False), "ALTER SCHEMA D.S DISABLE MANAGED ACCESS"),
        (
            ddl.create_table(want.Table(("D", "S", "T"), (COLUMN, NOTE), "c")),
            "CREATE TABLE IF NOT EXISTS D.S.T (ID VARCHAR(16777216) NOT NULL, "
            "\"note\" BINARY DEFAULT 'x' COMMENT 'it''s', PRIMARY KEY (ID)) COMMENT = 'c'",
        ),
        (
            ddl.add_column(("D", "S", "T"), want.Column("V", "VECTOR(FLOAT, 768)")),
            "ALTER TABLE D.S.T ADD COLUMN IF NOT EXISTS V VECTOR(FLOAT, 768)",
        ),
        (
            ddl.add_column(("D", "S", "T"), want.Column("N", "NUMBER(38,0)", False, "0")),
            "ALTER TABLE D.S.T ADD COLUMN N NUMBER(38,0) DEFAULT 0 NOT NULL",
        ),
        (
            ddl.create_warehouse(want.Warehouse("W", "XSMALL", 60, True, "c")),
            "CREATE WAREHOUSE IF NOT EXISTS W WAREHOUSE_SIZE = 'XSMALL' AUTO_SUSPEND = 60 AUTO_RESUME = TRUE "
            "COMMENT = 'c' INITIALLY_SUSPENDED = TRUE",
        ),
        (ddl.create_role(want.Role("R")), "CREATE ROLE IF NOT EXISTS R"),
        (ddl.grant_role("R", "USER", "a.b@c"), 'GRANT ROLE R TO USER "a.b@c"'),
        (ddl.grant(["SELECT", "INSERT"], GRANT), "GRANT SELECT, INSERT ON TABLE D.S.T TO ROLE R"),
        (
            ddl.grant(["SELECT"], want.Grant("R", "", "TABLE", ("D", "S"), True)),
            "GRANT SELECT ON FUTURE TABLES IN SCHEMA D.S TO ROLE R",
        ),
        (
            ddl.grant(["USAGE"], want.Grant("R", "", "SCHEMA", ("D",), True)),
            "GRANT USAGE ON FUTURE SCHEMAS IN DATABASE D TO ROLE R",
        ),
    ],
)
def test_statements(statement, expected):
    assert statement == expected


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("XSMALL", "XSMALL"),
        ("X-Small", "XSMALL"),
        ("medium", "MEDIUM"),
        ("2X-Large", "2XLARGE"),
        ("XXLARGE", "2XLARGE"),
        ("X4LARGE", "4XLARGE"),
        ("XXXLARGE", "3XLARGE"),
        ("X-Large", "XLARGE"),
        ("huge", None),
    ],
)
def test_sizes_have_one_form(written, size):
    assert want.canonical_size(written) == size


@pytest.mark.parametrize(
    ("message", "text"),
    [
        (
            "002003 (02000): SQL compilation error:\nDatabase 'D' does not exist.",
            "SQL compilation error: Database 'D' does not exist",
        ),
        ("250001: Could not connect (request_id=1-2)", "Could not connect"),
        (None, "nothing more"),
    ],
)
def test_messages_lose_what_no_person_needs(message, text):
    assert errors.said(message) == text


@pytest.mark.parametrize(
    ("errno", "words"), [(390100, "password"), (390144, "key pair"), (394400, "access token"), (1, "")]
)
def test_logins_have_hints(errno, words):
    hint = errors.login_hint(errno)
    assert words in hint
    assert bool(words) is bool(hint)
