"""requirements.yml (for Galaxy users) and the `ansible` package (for everyone else) carry the same collections."""

import json
from importlib import metadata
from pathlib import Path

import ansible_collections
import pytest
import tomllib
import yaml
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
REQUIRED = yaml.safe_load((ROOT / "requirements.yml").read_text())["collections"]


def installed_version(name: str) -> str:
    for path in ansible_collections.__path__:
        manifest = Path(path, *name.split("."), "MANIFEST.json")
        if manifest.exists():
            return json.loads(manifest.read_text())["collection_info"]["version"]
    raise AssertionError(f"{name} is not installed")


@pytest.mark.parametrize("collection", REQUIRED, ids=lambda collection: collection["name"])
def test_galaxy_pin_is_what_the_ansible_package_carries(collection):
    installed, pinned = installed_version(collection["name"]), collection["version"]
    if metadata.version("ansible").startswith("12."):
        assert installed == pinned
    else:  # the `ansible` of newer Pythons carries a newer one, which the plays must bear as well
        assert Version(installed) >= Version(pinned)


def test_every_direct_dependency_is_pinned_exactly():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    everything = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    assert [line for line in everything if "==" not in line] == []
