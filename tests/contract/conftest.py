"""The simulated clouds, started once for all contract tests; each test gets them as new."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from lab.cloud.running import running

sys.path.append(str(Path(__file__).parents[1] / "unit"))  # module_runs: how a module is run as Ansible does


@pytest.fixture(scope="session")
def server():
    """The one server of this directory's tests."""
    with running() as cloud:
        yield cloud


@pytest.fixture
def cloud(server):
    """The simulated clouds without any account, fault or recorded call."""
    server.reset()
    return server
