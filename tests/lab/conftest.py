"""One lab, converged once, shared by every test of this directory.

The clouds are made anew and are empty; `site.yml` runs against them in check mode, against hosts that were only
launched in check mode again, then for real, again as CI does it (with ansible-runner), and once more in check mode,
where it says everything. Each run's output is kept in build/tests/<name>.log, the clouds' calls during it in its
record, and the tests assert on these.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import dns.resolver
import pytest
import yaml
from ansible_collections.sophia.platform.plugins.module_utils import secrets

ROOT = Path(__file__).resolve().parents[2]
LOGS = ROOT / "build/tests"
SUMMARY = LOGS / "summary.md"
STATE = Path(os.environ.get("LAB_STATE") or Path.home() / ".local/state/sophia-lab")
CLOUD_PORT = int(os.environ.get("LAB_CLOUD_PORT") or 5078)
SNOWFLAKE_PORT = int(os.environ.get("LAB_SNOWFLAKE_PORT") or 5079)
PREFIX = os.environ.get("LAB_PREFIX", "sophia-lab")
MACHINES = yaml.safe_load((ROOT / "inventories/lab/group_vars/all/machines.yml").read_text())
DOMAIN, HTTPS_PORT = "sophia.localhost", 8443
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
    calls: list[dict] = field(default_factory=list)

    @property
    def changed(self) -> int:
        return sum(int(match[3]) for match in RECAP.finditer(self.output))

    @property
    def warnings(self) -> list[str]:
        return [line for line in self.output.splitlines() if "WARNING" in line]

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
    return run(name, [str(Path(sys.executable).parent / "ansible-playbook"), playbook, *arguments], environment)


def run(name: str, argv: list[str], environment: dict | None = None) -> Run:
    """Run a program that runs a playbook."""
    LOGS.mkdir(parents=True, exist_ok=True)
    clouds("DELETE", "/control/calls")
    began = time.monotonic()
    done = subprocess.run(
        argv,
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_NOCOLOR": "1", **(environment or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1500,
    )
    (LOGS / f"{name}.log").write_text(done.stdout)
    seconds = time.monotonic() - began
    calls = clouds("GET", "/control/calls")
    return Run(name, done.returncode, done.stdout, seconds, changed_tasks(done.stdout), calls=calls)


def clouds(method: str, path: str, given: object = None, port: int = CLOUD_PORT, **headers: str) -> object:
    """Ask a simulated cloud."""
    data = None if given is None else json.dumps(given).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data, headers, method=method)
    with urllib.request.urlopen(request, timeout=20) as response:
        content = response.read()
    return json.loads(content) if content.strip() else None


def addresses(host: str) -> list[str]:
    """Where the lab's name server says that a host of the platform's domain is."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers = [MACHINES["lab_names_address"]]
    return sorted(item.to_text() for item in resolver.resolve(f"{host}.{DOMAIN}.", "A"))


def ask(host: str, path: str = "/", address: str | None = None, **headers: str) -> http.client.HTTPResponse:
    """Ask the edge by HTTPS for a host of the platform, found by DNS, with a certificate by the lab's authority."""
    tls = ssl.create_default_context(cafile=STATE / "ca.pem")
    plain = socket.create_connection((address or addresses(host)[0], HTTPS_PORT), 10)
    connection = http.client.HTTPConnection(f"{host}.{DOMAIN}", HTTPS_PORT)
    connection.sock = tls.wrap_socket(plain, server_hostname=f"{host}.{DOMAIN}")
    connection.request("GET", path, headers=headers)
    return connection.getresponse()


def lab(*arguments: str) -> str:
    """Run `python -m lab`."""
    return subprocess.run(
        [sys.executable, "-m", "lab", *arguments], cwd=ROOT, check=True, capture_output=True, text=True, timeout=900
    ).stdout


def lab_secrets() -> dict[str, str]:
    """Every value that the lab made up."""
    source = {"kind": "file", "path": str(STATE / "secrets.yml"), "password_path": str(STATE / "vault_password")}
    return secrets.read(source)


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
    """The runs that the tests share."""
    SUMMARY.unlink(missing_ok=True)
    say("\n   making the lab's clouds anew")
    lab("up", "--fresh")
    check = ("--check", "--diff")
    steps = {
        "check_empty": lambda name: play(name, *check),
        "launch": lambda name: play(name, playbook="playbooks/provision.yml"),
        "check_fresh": lambda name: play(name, *check),
        "converge": play,
        "again": lambda name: run(name, [sys.executable, "ci/run.py"], {"GITHUB_STEP_SUMMARY": str(SUMMARY)}),
        "check_converged": lambda name: play(name, *check, "-vvvv"),
    }
    done = {}
    for name, step in steps.items():
        say(f"   {name}")
        done[name] = step(name)
        say(f"   {name}: exit {done[name].returncode}, {done[name].seconds:.0f} s")
        if name == "converge":
            if done[name].returncode:
                pytest.exit(f"site.yml failed on fresh hosts:\n{done[name].output[-6000:]}", returncode=1)
            done[name].verdict = json.loads((ROOT / "build/verify.json").read_text())
    return done
