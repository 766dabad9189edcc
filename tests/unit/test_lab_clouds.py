"""The lab's accounts at the simulated clouds, and host containers as Lambda Cloud's machines."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization

from lab import cloud_accounts, docker, machines, parts, processes, settings
from lab import state as lab_state

LAB = settings.read(environment={"HOME": "/home/x"})


@pytest.fixture(scope="module")
def secrets():
    return lab_state.with_values({}, [*lab_state.ALWAYS, *lab_state.secret_names(LAB.variables)])


def test_every_secret_of_the_platform_is_in_the_store_and_its_own_token_is_not(secrets):
    told = {(service, action): given for service, action, given in cloud_accounts.accounts(LAB, secrets)}
    stored = told["esc", "merge_secrets"]["values"]
    assert set(lab_state.secret_names(LAB.variables)) <= set(stored)
    assert secrets["pulumi_access_token"] not in stored.values()
    assert told["esc", "token"]["token"] == secrets["pulumi_access_token"]
    assert told["lambda", "api_key"] == {"key": secrets["lambda_api_key"]}


def test_every_service_whose_key_is_checked_knows_the_key(secrets):
    keys = [given for service, action, given in cloud_accounts.accounts(LAB, secrets) if service == "apis"]
    assert {key["service"] for key in keys} == {key["service"] for key in LAB.variables["platform_api_keys"]}
    assert all(key["key"] for key in keys)


def test_secrets_have_the_form_that_their_clients_take(secrets):
    assert "-" not in secrets["vercel_token"]
    assert secrets["gong_api_key"].count(":") == 1
    user = cloud_accounts.snowflake_user(LAB, secrets)
    assert serialization.load_pem_public_key(user["public_key"].encode()).key_size == 2048


@pytest.fixture
def lab_machines(monkeypatch):
    """The backend over an engine that has no container."""
    monkeypatch.setattr(docker, "inspect", lambda *_names: {})
    started = []
    monkeypatch.setattr(parts, "launch", lambda _lab, host: started.append(host.name))
    monkeypatch.setattr(machines.hosts, "remove", lambda host: started.remove(host.name))
    return machines.LabMachines(), started


def test_a_launch_starts_the_host_of_its_name_once(lab_machines):
    backend, started = lab_machines
    assert "no machine named 'web'" in backend.problem({"name": "web"})
    assert backend.problem({"name": "lab-1"}) is None
    assert "runs already" in backend.problem({"name": "lab-1"})
    assert backend.addresses({"name": "lab-1"}) is None
    backend.start({"name": "lab-1"})
    assert backend.addresses({"name": "lab-1"}) == ("127.0.0.1", "10.77.0.11")
    backend.stop({"name": "lab-1"})
    assert (started, backend.addresses({"name": "lab-1"})) == ([], None)
    assert backend.problem({"name": "lab-1"}) is None


def process(tmp_path, *arguments):
    return processes.Process("test", arguments, tmp_path / "test", ())


def test_only_a_process_of_the_lab_is_ended(tmp_path):
    """A number in the file of an earlier run may belong to somebody else's process by now."""
    other = subprocess.Popen([sys.executable, "-c", "print('runs', flush=True); input()"], stdout=-1, stdin=-1)
    other.stdout.readline()
    try:
        (tmp_path / "test.pid").write_text(json.dumps({"pid": other.pid, "fingerprint": "x"}))
        process(tmp_path, "lab.cloud").stop()
        assert other.poll() is None
        process(tmp_path, "-c").stop()
        assert other.wait(timeout=10) == -15
    finally:
        if other.poll() is None:
            other.kill()


@pytest.mark.parametrize("text", ["", "{", json.dumps({"pid": os.getpid()})])
def test_a_broken_record_of_a_process_is_no_process(tmp_path, text):
    (tmp_path / "test.pid").write_text(text)
    process(tmp_path, "lab.cloud").stop()
