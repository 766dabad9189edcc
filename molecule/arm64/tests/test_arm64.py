"""What the scenario did to its arm64 host."""

from __future__ import annotations

import subprocess

import pytest

from lab import arm64


@pytest.fixture(scope="module", autouse=True)
def host():
    """Whether there is one; where there is none, the reason is told."""
    if arm64.SAID.exists():
        pytest.skip(f"no arm64 host: {arm64.SAID.read_text(encoding='utf-8').strip()}")


def told(*argv: str) -> str:
    """Run a program on the host."""
    command = ["docker", "exec", arm64.container(), *argv]
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
