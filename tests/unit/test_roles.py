"""Every role has the same shape."""

from pathlib import Path

import pytest
import yaml

ROLES = sorted(path.parent for path in (Path(__file__).resolve().parents[2] / "roles").glob("*/tasks"))
MAIN_LINES_COUNT, PHASE_LINES_COUNT = 25, 80


def load(path):
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def lines_count(path):
    return len(path.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_argument_specs_and_defaults_agree(role):
    options = load(role / "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    defaults = load(role / "defaults/main.yml") or {}
    required = {name for name, option in options.items() if option.get("required")}
    assert sorted(set(defaults) - set(options)) == [], "defaults that no argument spec describes"
    assert sorted(set(options) - set(defaults) - required) == [], "options without a default that are not required"
    told = {name: option["default"] for name, option in options.items() if "default" in option}
    assert {name: defaults.get(name) for name in told} == told, "the argument spec tells another default"
    assert [name for name in options if not name.startswith(f"{role.name}_")] == [], "names without the role's prefix"


@pytest.mark.parametrize("role", ROLES, ids=lambda path: path.name)
def test_shape(role):
    assert (role / "README.md").is_file()
    assert (role / "meta/main.yml").is_file()
    assert lines_count(role / "tasks/main.yml") <= MAIN_LINES_COUNT
    phases = sorted((role / "tasks").rglob("*.yml"))
    assert [path.name for path in phases if lines_count(path) > PHASE_LINES_COUNT] == []
