"""The simulated external APIs against reference/external_apis.md: what each says to a key of each kind."""

import base64

import pytest
from simulator_client import ask

from lab.cloud.apis import Apis
from lab.cloud.running import ControlError
from lab.cloud.wire import Clock

KEYS = {"linear": "lin_api_K3y", "gong": "access:s3cret", "github": "ghp_k3y"}
VIEWER = {"query": "{ viewer { id name } }"}
PATHS = {
    "anthropic": "/v1/models?limit=1",
    "openai": "/v1/models",
    "slack": "/auth.test",
    "gong": "/v2/workspaces",
    "linear": "/graphql",
    "hubspot": "/account-info/v3/details",
    "asana": "/users/me?opt_fields=gid,name",
    "github": "/user",
    "codacy": "/user",
    "pinecone": "/indexes",
    "weaviate": "/v1/meta",
}
# service: the status and what is in the body, of a valid key, one that is not known, a restricted and a disabled one
ANSWERS = {
    "anthropic": [(200, "data"), (401, "authentication_error"), (403, "permission_error"), (404, "not_found_error")],
    "openai": [(200, "list"), (401, "invalid_api_key"), (403, "api.model.read"), (401, "invalid_api_key")],
    "slack": [(200, "acme.slack.com"), (200, "invalid_auth"), None, (200, "account_inactive")],
    "gong": [(200, "workspaces"), (401, "errors"), (403, "errors"), (401, "errors")],
    "linear": [(200, "viewer"), (401, "AUTHENTICATION_ERROR"), (403, "errors"), (400, "AUTHENTICATION_ERROR")],
    "hubspot": [
        *[(200, "portalId"), (401, "INVALID_AUTHENTICATION"), (403, "MISSING_SCOPES"), (401, "EXPIRED_AUTHENTICATION")]
    ],
    "asana": [(200, "gid"), (401, "Not Authorized"), (403, "Forbidden"), (401, "Not Authorized")],
    "github": [(200, "alice"), (401, "Bad credentials"), (403, "not accessible by integration"), (401, "Bad creden")],
    "codacy": [(200, "mainEmail"), (401, "error"), (403, "error"), (404, "not found")],
    "pinecone": [(200, "indexes"), (401, "Invalid API Key"), (403, "Forbidden"), (401, "Invalid API Key")],
    "weaviate": [(200, "hostname"), (401, "invalid api key"), (403, "forbidden"), (401, "invalid api key")],
}


def headers(service, key):
    named = {"anthropic": "x-api-key", "codacy": "api-token", "pinecone": "Api-Key", "linear": "Authorization"}
    value = f"Bearer {key}"
    if service in named:
        value = key
    if service == "gong":
        value = f"Basic {base64.b64encode(key.encode()).decode()}"
    return {
        named.get(service, "Authorization"): value,
        **({"anthropic-version": "2023-06-01"} if service == "anthropic" else {}),
        **({"User-Agent": "test"} if service == "github" else {}),
    }


def send(cloud, service, key=None, path=None, given=None):
    method = "POST" if service in ("slack", "linear") else "GET"
    body = given or (VIEWER if service == "linear" else None)
    sent = headers(service, key) if key else {"User-Agent": "test"}
    return ask(method, f"{cloud.urls['apis']}/{service}{path or PATHS[service]}", body, sent)


def key_of(service):
    return KEYS.get(service, f"key-of-{service}")


@pytest.mark.parametrize("service", ANSWERS)
@pytest.mark.parametrize(("number", "state"), [(0, "valid"), (1, None), (2, "restricted"), (3, "disabled")])
def test_each_service_answers_as_the_real_one(cloud, service, number, state):
    wanted = ANSWERS[service][number]
    if wanted is None:
        with pytest.raises(ControlError, match="no restricted tokens"):
            cloud.control("apis/key", {"service": service, "key": key_of(service), "state": state})
        return
    cloud.control("apis/key", {"service": service, "key": key_of(service), "state": state})
    answer = send(cloud, service, key_of(service))
    assert answer.status == wanted[0]
    assert wanted[1] in answer.body.decode()
    if service == "slack":
        assert answer.json["ok"] is (state == "valid")


@pytest.mark.parametrize("service", ANSWERS)
def test_no_service_answers_well_without_a_key(cloud, service):
    answer = send(cloud, service)
    if service == "slack":
        assert (answer.status, answer.json) == (200, {"ok": False, "error": "not_authed"})
    else:
        assert answer.status == 401


@pytest.mark.parametrize("service", ANSWERS)
def test_a_key_of_one_service_is_none_of_another(cloud, service):
    other = "openai" if service != "openai" else "asana"
    cloud.control("apis/key", {"service": other, "key": key_of(service)})
    assert b"invalid_auth" in (answer := send(cloud, service, key_of(service))).body or answer.status == 401


@pytest.mark.parametrize(
    ("service", "path"), [("slack", "/api/auth.test"), ("asana", "/api/1.0/users/me"), ("codacy", "/api/v3/user")]
)
def test_the_path_of_a_real_base_url_may_be_kept(cloud, service, path):
    cloud.control("apis/key", {"service": service, "key": key_of(service)})
    answer = send(cloud, service, key_of(service), path)
    assert answer.status == 200
    assert b'"ok": false' not in answer.body


@pytest.mark.parametrize("service", ANSWERS)
def test_another_path_is_not_found(cloud, service):
    cloud.control("apis/key", {"service": service, "key": key_of(service)})
    answer = send(cloud, service, key_of(service), "/v9/none")
    assert answer.status == (200 if service == "slack" else 404)


def test_anthropic_wants_a_version(cloud):
    cloud.control("apis/key", {"service": "anthropic", "key": "k"})
    answer = ask("GET", f"{cloud.urls['apis']}/anthropic/v1/models", headers={"x-api-key": "k"})
    assert (answer.status, answer.json["error"]["type"]) == (400, "invalid_request_error")


def test_anthropic_keeps_to_the_limit(cloud):
    cloud.control("apis/key", {"service": "anthropic", "key": "k"})
    page = send(cloud, "anthropic", "k").json
    assert (len(page["data"]), page["has_more"], page["first_id"]) == (1, True, page["data"][0]["id"])


def test_openai_shows_a_part_of_a_wrong_key(cloud):
    message = send(cloud, "openai", "sk-abcdefghijkl").json["error"]["message"]
    assert "sk-ab" in message
    assert "ijkl" in message
    assert "sk-abcdefghijkl" not in message


def test_github_refuses_a_request_without_user_agent(cloud):
    cloud.control("apis/key", {"service": "github", "key": "k"})
    answer = ask("GET", f"{cloud.urls['apis']}/github/user", headers={"Authorization": "Bearer k"})
    assert (answer.status, b"User-Agent" in answer.body) == (403, True)


def test_github_knows_every_token_at_rate_limit(cloud):
    cloud.control("apis/key", {"service": "github", "key": "ghs_k", "state": "restricted"})
    assert send(cloud, "github", "ghs_k", "/rate_limit").status == 200
    assert send(cloud, "github", "other", "/rate_limit").status == 401
    cloud.control("apis/key", {"service": "github", "key": "ghp_k"})
    assert "x-oauth-scopes" in send(cloud, "github", "ghp_k").headers


@pytest.mark.parametrize(
    ("key", "authorization", "status"),
    [
        ("lin_api_k", "lin_api_k", 200),
        ("lin_api_k", "Bearer lin_api_k", 401),
        ("lin_oauth_k", "Bearer lin_oauth_k", 200),
        ("lin_oauth_k", "lin_oauth_k", 401),
    ],
)
def test_linear_wants_bearer_for_oauth_tokens_only(cloud, key, authorization, status):
    cloud.control("apis/key", {"service": "linear", "key": key})
    url = f"{cloud.urls['apis']}/linear/graphql"
    assert ask("POST", url, VIEWER, {"Authorization": authorization}).status == status


def test_codacy_knows_no_project_token(cloud):
    cloud.control("apis/key", {"service": "codacy", "key": "k"})
    assert ask("GET", f"{cloud.urls['apis']}/codacy/user", headers={"project-token": "k"}).status == 401


@pytest.mark.parametrize(
    ("settings", "key", "status", "text"),
    [
        ({}, None, 401, "anonymous access not enabled"),
        ({"enabled": True}, None, 200, "hostname"),
        ({"enabled": True}, "k", 200, "hostname"),
        ({"enabled": True}, "wrong", 401, "invalid api key"),
        ({"enabled": True, "api_key_auth": False}, "k", 401, "oidc auth is not configured"),
        ({"enabled": True, "api_key_auth": False}, None, 200, "hostname"),
    ],
)
def test_weaviate_with_and_without_anonymous_access(cloud, settings, key, status, text):
    cloud.control("apis/key", {"service": "weaviate", "key": "k"})
    if settings:
        cloud.control("apis/anonymous", settings)
    answer = send(cloud, "weaviate", key)
    assert answer.status == status
    assert text in answer.body.decode()


def test_weaviate_is_ready_for_everybody(cloud):
    assert send(cloud, "weaviate", "wrong", "/v1/.well-known/ready").status == 200


def test_a_rate_limit_is_a_fault(cloud):
    cloud.control("apis/key", {"service": "asana", "key": "k"})
    cloud.fault("apis", "status", path="/apis/asana", status=429, headers={"Retry-After": "30"})
    cloud.control("apis/key", {"service": "openai", "key": "k"})
    assert send(cloud, "openai", "k").status == 200
    limited = send(cloud, "asana", "k")
    assert (limited.status, limited.headers["retry-after"]) == (429, "30")
    assert send(cloud, "asana", "k").status == 200


@pytest.mark.parametrize(
    ("action", "given"),
    [
        ("key", {"service": "aol", "key": "k"}),
        ("key", {"service": "gong", "key": "no-colon"}),
        ("key", {"service": "asana", "key": ""}),
        ("key", {"service": "asana", "key": "k", "state": "sad"}),
        ("anonymous", {"enabled": "yes"}),
        ("none", {}),
    ],
)
def test_a_wrong_control_action_is_refused_with_a_sentence(cloud, action, given):
    with pytest.raises(ControlError, match=r"\w+ .*\."):
        cloud.control(f"apis/{action}", given)


def test_a_dump_holds_the_keys_as_hashes_and_can_be_taken_back():
    apis = Apis(Clock())
    apis.control("key", {"service": "openai", "key": "sk-abcdefgh"})
    apis.control("anonymous", {"enabled": True})
    dumped = apis.dump()
    assert "sk-abcdefgh" not in str(dumped)
    other = Apis(Clock())
    other.load(dumped)
    assert other.dump() == dumped
