"""Nothing secret is shown, written or kept; what nobody needs any more is told from what somebody does."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.swarm import diffs, lock, objects, plan
from ansible_collections.sophia.platform.plugins.module_utils.swarm.cli import docker_configuration
from ansible_collections.sophia.platform.plugins.module_utils.swarm.mask import MASK, Masker

CERTIFICATE = "-----BEGIN KEY-----\nMIIBVgIBADANBgkqhkiG\n-----END KEY-----\n"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (
            {"environment": {"API_TOKEN": "abc", "LEVEL": "debug"}},
            {"environment": {"API_TOKEN": MASK, "LEVEL": "debug"}},
        ),
        (
            {"environment": {"DB_PASSWORD_FILE": "/run/secrets/x"}},
            {"environment": {"DB_PASSWORD_FILE": "/run/secrets/x"}},
        ),
        ({"environment": {"NAME": "hunter22"}}, {"environment": {"NAME": MASK}}),
        ({"environment": {"PIN": "77"}}, {"environment": {"PIN": MASK}}),
        ({"Env": ["AWS_SECRET_KEY=abc", "A=b=c"]}, {"Env": [f"AWS_SECRET_KEY={MASK}", "A=b=c"]}),
        ({"command": ["run", "--key=hunter22"]}, {"command": ["run", f"--key={MASK}"]}),
        ({"environment": {"DB": "postgres://me:pw@host/db"}}, {"environment": {"DB": f"postgres://me:{MASK}@host/db"}}),
        ("MIIBVgIBADANBgkqhkiG is in a log", f"{MASK} is in a log"),
        ("77 bottles", "77 bottles"),
    ],
)
def test_masks(value, shown):
    assert Masker(["hunter22", "77", CERTIFICATE]).tree(value) == shown


def test_a_diff_shows_what_changes_and_no_secret():
    before = {"image": "a:1", "environment": {"TOKEN": "one-secret", "LEVEL": "info"}}
    after = {"image": "a:2", "environment": {"TOKEN": "two-secret", "LEVEL": "debug"}}
    previous = plan.Release({"web": before}, {})
    entries = diffs.of_services("app", [plan.Step("web", "update", "")], previous, {"web": after}, {}, Masker([]))
    text = json.dumps(entries)
    assert [entry["before_header"] for entry in entries] == ["app_web"]
    assert "debug" in text
    assert "secret" not in text


def test_registry_logins_reach_the_cli_through_memory_only():
    logins = {
        "registry.example": {"username": "me", "password": 'it\'s "hunter22" \\ $x'},
        "docker.io": {"username": "u", "password": "pw"},
    }
    with docker_configuration(logins) as folder:
        files = {path: path.read_text() for path in Path(folder).iterdir() if not path.is_symlink()}
        assert [path.name for path in files] == ["config.json"]
        assert not any("hunter22" in text for text in files.values())
        helpers = json.loads(files[Path(folder) / "config.json"])["credHelpers"]
        assert set(helpers) == {"registry.example", "https://index.docker.io/v1/"}
        program = f"docker-credential-{helpers['registry.example']}"
        path = f"{folder}:{os.environ['PATH']}"
        said = subprocess.run(
            [f"{folder}/{program}", "get"],
            input="registry.example",
            env={"PATH": path},
            capture_output=True,
            text=True,
            check=True,
        )
        assert json.loads(said.stdout)["Secret"] == logins["registry.example"]["password"]
    assert not Path(folder).exists()


def config(name, **labels):
    return {"ID": name, "Spec": {"Name": name, "Labels": {objects.KIND_LABEL: "secret", **labels}}}


def test_only_the_stacks_own_unused_versions_are_pruned():
    mine, other = {objects.STACK_LABEL: "app"}, {objects.STACK_LABEL: "data"}
    found = [
        config("pw_used", **mine),
        config("pw_kept", **mine),
        config("pw_kept_by_other", **mine),
        config("pw_old", **mine),
        config("pw_vault_old", **other),
        config("left_behind", **{objects.STACK_LABEL: "gone"}),
        {"ID": "hand", "Spec": {"Name": "pw_by_hand", "Labels": {}}},
    ]
    service = {
        "Spec": {
            "Labels": {"com.docker.stack.namespace": "data"},
            "TaskTemplate": {"ContainerSpec": {"Secrets": [{"SecretName": "pw_used"}]}},
        }
    }
    records = [{"stack": "app", "secrets": ["pw_kept"]}, {"stack": "data", "secrets": ["pw_kept_by_other"]}]
    unused = objects.unused(found, "secrets", "app", [service], records)
    assert [one["ID"] for one in unused] == ["pw_old", "left_behind"]


ME = {"host": "m1", "boot": "b1"}


@pytest.mark.parametrize(
    ("labels", "age_seconds", "stale"),
    [
        ({"host": "m1", "boot": "b1", "pid": "7", "started": "100"}, 9999, False),
        ({"host": "m1", "boot": "b1", "pid": "7", "started": "99"}, 1, True),
        ({"host": "m1", "boot": "b1", "pid": "8", "started": "100"}, 1, True),
        ({"host": "m1", "boot": "b0", "pid": "7", "started": "100"}, 1, True),
        ({"host": "m2", "boot": "b1", "pid": "7", "started": "100"}, 299, False),
        ({"host": "m2"}, 301, True),
        ({}, 10, False),
    ],
)
def test_a_lock_is_stale_when_its_holder_is_gone(labels, age_seconds, stale):
    assert lock.is_stale(labels, age_seconds, ME, {"7": "100"}.get) is stale


def test_the_start_of_a_process_is_known():
    assert lock.process_start(str(os.getpid())).isdigit()
    assert lock.process_start("no process") is None
