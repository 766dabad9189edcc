"""What may reach a host: read, judged, and written as nft, iptables and systemd read it."""

import subprocess

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.firewall import loaded, render
from ansible_collections.sophia.platform.plugins.module_utils.firewall.policy import (
    Client,
    HostView,
    Policy,
    judge,
    read_policy,
)
from ansible_collections.sophia.platform.plugins.module_utils.firewall.view import default_routes

EVERYONE = ["0.0.0.0/0", "::/0"]
PEERS = ["10.0.0.11", "10.0.0.12", "fd00::1"]
PUBLISHED = [
    {"port": 443, "service": "edge"},
    {"port": 5432, "service": "postgres", "sources": ["10.1.0.0/16", "10.0.0.0/8", "192.0.2.1", "2001:db8::/32"]},
    {"port": 53, "protocol": "udp", "sources": ["0.0.0.0/0"]},
]
CLIENT = Client("192.0.2.7", "ubuntu", 22, "192.0.2.7 50000 10.0.0.11 22")
HOST = HostView(
    interfaces=frozenset(["lo", "eth0", "docker0"]),
    default_route_interfaces=("eth0",),
    addresses=frozenset(["10.0.0.11"]),
    swarm_managers=("10.0.0.11", "10.0.0.12"),
    client=CLIENT,
)


def options(**changes):
    values = {
        "published": [],
        "allow": [],
        "peers": PEERS,
        "is_manager": False,
        "data_path_port": 4789,
        "encrypted": False,
        "interfaces": [],
        "ssh_port": 22,
        "ssh_sources": EVERYONE,
    }
    return {**values, **changes}


def problems_of(host=HOST, **changes):
    wanted = options(**changes)
    policy, problems = read_policy(wanted, host.default_route_interfaces)
    return problems + judge(policy, host, wanted["interfaces"])[0]


def policy_of(**changes):
    policy, problems = read_policy(options(**changes), ["eth0"])
    assert problems == []
    return policy


def test_table():
    policy = policy_of(
        published=PUBLISHED,
        allow=[{"port": 9100, "service": "node", "sources": ["2001:db8::1"]}],
        is_manager=True,
        encrypted=True,
        interfaces=["eth0", "enp230s0"],
        ssh_sources=["192.0.2.0/24", "::/0"],
    )
    assert render.table(policy) == (
        """# Written by the role host_firewall; changes made here are taken back.
table inet sophia
delete table inet sophia
table inet sophia {
	chain input {
		type filter hook input priority -5; policy accept;
		ct state established,related accept
		iifname "lo" accept
		iifname "docker0" accept
		iifname "docker_gwbridge" accept
		iifname "br-*" accept
		icmp type { echo-request, destination-unreachable, time-exceeded, parameter-problem } accept
		icmpv6 type { echo-request, destination-unreachable, packet-too-big, time-exceeded, parameter-problem, """
        """mld-listener-query, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
		udp sport 67 udp dport 68 accept
		ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept
		ip saddr { 192.0.2.0/24 } tcp dport 22 accept comment "SSH"
		meta nfproto ipv6 tcp dport 22 accept comment "SSH"
		ip saddr { 10.0.0.11, 10.0.0.12 } tcp dport 2377 accept comment "Swarm"
		ip6 saddr { fd00::1 } tcp dport 2377 accept comment "Swarm"
		ip saddr { 10.0.0.11, 10.0.0.12 } tcp dport 7946 accept comment "Swarm"
		ip6 saddr { fd00::1 } tcp dport 7946 accept comment "Swarm"
		ip saddr { 10.0.0.11, 10.0.0.12 } udp dport 7946 accept comment "Swarm"
		ip6 saddr { fd00::1 } udp dport 7946 accept comment "Swarm"
		ip saddr { 10.0.0.11, 10.0.0.12 } udp dport 4789 accept comment "Swarm"
		ip6 saddr { fd00::1 } udp dport 4789 accept comment "Swarm"
		ip saddr { 10.0.0.11, 10.0.0.12 } meta l4proto esp accept comment "Swarm, encrypted"
		ip6 saddr { fd00::1 } meta l4proto esp accept comment "Swarm, encrypted"
		meta nfproto ipv4 udp dport 53 accept comment "host_firewall_published"
		tcp dport 443 accept comment "host_firewall_published: edge"
		ip saddr { 10.0.0.0/8, 192.0.2.1 } tcp dport 5432 accept comment "host_firewall_published: postgres"
		ip6 saddr { 2001:db8::/32 } tcp dport 5432 accept comment "host_firewall_published: postgres"
		ip6 saddr { 2001:db8::1 } tcp dport 9100 accept comment "host_firewall_allow: node"
		iifname { "eth0", "enp230s0" } counter drop
	}
}
"""
    )


def test_table_of_a_worker_opens_no_manager_port_and_nothing_to_nobody():
    assert "2377" not in render.table(policy_of())
    assert "Swarm" not in render.table(policy_of(peers=[]))
    assert '\t\ttcp dport 22 accept comment "SSH"\n' in render.table(policy_of())


def test_docker_rules():
    policy = policy_of(published=PUBLISHED, interfaces=["eth0", "eth1"])
    assert (
        render.docker_rules(policy, "iptables")
        == """# Written by the role host_firewall; changes made here are taken back.
*filter
:SOPHIA-DOCKER - [0:0]
:SOPHIA-DOCKER-IN - [0:0]
-A SOPHIA-DOCKER -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN
-A SOPHIA-DOCKER -i eth0 -j SOPHIA-DOCKER-IN
-A SOPHIA-DOCKER -i eth1 -j SOPHIA-DOCKER-IN
# host_firewall_published
-A SOPHIA-DOCKER-IN -p udp -m conntrack --ctstate DNAT --ctorigdstport 53 -j RETURN
# host_firewall_published: edge
-A SOPHIA-DOCKER-IN -p tcp -m conntrack --ctstate DNAT --ctorigdstport 443 -j RETURN
# host_firewall_published: postgres
-A SOPHIA-DOCKER-IN -s 10.0.0.0/8 -p tcp -m conntrack --ctstate DNAT --ctorigdstport 5432 -j RETURN
-A SOPHIA-DOCKER-IN -s 192.0.2.1/32 -p tcp -m conntrack --ctstate DNAT --ctorigdstport 5432 -j RETURN
-A SOPHIA-DOCKER-IN -j DROP
COMMIT
"""
    )
    ipv6 = render.docker_rules(policy, "ip6tables").splitlines()
    assert [line for line in ipv6 if line.startswith("-A SOPHIA-DOCKER-IN")] == [
        "-A SOPHIA-DOCKER-IN -p tcp -m conntrack --ctstate DNAT --ctorigdstport 443 -j RETURN",
        "-A SOPHIA-DOCKER-IN -s 2001:db8::/32 -p tcp -m conntrack --ctstate DNAT --ctorigdstport 5432 -j RETURN",
        "-A SOPHIA-DOCKER-IN -j DROP",
    ]


def test_docker_rules_open_no_port_of_the_host():
    assert "9100" not in render.docker_rules(policy_of(allow=[{"port": 9100}]), "iptables")


def test_units():
    assert "ExecStart=/usr/sbin/nft -f /etc/sophia/firewall.nft" in render.host_unit().splitlines()
    assert "Before=network-pre.target shutdown.target" in render.host_unit().splitlines()
    lines = render.docker_unit().splitlines()
    assert {"Before=docker.service", "PartOf=docker.service", "WantedBy=docker.service"} <= set(lines)
    assert "ExecStop" not in render.host_unit() + render.docker_unit()


def test_script_is_shell():
    subprocess.run(["sh", "-n"], input=render.docker_script(), text=True, check=True)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"published": [{"port": 443, "protocol": "sctp", "service": "edge"}]}, ["edge", "'sctp'", "tcp, udp"]),
        ({"published": [{"port": 70000}], "allow": [{"port": 0, "service": "x"}]}, ["70000", "x: 0", "65535"]),
        ({"published": [{"port": 1, "service": "a", "sources": ["10.0.0.1/8"]}]}, ["a, port 1/tcp", "host bits"]),
        ({"allow": [{"port": 1, "sources": ["here"]}]}, ["host_firewall_allow", "'here'"]),
        ({"allow": [{"port": 1, "service": 'x" accept'}]}, ["host_firewall_allow", "cannot stand in a rule"]),
        ({"peers": ["10.0.0.300"]}, ["host_firewall_peers", "10.0.0.300"]),
        ({"ssh_sources": []}, ["host_firewall_ssh_sources is empty"]),
        ({"ssh_port": 0, "data_path_port": 99999}, ["ssh_port: 0", "data_path_port: 99999"]),
        (
            {"published": [{"port": 80, "service": "a"}, {"port": 80, "service": "b", "sources": ["10.0.0.0/8"]}]},
            ["80/tcp", "a to everyone", "b to 10.0.0.0/8"],
        ),
        (
            {"published": [{"port": 80, "service": "a"}], "allow": [{"port": 80, "sources": ["10.0.0.0/8"]}]},
            ["80/tcp", "host_firewall_published: a", "host_firewall_allow to 10.0.0.0/8"],
        ),
        (
            {"published": [{"port": 22}], "allow": [{"port": 7946, "protocol": "udp"}, {"port": 2377}]},
            ["22/tcp belongs to SSH", "7946/udp belongs to Swarm", "2377/tcp belongs to Swarm's managers"],
        ),
        ({"peers": ["10.9.9.9"]}, ["none of this host's own addresses (10.0.0.11)", "cut it off"]),
        ({"interfaces": ["eth7", "bad name"]}, ["'eth7'", "'bad name'", "docker0, eth0, lo"]),
        ({"ssh_sources": ["198.51.100.0/24"]}, ["192.0.2.7", "198.51.100.0/24"]),
        ({"ssh_port": 2222}, ["reaches port 22", "host_firewall_ssh_port is 2222"]),
    ],
)
def test_refused(changes, words):
    told = " ".join(problems_of(**changes))
    assert [word for word in words if word not in told] == []


@pytest.mark.parametrize(
    ("view", "words"),
    [
        ({"daemon": {"firewall-backend": "nftables"}}, ["firewall-backend", "DOCKER-USER"]),
        ({"daemon": {"iptables": False}}, ["iptables: false", "DOCKER-USER"]),
        ({"conflicts": frozenset(["ufw"])}, ["ufw disable"]),
        ({"conflicts": frozenset(["nftables.service"])}, ["flush ruleset", "host_firewall_replace_nftables_service"]),
        ({"conflicts": frozenset(["firewalld.service", "netfilter-persistent.service"])}, ["firewalld", "persistent"]),
        ({"default_route_interfaces": ()}, ["default route", "host_firewall_interfaces"]),
    ],
)
def test_refused_on_hosts(view, words):
    told = " ".join(problems_of(HostView(**{**HOST.__dict__, **view})))
    assert [word for word in words if word not in told] == []


def test_all_problems_come_at_once_and_good_options_have_none():
    assert problems_of(published=PUBLISHED, is_manager=True) == []
    told = problems_of(published=[{"port": 0}], ssh_sources=["198.51.100.0/24"], peers=["10.9.9.9"])
    assert len(told) == 4


def test_repetitions_and_both_families_are_fine():
    twice = [{"port": 80, "service": "a", "sources": ["10.0.0.0/8"]}, {"port": 80, "sources": ["10.0.0.0/8"]}]
    assert render.table(policy_of(published=twice)).count("dport 80") == 1
    one = HostView(**{**HOST.__dict__, "client": Client("127.0.0.1", "x", 22, "")})
    assert problems_of(one, ssh_sources=["198.51.100.0/24"]) == []


def test_a_manager_that_is_no_peer_is_a_warning_while_others_are():
    policy, _ = read_policy(options(peers=["10.0.0.11"]), ["eth0"])
    problems, warnings = judge(policy, HOST, [])
    assert problems == []
    assert "10.0.0.12: a manager" in warnings[0]


LISTING = """-P INPUT ACCEPT
-N DOCKER-USER
-N SOPHIA-DOCKER
-N SOPHIA-DOCKER-IN
-A FORWARD -j DOCKER-USER
-A DOCKER-USER -s 192.0.2.9/32 -j DROP
-A DOCKER-USER -j SOPHIA-DOCKER
-A DOCKER-USER -j RETURN
-A SOPHIA-DOCKER -i eth0 -j SOPHIA-DOCKER-IN
-A SOPHIA-DOCKER-IN -j DROP
"""
JUMP = "-A DOCKER-USER -j SOPHIA-DOCKER\n"
WANTED = loaded.Loaded("table", {"iptables": LISTING.replace("-A DOCKER-USER -s 192.0.2.9/32 -j DROP\n", "")})


def test_rules_of_others_are_no_difference():
    assert loaded.differences(loaded.Loaded("table", {"iptables": LISTING, "ip6tables": ""}), WANTED) == []


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (("-A SOPHIA-DOCKER-IN -j DROP\n", ""), "-A SOPHIA-DOCKER-IN -j DROP"),
        ((JUMP, ""), "-A DOCKER-USER -j SOPHIA-DOCKER"),
        ((JUMP, JUMP * 2), "2 times"),
        (("-A DOCKER-USER -s 192.0.2.9/32 -j DROP\n", "-A DOCKER-USER -j RETURN\n"), "after the chain's end"),
    ],
)
def test_drift_of_chains(change, word):
    found = loaded.differences(loaded.Loaded("table", {"iptables": LISTING.replace(*change)}), WANTED)
    assert len(found) == 1
    assert word in found[0]["before"] + found[0]["after"] and found[0]["before"] != found[0]["after"]


def test_drift_of_the_table():
    found = loaded.differences(loaded.Loaded("", {"iptables": LISTING}), WANTED)
    assert [(entry["before"], entry["after"]) for entry in found] == [("", "table")]


def test_restore_and_removal():
    lines = render.docker_restore(LISTING).splitlines()
    assert lines[:2] == [":SOPHIA-DOCKER - [0:0]", ":SOPHIA-DOCKER-IN - [0:0]"]
    assert "-I DOCKER-USER 2 -j SOPHIA-DOCKER" in lines and lines[-1] == "COMMIT"
    fresh = render.docker_restore("-N DOCKER-USER\n-A DOCKER-USER -j RETURN\n").splitlines()
    assert "-X SOPHIA-DOCKER" in fresh and not any(line.startswith("-I") for line in fresh)
    assert render.docker_removal(2, ["SOPHIA-DOCKER"]).splitlines() == [
        "*filter",
        *["-D DOCKER-USER -j SOPHIA-DOCKER"] * 2,
        "-F SOPHIA-DOCKER",
        "-X SOPHIA-DOCKER",
        "COMMIT",
    ]


def test_default_routes():
    ipv4 = (
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "enp1s0\t00000000\t0100540A\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
        "docker0\t0000C90A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    zero = "0" * 32
    ipv6 = (
        f"{zero} 00 {zero} 00 fe800000000000000000000000000001 00000400 00000001 00000000 00000003 enp2s0\n"
        f"{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200 lo\n"
    )
    assert default_routes(ipv4, ipv6) == ("enp1s0", "enp2s0")
    assert default_routes("", "") == ()


def test_an_empty_policy_drops_everything_but_ssh():
    rules = [line.strip() for line in render.table(Policy(uplinks=("eth0",))).splitlines()]
    assert [line for line in rules if "dport" in line and "sport" not in line] == ['tcp dport 22 accept comment "SSH"']
