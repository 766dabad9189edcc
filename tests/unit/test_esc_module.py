"""The modules esc_environment and esc_environment_info from end to end, against a small Pulumi ESC."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.esc import options as shared
from ansible_collections.sophia.platform.plugins.modules import esc_environment, esc_environment_info
from esc_fake import CUT, TOKEN, Answer, document, error, esc_served
from module_runs import run

OLD, NEW = "Zq7-old-value", "Zq7-new-value"
TEXT = f"""\
# ours
imports: [shared/base]
values:
  platform:
    a: {{fn::secret: {OLD}}}   # the first
    b: {{fn::secret: {OLD}2}}
  greeting: "hello ${{platform.a}}"
"""
REFUSED = document({"diagnostics": [{"summary": f"bad {NEW} and {OLD}"}]}, 400)


@pytest.fixture
def esc(monkeypatch):
    monkeypatch.setattr(shared, "Clock", lambda: Clock(sleep=lambda _seconds: None))
    for name in ("PULUMI_ACCESS_TOKEN", "PULUMI_BACKEND_URL", "PULUMI_API"):
        monkeypatch.delenv(name, raising=False)
    with esc_served(TEXT) as (server, url):
        server.url = url
        yield server


@pytest.fixture
def play(esc, monkeypatch, capsys):
    """Return a function that runs esc_environment, and asserts that it says no secret."""

    def call(main=esc_environment.main, check=False, **given):
        given = {"environment": "acme/prod/app", "api_url": esc.url, "access_token": TOKEN, **given}
        done = run(main, monkeypatch, capsys, check=check, **given)
        for hidden in (OLD, NEW, TOKEN, "ciphertext"):
            assert hidden not in done.said
            assert hidden not in "".join(done.warnings)
        call.warned = done.warnings
        return done.result

    return call


def writes(esc):
    return [method for method in esc.methods("POST", "PATCH", "DELETE") if "/open" not in method]


def test_a_changed_secret_is_written_and_all_else_kept(esc, play):
    before = esc.text()
    given = {"secrets": {"platform.a": NEW, "platform.c": "third"}, "environment_variables": {"A": "${platform.a}"}}
    predicted = play(check=True, **given)
    assert esc.text() == before and writes(esc) == ["POST /api/esc/environments/acme/yaml/check?showSecrets=false"]
    result = play(**given)
    assert result["changed"] and result["changed_paths"] == ["environmentVariables.A", "platform.a", "platform.c"]
    assert (result["revision"], result["created"], predicted["revision"]) == (2, False, 0)
    assert predicted["diff"] == result["diff"] and predicted["changed_paths"] == result["changed_paths"]
    assert "*** (new)" in result["diff"]["after"] and "# the first" in result["diff"]["after"]
    assert esc.clear()["values"] == {
        "platform": {"a": {"fn::secret": NEW}, "b": {"fn::secret": OLD + "2"}, "c": {"fn::secret": "third"}},
        "greeting": "hello ${platform.a}",
        "environmentVariables": {"A": "${platform.a}"},
    }
    kept = [
        line for line in before.splitlines() if "b:" in line or line.startswith(("# ours", "imports", "  greeting"))
    ]
    assert [line for line in kept if line not in esc.text().splitlines()] == []
    esc.calls.clear()
    again = play(**given)
    assert not again["changed"] and again["revision"] == 2 and writes(esc) == []
    assert again["diff"]["before"] == again["diff"]["after"]


def test_without_a_stored_secret_to_compare_nothing_is_decrypted(esc, play):
    play(values={"greeting": "good day"}, secrets={"platform.new": NEW})
    assert [call for call in esc.methods() if "decrypt" in call or "open" in call] == []


@pytest.mark.parametrize(
    ("compare", "calls", "changed"),
    [("decrypt", ["decrypt"], False), ("open", ["open?", "open/s1"], False), ("always_write", [], True)],
)
def test_ways_to_compare(esc, play, compare, calls, changed):
    result = play(secrets={"platform.a": OLD}, compare=compare)
    assert result["changed"] is changed
    asked = [call for call in esc.methods() if "decrypt" in call or "open" in call]
    assert len(asked) == len(calls) and all(part in call for part, call in zip(calls, asked))
    assert play(secrets={"platform.a": NEW}, compare=compare)["changed"]
    assert esc.clear()["values"]["platform"]["a"] == {"fn::secret": NEW}


@pytest.mark.parametrize("status", [403, 404])
def test_a_token_that_may_not_decrypt_is_told_what_to_do(esc, play, status):
    esc.fault("GET", "/decrypt", error(status, f"no {NEW}"))
    result = play(secrets={"platform.a": NEW})
    assert result["failed"] and writes(esc) == []
    assert "set compare to open (opens the environment) or always_write" in result["msg"]


def test_a_missing_environment_is_created_and_filled(esc, play):
    given = {"environment": "acme/prod/new", "secrets": {"platform.a": NEW}, "imports": ["shared/base"]}
    predicted = play(check=True, **given)
    assert predicted["changed"] and predicted["created"] and "acme/prod/new" not in esc.environments
    result = play(**given)
    assert (result["created"], result["revision"], result["imports_changed"]) == (True, 2, True)
    assert esc.clear("acme/prod/new") == {
        "imports": ["shared/base"],
        "values": {"platform": {"a": {"fn::secret": NEW}}},
    }
    assert not play(**given)["changed"]
    assert play(environment="acme/prod/empty")["revision"] == 1
    assert not play(environment="acme/prod/empty")["changed"]


def test_what_cannot_be_is_refused_before_anything_is_made(esc, play):
    result = play(environment="acme/prod/new", secrets={"list[0]": NEW})
    assert result["failed"] and writes(esc) == []


def test_somebody_else_creates_it_at_the_same_time(esc, play):
    def theirs(_request):
        esc.store("values: {theirs: 1}", "acme/prod/new")
        return error(409, "Conflict: exists")

    esc.fault("POST", "/acme", theirs)
    result = play(environment="acme/prod/new", values={"ours": 2})
    assert result["changed"] and not result["created"]
    assert esc.clear("acme/prod/new")["values"] == {"theirs": 1, "ours": 2}


def test_an_environment_that_is_there_and_not_visible(esc, play):
    esc.fault("GET", "/app", error(404, "Not Found"), error(404, "Not Found"))
    result = play(values={"a": 1})
    assert "has acme/prod/app, and does not show it to this token" in result["msg"]


@pytest.mark.parametrize(("answer", "after"), [(CUT, True), (error(500, "x"), True), (CUT, False)])
def test_a_create_whose_outcome_is_not_known_is_read_again(esc, play, answer, after):
    esc.fault("POST", "/acme", answer, after=after)
    result = play(environment="acme/prod/new", values={"a": 1})
    assert result["created"] if after else "Whether it was carried out is not known" in result["msg"]
    assert ("acme/prod/new" in esc.environments) is after


@pytest.mark.parametrize("status", [409, 412])
def test_a_conflict_is_read_again_and_both_changes_stay(esc, play, status):
    def theirs(_request):
        esc.store(esc.text() + "  theirs: 1\n")
        return error(status, f"Conflict {NEW}")

    esc.fault("PATCH", "/app", theirs)
    result = play(secrets={"platform.a": NEW})
    assert result["changed"] and result["revision"] == 3
    assert esc.clear()["values"]["theirs"] == 1 and esc.clear()["values"]["platform"]["a"] == {"fn::secret": NEW}
    assert len(writes(esc)) == 2


def test_somebody_else_makes_the_same_change(esc, play):
    def theirs(_request):
        esc.store(TEXT.replace(f"{{fn::secret: {OLD}}}", f"{{fn::secret: {NEW}}}"))
        return error(409, "Conflict")

    esc.fault("PATCH", "/app", theirs)
    result = play(secrets={"platform.a": NEW})
    assert not result["changed"] and result["changed_paths"] == [] and len(writes(esc)) == 1


@pytest.mark.parametrize("status", [409, 412])
def test_two_conflicts_are_an_error(esc, play, status):
    esc.fault("PATCH", "/app", *[error(status, "Conflict")] * 2)
    result = play(secrets={"platform.a": NEW})
    assert f"was changed by somebody else twice while this changed it ({status})" in result["msg"]
    assert esc.clear()["values"]["platform"]["a"] == {"fn::secret": OLD}


@pytest.mark.parametrize("answer", [CUT, error(500, "x"), Answer(502, b"<html>x</html>", "text/html")])
@pytest.mark.parametrize(("after", "patches"), [(True, 1), (False, 2)])
def test_after_a_change_whose_outcome_is_not_known_reading_decides(esc, play, answer, after, patches):
    esc.fault("PATCH", "/app", answer, after=after)
    result = play(secrets={"platform.a": NEW})
    assert result["changed"] and result["changed_paths"] == ["platform.a"] and result["revision"] == 2
    assert esc.clear()["values"]["platform"]["a"] == {"fn::secret": NEW}
    assert len(esc.methods("PATCH")) == patches


def test_a_change_that_is_cut_off_twice(esc, play):
    esc.fault("PATCH", "/app", CUT, CUT)
    result = play(secrets={"platform.a": NEW})
    assert result["failed"] and "Whether it was carried out is not known; run again" in result["msg"]
    assert len(esc.methods("PATCH")) == 2


@pytest.mark.parametrize("check", [True, False])
def test_a_definition_that_pulumi_refuses(esc, play, check):
    esc.fault("POST", "/yaml/check", REFUSED)
    esc.fault("PATCH", "/app", REFUSED)
    result = play(secrets={"platform.a": NEW}, check=check)
    assert result["failed"] and "bad *** and ***" in result["msg"]
    assert esc.clear()["values"]["platform"]["a"] == {"fn::secret": OLD}


def test_a_check_that_is_not_allowed_is_a_warning(esc, play):
    esc.fault("POST", "/yaml/check", error(403, "no"))
    result = play(secrets={"platform.a": NEW}, check=True)
    assert result["changed"] and "was not checked" in play.warned[0]


def test_a_check_does_not_take_a_dollar_in_a_secret_for_a_reference(esc, play, monkeypatch):
    bodies = []
    esc.fault("POST", "/yaml/check", lambda request: bodies.append(request["body"].decode()) or document({}))
    play(secrets={"platform.a": "pa$${word}"}, check=True)
    assert "word" not in bodies[0] and '{fn::secret: "checked"}' in bodies[0] and "ciphertext" in bodies[0]
    assert play(secrets={"platform.a": "pa$${word}"})["changed"]
    assert not play(secrets={"platform.a": "pa$${word}"})["changed"]


def test_warnings_are_told(esc, play):
    warning = {"diagnostics": [{"severity": "warning", "summary": f"weak {NEW}"}]}
    esc.fault("PATCH", "/app", document(warning, Pulumi_ESC_Revision="2"))
    assert play(secrets={"platform.a": NEW})["changed"] and play.warned == ["weak ***"]


def test_without_a_guard_nothing_is_written(esc, play):
    esc.fault("GET", "/app", Answer(200, b"values: {a: 1}"))
    result = play(values={"a": 2})
    assert "without an ETag" in result["msg"] and writes(esc) == []


def test_a_revision_that_is_not_told_is_read(esc, play):
    esc.fault("PATCH", "/app", document({}), after=True)
    assert play(values={"a": 2})["revision"] == 2


def test_remove_and_purge(esc, play):
    assert play(remove=["greeting", "never.there"])["changed_paths"] == ["greeting"]
    result = play(purge=True, property="platform", secrets={"platform.a": OLD})
    assert result["changed_paths"] == ["platform.b"]
    assert esc.clear()["values"] == {"platform": {"a": {"fn::secret": OLD}}} and "# the first" in esc.text()
    assert "property" in play(purge=True)["msg"]


def test_tags_and_protection(esc, play):
    given = {"tags": {"owner": "team"}, "revision_tags": ["production"], "deletion_protected": True, "values": {"a": 1}}
    assert play(check=True, **given)["changed"] and not esc.tags and not esc.revision_tags and not esc.protected
    result = play(**given)
    assert (esc.tags, esc.revision_tags, esc.protected) == ({"owner": "team"}, {"production": 2}, True)
    assert "revision tag production: 2\n" in result["diff"]["after"]
    esc.calls.clear()
    assert not play(**given)["changed"] and writes(esc) == []
    moved = play(values={"a": 2}, revision_tags=["production"], tags={"owner": "other"}, deletion_protected=False)
    assert moved["changed"] and "revision tag production: 2\n" in moved["diff"]["before"]
    assert (esc.tags, esc.revision_tags, esc.protected) == ({"owner": "other"}, {"production": 3}, False)


def test_a_tag_whose_write_was_cut_off_is_read_again(esc, play):
    esc.fault("POST", "/tags", CUT, after=True)
    assert play(tags={"owner": "team"})["changed"] and esc.tags == {"owner": "team"}
    esc.fault("POST", "/versions/tags", CUT)
    assert "Whether it was carried out is not known" in play(revision_tags=["stable"])["msg"]


def test_a_tag_that_was_taken_and_not_changed_is_told(esc, play):
    esc.tags["owner"] = "team"
    esc.fault("PATCH", "/tags/owner", document({}))
    assert "took the tag owner of acme/prod/app and did not change it" in play(tags={"owner": "other"})["msg"]


@pytest.mark.parametrize("tag", ["latest", "1st", "a b"])
def test_tags_that_no_revision_can_have(esc, play, tag):
    assert f"No tags for a revision: {tag}" in play(revision_tags=[tag])["msg"] and esc.calls == []


def test_absent(esc, play):
    predicted = play(state="absent", check=True)
    assert predicted["changed"] and "# ours" in predicted["diff"]["before"] and esc.environments
    esc.protected = True
    assert "set deletion_protected to false as well" in play(state="absent")["msg"]
    assert play(state="absent", deletion_protected=False)["changed"] and not esc.environments
    again = play(state="absent")
    assert not again["changed"] and "not there, or not visible" in again["msg"]


@pytest.mark.parametrize(("after", "failed"), [(True, False), (False, True)])
def test_a_deletion_whose_outcome_is_not_known_is_read_again(esc, play, after, failed):
    esc.fault("DELETE", "/app", CUT, after=after)
    assert play(state="absent").get("failed", False) is failed


def test_all_problems_of_a_task_come_at_once(esc, play):
    result = play(values={"a": {"fn::secret": NEW}}, remove=["b[0]"], environment_variables={"A-B": 1})
    for part in ("a holds a secret", "b[0] in remove", "'A-B' in environmentVariables"):
        assert part in result["msg"]
    assert esc.calls == []


def test_the_environment_gives_token_and_address(esc, monkeypatch, capsys):
    monkeypatch.setenv("PULUMI_ACCESS_TOKEN", TOKEN)
    monkeypatch.setenv("PULUMI_API", "s3://bucket")
    monkeypatch.setenv("PULUMI_BACKEND_URL", esc.url)
    done = run(esc_environment.main, monkeypatch, capsys, environment="acme/prod/app")
    assert not done.result["changed"] and TOKEN not in done.said


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"access_token": ""}, "access token of Pulumi is missing"),
        ({"access_token": "pul-wrong-0000"}, "does not accept the access token"),
        ({"environment": "app"}, "needs three parts"),
        ({"api_url": "https://app.pulumi.com/acme"}, "is app.pulumi.com, which is no API"),
        ({"github_oidc": True, "access_token": ""}, "This is no GitHub Actions job that may ask for its identity"),
    ],
)
def test_a_connection_that_cannot_be(esc, play, monkeypatch, given, says):
    monkeypatch.delenv("ACTIONS_ID_TOKEN_REQUEST_URL", raising=False)
    assert says in play(**given)["msg"]


def test_info(esc, play):
    play(tags={"owner": "team"})
    result = play(esc_environment_info.main)
    assert result["exists"] and result["revision"] == 1 and not result["changed"]
    assert result["definition"]["values"]["platform"] == {"a": {"fn::secret": "***"}, "b": {"fn::secret": "***"}}
    assert result["revisions"] == [{"number": 1, "created": "2026-01-02", "creator": "alice", "tags": ["latest"]}]
    assert result["tags"] == {"owner": "team"} and result["deletion_protected"] is False
    assert play(esc_environment_info.main, environment="acme/prod/other") == {
        **play(esc_environment_info.main, environment="acme/prod/other"),
        "exists": False,
    }
    assert play(esc_environment_info.main, version="1")["exists"]


def test_tags_on_many_pages(esc, play):
    pages = [
        {"tags": {"a": {"name": "a", "value": "1"}}, "nextToken": "7"},
        {"tags": [{"name": "b", "value": "2"}], "nextToken": ""},
    ]
    esc.fault("GET", "/tags", *[document(page) for page in pages])
    assert play(esc_environment_info.main)["tags"] == {"a": "1", "b": "2"}
    esc.fault("GET", "/tags", *[document({"tags": {"a": {"name": "a", "value": "1"}}, "nextToken": "7"})] * 3)
    assert play(esc_environment_info.main)["tags"] == {"a": "1"}


def test_two_hundred_secrets_at_once(esc, play):
    secrets = {f"platform.key_{number}": f"value-{number}" for number in range(200)}
    assert len(play(secrets=secrets)["changed_paths"]) == 200
    assert len(esc.methods("PATCH")) == 1
    assert not play(secrets=secrets)["changed"]
