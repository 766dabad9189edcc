"""The simulated Pulumi ESC against its contract (reference/esc_contract.md)."""

import base64
import json

import pytest
import yaml

from lab.cloud.esc import Esc
from lab.cloud.esc.paths import PathError, interpolated, parsed_path, written
from lab.cloud.wire import Clock, Request

BASE = "/api/esc/environments"
ENV = f"{BASE}/acme/platform/lab"
PLACE = {"organization": "acme", "project": "platform", "name": "lab"}


@pytest.fixture
def cloud():
    service = Esc(Clock())
    service.control("token", {"token": "pul-1", "login": "alice", "organizations": ["acme"]})
    return service


def ask(service, method, path, body=None, token="pul-1", headers=None, **query):
    sent = body.encode() if isinstance(body, str) else b"" if body is None else json.dumps(body).encode()
    given = {"authorization": f"token {token}", **(headers or {})}
    return service.handle(Request(method, path, query, given, sent))


def told(response, status=200):
    assert response.status == status, response.body
    return json.loads(response.body) if response.body.strip() else None


def put(service, text, name="lab", project="platform"):
    service.control("environment", {"organization": "acme", "project": project, "name": name, "yaml": text})


def opened(service, text, name="lab"):
    """The evaluated environment."""
    put(service, text, name)
    session = told(ask(service, "POST", f"{BASE}/acme/platform/{name}/open"))["id"]
    return told(ask(service, "GET", f"{BASE}/acme/platform/{name}/open/{session}"))


def values(service, name="lab"):
    return service.control("values", {**PLACE, "name": name})


def summaries(response, status=400):
    return [each["summary"] for each in told(response, status)["diagnostics"]]


@pytest.mark.parametrize(
    ("header", "status"),
    [("token pul-1", 200), ("Bearer pul-1", 401), ("token wrong", 401), ("", 401), ("pul-1", 401)],
)
def test_only_the_word_token_opens(cloud, header, status):
    response = cloud.handle(Request("GET", "/api/user", headers={"authorization": header}))
    assert response.status == status
    if status == 401:
        assert told(response, 401)["message"] == "Unauthorized: No credentials provided or are invalid."


def test_there_is_no_token_until_one_is_given():
    assert ask(Esc(Clock()), "GET", "/api/user").status == 401


def test_which_paths_are_its_own(cloud):
    own = ["/api/esc/environments", "/api/user", "/api/user/organizations/default", "/api/oauth/token", "/api/esc"]
    assert all(cloud.handles(Request("GET", path)) for path in own)
    assert not any(cloud.handles(Request("GET", path)) for path in ("/api/v1/instances", "/v2/user", "/api/escape"))


def test_the_user_the_token_and_the_default_organization(cloud):
    user = told(ask(cloud, "GET", "/api/user"))
    assert (user["githubLogin"], user["organizations"][0]["githubLogin"]) == ("alice", "acme")
    assert user["tokenInfo"] == {"name": "ci", "organization": "acme"}
    assert told(ask(cloud, "GET", "/api/user/organizations/default")) == {"gitHubLogin": "acme"}
    cloud.control("knobs", {"hide_token_info": True, "hide_default_organization": True})
    assert "tokenInfo" not in told(ask(cloud, "GET", "/api/user"))
    assert ask(cloud, "GET", "/api/user/organizations/default").status == 404


def test_an_environment_is_created_once_and_deleted(cloud):
    body = {"project": "platform", "name": "lab"}
    assert ask(cloud, "GET", ENV).status == 404
    response = ask(cloud, "POST", f"{BASE}/acme", body)
    assert (response.status, response.body) == (200, b"")
    assert told(ask(cloud, "POST", f"{BASE}/acme", body), 409)["message"].startswith("Conflict: ")
    head = ask(cloud, "HEAD", ENV)
    assert (head.status, head.body, head.headers["Pulumi-ESC-Revision"]) == (200, b"", "1")
    assert ask(cloud, "GET", ENV).body == b""
    assert ask(cloud, "DELETE", ENV).status == 204
    assert ask(cloud, "HEAD", ENV).status == 404


@pytest.mark.parametrize("name", ["open", "yaml", ".", "..", "a/b", "", "x" * 101, "a b"])
def test_bad_names_are_refused(cloud, name):
    assert ask(cloud, "POST", f"{BASE}/acme", {"project": "p", "name": name}).status == 400


def test_the_implicit_project_is_default(cloud):
    ask(cloud, "POST", f"{BASE}/acme", {"name": "e"})
    assert ask(cloud, "HEAD", f"{BASE}/acme/default/e").status == 200


def test_a_write_keeps_the_text_and_seals_its_secrets(cloud):
    put(cloud, "")
    text = (
        "# who reads this\nvalues:\n  a: {fn::secret: flow}  # one\n  b:\n    fn::secret: |\n      line 1\n"
        "      line 2\n  c:\n    fn::secret:\n      'it''s'\n  d: [fn::secret: \"q\\n\\\"\"]\n  e: 1 # last\n"
    )
    assert told(ask(cloud, "PATCH", ENV, text)) == {}
    stored = ask(cloud, "GET", ENV).body.decode()
    assert not any(word in stored for word in ("flow", "line 1", "it''s"))
    assert all(word in stored for word in ("# who reads this\n", "  # one\n", "  e: 1 # last\n"))
    tree = yaml.safe_load(stored)["values"]
    sealed = tree["a"]["fn::secret"]["ciphertext"]
    assert base64.b64decode(sealed).startswith(b"escx\0\0\0\1")
    assert sealed.startswith("ZXNj")
    clear = yaml.safe_load(ask(cloud, "GET", f"{ENV}/decrypt").body)["values"]
    assert [clear[key]["fn::secret"] for key in "abc"] == ["flow", "line 1\nline 2\n", "it's"]
    assert clear["d"] == [{"fn::secret": 'q\n"'}]
    assert values(cloud) == {"a": "flow", "b": "line 1\nline 2\n", "c": "it's", "d": ['q\n"'], "e": 1}


def test_ciphertext_that_is_sent_back_is_kept_in_any_layout(cloud):
    put(cloud, "values: {a: {fn::secret: one}, b: {fn::secret: two}}\n")
    stored = yaml.safe_load(ask(cloud, "GET", ENV).body)
    stored["values"]["b"] = {"fn::secret": "three"}
    told(ask(cloud, "PATCH", ENV, yaml.safe_dump(stored)))
    again = yaml.safe_load(ask(cloud, "GET", ENV).body)
    assert again["values"]["a"] == stored["values"]["a"]
    assert values(cloud) == {"a": "one", "b": "three"}
    assert yaml.safe_load(ask(cloud, "GET", f"{ENV}/decrypt").body)["values"]["a"] == {"fn::secret": "one"}


def test_foreign_ciphertext_is_refused(cloud):
    put(cloud, "")
    text = "values: {a: {fn::secret: {ciphertext: ZXNjeAAAAAE=}}}"
    assert summaries(ask(cloud, "PATCH", ENV, text)) == ["invalid ciphertext"]


def test_every_write_has_a_new_etag_and_revision(cloud):
    put(cloud, "values: {a: 1}")
    before = ask(cloud, "GET", ENV).headers
    patched = ask(cloud, "PATCH", ENV, "values: {a: 2}").headers
    after = ask(cloud, "HEAD", ENV).headers
    assert patched == after
    assert before["ETag"] != after["ETag"]
    assert (before["Pulumi-ESC-Revision"], after["Pulumi-ESC-Revision"]) == ("2", "3")
    cloud.control("knobs", {"hide_revision": True})
    assert "Pulumi-ESC-Revision" not in ask(cloud, "GET", ENV).headers


@pytest.mark.parametrize("header", ["etag", "if-match"])
def test_a_stale_etag_is_a_conflict(cloud, header):
    put(cloud, "values: {a: 1}")
    stale = ask(cloud, "GET", ENV).headers["ETag"]
    assert ask(cloud, "PATCH", ENV, "values: {a: 2}", headers={header: stale}).status == 200
    assert told(ask(cloud, "PATCH", ENV, "values: {a: 3}", headers={header: stale}), 409)["code"] == 409
    cloud.control("knobs", {"conflict_status": 412})
    assert ask(cloud, "PATCH", ENV, "values: {a: 3}", headers={header: stale}).status == 412
    assert values(cloud) == {"a": 2}


def test_a_second_writer_writes_right_before_the_next_patch(cloud):
    put(cloud, "values: {a: 1}")
    known = ask(cloud, "GET", ENV).headers["ETag"]
    cloud.control("second_writer", {**PLACE, "yaml": "values: {theirs: {fn::secret: x}}"})
    assert ask(cloud, "GET", ENV).headers["ETag"] == known
    assert ask(cloud, "PATCH", ENV, "values: {a: 2}", headers={"etag": known}).status == 409
    assert values(cloud) == {"theirs": "x"}
    assert ask(cloud, "PATCH", ENV, "values: {a: 2}").status == 200


@pytest.mark.parametrize(("makes_revision", "number"), [(True, "3"), (False, "2")])
def test_whether_the_same_text_makes_a_revision_is_a_switch(cloud, makes_revision, number):
    cloud.control("knobs", {"identical_text_makes_revision": makes_revision})
    put(cloud, "values: {a: 1}")
    assert ask(cloud, "PATCH", ENV, "values: {a: 1}").headers["Pulumi-ESC-Revision"] == number


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("values: {a: '${nowhere}'}", ['unknown property "nowhere"']),
        ("values: {a: {b: 1}, c: '${a.x} ${y}'}", ['unknown property "x"', 'unknown property "y"']),
        ("values: {a: [1], c: '${a[1]}'}", ["list index 1 out of bounds"]),
        ("values: {a: '${b}', b: '${a}'}", ["cyclic reference to a"]),
        ("values: {a: '${b'}", ["unterminated interpolation"]),
        ("values: {a: '${}'}", ["Property access expressions cannot be empty"]),
        ("values: {a: {fn::secret: 5}}", ["secret values must be string literals"]),
        ("values: {a: {fn::nothing: 5}}", ['unknown function "fn::nothing"']),
        (
            "values: {a: {fn::toJSON: 5, b: 1}}",
            ["illegal call to builtin: must be the only key within the containing object"],
        ),
        ("values: {a: {fn::join: [1]}}", ["the argument of fn::join must be a two-valued list"]),
        ("values: {a: {fn::fromBase64: '!'}}", ["fn::fromBase64 was given no base64 of a text"]),
        ("values: {a: 1, a: 2}", ['duplicate key "a"']),
        ("values: {a: &x 1, b: *x}", ["aliases are not supported"]),
        ("values: [1]", ["values must be an object"]),
        ("valeus: {}", ['unknown property "valeus"']),
        ("imports: [a/b]", ['unknown environment "a/b"']),
        ("imports: {a: b}", ["imports must be a list"]),
        ("imports: [{a/b: {merge: 1}}]", ["an import must be a name, or a name with {merge: true|false}"]),
        ("a: [", ["yaml: expected the node content, but found '<stream end>'"]),
    ],
)
def test_what_is_wrong_with_a_definition_is_said_and_nothing_is_saved(cloud, text, found):
    put(cloud, "values: {kept: 1}")
    assert summaries(ask(cloud, "PATCH", ENV, text)) == found
    assert summaries(ask(cloud, "POST", f"{BASE}/acme/yaml/check", text)) == found
    assert values(cloud) == {"kept": 1}


def test_a_diagnostic_says_where(cloud):
    put(cloud, "")
    said = told(ask(cloud, "PATCH", ENV, "values:\n  é: 1\n  b: ${x}\n"), 400)
    assert (said["code"], said["message"]) == (400, 'Bad Request: unknown property "x"')
    [diagnostic] = said["diagnostics"]
    begin, end = {"line": 3, "column": 6, "byte": 21}, {"line": 3, "column": 10, "byte": 25}
    assert diagnostic["range"] == {"environment": "platform/lab", "begin": begin, "end": end}
    assert (diagnostic["path"], "severity" in diagnostic) == ("values.b", False)
    cloud.control("knobs", {"bare_diagnostics": True})
    assert list(told(ask(cloud, "PATCH", ENV, "values: {b: '${x}'}"), 400)) == ["diagnostics"]


def test_an_opened_environment_has_values_with_traces(cloud):
    document = opened(
        cloud,
        "values:\n  db: {user: app, password: {fn::secret: s3cr3t}}\n  n: 3\n  nothing: null\n  list: [a, true, 1.5]\n",
    )
    properties = document["properties"]
    user = properties["db"]["value"]["user"]
    assert user["value"] == "app"
    assert user["trace"]["def"]["begin"] == {"line": 2, "column": 14, "byte": 21}
    assert user["trace"]["def"]["environment"] == "platform/lab"
    assert properties["db"]["value"]["password"]["secret"] is True
    assert "secret" not in user and "secret" not in properties["db"]
    assert set(properties["nothing"]) == {"trace"}
    assert [item["value"] for item in properties["list"]["value"]] == ["a", True, 1.5]
    assert {"exprs", "schema", "executionContext"} < set(document)
    assert "s3cr3t" not in json.dumps([document["exprs"], document["schema"]])


def test_a_list_index_is_an_accessor_without_key(cloud):
    document = opened(cloud, "values: {list: [one], first: '${list[0]}'}")
    accessors = document["exprs"]["first"]["symbol"]
    assert [set(each) - {"range", "value"} for each in accessors] == [{"key"}, {"index"}]
    assert document["properties"]["first"]["value"] == "one"


def test_an_environment_without_values_is_empty(cloud):
    put(cloud, "# nothing yet\n")
    session = told(ask(cloud, "POST", f"{ENV}/open"))["id"]
    assert ask(cloud, "GET", f"{ENV}/open/{session}").body == b"{}\n"


@pytest.mark.parametrize(
    ("given", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("2026-01-02", "2026-01-02"),
        ("1_000", "1_000"),
        ("'5'", "5"),
        ("0x10", 16),
        ("1e3", 1000.0),
        ("~", None),
        ("TRUE", True),
        ("$$5 and $5", "$5 and $5"),
        ("$${a}", "${a}"),
        ("{fn::secret: 'a$$b${c}'}", "a$$b${c}"),
    ],
)
def test_literals(cloud, given, value):
    put(cloud, f"values:\n  it: {given}\n")
    assert values(cloud) == {"it": value}
    assert type(values(cloud)["it"]) is type(value)


def test_a_secret_can_be_read_as_an_expression(cloud):
    cloud.control("knobs", {"secrets_are_expressions": True})
    put(cloud, "")
    text = "values: {a: {fn::secret: 'x${y}'}}"
    assert summaries(ask(cloud, "PATCH", ENV, text)) == ["secret values must be string literals"]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("${text}", "app"),
        ("${deep.list[1]}", 7),
        ('${deep["x.y"]}', "dotted"),
        ('${["top.key"].z}', 1),
        ("<${text}-${deep.list[1]}-${flag}-${none}>", "<app-7-true->"),
        ("${deep.list}", ["a", 7]),
        ("{fn::join: ['-', ['a', '${text}']]}", "a-app"),
        ("{fn::concat: [[1], '${deep.list}']}", [1, "a", 7]),
        ("{fn::split: [',', 'a,b']}", ["a", "b"]),
        ("{fn::toJSON: {a: ['${text}']}}", '{"a":["app"]}'),
        ("{fn::fromJSON: '{\"a\": [1, null]}'}", {"a": [1, None]}),
        ("{fn::toBase64: '${text}'}", "YXBw"),
        ("{fn::fromBase64: 'YXBw'}", "app"),
        ("{fn::toString: '${flag}'}", "true"),
        ("{fn::final: '${text}'}", "app"),
        ("{fn::validate: {schema: {type: string}, value: x}}", "x"),
        ("${context.rootEnvironment.name}", "platform/lab"),
        ("${context.pulumi.user.login}", "alice"),
    ],
)
def test_expressions(cloud, expression, value):
    shared = "text: app, flag: true, none: null, 'top.key': {z: 1}, deep: {list: [a, 7], 'x.y': dotted}"
    given = expression if expression.startswith("{") else f"'{expression}'"
    document = opened(cloud, f"values: {{{shared}, it: {given}}}")
    assert plain(document["properties"]["it"]) == value


def plain(value):
    content = value.get("value")
    if isinstance(content, dict):
        return {key: plain(child) for key, child in content.items()}
    return [plain(child) for child in content] if isinstance(content, list) else content


@pytest.mark.parametrize(
    ("expression", "secret"),
    [
        ("'${key}'", True),
        ("'x-${key}'", True),
        ("'${list[1]}'", True),
        ("'${list[0]}'", False),
        ("{fn::toJSON: {a: '${key}'}}", True),
        ("{fn::join: ['', ['${key}']]}", True),
        ("{fn::toBase64: '${key}'}", True),
        ("{fn::toBase64: 'x'}", False),
        ("'${parsed}'", True),
        ("'${parsed.a}'", True),
        ("{fn::concat: [['${key}']]}", False),
    ],
)
def test_a_secret_taints_what_is_made_of_it(cloud, expression, secret):
    shared = "key: {fn::secret: k}, list: [a, '${key}'], parsed: {fn::fromJSON: {fn::secret: '{\"a\": 1}'}}"
    value = opened(cloud, f"values: {{{shared}, it: {expression}}}")["properties"]["it"]
    assert value.get("secret", False) is secret


def test_imports_are_merged_in_order_below_the_own_values(cloud):
    put(cloud, "values: {a: 1, deep: {x: 1, y: 1}, list: [1, 2], only: base}", "one")
    put(cloud, "values: {a: 2, deep: {y: 2}, key: {fn::secret: k}}", "two")
    document = opened(
        cloud, "imports: [platform/one, platform/two]\nvalues: {deep: {z: '${key}'}, list: [3], b: '${a}'}"
    )
    result = {key: plain(value) for key, value in document["properties"].items()}
    assert result == {"a": 2, "deep": {"x": 1, "y": 2, "z": "k"}, "list": [3], "only": "base", "key": "k", "b": 2}
    listed = document["properties"]["list"]["trace"]
    assert (listed["def"]["environment"], plain(listed["base"])) == ("platform/lab", [1, 2])
    assert document["properties"]["only"]["trace"]["def"]["environment"] == "platform/one"


def test_an_import_can_be_kept_out_and_used_by_name(cloud):
    put(cloud, "values: {x: 1, s: {fn::secret: k}}", "one")
    own = "a: '${imports.platform/one.x}', b: '${imports[\"platform/one\"].s}'"
    text = f"imports: [{{platform/one: {{merge: false}}}}]\nvalues: {{{own}}}"
    document = opened(cloud, text)
    assert {key: plain(value) for key, value in document["properties"].items()} == {"a": 1, "b": "k"}
    assert document["properties"]["b"]["secret"] is True


def test_an_import_can_be_pinned_to_a_version(cloud):
    put(cloud, "values: {x: 1}", "one")
    put(cloud, "values: {x: 2}", "one")
    assert plain(opened(cloud, "imports: [platform/one@2]")["properties"]["x"]) == 1
    assert plain(opened(cloud, "imports: [platform/one]")["properties"]["x"]) == 2


def test_another_environment_can_be_referred_to(cloud):
    put(cloud, "values: {x: {y: 1}}", "one")
    assert plain(opened(cloud, "values: {a: '${environments.platform.one.x.y}'}")["properties"]["a"]) == 1


def test_environments_that_import_each_other_are_refused(cloud):
    put(cloud, "values: {}", "one")
    put(cloud, "imports: [platform/one]", "two")
    text = "imports: [platform/two]"
    response = ask(cloud, "PATCH", f"{BASE}/acme/platform/one", text)
    assert summaries(response) == ["cyclic import of platform/one"]


def test_providers_are_unknown_when_checked_and_refused_when_opened(cloud):
    put(cloud, "values: {a: {fn::open::aws-login: {}}}")
    checked = told(
        ask(cloud, "POST", f"{BASE}/acme/yaml/check", "values: {a: {fn::open::aws-login: {}}, b: 'x${a.k}'}")
    )
    assert (checked["properties"]["a"]["unknown"], checked["properties"]["b"]["unknown"]) == (True, True)
    assert summaries(ask(cloud, "POST", f"{ENV}/open")) == ["the simulator has no provider for fn::open::aws-login"]


def test_a_check_hides_secrets_unless_asked(cloud):
    text = "values: {a: {fn::secret: k}}"
    hidden = told(ask(cloud, "POST", f"{BASE}/acme/yaml/check", text, showSecrets="false"))
    shown = told(ask(cloud, "POST", f"{BASE}/acme/yaml/check", text, showSecrets="true"))
    assert [each["properties"]["a"]["value"] for each in (hidden, shown)] == ["[secret]", "k"]


def test_a_text_can_be_opened_without_being_saved(cloud):
    session = told(ask(cloud, "POST", f"{BASE}/acme/yaml/open", "values: {a: 1}", duration="1m"))["id"]
    assert plain(told(ask(cloud, "GET", f"{BASE}/acme/yaml/open/{session}"))["properties"]["a"]) == 1
    assert plain(told(ask(cloud, "GET", f"{BASE}/acme/yaml/open/{session}", property="a"))) == 1


@pytest.mark.parametrize(
    ("duration", "seconds"), [(None, 3600), ("30m", 1800), ("1h30m", 5400), ("2h0m0s", 7200), ("1.5s", 1.5)]
)
def test_a_session_ends_when_its_time_is_over(cloud, duration, seconds):
    put(cloud, "values: {a: 1}")
    session = told(ask(cloud, "POST", f"{ENV}/open", **({"duration": duration} if duration else {})))["id"]
    cloud.clock.advance(seconds - 1)
    assert ask(cloud, "GET", f"{ENV}/open/{session}").status == 200
    cloud.clock.advance(2)
    assert ask(cloud, "GET", f"{ENV}/open/{session}").status == 404


@pytest.mark.parametrize("duration", ["2", "h", "-1h", "1d"])
def test_a_bad_duration_is_refused(cloud, duration):
    put(cloud, "values: {a: 1}")
    assert ask(cloud, "POST", f"{ENV}/open", duration=duration).status == 400


def test_a_session_keeps_what_it_was_opened_with_and_where(cloud):
    put(cloud, "values: {a: 1}", "other")
    put(cloud, "values: {a: 1}")
    session = told(ask(cloud, "POST", f"{ENV}/open"))["id"]
    put(cloud, "values: {a: 2}")
    assert plain(told(ask(cloud, "GET", f"{ENV}/open/{session}", property="a"))) == 1
    assert ask(cloud, "GET", f"{BASE}/acme/platform/other/open/{session}").status == 404


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("a.b", 1),
        ("l[1].x", 2),
        ('a["key.with.dot"]', 3),
        ('["root key"].x', 4),
        ("a", {"b": 1, "key.with.dot": 3}),
        ("value.value", 5),
        ("none", None),
    ],
)
def test_one_property(cloud, path, value):
    put(
        cloud,
        "values: {a: {b: 1, 'key.with.dot': 3}, l: [0, {x: 2}], 'root key': {x: 4}, value: {value: 5}, none: null}",
    )
    session = told(ask(cloud, "POST", f"{ENV}/open"))["id"]
    assert plain(told(ask(cloud, "GET", f"{ENV}/open/{session}", property=path))) == value


@pytest.mark.parametrize(
    ("path", "status"), [("x", 404), ("a.x", 404), ("l[9]", 404), ("a[0]", 404), ("a[", 400), ("[0]", 400)]
)
def test_a_property_that_is_not_there(cloud, path, status):
    put(cloud, "values: {a: {b: 1}, l: [0]}")
    session = told(ask(cloud, "POST", f"{ENV}/open"))["id"]
    assert ask(cloud, "GET", f"{ENV}/open/{session}", property=path).status == status


def test_below_a_secret_object_a_property_is_secret(cloud):
    put(cloud, "values: {o: {fn::fromJSON: {fn::secret: '{\"a\": 1}'}}}")
    session = told(ask(cloud, "POST", f"{ENV}/open"))["id"]
    assert told(ask(cloud, "GET", f"{ENV}/open/{session}", property="o.a"))["secret"] is True


def test_warnings_and_numbers_on_open_are_switches(cloud):
    put(cloud, "values: {a: 1}")
    cloud.control("knobs", {"warn_on_open": True, "number_session_id": True, "warn_on_update": True})
    answer = told(ask(cloud, "POST", f"{ENV}/open"))
    assert (type(answer["id"]), answer["diagnostics"][0]["severity"]) == (int, "warning")
    assert ask(cloud, "GET", f"{ENV}/open/{answer['id']}").status == 200
    assert told(ask(cloud, "PATCH", ENV, "values: {}"))["diagnostics"][0]["severity"] == "warning"


def test_revisions_are_listed_and_read_and_opened(cloud):
    for number in (1, 2, 3):
        put(cloud, f"values: {{a: {number}, s: {{fn::secret: k{number}}}}}")
    listed = told(ask(cloud, "GET", f"{ENV}/versions"))
    assert [each["number"] for each in listed] == [4, 3, 2, 1]
    assert [each["tags"] for each in listed] == [["latest"], [], [], []]
    assert [each["number"] for each in told(ask(cloud, "GET", f"{ENV}/versions", before="4", count="2"))] == [3, 2]
    old = ask(cloud, "GET", f"{ENV}/versions/2")
    assert (yaml.safe_load(old.body)["values"]["a"], old.headers["Pulumi-ESC-Revision"]) == (1, "2")
    assert b"k1" in ask(cloud, "GET", f"{ENV}/versions/2/decrypt").body
    session = told(ask(cloud, "POST", f"{ENV}/versions/3/open"))["id"]
    assert plain(told(ask(cloud, "GET", f"{ENV}/open/{session}", property="a"))) == 2
    assert ask(cloud, "GET", f"{ENV}/versions/9").status == 404
    assert ask(cloud, "GET", f"{ENV}/versions/latest").body == ask(cloud, "GET", ENV).body


def test_revision_tags_move(cloud):
    put(cloud, "values: {a: 1}")
    tags = f"{ENV}/versions/tags"
    assert ask(cloud, "POST", tags, {"name": "prod", "revision": 1}).status == 204
    assert ask(cloud, "POST", tags, {"name": "prod", "revision": 2}).status == 409
    assert ask(cloud, "POST", tags, {"name": "1st", "revision": 1}).status == 400
    assert ask(cloud, "POST", tags, {"name": "x", "revision": 9}).status == 404
    assert ask(cloud, "GET", f"{ENV}/versions/prod").body == b""
    assert ask(cloud, "PATCH", f"{tags}/prod", {"revision": 2}).status == 204
    assert b"a: 1" in ask(cloud, "GET", f"{ENV}/versions/prod").body
    assert [(tag["name"], tag["revision"]) for tag in told(ask(cloud, "GET", tags))["tags"]] == [
        ("latest", 2),
        ("prod", 2),
    ]
    page = told(ask(cloud, "GET", tags, count="1"))
    assert [tag["name"] for tag in told(ask(cloud, "GET", tags, after=page["nextToken"]))["tags"]] == ["prod"]
    assert told(ask(cloud, "GET", f"{tags}/prod"))["editorLogin"] == "alice"
    assert ask(cloud, "DELETE", f"{tags}/latest").status == 400
    assert ask(cloud, "DELETE", f"{tags}/prod").status == 204
    assert ask(cloud, "GET", f"{tags}/prod").status == 404


def test_environment_tags(cloud):
    put(cloud, "")
    tags = f"{ENV}/tags"
    made = told(ask(cloud, "POST", tags, {"name": "owner", "value": "x"}))
    assert (made["name"], made["value"]) == ("owner", "x")
    assert set(told(ask(cloud, "GET", tags))["tags"]["owner"]) == {
        *("id", "name", "value", "created", "modified", "editorLogin", "editorName")
    }
    change = {"currentTag": {"value": "x"}, "newTag": {"name": "team", "value": "y"}}
    assert told(ask(cloud, "PATCH", f"{tags}/owner", change))["value"] == "y"
    assert ask(cloud, "PATCH", f"{tags}/team", change).status == 409
    assert ask(cloud, "GET", f"{tags}/owner").status == 404
    assert ask(cloud, "DELETE", f"{tags}/team").status == 204
    assert told(ask(cloud, "GET", tags)) == {"tags": {}, "nextToken": "0"}


def test_a_protected_environment_is_not_deleted(cloud):
    put(cloud, "")
    assert told(ask(cloud, "GET", f"{ENV}/settings")) == {"deletionProtected": False}
    assert told(ask(cloud, "PATCH", f"{ENV}/settings", {"deletionProtected": True})) == {"deletionProtected": True}
    assert told(ask(cloud, "DELETE", ENV), 409)["message"].startswith("Conflict")
    ask(cloud, "PATCH", f"{ENV}/settings", {"deletionProtected": False})
    assert ask(cloud, "DELETE", ENV).status == 204


def test_a_clone_has_the_values_and_what_is_asked_of_the_rest(cloud):
    put(cloud, "values: {a: {fn::secret: k}}")
    put(cloud, "values: {a: {fn::secret: k2}}")
    ask(cloud, "POST", f"{ENV}/tags", {"name": "owner", "value": "x"})
    assert ask(cloud, "POST", f"{ENV}/clone", {"project": "platform", "name": "copy"}).status == 200
    assert values(cloud, "copy") == {"a": "k2"}
    copy = f"{BASE}/acme/platform/copy"
    assert len(told(ask(cloud, "GET", f"{copy}/versions"))) == 2
    assert told(ask(cloud, "GET", f"{copy}/tags"))["tags"] == {}
    keep = {"preserveHistory": True, "preserveEnvironmentTags": True, "name": "whole"}
    ask(cloud, "POST", f"{ENV}/clone", keep)
    whole = f"{BASE}/acme/platform/whole"
    assert len(told(ask(cloud, "GET", f"{whole}/versions"))) == 3
    assert list(told(ask(cloud, "GET", f"{whole}/tags"))["tags"]) == ["owner"]
    assert ask(cloud, "POST", f"{ENV}/clone", keep).status == 409


def test_environments_are_listed_by_page(cloud):
    for number in range(5):
        put(cloud, "", f"e{number}")
    cloud.control("environment", {"organization": "other", "project": "p", "name": "e", "yaml": ""})
    found, token = [], ""
    for _ in range(3):
        query = {"maxResults": "2", **({"continuationToken": token} if token else {})}
        page = told(ask(cloud, "GET", f"{BASE}/acme", **query))
        found += [each["name"] for each in page["environments"]]
        token = page["nextToken"]
    assert (found, token) == ([f"e{number}" for number in range(5)], "")
    cloud.control("knobs", {"page_size": 3})
    page = told(ask(cloud, "GET", BASE))
    assert (len(page["environments"]), bool(page["nextToken"])) == (3, True)
    assert {"id", "organization", "project", "created", "modified", "tags", "settings"} < set(page["environments"][0])
    assert ask(cloud, "GET", f"{BASE}/other").status == 404


@pytest.mark.parametrize(
    ("missing", "method", "path", "status"),
    [
        ("may_write", "PATCH", "", 403),
        ("may_write", "DELETE", "", 403),
        ("may_write", "GET", "", 200),
        ("may_decrypt", "GET", "/decrypt", 403),
        ("may_open", "POST", "/open", 403),
        ("may_read", "GET", "", 404),
    ],
)
def test_permissions(cloud, missing, method, path, status):
    put(cloud, "values: {a: 1}")
    cloud.control("token", {"token": "pul-2", "login": "bob", "organizations": ["acme"], missing: False})
    assert ask(cloud, method, ENV + path, "values: {}" if method == "PATCH" else None, token="pul-2").status == status


def test_what_is_hidden_is_not_there(cloud):
    put(cloud, "values: {a: 1}", "secret")
    put(cloud, "imports: [platform/secret]")
    hidden = {"token": "pul-2", "login": "bob", "organizations": ["acme"], "hidden": ["acme/platform/secret"]}
    cloud.control("token", hidden)
    assert told(ask(cloud, "GET", f"{BASE}/acme/platform/secret", token="pul-2"), 404)["code"] == 404
    assert [each["name"] for each in told(ask(cloud, "GET", f"{BASE}/acme", token="pul-2"))["environments"]] == ["lab"]
    assert summaries(ask(cloud, "POST", f"{ENV}/open", token="pul-2")) == ['unknown environment "platform/secret"']
    cloud.control("knobs", {"plain_404": True})
    assert ask(cloud, "GET", f"{BASE}/acme/platform/secret", token="pul-2").body == b"404 page not found\n"


def jwt(**claims):
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{body}.c2ln"


@pytest.mark.parametrize(
    ("claims", "changed", "status"),
    [
        ({}, {}, 200),
        ({"iss": "https://else.example"}, {}, 401),
        ({"aud": "urn:pulumi:org:other"}, {}, 401),
        ({"exp": 1}, {}, 401),
        ({}, {"audience": "urn:pulumi:org:other"}, 401),
        ({}, {"subject_token": "nonsense"}, 401),
        ({}, {"grant_type": "password"}, 400),
        ({}, {"scope": "team:x"}, 400),
        ({}, {"requested_token_type": "urn:pulumi:token-type:access_token:team", "scope": "team:x"}, 200),
    ],
)
def test_an_oidc_token_is_exchanged_for_one_that_expires(cloud, claims, changed, status):
    cloud.control("oidc", {"organization": "acme", "issuer": "https://issuer.example"})
    audience = "urn:pulumi:org:acme"
    subject = jwt(**{"iss": "https://issuer.example", "aud": audience, "exp": cloud.clock.now() + 300, **claims})
    body = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": audience,
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "subject_token": subject,
        "requested_token_type": "urn:pulumi:token-type:access_token:organization",
        "scope": "",
        "expiration": 600,
        **changed,
    }
    response = cloud.handle(Request("POST", "/api/oauth/token", body=json.dumps(body).encode()))
    answer = told(response, status)
    if status != 200:
        return
    assert (answer["token_type"], answer["expires_in"]) == ("token", 600)
    assert ask(cloud, "GET", f"{BASE}/acme", token=answer["access_token"]).status == 200
    cloud.clock.advance(601)
    assert ask(cloud, "GET", f"{BASE}/acme", token=answer["access_token"]).status == 401


def test_missing_secrets_are_added_and_nothing_else_is_touched(cloud):
    put(cloud, "# ours\nvalues:\n  environmentVariables:  # names\n    A: {fn::secret: kept}\n    B: '${x}'\n  x: 1\n")
    before = ask(cloud, "GET", ENV).body.decode()
    given = {**PLACE, "property": "environmentVariables", "values": {"A": "new", "C": "${c}$$ \"'\n#"}}
    cloud.control("merge_secrets", given)
    after = ask(cloud, "GET", ENV).body.decode()
    assert values(cloud) == {"environmentVariables": {"A": "kept", "B": 1, "C": "${c}$$ \"'\n#"}, "x": 1}
    assert [line for line in before.splitlines() if line not in after.splitlines()] == []
    assert cloud.control("merge_secrets", given) == {"revision": 3}
    assert ask(cloud, "GET", ENV).body.decode() == after


def test_missing_secrets_create_the_environment_and_the_way_to_them(cloud):
    cloud.control("merge_secrets", {**PLACE, "property": 'a["b.c"]', "values": {"K": "v", "L": "w"}})
    assert values(cloud) == {"a": {"b.c": {"K": "v", "L": "w"}}}
    cloud.control("merge_secrets", {**PLACE, "property": "", "values": {"top": "t"}})
    assert values(cloud) == {"a": {"b.c": {"K": "v", "L": "w"}}, "top": "t"}
    with pytest.raises(ValueError, match="is no object"):
        cloud.control("merge_secrets", {**PLACE, "property": "top", "values": {"x": "y"}})


def test_a_definition_can_come_back_in_another_layout(cloud):
    cloud.control("knobs", {"reformat": True})
    put(cloud, "values:\n  a: 'x'  # why\n  l: [1]\n  s:\n    fn::secret: k\n")
    text = ask(cloud, "GET", ENV).body.decode()
    assert "    a: x  # why\n" in text
    assert ask(cloud, "PATCH", ENV, text).status == 200
    assert values(cloud) == {"a": "x", "l": [1], "s": "k"}


@pytest.mark.parametrize(
    ("action", "given", "words"),
    [
        ("nothing", {}, "no control action of ESC is 'nothing'"),
        ("knobs", {"colour": 1}, "no switch of ESC is 'colour'"),
        ("knobs", {"conflict_status": "409"}, "conflict_status is of type int"),
        ("token", {"token": "x"}, "a token has token and login"),
        ("environment", {**PLACE}, "needed are organization, project, name, yaml"),
        ("environment", {**PLACE, "yaml": "values: {a: '${b}'}"}, 'the definition is not right: unknown property "b"'),
        ("environment", {**PLACE, "name": "open", "yaml": ""}, "invalid environment name 'open'"),
        ("values", {**PLACE}, "environment acme/platform/lab not found"),
        ("merge_secrets", {**PLACE, "property": "a[", "values": {}}, "missing closing bracket"),
        ("oidc", {"issuer": "x"}, "an OIDC issuer has"),
    ],
)
def test_control_says_what_is_wrong(cloud, action, given, words):
    before = cloud.dump()
    with pytest.raises(ValueError, match=words):
        cloud.control(action, given)
    assert cloud.dump() == before


def test_a_dump_is_json_and_brings_everything_back(cloud):
    put(cloud, "values: {a: {fn::secret: k}}")
    session = told(ask(cloud, "POST", f"{ENV}/open"))["id"]
    ask(cloud, "POST", f"{ENV}/tags", {"name": "owner", "value": "x"})
    ask(cloud, "POST", f"{ENV}/versions/tags", {"name": "prod", "revision": 2})
    cloud.control("second_writer", {**PLACE, "yaml": "values: {b: 1}"})
    cloud.control("knobs", {"conflict_status": 412})
    other = Esc(Clock())
    other.load(json.loads(json.dumps(cloud.dump())))
    assert other.dump() == cloud.dump()
    assert values(other) == {"a": "k"}
    assert plain(told(ask(other, "GET", f"{ENV}/open/{session}", property="a"))) == "k"
    etag = ask(other, "GET", ENV).headers["ETag"]
    assert ask(other, "PATCH", ENV, "values: {}", headers={"if-match": etag}).status == 412


@pytest.mark.parametrize(
    ("text", "path"),
    [("a.b", ("a", "b")), ('a[0]["x.y"]', ("a", 0, "x.y")), ('["a\\"b"].c', ('a"b', "c")), ("a.b-c", ("a", "b-c"))],
)
def test_paths_are_read_and_written(text, path):
    assert parsed_path(text) == path
    assert written(path) == text


@pytest.mark.parametrize("text", ["", "a[", ".a", "[0]", "a..b", "a}", 'a["b]', "a[x]"])
def test_bad_paths_are_refused(text):
    with pytest.raises(PathError):
        parsed_path(text)


def test_texts_are_taken_apart():
    assert interpolated("a$$b ${c.d} e") == [("a$b ", ("c", "d")), (" e", None)]
    assert interpolated("") == [("", None)]
    assert interpolated("${a}${b}") == [("", ("a",)), ("", ("b",))]
