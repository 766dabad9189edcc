"""What every host has in common, as the host's own programs see it. Debian 13 and 12."""

import re

import pytest

testinfra_hosts = ["ansible://mol-1", "ansible://mol-4"]
OURS = [
    "/etc/apt/apt.conf.d/52sophia-unattended-upgrades",
    "/etc/needrestart/conf.d/60-sophia.conf",
    "/etc/security/limits.d/60-sophia.conf",
    "/etc/sysctl.d/60-sophia.conf",
    "/etc/systemd/journald.conf.d/zz-sophia.conf",
    "/etc/systemd/system.conf.d/60-sophia.conf",
]


@pytest.mark.parametrize("path", OURS)
def test_our_files_are_roots(host, path):
    file = host.file(path)
    assert (file.user, file.group, file.mode) == ("root", "root", 0o644)
    assert "Written by the role host_base." in file.content_string


def test_kernel_settings(host):
    names = "net.ipv4.ip_forward net.ipv4.conf.all.accept_redirects net.ipv4.conf.default.accept_redirects"
    assert host.check_output(f"sysctl -n {names}").split() == ["1", "0", "0"]
    assert host.file("/etc/sysctl.d/60-sophia.conf").content_string.splitlines()[1] == "net.ipv4.ip_forward = 1"


def test_security_upgrades_and_no_others(host):
    dump = host.check_output("apt-config dump")
    assert 'APT::Periodic::Unattended-Upgrade "1";' in dump
    assert 'Unattended-Upgrade::Automatic-Reboot "false";' in dump
    origins = re.findall(r'^Unattended-Upgrade::(?:Origins-Pattern|Allowed-Origins):: "(.*)";$', dump, re.MULTILINE)
    assert origins == ["origin=Debian,codename=${distro_codename}-security,label=Debian-Security"]
    for timer in ("apt-daily.timer", "apt-daily-upgrade.timer"):
        assert host.service(timer).is_enabled and host.service(timer).is_running


def test_what_unattended_upgrades_would_do(host):
    said = host.check_output("unattended-upgrade --dry-run --verbose 2>&1")
    codename = host.system_info.codename
    assert f"Allowed origins are: origin=Debian,codename={codename}-security,label=Debian-Security\n" in said
    for name in ("nvidia-", "linux-(image|headers|modules|nvidia|generic)", "docker-", "containerd", "lambda-"):
        assert name in said


def test_packages_are_there_and_not_held(host):
    for name in ("ca-certificates", "curl", "unattended-upgrades"):
        assert host.package(name).is_installed
    assert "unattended-upgrades" not in host.check_output("apt-mark showhold").split()


def test_engine_is_never_restarted_by_an_upgrade(host):
    program = (
        'our %nrconf; do $ARGV[0]; print join ",", map { "$_=$nrconf{override_rc}{$_}" } keys %{$nrconf{override_rc}}'
    )
    said = host.check_output("perl -we %s /etc/needrestart/conf.d/60-sophia.conf", program)
    assert said == r"(?^:^(docker|containerd|nvidia\-persistenced)\.service$)=0"


def test_limits_of_services(host):
    said = host.check_output("systemctl show --property=DefaultLimitNOFILESoft,DefaultLimitNOFILE --value")
    assert sorted(map(int, said.split())) == [8192, 16384]


def test_journal_keeps_as_much_as_it_should(host):
    config = host.check_output("systemd-analyze cat-config systemd/journald.conf")
    assert (
        dict(re.findall(r"^(\w+)=(.*)$", config, re.MULTILINE)).items()
        >= {
            "Storage": "persistent",
            "SystemMaxUse": "2048M",
            "MaxRetentionSec": "30day",
            "ForwardToSyslog": "no",
        }.items()
    )
    started = host.check_output("journalctl --unit systemd-journald --grep 'System Journal' --output cat --lines 1")
    assert started.startswith("System Journal (/var/log/journal/") and re.search(r"max 2(\.0)?G", started)


def test_time_zone(host):
    assert host.check_output("readlink /etc/localtime").endswith("/zoneinfo/Etc/UTC")
