"""Host containers, the engine and loopback ports: what can be told without an engine."""

from __future__ import annotations

import dataclasses
import socket
import subprocess
from pathlib import Path

import pytest

from lab import commands, docker, engine, hosts, ports, settings
from lab.errors import LabError
from lab.together import together

LAB = settings.read(environment={"HOME": "/home/x"})
ENGINE = engine.Engine("26.1.5", 1, "x86_64")


def plan(**changes: object) -> hosts.Plan:
    return hosts.Plan(LAB, ENGINE, "sophia-lab/host:1", dataclasses.replace(LAB.hosts[0], **{"gpu": "none", **changes}))


def test_a_host_is_published_on_loopback_only():
    published = [argument for argument in plan().arguments if argument.startswith("--publish")]
    assert published == ["--publish=127.0.0.1:2201:22", "--publish=127.0.0.1:8080:80", "--publish=127.0.0.1:8443:443"]
    assert not [argument for argument in plan(edge_address=None).arguments if argument.endswith(":80")]


def test_only_a_host_with_a_gpu_knows_of_one():
    assert not [argument for argument in plan().arguments if "GPU" in argument or "nvidia" in argument]
    arguments = plan(gpu="bare").arguments
    assert arguments[arguments.index("LAB_GPU=bare") - 1] == "--env"
    assert arguments[arguments.index("nvidia.github.io:127.0.0.1") - 1] == "--add-host"


def test_a_host_comes_back_after_a_reboot_and_counts_as_there_meanwhile():
    arguments = plan().arguments
    assert arguments[arguments.index("--restart") + 1] == "unless-stopped"
    labels = {f"{docker.LABEL}.config": plan().fingerprint}
    states = ("running", "restarting", "exited", "paused", "dead", "created")
    kept = [
        state
        for state in states
        if hosts._is_as_planned({"Config": {"Labels": labels}, "State": {"Status": state}}, plan())
    ]
    assert kept == ["running", "restarting", "exited", "paused"]


@pytest.mark.parametrize(
    ("cgroup_version", "privileged", "has", "has_not"),
    [
        (
            1,
            False,
            ["--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw", "--cap-add=SYS_ADMIN", "--cgroupns=host"],
            "--privileged",
        ),
        (2, False, ["--cgroupns=private", "--security-opt=systempaths=unconfined"], "--privileged"),
        (2, True, ["--cgroupns=private", "--privileged"], "--cap-add=SYS_ADMIN"),
    ],
)
def test_the_rights_fit_the_machine(cgroup_version, privileged, has, has_not):
    arguments = hosts.rights(cgroup_version, privileged)
    assert set(has) <= set(arguments) and has_not not in arguments
    assert not [argument for argument in arguments if "SYS_RESOURCE" in argument or "BPF" in argument]


def test_a_host_is_made_anew_when_what_it_is_made_from_changes():
    seen = {
        plan().fingerprint,
        plan(ssh_port=2299).fingerprint,
        plan(address="10.77.0.99").fingerprint,
        plan(gpu="bare").fingerprint,
        dataclasses.replace(plan(), image="sophia-lab/host:2").fingerprint,
        dataclasses.replace(plan(), engine=dataclasses.replace(ENGINE, cgroup_version=2)).fingerprint,
    }
    assert len(seen) == 6 and plan().fingerprint in seen


@pytest.mark.parametrize(
    ("others", "said"), [("web\n", "taken by the container web"), ("", "taken by another program")]
)
def test_a_taken_port_is_refused_and_its_owner_named(monkeypatch, others, said):
    monkeypatch.setattr(docker, "run", lambda *_a, **_k: subprocess.CompletedProcess([], 0, others, ""))
    with socket.socket() as occupant:
        occupant.bind(("127.0.0.1", 0))
        occupant.listen()
        port = occupant.getsockname()[1]
        with pytest.raises(LabError, match=said) as caught:
            ports.refuse_if_taken(port, "lab-1", "change its ansible_port in hosts.yml")
    assert f"Port {port}" in str(caught.value) and "change its ansible_port in hosts.yml" in str(caught.value)
    ports.refuse_if_taken(port, "lab-1", "unused")


def test_the_pid_file_of_another_process_is_removed(tmp_path):
    for pid, command in {"7": "dockerd", "8": "bash"}.items():
        (tmp_path / "proc" / pid).mkdir(parents=True)
        (tmp_path / "proc" / pid / "comm").write_text(f"{command}\n")
    kept = {}
    for pid in ("7", "8", "9", ""):
        path = Path(tmp_path / f"{pid}.pid")
        path.write_text(pid)
        engine.forget_if_dead(path, "dockerd", tmp_path / "proc")
        kept[pid] = path.exists()
    assert kept == {"7": True, "8": False, "9": False, "": False}
    engine.forget_if_dead(tmp_path / "none.pid", "dockerd", tmp_path / "proc")


def test_without_docker_and_without_root_the_message_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(engine, "ask", lambda: None)
    monkeypatch.setattr(engine.os, "geteuid", lambda: 1000)
    with pytest.raises(LabError, match="Start Docker .* or run this as root"):
        engine.ensure(tmp_path)


def test_everything_that_goes_wrong_at_once_is_told():
    def fail(text: str) -> None:
        raise LabError(text)

    with pytest.raises(LabError) as caught:
        together([lambda: fail("a"), lambda: 1, lambda: fail("b"), lambda: fail("a")])
    assert str(caught.value) == "a\nb"
    assert together([lambda: 1, lambda: 2]) == [1, 2]


def test_an_unknown_host_is_refused():
    with pytest.raises(LabError, match="no host lab-9; there is lab-1, lab-2, lab-3"):
        commands.up(LAB, only=["lab-9"])
