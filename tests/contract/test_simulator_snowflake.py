# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated Snowflake account, started as the process that it is and asked through Snowflake's own connector."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import stat
import subprocess
import sys
import time
from pathlib import Path

import jwt
import pytest
import snowflake.connector
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from simulator_client import ask
from snowflake.connector import errors

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def started(*arguments):
    """The process; gives its URL, and ends it with SIGTERM."""
    command = [sys.executable, "-m", "lab.cloud.snowflake", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            place = json.loads(process.stdout.readline())
            yield f"http://{place['host']}:{place['port']}"
        finally:
            process.terminate()
            assert process.wait(20) == 0


@pytest.fixture(scope="session")
def url():
    with started() as where:
        yield where


@pytest.fixture(scope="session")
def keys():
    """Two RSA keys."""
    return [rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2)]


@pytest.fixture
def account(url):
    """The account as new, with one user."""
    ask("POST", f"{url}/lab/reset")
    ask("POST", f"{url}/lab/users", {"name": "ansible", "password": "pw"})
    return url


def connected(url, **options):
    given = {"user": "ansible", "password": "pw"} if "user" not in options else {}
    place = {"host": "127.0.0.1", "port": int(url.rpartition(":")[2]), "protocol": "http", "account": "lab"}
    return snowflake.connector.connect(**place, login_timeout=10, network_timeout=10, **given, **options)


@pytest.fixture
def run(account):
    """Executes statements in one session; gives the last one's rows by column name."""
    with connected(account) as connection:
        yield lambda *statements: rows(connection, *statements)


def rows(connection, *statements):
    found = []
    for statement in statements:
        cursor = connection.cursor(snowflake.connector.DictCursor)
        found = cursor.execute(statement).fetchall()
    return found


def pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def der(key):
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


PLATFORM = ("CREATE DATABASE plat", "CREATE SCHEMA plat.raw", "CREATE WAREHOUSE w INITIALLY_SUSPENDED=TRUE")


# logins


def test_a_key_pair_logs_in_whatever_the_case_of_the_name(account, keys):
    ask("POST", f"{account}/lab/users", {"name": "Svc", "public_key": pem(keys[0])})
    with connected(account, user="sVC", private_key=der(keys[0]), role="USERADMIN") as connection:
        assert rows(connection, "SELECT CURRENT_USER(), CURRENT_ROLE()") == [
            {"CURRENT_USER()": "SVC", "CURRENT_ROLE()": "USERADMIN"}
        ]


@pytest.mark.parametrize(
    "options", [{"password": "a-pat"}, {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": "a-pat"}]
)
def test_a_token_logs_in_both_ways(account, options):
    ask("POST", f"{account}/lab/users", {"name": "svc", "pat": "a-pat"})
    connected(account, user="svc", **options).close()


@pytest.mark.parametrize(
    "options, errno",
    [
        ({"user": "ansible", "password": "wrong"}, 390100),
        ({"user": "nobody", "password": "pw"}, 390100),
        ({"user": "ansible", "password": "pw", "role": "NOPE"}, 390189),
        ({"user": "ansible", "authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": "x"}, 394400),
    ],
)
def test_a_wrong_login_is_refused(account, options, errno):
    with pytest.raises(errors.DatabaseError) as refused:
        connected(account, **options)
    assert refused.value.errno == errno


def test_another_key_is_refused(account, keys):
    ask("POST", f"{account}/lab/users", {"name": "svc", "public_key": pem(keys[0])})
    with pytest.raises(errors.DatabaseError) as refused:
        connected(account, user="svc", private_key=der(keys[1]))
    assert refused.value.errno == 390144


def jwt_login(url, key, **changed):
    """The answer to a login with a token whose claims are changed."""
    spki = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    mark = base64.b64encode(hashlib.sha256(spki).digest()).decode()
    now = int(time.time())
    claims = {"iss": f"LAB.SVC.SHA256:{mark}", "sub": "LAB.SVC", "iat": now, "exp": now + 60, **changed}
    token = jwt.encode(claims, key, algorithm="RS256")
    data = {"ACCOUNT_NAME": "LAB", "LOGIN_NAME": "svc", "AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": token}
    return ask("POST", f"{url}/session/v1/login-request", {"data": data})


@pytest.mark.parametrize(
    "changed, code",
    [
        ({}, None),
        ({"exp": 1_000_000_000}, "390144"),
        ({"iss": "LAB.SVC.SHA256:x"}, "390144"),
        ({"sub": "LAB.OTHER"}, "390144"),
        ({"iat": 1}, "390144"),  # it would live too long
    ],
)
def test_the_claims_of_a_token_are_checked(account, keys, changed, code):
    ask("POST", f"{account}/lab/users", {"name": "svc", "public_key": pem(keys[0])})
    answer = jwt_login(account, keys[0], **changed)
    assert (answer.status, answer.json["code"]) == (200, code)


def test_a_login_answers_what_both_lines_of_the_connector_need(account):
    data = {"LOGIN_NAME": "ansible", "PASSWORD": "pw"}
    answer = ask("POST", f"{account}/session/v1/login-request", {"data": data}).json["data"]
    assert {"token", "masterToken", "validityInSeconds", "masterValidityInSeconds", "sessionId"} <= set(answer)
    assert ask("POST", f"{account}/telemetry/send", {}).json == {"success": True}


def test_secrets_are_not_told(account):
    ask("POST", f"{account}/lab/users", {"name": "svc", "pat": "a-pat", "roles": ["sysadmin"]})
    answer = ask("GET", f"{account}/lab/users").json
    assert {"name": "SVC", "roles": ["SYSADMIN"]} in answer
    assert all(set(user) == {"name", "roles"} for user in answer)


# databases, schemas, tables


def test_a_database_keeps_its_properties_and_has_two_schemas(run):
    run("CREATE DATABASE plat DATA_RETENTION_TIME_IN_DAYS=2 COMMENT='it''s'")
    found = run("SHOW DATABASES LIKE 'PLA_'")[0]
    assert (found["name"], found["comment"], found["retention_time"], found["owner"]) == (
        "PLAT",
        "it's",
        "2",
        "SYSADMIN",
    )
    run("ALTER DATABASE plat SET COMMENT='other' DATA_RETENTION_TIME_IN_DAYS=0")
    found = run("SHOW DATABASES")[0]
    assert (found["comment"], found["retention_time"]) == ("other", "0")
    assert [row["name"] for row in run("SHOW SCHEMAS IN DATABASE plat")] == ["INFORMATION_SCHEMA", "PUBLIC"]


def test_what_is_there_is_said_to_be_there(run):
    run(*PLATFORM, "CREATE TABLE plat.raw.t (id INT)")
    for kind, name in (("DATABASE", "plat"), ("SCHEMA", "plat.raw"), ("TABLE", "plat.raw.t"), ("WAREHOUSE", "w")):
        body = " (id INT)" if kind == "TABLE" else ""
        answer = run(f"CREATE {kind} IF NOT EXISTS {name}{body}")[0]["status"]
        assert answer == f"{name.rpartition('.')[2].upper()} already exists, statement succeeded."
        with pytest.raises(errors.ProgrammingError) as refused:
            run(f"CREATE {kind} {name}{body}")
        assert (refused.value.errno, refused.value.sqlstate) == (2002, "42710")


def test_managed_access_is_an_option_of_a_schema(run):
    run("CREATE DATABASE plat", "CREATE SCHEMA plat.raw WITH MANAGED ACCESS COMMENT='r'")
    assert run("SHOW SCHEMAS LIKE 'raw' IN DATABASE plat")[0]["options"] == "MANAGED ACCESS"
    run("ALTER SCHEMA plat.raw DISABLE MANAGED ACCESS")
    assert run("SHOW SCHEMAS LIKE '%AW' IN DATABASE plat")[0]["options"] == ""
    assert run("SHOW SCHEMAS LIKE 'ra' IN DATABASE plat") == []


def test_a_table_shows_its_columns_as_they_were_declared(run):
    run(
        *PLATFORM,
        "CREATE TABLE plat.raw.docs (id NUMBER(10) NOT NULL, body VARCHAR(100) COMMENT 'the text', "
        "v VECTOR(FLOAT, 768), meta VARIANT, at TIMESTAMP_NTZ, PRIMARY KEY (id)) COMMENT='docs'",
        "ALTER TABLE plat.raw.docs ADD COLUMN w VECTOR(INT, 3)",
    )
    found = run("DESCRIBE TABLE plat.raw.docs")
    assert [(row["name"], row["type"], row["null?"]) for row in found] == [
        ("ID", "NUMBER(10,0)", "N"),
        ("BODY", "VARCHAR(100)", "Y"),
        ("V", "VECTOR(FLOAT, 768)", "Y"),
        ("META", "VARIANT", "Y"),
        ("AT", "TIMESTAMP_NTZ(9)", "Y"),
        ("W", "VECTOR(INT, 3)", "Y"),
    ]
    assert (found[0]["primary key"], found[1]["comment"]) == ("Y", "the text")
    shown = {
        row["column_name"]: json.loads(row["data_type"])["type"] for row in run("SHOW COLUMNS IN TABLE plat.raw.docs")
    }
    assert (shown["ID"], shown["BODY"], shown["V"]) == ("FIXED", "TEXT", "VECTOR(FLOAT, 768)")
    listed = run("SELECT column_name, data_type FROM plat.information_schema.columns WHERE table_name = 'DOCS'")
    assert {"COLUMN_NAME": "V", "DATA_TYPE": "VECTOR(FLOAT, 768)"} in listed
    assert run("SHOW TABLES LIKE 'DOCS' IN SCHEMA plat.raw")[0]["comment"] == "docs"
    with pytest.raises(errors.ProgrammingError) as refused:
        run("ALTER TABLE plat.raw.docs ADD COLUMN w INT")
    assert refused.value.errno == 1430


def test_rows_go_in_and_come_back(run):
    run(*PLATFORM, "CREATE TABLE plat.raw.t (id INT, v VECTOR(FLOAT, 2))")
    run("INSERT INTO plat.raw.t SELECT 1, [1.5, 2]::VECTOR(FLOAT, 2)")
    found = run("SELECT id, v FROM plat.raw.t")[0]
    assert (found["ID"], json.loads(found["V"])) == (1, [1.5, 2])


def test_comments_and_properties_of_tables_change(run):
    run(*PLATFORM, "CREATE TABLE plat.raw.t (id INT)", "COMMENT ON TABLE plat.raw.t IS 'a'")
    run("COMMENT ON COLUMN plat.raw.t.id IS 'key'", "ALTER TABLE plat.raw.t SET DATA_RETENTION_TIME_IN_DAYS=5")
    found = run("SHOW TABLES IN DATABASE plat")[0]
    assert (found["comment"], found["retention_time"]) == ("a", "5")
    assert run("DESC TABLE plat.raw.t")[0]["comment"] == "key"


def test_drops_take_all_below_along(run):
    run(*PLATFORM, "CREATE TABLE plat.raw.t (id INT)", "DROP TABLE plat.raw.t")
    assert run("SHOW TABLES IN SCHEMA plat.raw") == []
    run("CREATE TABLE plat.raw.t (id INT)", "DROP SCHEMA plat.raw", "CREATE SCHEMA plat.raw")
    assert run("SHOW TABLES IN SCHEMA plat.raw") == []
    run("DROP DATABASE plat", "DROP DATABASE IF EXISTS plat")
    assert run("SHOW DATABASES") == []


@pytest.mark.parametrize(
    "statement, errno",
    [
        ("DROP DATABASE nope", 2003),
        ("CREATE SCHEMA nope.s", 2003),
        ("SHOW SCHEMAS IN DATABASE nope", 2043),
        ("USE DATABASE nope", 2043),
        ("USE WAREHOUSE nope", 2043),
        ("CREATE SCHEMA s", 90105),
        ("FROB x", 1003),
        ("CREATE WAREHOUSE w SIZE_OF_IT=3", 1003),
        ("CREATE WAREHOUSE w WAREHOUSE_SIZE='HUGE'", 1008),
        ("ALTER WAREHOUSE nope SET AUTO_SUSPEND=1", 2003),
        ("SELECT 1; SELECT 2", 8),
        ("CREATE ROLE r", 3001),
        ("SELECT * FROM a.b.c", 606),
    ],
)
def test_what_cannot_be_done_has_the_real_number(run, statement, errno):
    with pytest.raises(errors.ProgrammingError) as refused:
        run(statement)
    assert refused.value.errno == errno


# warehouses, roles, grants


def test_a_warehouse_shows_what_was_set(run):
    run(
        "CREATE WAREHOUSE w WAREHOUSE_SIZE='XSMALL' AUTO_SUSPEND=60 AUTO_RESUME=TRUE "
        "INITIALLY_SUSPENDED=TRUE COMMENT='c'"
    )
    found = run("SHOW WAREHOUSES LIKE 'W'")[0]
    assert (found["state"], found["size"], found["auto_suspend"], found["auto_resume"]) == (
        "SUSPENDED",
        "X-Small",
        "60",
        "true",
    )
    run("ALTER WAREHOUSE w SET WAREHOUSE_SIZE=LARGE AUTO_SUSPEND=120 COMMENT='d'", "ALTER WAREHOUSE w RESUME")
    found = run("SHOW WAREHOUSES")[0]
    assert (found["state"], found["size"], found["auto_suspend"], found["comment"]) == ("STARTED", "Large", "120", "d")
    run("DROP WAREHOUSE w")
    assert run("SHOW WAREHOUSES") == []


def test_roles_are_made_granted_used_and_dropped(run):
    run("USE ROLE USERADMIN", "CREATE ROLE r COMMENT='x'", "CREATE ROLE other")
    with pytest.raises(errors.ProgrammingError) as refused:
        run("USE ROLE r")
    assert refused.value.errno == 3013
    run("GRANT ROLE r TO ROLE SYSADMIN", "GRANT ROLE other TO USER ansible", "USE ROLE r", "USE ROLE other")
    assert run("SELECT CURRENT_ROLE() AS r") == [{"R": "OTHER"}]
    assert [row["grantee_name"] for row in run("SHOW GRANTS OF ROLE r")] == ["SYSADMIN"]
    assert "OTHER" in [row["role"] for row in run("SHOW GRANTS TO USER ansible")]
    found = run("SHOW ROLES LIKE 'r'")
    assert [(row["name"], row["comment"], row["owner"]) for row in found] == [("R", "x", "USERADMIN")]
    run("USE ROLE USERADMIN", "REVOKE ROLE r FROM ROLE SYSADMIN")
    assert run("SHOW GRANTS OF ROLE r") == []
    run("DROP ROLE r")
    assert run("SHOW ROLES LIKE 'R'") == []


def given(found):
    return {(row["privilege"], row["granted_on"], row["name"]) for row in found}


def test_privileges_are_given_and_taken_back(run):
    run(*PLATFORM, "USE ROLE USERADMIN", "CREATE ROLE r", "USE ROLE SECURITYADMIN")
    run("GRANT USAGE, MODIFY ON DATABASE plat TO ROLE r", "GRANT USAGE ON WAREHOUSE w TO ROLE r")
    run("GRANT ALL ON SCHEMA plat.raw TO ROLE r", "GRANT USAGE ON DATABASE plat TO ROLE r")
    found = run("SHOW GRANTS TO ROLE r")
    assert {
        ("USAGE", "DATABASE", "PLAT"),
        ("USAGE", "WAREHOUSE", "W"),
        ("CREATE TABLE", "SCHEMA", "PLAT.RAW"),
    } <= given(found)
    assert len(given(found)) == len(found)
    on = [(row["privilege"], row["grantee_name"]) for row in run("SHOW GRANTS ON DATABASE plat")]
    assert on == [("MODIFY", "R"), ("OWNERSHIP", "SYSADMIN"), ("USAGE", "R")]
    run("REVOKE ALL ON SCHEMA plat.raw FROM ROLE r", "REVOKE USAGE, MODIFY ON DATABASE plat FROM ROLE r")
    assert given(run("SHOW GRANTS TO ROLE r")) == {("USAGE", "WAREHOUSE", "W")}


def test_future_grants_reach_the_tables_that_come(run):
    run(*PLATFORM, "USE ROLE USERADMIN", "CREATE ROLE r", "USE ROLE SECURITYADMIN")
    run("GRANT SELECT, INSERT ON FUTURE TABLES IN SCHEMA plat.raw TO ROLE r")
    found = run("SHOW FUTURE GRANTS IN SCHEMA plat.raw")
    assert [(row["privilege"], row["grant_on"], row["name"], row["grantee_name"]) for row in found] == [
        ("SELECT", "TABLE", "PLAT.RAW.<TABLE>", "R"),
        ("INSERT", "TABLE", "PLAT.RAW.<TABLE>", "R"),
    ]
    run("USE ROLE SYSADMIN", "CREATE TABLE plat.raw.t (id INT)")
    assert given(run("SHOW GRANTS TO ROLE r")) == {(word, "TABLE", "PLAT.RAW.T") for word in ("SELECT", "INSERT")}
    run("USE ROLE SECURITYADMIN", "REVOKE INSERT ON FUTURE TABLES IN SCHEMA plat.raw FROM ROLE r")
    assert [row["privilege"] for row in run("SHOW FUTURE GRANTS TO ROLE r")] == ["SELECT"]


@pytest.mark.parametrize(
    "statement, errno",
    [
        ("GRANT USAGE ON DATABASE nope TO ROLE PUBLIC", 2003),
        ("GRANT USAGE ON DATABASE plat TO ROLE nope", 2003),
        ("GRANT SELECT ON DATABASE plat TO ROLE PUBLIC", 1003),
        ("GRANT SELECT ON FUTURE TABLES IN SCHEMA plat.raw TO ROLE PUBLIC", 3001),  # SYSADMIN may not
    ],
)
def test_wrong_grants_are_refused(run, statement, errno):
    run(*PLATFORM)
    with pytest.raises(errors.ProgrammingError) as refused:
        run(statement)
    assert refused.value.errno == errno


def test_a_user_made_by_a_statement_logs_in_with_its_key(account, run, keys):
    body = "".join(pem(keys[0]).splitlines()[1:-1])
    run("USE ROLE USERADMIN", f"CREATE USER svc TYPE=SERVICE DEFAULT_ROLE=PUBLIC RSA_PUBLIC_KEY='{body}'")
    assert [(row["type"], row["has_rsa_public_key"]) for row in run("SHOW USERS LIKE 'svc'")] == [("SERVICE", "true")]
    connected(account, user="svc", private_key=der(keys[0])).close()


# the session, faults, and the state


def test_a_session_may_be_changed(run):
    run("ALTER SESSION SET QUERY_TAG='ansible'", "CREATE DATABASE plat", "USE SCHEMA plat.PUBLIC")
    assert run("SELECT CURRENT_DATABASE() AS d, CURRENT_SCHEMA() AS s") == [{"D": "PLAT", "S": "PUBLIC"}]


def test_names_in_a_login_that_are_not_there_are_not_made(account):
    with connected(account, database="nope", schema="s", warehouse="w") as connection:
        assert rows(connection, "SHOW DATABASES") == []


def test_a_fault_is_told_and_the_statement_not_done(account, run):
    fault = {"errno": 3001, "sqlstate": "42501", "message": "Not you.", "matching": "^create database"}
    ask("POST", f"{account}/lab/faults", fault)
    run("SHOW DATABASES")
    with pytest.raises(errors.ProgrammingError, match="Not you") as refused:
        run("CREATE DATABASE plat")
    assert (refused.value.errno, refused.value.sqlstate) == (3001, "42501")
    assert run("SHOW DATABASES") == []
    executed = ask("GET", f"{account}/lab/statements").json
    assert [(one["sql"], one["ok"]) for one in executed[:2]] == [
        ("SHOW DATABASES", True),
        ("CREATE DATABASE plat", False),
    ]
    ask("DELETE", f"{account}/lab/statements")
    assert ask("GET", f"{account}/lab/statements").json == []


@pytest.mark.parametrize("carried_out", [False, True])
def test_a_statement_whose_answer_is_cut_off_is_done_once(account, run, carried_out):
    ask("POST", f"{account}/lab/faults", {"kind": "cut", "matching": "CREATE", "carried_out": carried_out})
    run("CREATE DATABASE plat")  # the connector asks again, under the same request id
    executed = [one["sql"] for one in ask("GET", f"{account}/lab/statements").json]
    assert executed == ["CREATE DATABASE plat"]


def test_a_fault_of_http_is_met_by_asking_again(account, run):
    ask("POST", f"{account}/lab/faults", {"kind": "http", "status": 503})
    assert run("SHOW DATABASES") == []
    assert ask("GET", f"{account}/lab/faults").json == []


def test_faults_are_taken_away(account, run):
    ask("POST", f"{account}/lab/faults", {"errno": 1, "count": -1})
    ask("DELETE", f"{account}/lab/faults")
    assert run("SHOW DATABASES") == []


@pytest.mark.parametrize("fault", [{}, {"kind": "odd"}, {"errno": 1, "matching": "("}, {"errno": "x"}, {"what": 1}])
def test_a_fault_that_is_none_is_refused(account, fault):
    answer = ask("POST", f"{account}/lab/faults", fault)
    assert answer.status == 400 and answer.json["error"]


def test_the_state_is_gone_on_from(tmp_path):
    users = tmp_path / "users.json"
    users.write_text(json.dumps([{"name": "ansible", "password": "pw"}]))
    state = tmp_path / "state"
    with started("--state", str(state), "--users", str(users)) as url, connected(url) as connection:
        rows(connection, *PLATFORM, "CREATE TABLE plat.raw.t (id INT, v VECTOR(FLOAT, 3)) COMMENT='kept'")
        rows(connection, "INSERT INTO plat.raw.t (id) VALUES (7)", "CREATE DATABASE gone", "DROP DATABASE gone")
        rows(connection, "USE ROLE USERADMIN", "CREATE ROLE r", "USE ROLE SECURITYADMIN")
        rows(connection, "GRANT USAGE ON DATABASE plat TO ROLE r")
    with started("--state", str(state)) as url, connected(url, warehouse="w") as connection:
        assert [row["name"] for row in rows(connection, "SHOW DATABASES")] == ["PLAT"]
        assert rows(connection, "SHOW TABLES IN SCHEMA plat.raw")[0]["comment"] == "kept"
        assert rows(connection, "DESC TABLE plat.raw.t")[1]["type"] == "VECTOR(FLOAT, 3)"
        assert rows(connection, "SELECT id FROM plat.raw.t") == [{"ID": 7}]
        assert given(rows(connection, "SHOW GRANTS TO ROLE r")) == {("USAGE", "DATABASE", "PLAT")}
    for path in (state, *state.rglob("*")):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path
    assert "pw" not in json.dumps(json.loads((state / "catalogue.json").read_text()))
