"""The filters: errors are Ansible's, and each has its documentation."""

import importlib.util

import pytest
from ansible.errors import AnsibleFilterError
from catalog_fixtures import ROOT, of_environment, platform

FILTER_PATH = ROOT / "plugins/filter/catalog.py"


@pytest.fixture(scope="module")
def filters() -> dict:
    module_spec = importlib.util.spec_from_file_location("catalog_filters", FILTER_PATH)
    module = importlib.util.module_from_spec(module_spec)
    module_spec.loader.exec_module(module)
    return module.FilterModule().filters()


def test_each_filter_is_documented(filters):
    assert sorted(path.stem for path in FILTER_PATH.parent.glob("catalog_*.yml")) == sorted(filters)


def test_a_catalog_of_a_wrong_shape_is_an_error_with_all_problems(filters):
    services = [{"name": "a", "stack": "s", "image": "x/y:1", "replica": 1}, {"name": "b"}]
    with pytest.raises(AnsibleFilterError) as error:
        filters["catalog_records"](platform(services=services))
    assert "did you mean replicas" in str(error.value)
    assert "service b: missing required arguments" in str(error.value)


def test_a_missing_secret_is_an_error(filters):
    with pytest.raises(AnsibleFilterError, match="the secret store has no platform_key"):
        filters["catalog_stacks"](of_environment("lab"), {})


def test_what_comes_out_is_made_of_pythons_own_types(filters):
    def kinds(value: object) -> set:
        below = (
            [*value.keys(), *value.values()] if isinstance(value, dict) else value if isinstance(value, list) else []
        )
        return {type(value)}.union(*map(kinds, below))

    lab = of_environment("lab")
    for name in ("catalog_stacks", "catalog_records", "catalog_checks", "catalog_scrape_targets", "catalog_documents"):
        assert kinds(filters[name](lab)) <= {dict, list, str, int, float, bool, type(None)}, name
