"""Runs the role against one host with other variables, and changes daemon.json by hand."""

import json

import pytest

FILE = "/etc/docker/daemon.json"


@pytest.fixture
def role(host, playbook):
    """Run the role against this host with other variables."""

    def run(*options, **variables):
        limit = f"--limit={host.backend.get_hostname()}"
        given = ["--extra-vars", json.dumps(variables)] if variables else []
        return playbook("playbooks/hosts.yml", "--tags=docker", limit, *options, *given)

    return run


@pytest.fixture
def content(host):
    """Give, or change by hand, what is in daemon.json."""

    def read(**by_hand):
        found = json.loads(host.file(FILE).content_string)
        if by_hand:
            found.update(by_hand)
            host.run_expect([0], f"printf %s %s > {FILE}", "%s", json.dumps(found))
        return found

    return read
