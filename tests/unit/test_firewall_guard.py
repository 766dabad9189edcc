"""The program that takes a change back is run here for real, with stand-ins for the commands that touch a host."""

import subprocess

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.firewall import guard, restore
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError

COMMANDS = ("nft", "iptables", "iptables-restore", "ip6tables", "ip6tables-restore", "systemctl", "sshd")
STAND_IN = """#!/bin/sh
case "$(basename "$0")" in
    *-restore) given=$(sed 's/^/    /') ;;
    iptables) echo '-A DOCKER-USER -j SOPHIA-DOCKER' ;;
esac
printf '%s\\n' "$(basename "$0") $*" "$given" | grep . >> {log}
"""


@pytest.fixture
def base(tmp_path, monkeypatch):
    """A host's directories, and commands that only say that they were called."""
    places = {"BASE": "", "KEPT": "/guard", "TAKEN": "/taken", "NOTE": "/taken-back"}
    for name, place in places.items():
        monkeypatch.setattr(restore, name, f"{tmp_path}/state{place}")
    monkeypatch.setattr(restore, "UNIT_PATH", f"{tmp_path}/guard.service")
    monkeypatch.setattr(guard, "_KEPT", tmp_path / "state/guard")
    monkeypatch.setattr(guard, "_NOTE", tmp_path / "state/taken-back")
    (tmp_path / "bin").mkdir()
    for name in (*COMMANDS, "systemd-run"):
        (tmp_path / "bin" / name).write_text(STAND_IN.format(log=tmp_path / "log"))
        (tmp_path / "bin" / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    return tmp_path


def old_state(base):
    files = {f"{base}/firewall.nft": ("the old rules\n", 0o640), f"{base}/new.service": None}
    for path in files:
        with open(path, "w", encoding="utf-8") as stream:
            stream.write("new\n")
    units = {"old.service": (True, True), "new.service": (False, False)}
    return restore.OldState(files, units, "old table\n", {"iptables": ":SOPHIA-DOCKER - [0:0]\nCOMMIT\n"})


def test_everything_comes_back(base):
    guard.start(old_state(base), 60, "a b c d")
    assert guard.pending().connection == "a b c d" and 58 <= guard.pending().left_seconds <= 60
    assert (base / "state").stat().st_mode & 0o777 == 0o700
    assert f"systemd-run --quiet --on-active=60s --timer-property=AccuracySec=1s --unit={guard.SERVICE}" in (
        base / "log"
    ).read_text().replace("\n", " ")
    (base / "log").unlink()
    subprocess.run(["sh", base / "state/guard/restore"], check=True)
    assert (base / "firewall.nft").read_text() == "the old rules\n"
    assert (base / "firewall.nft").stat().st_mode & 0o777 == 0o640
    assert not (base / "new.service").exists() and not (base / "guard.service").exists()
    assert guard.pending() is None and guard.taken_back()
    assert (base / "log").read_text().splitlines() == [
        "nft -f table.nft",
        "iptables -w -S DOCKER-USER",
        "iptables-restore -w --noflush",
        "    *filter",
        "    -D DOCKER-USER -j SOPHIA-DOCKER",
        "    :SOPHIA-DOCKER - [0:0]",
        "    COMMIT",
        "systemctl --quiet --no-reload disable new.service",
        "systemctl --quiet --no-block stop new.service",
        "systemctl show --property=MainPID --value ssh.service",
        "sshd -t",
        "systemctl daemon-reload",
        "systemctl --quiet --no-reload enable old.service",
        f"systemctl --quiet --no-reload disable {guard.SERVICE}",
    ]
    with pytest.raises(HostError, match="was taken back at"):
        guard.confirm("new connection")


def test_a_confirmed_change_is_not_taken_back(base):
    guard.start(old_state(base), 60, "a b c d")
    program = (base / "state/guard/restore").read_text()
    with pytest.raises(HostError, match="proves nothing"):
        guard.confirm("a b c d")
    assert guard.confirm("another connection")
    subprocess.run(["sh"], input=program, text=True, check=True)  # the timer came too late
    assert (base / "firewall.nft").read_text() == "new\n"
    assert not (base / "guard.service").exists() and list((base / "state").iterdir()) == []
    assert not guard.confirm("another connection")


def test_a_second_change_does_not_overwrite_what_is_kept(base):
    guard.start(old_state(base), 60, "")
    with pytest.raises(HostError, match="Another change"):
        guard.start(restore.OldState(), 60, "")
    assert (base / "state/guard/table.nft").read_text() == "old table\n"


def test_a_program_that_was_cut_off_goes_on(base):
    guard.start(old_state(base), 60, "")
    (base / "state/guard").rename(base / "state/taken")
    subprocess.run(["sh", base / "state/taken/restore"], check=True)
    assert (base / "firewall.nft").read_text() == "the old rules\n"
    assert not (base / "state/taken").exists()


def test_the_unit_runs_at_boot_only_when_something_is_kept():
    lines = restore.unit().splitlines()
    assert {f"ConditionPathExists=|{restore.KEPT}/restore", "WantedBy=sysinit.target"} <= set(lines)
    assert any(line.startswith("Before=sophia-firewall.service") for line in lines)
