"""People who come and go."""

import subprocess
from contextlib import contextmanager

import pytest

DEBIAN_12 = "mol-4"
SUDOERS = "/etc/sudoers.d/60-sophia"
testinfra_hosts = [f"ansible://{DEBIAN_12}"]


@pytest.fixture(scope="module")
def key(tmp_path_factory):
    path = tmp_path_factory.mktemp("key") / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "kim@desk", "-f", str(path)], check=True)
    return path


def login(host, key, command):
    """Log in as kim, in a connection of its own."""
    options = ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "IdentitiesOnly=yes", "BatchMode=yes"]
    port = host.ansible.get_variables()["ansible_port"]
    argv = ["ssh", "-F", "none", "-i", str(key), "-p", str(port), "-o", "LogLevel=ERROR"]
    return [*argv, *(word for option in options for word in ("-o", option)), "kim@127.0.0.1", command]


@contextmanager
def connected(host, key):
    """Stay logged in as kim."""
    process = subprocess.Popen(login(host, key, "echo here; cat"), stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"here\n"
    try:
        yield
    finally:
        process.communicate(timeout=20)


def test_people_come_and_go(host, converge, key):
    kim = {"name": "kim", "groups": ["adm", "sophia-test"], "sudo": True}
    kim["authorized_keys"] = [key.with_suffix(".pub").read_text(encoding="ascii")]
    steps = 1 if host.package("sudo").is_installed else 2  # the user, and the package that a rule needs
    foreseen = converge(DEBIAN_12, "--check", "--diff", host_base_users=[kim])
    assert (foreseen.status, foreseen.changed) == (0, steps) and "kim ALL=(ALL:ALL)" in foreseen.text, foreseen.text
    assert not host.user("kim").exists
    assert [converge(DEBIAN_12, host_base_users=[kim]).changed for _ in range(2)] == [steps, 0]

    assert host.check_output("getent passwd kim").endswith(":/home/kim:/bin/bash")
    assert host.check_output("visudo -c").count("parsed OK") >= 2
    assert host.file(SUDOERS).mode == 0o440
    said = subprocess.run(
        login(host, key, "id -Gn; sudo -n id -un; ulimit -Sn; ulimit -Hn"), capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert sorted(said[0].split()) == ["adm", "kim", "sophia-test"]
    assert said[1:] == ["root", "8192", "16384"]

    gone = [{"name": "kim", "state": "absent"}]
    with connected(host, key):
        refused = converge(DEBIAN_12, host_base_users=gone)
        assert refused.status != 0 and "kim: is connected or runs programs now" in refused.text
        assert host.user("kim").exists and host.file(SUDOERS).exists
    host.check_output(
        "loginctl terminate-user kim || true; for i in $(seq 50); do pgrep -u kim >/dev/null || break; sleep 0.1; done"
    )
    assert [converge(DEBIAN_12, host_base_users=gone).changed for _ in range(2)] == [1, 0]
    assert not host.user("kim").exists
    assert not host.file(SUDOERS).exists and host.file("/home/kim").is_directory
