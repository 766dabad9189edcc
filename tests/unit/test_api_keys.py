"""What API keys are worth, from the answers of their services."""

import base64
import json
import threading

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.api_keys import check as checks
from ansible_collections.sophia.platform.plugins.module_utils.api_keys.check import check, problems, table
from ansible_collections.sophia.platform.plugins.module_utils.api_keys.services import SERVICES, Key
from ansible_collections.sophia.platform.plugins.module_utils.api_keys.verdicts import judge
from ansible_collections.sophia.platform.plugins.module_utils.cloud import http
from ansible_collections.sophia.platform.plugins.modules import api_key_check
from fake_web import Answer, document, served
from module_runs import run

SECRET = "k3y-with-a-T4il"
HTML = Answer(200, b"<!DOCTYPE html><p>Sign in", "text/html")


class Clock:
    """Does not wait."""

    def __init__(self):
        self.slept = []

    def monotonic(self):
        return 0.0

    def sleep(self, seconds):
        self.slept.append(seconds)


PATHS = {
    "anthropic": ("GET", "/v1/models?limit=1"),
    "slack": ("POST", "/api/auth.test"),
    "gong": ("GET", "/v2/workspaces"),
    "linear": ("POST", "/graphql"),
    "hubspot": ("GET", "/account-info/v3/details"),
    "asana": ("GET", "/api/1.0/users/me?opt_fields=gid,name"),
    "github": ("GET", "/user"),
    "codacy": ("GET", "/api/v3/user"),
    "openai": ("GET", "/v1/models"),
    "pinecone": ("GET", "/indexes"),
    "weaviate": ("GET", "/v1/meta"),
    "pulumi": ("GET", "/api/user"),
    "lambda_cloud": ("GET", "/api/v1/ssh-keys"),
    "vercel": ("GET", "/v2/user"),
}
HEADERS = {
    "anthropic": {"x-api-key": SECRET, "anthropic-version": "2023-06-01"},
    "slack": {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json; charset=utf-8"},
    "gong": {"Authorization": "Basic " + base64.b64encode(f"access:{SECRET}".encode()).decode()},
    "linear": {"Authorization": SECRET, "Content-Type": "application/json"},
    "hubspot": {"Authorization": f"Bearer {SECRET}"},
    "asana": {"Authorization": f"Bearer {SECRET}"},
    "github": {
        "Authorization": f"Bearer {SECRET}",
        "X-GitHub-Api-Version": "2022-11-28",
        "User-Agent": "sophia-platform",
    },
    "codacy": {"api-token": SECRET, "Accept": "application/json"},
    "openai": {"Authorization": f"Bearer {SECRET}", "OpenAI-Organization": "org-1", "OpenAI-Project": "proj-1"},
    "pinecone": {"Api-Key": SECRET, "X-Pinecone-Api-Version": "2025-10"},
    "weaviate": {"Authorization": f"Bearer {SECRET}"},
    "pulumi": {"Authorization": f"token {SECRET}", "Accept": "application/vnd.pulumi+8"},
    "lambda_cloud": {"Authorization": f"Bearer {SECRET}"},
    "vercel": {"Authorization": f"Bearer {SECRET}"},
}
GOOD = {
    "anthropic": {"data": [{"type": "model", "id": "claude-x"}], "has_more": True},
    "slack": {"ok": True, "team": "Acme"},
    "gong": {"requestId": "4al", "workspaces": []},
    "linear": {"data": {"viewer": {"id": "1", "name": "Alice"}}},
    "hubspot": {"portalId": 123},
    "asana": {"data": {"gid": "12", "name": "Alice"}},
    "github": {"login": "alice", "id": 1},
    "codacy": {"data": {"id": 1, "isActive": True}},
    "openai": {"object": "list", "data": [{"id": "gpt-x"}]},
    "pinecone": {"indexes": []},
    "weaviate": {"hostname": "http://[::]:8080", "version": "1.33.0", "modules": {}},
    "pulumi": {"githubLogin": "alice"},
    "lambda_cloud": {"data": []},
    "vercel": {"user": {"id": "u", "limited": False}},
}


def key(service, port, **more):
    user = {"user": "access"} if service == "gong" else {}
    own = {"organization": "org-1", "project": "proj-1"} if service == "openai" else {}
    options = {"base_url": f"http://127.0.0.1:{port}", **user, **own, **more}
    return Key(service, service, SECRET, **options)


def closed_without_key(answer):
    """Weaviate with a control request: 401 without the key."""
    return lambda request: answer if "Authorization" in request["headers"] else document({"code": 401}, 401)


@pytest.fixture(scope="module")
def server():
    """One server for the tables: its answers, its port, and the requests that it saw."""
    answers = {}
    with served(answers) as (port, seen):
        yield answers, port, seen


@pytest.fixture
def verdict_of(server):
    """Check one key against one answer; returns the result, the requests and the clock."""

    def ask(service, answer, **more):
        answers, port, seen = server
        answers.clear()
        seen.clear()
        answers[PATHS[service]] = closed_without_key(answer) if service == "weaviate" else answer
        clock = Clock()
        (result,) = check([key(service, port, **more)], 5, clock)
        return result, list(seen), clock

    return ask


def test_every_service_of_the_list_has_a_row_here():
    assert set(SERVICES) == set(PATHS) == set(HEADERS) == set(GOOD)


@pytest.mark.parametrize("service", PATHS)
def test_a_good_key_is_valid_and_sent_as_the_service_wants_it(verdict_of, service):
    result, seen, _clock = verdict_of(service, document(GOOD[service]))
    assert (result.result, len(seen)) == ("valid", 2 if service == "weaviate" else 1)
    sent = {name: seen[-1]["headers"].get(name) for name in HEADERS[service]}
    assert sent == HEADERS[service]
    assert SECRET not in seen[-1]["path"]


UNAUTHORIZED = document({"error": {"message": f"Incorrect API key provided: {SECRET[:6]}***{SECRET[-4:]}."}}, 401)
FORBIDDEN = document({"error": {"message": "Missing scopes"}, "category": "MISSING_SCOPES", "errors": ["no"]}, 403)
LINEAR_401 = {
    "errors": [
        {"message": "Authentication required, not authenticated", "extensions": {"code": "AUTHENTICATION_ERROR"}}
    ]
}
LINEAR_LIMIT = {"errors": [{"message": "slow down", "extensions": {"code": "RATELIMITED"}}]}
LINEAR_SCOPE = {"data": None, "errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]}
VERCEL_BAD = {"error": {"code": "forbidden", "message": "Not authorized", "invalidToken": True}}
QUOTA = {"error": {"code": "insufficient_quota", "type": "insufficient_quota"}}


@pytest.mark.parametrize(
    ("service", "answer", "expected"),
    [
        *[(service, UNAUTHORIZED, "invalid") for service in PATHS if service != "vercel"],
        *[(service, FORBIDDEN, "valid_but_restricted") for service in PATHS if service != "slack"],
        *[(service, document({}, 429), "unknown") for service in PATHS],
        *[(service, document({}, 503), "unknown") for service in PATHS],
        *[(service, document({"unrelated": 1}), "unknown") for service in PATHS],
        *[(service, document([]), "unknown") for service in PATHS],
        *[(service, HTML, "unknown") for service in PATHS],
        *[(service, HTML._replace(status=401), "unknown") for service in PATHS],
        *[(service, Answer(302, headers={"Location": "http://127.0.0.1:1/"}), "unknown") for service in PATHS],
        ("anthropic", document({"type": "error"}, 404), "invalid"),
        ("anthropic", document({"type": "error"}, 400), "unknown"),
        ("anthropic", document({"type": "error"}, 529), "unknown"),
        *[("slack", document({"ok": False, "error": name}), "invalid") for name in checks.verdicts.SLACK_INVALID],
        ("slack", document({"ok": False, "error": "missing_scope"}), "valid_but_restricted"),
        ("slack", document({"ok": False, "error": "ratelimited"}), "unknown"),
        ("slack", document({"ok": False, "error": "internal_error"}), "unknown"),
        ("linear", document(LINEAR_401, 401), "invalid"),
        ("linear", document(LINEAR_401, 400), "invalid"),
        ("linear", document(LINEAR_401), "invalid"),
        ("linear", document(LINEAR_LIMIT, 400), "unknown"),
        ("linear", document(LINEAR_LIMIT, 429), "unknown"),
        ("linear", document(LINEAR_SCOPE), "valid_but_restricted"),
        ("linear", document(LINEAR_SCOPE, 403), "valid_but_restricted"),
        ("linear", document({"errors": [{"message": "syntax"}]}, 400), "unknown"),
        ("linear", document({"data": {"viewer": None}}), "unknown"),
        ("hubspot", document({"category": "EXPIRED_AUTHENTICATION"}, 401), "invalid"),
        ("github", document({"message": "Resource not accessible by integration"}, 403), "valid_but_restricted"),
        ("github", document({}, 403, X_GitHub_SSO="required"), "valid_but_restricted"),
        ("github", document({}, 403, X_RateLimit_Remaining="0"), "unknown"),
        ("github", document({}, 403, Retry_After="60"), "unknown"),
        ("codacy", document({"error": "not found"}, 404), "invalid"),
        ("openai", document(QUOTA, 429), "valid_but_restricted"),
        ("pinecone", Answer(401, b"Invalid API Key", "text/plain"), "invalid"),
        ("weaviate", document({"message": "oidc auth is not configured, please try another"}, 401), "unknown"),
        ("lambda_cloud", document({"error": {"code": "global/account-inactive"}}, 403), "valid_but_restricted"),
        ("vercel", document(VERCEL_BAD, 403), "invalid"),
        ("vercel", document({"error": {"code": "forbidden"}, "invalidToken": True}, 403), "invalid"),
        ("vercel", document({"user": {"limited": True}}), "valid_but_restricted"),
    ],
)
def test_what_an_answer_says_about_the_key(service, answer, expected):
    headers = {name.replace("_", "-").lower(): value for name, value in (answer.headers or {}).items()}
    verdict = judge(SERVICES[service].rules, http.Answer(answer.status, headers, answer.body))
    assert verdict.result == expected
    assert verdict.detail.endswith(".")
    assert SECRET[:6] not in verdict.detail
    assert SECRET[-4:] not in verdict.detail


@pytest.mark.parametrize(
    "answer",
    [
        Answer(302, headers={"Location": "http://127.0.0.1:1/"}),
        Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
        Answer(raw=b"not HTTP at all\r\n\r\n"),
        Answer(raw=b""),
    ],
)
def test_an_answer_that_is_none_says_nothing_about_the_key(verdict_of, answer):
    for service in ("asana", "weaviate"):
        assert verdict_of(service, answer)[0].result == "unknown"


@pytest.mark.parametrize(
    ("first", "requests", "slept"),
    [
        (document({}, 500), 2, [1.0]),
        (document({}, 429, Retry_After="3"), 2, [3.0]),
        (document({}, 429, Retry_After="60"), 1, []),
        (document({}, 401), 1, []),
        (document({}, 418), 1, []),
        (Answer(raw=b""), 2, [1.0]),
    ],
)
def test_only_limits_and_faults_are_tried_again_and_only_once(verdict_of, first, requests, slept):
    _result, seen, clock = verdict_of("asana", first)
    assert (len(seen), clock.slept) == (requests, slept)


def test_a_fault_that_passes_does_not_count(verdict_of):
    answers = iter([document({}, 502), document(GOOD["asana"])])
    result, seen, _clock = verdict_of("asana", lambda _request: next(answers))
    assert (result.result, len(seen)) == ("valid", 2)


def test_a_service_that_cannot_be_reached_says_nothing_about_its_key():
    with served({}) as (port, _seen):
        pass
    (result,) = check([key("asana", port)], 5, Clock())
    assert result.result == "unknown"
    assert f"nothing listens on 127.0.0.1:{port}" in result.detail


@pytest.mark.parametrize(
    ("control", "requests"), [(document(GOOD["weaviate"]), 1), (document({}, 404), 1), (document({}, 500), 2)]
)
def test_weaviate_gets_no_key_before_it_has_refused_a_request_without(control, requests):
    with served({PATHS["weaviate"]: control}) as (port, seen):
        (result,) = check([key("weaviate", port)], 5, Clock())
    assert (result.result, len(seen)) == ("unknown", requests)
    assert not any("Authorization" in request["headers"] for request in seen)
    assert ("anonymous access" in result.detail) is (control.status == 200)


@pytest.mark.parametrize("ending", ["", "/", "/api", "/api/v3", "/api/v3/"])
def test_a_base_url_may_end_with_the_beginning_of_the_path(ending):
    with served({PATHS["codacy"]: document(GOOD["codacy"])}) as (port, _seen):
        (result,) = check([key("codacy", port, base_url=f"http://127.0.0.1:{port}{ending}")], 5, Clock())
    assert result.result == "valid"


def test_admin_keys_of_anthropic_have_a_path_of_their_own():
    admin = Key("anthropic", "a", "sk-ant-admin01-x")
    assert SERVICES["anthropic"].url(admin).endswith(".com/v1/organizations/api_keys?limit=1")


def test_all_keys_are_checked_at_the_same_time():
    together = threading.Barrier(len(PATHS) - 1)  # answers nothing before all requests are there

    def hold(service):
        def answer(_request):
            together.wait(20)
            return document(GOOD[service])

        return answer

    services = [service for service in PATHS if service != "weaviate"]  # pulumi and github have other paths
    with served({PATHS[service]: hold(service) for service in services}) as (port, seen):
        results = check([key(service, port) for service in services], 20, Clock())
    assert [(each.service, each.result) for each in results] == [(service, "valid") for service in services]
    assert len(seen) == len(services)


def test_wrong_options_are_told_all_at_once():
    keys = [Key("weaviate", "w", "x"), Key("github", "g", "x", base_url="ftp://h"), Key("asana", "a", "x")]
    assert [line.partition(":")[0] for line in problems(keys)] == ["w", "g"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Key("asana", "a", ""), "No key given"),
        (Key("asana", "a", "key\n"), "line break"),
        (Key("asana", "a", "Bearer key"), "a space"),
        (Key("gong", "g", "only-one-half"), "access_key:secret"),
        (Key("gong", "g", "access:"), "access_key:secret"),
    ],
)
def test_a_key_that_cannot_be_one_is_invalid_and_is_not_sent(given, words):
    (result,) = check([given], 5, Clock())
    assert result.result == "invalid"
    assert words in result.detail


def test_the_table_has_one_line_for_each_key():
    lines = table(check([Key("asana", "first", ""), Key("gong", "second", "")], 5, Clock())).splitlines()
    assert [line.split()[:3] for line in lines] == [
        ["KEY", "SERVICE", "RESULT"],
        ["first", "asana", "invalid"],
        ["second", "gong", "invalid"],
    ]


def test_the_module_tells_every_result_and_no_key(monkeypatch, capsys):
    answers = {
        PATHS["asana"]: document(GOOD["asana"]),
        PATHS["openai"]: UNAUTHORIZED,
        PATHS["hubspot"]: FORBIDDEN,
    }
    with served(answers) as (port, _seen):
        keys = [
            {"service": name, "key": SECRET, "base_url": f"http://127.0.0.1:{port}"}
            for name in ("asana", "openai", "hubspot")
        ]
        keys.append(
            {"service": "gong", "key": f"access:{SECRET}", "base_url": f"http://127.0.0.1:{port}", "name": "Gong EU"}
        )
        failed = run(api_key_check.main, monkeypatch, capsys, check=True, keys=keys)
        passed = run(api_key_check.main, monkeypatch, capsys, keys=keys, fail_on=[])
        strict = run(api_key_check.main, monkeypatch, capsys, keys=keys, fail_on=["unknown", "valid_but_restricted"])
    classes = ["valid", "invalid", "valid_but_restricted", "unknown"]
    for each in (failed, passed, strict):
        assert [line["result"] for line in each.result["results"]] == classes
        assert [line["name"] for line in each.result["results"]] == ["asana", "openai", "hubspot", "Gong EU"]
        assert each.result["changed"] is False
        assert each.result["table"].count("\n") == 4
        assert SECRET not in each.said
        assert SECRET[:6] not in each.said
        assert SECRET[-4:] not in each.said
    assert failed.result["msg"].startswith("1 of 4 API keys did not pass.\nopenai: invalid. OpenAI refuses the key")
    assert "failed" not in passed.result
    assert strict.result["msg"].startswith("2 of 4 API keys did not pass.\nhubspot: valid_but_restricted.")


def test_the_module_sends_nothing_while_its_options_are_wrong(monkeypatch, capsys):
    with served({}) as (port, seen):
        keys = [
            {"service": "weaviate", "key": SECRET},
            {"service": "asana", "key": SECRET, "base_url": f"x://127.0.0.1:{port}"},
        ]
        said = run(api_key_check.main, monkeypatch, capsys, keys=keys, timeout_seconds=0)
    assert seen == []
    for words in ("weaviate: weaviate has no common address", "asana: base_url is not", "timeout_seconds must be"):
        assert words in said.result["msg"]
    assert SECRET not in said.said


def test_a_key_has_no_representation():
    assert SECRET not in repr(Key("asana", "a", SECRET)) + json.dumps(str([Key("asana", "a", SECRET)]))
