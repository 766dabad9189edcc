"""The lookup `esc` and the kind `esc` of the platform's secrets source."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible_collections.sophia.platform.plugins.lookup import esc as plugin_file
from ansible_collections.sophia.platform.plugins.module_utils import secrets
from ansible_collections.sophia.platform.plugins.module_utils.esc import session
from catalog_fixtures import ROOT
from esc_fake import TOKEN, Answer, error, esc_served

TEMPLATE = "Zq7-{{ 1 + 1 }}"
TEXT = f"""\
values:
  platform: {{a: {{fn::secret: "{TEMPLATE}"}}, b: plain}}
  db: {{value: 5, name: n, "key.dot": [1, null]}}
  nothing: null
  environmentVariables: {{A: true, B: {{fn::secret: key}}, C: [1]}}
  files: {{F: content}}
"""
PLACE = {"organization": "acme", "project": "prod", "environment": "app"}


NAME = "sophia.platform.esc"


@pytest.fixture(scope="module", autouse=True)
def _documented():
    options = yaml.safe_load(plugin_file.DOCUMENTATION)["options"]
    constants.config.initialize_plugin_configuration_definitions("lookup", NAME, options)


def plugin():
    """The lookup as Ansible's loader makes it."""
    made = plugin_file.LookupModule()
    made._load_name = NAME
    return made


@pytest.fixture(autouse=True)
def _nothing_is_open(monkeypatch):
    session.forget()
    for name in ("PULUMI_ACCESS_TOKEN", "PULUMI_BACKEND_URL", "PULUMI_API"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def esc():
    with esc_served(TEXT) as (server, url):
        server.url = url
        yield server


def look(esc, *terms, **options):
    return plugin().run(list(terms), variables={}, **{**PLACE, "api_url": esc.url, "access_token": TOKEN, **options})


def test_values_by_path_and_as_a_whole(esc):
    assert look(esc, "platform.a", "db.value", 'db["key.dot"][0]', "nothing", "db") == [
        TEMPLATE,
        5,
        1,
        None,
        {"value": 5, "name": "n", "key.dot": [1, None]},
    ]
    (everything,) = look(esc)
    assert everything["platform"] == {"a": TEMPLATE, "b": "plain"}
    assert [method for method, _path in esc.calls] == ["POST", "GET"]


def test_projections(esc):
    assert look(esc, projection="environment_variables") == [{"A": "true", "B": "key"}]
    assert look(esc, "B", "C", projection="environment_variables", default="") == ["key", ""]
    assert look(esc, "F", projection="files") == ["content"]


def test_what_is_missing_is_told_all_at_once_or_replaced(esc):
    with pytest.raises(AnsibleError, match=r"acme/prod/app does not have: no, db\.no") as caught:
        look(esc, "no", "platform.a", "db.no")
    assert TEMPLATE not in str(caught.value)
    assert look(esc, "no", "nothing", default=None) == [None, None]
    assert look(esc, "no", default="else") == ["else"]


def test_the_environment_gives_the_token_and_the_address(esc, monkeypatch):
    monkeypatch.setenv("PULUMI_API", "http://127.0.0.1:1")
    monkeypatch.setenv("PULUMI_BACKEND_URL", esc.url)
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", TOKEN)
    assert plugin().run(["platform.b"], variables={}, environment="acme/prod/app@1") == ["plain"]
    assert "/versions/1/open" in esc.calls[0][1]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"access_token": "pul-wrong"}, "does not accept the access token"),
        ({"api_url": "s3://bucket"}, "begins with s3://"),
        ({"environment": "other"}, "Cannot open acme/prod/other: it is not there or not visible to this token"),
        ({"project": "", "organization": "", "environment": "prod/app"}, "has two parts"),
        ({"open_duration": "soon"}, "'soon' is no duration"),
        ({"timeout_seconds": 0}, "timeout_seconds must be more than 0"),
    ],
)
def test_errors_are_one_sentence_without_a_chain(esc, options, says):
    with pytest.raises(AnsibleError, match=says) as caught:
        look(esc, "platform.a", **options)
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    assert TOKEN not in str(caught.value) and "pul-wrong" not in str(caught.value)


def test_a_term_that_is_no_path(esc):
    with pytest.raises(AnsibleError, match="'a..b' is no property path"):
        look(esc, "a..b")
    assert esc.calls == []


def source(esc, **changes):
    given = {"kind": "esc", **PLACE, "api_url": esc.url, "access_token": TOKEN, **changes}
    return {key: value for key, value in given.items() if value is not None}


def test_the_source_reads_a_property(esc):
    assert secrets.read(source(esc)) == {"a": TEMPLATE, "b": "plain"}
    assert secrets.read(source(esc, property="files", timeout_seconds="20")) == {"F": "content"}
    assert esc.opened == 1


def test_the_source_takes_the_environment_variables(esc, monkeypatch):
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("PULUMI_API", esc.url)
    assert secrets.read(source(esc, api_url=None, access_token=None, version="1"))["b"] == "plain"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        (
            {"organization": "", "environment": None},
            "needs organization and environment; set it in platform_secrets_source",
        ),
        ({"path": "x"}, "The esc secrets source does not know: path."),
        ({"property": "no.where"}, "has no property no.where, below which the secrets should be"),
        ({"property": "db"}, "put quotes around: key.dot (list), value (int)"),
        ({"property": "nothing"}, "holds a NoneType; it must be one mapping"),
        ({"property": "a["}, "is no property path"),
        ({"property": ["a"]}, "put quotes around: property"),
        ({"version": 3}, "put quotes around: version"),
        ({"timeout_seconds": "soon"}, "timeout_seconds of the esc secrets source is no number"),
        ({"access_token": None}, "access token of Pulumi is missing"),
        ({"access_token": "pul-wrong"}, "does not accept the access token"),
        ({"project": "a b"}, "project 'a b'"),
    ],
)
def test_a_wrong_source_is_refused(esc, changes, says):
    with pytest.raises(secrets.SecretsError) as caught:
        secrets.read(source(esc, **changes))
    assert says in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    for hidden in (TEMPLATE, TOKEN, "pul-wrong"):
        assert hidden not in str(caught.value)


def test_an_unknown_value_is_named(esc):
    esc.properties = {"platform": {"value": {"a": {"unknown": True}}}}
    with pytest.raises(secrets.SecretsError, match=r"does not know the value of platform\.a"):
        secrets.read(source(esc))


def test_a_fault_of_the_store_is_told(esc):
    esc.fault("POST", "/open", error(403, f"needs approval {TOKEN}"), Answer(200, b"<html>"))
    with pytest.raises(secrets.SecretsError, match=r"may not \(needs approval \*\*\*\)"):
        secrets.read(source(esc))


def test_ansible_itself_takes_values_as_data(esc):
    call = "lookup('sophia.platform.esc', 'platform.a', environment='acme/prod/app')"
    done = subprocess.run(
        [Path(sys.executable).parent / "ansible", "-i", "inventories/common", "localhost", "-m", "debug", "-a"]
        + [f"msg='{{{{ {call} ~ {call} }}}}'"],
        cwd=ROOT,
        env={**os.environ, "PULUMI_ACCESS_TOKEN": TOKEN, "PULUMI_BACKEND_URL": esc.url},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert TEMPLATE * 2 in done.stdout and esc.opened == 1
