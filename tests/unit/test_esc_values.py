"""Names, addresses, property paths and typed values of Pulumi ESC."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.esc import names, paths, values
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from esc_fake import typed


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("root", ("root",)),
        ("a.b-c.d_e", ("a", "b-c", "d_e")),
        ("a[0]", ("a", 0)),
        ("a[0][12].b", ("a", 0, 12, "b")),
        ('a.b[0]["x.y"]', ("a", "b", 0, "x.y")),
        ('["root key"].x', ("root key", "x")),
        ('["a"]["b"]', ("a", "b")),
        ('a["with \\"quotes\\""]', ("a", 'with "quotes"')),
        ('a["back\\slash"]', ("a", "back\\slash")),
        ('a["[0]"]', ("a", "[0]")),
        ("a b.c", ("a b", "c")),
        ("ä.ö", ("ä", "ö")),
    ],
)
def test_paths_are_read_and_written(text, path):
    assert paths.parsed(text) == path
    assert paths.parsed(paths.rendered(path)) == path


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        ".a",
        "a.",
        "a..b",
        "[0]",
        "[0].a",
        "a[",
        "a[]",
        "a[x]",
        "a[-1]",
        'a["b',
        'a[""]',
        "a]b",
        'a"b',
        "a[0]b",
        'a["b"]c',
        "a.[0]",
    ],
)
def test_what_is_no_path_is_refused(text):
    with pytest.raises(EscError, match="is no property path"):
        paths.parsed(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("acme/prod/app", "acme/prod/app"),
        ("acme/prod/app@3", "acme/prod/app@3"),
        ("acme/prod/app:stable", "acme/prod/app@stable"),
        ("acme/prod/app@latest", "acme/prod/app"),
    ],
)
def test_references(text, place):
    assert str(names.reference(text)) == place


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("app", "needs three parts"),
        ("prod/app", "two parts, which may mean project/environment or organization/environment"),
        ("a/b/c/d", "needs three parts"),
        ("ac/prod/app", "organization 'ac'"),
        ("acme/prod/open", "environment 'open'"),
        ("acme/../yaml", "project '..'.*environment 'yaml'"),
        ("acme/prod/app@3x", "version '3x'"),
        ("acme/prod/app@a b", "version 'a b'"),
        ("-cme/prod/", "organization '-cme'.*environment ''"),
    ],
)
def test_wrong_references_are_refused_with_all_reasons(text, says):
    with pytest.raises(EscError, match=says):
        names.reference(text)


def test_names_come_separately_or_as_one_reference():
    assert names.place("acme", "prod", "app", "7").versioned_path == "/api/esc/environments/acme/prod/app/versions/7"
    assert names.place(None, "", "acme/prod/app", "7") == names.place("acme", "prod", "app", "7")
    assert names.place("acme", "prod", "app", "latest").versioned_path == "/api/esc/environments/acme/prod/app"
    with pytest.raises(EscError, match="names a version already"):
        names.place(None, None, "acme/prod/app@2", "7")
    with pytest.raises(EscError, match="organization ''"):
        names.place(None, "prod", "app")


@pytest.mark.parametrize(
    ("url", "base"),
    [
        (None, "https://api.pulumi.com"),
        ("", "https://api.pulumi.com"),
        ("https://pulumi.example.com/", "https://pulumi.example.com"),
        ("https://proxy.example.com/pulumi/", "https://proxy.example.com/pulumi"),
        ("https://api.pulumi.com/api/esc", "https://api.pulumi.com"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
    ],
)
def test_addresses(url, base):
    assert names.base_url(url) == base


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("s3://bucket?key=s3cr3t", "begins with s3://: there is no Pulumi ESC"),
        ("file:///s3cr3t", "begins with file://"),
        ("azblob://s3cr3t", "begins with azblob://"),
        ("https://app.pulumi.com/s3cr3t", "is app.pulumi.com, which is no API"),
        ("https://pulumi.com", "is pulumi.com"),
        ("app.pulumi.com/s3cr3t", "does not begin with https://"),
        ("https://user:s3cr3t@api.example.com", "holds a user"),
        ("https://api.example.com?token=s3cr3t", "holds a user, a query"),
        ("https://[s3cr3t", "is no address"),
        ("https://host:s3cr3t", "is no address"),
        ("https:///s3cr3t", "is no address"),
    ],
)
def test_addresses_without_esc_are_refused(url, says):
    with pytest.raises(EscError, match=says) as error:
        names.base_url(url)
    assert "s3cr3t" not in str(error.value) and error.value.__context__ is None


@pytest.mark.parametrize(
    ("text", "fine"), [("30m", 1), ("1h30m", 1), ("2h0m0s", 1), ("1.5h", 1), ("", 0), ("30", 0), ("1d", 0), ("m", 0)]
)
def test_durations(text, fine):
    if fine:
        assert names.duration(text) == text
    else:
        with pytest.raises(EscError, match="is no duration"):
            names.duration(text)


PLAIN = {
    "db": {"value": 5, "secret": True, "trace": {"def": 1}, "unknown": None},
    "list": [1, [2.5, None], {"value": {"value": "x"}}],
    "nothing": None,
    "flags": [True, False],
    "text": "{{ 1 + 1 }}",
}


def test_values_are_decoded_by_structure_not_by_the_names_in_them():
    environment = {"properties": typed(PLAIN)["value"], "exprs": {"accessors": [{"index": 0}]}, "schema": 7}
    assert values.plain(values.tree(environment, "n"), "n") == PLAIN


@pytest.mark.parametrize("environment", [{}, {"properties": None}, {"properties": {}}])
def test_an_environment_without_values(environment):
    assert values.plain(values.tree(environment, "n"), "n") == {}


@pytest.mark.parametrize(
    "properties", [[], "text", {"a": 1}, {"a": None}, {"a": {"value": [1]}}, {"a": {"value": {"b": "c"}}}]
)
def test_what_is_no_environment_is_refused(properties):
    with pytest.raises(EscError, match="is not an evaluated environment"):
        values.tree({"properties": properties}, "n")


def test_numbers_become_data_and_keep_their_text():
    entries = '{"A": {"value": 1.50}, "B": {"value": 1e3}, "C": {"value": 12345678901234567890}}'
    environment = values.loaded(f'{{"properties": {{"environmentVariables": {{"value": {entries}}}}}}}'.encode())
    tree = values.tree(environment, "n")
    plain = values.plain(tree, "n")["environmentVariables"]
    assert plain == {"A": 1.5, "B": 1000.0, "C": 12345678901234567890} and type(plain["A"]) is float
    assert values.environment_variables(tree, "n") == {"A": "1.50", "B": "1e3", "C": "12345678901234567890"}


@pytest.mark.parametrize("body", [b"", b"<html>", b"NaN", b'{"a": Infinity}', b"[" * 100000])
def test_what_is_not_json(body):
    with pytest.raises(ValueError):  # noqa: PT011 - json's own, or ours
        values.loaded(body)


def secret(value):
    return {**typed(value), "secret": True}


MIXED = {
    "properties": {
        "open": typed({"a": 1, "b": {"fn::secret": "leaf-secret"}}),
        "closed": secret({"c": "in-mapping", "d": ["in-list", 77]}),
        "list": {"value": [typed("shown"), secret("in-entry")]},
    }
}


def test_redaction_walks_the_tree_and_a_secret_parent_hides_all_below():
    tree = values.tree(MIXED, "n")
    assert values.redacted(tree) == {
        "open": {"a": 1, "b": "[secret]"},
        "closed": "[secret]",
        "list": ["shown", "[secret]"],
    }
    assert values.secret_paths(tree) == ["open.b", "closed", "list[1]"]
    assert sorted(values.secret_texts(tree)) == ["77", "in-entry", "in-list", "in-mapping", "leaf-secret"]
    assert values.found(tree, ("closed", "d", 1)) == (typed(77), True)
    assert values.found(tree, ("open", "a")) == (typed(1), False)


@pytest.mark.parametrize("path", [("no",), ("open", "no"), ("open", 0), ("list", 2), ("list", "0"), ("open", "a", "b")])
def test_what_is_not_there(path):
    assert values.found(values.tree(MIXED, "n"), path)[0] is None


def test_unknown_values_are_named():
    environment = {
        "properties": {
            "a": typed({"x": 1}),
            "later": {"value": {"b": {"unknown": True}, "c": {"value": [{"unknown": True}]}}},
        }
    }
    tree = values.tree(environment, "acme/prod/app")
    with pytest.raises(EscError, match=r"does not know the value of later\.b, later\.c\[0\] in acme/prod/app"):
        values.plain(tree, "acme/prod/app")
    below, _secret = values.found(tree, ("later", "b", "deeper"))
    with pytest.raises(EscError, match=r"later\.b\.deeper"):
        values.plain(below, "n", ("later", "b", "deeper"))
    assert values.plain(values.found(tree, ("a",))[0], "n", ("a",)) == {"x": 1}


def test_variables_and_files_are_scalars_as_text():
    given = {"T": True, "F": False, "N": 3, "X": None, "S": "s", "L": [1], "M": {"a": 1}, "K": {"fn::secret": "k"}}
    tree = values.tree({"properties": typed({"environmentVariables": given, "files": {"F": "content"}})["value"]}, "n")
    text = {"T": "true", "F": "false", "N": "3", "X": "", "S": "s", "K": "k"}
    assert values.environment_variables(tree, "n") == text
    assert values.files(tree, "n") == {"F": "content"}
    assert values.files(values.tree({}, "n"), "n") == {}
    assert values.files(values.tree({"properties": typed({"files": "text"})["value"]}, "n"), "n") == {}


def test_unknown_variables_are_named():
    tree = values.tree(
        {"properties": {"files": {"value": {"K": {"unknown": True}}}, "environmentVariables": {"unknown": True}}}, "n"
    )
    with pytest.raises(EscError, match=r"value of files\.K in n"):
        values.files(tree, "n")
    with pytest.raises(EscError, match="value of environmentVariables in n"):
        values.environment_variables(tree, "n")
