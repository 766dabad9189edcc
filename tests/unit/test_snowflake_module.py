"""The module snowflake_objects against a small Snowflake, with the connector that is installed."""

from pathlib import Path

import pytest
import yaml
from ansible_collections.sophia.platform.plugins.modules import snowflake_objects
from module_runs import run
from snowflake_server import Catalogue, served

ROOT = Path(__file__).resolve().parents[2]
PASSWORD = "pa55-of-the-simulator"
WANTED = yaml.safe_load((ROOT / "inventories/common/group_vars/all/warehouse.yml").read_text())["platform_warehouse"]
SMALL = {
    "databases": [
        {
            "name": "d",
            "comment": "it's",
            "schemas": [{"name": "s", "tables": [{"name": "t", "columns": [{"name": "a", "type": "int"}]}]}],
        }
    ],
    "roles": [{"name": "reader", "granted_to": ["sysadmin"]}],
    "grants": [{"role": "reader", "privileges": ["usage"], "object": {"kind": "schema", "name": "d.s"}}],
}


@pytest.fixture
def module(monkeypatch, capsys):
    """Run the module against a server."""

    def call(port, wanted=SMALL, *, check=False, **options):
        where = {"host": "127.0.0.1", "port": port, "protocol": "http", "login_timeout_seconds": 2}
        connection = {"account": "org-acct", "user": "svc", "password": PASSWORD, "network_timeout_seconds": 2}
        options = {**connection, **where, **wanted, **options}
        came = run(snowflake_objects.main, monkeypatch, capsys, check=check, **options)
        assert PASSWORD not in came.said
        return {**came.result, "warnings": came.warnings}

    return call


def test_the_platforms_objects_are_made_once_and_then_left_alone(module):
    catalogue = Catalogue()
    with served(catalogue) as (port, logins):
        foretold = module(port, WANTED, check=True)
        assert (catalogue.writes, foretold["changed"]) == ([], True)
        made = module(port, WANTED)
        assert catalogue.writes == [statement["sql"] for statement in made["statements"]]
        count = len(catalogue.writes)
        again, again_checked = module(port, WANTED), module(port, WANTED, check=True)
    assert foretold["statements"] == made["statements"]
    assert foretold["diff"] == made["diff"]
    assert made["diff"]["after"].count(";  -- ") == count == made["done_count"]
    assert made["changed"] is True
    assert "failed" not in made
    for result in (again, again_checked):
        assert (result["changed"], result["statements"], result["diff"]["after"]) == (False, [], "")
        assert result["warnings"] == []
    assert len(catalogue.writes) == count
    assert catalogue.tables["SOPHIA_AI_PRODUCTION", "AI_MEMORY", "MEMORIES"]["columns"][4][1] == "VECTOR(FLOAT, 768)"
    assert len(logins) == 4  # one session each
    assert logins[0]["SESSION_PARAMETERS"]["QUERY_TAG"] == "ansible"


def test_after_a_failure_a_rerun_goes_on(module):
    catalogue = Catalogue()
    catalogue.faults = [("CREATE ROLE", 3001, "42501", "Insufficient privileges to operate on account")]
    with served(catalogue) as (port, _logins):
        failed = module(port)
        catalogue.faults = []
        healed, settled = module(port), module(port)
    assert (failed["failed"], failed["changed"], failed["errno"], failed["done_count"]) == (True, True, 3001, 2)
    assert failed["failed_statement"] == "CREATE ROLE IF NOT EXISTS READER"
    for words in ("Could not create role READER.", "as USERADMIN (errno 3001)", "Insufficient privileges", "lacks a"):
        assert words in failed["msg"]
    assert "Done before it: create database D; create schema D.S. Statements not sent: 3." in failed["msg"]
    assert [statement["text"] for statement in healed["statements"]] == [
        "create role READER",
        "grant role READER to role SYSADMIN",
        "grant USAGE on schema D.S to role READER",
        "create table D.S.T",
    ]
    assert settled["changed"] is False


def test_drift_is_put_right_and_a_wrong_type_forbids_every_write(module):
    catalogue = Catalogue()
    with served(catalogue) as (port, _logins):
        module(port)
        catalogue.databases["D"][0] = "changed by hand"
        put_right = module(port)
        catalogue.tables["D", "S", "T"]["columns"][0][1] = "VARCHAR(10)"
        catalogue.databases["D"][0] = "changed by hand"
        before = len(catalogue.writes)
        refused = module(port)
    assert [statement["sql"] for statement in put_right["statements"]] == ["ALTER DATABASE D SET COMMENT = 'it''s'"]
    assert refused["msg"].startswith("Nothing was written. table D.S.T, column A is VARCHAR(10), wanted NUMBER(38,0)")
    assert (len(catalogue.writes), refused["changed"]) == (before, False)


def test_an_object_that_the_role_cannot_see_is_no_change(module):
    catalogue = Catalogue()
    catalogue.databases["D"] = ["it's", "1"]
    catalogue.databases["D_"] = catalogue.databases["d"] = ["another", "1"]
    catalogue.hidden = {"D"}
    with served(catalogue) as (port, _logins):
        came = module(port, {"databases": [{"name": "d"}]}, manage=["databases"])
    assert (came["changed"], came["done_count"]) == (False, 0)
    assert "which SYSADMIN did not see" in came["warnings"][0]
    assert [sql for _role, sql in catalogue.statements] == [
        "USE ROLE SYSADMIN",
        "SHOW DATABASES LIKE 'D'",
        "CREATE DATABASE IF NOT EXISTS D",
    ]


@pytest.mark.parametrize(
    ("code", "said", "words"),
    [
        ("390100", "Incorrect username or password was specified.", "the user or the password is wrong"),
        ("390144", f"JWT token is invalid {PASSWORD}", "RSA_PUBLIC_KEY"),
        ("390189", "Role 'X' is not granted to this user.", "the role is not granted"),
    ],
)
def test_a_refused_login_says_what_to_look_at(module, code, said, words):
    with served(Catalogue(), login_error=(code, said)) as (port, _logins):
        came = module(port)
    assert came["msg"].startswith(f"Signing in to Snowflake as svc at org-acct failed (errno {code}): ")
    assert words in came["msg"]
    assert (came["errno"], came["changed"]) == (int(code), False)


def test_a_role_that_the_user_lacks_is_told_before_anything_is_written(module):
    catalogue = Catalogue()
    with served(catalogue) as (port, _logins):
        came = module(port, object_role="MY_ADMIN")
    assert "Snowflake refused `USE ROLE MY_ADMIN` (errno 2043)" in came["msg"]
    assert "name another role" in came["msg"]
    assert catalogue.writes == []


def test_wrong_options_send_nothing(module):
    catalogue = Catalogue()
    with served(catalogue) as (port, logins):
        came = module(
            port, account="acme.snowflakecomputing.com", password="", object_role="a b", login_timeout_seconds=0
        )
    assert logins == []
    for words in ("without .snowflakecomputing.com", "a credential is needed", "object_role: 'a b'", "a time-out is"):
        assert words in came["msg"]


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (
            {"private_key": "-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----"},
            "private_key is not a private key",
        ),
        ({"private_key_path": "/nonexistent/key.p8"}, "/nonexistent/key.p8 cannot be read: No such file"),
    ],
)
def test_a_key_that_is_none_is_told_without_it(module, key, words):
    came = module(1, **key)
    assert words in came["msg"]
    assert "abc" not in came["msg"]
