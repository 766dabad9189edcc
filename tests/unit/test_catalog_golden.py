"""The documents of the environments are those of tests/golden/. A wanted change is taken over with

    GOLDEN=write python -m pytest tests/unit/test_catalog_golden.py

and is then seen in review as the difference that it makes to what is deployed.
"""

import os

import pytest
import yaml
from ansible_collections.sophia.platform.plugins.module_utils.catalog import tree
from ansible_collections.sophia.platform.plugins.module_utils.catalog.documents import documents
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import read
from catalog_fixtures import ROOT, load, of_environment, platform

GOLDEN = ROOT / "tests/golden"
HOW = "run GOLDEN=write python -m pytest tests/unit/test_catalog_golden.py and look at the difference"


def wanted(name: str) -> dict:
    """An environment's documents, or those of the catalog with every option."""
    if name == "everything":
        return documents(read(platform(**load(ROOT / "tests/catalog/valid/everything.yml")["platform"])))
    return documents(read(of_environment(name)))


@pytest.mark.parametrize("name", ["lab", "production", "everything"])
def test_golden(name):
    want = wanted(name)
    if os.environ.get("GOLDEN") == "write":
        tree.write(GOLDEN / name, tree.read(GOLDEN / name), want)
    have = tree.read(GOLDEN / name)
    assert sorted(have) == sorted(want), HOW
    for path, text in want.items():
        assert have[path] == text, f"{name}/{path}: {HOW}"


@pytest.mark.parametrize("path", sorted(GOLDEN.rglob("*.yml")), ids=lambda path: str(path.relative_to(GOLDEN)))
def test_golden_is_yaml(path):
    assert yaml.safe_load(path.read_text()) is not None
