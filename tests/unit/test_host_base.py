"""Kernel settings, swap, time and the whole of host_base: what is refused, and what is planned."""

import os

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.host import (
    base,
    base_swap,
    base_sysctls,
    base_time,
    base_units,
    packages,
)
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError

UNITS = """Id=systemd-journald.service
LoadState=loaded
ActiveState=active
FragmentPath=/usr/lib/systemd/system/systemd-journald.service
UnitFileState=static
ActiveEnterTimestampMonotonic=20500000

Id=apt-daily.timer
LoadState=masked
ActiveState=inactive
UnitFileState=masked
ActiveEnterTimestampMonotonic=0

Id=dev-sda3.swap
LoadState=loaded
ActiveState=active
FragmentPath=/run/systemd/generator.late/dev-sda3.swap
SourcePath=
ActiveEnterTimestampMonotonic=20500000

Id=swap.img.swap
LoadState=loaded
ActiveState=active
FragmentPath=/run/systemd/generator/swap.img.swap
SourcePath=/etc/fstab
ActiveEnterTimestampMonotonic=20500000

Id=dev-by-hand.swap
LoadState=loaded
ActiveState=active
FragmentPath=
"""


@pytest.fixture
def tree(tmp_path):
    """A kernel's settings, as files."""
    values = {"net/ipv4/ip_forward": "0\n", "net/ipv4/tcp_rmem": "4096\t131072\t6291456\n", "vm/swappiness": "60\n"}
    values["net/ipv4/conf/eth0.100/rp_filter"] = "2\n"
    for name, text in values.items():
        path = tmp_path / "sys" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "sys"


# ── kernel settings ───────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("key", "path"),
    [
        ("vm.swappiness", "vm/swappiness"),
        ("net/ipv4/conf/eth0.100/rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
        ("net.ipv4.conf.eth0/100.rp_filter", "net/ipv4/conf/eth0.100/rp_filter"),
    ],
)
def test_key_is_a_path(key, path):
    assert str(base_sysctls.path_of(key, "/proc/sys")) == f"/proc/sys/{path}"


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("vm.swappiness", 10, ""),
        ("net.ipv4.tcp_rmem", "1 2 3", ""),
        ("net.ipv4.ip_forwards", 1, "is not known to the kernel"),
        ("net.ipv4.conf.*.rp_filter", 1, "is no name of a kernel setting"),
        ("../../etc/passwd", 1, "is no name of a kernel setting"),
        ("vm/../../../etc/passwd", 1, "is no name of a kernel setting"),
        ("vm", 1, "is no name of a kernel setting"),
        ("vm.swappiness", "", "must be a number or a text"),
        ("vm.swappiness", [1], "must be a number or a text"),
    ],
)
def test_kernel_setting_is_judged(tree, key, value, words):
    found = base_sysctls.problems({key: value}, str(tree))
    assert (words in found[0] and key in found[0]) if words else found == []


def test_kernel_setting_that_cannot_be_set(tree, monkeypatch):
    monkeypatch.setattr(base_sysctls.os, "access", lambda path, mode: False)
    assert "is read-only" in base_sysctls.problems({"vm.swappiness": 10}, str(tree))[0]


def test_kernel_settings_are_set_and_written_once(tree, tmp_path):
    wanted, path = (
        {"vm.swappiness": 10, "net.ipv4.ip_forward": 1, "net.ipv4.tcp_rmem": "4096 131072 6291456"},
        tmp_path / "f",
    )
    first = base_sysctls.steps(wanted, str(tree), str(path))
    assert [step.title for step in first] == ["kernel settings net.ipv4.ip_forward, vm.swappiness", str(path)]
    assert first[0].diff["before"] == "net.ipv4.ip_forward = 0\nvm.swappiness = 60\n"
    for step in first:
        step.apply()
    assert base_sysctls.steps(wanted, str(tree), str(path)) == []
    (tree / "vm/swappiness").write_text("60\n")
    drifted = base_sysctls.steps(wanted, str(tree), str(path))
    assert [step.title for step in drifted] == ["kernel settings vm.swappiness"]
    gone = base_sysctls.steps({}, str(tree), str(path))
    assert [step.diff["after"] for step in gone] == [""]
    gone[0].apply()
    assert not path.exists()


def test_only_what_differs_is_set_in_an_order_that_lasts(tree):
    before = (tree / "vm/swappiness").stat().st_mtime_ns
    base_sysctls.set_live({"vm.swappiness": "60", "net.ipv4.ip_forward": "1"}, str(tree))
    assert (tree / "vm/swappiness").stat().st_mtime_ns == before
    assert list(base_sysctls.in_order({"a.b": 1, "net.ipv4.ip_forward": 1})) == ["net.ipv4.ip_forward", "a.b"]


def test_value_that_the_kernel_refuses(tree):
    (tree / "vm/swappiness").unlink()
    (tree / "vm/swappiness").symlink_to("/proc/self/oom_score_adj")
    with pytest.raises(HostError, match=r"refuses '100000' for vm.swappiness"):
        base_sysctls.set_live({"vm.swappiness": "100000"}, str(tree))


def test_file_that_wins_at_boot(tmp_path):
    for name, text in {
        "10-early.conf": "vm.swappiness = 1\n",
        "60-sophia.conf": "vm.swappiness = 10\n",
        "99-late.conf": "# vm.swappiness = 2\n-vm/swappiness=60\nvm.other = 1\n",
        "99-same.conf": "vm.swappiness = 10\n",
    }.items():
        (tmp_path / name).write_text(text)
    found = base_sysctls.later_files({"vm.swappiness": 10}, [str(tmp_path)])
    assert len(found) == 1 and "99-late.conf sets vm.swappiness to 60" in found[0]


# ── swap ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

FSTAB = "# a comment with swap\nUUID=1 / ext4 defaults 0 1\n/swap.img\tnone\tswap\tsw\t0\t0\n#/old none swap sw 0 0\n"
FSTAB_OFF = FSTAB.replace("/swap.img", "#sophia-swap-off# /swap.img")


def test_fstab_goes_there_and_back():
    assert base_swap.without_swap(FSTAB) == FSTAB_OFF
    assert base_swap.without_swap(FSTAB_OFF) == FSTAB_OFF
    assert base_swap.with_swap(FSTAB_OFF) == FSTAB
    assert base_swap.with_swap(FSTAB) == FSTAB


def test_swap_that_is_in_use():
    text = "Filename\tType\tSize\tUsed\tPriority\n/swap\\040file file 1 0 -2\n/dev/zram0 partition 1 0 100\n"
    assert base_swap.active(text) == ["/swap file", "/dev/zram0"]
    assert base_swap.active("Filename\tType\tSize\tUsed\tPriority\n") == []


def test_units_that_would_bring_swap_back():
    assert base_swap.to_mask(base_units.parse_units(UNITS, 1000.0).values()) == ["dev-sda3.swap"]


@pytest.mark.parametrize(
    ("mode", "fstab", "swaps", "titles"),
    [
        ("off", FSTAB, "head\n/dev/sda3 x 1 1 1\n", ["fstab", "swap units", "swap in use"]),
        ("off", FSTAB_OFF, "head\n/dev/sda3 x 1 1 1\n", ["swap units", "swap in use"]),
        ("keep", FSTAB_OFF, "head\n", ["fstab"]),
        ("keep", FSTAB, "head\n/dev/sda3 x 1 1 1\n", []),
    ],
)
def test_swap_steps(tmp_path, mode, fstab, swaps, titles):
    (tmp_path / "fstab").write_text(fstab)
    (tmp_path / "swaps").write_text(swaps)
    units = base_units.parse_units(UNITS, 1000.0).values()
    found = base_swap.steps(mode, units, str(tmp_path / "fstab"), str(tmp_path / "swaps"))
    assert [step.title.rpartition("/")[2] for step in found] == titles


def test_swap_off_does_what_it_says(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(base_swap, "run", lambda *argv, **_: calls.append(argv) or "")
    (tmp_path / "fstab").write_text(FSTAB)
    (tmp_path / "fstab").chmod(0o664)
    (tmp_path / "swaps").write_text("head\n/dev/sda3 x 1 1 1\n")
    units = base_units.parse_units(UNITS, 1000.0).values()
    for step in base_swap.steps("off", units, str(tmp_path / "fstab"), str(tmp_path / "swaps")):
        step.apply()
    assert (tmp_path / "fstab").read_text() == FSTAB_OFF
    assert (tmp_path / "fstab").stat().st_mode & 0o777 == 0o664
    assert calls == [
        ("systemctl", "daemon-reload"),
        ("systemctl", "mask", "dev-sda3.swap"),
        ("swapoff", "/dev/sda3"),
    ]


# ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def zones(tmp_path):
    for name in ("Etc/UTC", "Europe/Berlin"):
        (tmp_path / "zoneinfo" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "zoneinfo" / name).write_text("")
    return tmp_path / "zoneinfo"


@pytest.mark.parametrize(
    ("zone", "servers", "words"),
    [
        ("Etc/UTC", ["0.pool.ntp.org", "192.0.2.1", "2001:db8::1", "ntp"], []),
        ("Europe/Bonn", [], ["'Europe/Bonn' is no time zone of this host"]),
        ("../../etc/passwd", [], ["no time zone"]),
        ("", [], ["no time zone"]),
        ("Europe", [], ["no time zone"]),
        ("Etc/UTC", ["ntp.example:123"], ["'ntp.example:123' is neither"]),
        ("Etc/UTC", ["192.0.2.999"], ["'192.0.2.999' is neither"]),
        ("Etc/UTC", ["a b", "-x"], ["'a b' is neither", "'-x' is neither"]),
    ],
)
def test_time_is_judged(zones, zone, servers, words):
    found = base_time.problems(zone, servers, str(zones))
    assert len(found) == len(words)
    assert all(word in text for word, text in zip(words, found, strict=True))


def test_utc_needs_no_zone_files(tmp_path):
    assert base_time.problems("Etc/UTC", [], str(tmp_path / "none")) == []


def test_time_zone(tmp_path, zones):
    link, name = tmp_path / "localtime", tmp_path / "timezone"
    assert base_time.zone_steps("Etc/UTC", str(zones), str(link), str(name)) == []
    name.write_text("Etc/UTC\n")
    for step in base_time.zone_steps("Europe/Berlin", str(zones), str(link), str(name)):
        step.apply()
    assert base_time.current_zone(str(link)) == "Europe/Berlin"
    assert name.read_text() == "Europe/Berlin\n"
    assert base_time.zone_steps("Europe/Berlin", str(zones), str(link), str(name)) == []
    assert [step.diff["before"] for step in base_time.zone_steps("UTC", str(zones), str(link), str(name))] == [
        "Europe/Berlin\n",
        "Europe/Berlin\n",
    ]


RUNS = base_units.Unit("chrony.service", "loaded", True, "enabled", 1763720000)


@pytest.mark.parametrize(
    ("name", "units", "packages", "text"),
    [
        ("none", {}, ["chrony"], ""),
        ("chrony", {"chrony.service": RUNS}, ["chrony"], ""),
        ("chrony", {}, ["systemd-timesyncd"], "systemd-timesyncd"),
        ("chrony", {}, [], "none"),
        ("chrony", {}, ["chrony"], "chrony, not running at every boot"),
        ("timesyncd", {"chrony.service": RUNS}, ["chrony"], "chrony"),
    ],
)
def test_time_service(name, units, packages, text):
    found = base_time.service_steps(name, [], units, packages)
    assert [step.diff["before"] for step in found] == ([f"{text}\n"] if text else [])


def test_what_apt_would_remove():
    text = "Reading...\nRemv systemd-timesyncd [257.13]\nInst chrony (4.6)\nConf chrony (4.6)\nPurg x [1]\n"
    assert packages.simulated_removals(text) == ["systemd-timesyncd", "x"]


def test_time_service_never_costs_another_package(monkeypatch):
    calls = []
    monkeypatch.setattr(base_time, "ask", lambda *argv, **_: type("Answer", (), {"status": 0}))
    monkeypatch.setattr(base_time, "run", lambda *argv, **_: calls.append(argv) or "Remv lambda-server [1]\n")
    monkeypatch.setattr(base_time.apt, "read_installed", lambda names: dict.fromkeys(names))
    with pytest.raises(HostError, match="chrony would remove lambda-server"):
        base_time.install("chrony")
    assert len(calls) == 1 and calls[0][-3:] == ("chrony", "systemd-timesyncd-", "--simulate")


def test_clock_that_nobody_keeps(monkeypatch):
    said = iter(["no", "no", "yes"])
    monkeypatch.setattr(base_time, "ask", lambda *argv: type("Answer", (), {"said": next(said)}))
    assert "NTPSynchronized=no" in base_time.wait_for_sync(0)[0]
    assert base_time.wait_for_sync(5, pause=0) == []


# ── the whole ─────────────────────────────────────────────────────────────────────────────────────────────────────────

SETTINGS = {
    "packages": ["curl"],
    "users": [],
    "timezone": "Etc/UTC",
    "ntp_servers": [],
    "upgrade_blacklist": ["nvidia-"],
    "never_restarted_services": ["docker"],
    "journal_max_use_mib": 0,
    "journal_retention_days": 0,
    "time_sync_timeout_seconds": 60,
    "open_files": {},
    "sysctls": {},
    "unattended_upgrades": False,
}
USER = {
    "name": "kim",
    "groups": [],
    "authorized_keys": [],
    "authorized_keys_exclusive": False,
    "sudo": True,
    "shell": "/bin/bash",
    "state": "present",
}


@pytest.fixture
def known_host(monkeypatch):
    monkeypatch.setattr(base.support, "host_problems", list)
    monkeypatch.setattr(base, "read_ceilings", lambda: (1048576, 20000, False))


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("packages", ["curl; reboot"], "'curl; reboot' is no name of a package"),
        ("upgrade_blacklist", ["linux-(image"], "is no regular expression"),
        ("upgrade_blacklist", ['x"; }'], "signs that apt's configuration cannot have"),
        ("upgrade_blacklist", [""], "is empty"),
        ("never_restarted_services", ["docker.service"], "without .service"),
        ("never_restarted_services", ["a|b)"], "is no name of a service"),
        ("journal_max_use_mib", -1, "host_base_journal_max_use_mib is -1"),
        ("open_files", {"soft": "x", "hard": 1}, "host_base_open_files: soft is 'x'"),
        ("open_files", {"soft": 1, "hard": 20001}, "cannot go above 20000"),
        ("sysctls", {"vm.does_not_exist": 1}, "vm.does_not_exist is not known to the kernel"),
        ("timezone", "Mars/Base", "'Mars/Base' is no time zone"),
        ("users", [{**USER, "name": "Kim"}], "host_base_users: Kim: is no name of a user"),
    ],
)
def test_refused(known_host, name, value, words):
    found = base.problems({**SETTINGS, name: value}, {})
    assert len(found) == 1 and words in found[0], found


def test_everything_is_told_at_once(known_host):
    bad = {"timezone": "Mars/Base", "ntp_servers": ["a b"], "sysctls": {"x.y": 1}, "open_files": {"soft": 1}}
    found = base.problems({**SETTINGS, **bad}, {})
    assert len(found) == 4
    assert base.refusal(found).count("\n- ") == 4
    assert base.problems(SETTINGS, {}) == []


def test_unknown_host_is_asked_nothing_more(monkeypatch):
    monkeypatch.setattr(base.support, "host_problems", lambda: ["The distribution is not supported: Plan 9."])
    assert base.problems({}, {}) == ["The distribution is not supported: Plan 9."]


@pytest.mark.parametrize(
    ("hard", "most", "first", "may_raise", "ceiling"),
    [
        (524288, 1048576, 20000, True, 0),
        (524288, 1048576, 20000, False, 20000),
        (2000000, 1048576, 1048576, True, 1048576),
        (0, 1048576, 10, False, 0),
    ],
)
def test_limit_that_would_keep_everybody_out(hard, most, first, may_raise, ceiling):
    found = base.open_files_problems(hard, most, first, may_raise)
    assert bool(found) is bool(ceiling)
    assert not ceiling or f"cannot go above {ceiling}" in found[0]


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({}, ["curl"]),
        ({"unattended_upgrades": True}, ["curl", "unattended-upgrades"]),
        ({"users": [USER]}, ["curl", "sudo"]),
        ({"users": [USER], "packages": ["sudo"]}, ["sudo"]),
        ({"users": [{**USER, "sudo": False}], "packages": []}, []),
    ],
)
def test_packages_that_the_settings_need(changes, names):
    assert base.needed_packages({**SETTINGS, **changes}) == names


def test_units():
    units = base_units.parse_units(UNITS, 1000.0)
    assert units["systemd-journald.service"].since == 1020.5 and units["systemd-journald.service"].active
    assert units["apt-daily.timer"].masked and not units["apt-daily.timer"].active
    assert base_units.unit_of(units, "none.service").load == "not-found"


def test_unit_that_started_before_its_file(tmp_path):
    path = tmp_path / "x.conf"
    assert not RUNS.is_older_than(str(path))
    path.write_text("")
    assert RUNS.is_older_than(str(path))
    os.utime(path, (1763720000, 1763720000))
    assert not RUNS.is_older_than(str(path))


def test_apt_judges_a_draft(monkeypatch):
    answer = type("Answer", (), {"status": 100, "said": "E: Syntax error"})
    monkeypatch.setattr(base, "ask", lambda *argv: answer)
    with pytest.raises(HostError, match="stays as it was: E: Syntax error"):
        base.judge_apt("draft")
