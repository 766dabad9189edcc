"""Kinds, entries and overrides become the entries of one environment."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.catalog.merge import merge_services
from ansible_collections.sophia.platform.plugins.module_utils.catalog.order import in_order

KINDS = {
    "tool": {
        "stack": "mcp",
        "environment": {"NAME": "{id}", "PORT": "{port}", "BRACES": "{other}"},
        "secrets": ["{id}_token"],
        "route": {"host": "mcp", "path": "/{name}"},
    }
}


def merged(entry: dict, override: dict | None = None) -> dict:
    (result,) = merge_services([entry], KINDS, {entry["name"]: override} if override else {})
    return result


@pytest.mark.parametrize(
    ("entry", "override", "option", "expected"),
    [
        ({}, None, "secrets", ["my_tool_token"]),
        ({}, None, "route", {"host": "mcp", "path": "/my-tool"}),
        ({}, None, "environment", {"NAME": "my_tool", "PORT": "80", "BRACES": "{other}"}),
        ({}, {"port": 81}, "environment", {"NAME": "my_tool", "PORT": "81", "BRACES": "{other}"}),
        ({"secrets": ["more"]}, None, "secrets", ["my_tool_token", "more"]),
        ({"secrets": ["my_tool_token"]}, None, "secrets", ["my_tool_token"]),
        ({"secrets": ["more"]}, {"secrets": ["only"]}, "secrets", ["only"]),
        ({"route": {"path": "/x"}}, {"route": {"access": "a"}}, "route", {"host": "mcp", "path": "/x", "access": "a"}),
        ({"stack": "own"}, None, "stack", "own"),
        ({"route": None}, None, "route", None),
        ({}, {"environment": {"NAME": "n"}}, "environment", {"NAME": "n", "PORT": "80", "BRACES": "{other}"}),
    ],
)  # fmt: skip
def test_merge(entry, override, option, expected):
    assert merged({"name": "my-tool", "kind": "tool", "port": 80, **entry}, override)[option] == expected


def test_left_out_by_name():
    services = [{"name": "a"}, {"name": "b"}, {"name": "c", "enabled": False}, "no mapping"]
    assert [entry["name"] for entry in merge_services(services, {}, {"a": {"enabled": False}})] == ["b"]
    assert [entry["name"] for entry in merge_services(services, {}, {"c": {"enabled": True}})] == ["a", "b", "c"]


def test_sources_are_left_as_they_were():
    merged({"name": "my-tool", "kind": "tool", "secrets": ["x"]}, {"secrets": ["y"]})
    assert KINDS["tool"]["secrets"] == ["{id}_token"]


@pytest.mark.parametrize(
    ("needs", "expected"),
    [
        ({}, (["a", "b", "c"], [])),
        ({"a": ["c"]}, (["c", "a", "b"], [])),
        ({"a": ["b"], "b": ["c"]}, (["c", "b", "a"], [])),
        ({"a": ["nobody"]}, (["a", "b", "c"], [])),
        ({"b": ["c"], "c": ["b"]}, (["a"], ["b", "c", "b"])),
        ({"a": ["a"]}, ([], ["a", "a"])),
    ],
)
def test_order(needs, expected):
    assert in_order(["a", "b", "c"], needs) == expected
