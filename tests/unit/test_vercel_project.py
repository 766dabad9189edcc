"""The modules vercel_project and vercel_project_info, against a small Vercel on loopback."""

import json
import time

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.vercel import environment_plan, plan
from ansible_collections.sophia.platform.plugins.modules import vercel_project, vercel_project_info
from fake_web import Answer, served
from module_runs import run
from vercel_fixtures import TEAM, TOKEN, Time, Vercel, error

SECRET, OTHER, PLAIN = "s3cret-value-of-a-test", "an0ther-secret-value", "https://api.example.com"
VARIABLES = [
    {"key": "SESSION", "value": SECRET, "type": "sensitive", "target": ["production"]},
    {"key": "API", "value": PLAIN, "type": "plain"},
]
DOMAINS = [{"name": "www.example.com", "redirect": "example.com"}, {"name": "example.com"}]


@pytest.fixture
def vercel():
    return Vercel()


@pytest.fixture
def play(vercel, monkeypatch, capsys):
    """Run a module against the fake; asserts that no secret is in what it wrote."""
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")  # each call of open_url reads the store, for http as well

    def play(module=vercel_project, check=False, clock=None, **options):
        with served(vercel) as (port, _seen):
            url = f"http://127.0.0.1:{port}"
            options = {"name": "web", "token": TOKEN, "team_id": TEAM, "api_url": url, **options}
            vercel.calls.clear()
            done = run(lambda: module.main(clock or Time()), monkeypatch, capsys, check=check, **options)
        assert [secret for secret in (TOKEN, SECRET, OTHER, "key-of-prints") if secret in done.said] == []
        return done.result

    return play


def test_everything_is_made_at_once_and_a_second_run_changes_nothing(play, vercel):
    wanted = {"framework": "nextjs", "node_version": "22.x", "environment_variables": VARIABLES, "domains": DOMAINS}
    first = play(**wanted)
    assert first["changed"] and first["project_id"] == "prj_1"
    assert vercel.writes() == [
        "POST /v11/projects",
        "PATCH /v9/projects/prj_1",
        "POST /v10/projects/prj_1/env",
        "POST /v10/projects/prj_1/domains",
        "POST /v10/projects/prj_1/domains",
    ]
    assert [one["name"] for one in vercel.domains.values()] == ["example.com", "www.example.com"]
    assert {one["key"]: one["value"] for one in vercel.variables} == {"SESSION": SECRET, "API": PLAIN}
    assert "project web: absent\n" in first["diff"]["before"]
    assert "variable SESSION: sensitive [production]\n" in first["diff"]["after"]
    second = play(**wanted)
    assert (second["changed"], second["changes"], vercel.writes()) == (False, [], [])
    assert second["dns_records"] == first["dns_records"]


def test_nothing_to_change_costs_three_calls_and_one_for_each_domain(play, vercel):
    wanted = {"environment_variables": VARIABLES, "domains": []}
    play(**wanted)
    play(**wanted)
    assert vercel.calls == [
        "GET /v9/projects/web",
        "GET /v10/projects/prj_1/env",
        "GET /v9/projects/prj_1/domains",
    ]
    play()
    assert vercel.calls == ["GET /v9/projects/web"]


def test_check_mode_predicts_what_a_run_then_does(play, vercel):
    wanted = {"framework": "vite", "environment_variables": VARIABLES, "domains": DOMAINS}
    predicted = play(check=True, **wanted)
    assert vercel.writes() == [] and vercel.project is None
    assert predicted["changed"] and predicted["dns_records"] == []
    assert play(**wanted)["changes"] == predicted["changes"]
    assert not play(check=True, **wanted)["changed"]


def test_another_value_is_noticed_and_not_told(play, vercel):
    play(environment_variables=VARIABLES, fingerprint_key="key-of-prints")
    changed = [{**VARIABLES[0], "value": OTHER}, VARIABLES[1]]
    done = play(environment_variables=changed, fingerprint_key="key-of-prints")
    assert done["diff"] == {
        "before": "variable SESSION: sensitive [production] (old value)\n",
        "after": "variable SESSION: sensitive [production] (new value)\n",
    }
    assert vercel.writes() == [f"PATCH /v9/projects/prj_1/env/{vercel.id_of('SESSION')}"]
    assert not play(environment_variables=changed, fingerprint_key="key-of-prints")["changed"]


def test_sensitive_to_readable_is_made_anew(play, vercel):
    play(environment_variables=VARIABLES)
    old = vercel.id_of("SESSION")
    play(environment_variables=[{**VARIABLES[0], "type": "encrypted"}, VARIABLES[1]])
    assert vercel.writes() == [f"DELETE /v9/projects/prj_1/env/{old}", "POST /v10/projects/prj_1/env"]


def test_purge(play, vercel):
    play(environment_variables=VARIABLES, domains=DOMAINS)
    assert not play(environment_variables=[], domains=[])["changed"]
    purge = {"purge_environment_variables": True, "purge_domains": True}
    assert len(play(environment_variables=[], domains=[], **purge)["changes"]) == 4
    assert (vercel.variables, vercel.domains) == ([], {})


def test_values_that_are_words_elsewhere_do_not_spoil_the_records(play, vercel):
    wanted = [{"key": "A", "value": "1"}, {"key": "B", "value": "vercel"}, {"key": "C", "value": "www.example.com"}]
    play(environment_variables=wanted, domains=[{"name": "www.example.com"}])
    done = play(environment_variables=wanted, domains=[{"name": "www.example.com"}])
    assert done["dns_records"] == [
        {
            "name": "www",
            "fqdn": "www.example.com",
            "zone": "example.com",
            "type": "CNAME",
            "value": "d1d4.vercel-dns-017.com",
            "ttl_seconds": 300,
        }
    ]
    shown = done.get("invocation", {"module_args": {}})["module_args"].get("environment_variables", [])
    assert {one["value"] for one in shown} <= {"***"}  # newer versions of Ansible leave it out


def test_ownership_is_asked_for_until_dns_proves_it(play, vercel):
    vercel.foreign.add("www.example.com")
    done = play(domains=[{"name": "www.example.com"}])
    assert [(one["name"], one["type"], one["value"]) for one in done["dns_records"]] == [
        ("www", "CNAME", "d1d4.vercel-dns-017.com"),
        ("_vercel", "TXT", "vc-domain-verify=www.example.com,abc"),
    ]
    assert [(one["verified"], one["misconfigured"], one["ready"]) for one in done["domains"]] == [(False, True, False)]
    assert not play(domains=[{"name": "www.example.com"}])["changed"]
    vercel.foreign.clear()
    vercel.configured = {"www.example.com"}
    assert not play(check=True, domains=[{"name": "www.example.com"}])["changed"]
    done = play(domains=[{"name": "www.example.com"}])
    assert done["changes"] == ["ownership of www.example.com: unproven -> verified"]
    assert done["domains"][0]["ready"] and [one["type"] for one in done["dns_records"]] == ["CNAME"]


def test_domains_that_do_not_become_ready_are_named_with_what_dns_lacks(play, vercel):
    vercel.foreign.add("www.example.com")
    done = play(domains=DOMAINS, wait_domains_seconds=20)
    assert done["failed"]
    assert done["msg"] == (
        "After 20 s these domains are not ready: example.com points elsewhere in DNS, www.example.com needs its TXT "
        "record, which proves the ownership. DNS must hold: example.com A 216.198.79.1; www.example.com CNAME "
        "d1d4.vercel-dns-017.com; _vercel.example.com TXT vc-domain-verify=www.example.com,abc. Publish that, and wait "
        "until resolvers see it."
    )


def test_waiting_ends_when_dns_points_to_vercel(play, vercel):
    clock = Time()
    vercel.configured = set()
    sleep = clock.sleep
    clock.sleep = lambda seconds: (sleep(seconds), vercel.configured.add("example.com"))
    assert play(clock=clock, domains=[{"name": "example.com"}], wait_domains_seconds=60)["domains"][0]["ready"]
    assert clock.slept == [5.0]


def test_a_domain_that_this_project_has_already_is_no_conflict(play, vercel):
    vercel.with_project()
    vercel.domains["example.com"] = vercel.domain_entry("example.com", "old.example.com", 307)
    vercel.faults["GET", "/domains"] = [Answer(200, b'{"domains": []}')]  # a page that does not show it
    assert play(domains=[{"name": "example.com"}])["changed"]
    assert vercel.domains["example.com"]["redirect"] is None


def test_a_domain_of_another_project_is_an_error_that_names_it(play, vercel):
    vercel.with_project()
    vercel.taken.add("example.com")
    done = play(domains=[{"name": "example.com"}])
    assert done["msg"] == (
        "Cannot add the domain example.com: another project (prj_other) at Vercel has it (409 domain_already_in_use). "
        "Remove it there first; that has a downtime and asks for a new TXT record."
    )


def test_all_that_is_wrong_is_told_at_once_before_anything_is_written(play, vercel):
    variables = [
        {"key": "1A", "value": SECRET},
        {"key": "S", "value": "x", "type": "sensitive", "target": ["development"]},
    ]
    done = play(name="Web---x", environment_variables=variables, domains=[{"name": "*.example.com"}])
    for words in ("project name 'Web---x'", "'1A' needs a name", "S is sensitive", "*.example.com needs Vercel's"):
        assert words in done["msg"]
    assert vercel.writes() == []


def test_deletion_wants_the_name_once_more(play, vercel):
    vercel.with_project()
    assert "Say confirm_name: web" in play(state="absent")["msg"]
    assert play(state="absent", confirm_name="web", check=True)["changed"]
    assert vercel.project
    assert play(state="absent", confirm_name="web")["changed"]
    assert vercel.project is None
    assert not play(state="absent", confirm_name="web")["changed"]


def test_a_201_that_holds_failures_fails_and_names_them(play, vercel):
    vercel.with_project()
    failed = {"code": "ENV_CONFLICT", "message": f"{SECRET} exists", "envVarKey": "SESSION", "target": ["production"]}
    body = json.dumps({"created": [], "failed": [{"error": failed}]}).encode()
    vercel.faults["POST", "/env"] = [Answer(201, body)]
    assert play(environment_variables=VARIABLES)["msg"] == (
        "Vercel did not create 1 of 2 environment variables: SESSION [production] (ENV_CONFLICT: *** exists). The "
        "others are there; put these right and run again."
    )


def test_a_policy_that_makes_variables_sensitive_is_told(play, vercel):
    vercel.with_project()
    body = json.dumps({"created": {"key": "API", "target": "production", "type": "sensitive"}}).encode()
    vercel.faults["POST", "/env"] = [Answer(201, body)]
    done = play(environment_variables=[{"key": "API", "value": PLAIN, "target": ["production"]}])
    assert "Vercel made the environment variable API sensitive instead of encrypted" in done["msg"]


CUT = Answer(raw=b'HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{"created": [')


@pytest.mark.parametrize("carried_out", [True, False])
@pytest.mark.parametrize("fault", [CUT, error(502, "internal_server_error"), Answer(200, b"<html>ok</html>")])
def test_a_write_whose_outcome_is_unknown_is_read_again_before_it_is_repeated(play, vercel, carried_out, fault):
    vercel.with_project()
    vercel.faults["POST", "/env"] = [lambda normal: (normal() if carried_out else None, fault)[1]]
    done = play(environment_variables=VARIABLES)
    assert done["changed"] and len(vercel.variables) == 2
    assert vercel.writes() == ["POST /v10/projects/prj_1/env"] * (1 if carried_out else 2)
    assert vercel.calls.count("GET /v10/projects/prj_1/env") == 2


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_creation_that_was_cut_off_leaves_one_project(play, vercel, carried_out):
    vercel.faults["POST", "/v11/projects"] = [lambda normal: (normal() if carried_out else None, CUT)[1]]
    assert play(framework="vite")["changed"]
    assert vercel.calls.count("POST /v11/projects") == (1 if carried_out else 2)


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_deletion_that_was_cut_off(play, vercel, carried_out):
    vercel.with_project()
    vercel.faults["DELETE", "/projects"] = [lambda normal: (normal() if carried_out else None, CUT)[1]]
    assert play(state="absent", confirm_name="web")["changed"]
    assert vercel.project is None


def limited(seconds):
    def answer(_normal):
        return error(429, "rate_limited", "Rate limit", limit={"remaining": 0, "reset": time.time() + seconds})

    return answer


HTML = Answer(502, b"<html><script>x</script><h1>Bad gateway</h1></html>", "text/html")


@pytest.mark.parametrize(
    ("faults", "slept"),
    [
        ([limited(20)], [20]),
        ([Answer(429, b"{}", headers={"Retry_After": "7"})], [7]),
        ([error(429, "too_many_requests")], [1]),
        ([error(500, "internal_server_error"), HTML], [1, 2]),
        ([Answer(raw=b""), CUT, Answer(raw=b"no http\r\n\r\n")], [1, 2, 4]),
    ],
)
def test_what_is_waited_for_and_tried_again(play, vercel, faults, slept):
    clock = Time()
    vercel.with_project()
    vercel.faults["GET", "/projects/web"] = list(faults)
    assert not play(clock=clock).get("failed")
    assert [round(seconds) for seconds in clock.slept] == slept


def test_a_rate_limit_holds_back_writes_too(play, vercel):
    vercel.faults["POST", "/v11/projects"] = [error(429, "rate_limited", limit={"reset": 1})]
    assert play()["changed"]
    assert vercel.writes() == ["POST /v11/projects"] * 2


@pytest.mark.parametrize(
    ("options", "fault", "calls", "words"),
    [
        (
            {"token": "wrong-token"},
            None,
            1,
            ["does not accept the token (403 forbidden: Not authorized)", "Make a new one"],
        ),
        ({}, error(403, "team_unauthorized", "Not in team"), 1, ["may not do this in the team team_acme", "team_id"]),
        (
            {},
            error(402, "payment_required", "Upgrade"),
            1,
            ["the plan of the team team_acme", "402 payment_required: Up"],
        ),
        ({}, error(400, "bad_request", f"bad {TOKEN}"), 1, ["Vercel refused it (400 bad_request: bad ***)"]),
        (
            {},
            error(409, "conflict", "busy"),
            1,
            ["Cannot read the project web: Vercel refused it (409 conflict: busy)"],
        ),
        ({}, error(410, "gone", "gone"), 1, ["410 gone"]),
        ({}, limited(600), 1, ["rate limit is used up (429 rate_limited: Rate limit)", "Run again in 600 s"]),
        (
            {},
            error(500, "internal_server_error"),
            4,
            ["fault of its own (500 internal_server_error: no)", "status.com"],
        ),
        ({}, HTML, 4, ["answered 502 with an HTML page: Bad gateway"]),
        ({}, Answer(200, b"<html><h1>Hello</h1></html>"), 1, ["answered 200 with an HTML page: Hello, not with JSON"]),
        ({}, Answer(404, b"404 page not found"), 1, ["answered 404 with 404 page not found", "whether api_url is"]),
        ({}, CUT, 4, ["Cannot read the project web at Vercel", "the answer was cut off"]),
    ],
)
def test_faults_of_a_read(play, vercel, options, fault, calls, words):
    vercel.with_project()
    vercel.faults["GET", "/projects/web"] = [fault] * 9 if fault else []
    done = play(**options)
    assert done["failed"] and len(vercel.calls) == calls
    assert [word for word in words if word not in done["msg"]] == []


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (error(404, "not_found", "Not Found"), "or it belongs to another team: compare team_id or team_slug"),
        (
            error(409, "conflict", "Project name taken"),
            "Cannot create the project web: Vercel refused it (409 conflict",
        ),
        (error(400, "invalid_name", f"x {SECRET}"), "(400 invalid_name: x ***)"),
        (error(422, "unprocessable", "y"), "(422 unprocessable: y)"),
    ],
)
def test_faults_of_a_creation(play, vercel, fault, words):
    vercel.faults["POST", "/v11/projects"] = [fault] * 5
    assert words in play(environment_variables=VARIABLES)["msg"]
    assert len(vercel.writes()) == 1


def test_the_wrong_team_is_an_error_that_says_so(play, vercel):
    vercel.with_project()
    vercel.faults["POST", "/v11/projects"] = [error(404, "not_found", "Team not found")]
    done = play(team_id="team_other")
    assert "Vercel finds no such thing in the team team_other (404 not_found: Team not found)" in done["msg"]


def test_a_conflict_without_upsert_is_told(play, vercel):
    vercel.with_project()
    vercel.faults["POST", "/env"] = [error(400, "ENV_CONFLICT", f"SESSION has {SECRET}")]
    assert "(400 ENV_CONFLICT: SESSION has ***)" in play(environment_variables=VARIABLES)["msg"]


def test_nothing_listens(monkeypatch, capsys):
    with served({}) as (port, _seen):
        pass
    options = {"name": "web", "token": TOKEN, "api_url": f"http://127.0.0.1:{port}"}
    done = run(lambda: vercel_project.main(Time()), monkeypatch, capsys, **options)
    assert f"(http://127.0.0.1:{port}): nothing listens on 127.0.0.1:{port}." in done.result["msg"]


@pytest.mark.parametrize("token", ["", "two words", "line\nbreak"])
def test_a_token_that_is_none(play, token):
    assert "The token of Vercel is empty or holds characters" in play(token=token)["msg"]


def test_information_only_reads_and_names_what_serves(play, vercel):
    done = play(vercel_project_info)
    assert (done["changed"], done["exists"], done["dns_records"], done["production"]) == (False, False, [], {})
    vercel.with_project()
    vercel.domains["example.com"] = vercel.domain_entry("example.com")
    vercel.domains["web.vercel.app"] = vercel.domain_entry("web.vercel.app")
    done = play(vercel_project_info)
    assert [one["fqdn"] for one in done["dns_records"]] == ["example.com"]
    assert vercel.writes() == [] and not done["production"]["serves"]


def test_pages_are_followed(play, vercel):
    vercel.with_project()
    page = {"domains": [vercel.domain_entry("example.com")], "pagination": {"next": 5}}
    vercel.domains["www.example.com"] = vercel.domain_entry("www.example.com")
    vercel.faults["GET", "/domains"] = [Answer(200, json.dumps(page).encode())]
    assert not play(domains=[{"name": "example.com"}, {"name": "www.example.com"}])["changed"]


def test_the_documented_choices_are_those_of_the_code():
    assert vercel_project.SPEC["sso_protection"]["choices"] == list(plan.SSO_PROTECTIONS)
    assert vercel_project.VARIABLE["type"]["choices"] == list(environment_plan.TYPES)
