"""The module api_key_check against the simulated APIs and clouds, which other hands wrote."""

import threading

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.api_keys import check as checks
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.modules import api_key_check
from module_runs import run

from lab.cloud.vercel.state import identifier

APIS = (
    *("anthropic", "openai", "slack", "gong", "linear", "hubspot", "asana", "github", "codacy", "pinecone"),
    "weaviate",
)
CLOUDS = ("lambda_cloud", "pulumi", "vercel")
SERVICES = (*APIS, *CLOUDS)
OF = {"lambda_cloud": "lambda", "pulumi": "esc", "vercel": "vercel"}  # the simulated cloud of a service
FAULTS = {
    **{str(status): {"kind": "status", "status": status} for status in (302, 429, 500, 503)},
    "429 that asks for an hour": {"kind": "status", "status": 429, "headers": {"Retry-After": "3600"}},
    "slow": {"kind": "slow", "seconds": 1.2},
    **{kind: {"kind": kind} for kind in ("cut_before", "cut_after", "truncate", "html", "garbage")},
    **{f"a page with {status}": {"kind": "html", "status": status} for status in (200, 401, 403, 404)},
}


@pytest.fixture
def clouds(cloud, monkeypatch):
    """The simulated clouds, with a good key for each service, in `cloud.keys`."""
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")  # no call here needs a certificate, and reading them takes long
    monkeypatch.setattr(checks, "Clock", lambda: Clock(sleep=lambda _seconds: None))
    cloud.keys = {service: identifier("Zq7k3y", 24) for service in SERVICES}
    cloud.keys |= {"linear": f"lin_api_{cloud.keys['linear']}", "gong": f"access:{cloud.keys['gong']}"}
    for service in APIS:
        cloud.control("apis/key", {"service": service, "key": cloud.keys[service]})
    cloud.control("esc/token", {"token": cloud.keys["pulumi"], "login": "ci", "organizations": ["acme"]})
    cloud.control("lambda/limits", {"enabled": False})  # one request a second, and the clock does not wait
    cloud.control("lambda/api_key", {"key": cloud.keys["lambda_cloud"]})
    cloud.control("vercel/token", {"token": cloud.keys["vercel"], "user": "ci"})
    return cloud


@pytest.fixture
def play(clouds, monkeypatch, capsys):
    """Check keys, all of them in one task, and assert that no key is said. Returns the results by service."""

    def play(keys=None, timeout_seconds=5, **given):
        asked = keys or clouds.keys
        listed = [{"service": service, "key": key, "base_url": base(clouds, service)} for service, key in asked.items()]
        done = run(api_key_check.main, monkeypatch, capsys, keys=listed, timeout_seconds=timeout_seconds, **given)
        parts = [part for key in asked.values() for part in (key, key.rpartition(":")[2], key[-4:]) if part]
        assert [part for part in parts if part in done.said.replace(done.result["table"], "")] == []
        assert [part for part in asked.values() if part and part in done.result["table"]] == []
        play.said = done.result
        return {each["service"]: each for each in done.result["results"]}

    return play


def base(cloud, service):
    if service in OF:
        return cloud.urls[OF[service]].removesuffix("/api/v1")
    return f"{cloud.urls['apis']}/{service}"


def classes(results):
    return {service: each["result"] for service, each in results.items()}


def test_good_keys_are_valid_in_one_pass(clouds, play):
    clouds.forget_calls()
    assert classes(play()) == dict.fromkeys(SERVICES, "valid")
    asked = [call for call in clouds.calls() if call["service"] != "control"]
    assert len(asked) == len(SERVICES) + 1  # the one besides is Weaviate's without a key


def test_all_keys_are_asked_at_once(clouds, play, monkeypatch):
    """Each request waits until all services were asked, which only ends well when none waits for another."""
    together = threading.Barrier(len(SERVICES), timeout=10)
    exchange, seen = checks.exchange, set()

    def waiting(method, url, *more):
        if url not in seen:
            seen.add(url)
            together.wait()
        return exchange(method, url, *more)

    monkeypatch.setattr(checks, "exchange", waiting)
    assert classes(play()) == dict.fromkeys(SERVICES, "valid")


def test_unknown_keys_are_invalid(play, clouds):
    wrong = {service: key[:-4] + "0000" for service, key in clouds.keys.items()}
    assert classes(play(wrong)) == dict.fromkeys(SERVICES, "invalid")
    assert play.said["failed"] and all(service in play.said["msg"] for service in SERVICES)


@pytest.mark.parametrize(
    ("state", "expected"), [("restricted", "valid_but_restricted"), ("disabled", "invalid"), (None, "invalid")]
)
def test_keys_in_another_state(play, clouds, state, expected):
    asked = [service for service in APIS if (service, state) != ("slack", "restricted")]
    for service in asked:
        clouds.control("apis/key", {"service": service, "key": clouds.keys[service], "state": state})
    keys = {service: clouds.keys[service] for service in asked}
    results = play(keys, fail_on=[])
    assert classes(results) == dict.fromkeys(asked, expected)
    assert all(each["detail"].endswith(".") for each in results.values())


def test_keys_of_clouds_in_another_state(play, clouds):
    clouds.control("esc/token", {"token": clouds.keys["pulumi"], "login": "ci", "expires_at": 1})
    team = {"id": "team_1", "slug": "acme", "name": "Acme"}
    clouds.control("vercel/token", {"token": clouds.keys["vercel"], "user": "ci", "teams": [team], "limited": True})
    keys = {service: clouds.keys[service] for service in ("pulumi", "vercel")}
    assert classes(play(keys, fail_on=[])) == {"pulumi": "invalid", "vercel": "valid_but_restricted"}
    clouds.control("vercel/token", {"token": clouds.keys["vercel"], "valid": False})
    assert classes(play(keys))["vercel"] == "invalid"


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_says_nothing_about_a_key(clouds, play, fault):
    for service in ("apis", *OF.values()):
        clouds.fault(service, count=-1, **FAULTS[fault])
    results = play(timeout_seconds=1 if fault == "slow" else 5)
    assert classes(results) == dict.fromkeys(SERVICES, "unknown")
    assert not play.said.get("failed")
    assert all(each["detail"].endswith(".") and "\n" not in each["detail"] for each in results.values())


@pytest.mark.parametrize("fault", ["429", "500", "503", "cut_before", "cut_after", "truncate", "html"])
def test_one_fault_is_asked_again(clouds, play, fault):
    for service in APIS:
        clouds.fault("apis", path=f"/apis/{service}/", **FAULTS[fault])
    for service in OF.values():
        clouds.fault(service, **FAULTS[fault])
    assert classes(play()) == dict.fromkeys(SERVICES, "valid")


@pytest.mark.parametrize("wrong", [False, True], ids=["good key", "wrong key"])
@pytest.mark.parametrize(
    ("settings", "said"), [({"enabled": True}, "anonymous access"), ({"api_key_auth": False}, "takes no API keys")]
)
def test_a_weaviate_that_can_prove_no_key(clouds, play, settings, said, wrong):
    clouds.control("apis/anonymous", settings)
    result = play({"weaviate": "Zq7-wrong" if wrong else clouds.keys["weaviate"]})["weaviate"]
    assert result["result"] == "unknown" and said in result["detail"]


def test_a_service_that_is_another_one_proves_nothing(clouds, monkeypatch, capsys):
    """A key of one service, sent to the address of another, is never called valid."""
    pairs = {"github": "asana", "hubspot": "pinecone", "anthropic": "openai", "openai": "anthropic"}
    keys = [{"service": one, "key": clouds.keys[one], "base_url": base(clouds, to)} for one, to in pairs.items()]
    done = run(api_key_check.main, monkeypatch, capsys, keys=keys, fail_on=[])
    assert [each for each in done.result["results"] if each["result"] == "valid"] == []


def test_an_empty_key_is_told_without_asking(clouds, play):
    clouds.forget_calls()
    results = play(dict.fromkeys(APIS, ""))
    assert classes(results) == dict.fromkeys(APIS, "invalid") and clouds.calls() == []
