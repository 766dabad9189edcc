"""What the arm64 tests share: the facts of a real GH200, and Debian's lists for arm64."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def gh200() -> dict:
    """A GH200 as Lambda delivers it."""
    return json.loads((Path(__file__).parent / "fixtures/gh200.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="session", autouse=True)
def apt() -> None:
    """These tests ask a real apt."""
    if shutil.which("apt-get") is None:
        pytest.skip("there is no apt-get on this machine, so nothing can be resolved for arm64")


@pytest.fixture(scope="session")
def debian_mirror() -> str:
    """The mirror that this machine itself uses for Debian."""
    form = "$(REPO_URI)"
    done = subprocess.run(
        ["apt-get", "indextargets", "--format", form, "Created-By: Packages"],
        capture_output=True,
        text=True,
        check=False,
    )
    found = [uri for uri in dict.fromkeys(done.stdout.split()) if uri.rstrip("/").endswith("/debian")]
    if not found:
        pytest.skip("this machine's apt knows no mirror of Debian, so the package names cannot be resolved for arm64")
    return found[0]
