"""Changes of a definition: what is not named keeps every sign."""

import difflib

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.esc import edit
from ansible_collections.sophia.platform.plugins.module_utils.esc.definition import compares, edited
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.want import wanted
from ansible_collections.sophia.platform.plugins.module_utils.esc.yaml_text import composed, plain

STORED = """\
# Owned by the platform team
imports:
- shared/base   # first
- shared/keys: {merge: false}

values:
    # keys of services
    platform:
        openai_api_key:  {fn::secret: {ciphertext: "AAAA=="}}   # rotated in May
        redis_password:
            fn::secret:
                ciphertext: BBBB
        region: 'us-east-1'

    # how they are used
    greeting: "hello ${platform.region}"
    environmentVariables: {OPENAI_API_KEY: "${platform.openai_api_key}"}
    motd: |
        line one
        line two

    list:
      - name: a
        size: 1
      - plain
    yes: no
# the end
"""
CLEAR = {("platform", "openai_api_key"): "sk-old", ("platform", "redis_password"): "redis-old"}


def change(text, same=CLEAR, **options):
    return edited(text, wanted(options), "acme/prod/app", lambda path, secret: same.get(path) == secret)


def data(text):
    return plain(composed(text, "n"), "n")


def moved(before, after):
    """The lines that differ, as - and +."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return [line for line in list(lines)[2:] if not line.startswith("@@")]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"secrets": {"platform.openai_api_key": "sk-old", "platform.redis_password": "redis-old"}},
        {"values": {"platform": {"region": "us-east-1"}, "yes": "no", "list": [{"name": "a", "size": 1.0}, "plain"]}},
        {"values": {"platform": {}, "motd": "line one\nline two\n"}},
        {"environment_variables": {"OPENAI_API_KEY": "${platform.openai_api_key}"}},
        {"imports": ["shared/base", {"shared/keys": {"merge": False}}]},
        {"remove": ["nowhere", "platform.nothing", "list[7].x", "greeting.below"]},
        {"purge": True, "property": "nowhere"},
        {"purge": True, "property": "platform", "values": {"platform": {"region": "us-east-1"}},
         "secrets": {"platform.openai_api_key": "sk-old", "platform.redis_password": "redis-old"}},
    ],
)  # fmt: skip
def test_what_is_there_is_no_change(options):
    result = change(STORED, **options)
    assert not result.changed and result.text == STORED and result.before == result.after


@pytest.mark.parametrize(
    ("options", "paths", "lines"),
    [
        (
            {"secrets": {"platform.openai_api_key": "sk-new", "platform.redis_password": "redis-old"}},
            ["platform.openai_api_key"],
            [
                '-        openai_api_key:  {fn::secret: {ciphertext: "AAAA=="}}   # rotated in May',
                '+        openai_api_key:  {fn::secret: "sk-new"}   # rotated in May',
            ],
        ),
        (
            {"secrets": {"platform.redis_password": 'a\n"b\\${c}'}},
            ["platform.redis_password"],
            [
                "-            fn::secret:",
                "-                ciphertext: BBBB",
                '+            fn::secret: "a\\n\\"b\\\\${c}"',
            ],
        ),
        (
            {"secrets": {"platform.vercel_token": "v"}, "values": {"platform": {"zone": {"name": "z", "on": True}}}},
            ["platform.vercel_token", "platform.zone.name", "platform.zone.on"],
            [
                "+        zone:",
                '+          name: "z"',
                '+          "on": true',
                "+        vercel_token:",
                '+          fn::secret: "v"',
            ],
        ),
        (
            {"environment_variables": {"A": "${x}", "B": 1}, "files": {"F": "content"}},
            ["environmentVariables.A", "environmentVariables.B", "files.F"],
            [
                '-    environmentVariables: {OPENAI_API_KEY: "${platform.openai_api_key}"}',
                '+    environmentVariables: {OPENAI_API_KEY: "${platform.openai_api_key}", A: "${x}", B: 1}',
                "+    files:",
                '+      F: "content"',
            ],
        ),
        (
            {"values": {"list": ["one"], "greeting": {"fn::join": [" ", ["${a}", "b"]]}, "motd": None}},
            ["greeting", "list", "motd"],
            [
                '-    greeting: "hello ${platform.region}"',
                '+    greeting: {fn::join: [" ", ["${a}", "b"]]}',
                "-    motd: |",
                "-        line one",
                "-        line two",
                "+    motd: null",
                "-    list:",
                "-      - name: a",
                "-        size: 1",
                "-      - plain",
                '+    list: ["one"]',
            ],
        ),
        (
            {"secrets": {"list[0].name": "s"}},
            ["list[0].name"],
            ["-      - name: a", '+      - name: {fn::secret: "s"}'],
        ),
        ({"remove": ["platform.region"]}, ["platform.region"], ["-        region: 'us-east-1'"]),
        (
            {"remove": ["list[0].name", "yes", "motd"]},
            ["list[0].name", "motd", "yes"],
            [
                "-    motd: |",
                "-        line one",
                "-        line two",
                "-",
                "-      - name: a",
                "-        size: 1",
                "+      - size: 1",
                "-    yes: no",
            ],
        ),
        (
            {"remove": ["environmentVariables.OPENAI_API_KEY"]},
            ["environmentVariables.OPENAI_API_KEY"],
            [
                '-    environmentVariables: {OPENAI_API_KEY: "${platform.openai_api_key}"}',
                "+    environmentVariables: {}",
            ],
        ),
        (
            {"purge": True, "property": "platform", "values": {"platform": {"region": "us-east-1"}}},
            ["platform.openai_api_key", "platform.redis_password"],
            [
                '-        openai_api_key:  {fn::secret: {ciphertext: "AAAA=="}}   # rotated in May',
                "-        redis_password:",
                "-            fn::secret:",
                "-                ciphertext: BBBB",
            ],
        ),
        (
            {"imports": ["shared/base@3"]},
            [],
            ["-- shared/base   # first", "-- shared/keys: {merge: false}"],
        ),
    ],
)
def test_only_what_is_named_changes(options, paths, lines):
    result = change(STORED, **options)
    assert list(result.paths) == paths
    found = moved(STORED, result.text)
    assert [line for line in lines if line not in found] == []
    if paths:
        indents = [(line[0], line[1:].strip()) for line in found]
        assert sorted(indents) == sorted((line[0], line[1:].strip()) for line in lines)
    again = change(result.text, **options)
    assert not again.changed, "the second time nothing changes"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("values:\n  a:\n    b: 1  # c\n  d: 2\n", "values:\n  a: {}  # c\n  d: 2\n"),
        ("values:\n  a:\n    # about b:\n    b: |\n      x\n", "values:\n  a:\n    # about b:\n    {}\n"),
        ("values:\n  a:\n    b: |\n      x\n  d: 2\n", "values:\n  a: {}\n  d: 2\n"),
        ("values: {a: {b: 1, }}", "values: {a: {}}"),
    ],
)
def test_a_mapping_that_becomes_empty_stays(text, left):
    assert change(text, remove=["a.b"]).text == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("values:\n  a:  # c\n  - 1\n  - b: |\n      x\n  d: 2\n", 'values:\n  a: {fn::secret: "s"}  # c\n  d: 2\n'),
        ("values:\n  a:\n    # c\n    b\n", 'values:\n  a: {fn::secret: "s"}\n    # c\n'),
        ("values:\n  a: |+\n    x\n\n  d: 2\n", 'values:\n  a: {fn::secret: "s"}\n\n  d: 2\n'),
        ("values:\n  a:   1\n", 'values:\n  a:   {fn::secret: "s"}\n'),
    ],
)
def test_comments_stay_where_a_value_is_replaced(text, left):
    assert change(text, secrets={"a": "s"}).text == left


def test_nested_removals_are_one():
    assert change("values: {a: {b: 1}, c: 2}", remove=["a.b", "a"]).text == "values: {c: 2}"


def test_imports_are_replaced_in_order():
    result = change(STORED, imports=["b/two", {"a/one": {"merge": False}}])
    assert result.imports_changed and data(result.text)["imports"] == ["b/two", {"a/one": {"merge": False}}]
    assert data(change(STORED, imports=[]).text)["imports"] == []
    assert not change("", imports=[]).changed


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "# only a comment",
        "{}",
        "{}\n",
        "values:",
        "values: {}",
        "values: ~\n",
        "values:   # none yet\n",
        "# c\nvalues:\n\n\n",
        "imports: [a/b]",
    ],
)
def test_empty_definitions_are_filled(text):
    result = change(text, secrets={"platform.a": "1", "platform.b": "2"}, values={"c": {"d": "x"}})
    expected = {"platform": {"a": {"fn::secret": "1"}, "b": {"fn::secret": "2"}}, "c": {"d": "x"}}
    assert data(result.text)["values"] == expected
    for comment in ("# only a comment", "# none yet", "# c\n", "imports: [a/b]"):
        assert (comment in result.text) == (comment in text)


@pytest.mark.parametrize(
    "text",
    [
        "values:\n  a: |+\n    x\n\n",
        "values:\n  a: >-\n    x",
        "values: {a: 1,}",
        "values: {a: {b: 1}}  # c",
        "values:\n  a:\n    b:\n",
        "values:\n  a:\n  - 1\n  - 2\n",
        'values:\n  "a": 1\n  # last\n',
        "values:\n  a: plain\n    goes on\nother: 1\n",
        "---\nvalues:\n  a: 1\n...\n",
        "values:\r\n  a: 1\r\n",
        "{values: {a: {fn::secret: {ciphertext: AA}}}, imports: []}",
        "values:\n  a: !!str 5\n",
    ],
)
def test_many_ways_to_write_yaml(text):
    before = data(text)["values"]
    assert data(change(text, secrets={"k": "s"}).text)["values"] == {**before, "k": {"fn::secret": "s"}}
    assert data(change(text, secrets={"a.new": "s"} if before["a"] is None else {"k.l": "s"}).text)
    replaced = change(change(text, remove=["a"]).text, values={"a": 7})
    assert data(replaced.text)["values"] == {"a": 7}


@pytest.mark.parametrize(
    "text",
    [
        "values:\n  a: &x {k: 1}\n  b: *x\n",
        "base: &x {k: 1}\nvalues:\n  b: *x\n  a: *x\n",
    ],
)
def test_a_change_that_would_reach_through_an_alias_is_refused(text):
    with pytest.raises(EscError, match="cannot be changed without touching more of it"):
        change(text, values={"b": {"k": 2}})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("values: [", r"not valid YAML \(line 1\)"),
        ("values:\n  s3cr3t: a: b", r"not valid YAML \(line 2\)"),
        ("- s3cr3t", "not a mapping with imports and values"),
        ("values: s3cr3t", "values of acme/prod/app are not a mapping"),
        ("values: {s3cr3t: 1, s3cr3t: 2}", "a name that is there twice.*line 1"),
        ("values: {[a]: s3cr3t}", "or is no text"),
        ("values: \x00s3cr3t", "not valid YAML"),
        ("a: 1\n---\nb: s3cr3t", "not valid YAML"),
    ],
)
def test_a_definition_that_is_none_is_refused_without_quoting_it(text, says):
    with pytest.raises(EscError, match=says) as error:
        change(text, values={"k": 1})
    assert "s3cr3t" not in str(error.value) and error.value.__context__ is None


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (
            {"secrets": {"greeting.x": "v"}},
            "greeting is a single value, so greeting.x cannot be set; remove greeting first",
        ),
        ({"secrets": {"list.x": "v"}}, "list is a list, so list.x cannot be set"),
        ({"secrets": {"list[2]": "v"}}, r"list has 2 entries, so there is no list\[2\]"),
        ({"secrets": {"platform[0]": "v"}}, r"platform is a mapping, so platform\[0\] cannot be set"),
        ({"secrets": {"new[0].x": "v"}}, r"new\[0\] is no list, so there is no new\[0\]\.x|new\[0\]"),
        ({"values": {"platform": {"redis_password": {"x": 1}}}}, "redis_password is the function fn::secret"),
        ({"values": {"platform": {"redis_password": "shown"}}}, "a secret stands at platform.redis_password"),
        ({"remove": ['platform.redis_password["fn::secret"]']}, "lies in a function"),
    ],
)
def test_what_cannot_be_set_is_told(options, says):
    with pytest.raises(EscError, match=says):
        change(STORED, **options)


def test_all_that_cannot_be_set_is_told_at_once():
    with pytest.raises(EscError) as error:
        change(STORED, secrets={"greeting.x": "v", "list.x": "v"})
    assert "greeting.x" in str(error.value) and "list.x" in str(error.value)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"values": {"a": {"fn::secret": "s3cr3t"}}}, "a holds a secret; give it in secrets"),
        ({"values": {"a": [{"b": {"fn::secret": "s3cr3t"}}]}}, "a holds a secret"),
        ({"values": {"a": {1: "x"}}}, "the name 1 below a is not text"),
        ({"values": {"a": 1}, "secrets": {"a": "s3cr3t"}}, "a is set twice"),
        ({"values": {"a": 1}, "secrets": {"a.b": "s3cr3t"}}, "a.b lies below a, which is set too"),
        ({"secrets": {"a..b": "s3cr3t"}}, "'a..b' is no property path"),
        ({"secrets": {"a": 5}}, "the secret a is a int and must be text"),
        ({"secrets": {"a": None}}, "the secret a is a NoneType"),
        ({"environment_variables": {"A-B": "x"}}, "'A-B' in environmentVariables is no name"),
        ({"files": {"F": ["x"]}}, "F in files is a list, which is no text"),
        ({"remove": ["a[0]"]}, r"a\[0\] in remove is a list's entry"),
        ({"remove": ["a"], "values": {"a": {"b": 1}}}, "a is to be removed, and a.b to be set"),
        ({"imports": [{"a": 1}]}, "is neither a name nor one name with its options"),
        ({"imports": [7]}, "import 7 is neither"),
        ({"purge": True, "property": "a["}, r"property: 'a\[' is no property path"),
    ],
)
def test_a_task_that_contradicts_itself_is_refused(options, says):
    with pytest.raises(EscError, match=says) as error:
        wanted(options)
    assert "s3cr3t" not in str(error.value) and error.value.__context__ is None


def test_a_secret_of_digits_is_compared_as_text():
    stored = "values: {pin: {fn::secret: 0123}}"
    assert not change(stored, secrets={"pin": "0123"}).changed
    assert change(stored, secrets={"pin": "123"}).changed


@pytest.mark.parametrize(
    "secret",
    ["yes", "0123", "null", "a: b", "- x", "# x", "a\nb\n", "\t", "'\"\\", "${x} $$", "é😀\u2028\x7f\x85", "%", "@x"],
)
def test_a_secret_is_written_exactly(secret):
    assert data(change(STORED, secrets={"k": secret}).text)["values"]["k"] == {"fn::secret": secret}
    assert data(change("values: {a: 1}", secrets={"k": secret}).text)["values"]["k"] == {"fn::secret": secret}


def test_half_a_character_is_refused():
    with pytest.raises(EscError, match="cannot be changed|half a character"):
        change("", secrets={"k": "\ud800"})


def test_both_sides_of_a_diff_hold_no_secret_and_show_what_is_new():
    result = change(STORED, secrets={"platform.openai_api_key": "sk-new-value", "platform.more": "another"})
    for hidden in ("AAAA==", "BBBB", "sk-new-value", "another"):
        assert hidden not in result.before + result.after
    assert 'openai_api_key:  {fn::secret: "***"}   # rotated in May' in result.before
    assert 'openai_api_key:  {fn::secret: "*** (new)"}   # rotated in May' in result.after
    assert "hello ${platform.region}" in result.after
    assert "sk-new" not in repr(edit.Secret("sk-new-value"))


def test_stored_secrets_are_only_needed_where_one_is_wanted():
    assert compares(STORED, wanted({"secrets": {"platform.openai_api_key": "x"}}), "n")
    assert not compares(STORED, wanted({"secrets": {"platform.new": "x"}}), "n")
    assert not compares(STORED, wanted({"values": {"greeting": "x"}}), "n")


def test_rotators_and_other_functions_are_hidden_and_kept():
    text = "values:\n  r:\n    fn::rotate::aws:\n      state: {fn::secret: {ciphertext: CCCC}}\n"
    result = change(text, values={"k": 1})
    assert "CCCC" in result.text and "CCCC" not in result.before + result.after
    with pytest.raises(EscError, match="a secret stands at r"):
        change(text, values={"r": "x"})
