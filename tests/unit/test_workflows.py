"""The workflow that copies GitHub's secrets knows the secrets that come from people."""

import json
import re

import yaml
from catalog_fixtures import ROOT


def variables(name: str) -> dict:
    return yaml.safe_load((ROOT / "inventories/common/group_vars/all" / name).read_text())


def test_github_hands_over_every_key_that_somebody_was_given():
    """Passwords that the platform makes up for itself are not among them."""
    clouds = variables("clouds.yml")
    given = [name for names in clouds["platform_clouds"].values() for name in names]
    given += [key["secret"] for key in clouds["platform_api_keys"]]
    workflow = yaml.safe_load((ROOT / ".github/workflows/secrets-to-esc.yml").read_text())
    step = workflow["jobs"]["copy"]["steps"][-1]
    handed = json.loads(re.sub(r"\$\{\{ toJSON\(secrets\.(\w+)\) \}\}", r'"\1"', step["env"]["GITHUB_SECRETS"]))
    assert sorted(name.lower() for name in handed) == sorted(given)
    assert {name: value for name, value in handed.items() if name != value} == {}
