"""The modules and the lookup for Pulumi ESC against the simulated one, which other hands wrote."""

import re
import time

import pytest
import yaml
from ansible import constants
from ansible.errors import AnsibleError
from ansible_collections.sophia.platform.plugins.lookup import esc as lookup_file
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.esc import client as client_file
from ansible_collections.sophia.platform.plugins.module_utils.esc import options, session
from ansible_collections.sophia.platform.plugins.modules import esc_environment, esc_environment_info
from module_runs import run
from simulator_client import ask

TOKEN = "pul-0123456789abcdef"
OLD, OTHER, NEW = "Zq7-old-value", "Zq7-other-value", "Zq7-new-value"
ENVIRONMENT = "acme/platform/lab"
PLACE = {"organization": "acme", "project": "platform", "name": "lab"}
BASE = "/api/esc/environments/acme"
ENV = f"{BASE}/platform/lab"
TEXT = f"""\
# kept by hand
imports:
  - platform/base   # the first

values:
  platform:
    a: {{fn::secret: {OLD}}}   # ours
    b:
      fn::secret: {OTHER}
  'quoted':   "hello ${{platform.a}}"
"""
BEFORE = {"base": 1, "platform": {"a": OLD, "b": OTHER}, "quoted": f"hello {OLD}"}
AFTER = {"base": 1, "platform": {"a": NEW, "b": OTHER}, "quoted": f"hello {NEW}"}
PLANNED = {"secrets": {"platform.a": NEW}}
LOOKUP = "sophia.platform.esc"
SLOW_SECONDS = 0.12
FAULTS = {
    **{str(status): {"kind": "status", "status": status} for status in (401, 403, 404, 429, 500, 503)},
    "slow": {"kind": "slow", "seconds": SLOW_SECONDS},
    **{kind: {"kind": kind} for kind in ("cut_before", "cut_after", "truncate", "html", "garbage")},
    "sign-in page": {"kind": "html", "status": 200},
}
ADVICE = re.compile("[Rr]un again|[Gg]ive |Compare |See whether|Run again|in some minutes|later")


faults_once_and_always = pytest.mark.parametrize(
    ("fault", "count"),
    [(fault, 1) for fault in FAULTS] + [(fault, -1) for fault in ("403", "429", "503", "slow", "cut_after", "garbage")],
    ids=lambda value: {1: "once", -1: "always"}.get(value, value),
)


@pytest.fixture(scope="module", autouse=True)
def _documented():
    known = yaml.safe_load(lookup_file.DOCUMENTATION)["options"]
    constants.config.initialize_plugin_configuration_definitions("lookup", LOOKUP, known)


@pytest.fixture
def esc(cloud, monkeypatch):
    still = Clock(sleep=lambda _seconds: None)
    for module in (options, client_file):
        monkeypatch.setattr(module, "Clock", lambda: still)
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")  # no call here needs a certificate, and reading them takes long
    for name in ("PULUMI_ACCESS_TOKEN", "PULUMI_BACKEND_URL", "PULUMI_API"):
        monkeypatch.delenv(name, raising=False)
    session.forget()
    cloud.control("esc/token", {"token": TOKEN, "login": "ci", "organizations": ["acme"]})
    cloud.control("esc/environment", {**PLACE, "name": "base", "yaml": "values: {base: 1}"})
    cloud.control("esc/environment", {**PLACE, "yaml": TEXT})
    return cloud


@pytest.fixture
def play(esc, monkeypatch, capsys):
    """Run a module, and assert that it says no secret."""

    def play(main=esc_environment.main, check=False, **given):
        given = {"environment": ENVIRONMENT, "api_url": esc.urls["esc"], "access_token": TOKEN, **given}
        done = run(main, monkeypatch, capsys, check=check, **given)
        said = done.said + "".join(done.warnings)
        assert [hidden for hidden in (TOKEN, OLD, OTHER, NEW, "ciphertext") if hidden in said] == []
        return {**done.result, "warned": done.warnings}

    return play


def values(cloud, name="lab"):
    return cloud.control("esc/values", {**PLACE, "name": name})


def stored(cloud, name="lab"):
    """(the text with its ciphertexts, the revision)."""
    headers = {"Authorization": f"token {TOKEN}"}
    answer = ask("GET", f"{cloud.urls['esc']}{BASE}/platform/{name}", headers=headers)
    return answer.body.decode(), int(answer.headers.get("pulumi-esc-revision", 0))


def writes(cloud):
    return [call for call in cloud.calls("esc") if call["method"] in ("PATCH", "DELETE") or call["path"] == BASE]


def until_carried_out(cloud, fault):
    """A slow request is carried out after its caller has given up; nothing of it may reach the next test."""
    end = time.monotonic() + 10
    while fault == "slow" and not any(call["seconds"] >= SLOW_SECONDS for call in cloud.calls("esc")):
        assert time.monotonic() < end
        time.sleep(0.01)


def look(cloud, *terms, **given):
    made = lookup_file.LookupModule()
    made._load_name = LOOKUP
    given = {"environment": ENVIRONMENT, "api_url": cloud.urls["esc"], "access_token": TOKEN, **given}
    return made.run(list(terms), variables={}, **given)


def assert_told(message, name=ENVIRONMENT):
    """One or two sentences, which name the environment and what to do, and hold no secret."""
    assert name in message and ADVICE.search(message), message
    assert "\n" not in message and len(message) < 500
    assert [hidden for hidden in (TOKEN, OLD, OTHER, NEW, "Traceback") if hidden in message] == []


CALLS = {
    "the definition": ("GET", f"{ENV}$"),
    "decrypt": ("GET", "/decrypt$"),
    "the change": ("PATCH", f"{ENV}$"),
}


@faults_once_and_always
@pytest.mark.parametrize("call", CALLS)
def test_a_fault_ends_in_success_or_in_a_sentence(esc, play, call, fault, count):
    method, path = CALLS[call]
    given = {**PLANNED, "timeout_seconds": 0.08 if fault == "slow" else 5}
    before = stored(esc)[1]
    esc.fault("esc", count=count, method=method, path=path, **FAULTS[fault])
    result = play(**given)
    esc.control("faults", method="DELETE")
    if result.get("failed"):
        assert_told(result["msg"])
        assert values(esc) in (BEFORE, AFTER)
        given["timeout_seconds"] = 5
        assert not play(**given).get("failed")
    else:
        assert result["changed"]
    assert values(esc) == AFTER and stored(esc)[1] == before + 1
    assert not play(**given)["changed"]


@pytest.mark.parametrize("fault", ["slow", "cut_before", "cut_after", "truncate", "html", "503", "garbage"])
def test_a_change_whose_outcome_is_unknown_is_made_exactly_once(esc, play, fault):
    given = {**PLANNED, "timeout_seconds": 0.08 if fault == "slow" else 5}
    esc.fault("esc", method="PATCH", **FAULTS[fault])
    result = play(**given)
    assert result["changed"] and not result.get("failed")
    assert (values(esc), stored(esc)[1], result["revision"]) == (AFTER, 3, 3)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_the_creation(esc, play, fault):
    given = {"environment": "acme/platform/new", "values": {"a": 1}}
    given["timeout_seconds"] = 0.08 if fault == "slow" else 5
    esc.fault("esc", method="POST", path=f"{BASE}$", **FAULTS[fault])
    result = play(**given)
    until_carried_out(esc, fault)
    if result.get("failed"):
        assert_told(result["msg"], "acme/platform/new")
        assert fault == "slow" or "acme/platform/new" not in esc.control("esc/environments")
        result = play(**given)
    assert (result["changed"], result["revision"], values(esc, "new")) == (True, 2, {"a": 1})
    again = play(**given)
    assert (again["changed"], again["revision"]) == (False, 2)


@faults_once_and_always
@pytest.mark.parametrize(("method", "path"), [("POST", "/open"), ("GET", "/open/")], ids=["open", "session"])
def test_a_fault_while_opening(esc, method, path, fault, count):
    seconds = 0.08 if fault == "slow" else 5
    esc.fault("esc", count=count, method=method, path=path, **FAULTS[fault])
    message = ""
    try:
        found = look(esc, "platform.a", timeout_seconds=seconds)
    except AnsibleError as error:
        message = str(error)
    esc.control("faults", method="DELETE")
    if message:
        assert_told(message)
        found = look(esc, "platform.a")
    elif count == -1:
        pytest.fail("a call that always fails was no error")
    assert found == [OLD]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_beside_the_definition(esc, play, fault):
    given = {"tags": {"team": "core"}, "revision_tags": ["production"], "deletion_protected": True}
    given["timeout_seconds"] = 0.08 if fault == "slow" else 5
    for method, path in (("POST", "/lab/tags"), ("POST", "/versions/tags"), ("PATCH", "/settings")):
        esc.fault("esc", method=method, path=path, **FAULTS[fault])
    for _run in range(4):
        result = play(**given)
        if not result.get("failed"):
            break
        assert_told(result["msg"])
    assert not result.get("failed")
    told = play(esc_environment_info.main)
    assert (told["tags"], told["deletion_protected"]) == ({"team": "core"}, True)
    assert "production" in told["revisions"][0]["tags"]
    assert not play(**given)["changed"]


def test_what_others_wrote_keeps_every_sign(esc, play):
    before, number = stored(esc)
    assert play(**PLANNED)["changed"]
    after, now = stored(esc)
    changed = [pair for pair in zip(before.splitlines(), after.splitlines()) if pair[0] != pair[1]]
    assert now == number + 1 and len(before.splitlines()) == len(after.splitlines())
    assert [line.split("{")[0] for pair in changed for line in pair] == ["    a: ", "    a: "]
    assert all(line.endswith("# ours") for pair in changed for line in pair)


KNOBS = [
    {},
    {"conflict_status": 409},
    {"conflict_status": 412},
    {"create_status": 204},
    {"warn_on_open": True},
    {"warn_on_update": True},
    {"number_session_id": True},
    {"hide_revision": True},
    {"bare_diagnostics": True},
    {"plain_404": True},
    {"identical_text_makes_revision": False},
    {"secrets_are_expressions": True},
    {"reformat": True},
]
named = pytest.mark.parametrize("knobs", KNOBS, ids=lambda knobs: str(next(iter(knobs.items()), "usual")))


@named
@pytest.mark.parametrize("compare", ["decrypt", "open"])
def test_with_each_switch_a_second_run_changes_nothing(esc, play, knobs, compare):
    esc.control("esc/knobs", knobs)
    given = {**PLANNED, "environment_variables": {"A": "${platform.a}"}, "compare": compare}
    predicted, result = play(check=True, **given), play(**given)
    assert predicted["changed"] and result["changed"] and predicted["changed_paths"] == result["changed_paths"]
    assert values(esc) == {**AFTER, "environmentVariables": {"A": NEW}}
    assert stored(esc)[0].count("# ") == TEXT.count("# ")
    esc.forget_calls()
    assert not play(**given)["changed"] and writes(esc) == []
    assert look(esc, "A", projection="environment_variables") == [NEW]


@named
def test_with_each_switch_a_missing_environment_is_made(esc, play, knobs):
    esc.control("esc/knobs", knobs)
    given = {"environment": "acme/platform/new", "imports": ["platform/base"], "secrets": {"key": NEW}}
    result = play(**given)
    assert (result["created"], result["changed"]) == (True, True)
    assert values(esc, "new") == {"base": 1, "key": NEW}
    assert not play(**given)["changed"]
    gone = play(environment="acme/platform/new", state="absent")
    assert gone["changed"] and "acme/platform/new" not in esc.control("esc/environments")
    assert not play(environment="acme/platform/new", state="absent")["changed"]


@named
def test_with_each_switch_a_wrong_definition_is_told(esc, play, knobs):
    esc.control("esc/knobs", knobs)
    for check in (True, False):
        result = play(check=check, values={"wrong": "${nowhere.at.all}"})
        assert result["failed"] and ENVIRONMENT in result["msg"] and "nowhere" in result["msg"]
    assert values(esc) == BEFORE


@pytest.mark.parametrize("status", [409, 412])
def test_a_second_writer_keeps_what_he_wrote(esc, play, status):
    esc.control("esc/knobs", {"conflict_status": status})
    esc.control("esc/second_writer", {**PLACE, "yaml": TEXT + "  theirs: 1\n"})
    assert play(**PLANNED)["changed"]
    assert values(esc) == {**AFTER, "theirs": 1} and stored(esc)[1] == 4


@pytest.mark.parametrize("status", [409, 412])
def test_a_second_writer_who_writes_the_same_leaves_nothing_to_do(esc, play, status):
    esc.control("esc/knobs", {"conflict_status": status})
    esc.control("esc/second_writer", {**PLACE, "yaml": TEXT.replace(OLD, NEW)})
    assert not play(**PLANNED)["changed"]
    assert values(esc) == AFTER and stored(esc)[1] == 3


@pytest.mark.parametrize("status", [409, 412])
def test_a_second_writer_who_does_not_stop_is_told_of(esc, play, status):
    esc.control("esc/knobs", {"conflict_status": status})
    for number in (1, 2):
        esc.control("esc/second_writer", {**PLACE, "yaml": f"{TEXT}  theirs: {number}\n"})
    result = play(**PLANNED)
    assert result["failed"] and "changed by somebody else twice" in result["msg"]
    assert values(esc) == {**BEFORE, "theirs": 2}


@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_with_the_own_change_that_came_late_is_no_conflict(esc, play, status):
    esc.control("esc/knobs", {"conflict_status": status})
    esc.control("esc/second_writer", {**PLACE, "yaml": TEXT.replace(OLD, NEW)})
    esc.fault("esc", "cut_before", method="PATCH")  # the second writer is this change, carried out after it was read
    assert play(**PLANNED)["changed"]
    assert values(esc) == AFTER and stored(esc)[1] == 3


@pytest.mark.parametrize("secret", ["${platform.b}", "$${x}", "a$b", "{{ 1 + 1 }}", "line\n  two\n", "#'\":\\ é\t"])
def test_a_secret_is_taken_as_it_is(esc, play, secret):
    given = {"secrets": {"platform.a": secret, 'platform["x.y"]': secret}}
    assert play(check=True, **given)["changed"] and play(**given)["changed"]
    assert values(esc)["platform"] == {"a": secret, "b": OTHER, "x.y": secret}
    assert not play(**given)["changed"]
    assert look(esc, "platform.a", 'platform["x.y"]') == [secret, secret]


def test_fifty_secrets_cost_two_calls(esc):
    secrets = {f"s{number}": f"Zq7-{number}" for number in range(50)}
    esc.control("esc/merge_secrets", {**PLACE, "property": "many", "values": secrets})
    esc.forget_calls()
    assert look(esc, *(f"many.{name}" for name in secrets)) == list(secrets.values())
    assert [look(esc, f"many.{name}") for name in secrets] == [[value] for value in secrets.values()]
    assert [call["method"] for call in esc.calls("esc")] == ["POST", "GET"]


def test_fifty_secrets_are_written_in_one_change(esc, play):
    secrets = {f"many.s{number}": f"{NEW}-{number}" for number in range(50)}
    esc.forget_calls()
    assert play(secrets=secrets)["revision"] == 3
    assert [call["method"] for call in esc.calls("esc")] == ["GET", "PATCH"]
    esc.forget_calls()
    assert not play(secrets=secrets)["changed"]
    assert [call["method"] for call in esc.calls("esc")] == ["GET", "GET"]


RIGHTS = [
    ({"may_write": False}, PLANNED, "may not"),
    ({"may_decrypt": False}, PLANNED, "set compare to open"),
    ({"may_read": False}, PLANNED, "does not show it to this token"),
    ({"may_open": False}, {**PLANNED, "compare": "open"}, "may not"),
    ({"organizations": ["else"]}, PLANNED, "not there or not visible"),
    ({"expires_at": 1}, PLANNED, "has expired"),
]


@pytest.mark.parametrize(("rights", "given", "said"), RIGHTS, ids=lambda value: next(iter(value)))
def test_a_token_without_a_right_is_told_what_to_do(esc, play, rights, given, said):
    esc.control("esc/token", {"token": TOKEN, "login": "ci", "organizations": ["acme"], **rights})
    result = play(**given)
    assert result["failed"] and said in result["msg"]
    assert_told(result["msg"])
    assert values(esc) == BEFORE


def test_a_session_that_has_ended_is_no_value(esc):
    assert look(esc, "platform.a", open_duration="1m") == [OLD]
    esc.advance(3600)
    assert look(esc, "platform.b") == [OTHER]


def test_a_version_is_read_as_it_was(esc, play):
    play(**PLANNED, revision_tags=["stable"])
    play(secrets={"platform.a": OTHER})
    versions = {"2": OLD, "3": NEW, "stable": NEW, "latest": OTHER}
    assert {version: look(esc, "platform.a", version=version)[0] for version in versions} == versions
    assert play(esc_environment_info.main, version="stable")["revision"] == 3
