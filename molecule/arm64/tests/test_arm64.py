"""What the scenario did to its arm64 host."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

# What `python -m lab.arm64 up` wrote down.
STATE = Path(__file__).resolve().parents[3] / "build/arm64/molecule"


@pytest.fixture(scope="module", autouse=True)
def host():
    """Whether there is one; where there is none, the reason is told."""
    why_not = STATE / "why-not"
    if why_not.exists():
        pytest.skip(f"no arm64 host: {why_not.read_text(encoding='utf-8').strip()} tests/arm64 stands for it.")


def told(*argv: str) -> str:
    """Run a program on the host."""
    (name,) = json.loads((STATE / "hosts.json").read_text(encoding="utf-8"))
    command = ["docker", "exec", name, *argv]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def test_the_machine_is_an_arm64():
    assert (told("uname", "-m"), told("dpkg", "--print-architecture")) == ("aarch64", "arm64")


def test_the_program_that_was_installed_is_arm64_and_held():
    assert told("dpkg-query", "-W", "-f", "${Architecture} ${db:Status-Abbrev}", "hello") == "arm64 hi"
    assert told("hello") == "Hello, world!"


def test_files_were_written_and_predictions_were_not():
    assert told("cat", "/etc/sophia/arm64.conf") == "written by a module"
    assert told("sh", "/etc/sophia/arm64.sh") == "aarch64"
    assert (
        told("sh", "-c", "ls -d /etc/docker /var/lib/sophia /etc/apt/sources.list.d/docker.sources 2>&1 || true").count(
            "No such file"
        )
        == 3
    )
