# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes rules as nft and iptables read them, and the units that load them. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.sophia.platform.plugins.module_utils.firewall.policy import Network, Opening, Policy

DIRECTORY = "/etc/sophia"
TABLE_PATH = f"{DIRECTORY}/firewall.nft"
SCRIPT_PATH = f"{DIRECTORY}/firewall-docker.sh"
CHAINS = ("SOPHIA-DOCKER", "SOPHIA-DOCKER-IN")
USER_CHAIN, JUMP = "DOCKER-USER", "-A DOCKER-USER -j SOPHIA-DOCKER"
FAMILIES = {"iptables": 4, "ip6tables": 6}
RULES_PATHS = {name: f"{DIRECTORY}/firewall-docker.{name}" for name in FAMILIES}
HOST_UNIT, DOCKER_UNIT = "sophia-firewall.service", "sophia-firewall-docker.service"
UNITS_PATH = "/etc/systemd/system"
OURS = "# Written by the role host_firewall; changes made here are taken back."

# `delete` needs a table to delete. All of a file is one transaction, so there is no moment without rules.
REPLACE = "table inet sophia\ndelete table inet sophia\n"

_ICMP = "echo-request, destination-unreachable, time-exceeded, parameter-problem"
_ICMPV6 = (
    "echo-request, destination-unreachable, packet-too-big, time-exceeded, parameter-problem, "
    "mld-listener-query, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert"
)
# One rule each: older nft knows no wildcards inside a set.
_BRIDGES = ("docker0", "docker_gwbridge", "br-*")
_FAMILY_WORDS = {4: "ip", 6: "ip6"}


def table(policy: Policy) -> str:
    """The file of our nft table. Only what nft 0.9.8 knows."""
    uplinks = ", ".join(f'"{name}"' for name in policy.uplinks)
    rules = [
        "ct state established,related accept",
        'iifname "lo" accept',
        *(f'iifname "{name}" accept' for name in _BRIDGES),
        f"icmp type {{ {_ICMP} }} accept",
        f"icmpv6 type {{ {_ICMPV6} }} accept",
        "udp sport 67 udp dport 68 accept",
        "ip6 saddr fe80::/10 udp sport 547 udp dport 546 accept",
        *_accepts(policy.ssh),
        *(rule for opening in policy.swarm for rule in _accepts(opening)),
        *(_esp(policy.peers) if policy.encrypted else []),
        *(rule for opening in (*policy.published, *policy.allowed) for rule in _accepts(opening)),
        f"iifname {{ {uplinks} }} counter drop",
    ]
    lines = ["table inet sophia {", "\tchain input {", "\t\ttype filter hook input priority -5; policy accept;"]
    lines += [*(f"\t\t{rule}" for rule in rules), "\t}", "}"]
    return f"{OURS}\n{REPLACE}" + "\n".join(lines) + "\n"


def _accepts(opening: Opening) -> list[str]:
    rest = f'{opening.protocol} dport {opening.port} accept comment "{opening.owner}"'
    reaches = {version: opening.reach(version) for version in (4, 6)}
    if set(map(str, reaches.values())) == {"None"}:
        return [rest]
    return [f"{_from(version, networks)} {rest}" for version, networks in reaches.items() if networks != []]


def _esp(peers: Iterable[Network]) -> list[str]:
    own = {version: [peer for peer in peers if peer.version == version] for version in (4, 6)}
    return [
        f'{_from(version, networks)} meta l4proto esp accept comment "Swarm, encrypted"'
        for version, networks in own.items()
        if networks
    ]


def _from(version: int, networks: list[Network] | None) -> str:
    if networks is None:
        return f"meta nfproto ipv{version}"
    return f"{_FAMILY_WORDS[version]} saddr {{ {', '.join(map(_source, networks))} }}"


def _source(network: Network) -> str:
    return str(network.network_address if network.num_addresses == 1 else network)


def docker_rules(policy: Policy, family: str) -> str:
    """What one family's restore command fills our chains with.

    The engine has rewritten addresses and ports when a packet comes here, so a port is matched as the sender meant it,
    and only on packets that were rewritten: a container's own port is not open because the number is.
    """
    version = FAMILIES[family]
    chain, inward = CHAINS
    lines = ["*filter", *(f":{name} - [0:0]" for name in CHAINS)]
    lines += [f"-A {chain} -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"]
    lines += [f"-A {chain} -i {name} -j {inward}" for name in policy.uplinks]
    for opening in policy.published:
        reach = opening.reach(version)
        sources = [""] if reach is None else [f" -s {network}" for network in reach]
        match = f"-p {opening.protocol} -m conntrack --ctstate DNAT --ctorigdstport {opening.port}"
        lines += [f"# {opening.owner}"] if sources else []
        lines += [f"-A {inward}{source} {match} -j RETURN" for source in sources]
    lines += [f"-A {inward} -j DROP", "COMMIT"]
    return f"{OURS}\n" + "\n".join(lines) + "\n"


def docker_removal(jumps_count: int, chains: Iterable[str]) -> str:
    """What takes our chains away again."""
    own = list(chains)
    lines = ["*filter", *[JUMP.replace("-A", "-D", 1)] * jumps_count]
    lines += [*(f"-F {name}" for name in own), *(f"-X {name}" for name in own), "COMMIT"]
    return "\n".join(lines) + "\n"


def docker_restore(listing: str) -> str:
    """What brings our chains back to how an `iptables -S` shows them. Before it come the table's name and what deletes
    the jumps of the moment."""
    rules = listing.splitlines()
    had = [name for name in CHAINS if f"-N {name}" in rules]
    lines = [f":{name} - [0:0]" for name in CHAINS]
    lines += [rule for rule in rules if rule.startswith(tuple(f"-A {name} " for name in CHAINS))]
    lines += [f"-F {name}" for name in CHAINS if name not in had] + [f"-X {name}" for name in CHAINS if name not in had]
    user_rules = [rule for rule in rules if rule.startswith(f"-A {USER_CHAIN} ")]
    lines += [
        JUMP.replace("-A DOCKER-USER", f"-I DOCKER-USER {place}")
        for place, rule in enumerate(user_rules, 1)
        if rule == JUMP
    ]
    return "\n".join([*lines, "COMMIT"]) + "\n"


def docker_script() -> str:
    """Fills our chains, in one step a family. Makes DOCKER-USER itself when the engine has not yet."""
    return f"""#!/bin/sh
{OURS}
# The engine keeps a DOCKER-USER chain that it finds, so this may run before it, and no container is reached too early.
status=0
for family in {" ".join(FAMILIES)}; do
    command -v "$family" >/dev/null || continue
    "$family" -w -N {USER_CHAIN} 2>/dev/null
    if ! rules=$("$family" -w -S {USER_CHAIN}); then
        [ "$family" = ip6tables ] || status=1   # a kernel without IPv6 is fine
        continue
    fi
    jumps=$(echo "$rules" | grep -c -x -e '{JUMP}')
    {{
        grep -v -x COMMIT "{DIRECTORY}/firewall-docker.$family"
        while [ "$jumps" -gt 0 ]; do
            echo '{JUMP.replace("-A", "-D", 1)}'
            jumps=$((jumps - 1))
        done
        echo '{JUMP.replace("-A DOCKER-USER", "-I DOCKER-USER 1", 1)}'
        echo COMMIT
    }} | "$family-restore" -w --noflush || status=1
done
exit $status
"""


def host_unit() -> str:
    """The unit that loads our table at boot, before the network is up."""
    return f"""{OURS}
[Unit]
Description=What may reach this host (table inet sophia)
DefaultDependencies=no
After=local-fs.target
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f {TABLE_PATH}
ExecReload=/usr/sbin/nft -f {TABLE_PATH}

[Install]
WantedBy=sysinit.target
"""


def docker_unit() -> str:
    """The unit that fills our chains whenever the engine starts."""
    return f"""{OURS}
[Unit]
Description=What may reach the containers of this host (chain {CHAINS[0]})
# Before: the rules are there when the first container is. PartOf: a restart of the engine puts them back.
Before=docker.service
PartOf=docker.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh {SCRIPT_PATH}

[Install]
WantedBy=docker.service
"""
