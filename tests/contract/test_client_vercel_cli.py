"""Vercel's own CLI, pinned, against the simulated Vercel."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from simulator_client import ask

VERSION = "60.1.3"
FOLDER = Path.home() / ".cache" / "sophia-platform" / f"vercel-{VERSION}"
TOKEN, TEAM = "tokenOfTheLab1234567890", {"id": "team_lab", "slug": "acme", "name": "Acme"}
DEPLOY = ["deploy", "--prebuilt", "--prod", "--yes"]
AS_JSON = [*DEPLOY, "--non-interactive", "--format=json"]
PAGE = "<!doctype html><title>Sophia</title>"


@pytest.fixture(scope="session")
def program():
    """The CLI, installed once for this machine."""
    found = FOLDER / "node_modules" / ".bin" / "vercel"
    if not found.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        options = ["--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(FOLDER)]
        subprocess.run(["npm", "install", *options, f"vercel@{VERSION}"], check=True, capture_output=True, timeout=600)
    return found


class Cli:
    """The CLI in a folder of its own with a page to deploy, and the project web of the team acme."""

    def __init__(self, program, cloud, folder):
        self.program, self.cloud, self.folder = program, cloud, folder / "web"
        self.url = cloud.urls["vercel"]
        self.folder.mkdir()
        (self.folder / "index.html").write_text(PAGE)
        cloud.control("vercel/token", {"token": TOKEN, "user": "ci", "teams": [TEAM]})
        cloud.control("vercel/build", {"seconds": 0})
        cloud.control("vercel/knobs", {"queued_seconds": 0, "promote_seconds": 0})
        self.project = self.api("POST", "/v11/projects", {"name": "web"})["id"]
        home = folder / "home"
        home.mkdir()
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "CI": "1",
            "VERCEL_TELEMETRY_DISABLED": "1",
            "NO_UPDATE_NOTIFIER": "1",
            "VERCEL_TOKEN": TOKEN,
            "VERCEL_ORG_ID": TEAM["id"],
            "VERCEL_PROJECT_ID": self.project,
        }

    def api(self, method, path, given=None):
        headers = {"Authorization": f"Bearer {TOKEN}"}
        mark = "&" if "?" in path else "?"
        answer = ask(method, f"{self.url}{path}{mark}teamId={TEAM['id']}", given, headers)
        assert answer.status < 300, answer.body
        return json.loads(answer.body or b"null")

    def run(self, *arguments, given="", **environment):
        values = {name: value for name, value in {**self.environment, **environment}.items() if value is not None}
        command = [str(self.program), *arguments, "--api", self.url]
        return subprocess.run(
            command, cwd=self.folder, env=values, input=given, capture_output=True, text=True, timeout=50, check=False
        )

    def ran(self, *arguments, **more):
        done = self.run(*arguments, **more)
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def output(self):
        """What `vercel build` would have made."""
        static = self.folder / ".vercel" / "output" / "static"
        static.mkdir(parents=True, exist_ok=True)
        (static / "index.html").write_text(PAGE)
        (static.parent / "config.json").write_text('{"version": 3}')

    def deployed(self, **more):
        """A production deployment, made without the CLI: it takes a second or two each time."""
        files = [{"file": "index.html", "data": PAGE}]
        given = {"name": "web", "project": "web", "target": "production", "files": files, **more}
        return self.api("POST", "/v13/deployments", given)

    def served(self, host, path=""):
        return ask("GET", f"{self.url}/_deployments/{host}/{path}")


@pytest.fixture
def cli(program, cloud, tmp_path):
    return Cli(program, cloud, tmp_path)


def test_whoami_tells_the_user_of_the_token(cli):
    assert cli.ran("whoami").stdout.strip() == "ci"


def test_pull_build_and_deploy_bring_a_page_into_production(cli):
    variable = {"key": "GREETING", "value": "hello", "type": "encrypted", "target": ["production"]}
    cli.api("POST", "/v10/projects/web/env", variable)
    cli.ran("pull", "--yes", "--environment=production")
    assert 'GREETING="hello"' in (cli.folder / ".vercel" / ".env.production.local").read_text()
    cli.ran("build", "--prod", "--yes")
    assert (cli.folder / ".vercel" / "output" / "static" / "index.html").read_text() == PAGE
    done = cli.ran(*AS_JSON, "--meta", "sha=abc")
    told = json.loads(done.stdout)
    assert told["status"] == "ok" and set(told) >= {"deployment", "message", "next"}
    assert told["deployment"]["readyState"] == "READY" and told["deployment"]["target"] == "production"
    host = told["deployment"]["url"].removeprefix("https://")
    assert cli.served(host).body.decode() == PAGE
    assert cli.served("web.vercel.app").body.decode() == PAGE
    found = cli.api("GET", f"/v13/deployments/{told['deployment']['id']}")
    assert found["meta"]["sha"] == "abc" and found["aliasAssigned"] and found["alias"] == ["web.vercel.app"]


def test_the_url_is_all_of_the_output_without_a_new_line(cli):
    cli.output()
    done = cli.ran(*DEPLOY, "--archive=tgz")
    assert done.stdout.startswith("https://web-") and done.stdout.endswith("-acme.vercel.app")
    assert cli.served(done.stdout.removeprefix("https://")).body.decode() == PAGE


def test_a_build_that_fails_ends_with_1_and_another_shape_of_json(cli):
    cli.cloud.control("vercel/build", {"seconds": 0, "outcome": "error", "error": {"message": "next build failed"}})
    cli.output()
    done = cli.run(*AS_JSON)
    told = json.loads(done.stdout)
    assert done.returncode == 1 and "deployment" not in told
    assert told["readyState"] == "ERROR" and told["error"]["name"] == "BUILD_ERROR"
    assert "next build failed" in told["error"]["message"]


def test_a_wrong_token_and_none_end_with_1(cli):
    done = cli.run("whoami", VERCEL_TOKEN="wrongToken")
    assert done.returncode == 1 and "token" in done.stderr and "not valid" in done.stderr
    assert cli.run("whoami", VERCEL_TOKEN=None).returncode == 1


def test_without_output_nothing_is_deployed(cli):
    done = cli.run(*DEPLOY, "--non-interactive")
    assert done.returncode == 1
    assert cli.api("GET", "/v7/deployments?projectId=web")["deployments"] == []


def test_no_wait_ends_with_0_while_it_builds(cli):
    cli.cloud.control("vercel/build", {"seconds": 600})
    cli.output()
    done = cli.ran(*DEPLOY, "--no-wait")
    host = done.stdout.strip().removeprefix("https://")
    assert cli.api("GET", f"/v13/deployments/{host}")["readyState"] == "BUILDING"


def test_skip_domain_stages_and_promote_and_rollback_change_production(cli):
    first = cli.deployed()
    cli.output()
    (cli.folder / ".vercel" / "output" / "static" / "second.txt").write_text("2")
    second = json.loads(cli.ran(*AS_JSON, "--skip-domain").stdout)["deployment"]
    assert cli.api("GET", f"/v13/deployments/{second['id']}")["readySubstate"] == "STAGED"
    assert cli.served("web.vercel.app", "second.txt").status == 404
    cli.ran("promote", second["id"], "--yes", "--scope", TEAM["slug"])
    assert cli.served("web.vercel.app", "second.txt").body == b"2"
    cli.ran("rollback", first["id"], "--yes", "--scope", TEAM["slug"])
    assert cli.served("web.vercel.app", "second.txt").status == 404
    request = cli.api("GET", "/v9/projects/web?rollbackInfo=true")["lastAliasRequest"]
    assert (request["type"], request["jobStatus"], request["toDeploymentId"]) == ("rollback", "succeeded", first["id"])


def test_variables_are_added_and_listed(cli):
    cli.ran("env", "add", "API_URL", "production", given="https://api.example.com")
    done = cli.ran("env", "ls", "production")
    assert "API_URL" in done.stdout + done.stderr


def test_domains_are_added_and_listed(cli):
    cli.ran("domains", "add", "www.example.com", "web", "--scope", TEAM["id"])
    assert cli.api("GET", "/v9/projects/web/domains/www.example.com")["verified"]
    done = cli.ran("domains", "ls", "--scope", TEAM["slug"])
    assert "example.com" in done.stdout + done.stderr


def test_known_defect_promote_ends_with_0_when_nothing_happened(cli):
    first = cli.deployed()
    second = cli.deployed(autoAssignCustomDomains=False)
    cli.cloud.control("vercel/knobs", {"promote_recorded": False})
    done = cli.ran("promote", second["id"], "--yes", "--scope", TEAM["slug"])
    assert "No deployment promotion in progress" in done.stdout + done.stderr
    assert cli.api("GET", "/v13/deployments/web.vercel.app")["id"] == first["id"]


def test_known_defect_a_token_with_a_hyphen_is_refused_by_the_cli_itself(cli):
    cli.cloud.forget_calls()
    assert cli.run("whoami", VERCEL_TOKEN="token-with-hyphen").returncode == 1
    assert cli.cloud.calls("vercel") == []


def test_known_defect_promote_takes_no_scope_from_the_variables(cli):
    deployment = cli.deployed()
    done = cli.run("promote", deployment["id"], "--yes")
    assert done.returncode == 1 and 'under the context "ci"' in done.stderr
