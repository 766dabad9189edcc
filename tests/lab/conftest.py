"""One lab, converged once, shared by every test of this directory.

The hosts are made anew; `site.yml` runs against them in check mode, for real, again, and again in check mode. Each
run's output is kept in build/tests/<name>.log, and the tests assert on these records.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "build/tests"
RECAP = re.compile(r"^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)", re.MULTILINE)


@dataclass
class Run:
    """What one ansible-playbook run said."""

    name: str
    returncode: int
    output: str
    seconds: float
    changed_tasks: list[str] = field(default_factory=list)
    verdict: dict = field(default_factory=dict)

    @property
    def changed(self) -> int:
        return sum(int(match[3]) for match in RECAP.finditer(self.output))

    @property
    def hosts(self) -> list[str]:
        return [match[1] for match in RECAP.finditer(self.output)]


def changed_tasks(output: str) -> list[str]:
    """The names of the tasks that reported a change on any host."""
    task, found = "", []
    for line in output.splitlines():
        if line.startswith(("TASK [", "RUNNING HANDLER [")):
            task = line.split("[", 1)[1].rsplit("]", 1)[0]
        elif line.startswith("changed: [") and task not in found:
            found.append(task)
    return found


def play(name: str, *arguments: str, playbook: str = "site.yml", environment: dict | None = None) -> Run:
    """Run a playbook against the lab; the output also goes to build/tests/<name>.log."""
    LOGS.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"), playbook, *arguments],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1500,
    )
    (LOGS / f"{name}.log").write_text(done.stdout)
    return Run(name, done.returncode, done.stdout, time.monotonic() - began, changed_tasks(done.stdout))


def lab(*arguments: str) -> str:
    """Run `python -m lab`."""
    return subprocess.run(
        [sys.executable, "-m", "lab", *arguments], cwd=ROOT, check=True, capture_output=True, text=True, timeout=900
    ).stdout


@pytest.fixture(scope="session")
def say(pytestconfig):
    """Print a progress line in spite of pytest's capturing."""
    manager = pytestconfig.pluginmanager.getplugin("capturemanager")

    def line(text: str) -> None:
        with manager.global_and_fixture_disabled():
            print(text, flush=True)

    return line


@pytest.fixture(scope="session")
def runs(say) -> dict[str, Run]:
    """The four runs of site.yml that the tests share."""
    say("\n   making the lab's hosts anew")
    lab("up", "--fresh")
    done = {}
    for name, arguments in {
        "check_fresh": ("--check", "--diff"),
        "converge": (),
        "again": (),
        "check_converged": ("--check", "--diff"),
    }.items():
        say(f"   site.yml: {name}")
        done[name] = play(name, *arguments)
        run = done[name]
        say(f"   site.yml: {name}: exit {run.returncode}, changed={run.changed}, {run.seconds:.0f} s")
        if name == "converge" and done[name].returncode:
            pytest.exit(f"site.yml failed on fresh hosts:\n{done[name].output[-6000:]}", returncode=1)
        done[name].verdict = json.loads((ROOT / "build/verify.json").read_text()) if "--check" not in arguments else {}
    return done
