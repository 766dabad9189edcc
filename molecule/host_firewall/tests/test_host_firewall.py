"""What reaches a host, seen from outside; and what happens when somebody tampers with it, or locks himself out."""

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

import pytest
import testinfra

testinfra_hosts = ["ansible://mol-1"]
pytestmark = pytest.mark.usefixtures("host")  # every test has it, so that pytest keeps their order
HOSTS, SCENARIO = "playbooks/hosts.yml", "molecule/host_firewall"
HERE = Path(__file__).resolve().parents[1]
PROBE, LISTEN = ((HERE / f"files/{name}.py").read_text(encoding="utf-8") for name in ("probe", "listen"))
FILE, NOTE, CHAIN = "/etc/sophia/firewall.nft", "/var/lib/sophia-firewall/taken-back", "SOPHIA-DOCKER"
# Containers listen on 80 and are published: one for everyone, one for a peer, one that nobody listed.
EVERYONE, ONE_PEER, UNLISTED_CONTAINER = 18080, 18081, 18082
ALLOWED, UNLISTED = 19001, 19002
SWARM = (2377, 7946)


@pytest.fixture(scope="module")
def hosts(request):
    """Hosts by their names in the inventory, `all` among them."""
    options = request.config.option
    given = {"ansible_inventory": options.ansible_inventory, "ssh_identity_file": options.ssh_identity_file}
    return lambda name: testinfra.get_hosts([f"ansible://{name}"], **given)


@pytest.fixture(scope="module")
def peer(hosts):
    return hosts("mol-2")[0]


@pytest.fixture(scope="module")
def addresses(host, peer):
    return {name: one.ansible.get_variables()["private_address"] for name, one in (("own", host), ("peer", peer))}


@pytest.fixture(scope="module")
def rules(addresses):
    """Extra variables: the rules of these tests, and what one of them changes."""

    def given(**changes):
        published = [
            {"port": EVERYONE, "service": "edge"},
            {"port": ONE_PEER, "service": "inner", "sources": [f"{addresses['peer']}/32"]},
        ]
        allow = [{"port": ALLOWED, "service": "exporter"}]
        values = {"host_firewall_published": published, "host_firewall_allow": allow, **changes}
        return ["--tags=host_firewall", "--limit=mol-1", "--diff", "--extra-vars", json.dumps(values)]

    return given


@pytest.fixture(scope="module")
def listeners(host):
    """Somebody listens everywhere. A container runs the host's own Python: an image of nothing but links into /usr."""
    ports = " ".join(map(str, (ALLOWED, UNLISTED, *SWARM)))
    host.check_output(f"systemd-run --unit=fw-listen python3 -c {shlex.quote(LISTEN)} {ports}")
    host.check_output("tar -C / -c $(find /bin /lib /lib64 -maxdepth 0 -printf '%P%f ') | docker import - fw:1")
    for port in (EVERYONE, ONE_PEER, UNLISTED_CONTAINER):
        host.check_output(
            f"docker run --detach --rm --stop-signal KILL --name fw-{port} --publish {port}:80 --volume /usr:/usr:ro "
            f"fw:1 /usr/bin/python3 -c {shlex.quote(LISTEN)} 80"
        )
    yield
    host.run("docker rm --force $(docker ps --quiet --filter name=fw-); docker rmi fw:1; systemctl stop fw-listen")


def seen(address, *targets, host=None):
    """What this machine, or a host, meets at an address."""
    if host is None:
        argv = [sys.executable, "-c", PROBE, address, *targets]
        return json.loads(subprocess.run(argv, capture_output=True, text=True, check=True).stdout)
    return json.loads(host.check_output(f"python3 -c {shlex.quote(PROBE)} {address} {' '.join(targets)}"))


def on_console(script):
    """How a script ends on the first host, not over SSH."""
    argv = ["docker", "exec", f"{os.environ['LAB_PREFIX']}-mol-1", "sh", "-c", script]
    return subprocess.run(argv, capture_output=True, check=False).returncode


def wait_until(script, seconds=60):
    until = time.monotonic() + seconds
    while on_console(script):
        assert time.monotonic() < until, f"never: {script}"
        time.sleep(0.2)


def listening(host):
    lines = host.check_output("ss -H -4 -ltn").splitlines()
    found = {tuple(line.split()[3].rsplit(":", 1)) for line in lines}
    return {int(port) for where, port in found if not where.startswith("127.")}


def loaded(host):
    listings = ("nft -s list table inet sophia", f"iptables -S | grep -e {CHAIN}", "ip6tables -S | grep -e SOPHIA")
    return [host.check_output(listing) for listing in listings]


def test_every_host_has_the_rules_and_sshd_the_settings(hosts):
    for one in hosts("all"):
        assert one.file(FILE).mode == 0o644
        assert "drop" in one.check_output("nft list table inet sophia")
        assert f"-A DOCKER-USER -j {CHAIN}" in one.check_output("iptables -S DOCKER-USER").splitlines()
        units = "sophia-firewall.service sophia-firewall-docker.service"
        assert one.check_output(f"systemctl is-active {units}").split() == ["active", "active"]
        assert one.check_output(f"systemctl is-enabled {units}").split() == ["enabled", "enabled"]
        settings = one.check_output("sshd -T").splitlines()
        assert {"passwordauthentication no", "x11forwarding no", "maxauthtries 4"} <= set(settings)
        assert not one.file("/var/lib/sophia-firewall/guard").exists


def test_exactly_the_listed_ports_are_open(host, peer, addresses, rules, listeners, playbook):
    run = playbook(HOSTS, *rules())
    assert (run.status, run.changed) == (0, 1), run.text
    ports = listening(host)
    assert {22, EVERYONE, ONE_PEER, UNLISTED_CONTAINER, ALLOWED, UNLISTED, *SWARM} <= ports
    targets = [f"tcp:{port}" for port in sorted(ports)]
    expected = {"tcp:22", f"tcp:{EVERYONE}", f"tcp:{ALLOWED}"}
    states = seen(addresses["own"], *targets)
    assert {target for target, state in states.items() if state == "open"} == expected
    assert {state for target, state in states.items() if target not in expected} == {"dropped"}
    states = seen(addresses["own"], *targets, host=peer)
    expected |= {f"tcp:{ONE_PEER}", *(f"tcp:{port}" for port in SWARM)}
    assert {target for target, state in states.items() if state == "open"} == expected


def test_overlay_traffic_comes_from_peers_only(addresses, peer):
    assert seen(addresses["own"], "udp:4789", "udp:7946") == {"udp:4789": "dropped", "udp:7946": "dropped"}
    assert "dropped" not in seen(addresses["own"], "udp:4789", host=peer).values()


def test_converged_hosts_need_nothing_in_check_mode(rules, playbook):
    run = playbook(HOSTS, *rules(), "--check")
    assert (run.status, run.changed, run.failed) == (0, 0, 0), run.text


def test_what_would_lock_us_out_is_refused_with_everything_else_that_is_wrong(host, rules, playbook):
    before = loaded(host), host.file(FILE).content_string
    host.check_output("systemctl --quiet enable nftables")  # its file flushes everything; the next test replaces it
    changes = {
        "host_firewall_ssh_sources": ["192.0.2.0/24"],
        "host_firewall_ssh_users": ["ubuntu"],
        "host_firewall_peers": ["192.0.2.1"],
        "host_firewall_published": [{"port": 443, "protocol": "sctp", "service": "edge"}],
    }
    run = playbook(HOSTS, *rules(**changes))
    assert run.status != 0 and run.changed == 0
    words = ("192.0.2.0/24", "AllowUsers has only ubuntu", "own addresses", "sctp", "systemctl disable nftables")
    assert [word for word in words if word not in run.text] == []
    assert (loaded(host), host.file(FILE).content_string) == before


def test_what_was_emptied_by_hand_is_shown_and_put_back(host, rules, playbook):
    before = loaded(host)
    host.check_output(f"nft delete table inet sophia; iptables -F {CHAIN}-IN; iptables -D DOCKER-USER -j {CHAIN}")
    run = playbook(HOSTS, *rules(host_firewall_replace_nftables_service=True))
    assert (run.status, run.changed) == (0, 1), run.text
    assert "+table inet sophia {" in run.text and f"+-A DOCKER-USER -j {CHAIN}" in run.text
    assert loaded(host) == before
    assert host.run("systemctl is-enabled nftables").stdout.strip() == "disabled"


def test_a_restart_of_the_engine_puts_the_chain_back(host):
    before = loaded(host)
    host.check_output(f"iptables -D DOCKER-USER -j {CHAIN}; iptables -F {CHAIN}-IN; systemctl restart docker")
    assert loaded(host) == before


def test_a_lock_out_by_rules_is_taken_back(host, addresses, playbook):
    before = loaded(host)
    change = {"guard_seconds": 15, "ssh_sources": ["192.0.2.1/32"]}  # a busy machine needs seconds to end the play
    run = playbook(f"{SCENARIO}/unconfirmed.yml", "--extra-vars", json.dumps({"change": change}))
    assert (run.status, run.changed) == (0, 1), run.text
    assert seen(addresses["own"], "tcp:22") == {"tcp:22": "dropped"}
    wait_until(f"test -e {NOTE}")
    assert seen(addresses["own"], "tcp:22") == {"tcp:22": "open"}
    assert loaded(host) == before


def test_a_lock_out_by_sshd_ends_the_play_and_is_taken_back(host, rules, playbook):
    before = loaded(host), host.file("/etc/ssh/sshd_config.d/00-sophia.conf").content_string
    # Nothing can know beforehand which kind of key we have.
    changes = {
        "host_firewall_ssh_settings": {"PubkeyAcceptedAlgorithms": "rsa-sha2-512"},
        "host_firewall_allow": [],
        "host_firewall_guard_seconds": 15,
    }
    run = playbook(HOSTS, *rules(**changes))
    assert run.status == 4 and "Permission denied" in run.text, run.text
    wait_until(f"test -e {NOTE}")
    assert (loaded(host), host.file("/etc/ssh/sshd_config.d/00-sophia.conf").content_string) == before
    run = playbook(HOSTS, *rules(), "--check")
    assert (run.status, run.changed) == (0, 0) and "was taken back at" in run.text, run.text


def test_a_run_waits_for_a_change_that_waits(host, rules, playbook):
    change = {"guard_seconds": 25, "allow": [{"port": 19999}]}  # long enough for a busy machine to start the next run
    assert playbook(f"{SCENARIO}/unconfirmed.yml", "--extra-vars", json.dumps({"change": change})).status == 0
    run = playbook(HOSTS, *rules())
    assert (run.status, run.changed) == (0, 0) and "this run waited too" in run.text, run.text
    assert "19999" not in loaded(host)[0]


def test_a_boot_loads_everything_and_takes_back_what_nobody_confirmed(host, addresses, playbook):
    before = loaded(host)
    change = {"guard_seconds": 600, "allow": [{"port": 19999}]}
    assert playbook(f"{SCENARIO}/unconfirmed.yml", "--extra-vars", json.dumps({"change": change})).status == 0
    on_console("touch /run/before-the-boot; systemctl reboot")
    wait_until("test ! -e /run/before-the-boot && systemctl is-active --quiet ssh docker sophia-firewall-docker")
    assert loaded(host) == before
    assert seen(addresses["own"], "tcp:22") == {"tcp:22": "open"}


def test_it_goes_without_a_trace(hosts, playbook):
    run = playbook(HOSTS, "--tags=host_firewall", "--extra-vars", json.dumps({"host_firewall_enabled": False}))
    assert (run.status, run.changed) == (0, len(hosts("all"))), run.text
    for one in hosts("all"):
        assert one.run("nft list table inet sophia").rc == 1
        assert "SOPHIA" not in one.check_output("iptables -S; ip6tables -S")
        assert "DOCKER-USER" in one.check_output("iptables -S FORWARD")
        ours = "-name 'firewall*' -o -name '*sophia-firewall*' -o -name '00-sophia*'"
        assert one.check_output(f"find /etc /var/lib/sophia-firewall/* {ours} | grep sophia; :") == ""
