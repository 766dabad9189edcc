"""sshd's drop-in, and whether the connected user still gets in with it."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.firewall import sshd
from ansible_collections.sophia.platform.plugins.module_utils.firewall.policy import Client

CLIENT = Client("192.0.2.7", "ubuntu", 22, "192.0.2.7 50000 10.0.0.11 22")
ROOT = Client("192.0.2.7", "root", 22, "192.0.2.7 50000 10.0.0.11 22")
EFFECTIVE = {
    "permitrootlogin": ["no"],
    "pubkeyauthentication": ["yes"],
    "passwordauthentication": ["no"],
    "authorizedkeysfile": [".ssh/authorized_keys /etc/keys/%u"],
    "authorizedkeyscommand": ["none"],
}


def keys_of(settings, users=(), permit_root="no"):
    problems = []
    return sshd.drop_in(users, permit_root, settings, problems), problems


def test_drop_in():
    settings = {"MaxAuthTries": 4, "X11Forwarding": False, "AcceptEnv": ["LANG", "LC_*"], "Banner": ""}
    keys, problems = keys_of(settings, ["ubuntu", "ops"], "prohibit-password")
    assert problems == []
    assert (
        sshd.render(keys)
        == """# Written by the role host_firewall; changes made here are taken back.
# The first value of a key wins, so this file is read before those of the image.
AcceptEnv LANG LC_*
AllowUsers ubuntu ops
MaxAuthTries 4
PermitRootLogin prohibit-password
X11Forwarding no
"""
    )


@pytest.mark.parametrize(
    ("settings", "word"),
    [
        ({"Port": 2222}, "ssh.socket"),
        ({"listenaddress": "::"}, "ssh.socket"),
        ({"AllowUsers": "x"}, "host_firewall_ssh_users"),
        ({"PermitRootLogin": True}, "host_firewall_ssh_permit_root"),
        ({"Match": "all"}, "drop-in of your own"),
        ({"MaxAuthTries": 4, "maxauthtries": 5}, "one key"),
        ({"Banner": "a\nPermitRootLogin yes"}, "one line"),
        ({"Banner x": "y"}, "one line"),
    ],
)
def test_refused_settings(settings, word):
    problems = keys_of(settings)[1]
    assert len(problems) == 1 and word in problems[0]


MAIN = "# stock\nInclude /etc/ssh/sshd_config.d/*.conf\nX11Forwarding yes\n"
OTHERS = ["/etc/ssh/sshd_config.d/50-cloud-init.conf", "/etc/ssh/sshd_config.d/00-a.conf"]


def test_whole_has_the_drop_in_where_sshd_reads_it():
    assert sshd.whole(MAIN, OTHERS, "OURS\n").splitlines() == [
        "# stock",
        "Include /etc/ssh/sshd_config.d/00-a.conf",
        "OURS",
        "Include /etc/ssh/sshd_config.d/50-cloud-init.conf",
        "X11Forwarding yes",
    ]
    assert sshd.whole(MAIN, [], "OURS\n", first=True).splitlines()[0] == "OURS"
    assert sshd.whole("X11Forwarding yes\n", [], "OURS\n") is None


def test_a_key_that_an_earlier_file_decides():
    wanted = sshd.parse("passwordauthentication no\nmaxauthtries 4\n")
    effective = sshd.parse("passwordauthentication yes\nmaxauthtries 4\n")
    told = sshd.overridden(["PasswordAuthentication", "MaxAuthTries"], effective, wanted)
    assert len(told) == 1 and "PasswordAuthentication is yes" in told[0]


@pytest.mark.parametrize(
    ("client", "changes", "has_keys", "word"),
    [
        (CLIENT, {"allowusers": ["admin", "root"]}, True, "AllowUsers has only admin, root: add ubuntu"),
        (CLIENT, {"allowusers": ["ubuntu@10.0.0.0/8"]}, True, "AllowUsers has only"),
        (CLIENT, {"denyusers": ["ub*"]}, True, "DenyUsers"),
        (CLIENT, {"allowgroups": ["wheel"]}, True, "AllowGroups has only wheel, and it is in sudo, ubuntu"),
        (CLIENT, {"denygroups": ["sudo"]}, True, "DenyGroups"),
        (ROOT, {}, True, "PermitRootLogin would be no"),
        (ROOT, {"permitrootlogin": ["forced-commands-only"]}, True, "forced-commands-only"),
        (CLIENT, {"pubkeyauthentication": ["no"]}, True, "neither keys nor passwords"),
        (CLIENT, {}, False, "no key is in ~ubuntu/.ssh/authorized_keys or /etc/keys/%u"),
    ],
)
def test_locked_out(client, changes, has_keys, word):
    told = sshd.locked_out(client, {**EFFECTIVE, **changes}, ["ubuntu", "sudo"], has_keys)
    assert len(told) == 1
    assert word in told[0] and client.user in told[0] and client.address in told[0]


@pytest.mark.parametrize(
    ("client", "changes", "has_keys"),
    [
        (CLIENT, {"allowusers": ["admin", "ub*"]}, True),
        (CLIENT, {"allowusers": ["ubuntu@192.0.2.0/24"]}, True),
        (CLIENT, {"allowgroups": ["sudo"]}, True),
        (CLIENT, {"passwordauthentication": ["yes"]}, False),
        (CLIENT, {"authorizedkeyscommand": ["/usr/bin/keys"]}, False),
        (ROOT, {"permitrootlogin": ["without-password"]}, True),
    ],
)
def test_gets_in(client, changes, has_keys):
    assert sshd.locked_out(client, {**EFFECTIVE, **changes}, ["ubuntu", "sudo"], has_keys) == []
