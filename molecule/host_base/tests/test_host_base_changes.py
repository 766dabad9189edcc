"""Drift, and what is refused."""

DEBIAN_13 = "mol-1"
KEY = "net.ipv4.conf.default.accept_redirects"
testinfra_hosts = [f"ansible://{DEBIAN_13}"]


def test_converged_hosts_need_nothing_in_check_mode(host, playbook):
    run = playbook("playbooks/hosts.yml", "--tags=host_base", "--check", "--diff")
    assert (run.status, run.changed, run.failed) == (0, 0, 0), run.text


def test_drift_of_the_running_kernel_is_put_right(host, converge):
    host.check_output(f"sysctl -w {KEY}=1")
    assert converge(DEBIAN_13, "--check").changed == 1
    assert host.check_output(f"sysctl -n {KEY}") == "1"
    assert converge(DEBIAN_13).changed == 1
    assert host.check_output(f"sysctl -n {KEY}") == "0"


def test_a_journal_that_was_not_restarted_is_restarted(host, converge):
    host.check_output("touch /etc/systemd/journald.conf.d/zz-sophia.conf")
    assert [converge(DEBIAN_13).changed for _ in range(2)] == [1, 0]


def test_everything_that_is_wrong_is_told_at_once_and_nothing_is_changed(host, converge):
    look = "find /etc -newer /tmp/sophia-before -not -type d; sysctl net.ipv4.ip_forward; getent passwd; getent group"
    host.check_output("touch /tmp/sophia-before")
    before = host.check_output(look)
    run = converge(
        DEBIAN_13,
        host_base_users=[
            {"name": "Kim", "authorized_keys": ["ssh-ed25519 AAAA"], "sudo": True},
            {"name": "lee", "state": "absent", "sudo": True},
        ],
        host_base_timezone="Mars/Base",
        host_base_ntp_servers=["ntp.example:123"],
        host_base_extra_sysctls={"net.ipv4.no_such_key": 1},
        host_base_open_files={"soft": "many", "hard": 1},
    )
    assert run.status != 0
    for words in (
        f"Nothing was changed on {DEBIAN_13}",
        "Kim: is no name of a user",
        "Kim: line 1 of authorized_keys is no SSH public key",
        "lee: is absent and has sudo: true",
        "'Mars/Base' is no time zone of this host",
        "'ntp.example:123' is neither a host name nor an IP address",
        "net.ipv4.no_such_key is not known to the kernel",
        "soft is 'many', which is no number of files",
    ):
        assert words in run.text
    assert host.check_output(look) == before


def test_a_limit_that_would_keep_everybody_out_never_lands(host, converge):
    ceiling = int(host.check_output("cat /proc/sys/fs/nr_open"))
    run = converge(DEBIAN_13, host_base_open_files={"soft": 1024, "hard": ceiling + 1})
    assert run.status != 0 and "No login would work" in run.text
    assert "hard nofile 16384" in host.file("/etc/security/limits.d/60-sophia.conf").content_string
