"""The modules for Vercel against the simulated one, which other hands wrote. The CLI is covered elsewhere."""

import json
import re
import sys
import time

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.modules import (
    vercel_deployment,
    vercel_project,
    vercel_project_info,
)
from module_runs import run
from simulator_client import ask

from lab.cloud.vercel import Vercel
from lab.cloud.wire import Clock as LabClock
from lab.cloud.wire import Request

TOKEN, TEAM = "tokenOfTheLab1234567890", "team_1"
TEAMS = [{"id": TEAM, "slug": "acme", "name": "Acme"}, {"id": "team_2", "slug": "bee", "name": "Bee"}]
VALUE, NEW = "Zq7-value-of-a-test", "Zq7-another-value"
VARIABLES = [
    {"key": "API_KEY", "value": VALUE, "type": "sensitive", "target": ["production"]},
    {"key": "PLAIN", "value": f"{VALUE}-p", "type": "plain", "target": ["production", "preview", "development"]},
    {"key": "CODED", "value": f"{VALUE}-c", "type": "encrypted", "target": ["preview"], "comment": "of the lab"},
]
DOMAINS = [
    {"name": "example.com"},
    {"name": "www.example.com", "redirect": "example.com", "redirect_status": 308},
]
PROJECT = {"framework": "vite", "build_command": "npm run build", "sso_protection": "none"}
WANTED = {**PROJECT, "environment_variables": VARIABLES, "domains": DOMAINS}
SLOW_SECONDS = 1.1
FAULTS = {
    **{str(status): {"kind": "status", "status": status} for status in (401, 403, 404, 429, 503)},
    "slow": {"kind": "slow", "seconds": SLOW_SECONDS},
    **{kind: {"kind": kind} for kind in ("cut_before", "cut_after", "truncate", "html", "garbage")},
    "sign-in page": {"kind": "html", "status": 200},
}
HARMLESS = ("429", "503", "cut_before", "cut_after", "truncate", "html", "garbage", "sign-in page", "slow")
# A program in the place of the CLI: it uploads one file, with the marks that it is given.
DEPLOY = """
import json, os, sys, urllib.request
words = sys.argv[1:]
meta = dict(word.split("=", 1) for before, word in zip(words, words[1:]) if before == "--meta")
project, target = os.environ["VERCEL_PROJECT_ID"], "production"
files = [{"file": f".vercel/output/{name}", "data": text} for name, text in
         (("config.json", '{"version": 3}'), ("static/index.html", open("index.html").read()))]
given = {"name": "web", "project": project, "files": files, "target": target, "meta": meta}
url = words[words.index("--api") + 1] + "/v13/deployments?prebuilt=1&teamId=" + os.environ["VERCEL_ORG_ID"]
headers = {"Authorization": "Bearer " + os.environ["VERCEL_TOKEN"], "Content-Type": "application/json"}
answer = urllib.request.urlopen(urllib.request.Request(url, json.dumps(given).encode(), headers, method="POST"))
told = json.load(answer)
print(json.dumps({"status": "ok", "deployment": {"id": told["id"], "url": "https://" + told["url"]}}))
"""


class Time(Clock):
    """A clock whose hours pass at once, here and in the simulated cloud."""

    def __init__(self, cloud):
        self.cloud, self.now, self.slept = cloud, 0.0, []
        super().__init__(lambda: self.now, self._sleep)

    def _sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds
        self.cloud.advance(seconds)


@pytest.fixture
def vercel(cloud, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")  # no call here needs a certificate, and reading them takes long
    cloud.control("vercel/token", {"token": TOKEN, "user": "ci", "teams": TEAMS})
    return cloud


@pytest.fixture
def site(tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site/index.html").write_text("<p>one</p>")
    return tmp_path / "site"


@pytest.fixture
def program(tmp_path):
    (tmp_path / "deploy.py").write_text(DEPLOY)
    path = tmp_path / "vercel"
    path.write_text(
        f'#!/bin/sh\ncase $1 in\n--version) echo 60.1.3;;\ndeploy) exec {sys.executable} -I -S "{tmp_path}/deploy.py"'
        ' "$@";;\nesac\n'
    )
    path.chmod(0o755)
    return path


@pytest.fixture
def play(vercel, tmp_path, monkeypatch, capsys):
    """Run a module, vercel_project unless another is named, and assert that it says no secret."""
    (tmp_path / "tmp").mkdir()

    def play(module=vercel_project, check=False, **given):
        play.clock = Time(vercel)
        given = {"name": "web", "token": TOKEN, "team_id": TEAM, "api_url": vercel.urls["vercel"], **given}
        given = {name: value for name, value in given.items() if value is not None}
        given |= {"_ansible_remote_tmp": str(tmp_path / "tmp"), "_ansible_keep_remote_files": False}
        done = run(lambda: module.main(play.clock), monkeypatch, capsys, check=check, **given)
        assert [hidden for hidden in (TOKEN, VALUE, NEW) if hidden in done.said + "".join(done.warnings)] == []
        return {**done.result, "warned": done.warnings}

    return play


@pytest.fixture
def deploy(play, site, program):
    def deploy(text=None, **given):
        if text:
            (site / "index.html").write_text(text)
        return play(vercel_deployment, source_path=str(site), cli_path=str(program), cli_version="60.1.3", **given)

    return deploy


def told(cloud, method, path, given=None):
    """Ask as nobody's module does."""
    mark = "&" if "?" in path else "?"
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return ask(method, f"{cloud.urls['vercel']}{path}{mark}teamId={TEAM}", given, headers)


def variables(cloud):
    body = told(cloud, "GET", "/v10/projects/web/env").json
    listed = body if isinstance(body, list) else body["envs"]
    return {one["key"]: one for one in listed}


def domains(cloud):
    return {one["name"] for one in told(cloud, "GET", "/v9/projects/web/domains").json["domains"]}


def writes(cloud):
    return [call for call in cloud.calls("vercel") if call["method"] != "GET"]


def served(cloud, host="web.vercel.app"):
    return ask("GET", f"{cloud.urls['vercel']}/_deployments/{host}/").body.decode()


def until_carried_out(cloud, fault):
    """A slow request is carried out after its caller has given up; nothing of it may reach the next test."""
    end = time.monotonic() + 10
    while fault == "slow" and not any(call["seconds"] >= SLOW_SECONDS for call in cloud.calls("vercel")):
        assert time.monotonic() < end
        time.sleep(0.01)


def assert_told(message):
    """One sentence or some, that name what was tried and what to do."""
    assert re.search(r"[Rr]un again|[Gg]ive |See whether|[Cc]ompare|later|Make a new", message), message
    assert re.search(r"web|variable|domain|deployment", message) and message.isprintable() and len(message) < 700
    assert [hidden for hidden in (TOKEN, VALUE, NEW, "Traceback") if hidden in message] == []


def assert_as_wanted(cloud):
    found = told(cloud, "GET", "/v9/projects/web").json
    assert (found["framework"], found["buildCommand"]) == ("vite", "npm run build")
    assert {key: one["type"] for key, one in variables(cloud).items()} == {one["key"]: one["type"] for one in VARIABLES}
    assert domains(cloud) == {"example.com", "www.example.com", "web.vercel.app"}


WRITES = {
    "the project": ("POST", r"/v11/projects\?"),
    "its settings": ("PATCH", "/v9/projects/"),
    "the variables": ("POST", "/env"),
    "a variable": ("PATCH", "/env/"),
    "a variable that goes": ("DELETE", "/env/"),
    "a domain": ("POST", "/domains"),
    "a redirect": ("PATCH", "/domains/"),
    "a domain that goes": ("DELETE", "/domains/"),
}
ALL_FAULTS = ("the project", "the variables")
SLOW_WRITES = ("the variables",)  # a second each
SOME_FAULTS = ("404", "429", "503", "cut_before", "cut_after", "garbage")


@pytest.mark.parametrize(
    ("write", "fault"),
    [
        (write, fault)
        for write in WRITES
        for fault in FAULTS
        if (write in ALL_FAULTS if fault != "slow" else write in SLOW_WRITES) or fault in SOME_FAULTS
    ],
)
def test_a_fault_of_a_write_ends_in_success_or_in_a_sentence(vercel, play, write, fault):
    method, path = WRITES[write]
    given = {**WANTED, "purge_environment_variables": True, "purge_domains": True}
    if write != "the project":
        old = {"key": "OLD", "value": VALUE, "type": "plain"}
        changed = {**VARIABLES[1], "value": f"{NEW}-p"}
        there = [{"name": "gone.example.com"}]
        there += [{"name": "example.com"}, {"name": "www.example.com"}] if write == "a redirect" else []
        play(environment_variables=[old, changed], domains=there)
    given["request_timeout_seconds"] = 1 if fault == "slow" else 10
    vercel.fault("vercel", method=method, path=path, **FAULTS[fault])
    result = play(**given)
    assert vercel.control("faults", method="GET") == [], "the fault was not met"
    until_carried_out(vercel, fault)
    if result.get("failed"):
        assert_told(result["msg"])
        result = play(**{**given, "request_timeout_seconds": 10})
        assert not result.get("failed"), result
    else:
        assert result["changed"]
    assert_as_wanted(vercel)
    vercel.forget_calls()
    assert not play(**{**given, "request_timeout_seconds": 10})["changed"] and writes(vercel) == []


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault != "slow"])
def test_a_fault_of_a_read_ends_in_success_or_in_a_sentence(vercel, play, fault):
    play(**WANTED)
    for path in (r"/v9/projects/web\?", "/env", "/domains"):
        vercel.fault("vercel", method="GET", path=path, **FAULTS[fault])
        result = play(**WANTED)
        vercel.control("faults", method="DELETE")
        if result.get("failed"):
            assert_told(result["msg"])
        assert not result.get("changed") or fault == "404"
    assert_as_wanted(vercel)


@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.parametrize("as_string", [False, True])
@pytest.mark.parametrize("readable", [False, True])
def test_both_readings_of_the_list_of_variables(vercel, play, bare, as_string, readable):
    vercel.control(
        "vercel/knobs", {"env_list_bare": bare, "env_target_as_string": as_string, "env_plain_readable": readable}
    )
    assert play(check=True, **WANTED)["changed"] and play(**WANTED)["changed"]
    vercel.forget_calls()
    assert not play(**WANTED)["changed"] and writes(vercel) == []
    again = [{**one, "value": NEW} if one["key"] == "API_KEY" else one for one in VARIABLES]
    assert play(**{**WANTED, "environment_variables": again})["changed"]
    assert [call["method"] for call in writes(vercel)] == ["PATCH"]


def test_a_new_project_costs_four_writes(vercel, play):
    play(**WANTED)
    assert [call["path"].rpartition("/")[2] for call in writes(vercel)] == ["projects", "env", "domains", "domains"]


def test_a_project_that_comes_in_between_is_taken_as_it_is(vercel, play):
    play()
    missing = {"error": {"code": "not_found", "message": "Project not found"}}
    vercel.fault("vercel", "status", status=404, body=missing, method="GET", path="/v9/projects/web")
    assert play(**WANTED)["changed"] and not play(**WANTED)["changed"]
    assert_as_wanted(vercel)


def test_variables_that_fail_within_a_201_are_told_and_made_later(vercel, play):
    vercel.control("vercel/knobs", {"env_failing_keys": ["API_KEY"]})
    result = play(**WANTED)
    assert result["failed"] and "1 of 3" in result["msg"] and "API_KEY" in result["msg"]
    assert_told(result["msg"])
    assert set(variables(vercel)) == {"PLAIN", "CODED"}
    vercel.control("vercel/knobs", {"env_failing_keys": []})
    assert play(**WANTED)["changed"] and not play(**WANTED)["changed"]
    assert_as_wanted(vercel)


def test_a_variable_that_others_have_for_more_targets_is_narrowed(vercel, play):
    play(**PROJECT)
    shared = {"key": "API_KEY", "value": "theirs", "type": "encrypted", "target": ["production", "preview"]}
    assert told(vercel, "POST", "/v10/projects/web/env", shared).status == 201
    assert play(**WANTED)["changed"] and not play(**WANTED)["changed"]
    assert variables(vercel)["API_KEY"]["target"] == ["production"]


def test_a_variable_that_comes_in_between_is_a_conflict_that_a_rerun_solves(vercel, play):
    """Another program makes one with shared targets, after this one has read."""
    play(**PROJECT)
    body = {"created": [], "failed": [{"error": {"code": "ENV_CONFLICT", "message": "exists", "envVarKey": "API_KEY"}}]}
    vercel.fault("vercel", "status", status=201, body=body, method="POST", path="/env")
    result = play(**WANTED)
    assert result["failed"] and "API_KEY" in result["msg"] and "ENV_CONFLICT" in result["msg"]
    assert play(**WANTED)["changed"] and not play(**WANTED)["changed"]


def test_a_policy_that_wants_sensitive_variables_is_told(vercel, play):
    vercel.control("vercel/knobs", {"env_sensitive_required": True})
    result = play(**WANTED)
    assert result["failed"] and "sensitive" in result["msg"]
    ours = [{**one, "type": "sensitive", "target": ["production"]} for one in VARIABLES]
    assert play(environment_variables=ours)["changed"] and not play(environment_variables=ours)["changed"]


def test_a_sensitive_variable_becomes_another_type_and_back(vercel, play):
    play(**WANTED)
    ours = [{**one, "type": "encrypted"} for one in VARIABLES]
    assert play(environment_variables=ours)["changed"] and not play(environment_variables=ours)["changed"]
    assert variables(vercel)["API_KEY"]["type"] == "encrypted"
    assert play(**WANTED)["changed"] and not play(**WANTED)["changed"]


@pytest.mark.parametrize("status", [409, 400])
def test_a_domain_of_another_project_is_told(vercel, play, status):
    vercel.control("vercel/knobs", {"domain_conflict_status": status})
    play(name="other", domains=[{"name": "example.com"}])
    result = play(**WANTED)
    assert result["failed"] and "example.com" in result["msg"] and "another project" in result["msg"]
    assert play(name="other", domains=[], purge_domains=True)["changed"]
    assert play(**WANTED)["changed"] and not play(**WANTED)["changed"]


def test_a_domain_of_another_team_that_is_locked_is_told(vercel, play):
    vercel.control("vercel/project_of_other_team", {"name": "theirs", "domain": "example.com", "locked": True})
    result = play(**WANTED)
    assert result["failed"] and "example.com" in result["msg"] and "another team" in result["msg"]


@pytest.mark.parametrize("code", ["missing_txt_record", "existing_project_domain"])
def test_a_domain_waits_for_its_record_and_is_verified_later(vercel, play, code):
    vercel.control("vercel/knobs", {"verify_code": code})
    vercel.control("vercel/project_of_other_team", {"name": "theirs", "domain": "example.com"})
    given = {"domains": [{"name": "app.example.com"}]}
    first = play(**given)
    (proof,) = [one for one in first["dns_records"] if one["type"] == "TXT"]
    assert proof["fqdn"] == "_vercel.example.com" and proof["value"].startswith("vc-domain-verify=app.example.com,")
    assert not play(**given)["changed"]
    waited = play(**given, wait_domains_seconds=60)
    assert waited["failed"] and "_vercel.example.com TXT" in waited["msg"] and sum(play.clock.slept) >= 60
    vercel.control("vercel/verify_domain", {"domain": "app.example.com"})
    vercel.control("vercel/domain_dns", {"domain": "app.example.com", "configured_by": "CNAME"})
    done = play(**given, wait_domains_seconds=60)
    assert done["changed"] and "ownership of app.example.com" in done["changes"][0]
    assert not play(**given)["changed"]


def test_the_report_of_a_project(vercel, play, deploy):
    play(**WANTED)
    deployed = deploy()
    told_info = play(vercel_project_info)
    assert (told_info["exists"], told_info["production"]["id"]) == (True, deployed["deployment_id"])
    assert {one["name"] for one in told_info["domains"]} == {"example.com", "www.example.com"}
    assert play(vercel_project_info, name="none")["exists"] is False


@pytest.mark.parametrize("status", [403, 404])
def test_a_wrong_team_is_told(vercel, play, status):
    vercel.control("vercel/knobs", {"scope_status": status})
    result = play(**PROJECT, team_id="team_of_nobody")
    assert result["failed"] and "team_of_nobody" in result["msg"]
    assert_told(result["msg"])


def test_a_team_by_its_slug_is_the_same_team(vercel, play):
    assert play(**WANTED)["changed"]
    assert not play(**WANTED, team_id=None, team_slug="acme")["changed"]
    assert play(**PROJECT, team_id="team_2", check=True)["changed"]


def test_a_wrong_token_is_told(vercel, play):
    vercel.control("vercel/token", {"token": TOKEN, "valid": False})
    result = play(**PROJECT)
    assert result["failed"] and "does not accept the token" in result["msg"]


def test_a_short_rate_limit_is_waited_for_and_a_long_one_told(vercel, play):
    play(**WANTED)
    vercel.control("vercel/rate_limit", {"count": 2, "retry_after_seconds": 7})
    assert not play(**WANTED)["changed"] and play.clock.slept[:2] == [7, 7]
    vercel.control("vercel/rate_limit", {"count": -1, "limit": {"reset": 4_000_000_000}})
    result = play(**WANTED)
    assert result["failed"] and play.clock.slept == []
    vercel.control("vercel/rate_limit", {"count": 1, "limit": {"reset": 1}})
    assert not play(**WANTED)["changed"] and play.clock.slept == [1]


def test_a_project_is_deleted_with_its_name_said_twice(vercel, play):
    play(**WANTED)
    assert play(state="absent")["failed"]
    for fault in ("cut_after", None):
        if fault:
            vercel.fault("vercel", fault, method="DELETE")
        assert play(state="absent", confirm_name="web")["changed"] is bool(fault)
    assert told(vercel, "GET", "/v9/projects/web").status == 404


def test_a_source_is_deployed_once_and_again_when_it_changed(vercel, play, deploy):
    play(**WANTED)
    assert deploy(check=True)["reasons"] == ["there is no production deployment"]
    one = deploy()
    assert one["changed"] and served(vercel) == "<p>one</p>"
    assert not deploy()["changed"]
    two = deploy("<p>two</p>")
    assert (two["changed"], two["previous_deployment_id"]) == (True, one["deployment_id"])
    assert served(vercel) == "<p>two</p>" and not deploy()["changed"]


def test_another_value_of_a_variable_is_another_deployment(vercel, play, deploy):
    play(**WANTED)
    deploy()
    again = [{**one, "value": NEW} if one["key"] == "API_KEY" else one for one in VARIABLES]
    play(environment_variables=again)
    assert deploy()["reasons"] == ["settings or variables of the project are others"]
    assert not deploy()["changed"]


def test_a_build_that_fails_leaves_production(vercel, play, deploy):
    play(**WANTED)
    one = deploy()["deployment_id"]
    error = {"code": "BUILD_FAILED", "message": "no such module"}
    vercel.control("vercel/build", {"outcome": "error", "error": error})
    result = deploy("<p>two</p>")
    assert result["failed"] and "no such module" in result["msg"] and f"Production still is {one}" in result["msg"]
    assert served(vercel) == "<p>one</p>"
    vercel.control("vercel/build", {"outcome": "ready"})
    assert deploy()["changed"] and served(vercel) == "<p>two</p>"


def test_an_alias_that_cannot_be_assigned_is_told(vercel, play, deploy):
    play(**WANTED)
    one = deploy()["deployment_id"]
    vercel.control("vercel/knobs", {"alias_error": {"code": "cert_missing", "message": "There is no certificate"}})
    result = deploy("<p>two</p>")
    assert result["failed"] and "There is no certificate" in result["msg"] and one in result["msg"]
    vercel.control("vercel/knobs", {"alias_error": None})
    assert deploy()["changed"] and served(vercel) == "<p>two</p>"


def test_names_that_come_late_are_waited_for(vercel, play, deploy):
    play(**WANTED)
    vercel.control("vercel/knobs", {"alias_seconds": 30, "queued_seconds": 20})
    vercel.control("vercel/build", {"seconds": 60})
    assert deploy()["changed"] and sum(play.clock.slept) >= 100 and served(vercel) == "<p>one</p>"


def test_a_deployment_that_takes_too_long_is_waited_for_by_the_next_run(vercel, play, deploy):
    play(**WANTED)
    vercel.control("vercel/build", {"seconds": 100})
    result = deploy(timeout_seconds=60)
    assert result["failed"] and "Run again" in result["msg"]
    assert deploy(timeout_seconds=900)["changed"]
    listed = told(vercel, "GET", "/v7/deployments?projectId=web").json["deployments"]
    assert len(listed) == 1 and not deploy()["changed"]


@pytest.fixture
def two(vercel, play):
    """The ids of two deployments, which no module made; the second is in production."""
    play(**PROJECT)
    ids = []
    for text in ("<p>one</p>", "<p>two</p>"):
        files = {".vercel/output/config.json": '{"version": 3}', ".vercel/output/static/index.html": text}
        listed = [{"file": name, "data": data} for name, data in files.items()]
        given = {"name": "web", "project": "web", "files": listed, "target": "production"}
        ids.append(told(vercel, "POST", "/v13/deployments?prebuilt=1", given).json["id"])
        vercel.advance(60)
    return tuple(ids)


def switch(play, state, deployment_id, **given):
    return play(vercel_deployment, state=state, deployment_id=deployment_id, **given)


def test_a_rollback_and_back(vercel, play, deploy):
    play(**WANTED)
    one, second = deploy()["deployment_id"], deploy("<p>two</p>")["deployment_id"]
    done = switch(play, "rolled_back", "previous")
    assert (done["changed"], done["deployment_id"], done["previous_deployment_id"]) == (True, one, second)
    assert served(vercel) == "<p>one</p>" and not switch(play, "rolled_back", "previous")["changed"]
    kept = deploy()
    assert not kept["changed"] and "rolled back" in "".join(kept["warned"])
    assert switch(play, "promoted", second)["changed"] and served(vercel) == "<p>two</p>"
    assert not switch(play, "promoted", second)["changed"] and not deploy()["changed"]


def test_after_a_rollback_a_new_source_is_promoted(vercel, play, deploy, two):
    switch(play, "rolled_back", two[0])
    assert deploy("<p>three</p>")["changed"] and served(vercel) == "<p>three</p>"
    assert not deploy()["changed"]


@pytest.mark.parametrize(
    "knobs",
    [{"promote_status": 202}, {"rollback_stops_assignment": False}, {"promote_seconds": 60}],
    ids=str,
)
def test_readings_of_a_promotion(vercel, play, two, knobs):
    vercel.control("vercel/knobs", knobs)
    assert switch(play, "rolled_back", two[0])["changed"] and served(vercel) == "<p>one</p>"
    assert switch(play, "promoted", two[1])["changed"] and served(vercel) == "<p>two</p>"


@pytest.mark.parametrize("outcome", ["failed", "skipped"])
def test_a_promotion_whose_job_fails_is_told(vercel, play, two, outcome):
    switch(play, "rolled_back", two[0])
    vercel.control("vercel/knobs", {"promote_outcome": outcome})
    result = switch(play, "promoted", two[1])
    assert result["failed"] and f"ended as {outcome}. Production still is {two[0]}" in result["msg"]
    assert served(vercel) == "<p>one</p>"
    vercel.control("vercel/knobs", {"promote_outcome": "succeeded"})
    assert switch(play, "promoted", two[1])["changed"]


@pytest.mark.parametrize("fault", [fault for fault in FAULTS if fault in (*SOME_FAULTS, "slow", "truncate")])
def test_a_fault_of_a_rollback_moves_production_once(vercel, play, two, fault):
    vercel.fault("vercel", method="POST", path="/rollback/", **FAULTS[fault])
    vercel.forget_calls()
    result = switch(play, "rolled_back", two[0], request_timeout_seconds=1 if fault == "slow" else 10)
    until_carried_out(vercel, fault)
    carried_out = [call for call in writes(vercel) if call["status"] in (201, None)]
    if result.get("failed"):
        assert fault not in HARMLESS, result
        assert_told(result["msg"])
        assert served(vercel) == "<p>two</p>" and switch(play, "rolled_back", two[0])["changed"]
    assert served(vercel) == "<p>one</p>" and len(carried_out) <= 2
    assert not switch(play, "rolled_back", two[0])["changed"]


def test_what_is_no_deployment_of_this_project_is_refused(vercel, play, two):
    assert "no such deployment" in switch(play, "promoted", "dpl_none")["msg"]
    play(name="other")
    result = switch(play, "promoted", two[0], name="other")
    assert result["failed"] and "belongs to another project" in result["msg"]


def test_the_simulator_keeps_no_sensitive_value():
    service = Vercel(LabClock())
    service.control("token", {"token": TOKEN, "user": "ci"})

    def send(method, path, given):
        headers = {"authorization": f"Bearer {TOKEN}"}
        return json.loads(service.handle(Request(method, path, {}, headers, json.dumps(given).encode())).body)

    send("POST", "/v11/projects", {"name": "web"})
    one = {"key": "KEY", "value": VALUE, "type": "sensitive", "target": ["production"]}
    made = send("POST", "/v10/projects/web/env", one)["created"]
    send("PATCH", f"/v9/projects/web/env/{made['id']}", {"value": NEW})
    dumped = json.dumps(service.dump())
    assert VALUE not in dumped and NEW not in dumped and '"KEY"' in dumped
