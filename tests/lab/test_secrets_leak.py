"""No secret value is in anything a run wrote down: files and logs here, objects of the Swarm, files and logs of hosts.

Further logs to search: LEAK_LOGS, paths separated like PATH.
"""

from __future__ import annotations

import json
import os
import secrets as random
import subprocess
from pathlib import Path

import leaks
import pytest
from conftest import ROOT, STATE, lab_secrets

PREFIX = os.environ.get("LAB_PREFIX") or "sophia-lab"
HOSTS = [f"{PREFIX}-{number}" for number in (1, 2, 3)]
CANARY_PATH = "/tmp/leak-test-canary"  # noqa: S108


def on(host: str, command: str, given: bytes = b"") -> bytes:
    """Return the output of a shell command on one of the lab's hosts."""
    call = ["docker", "exec", "-i", host, "sh", "-c", command]
    done = subprocess.run(call, input=given, capture_output=True, timeout=120)
    assert done.returncode == 0, f"{command} on {host}: {done.stderr.decode(errors='replace')[-500:]}"
    return done.stdout


@pytest.fixture(scope="session")
def wanted(runs) -> dict[str, set[bytes]]:
    """What to search for. It needs the converged lab, so that there is something to search in."""
    keys = {name: on(HOSTS[0], f"cat /etc/sophia/certificates/{name}").decode() for name in ("account.key", "edge.key")}
    found = leaks.needles({**lab_secrets(), **keys})
    assert found and not [name for name, values in found.items() if not values], "a value is too short to search for"
    return found


@pytest.fixture(scope="session")
def canaries(runs):
    """Put a random text into /tmp and the journal of every host: the search must find it, or it finds nothing."""
    made = {host: random.token_hex(16) for host in HOSTS}
    for host, text in made.items():
        on(host, f"tee {CANARY_PATH} | systemd-cat --identifier leak-test && journalctl --sync", text.encode() + b"\n")
    yield {host: {"canary": {text.encode()}} for host, text in made.items()}
    for host in HOSTS:
        on(host, f"rm -f {CANARY_PATH}")


def test_a_run_that_says_everything_does_not_say_secrets(runs, wanted):
    run = runs["check_converged"]
    assert "ESTABLISH SSH CONNECTION" in run.output  # so verbose it was
    assert leaks.found_in(run.output.encode(), wanted) == set()


def test_files_of_the_control_node(wanted):
    places = [ROOT / "build", STATE / "clouds.log", STATE / "snowflake.log"]
    places += [Path.home() / ".ansible/tmp", Path.home() / ".ansible/cp"]
    places += [Path(path) for path in os.environ.get("LEAK_LOGS", "").split(os.pathsep) if path]
    assert {place: found for place in places if (found := leaks.found_in_files(place, wanted))} == {}


@pytest.mark.parametrize("kind", ["service", "node", "network"])
def test_objects_of_the_swarm(wanted, kind):
    inspected = on(HOSTS[0], f"docker {kind} ls -q | xargs -r docker {kind} inspect")
    leaking = {
        item.get("ID") or item.get("Id"): leaks.found_in(json.dumps(item).encode(), wanted)
        for item in json.loads(inspected)
    }
    assert leaking and {key: names for key, names in leaking.items() if names} == {}


def test_configs_and_release_records(wanted):
    contents = leaks.config_contents(on(HOSTS[0], "docker config ls -q | xargs -r docker config inspect"))
    leaking = {
        name: leaks.found_in(name.encode() + content, wanted) | leaks.found_in(content, wanted)
        for name, content in contents
    }
    assert contents and {name: names for name, names in leaking.items() if names} == {}


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize(
    ("command", "with_canary"),
    [
        (
            "cd / && tar -cf - --ignore-failed-read $(ls -d tmp var/tmp root/.ansible 2>/dev/null) 2>/dev/null || :",
            True,
        ),
        ("journalctl --no-pager --output cat", True),
        ("find /var/lib/docker/containers -name '*.log' -exec cat {} +", False),
        ("docker ps -aq | xargs -r docker inspect", False),
        ("cat /proc/[0-9]*/cmdline 2>/dev/null || :", False),
    ],
    ids=["temporary files", "journal", "logs of containers", "containers", "process arguments"],
)
def test_hosts(wanted, canaries, host, command, with_canary):
    output = on(host, command)
    assert output, "nothing to search in"
    assert leaks.found_in(output, wanted) == set()
    if with_canary:
        assert leaks.found_in(output, canaries[host]) == {"canary"}, "the search does not see what is there"
