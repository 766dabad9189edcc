"""What the tests of all scenarios share."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)
TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class Run:
    """How a playbook ended: its output without line breaks inside messages, and counts over all hosts."""

    status: int
    text: str
    changed: int
    failed: int


@pytest.fixture(scope="session")
def playbook():
    """Run a playbook, by its path in the repository, against the scenario's hosts."""

    def run(name: str, *options: str) -> Run:
        argv = [str(Path(sys.executable).with_name("ansible-playbook")), name, *options]
        argv += ["--inventory=inventories/common", "--inventory=molecule/base/inventory"]
        plain = {**os.environ, "ANSIBLE_FORCE_COLOR": "0", "ANSIBLE_NOCOLOR": "1"}
        done = subprocess.run(
            argv, cwd=ROOT, env=plain, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
        rows = RECAP.findall(done.stdout)
        text = " ".join((done.stdout + done.stderr).split())
        return Run(done.returncode, text, sum(int(row[2]) for row in rows), sum(int(row[4]) for row in rows))

    return run
