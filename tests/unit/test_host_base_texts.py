"""Every file that the role host_base owns, letter for letter."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.host import (
    base_sysctls,
    base_texts,
    base_time,
    base_users,
)

KIM = {"name": "kim", "sudo": True, "state": "present"}
LEE = {"name": "lee", "sudo": False, "state": "present"}

UPGRADES_DEBIAN = """// Written by the role host_base.
APT::Periodic::Enable "1";
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
Unattended-Upgrade::Automatic-Reboot "false";
Unattended-Upgrade::Remove-Unused-Kernel-Packages "false";
#clear Unattended-Upgrade::Allowed-Origins;
#clear Unattended-Upgrade::Origins-Pattern;
Unattended-Upgrade::Origins-Pattern {
  "origin=Debian,codename=${distro_codename}-security,label=Debian-Security";
};
Unattended-Upgrade::Package-Blacklist {
  "nvidia-";
  "docker\\.io";
};
"""
UPGRADES_UBUNTU = """// Written by the role host_base.
APT::Periodic::Enable "1";
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
Unattended-Upgrade::Automatic-Reboot "false";
Unattended-Upgrade::Remove-Unused-Kernel-Packages "false";
#clear Unattended-Upgrade::Allowed-Origins;
#clear Unattended-Upgrade::Origins-Pattern;
Unattended-Upgrade::Origins-Pattern {
  "origin=Ubuntu,archive=${distro_codename},label=Ubuntu";
  "origin=Ubuntu,archive=${distro_codename}-security,label=Ubuntu";
  "origin=UbuntuESM,archive=${distro_codename}-infra-security,label=UbuntuESM";
  "origin=UbuntuESMApps,archive=${distro_codename}-apps-security,label=UbuntuESMApps";
};
"""
TEXTS = {
    "upgrades on Debian": (
        base_texts.upgrades_text(True, "debian", ["nvidia-", r"docker\.io"]),
        UPGRADES_DEBIAN,
    ),
    "upgrades on Ubuntu": (base_texts.upgrades_text(True, "ubuntu", []), UPGRADES_UBUNTU),
    "no upgrades": (
        base_texts.upgrades_text(False, "ubuntu", ["nvidia-"]),
        '// Written by the role host_base.\nAPT::Periodic::Unattended-Upgrade "0";\n',
    ),
    "needrestart": (
        base_texts.needrestart_text(["docker", "getty@tty1.x"]),
        "# Written by the role host_base.\n$nrconf{override_rc}{qr(^(docker|getty@tty1\\.x)\\.service$)} = 0;\n",
    ),
    "no needrestart": (base_texts.needrestart_text([]), ""),
    "limits of logins": (
        base_texts.limits_text(65536, 524288),
        "# Written by the role host_base.\n* soft nofile 65536\n* hard nofile 524288\n"
        "root soft nofile 65536\nroot hard nofile 524288\n",
    ),
    "no limits of logins": (base_texts.limits_text(0, 0), ""),
    "limits of services": (
        base_texts.manager_text(65536, 524288),
        "# Written by the role host_base.\n[Manager]\nDefaultLimitNOFILE=65536:524288\n",
    ),
    "no limits of services": (base_texts.manager_text(0, 0), ""),
    "journal": (
        base_texts.journal_text(2048, 30, False),
        "# Written by the role host_base.\n[Journal]\nStorage=persistent\nSystemMaxUse=2048M\nMaxRetentionSec=30day\n"
        "ForwardToSyslog=no\n",
    ),
    "journal without limits": (
        base_texts.journal_text(0, 0, True),
        "# Written by the role host_base.\n[Journal]\nStorage=persistent\nForwardToSyslog=yes\n",
    ),
    "sysctls": (
        base_sysctls.render({"vm.swappiness": 10, "net.ipv4.tcp_rmem": "1\t2  3", "net.ipv4.ip_forward": True}),
        "# Written by the role host_base.\nnet.ipv4.ip_forward = 1\nnet.ipv4.tcp_rmem = 1 2 3\nvm.swappiness = 10\n",
    ),
    "no sysctls": (base_sysctls.render({}), ""),
    "timesyncd": (
        base_time.SERVICES["timesyncd"].render(["a.example", "192.0.2.1"]),
        "# Written by the role host_base.\n[Time]\nNTP=a.example 192.0.2.1\n",
    ),
    "chrony": (
        base_time.SERVICES["chrony"].render(["a.example", "192.0.2.1"]),
        "# Written by the role host_base.\nserver a.example iburst\nserver 192.0.2.1 iburst\n",
    ),
    "the distribution's time servers": (base_time.SERVICES["chrony"].render([]), ""),
    "sudoers": (
        base_users.sudoers_text([KIM, LEE]),
        "# Written by the role host_base.\nkim ALL=(ALL:ALL) NOPASSWD: ALL\n",
    ),
    "no sudoers": (base_users.sudoers_text([LEE, {**KIM, "state": "absent"}]), ""),
}


@pytest.mark.parametrize("name", TEXTS)
def test_text(name):
    text, golden = TEXTS[name]
    assert text == golden


DUMP = """APT::Periodic "";
APT::Periodic::Enable "1";
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
APT::Periodic::AutocleanInterval "7";
Unattended-Upgrade::Automatic-Reboot "false";
Unattended-Upgrade::Remove-Unused-Kernel-Packages "false";
Unattended-Upgrade::Origins-Pattern "";
Unattended-Upgrade::Origins-Pattern:: "origin=Debian,codename=${distro_codename}-security,label=Debian-Security";
Unattended-Upgrade::Package-Blacklist "";
Unattended-Upgrade::Package-Blacklist:: "somebody-elses";
Unattended-Upgrade::Package-Blacklist:: "nvidia-";
"""


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("", "", []),
        ('Automatic-Reboot "false"', 'Automatic-Reboot "true"', ["Automatic-Reboot is true, not false"]),
        ('APT::Periodic::Enable "1";\n', "", ["APT::Periodic::Enable is unset, not 1"]),
        (',label=Debian-Security";', ',label=Debian";', ["Origins-Pattern has", "lacks"]),
        ('Blacklist:: "nvidia-"', 'Blacklist:: "x"', ["Package-Blacklist has nothing too many and lacks nvidia-"]),
        (
            'APT::Periodic "";',
            'Unattended-Upgrade::Allowed-Origins:: "Debian:stable";',
            ["Allowed-Origins has Debian:stable too many"],
        ),
    ],
)
def test_what_apt_makes_of_all_its_files(old, new, words):
    assert old in DUMP
    found = base_texts.upgrades_problems(DUMP.replace(old, new, 1), True, "debian", ["nvidia-"])
    assert bool(found) is bool(words)
    assert [word for word in words if word not in " ".join(found)] == []


def test_upgrades_that_stay_on_although_they_are_off():
    assert "is 1, not 0" in base_texts.upgrades_problems(DUMP, False, "debian", [])[0]


def test_what_the_journal_makes_of_all_its_files():
    ours = base_texts.journal_text(100, 0, False)
    before = "[Journal]\n#SystemMaxUse=\nForwardToSyslog=yes\n"
    assert base_texts.journal_problems(before + ours, ours) == []
    found = base_texts.journal_problems(ours + before, ours)
    assert len(found) == 1 and "ForwardToSyslog is yes, not no" in found[0]


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ({}, (0, 0)),
        ({"soft": 1, "hard": "20"}, (1, 20)),
        ({"soft": "many", "hard": 2}, "soft is 'many', which is no number"),
        ({"soft": 0, "hard": 2}, "soft is 0, which is no number"),
        ({"soft": True, "hard": 2}, "soft is True"),
        ({"soft": 3, "hard": 2}, "soft (3) is above hard (2)"),
        ({"soft": 3}, "exactly soft and hard"),
        ({"soft": 3, "hard": 4, "firm": 5}, "exactly soft and hard, not firm, hard, soft"),
    ],
)
def test_open_files(limits, expected):
    if isinstance(expected, tuple):
        assert base_texts.open_files(limits) == expected
        return
    with pytest.raises(ValueError) as error:
        base_texts.open_files(limits)
    assert expected in str(error.value)
