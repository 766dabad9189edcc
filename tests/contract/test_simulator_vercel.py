"""The simulated Vercel: access, projects, environment variables and controls."""

from __future__ import annotations

import json

import pytest
from simulator_vercel import SECOND, TEAM, TOKEN, Account

from lab.cloud.vercel import Vercel
from lab.cloud.wire import Clock, Request

VARIABLE = {"key": "API_URL", "value": "https://api.example.com", "type": "encrypted", "target": ["production"]}
ENV = "/v10/projects/web/env"


@pytest.fixture
def account():
    return Account()


@pytest.fixture
def web(account):
    account.project()
    return account


@pytest.mark.parametrize("path", ["/user", "/v2/user", "/v9/projects/x", "/v3/now/deployments/x/events", "/v4/aliases"])
def test_paths_are_taken_with_any_version_and_without_one(account, path):
    assert account.vercel.handles(Request("GET", path))


def test_other_paths_are_not_taken(account):
    assert not account.vercel.handles(Request("GET", "/favicon.ico"))


@pytest.mark.parametrize(("token", "more"), [("wrong", "invalidToken"), ("", "missingToken")])
def test_a_bad_token_is_403_with_a_mark(account, token, more):
    status, value = account.ask("GET", "/v2/user", token=token)
    assert (status, value["error"]["code"], value["error"][more]) == (403, "forbidden", True)


def test_the_user_and_a_limited_one(account):
    assert account.got("GET", "/v2/user")["user"]["limited"] is False
    account.vercel.control("token", {"token": "narrow", "user": "ci", "teams": [TEAM], "limited": True})
    assert account.got("GET", "/v2/user", token="narrow")["user"]["limited"] is True
    assert account.refused("GET", "/v9/projects", token="narrow", scope="") == (403, "forbidden")


def test_teams_are_listed_in_pages_and_found_by_id_and_slug(account):
    first = account.got("GET", "/v2/teams?limit=1")
    assert [team["slug"] for team in first["teams"]] == ["bee"]
    rest = account.got("GET", f"/v2/teams?limit=1&until={first['pagination']['next']}")
    assert [team["slug"] for team in rest["teams"]] == ["acme"] and rest["pagination"]["next"] is None
    assert account.got("GET", "/teams/acme")["id"] == account.got("GET", "/v2/teams/team_lab")["id"] == "team_lab"
    assert account.refused("GET", "/teams/other") == (403, "team_unauthorized")


def test_a_scope_is_given_by_id_or_slug_and_counts(web):
    assert web.got("GET", "/v9/projects/web", scope="slug=acme")["accountId"] == "team_lab"
    assert web.refused("GET", "/v9/projects/web", scope="teamId=team_b") == (404, "not_found")
    assert web.refused("GET", "/v9/projects/web", scope="") == (404, "not_found")
    assert web.refused("GET", "/v9/projects/web", scope="teamId=team_other")[0] == 403
    web.vercel.control("knobs", {"scope_status": 404})
    assert web.refused("GET", "/v9/projects/web", scope="teamId=team_other") == (404, "not_found")


def test_without_a_scope_the_default_team_counts(web):
    given = {"token": "defaulted", "user": "ci", "teams": [TEAM, SECOND], "default_team": "team_lab"}
    web.vercel.control("token", given)
    assert web.got("GET", "/v9/projects/web", token="defaulted", scope="")["name"] == "web"


def test_a_rate_limit_is_answered_with_its_object_and_headers(account):
    account.vercel.control("rate_limit", {"count": 1, "limit": {"total": 9}, "retry_after_seconds": 3})
    answer = account.raw("GET", "/v2/user")
    error = json.loads(answer.body)["error"]
    assert (answer.status, error["code"], error["limit"]["total"]) == (429, "rate_limited", 9)
    assert answer.headers["X-RateLimit-Reset"] == str(error["limit"]["reset"]) and answer.headers["Retry-After"] == "3"
    assert account.got("GET", "/v2/user")


def test_a_project_is_made_read_changed_and_deleted(account):
    made = account.project(framework="nextjs")
    assert made["ssoProtection"] == {"deploymentType": "prod_deployment_urls_and_all_previews"}
    assert made["autoAssignCustomDomains"] is True and made["targets"] == {}
    changed = account.got("PATCH", f"/v9/projects/{made['id']}", {"nodeVersion": "24.x", "ssoProtection": None})
    assert changed["nodeVersion"] == "24.x" and changed["ssoProtection"] is None and changed["framework"] == "nextjs"
    assert account.ask("DELETE", "/v9/projects/web") == (204, None)
    assert account.refused("GET", "/v9/projects/web") == (404, "not_found")


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({}, "bad_request"),
        ({"name": "Web"}, "invalid_name"),
        ({"name": "a---b"}, "invalid_name"),
        ({"name": "x" * 101}, "invalid_name"),
        ({"name": "ok", "colour": "red"}, "bad_request"),
        ({"name": "ok", "framework": "fortran"}, "bad_request"),
        ({"name": "ok", "buildCommand": 3}, "bad_request"),
        ({"name": "ok", "rootDirectory": "../x"}, "bad_request"),
        ({"name": "ok", "ssoProtection": {"deploymentType": "none"}}, "bad_request"),
    ],
)
def test_a_project_that_cannot_be_is_refused(account, given, code):
    assert account.refused("POST", "/v11/projects", given) == (400, code)


def test_a_name_is_one_projects_and_a_repository_cannot_be_patched(web):
    assert web.refused("POST", "/v9/projects", {"name": "web"}) == (409, "conflict")
    repository = {"type": "github", "repo": "acme/web"}
    assert web.refused("PATCH", "/v9/projects/web", {"gitRepository": repository}) == (400, "bad_request")
    assert web.got("POST", "/v9/projects/web/link", repository)["link"]["org"] == "acme"
    assert "link" not in web.got("DELETE", "/v9/projects/web/link")
    web.vercel.control("knobs", {"git_app_installed": False})
    assert web.refused("POST", "/v11/projects", {"name": "b", "gitRepository": repository})[0] == 400


@pytest.mark.parametrize("given", [{"nodeVersion": "8.x"}, {"autoAssignCustomDomains": None}, {"id": "prj_x"}])
def test_a_change_of_a_project_that_cannot_be_is_refused(web, given):
    assert web.refused("PATCH", "/v9/projects/web", given) == (400, "bad_request")


def test_projects_are_searched_and_paged(account):
    for number in range(5):
        account.project(f"web-{number}")
    account.project("api")
    first = account.got("GET", "/v10/projects?search=web&limit=3")
    rest = account.got("GET", f"/v10/projects?search=web&limit=3&from={first['pagination']['next']}")
    names = [one["name"] for one in first["projects"] + rest["projects"]]
    assert names == [f"web-{number}" for number in (4, 3, 2, 1, 0)] and rest["pagination"]["next"] is None
    assert account.refused("GET", "/v10/projects?limit=101") == (400, "bad_request")


def test_variables_are_listed_as_ciphertext_and_decrypted_one_by_one(web):
    made = web.got("POST", ENV, VARIABLE)["created"]
    listed = web.got("GET", ENV)["envs"][0]
    assert listed["value"] not in ("", VARIABLE["value"]) and listed["target"] == ["production"]
    assert web.got("GET", f"/v1/projects/web/env/{made['id']}")["value"] == VARIABLE["value"]
    assert web.got("GET", f"{ENV}?decrypt=true")["envs"][0]["value"] == VARIABLE["value"]


def test_the_list_of_variables_has_other_forms(web):
    web.got("POST", ENV, VARIABLE)
    web.vercel.control("knobs", {"env_list_bare": True, "env_target_as_string": True})
    assert [one["target"] for one in web.got("GET", ENV)] == ["production"]


def test_a_sensitive_value_is_never_told_and_stays_sensitive(web):
    made = web.got("POST", ENV, {**VARIABLE, "type": "sensitive"})["created"]
    one, pull = f"/v9/projects/web/env/{made['id']}", "/v3/env/pull/web/production"
    told = [web.raw("GET", path).body for path in (ENV, f"{ENV}?decrypt=true", one, pull)]
    assert not any(VARIABLE["value"].encode() in body for body in told)
    assert web.refused("PATCH", one, {"type": "plain"}) == (400, "bad_request")
    assert web.got("PATCH", one, {"value": "other"})["type"] == "sensitive"
    assert web.got("POST", f"{ENV}?upsert=true", VARIABLE)["failed"][0]["error"]["code"] == "bad_request"
    development = {**VARIABLE, "key": "B", "type": "sensitive", "target": ["development"]}
    assert web.refused("POST", ENV, development)[0] == 400


def test_a_conflict_is_400_alone_and_within_a_201_among_others(web):
    web.got("POST", ENV, VARIABLE)
    assert web.refused("POST", ENV, VARIABLE) == (400, "ENV_CONFLICT")
    wider = {**VARIABLE, "target": ["production", "preview"]}
    status, value = web.ask("POST", f"{ENV}?upsert=true", [wider, {**VARIABLE, "key": "B"}])
    assert status == 201 and [one["key"] for one in value["created"]] == ["B"]
    error = value["failed"][0]["error"]
    assert (error["code"], error["envVarKey"]) == ("ENV_CONFLICT", "API_URL")


def test_upsert_replaces_the_variable_of_the_same_place(web):
    first = web.got("POST", ENV, VARIABLE)["created"]
    second = web.got("POST", f"{ENV}?upsert=true", {**VARIABLE, "value": "new", "comment": "c"})["created"]
    assert second["id"] == first["id"] and second["comment"] == "c"
    assert web.got("GET", "/v3/env/pull/web/production")["env"]["API_URL"] == "new"


@pytest.mark.parametrize(
    "change",
    [
        {"key": "1X"},
        {"type": "secretive"},
        {"target": []},
        {"target": ["staging"]},
        {"value": 3},
        {"gitBranch": "main"},
        {"customEnvironmentIds": [{}]},
        {"value": "x" * 70000},
        {"comment": "x" * 501},
        {"colour": "red"},
    ],
)
def test_a_variable_that_cannot_be_is_refused(web, change):
    assert web.refused("POST", ENV, {**VARIABLE, **change})[0] == 400


def test_a_policy_makes_sensitive_mandatory(web):
    web.vercel.control("knobs", {"env_sensitive_required": True})
    assert web.refused("POST", ENV, VARIABLE)[0] == 400
    assert web.refused("POST", ENV, {**VARIABLE, "target": ["production", "development"]})[0] == 400
    assert web.got("POST", ENV, {**VARIABLE, "type": "sensitive"})["created"]


def test_variables_are_deleted_one_by_one_and_together(web):
    ids = [web.got("POST", ENV, {**VARIABLE, "key": key})["created"]["id"] for key in "ABC"]
    assert web.got("DELETE", f"/v9/projects/web/env/{ids[0]}")["key"] == "A"
    assert web.got("DELETE", "/v1/projects/web/env", {"ids": ids})["deleted"] == 2
    assert web.got("GET", ENV) == {"envs": []}


def test_a_branchs_value_wins_for_its_branch(web):
    preview = {**VARIABLE, "target": ["preview"]}
    web.got("POST", ENV, preview)
    web.got("POST", ENV, {**preview, "gitBranch": "next", "value": "branch"})
    assert web.got("GET", "/v3/env/pull/web/preview")["env"]["API_URL"] == VARIABLE["value"]
    assert web.got("GET", "/v3/env/pull/web/preview/next")["env"]["API_URL"] == "branch"


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("nonsense", {}),
        ("token", {"token": "x"}),
        ("token", {"token": "x", "user": "ci", "teams": [{"id": "a"}]}),
        ("domain_dns", {"domain": "example.com", "configured_by": "B"}),
        ("verify_domain", {"domain": "nothing"}),
        ("build", {"outcome": "maybe"}),
        ("build", {"seconds": -1}),
        ("rate_limit", {"count": "many"}),
        ("rate_limit", {"count": 1, "path": "("}),
        ("knobs", {"colour": 1}),
        ("knobs", {"env_list_bare": "yes"}),
        ("knobs", {"promote_status": 500}),
    ],
)
def test_a_control_action_that_cannot_be_is_refused(account, action, given):
    before = json.dumps(account.vercel.dump())
    with pytest.raises(ValueError, match=r"^[^\n]+\.$"):
        account.vercel.control(action, given)
    assert json.dumps(account.vercel.dump()) == before


def test_all_of_the_state_is_taken_back_and_holds_no_token(web):
    web.got("POST", ENV, VARIABLE)
    web.deployed()
    text = json.dumps(web.vercel.dump())
    assert TOKEN not in text
    web.vercel = Vercel(web.clock)
    web.vercel.load(json.loads(text))
    assert json.dumps(web.vercel.dump()) == text
    assert web.served("web.vercel.app").body == b"<p>one</p>"


def test_nothing_is_built_in():
    assert Vercel(Clock()).handle(Request("GET", "/v2/user", {}, {"authorization": "Bearer x"})).status == 403
