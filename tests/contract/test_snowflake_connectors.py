"""The module snowflake_objects as Ansible starts it: with both lines of the connector, and against fakesnow.

SNOWFLAKE_CONNECTOR_5 names a directory that holds version 5 (`pip install --target`); without it one is built under
build/contract/, once.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import fakesnow
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/unit"))

from snowflake_server import Catalogue, served  # noqa: E402

VERSION_5 = "5.2.0"
SECRET = "s3cret-of-the-simulator"
WANTED = yaml.safe_load((ROOT / "inventories/common/group_vars/all/warehouse.yml").read_text())["platform_warehouse"]
TINY = {"databases": [{"name": "d"}], "manage": ["databases"]}


@pytest.fixture(scope="session")
def connector_5():
    """Return a directory with version 5 of the connector."""
    given = os.environ.get("SNOWFLAKE_CONNECTOR_5")
    place = Path(given) if given else ROOT / f"build/contract/snowflake-connector-{VERSION_5}"
    ready = place / f"snowflake_connector_python-{VERSION_5}.dist-info/RECORD"
    if not given and not ready.exists():
        what = f"snowflake-connector-python=={VERSION_5}"
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--upgrade", "--target", place, what], check=True)
    return place


@pytest.fixture(params=["4", "5"])
def line(request):
    """One line of the connector: [its major version, the directory that goes before the installed packages]."""
    return request.param, request.getfixturevalue("connector_5") if request.param == "5" else None


def run_module(line, tmp_path, port, wanted=TINY, check=False, **options):
    """Start the module in a Python of its own; returns its result and all that it wrote."""
    credential = {} if {"token", "private_key", "private_key_path"} & set(options) else {"password": SECRET}
    arguments = {"account": "org-acct", "user": "svc", "host": "127.0.0.1", "port": port, "protocol": "http"}
    timeouts = {"login_timeout_seconds": 2, "network_timeout_seconds": 2}
    control = {"_ansible_check_mode": check, "_ansible_diff": True, "_ansible_verbosity": 4}
    script = tmp_path / "arguments.json"
    given = {**arguments, **timeouts, **credential, **wanted, **options, **control}
    script.write_text(json.dumps({"ANSIBLE_MODULE_ARGS": given}))
    path = [str(line[1])] if line[1] else []
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([*path, str(ROOT / "collections")]),
        "HOME": str(tmp_path),
    }
    name = "ansible_collections.sophia.platform.plugins.modules.snowflake_objects"
    done = subprocess.run(
        [sys.executable, "-m", name, script], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.stdout.strip(), done.stderr
    return json.loads(done.stdout), done.stdout + done.stderr


def private_key(passphrase=None):
    """Return an RSA key in PEM."""
    encryption = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption).decode()


def test_the_line_that_is_meant_is_the_one_that_signs_in(line, tmp_path):
    with served(Catalogue()) as (port, logins):
        result, said = run_module(line, tmp_path, port)
    assert logins[0]["CLIENT_APP_VERSION"].split(".")[0] == line[0]
    assert (result["changed"], "failed" in result) == (True, False)
    assert said.count("\n") <= 2, said  # nothing but the result: no warnings of the connector


def test_the_platforms_objects_are_made_once_and_then_left_alone(line, tmp_path):
    catalogue = Catalogue()
    with served(catalogue) as (port, _logins):
        foretold, _said = run_module(line, tmp_path, port, WANTED, check=True)
        assert catalogue.writes == []
        made, _said = run_module(line, tmp_path, port, WANTED)
        again, said = run_module(line, tmp_path, port, WANTED)
    assert foretold["statements"] == made["statements"]
    assert catalogue.writes == [statement["sql"] for statement in made["statements"]]
    assert (made["changed"], again["changed"], again["statements"]) == (True, False, [])
    assert SECRET not in said


def test_odd_names_and_texts_arrive_as_they_are(line, tmp_path):
    catalogue = Catalogue()
    odd = {
        "databases": [{"name": '"my ""db"""', "comment": "50 % it's a \\ backslash\nand a line"}],
        "manage": ["databases"],
    }
    with served(catalogue) as (port, _logins):
        made, _said = run_module(line, tmp_path, port, odd)
        again, _said = run_module(line, tmp_path, port, odd)
    assert catalogue.databases == {'my "db"': ["50 % it's a \\ backslash\nand a line", "1"]}
    assert (made["changed"], again["changed"]) == (True, False)


def test_a_key_pair_signs_in(line, tmp_path):
    path = tmp_path / "key.p8"
    path.write_text(private_key(b"opens-it"))
    with served(Catalogue()) as (port, logins):
        run_module(line, tmp_path, port, private_key=private_key())
        run_module(line, tmp_path, port, private_key_path=str(path), private_key_passphrase="opens-it")
        wrong, said = run_module(line, tmp_path, port, private_key_path=str(path), private_key_passphrase="wr0ng-one")
    assert [login["AUTHENTICATOR"] for login in logins] == ["SNOWFLAKE_JWT", "SNOWFLAKE_JWT"]
    assert [login["TOKEN"].count(".") for login in logins] == [2, 2]
    assert not [login for login in logins if login.get("PASSWORD")]
    assert "private_key_passphrase does not open it" in wrong["msg"]
    assert "wr0ng-one" not in said


def test_an_access_token_signs_in(line, tmp_path):
    with served(Catalogue()) as (port, logins):
        _result, said = run_module(line, tmp_path, port, token=SECRET)
    assert (logins[0]["AUTHENTICATOR"], logins[0]["TOKEN"]) == ("PROGRAMMATIC_ACCESS_TOKEN", SECRET)
    assert SECRET not in said


@pytest.mark.parametrize("code", ["390100", "390144", "390189", "394400"])
def test_a_refused_login_has_a_number_and_a_hint(line, tmp_path, code):
    with served(Catalogue(), login_error=(code, f"No. {SECRET}")) as (port, _logins):
        result, said = run_module(line, tmp_path, port)
    assert (result["failed"], result["errno"], result["changed"]) == (True, int(code), False)
    assert "Perhaps" in result["msg"]
    assert SECRET not in said
    assert "Traceback" not in said


def test_a_refused_statement_has_a_number_and_what_was_done(line, tmp_path):
    catalogue = Catalogue()
    catalogue.faults = [("CREATE SCHEMA", 2003, "02000", "Database 'D' does not exist or not authorized.")]
    wanted = {"databases": [{"name": "d", "schemas": [{"name": "s"}]}], "manage": ["databases", "schemas"]}
    with served(catalogue) as (port, _logins):
        result, _said = run_module(line, tmp_path, port, wanted)
    assert (result["errno"], result["changed"], result["done_count"]) == (2003, True, 1)
    assert "Could not create schema D.S. Snowflake refused `CREATE SCHEMA IF NOT EXISTS D.S`" in result["msg"]


def test_a_connection_that_breaks_leaves_the_outcome_open(line, tmp_path):
    catalogue = Catalogue()
    with served(catalogue, cut="CREATE DATABASE") as (port, _logins):
        result, said = run_module(line, tmp_path, port)
    assert "Whether it was carried out is not known; a rerun looks first." in result["msg"]
    assert result["changed"] is True
    assert "Traceback" not in said
    with served(catalogue) as (port, _logins):
        assert run_module(line, tmp_path, port)[0]["changed"] is True


def test_a_web_page_is_no_snowflake(line, tmp_path):
    with served(Catalogue(), html=True) as (port, _logins):
        result, said = run_module(line, tmp_path, port)
    assert "Signing in to Snowflake as svc at org-acct failed (errno 250001)" in result["msg"]
    assert SECRET not in said


def test_nothing_listens(line, tmp_path):
    with served(Catalogue()) as (port, _logins):
        pass
    result, said = run_module(line, tmp_path, port)
    assert "Signing in to Snowflake as svc at org-acct failed" in result["msg"]
    assert "Traceback" not in said


def test_fakesnow_gets_databases_schemas_and_tables(tmp_path):
    columns = [
        {"name": "id", "type": "int", "primary_key": True},
        {"name": "content", "type": "string", "nullable": False, "default": "'none'"},
        {"name": "created_at", "type": "timestamp", "default": "current_timestamp()"},
        {"name": "details", "type": "variant"},
    ]
    manage = ["databases", "schemas", "tables"]

    def wanted(*more):
        tables = [{"name": "order", "columns": [*columns, *more]}]
        schemas = [{"name": "s", "comment": "it's", "tables": tables}, {"name": "s_"}]
        return {"databases": [{"name": "sophia", "data_retention_days": 1, "schemas": schemas}], "manage": manage}

    wider = wanted({"name": "extra", "type": "number(10,2)"})
    narrow = {"name": "extra", "type": "varchar(5)"}
    with fakesnow.server(session_parameters={"FAKESNOW_DB_PATH": ":isolated:"}) as where:
        port, line = where["port"], ("4", None)
        foretold, _said = run_module(line, tmp_path, port, wanted(), check=True)
        made, said = run_module(line, tmp_path, port, wanted())
        again, _said = run_module(line, tmp_path, port, wanted())
        widened, _said = run_module(line, tmp_path, port, wider)
        settled, _said = run_module(line, tmp_path, port, wider)
        refused, _said = run_module(line, tmp_path, port, wanted(narrow))
    assert "failed" not in made, said
    assert made["statements"] == foretold["statements"]
    assert [run["changed"] for run in (foretold, made, again, widened, settled)] == [True, True, False, True, False]
    assert [statement["text"] for statement in widened["statements"]] == ["add column EXTRA to table SOPHIA.S.ORDER"]
    assert "column EXTRA is NUMBER(10,2), wanted VARCHAR(5)" in refused["msg"]
