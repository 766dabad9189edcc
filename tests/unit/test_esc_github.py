"""GitHub's secrets into Pulumi ESC: the exchange of a job's identity, the play, and that nothing is shown."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.esc import oidc
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.modules import esc_environment
from catalog_fixtures import ROOT
from esc_fake import CUT, TOKEN, Answer, document, error, esc_served
from module_runs import run

JOB = "token-of-the-job-0123"
IDENTITY = "header.identity-of-the-job.signature"
QUIET = Clock(sleep=lambda _seconds: None)


@pytest.fixture
def esc():
    with esc_served("# ours\nvalues: {platform: {other: 1}}\n") as (server, url):
        server.url = url
        yield server


def environ(esc):
    return {oidc.URL: f"{esc.url}/identity?api-version=2.0", oidc.TOKEN: JOB}


def token(esc, scope=""):
    identity = oidc.github_identity("urn:pulumi:org:acme", environ(esc), 5, QUIET)
    return oidc.exchanged(identity, "acme", scope, esc.url, 5, QUIET)


def test_a_job_exchanges_its_identity_for_a_token(esc, monkeypatch, capsys):
    for name, value in {**environ(esc), "PULUMI_ACCESS_TOKEN": ""}.items():
        monkeypatch.setenv(name, value)
    given = {
        "environment": "acme/prod/app",
        "api_url": esc.url,
        "github_oidc": True,
        "secrets": {"platform.a": "s3cr3t"},
    }
    done = run(esc_environment.main, monkeypatch, capsys, **given)
    assert done.result["changed"]
    assert not [hidden for hidden in (TOKEN, IDENTITY, JOB, "s3cr3t") if hidden in done.said]
    (asked, query), (headers, body) = esc.exchanges
    assert asked["Authorization"] == f"bearer {JOB}"
    assert query == {"api-version": ["2.0"], "audience": ["urn:pulumi:org:acme"]}
    assert "Authorization" not in headers and headers["Content-Type"] == "application/json"
    assert body == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": "urn:pulumi:org:acme",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "subject_token": IDENTITY,
        "requested_token_type": "urn:pulumi:token-type:access_token:organization",
        "scope": "",
        "expiration": 900,
    }


@pytest.mark.parametrize(
    ("scope", "kind"),
    [("admin", "organization"), ("team:ops", "team"), ("user:alice", "personal"), ("runner:one", "runner")],
)
def test_scopes_say_the_kind_of_token(esc, scope, kind):
    assert token(esc, scope) == TOKEN
    body = esc.exchanges[1][1]
    assert (body["requested_token_type"].rpartition(":")[2], body["scope"]) == (kind, scope)


@pytest.mark.parametrize("scope", ["team", "ops", "admin:x", ":x"])
def test_a_scope_that_is_none_is_refused(esc, scope):
    with pytest.raises(EscError, match="oidc_scope .* is none"):
        token(esc, scope)


@pytest.mark.parametrize(
    ("end", "answer", "says"),
    [
        ("/token", error(401, f"Unauthorized {IDENTITY}"), r"for the identity of this job \(Unauthorized \*\*\*\)"),
        ("/token", error(400, "Bad Request: no policy"), r"\(Bad Request: no policy\)\. Register its issuer"),
        ("/token", Answer(404, b"404 page not found"), r"\(404 page not found\)\. Register"),
        ("/token", Answer(500, b"", headers={"X-Pulumi-Request-ID": "rq-1"}), "request is rq-1"),
        ("/token", CUT, "Cannot exchange an identity for an access token of acme at"),
        ("/token", document({"access_token": ""}), "without an access token"),
        ("/token", document([]), "without an access token"),
        ("/token", Answer(200, b"<html>"), "something that is not JSON"),
        ("/identity", error(403, f"no {JOB}"), r"from GitHub: it answered 403 with no \*\*\*\."),
        ("/identity", Answer(200, b"{}"), "its answer holds none"),
        ("/identity", Answer(200, b"x"), "its answer holds none"),
    ],
)  # fmt: skip
def test_faults_of_the_exchange(esc, end, answer, says):
    esc.fault("POST" if end == "/token" else "GET", end, answer)
    with pytest.raises(EscError, match=says) as caught:
        token(esc)
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    assert IDENTITY not in str(caught.value) and JOB not in str(caught.value)
    assert "may be carried out" not in str(caught.value)


@pytest.mark.parametrize("missing", [oidc.URL, oidc.TOKEN])
def test_a_job_that_may_not_ask_for_its_identity(esc, missing):
    with pytest.raises(EscError, match=r"Give the job `permissions: \{id-token: write\}`"):
        oidc.github_identity("a", {**environ(esc), missing: ""}, 5, QUIET)


PEM = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0\n{{ 1 + 1 }} ${x}\n-----END PRIVATE KEY-----\n"
SECRETS = {"LAMBDA_API_KEY": "lambda-0123456789", "SNOWFLAKE_PRIVATE_KEY": PEM, "NOT_ASKED_FOR": "extra-0123456789"}


@pytest.fixture
def play(esc, tmp_path):
    """Return a function that runs the play, as verbose as it goes, and asserts that it shows no value."""
    source = {"kind": "esc", "organization": "acme", "project": "prod", "environment": "app", "api_url": esc.url}
    (tmp_path / "platform.json").write_text(json.dumps({"platform_secrets_source": source}))

    def call(*options, secrets=SECRETS, **more):
        given = {
            "GITHUB_SECRETS": json.dumps(secrets),
            "PULUMI_ACCESS_TOKEN": TOKEN,
            "ANSIBLE_LOCAL_TEMP": str(tmp_path),
            **more,
        }
        done = subprocess.run(
            [
                Path(sys.executable).parent / "ansible-playbook",
                *("-vvv", "-i", "inventories/common", "-e", f"@{tmp_path / 'platform.json'}", *options),
                "playbooks/ops/github_secrets_to_esc.yml",
            ],
            cwd=ROOT,
            env={**os.environ, **given},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        said = done.stdout + done.stderr
        for hidden in ("lambda-0123", "MIIEvQI", "extra-0123", TOKEN):
            assert hidden not in said
        return done.returncode, " ".join(said.split())

    return call


def test_the_play_copies_what_is_named_and_nothing_else(esc, play):
    names = {"GITHUB_SECRET_NAMES": "LAMBDA_API_KEY snowflake_private_key"}
    status, said = play("-e", "github_secrets_as_variables=true", "--diff", **names)
    assert status == 0 and "changed=1" in said
    assert esc.clear()["values"] == {
        "platform": {
            "other": 1,
            "lambda_api_key": {"fn::secret": "lambda-0123456789"},
            "snowflake_private_key": {"fn::secret": PEM},
        },
        "environmentVariables": {
            "LAMBDA_API_KEY": "${platform.lambda_api_key}",
            "SNOWFLAKE_PRIVATE_KEY": "${platform.snowflake_private_key}",
        },
    }
    assert esc.text().startswith("# ours\n")


def test_the_play_predicts_in_check_mode(esc, play):
    before = esc.text()
    status, said = play("--check", "--diff", "-e", '{"github_secret_names": ["LAMBDA_API_KEY"]}')
    assert status == 0 and "changed=1" in said and "lambda_api_key: {fn::secret:" in said
    assert esc.text() == before and esc.methods("PATCH") == []


def test_all_that_cannot_be_copied_is_one_error(esc, play):
    secrets = {"A": "", "B": None, "C": "x", "GITHUB_TOKEN": "of the job"}
    status, said = play(secrets=secrets, GITHUB_SECRET_NAMES="A B C D GITHUB_TOKEN")
    assert status == 2 and esc.calls == []
    assert "GitHub gave no value of A, B, D; GITHUB_TOKEN belong to the job" in said


def test_without_a_list_all_that_was_given_is_meant(esc, play):
    status, said = play(secrets={"A": "", "B": None, "C": "x"})
    assert status == 2 and "Nothing was copied: GitHub gave no value of A, B." in said and esc.calls == []
