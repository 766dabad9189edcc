"""The module vercel_deployment, against a small Vercel on loopback and a CLI that the test writes."""

import json
import re
from pathlib import Path

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.vercel import build, cli, deployments, release, source
from ansible_collections.sophia.platform.plugins.module_utils.vercel.client import Client
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import VercelError
from ansible_collections.sophia.platform.plugins.modules import vercel_deployment
from fake_web import Answer, document, served
from module_runs import run
from vercel_fixtures import TEAM, TOKEN, Time, Vercel, error, production

SECRET = "s3cret-value-of-a-test"
STEPS = {
    "--version": "echo 60.1.3; echo 'Vercel CLI 60.1.3' >&2",
    "pull": f'mkdir -p .vercel; printf \'VERCEL_ENV="production"\\nKEY="{SECRET}"\\n\' > .vercel/.env.production.local',
    "build": "mkdir -p .vercel/output; echo 'Build Completed' >&2",
    "deploy": """printf '%s' '{"status":"ok","deployment":{"id":"dpl_new","url":"https://web-new.vercel.app"}}'""",
}


class Cli:
    """Writes a program that notes how it is called and does what the test says for each step."""

    def __init__(self, top: Path):
        self.top, self.path = top, top / "vercel"
        self.write()

    def write(self, **steps):
        cases = "".join(f"{name}) {text};;\n" for name, text in {**STEPS, **steps}.items())
        note = f'cd_to=$(pwd); echo "$*" >> {self.top}/calls; env > {self.top}/env.$1; find . > {self.top}/files.$1'
        self.path.write_text(f"#!/bin/sh\n{note}\ncase $1 in\n{cases}esac\n")
        self.path.chmod(0o755)

    def calls(self):
        file = self.top / "calls"
        return [line.split()[0] for line in file.read_text().splitlines()] if file.exists() else []

    def meta(self):
        """The marks of the last upload."""
        lines = [line for line in (self.top / "calls").read_text().splitlines() if line.startswith("deploy")]
        return dict(re.findall(r"--meta (\S+)=(\S+)", lines[-1])) if lines else {}

    def environment(self, step):
        return dict(line.split("=", 1) for line in (self.top / f"env.{step}").read_text().splitlines() if "=" in line)


class Uploading(Vercel):
    """A Vercel that has a deployment once the CLI was told to deploy."""

    def __init__(self, program):
        super().__init__()
        self.program, self.new, self.uploads_count = program, {}, 0
        self.with_project()

    def normal(self, method, path, query, request):
        uploads_count = self.program.calls().count("deploy")
        if uploads_count > self.uploads_count and self.new is not None:
            self.uploads_count = uploads_count
            made = {**production("new", created=100, **self.program.meta()), **self.new}
            self.deployments["dpl_new"] = made
            if made["readyState"] == "READY" and made["aliasAssigned"] and not made["aliasError"]:
                self.serving(made)
        return super().normal(method, path, query, request)


@pytest.fixture
def program(tmp_path):
    (tmp_path / "cli").mkdir()
    return Cli(tmp_path / "cli")


@pytest.fixture
def vercel(program):
    return Uploading(program)


@pytest.fixture
def site(tmp_path):
    (tmp_path / "site/node_modules/x").mkdir(parents=True)
    (tmp_path / "site/node_modules/x/index.js").write_text("x")
    (tmp_path / "site/index.html").write_text("<h1>Hello</h1>")
    return tmp_path / "site"


@pytest.fixture
def play(vercel, program, site, tmp_path, monkeypatch, capsys):
    """Run the module; asserts that no secret is in what it wrote, and that nothing private is left."""
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for builds")
    (tmp_path / "tmp").mkdir()
    defaults = {"source_path": str(site), "cli_path": str(program.path), "cli_version": "60.1.3"}

    def play(check=False, **options):
        with served(vercel) as (port, _seen):
            url = f"http://127.0.0.1:{port}"
            given = {"name": "web", "token": TOKEN, "team_id": TEAM, "api_url": url, "timeout_seconds": 60}
            given |= {**(defaults if options.get("state", "deployed") == "deployed" else {}), **options}
            given |= {"_ansible_remote_tmp": str(tmp_path / "tmp"), "_ansible_keep_remote_files": False}
            vercel.calls.clear()
            done = run(lambda: vercel_deployment.main(Time()), monkeypatch, capsys, check=check, **given)
        assert [secret for secret in (TOKEN, SECRET) if secret in done.said] == []
        assert list(tmp_path.glob("**/vercel-*")) == []
        return {**done.result, "warnings": done.warnings}

    return play


def test_a_source_is_deployed_once(play, vercel, program):
    done = play()
    assert (done["changed"], done["deployment_id"], done["url"]) == (True, "dpl_new", "https://web-new.vercel.app")
    assert done["reasons"] == ["there is no production deployment"]
    assert program.calls() == ["--version", "pull", "build", "deploy"]
    assert program.meta()["sophia-source"] == done["source_hash"]
    again = play()
    assert (again["changed"], again["deployment_id"]) == (False, "dpl_new")
    assert vercel.calls == ["GET /v9/projects/web", "GET /v10/projects/prj_1/env", "GET /v13/deployments/dpl_new"]
    assert len(program.calls()) == 4


def test_the_cli_gets_what_it_needs_and_nothing_else(play, program, site):
    play()
    for step in ("pull", "build", "deploy"):
        environment = program.environment(step)
        assert environment.get("VERCEL_TOKEN") == (None if step == "build" else TOKEN)  # builds run other people's code
        assert (environment["VERCEL_ORG_ID"], environment["VERCEL_PROJECT_ID"]) == (TEAM, "prj_1")
        assert (environment["CI"], environment["VERCEL_TELEMETRY_DISABLED"]) == ("1", "1")
        assert environment["HOME"] != str(Path.home()) and "AWS_SECRET_ACCESS_KEY" not in environment
    calls = (program.top / "calls").read_text()
    assert TOKEN not in calls and "--api http://127.0.0.1:" in calls
    assert "deploy --prebuilt --prod --yes --non-interactive --format=json --meta" in calls
    assert (program.top / "files.pull").read_text().split() == [".", "./index.html"]
    assert not (site / ".vercel").exists()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda vercel, site: (site / "index.html").write_text("other"), "the source is another one"),
        (lambda vercel, site: vercel.project.update(buildCommand="make"), "settings or variables of the project are"),
        (
            lambda vercel, site: vercel.variables.append({"id": "env_1", "key": "A", "target": "production"}),
            "settings or variables of the project are others",
        ),
        (lambda vercel, site: vercel.deployments["dpl_new"].update(aliasError={"code": "x"}), "lacks its names"),
        (lambda vercel, site: (site / "node_modules/y").write_text("built"), ""),
        (lambda vercel, site: (site / "index.html").touch(), ""),
    ],
)
def test_what_asks_for_another_deployment(play, vercel, site, change, reason):
    play()
    change(vercel, site)
    done = play(check=True)
    assert done["changed"] is bool(reason)
    assert reason in " ".join(done["reasons"])


def test_force_deploys_again(play, vercel, program):
    play()
    assert not play(check=True)["changed"]
    vercel.deployments["dpl_old"] = {**vercel.deployments.pop("dpl_new"), "id": "dpl_old"}
    vercel.serving(vercel.deployments["dpl_old"])
    assert play(force=True)["previous_deployment_id"] == "dpl_old"
    assert program.calls().count("deploy") == 2


def test_check_mode_needs_neither_a_project_nor_the_cli(play, vercel, program):
    done = play(check=True, cli_path="/nowhere/vercel")
    assert (done["changed"], done["deployment_id"]) == (True, "")
    vercel.project = None
    assert play(check=True, cli_path="/nowhere/vercel")["reasons"] == ["there is no project yet"]
    assert program.calls() == [] and vercel.writes() == []


SHAPES = {
    "json": STEPS["deploy"],
    "json after words": "echo 'Deploying...'; " + STEPS["deploy"],
    "only the address": "printf https://web-new.vercel.app",
    "nothing, but it was made": "echo oops >&2; exit 1",
    "cut off": """printf '{"status":"ok","deploym'""",
    "it never ends": "sleep 600",
}


@pytest.mark.parametrize("shape", SHAPES)
def test_what_the_cli_tells_is_only_a_hint_for_what_the_api_says(play, program, shape):
    program.write(deploy=SHAPES[shape])
    done = play(build_timeout_seconds=1 if "never" in shape else 60)
    assert (done["changed"], done["deployment_id"]) == (True, "dpl_new")


@pytest.mark.parametrize(
    ("steps", "options", "words"),
    [
        (
            {"build": f"for n in 1 2 3 4 5 6 7 8 9; do echo line-$n {SECRET} >&2; done; exit 1"},
            {},
            ["`vercel build` ended with exit code 1. Its last lines: line-2 *** |", "line-9 ***.", "still is dpl_1."],
        ),
        (
            {"pull": "echo 'Error: The token is not valid' >&2; exit 1"},
            {},
            ["`vercel pull` ended with exit code 1", "not"],
        ),
        (
            {"build": "sleep 600"},
            {"build_timeout_seconds": 1},
            ["`vercel build` did not end within 1 s", "still is dpl_1"],
        ),
        ({"--version": "echo 59.0.0"}, {}, ["is 59.0.0, not 60.1.3", "npm install --ignore-scripts", "vercel@60.1.3"]),
        ({"--version": "echo hello; exit 3"}, {}, ["--version ended with 3 and said: hello. Is it Vercel's CLI?"]),
        (
            {},
            {"cli_path": "/nowhere/node_modules/.bin/vercel"},
            ["not at /nowhere/", "--prefix /nowhere vercel@60.1.3"],
        ),
        ({}, {"source_path": "/nowhere"}, ["There is no directory /nowhere"]),
    ],
)
def test_a_failure_leaves_production_and_says_so(play, vercel, program, steps, options, words):
    vercel.serving(production(1))
    program.write(**steps)
    done = play(**options)
    assert done["failed"]
    assert [word for word in words if word not in done["msg"]] == []
    assert "deploy" not in program.calls()


FAILED = (
    '{"id":"dpl_new","url":"u","readyState":"ERROR","error":{"name":"BUILD_ERROR","message":"npm run build failed"}}'
)


def test_a_deployment_that_fails_is_told_with_the_end_of_its_log(play, vercel, program):
    vercel.serving(production(1))
    vercel.new = {"readyState": "ERROR", "errorCode": "BUILD_ERROR", "errorMessage": f"Command {TOKEN} failed"}
    vercel.events = [{"type": "stdout", "text": f"line {n}"} for n in range(1, 10)]
    vercel.events.append({"type": "stderr", "payload": {"text": f"the end {TOKEN}"}})
    program.write(deploy=f"printf '%s' '{FAILED}'; exit 1")
    done = play()
    assert done["msg"].startswith(
        "The deployment dpl_new is ERROR: BUILD_ERROR: Command *** failed. Its log ends: line 3 | line 4 | line 5 | "
        "line 6 | line 7 | line 8 | line 9 | the end ***. `vercel deploy` says: npm run build failed. "
    )
    assert done["msg"].endswith("Production still is dpl_1.")


def test_names_that_could_not_be_given_are_an_error(play, vercel):
    vercel.new = {"aliasAssigned": False, "aliasError": {"code": "cert_missing", "message": "No certificate"}}
    assert "is built, but did not get its names: No certificate. Put the domain right" in play()["msg"]


def test_an_upload_that_made_nothing_is_an_error(play, vercel, program):
    vercel.new = None
    program.write(deploy="echo 'Error: no network' >&2; exit 1")
    done = play()
    assert "`vercel deploy` ended with exit code 1. Its last lines: Error: no network." in done["msg"]
    assert done["msg"].endswith("There is no production deployment.")


def test_a_deployment_that_never_serves_is_waited_for_by_the_next_run(play, vercel, program):
    vercel.serving(production(1))
    vercel.new = {"readyState": "BUILDING", "aliasAssigned": False}
    assert "The deployment dpl_new is still BUILDING after 60 s. Run again" in play()["msg"]
    vercel.deployments["dpl_new"].update(readyState="READY", aliasAssigned=True)
    vercel.serving(vercel.deployments["dpl_new"])
    vercel.serving(vercel.deployments["dpl_1"])  # it has its names, and production is not yet moved
    done = play()
    assert (done["changed"], done["deployment_id"], done["previous_deployment_id"]) == (True, "dpl_new", "dpl_1")
    assert program.calls().count("deploy") == 1
    assert vercel.project["targets"]["production"]["id"] == "dpl_new"


def rolled_back(vercel, meta):
    """Production was moved back from dpl_2, which has these marks, to dpl_1."""
    vercel.deployments["dpl_2"] = production(2, **meta)
    vercel.serving(production(1))
    request = {"type": "rollback", "fromDeploymentId": "dpl_2", "toDeploymentId": "dpl_1", "jobStatus": "succeeded"}
    vercel.project["lastAliasRequest"] = {**request, "requestedAt": 1}


def test_a_rolled_back_source_is_not_deployed_again_by_itself(play, vercel, program, site):
    play()
    meta = program.meta()
    del vercel.deployments["dpl_new"]
    rolled_back(vercel, meta)
    done = play()
    assert (done["changed"], done["deployment_id"]) == (False, "dpl_1")
    assert "was rolled back from dpl_2, which has this source" in str(done["warnings"])
    (site / "index.html").write_text("put right")
    vercel.new = {"aliasAssigned": False}  # automatic assignment stays off after a rollback
    assert play()["deployment_id"] == "dpl_new"
    assert vercel.writes() == ["POST /v10/projects/prj_1/promote/dpl_new"]
    assert not play()["changed"]


def switching(play, state, target, **options):
    return play(state=state, deployment_id=target, **options)


def test_promotion_and_rollback(play, vercel):
    for number in (1, 2, 3):
        vercel.serving(production(number))
    assert switching(play, "rolled_back", "previous", check=True)["deployment_id"] == "dpl_2"
    assert vercel.writes() == []
    done = switching(play, "rolled_back", "previous")
    assert (done["changed"], done["deployment_id"], done["previous_deployment_id"]) == (True, "dpl_2", "dpl_3")
    assert vercel.writes() == ["POST /v1/projects/prj_1/rollback/dpl_2"]
    assert not switching(play, "rolled_back", "previous")["changed"]  # it stands rolled back
    assert switching(play, "promoted", "dpl_1")["changed"]
    assert vercel.writes() == ["POST /v10/projects/prj_1/promote/dpl_1"]
    assert not switching(play, "promoted", "dpl_1")["changed"]
    assert switching(play, "rolled_back", "previous")["deployment_id"] == "dpl_2"  # where production came from


@pytest.mark.parametrize(
    ("prepare", "target", "words"),
    [
        (lambda vercel: None, "dpl_9", "cannot move to dpl_9: there is no such deployment"),
        (
            lambda vercel: vercel.deployments["dpl_1"].update(target=None),
            "dpl_1",
            "built with the variables of previews",
        ),
        (lambda vercel: vercel.deployments["dpl_1"].update(readyState="ERROR"), "dpl_1", "it is ERROR, not READY"),
        (lambda vercel: vercel.deployments["dpl_1"].update(projectId="prj_2"), "dpl_1", "belongs to another project"),
        (
            lambda vercel: setattr(vercel, "switch_status", "failed"),
            "dpl_1",
            "to dpl_1 ended as failed. Production still is dpl_2",
        ),
        (lambda vercel: setattr(vercel, "switch_status", "skipped"), "dpl_1", "to dpl_1 ended as skipped"),
        (
            lambda vercel: setattr(vercel, "switch_status", "pending"),
            "dpl_1",
            "did not succeed within 60 s: it is pending",
        ),
        (
            lambda vercel: vercel.faults.update({("POST", "/promote/"): [Answer(201)]}),
            "dpl_1",
            "did not succeed within 60 s: Vercel tells of none",
        ),
        (
            lambda vercel: vercel.faults.update({("POST", "/promote/"): [error(422, "unprocessable", "not allowed")]}),
            "dpl_1",
            "Cannot promote the deployment dpl_1: Vercel refused it (422 unprocessable: not allowed)",
        ),
        (lambda vercel: setattr(vercel, "project", None), "dpl_1", "There is no project web in the team team_acme"),
        (lambda vercel: None, "previous", "Only a rollback knows a previous deployment"),
    ],
)
def test_promotions_that_do_not_succeed(play, vercel, prepare, target, words):
    vercel.serving(production(1))
    vercel.serving(production(2))
    prepare(vercel)
    assert words in switching(play, "promoted", target)["msg"]


def test_there_may_be_nothing_to_roll_back_to(play, vercel):
    vercel.serving(production(1))
    assert "no production deployment before dpl_1 to roll back to" in switching(play, "rolled_back", "previous")["msg"]


CUT = Answer(raw=b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\n{")


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_promotion_that_was_cut_off_is_looked_at_before_it_is_repeated(play, vercel, carried_out):
    vercel.serving(production(1))
    vercel.serving(production(2))
    vercel.faults["POST", "/promote/"] = [lambda normal: (normal() if carried_out else None, CUT)[1]]
    assert switching(play, "promoted", "dpl_1")["changed"]
    assert len(vercel.writes()) == (1 if carried_out else 2)


def test_somebody_elses_promotion_is_waited_for(play, vercel):
    vercel.serving(production(1))
    vercel.serving(production(2))
    running = {
        **vercel.project,
        "lastAliasRequest": {"type": "promote", "toDeploymentId": "dpl_1", "jobStatus": "pending"},
    }
    vercel.faults["GET", "/projects/web"] = [document(running)] * 2
    assert switching(play, "promoted", "dpl_1")["changed"]
    vercel.faults["GET", "/projects/web"] = [document(running)] * 50
    assert "A promote of the project web to dpl_1 still runs after 60 s" in switching(play, "promoted", "dpl_2")["msg"]


@pytest.mark.parametrize(
    ("project", "expected"),
    [
        ({"targets": {}}, ""),
        ({"targets": {"production": {"id": "dpl_2"}}}, "dpl_2"),
        ({"targets": {"production": {"id": "dpl_3", "readyState": "BUILDING"}}}, "dpl_2"),
        (
            {
                "targets": {"production": {"id": "dpl_2", "alias": ["web.vercel.app"]}},
                "lastAliasRequest": {"toDeploymentId": "dpl_1", "jobStatus": "succeeded"},
            },
            "dpl_1",
        ),
    ],
)
def test_which_deployment_production_is_on(vercel, monkeypatch, project, expected):
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    vercel.deployments = {f"dpl_{number}": production(number) for number in (1, 2)}
    vercel.deployments["dpl_3"] = production(3, state="BUILDING")
    vercel.alias_of = "dpl_1"
    with served(vercel) as (port, _seen):
        client = Client(TOKEN, TEAM, api_url=f"http://127.0.0.1:{port}", clock=Time())
        assert deployments.current_id(client, {"id": "prj_1", **project}) == expected


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("https://web.vercel.app", ("", "https://web.vercel.app", "")),
        ("", None),
        (STEPS["deploy"].split("'")[3], ("dpl_new", "https://web-new.vercel.app", "")),
        (FAILED, ("dpl_new", "u", "npm run build failed")),
        ('{"error": "text"}', ("", "", "text")),
        ("{not json", ("", "", "")),
    ],
)
def test_shapes_of_the_clis_answer(output, expected):
    assert cli.deployed(output) == (dict(zip(("id", "url", "error"), expected)) if expected else {})


def test_the_hash_is_of_names_contents_and_modes(tmp_path):
    def digest():
        found = source.files(tmp_path, source.EXCLUDED)
        return source.digest(tmp_path, found)

    (tmp_path / "a").write_text("1")
    seen = [digest()]
    for change in (
        lambda: (tmp_path / "a").write_text("2"),
        lambda: (tmp_path / "a").rename(tmp_path / "b"),
        lambda: (tmp_path / "b").chmod(0o755),
        lambda: (tmp_path / "c").symlink_to("b"),
    ):
        change()
        seen.append(digest())
    assert len(set(seen)) == 5
    (tmp_path / ".env.local").write_text("x")
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist/x").write_text("x")
    assert digest() == seen[-1]
    source.copy(tmp_path, source.files(tmp_path, source.EXCLUDED), tmp_path / "dist/copy")
    assert source.digest(tmp_path / "dist/copy", [Path("b"), Path("c")]) == seen[-1]


def test_sources_that_cannot_be_copied_are_refused(tmp_path):
    with pytest.raises(VercelError, match="holds no file to deploy"):
        source.files(tmp_path, [])
    (tmp_path / "out").symlink_to("/etc")
    with pytest.raises(VercelError, match="the link out leads out of it"):
        source.files(tmp_path, [])


def test_pulled_values_are_masked_in_what_a_build_prints(tmp_path):
    assert build.pulled_secrets(tmp_path / "none") == []
    text = 'A="short"\nB="a \\"long\\" value"\nVERCEL_ENV="production"\nVERCEL_OIDC_TOKEN="ey.token"\nC=bare-value\n'
    (tmp_path / "env").write_text(text + 'D="two-lines\\nof-a-key"\n')
    found = build.pulled_secrets(tmp_path / "env")
    assert {'a "long" value', "ey.token", "bare-value", "two-lines", "of-a-key"} <= set(found)
    assert {"short", "production"} & set(found) == set()


def test_the_documented_exclusions_are_those_of_the_code():
    documented = vercel_deployment.DOCUMENTATION
    assert [
        name
        for name in source.EXCLUDED
        if f"- {json.dumps(name)}" not in documented and f"- {name}\n" not in documented
    ] == []
    assert release.SOURCE_META == "sophia-source"
