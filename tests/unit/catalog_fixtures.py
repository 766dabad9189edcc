"""Reads catalogs for tests as Ansible does, so that values know where they were written."""

from __future__ import annotations

import re
from pathlib import Path

from ansible.parsing.dataloader import DataLoader

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = {"edge": {}, "data": {}, "monitoring": {}}
EDGE_ADDRESSES = ["192.0.2.11", "192.0.2.12", "192.0.2.13"]  # those of the hosts, which are not there
VARIABLE = re.compile(r"^{{ (\w+) }}$")


def load(path: Path) -> dict:
    """A YAML file."""
    return DataLoader().load_from_file(str(path), unsafe=True)


def platform(**changes: object) -> dict:
    """The smallest platform there can be, with changes."""
    return {"services": [], "environment": "test", "domain": "example.org", "networks": dict(NETWORKS), **changes}


def of_environment(name: str) -> dict:
    """The variable `platform` of an environment, without Ansible's templating: it consists of plain references."""
    variables: dict = {}
    for directory in ("common", name):
        for path in sorted((ROOT / "inventories" / directory / "group_vars/all").glob("*.yml")):
            variables.update(load(path))
    if not isinstance(variables["platform_edge_addresses"], list):
        variables["platform_edge_addresses"] = EDGE_ADDRESSES
    references = {key: VARIABLE.match(value) for key, value in variables["platform"].items()}
    found = {key: variables[reference[1]] for key, reference in references.items()}
    found["oidc"] = {key: _followed(value, variables) for key, value in found["oidc"].items()}
    return {**found, "zone": _followed(found["zone"], variables)}


def _followed(value: object, variables: dict) -> object:
    reference = VARIABLE.match(value) if isinstance(value, str) else None
    return variables[reference[1]] if reference else value
