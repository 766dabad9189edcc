"""What the tests of this scenario share."""

import json

import pytest


@pytest.fixture
def converge(playbook):
    """Run the role on one host with other values."""

    def run(name, *options, **values):
        extra = ["--extra-vars", json.dumps(values)]
        return playbook("playbooks/hosts.yml", "--tags=host_base", f"--limit={name}", *options, *extra)

    return run
