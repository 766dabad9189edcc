"""The simulated Vercel: files, deployments, aliases, promotion and rollback."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile

import pytest
from simulator_vercel import BUILD_SECONDS, PREBUILT, PROMOTE_SECONDS, QUEUED_SECONDS, Account

OTHER = {**PREBUILT, ".vercel/output/static/index.html": b"<p>two</p>"}


@pytest.fixture
def web():
    account = Account()
    account.project()
    return account


def test_missing_files_are_told_uploaded_and_then_taken(web):
    sha = hashlib.sha1(b"hello").hexdigest()
    given = {"name": "web", "project": "web", "files": [{"file": "a/index.html", "sha": sha, "size": 5}]}
    status, value = web.ask("POST", "/v13/deployments", given)
    assert (status, value["error"]["code"], value["error"]["missing"]) == (400, "missing_files", [sha])
    web.upload(b"hello")
    made = web.got("POST", "/v13/deployments", given)
    web.pass_seconds(QUEUED_SECONDS + BUILD_SECONDS)
    assert web.served(made["url"], "a/").body == web.served(made["url"], "a").body == b"hello"
    assert web.served(made["url"], "b").status == 404


def test_a_file_is_refused_with_another_digest(web):
    headers = {"x-vercel-digest": "0" * 40}
    assert web.refused("POST", "/v2/files", body=b"hello", headers=headers) == (400, "invalid_sha")
    assert web.refused("POST", "/v2/files", body=b"hello")[0] == 400


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a//b", ""])
def test_a_path_outside_the_deployment_is_refused(web, path):
    given = {"name": "web", "project": "web", "files": [{"file": path, "data": "x"}]}
    assert web.refused("POST", "/v13/deployments", given)[0] == 400


def test_files_are_taken_from_the_request_too(web):
    packed = base64.b64encode(b"\x00\xff").decode()
    files = [{"file": "index.html", "data": "hi"}, {"file": "b.bin", "data": packed, "encoding": "base64"}]
    made = web.got("POST", "/v13/deployments", {"name": "web", "files": files})
    web.pass_seconds(QUEUED_SECONDS + BUILD_SECONDS)
    assert web.served(made["url"]).body == b"hi" and web.served(made["url"], "b.bin").body == b"\x00\xff"
    assert web.served(made["url"]).content_type == "text/html; charset=utf-8"


def test_an_archive_is_unpacked(web):
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for path, content in PREBUILT.items():
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    half = len(packed.getvalue()) // 2
    parts = {
        ".vercel/source.tgz.part1": packed.getvalue()[:half],
        ".vercel/source.tgz.part2": packed.getvalue()[half:],
    }
    assert web.served(web.deployed(files=parts)["url"]).body == b"<p>one</p>"


def test_a_deployment_is_queued_built_and_ready_by_the_clock(web):
    made = web.deploy(meta={"sha": "abc"})
    path = f"/v13/deployments/{made['id']}"
    assert (made["readyState"], made["aliasAssigned"], made["target"]) == ("QUEUED", False, "production")
    assert web.served(made["url"]).status == 404
    web.pass_seconds(QUEUED_SECONDS)
    assert web.got("GET", path)["readyState"] == "BUILDING"
    web.pass_seconds(BUILD_SECONDS)
    ready = web.got("GET", path)
    assert (ready["readyState"], ready["readySubstate"], ready["alias"]) == ("READY", "PROMOTED", ["web.vercel.app"])
    assert ready["aliasAssigned"] and ready["aliasError"] is None and ready["meta"] == {"sha": "abc"}
    assert web.got("GET", f"/v13/deployments/{ready['url']}") == web.got("GET", "/v13/deployments/web.vercel.app")
    assert web.got("GET", "/v9/projects/web")["targets"]["production"]["id"] == ready["id"]
    assert web.served("web.vercel.app").body == b"<p>one</p>"


def test_names_are_assigned_some_time_after_the_build(web):
    web.vercel.control("knobs", {"alias_seconds": 5})
    ready = web.deployed()
    assert ready["readyState"] == "READY" and ready["aliasAssigned"] is False
    web.pass_seconds(5)
    assert web.got("GET", f"/v13/deployments/{ready['id']}")["aliasAssigned"]


def test_names_that_cannot_be_assigned_leave_an_error(web):
    web.vercel.control("knobs", {"alias_error": {"code": "cert_missing", "message": "No certificate."}})
    ready = web.deployed()
    assert ready["readyState"] == "READY" and ready["aliasError"]["code"] == "cert_missing"
    assert not ready["aliasAssigned"]


def test_a_build_that_fails_tells_why_and_changes_nothing(web):
    first = web.deployed()
    web.vercel.control("build", {"outcome": "error", "error": {"code": "E1", "message": "No."}})
    second = web.deployed()
    assert (second["readyState"], second["errorCode"], second["errorMessage"]) == ("ERROR", "E1", "No.")
    assert web.got("GET", "/v13/deployments/web.vercel.app")["id"] == first["id"]


def test_a_prebuilt_deployment_without_its_configuration_fails(web):
    assert web.deployed(files={"index.html": b"x"})["errorCode"] == "MISSING_BUILD_OUTPUT"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, (400, "bad_request")),
        ({"name": "web"}, (400, "bad_request")),
        ({"name": "web", "files": [], "gitSource": {"type": "github"}}, (400, "bad_request")),
        ({"name": "web", "files": [{"file": "a", "data": ""}], "deploymentId": "dpl_x"}, (400, "bad_request")),
        ({"name": "web", "files": [], "target": "moon"}, (400, "bad_request")),
        ({"name": "web", "files": [], "meta": {"n": 1}}, (400, "bad_request")),
        ({"name": "web", "project": "absent", "files": []}, (404, "project_not_found")),
        ({"name": "web", "deploymentId": "dpl_x"}, (404, "deployment_not_found")),
        ({"name": "fresh", "files": []}, (400, "missing_project_settings")),
        ({"name": "web", "gitSource": {"type": ["github"]}}, (400, "bad_request")),
        ({"name": "web", "gitSource": {"type": "github", "org": "a", "repo": "b"}}, (400, "bad_request")),
    ],
)
def test_a_deployment_that_cannot_be_is_refused(web, given, expected):
    assert web.refused("POST", "/v13/deployments", given) == expected


def test_a_git_reference_of_the_linked_repository_is_deployed(web):
    source = {"type": "github", "org": "acme", "repo": "web", "ref": "main"}
    given = {"name": "web", "project": "web", "target": "production", "gitSource": source}
    assert web.refused("POST", "/v13/deployments", given)[0] == 404
    web.got("POST", "/v9/projects/web/link", {"type": "github", "repo": "acme/web"})
    assert web.got("POST", "/v13/deployments", given)["gitSource"]["ref"] == "main"


def test_a_redeployment_has_the_files_of_the_earlier_one(web):
    first = web.deployed(target=None)
    given = {"name": "web", "deploymentId": first["id"], "target": "production"}
    web.got("POST", "/v13/deployments?forceNew=1", given)
    web.pass_seconds(QUEUED_SECONDS + BUILD_SECONDS)
    assert web.served("web.vercel.app").body == b"<p>one</p>"


def test_a_new_project_is_made_by_its_name(web):
    files = [{"file": "index.html", "data": "x"}]
    made = web.got("POST", "/v13/deployments?skipAutoDetectionConfirmation=1", {"name": "fresh", "files": files})
    assert web.got("GET", "/v9/projects/fresh")["id"] == made["projectId"]


def test_events_end_and_come_as_an_array_or_as_lines(web):
    ready = web.deployed()
    told = web.got("GET", f"/v3/deployments/{ready['id']}/events?builds=1&limit=-1")
    answer = web.raw("GET", f"/v3/now/deployments/{ready['url']}/events?follow=1&format=lines")
    assert [json.loads(line) for line in answer.body.splitlines()] == told
    assert told[-1]["payload"]["text"] == "Deployed"


def test_deployments_are_filtered_and_paged(web):
    ids = [web.deployed(meta={"n": str(number)})["id"] for number in range(3)]
    web.deployed(target=None)
    listed = "/v7/deployments?projectId=web&target=production&state=READY"
    page = web.got("GET", f"{listed}&limit=2")
    assert [one["uid"] for one in page["deployments"]] == [ids[2], ids[1]]
    rest = web.got("GET", f"{listed}&until={page['pagination']['next']}")
    assert [one["uid"] for one in rest["deployments"]] == [ids[0]]
    assert [one["uid"] for one in web.got("GET", "/v6/deployments?meta-n=1")["deployments"]] == [ids[1]]


def test_a_build_is_canceled_and_a_finished_one_is_not(web):
    made = web.deploy()
    assert web.got("PATCH", f"/v12/deployments/{made['id']}/cancel")["readyState"] == "CANCELED"
    web.pass_seconds(QUEUED_SECONDS + BUILD_SECONDS)
    assert web.got("GET", f"/v13/deployments/{made['id']}")["aliasAssigned"] is False
    assert web.refused("PATCH", f"/v12/deployments/{made['id']}/cancel")[0] == 400


def test_a_deleted_deployment_takes_its_names_along(web):
    ready = web.deployed()
    assert web.got("DELETE", f"/v13/deployments/{ready['id']}") == {"uid": ready["id"], "state": "DELETED"}
    assert web.served("web.vercel.app").status == 404
    assert web.refused("GET", f"/v13/deployments/{ready['id']}") == (404, "deployment_not_found")


def test_custom_domains_lead_to_production_and_redirects_redirect(web):
    web.got("POST", "/v10/projects/web/domains", {"name": "example.com"})
    web.got("POST", "/v10/projects/web/domains", {"name": "www.example.com", "redirect": "example.com"})
    web.deployed()
    assert web.served("example.com").body == b"<p>one</p>"
    assert web.served("www.example.com", "a").headers["Location"] == "/_deployments/example.com/a"
    web.got("POST", "/v10/projects/web/domains", {"name": "late.example.com"})
    assert web.served("late.example.com").status == 200
    web.got("DELETE", "/v9/projects/web/domains/late.example.com")
    assert web.served("late.example.com").status == 404


@pytest.mark.parametrize("how", ["the request", "the project"])
def test_without_automatic_assignment_production_is_staged_until_it_is_promoted(web, how):
    first = web.deployed()
    if how == "the project":
        web.got("PATCH", "/v9/projects/web", {"autoAssignCustomDomains": False})
    second = web.deployed(files=OTHER, **({"autoAssignCustomDomains": False} if how == "the request" else {}))
    assert second["readySubstate"] == "STAGED" and second["alias"] == []
    assert web.served("web.vercel.app").body == b"<p>one</p>"
    request = web.requested("promote", second)
    assert (request["jobStatus"], request["type"]) == ("succeeded", "promote")
    assert (request["fromDeploymentId"], request["toDeploymentId"]) == (first["id"], second["id"])
    assert web.served("web.vercel.app").body == b"<p>two</p>"


def test_a_promotion_is_pending_then_in_progress_then_done(web):
    web.deployed()
    second = web.deployed(autoAssignCustomDomains=False)
    path, seen = f"/v10/projects/web/promote/{second['id']}", []
    web.got("POST", path, {})
    for _step in range(3):
        seen.append(web.got("GET", "/v9/projects/web?rollbackInfo=true")["lastAliasRequest"]["jobStatus"])
        web.pass_seconds(PROMOTE_SECONDS / 2)
    assert seen == ["pending", "in-progress", "succeeded"]
    assert web.got("GET", "/v1/projects/web/promote/aliases")["aliases"][0]["status"] == "completed"
    assert "lastAliasRequest" not in web.got("GET", "/v9/projects/web")
    assert web.refused("POST", path, {}) == (409, "conflict")


def test_a_promotion_answers_202_and_may_fail(web):
    web.deployed()
    second = web.deployed(files=OTHER, autoAssignCustomDomains=False)
    web.vercel.control("knobs", {"promote_status": 202, "promote_outcome": "failed"})
    assert web.ask("POST", f"/v10/projects/web/promote/{second['id']}", {}) == (202, None)
    web.pass_seconds(PROMOTE_SECONDS)
    assert web.got("GET", "/v9/projects/web?rollbackInfo=true")["lastAliasRequest"]["jobStatus"] == "failed"
    assert web.got("GET", "/v1/projects/web/promote/aliases?failedOnly=true")["aliases"]
    assert web.served("web.vercel.app").body == b"<p>one</p>"


def test_two_requests_at_once_and_unready_deployments_are_refused(web):
    web.deployed()
    second, third = web.deployed(autoAssignCustomDomains=False), web.deploy()
    assert web.refused("POST", f"/v10/projects/web/promote/{third['id']}", {})[0] == 422
    web.got("POST", f"/v10/projects/web/promote/{second['id']}", {})
    assert web.refused("POST", f"/v10/projects/web/promote/{second['id']}", {}) == (409, "conflict")


def test_after_a_rollback_nothing_is_assigned_until_the_next_promotion(web):
    first, second = web.deployed(), web.deployed(files=OTHER)
    assert web.requested("rollback", first)["type"] == "rollback"
    assert web.served("web.vercel.app").body == b"<p>one</p>"
    third = web.deployed(files=OTHER)
    assert third["readySubstate"] == "STAGED" and web.served("web.vercel.app").body == b"<p>one</p>"
    assert web.got("GET", "/v9/projects/web")["autoAssignCustomDomains"] is True
    web.requested("promote", third)
    fourth = web.deployed()
    assert fourth["readySubstate"] == "PROMOTED" and web.served("web.vercel.app").body == b"<p>one</p>"
    assert web.got("GET", f"/v13/deployments/{second['id']}")["alias"] == []


def test_what_was_never_in_production_is_not_rolled_back_to(web):
    web.deployed()
    preview, staged = web.deployed(target=None), web.deployed(autoAssignCustomDomains=False)
    for one in (preview, staged):
        assert web.refused("POST", f"/v1/projects/web/rollback/{one['id']}")[0] == 422


def test_an_alias_is_taken_from_the_deployment_that_had_it(web):
    first, second = web.deployed(), web.deployed(files=OTHER)
    name = {"alias": "fixed-acme.vercel.app"}
    made = web.got("POST", f"/v2/deployments/{first['id']}/aliases", name)
    assert "oldDeploymentId" not in made
    again = web.got("POST", f"/v2/deployments/{second['id']}/aliases", name)
    assert again["oldDeploymentId"] == first["id"] and again["uid"] == made["uid"]
    assert web.got("GET", f"/v4/aliases/{made['uid']}")["deploymentId"] == second["id"]
    assert web.served(name["alias"]).body == b"<p>two</p>"
    web.got("DELETE", f"/v2/aliases/{name['alias']}")
    assert web.refused("GET", f"/v4/aliases/{name['alias']}") == (404, "not_found")


def test_an_alias_of_a_custom_domain_needs_the_domain_and_its_dns(web):
    path, name = f"/v2/deployments/{web.deployed()['id']}/aliases", {"alias": "x.example.com"}
    assert web.refused("POST", path, name) == (404, "domain_not_found")
    web.got("POST", "/v7/domains", {"name": "example.com"})
    assert web.refused("POST", path, name) == (400, "cert_missing")
    web.vercel.control("domain_dns", {"domain": "x.example.com", "configured_by": "CNAME"})
    assert web.got("POST", path, name)["alias"] == "x.example.com"


def test_an_alias_of_another_account_is_in_use(web):
    ready = web.deployed()
    web.got("POST", "/v11/projects", {"name": "b"}, scope="teamId=team_b")
    given = {"name": "b", "project": "b", "files": [{"file": "index.html", "data": "b"}]}
    theirs = web.got("POST", "/v13/deployments", given, scope="teamId=team_b")
    web.pass_seconds(QUEUED_SECONDS + BUILD_SECONDS)
    name = {"alias": "taken.vercel.app"}
    web.got("POST", f"/v2/deployments/{theirs['id']}/aliases", name, scope="teamId=team_b")
    assert web.refused("POST", f"/v2/deployments/{ready['id']}/aliases", name) == (409, "alias_in_use")
