"""Each rule refuses its fixture with exactly the messages expected there, and each valid catalog has no problem."""

import random

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.catalog.problems import hosts, problems
from catalog_fixtures import ROOT, load, of_environment, platform

INVALID = sorted((ROOT / "tests/catalog/invalid").glob("*.yml"))
VALID = sorted((ROOT / "tests/catalog/valid").glob("*.yml"))
SERVICE = {"name": "a", "stack": "s", "image": "x/y:1"}


def found(path) -> list[str]:
    case = load(path)
    return problems(platform(**case["platform"]), case.get("secret_names"), case.get("hosts"))


@pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
def test_invalid(path):
    messages = found(path)
    unmatched = list(messages)
    for fragments in load(path)["expect"]:
        match = [message for message in unmatched if all(fragment in message for fragment in fragments)]
        assert len(match) == 1, f"{fragments} in\n" + "\n".join(messages)
        unmatched.remove(match[0])
    assert unmatched == []
    places = (f"tests/catalog/invalid/{path.name}:", "inventories/")
    assert [message for message in messages if not message.startswith(places)] == []


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid(path):
    assert found(path) == []


@pytest.mark.parametrize("environment", ["lab", "staging", "production"])
def test_the_catalog_itself(environment):
    assert problems(of_environment(environment)) == []


def test_places_name_the_line_of_the_value():
    (message,) = found(ROOT / "tests/catalog/invalid/image_latest.yml")
    assert message.startswith("tests/catalog/invalid/image_latest.yml:6: service a:")


def test_a_value_of_a_kind_is_reported_at_the_entry():
    catalog = of_environment("lab")
    (message,) = [line for line in problems(catalog, secret_names=[]) if "mcp_github_token" in line]
    text = (ROOT / "inventories/common/group_vars/all/services.yml").read_text().splitlines()
    line = int(message.split(":")[1])
    assert "name: github" in text[line - 1]


def test_values_without_a_place_name_the_catalog():
    (message,) = problems(platform(services=[dict(SERVICE, image="x/y")]))
    assert message.startswith("inventories/common/group_vars/all/services.yml: service a: image")


def test_all_at_once_and_sorted_by_line():
    many = [dict(SERVICE, name=f"a{number}", replicas="x", needs=["nobody"]) for number in range(3)]
    assert len(problems(platform(services=many, domain="x"), hosts=[])) == 3 + 1 + 1


ODD = [
    None,
    True,
    0,
    -1,
    2.5,
    float("nan"),
    float("inf"),
    "",
    "{",
    "a",
    "x" * 99,
    [],
    [None],
    [[]],
    {},
    {"a": None},
    {None: 1},
]


def test_never_raises():
    chance = random.Random(7)  # noqa: S311
    whole = load(ROOT / "tests/catalog/valid/everything.yml")
    assert problems(None) and problems([])
    for value in ODD:
        problems(value)
        for key in [*platform(), "kinds", "overrides", "dns", "edge_addresses", "registry_credentials"]:
            problems(platform(**{**whole["platform"], key: value}), whole["secret_names"], whole["hosts"])
        for index, entry in enumerate(whole["platform"]["services"]):
            for key in entry:
                services = list(whole["platform"]["services"])
                services[index] = {**entry, key: value}
                problems(platform(**{**whole["platform"], "services": services}), whole["secret_names"], whole["hosts"])
                if isinstance(entry[key], dict):
                    below = chance.choice(sorted(entry[key]))
                    services[index] = {**entry, key: {**entry[key], below: value}}
                    problems(
                        platform(**{**whole["platform"], "services": services}), whole["secret_names"], whole["hosts"]
                    )


def test_hosts_of_the_inventory():
    variables = {"m": {"swarm_labels": {"postgres": 1}, "private_address": "10.0.0.1"}, "w": {"gpu_count": 2}}
    groups = {"all": ["m", "w"], "managers": ["m"], "workers": ["w"], "swarm": ["m", "w", "x"]}
    assert hosts(groups, variables) == [
        {"name": "m", "role": "manager", "labels": {"postgres": "1"}, "gpu_count": 0, "address": "10.0.0.1"},
        {"name": "w", "role": "worker", "labels": {"gpu": "true"}, "gpu_count": 2, "address": None},
        {"name": "x", "role": None},
    ]
    assert hosts({"all": []}, {}) == []
