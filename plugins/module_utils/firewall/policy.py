# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what may reach a host out of options, and judges it against the host. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Union

Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

PROTOCOLS = ("tcp", "udp")
MANAGER_PORT, GOSSIP_PORT = 2377, 7946
_INTERFACE = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}$")
_OWNER = re.compile(r"^[A-Za-z0-9 _./:-]{1,60}$")

# What else writes rules on a host, and what to do about it.
CONFLICTS = {
    "ufw": "ufw is active and would filter beside these rules. Run `ufw disable`.",
    "firewalld.service": "firewalld runs and would filter beside these rules. Run `systemctl disable --now firewalld`.",
    "netfilter-persistent.service": (
        "netfilter-persistent is enabled and would overwrite Docker's chains at boot. "
        "Run `systemctl disable netfilter-persistent` (without --now: stopping it may flush what is loaded)."
    ),
    "nftables.service": (
        "The distribution's nftables.service is enabled; its `flush ruleset` deletes Docker's and Swarm's rules. "
        "Move what /etc/nftables.conf holds to where it belongs, then run `systemctl disable nftables` (without --now: "
        "stopping it flushes everything) or set host_firewall_replace_nftables_service."
    ),
}


@dataclass(frozen=True)
class Opening:
    """A port that is open to some networks; no networks means to everyone."""

    port: int
    protocol: str
    sources: tuple[Network, ...] = ()
    owner: str = ""

    def reach(self, version: int) -> list[Network] | None:
        """The networks of one IP version that get in: None for all of it, an empty list for none."""
        if not self.sources:
            return None
        own = [network for network in self.sources if network.version == version]
        return None if any(network.prefixlen == 0 for network in own) else own


@dataclass(frozen=True)
class Client:
    """The SSH connection that a module runs over."""

    address: str
    user: str
    server_port: int
    connection: str


@dataclass(frozen=True)
class Policy:
    """Everything that may reach a host."""

    uplinks: tuple[str, ...] = ()
    ssh: Opening = Opening(22, "tcp", owner="SSH")
    peers: tuple[Network, ...] = ()
    is_manager: bool = False
    data_path_port: int = 4789
    encrypted: bool = False
    published: tuple[Opening, ...] = ()
    allowed: tuple[Opening, ...] = ()

    @property
    def swarm(self) -> list[Opening]:
        """The ports that Swarm needs, open to its hosts only."""
        if not self.peers:
            return []
        ports = [(GOSSIP_PORT, "tcp"), (GOSSIP_PORT, "udp"), (self.data_path_port, "udp")]
        if self.is_manager:
            ports.insert(0, (MANAGER_PORT, "tcp"))
        return [Opening(port, protocol, self.peers, "Swarm") for port, protocol in ports]


@dataclass(frozen=True)
class HostView:
    """What of a host decides whether rules fit it."""

    interfaces: frozenset[str] = frozenset()
    default_route_interfaces: tuple[str, ...] = ()
    addresses: frozenset[str] = frozenset()
    conflicts: frozenset[str] = frozenset()
    daemon: Mapping[str, Any] = field(default_factory=dict)
    swarm_managers: tuple[str, ...] = ()
    client: Client | None = None


def read_policy(options: Mapping[str, Any], uplinks: Iterable[str]) -> tuple[Policy, list[str]]:
    """Build the policy and name every problem of the options; what is wrong is left out of the policy."""
    problems: list[str] = []
    published = _read_openings(options["published"], "host_firewall_published", problems)
    allowed = _read_openings(options["allow"], "host_firewall_allow", problems)
    data_path_port = options["data_path_port"]
    ssh_port = options["ssh_port"]
    for name, port in (("data_path_port", data_path_port), ("ssh_port", ssh_port)):
        if not 0 < port < 65536:
            problems.append(f"host_firewall_{name}: {port} is no port; ports are 1 to 65535.")
    if not options["ssh_sources"]:
        problems.append("host_firewall_ssh_sources is empty, so nobody could log in. For everyone: 0.0.0.0/0 and ::/0.")
    policy = Policy(
        uplinks=tuple(options["interfaces"]) or tuple(uplinks),
        ssh=Opening(ssh_port, "tcp", _networks(options["ssh_sources"], "host_firewall_ssh_sources", problems), "SSH"),
        peers=_networks(options["peers"], "host_firewall_peers", problems),
        is_manager=options["is_manager"],
        data_path_port=data_path_port,
        encrypted=options["encrypted"],
        published=_unique(published, problems),
        allowed=(),
    )
    both = _unique([*policy.published, *allowed], problems if allowed else [])
    reserved = {
        (ssh_port, "tcp"): "SSH (host_firewall_ssh_sources)",
        (MANAGER_PORT, "tcp"): "Swarm's managers (host_firewall_peers)",
        (GOSSIP_PORT, "tcp"): "Swarm (host_firewall_peers)",
        (GOSSIP_PORT, "udp"): "Swarm (host_firewall_peers)",
        (data_path_port, "udp"): "Swarm's overlay networks (host_firewall_peers)",
    }
    problems += [
        f"{opening.owner}: port {opening.port}/{opening.protocol} belongs to {reserved[key]}."
        for opening in both
        for key in [(opening.port, opening.protocol)]
        if key in reserved
    ]
    rest = tuple(opening for opening in both if opening not in policy.published)
    return Policy(**{**policy.__dict__, "allowed": rest}), problems


def judge(policy: Policy, host: HostView, wanted_interfaces: Iterable[str]) -> tuple[list[str], list[str]]:
    """Compare the policy with the host: (problems, warnings)."""
    problems = [CONFLICTS[name] for name in CONFLICTS if name in host.conflicts]
    if host.daemon.get("firewall-backend") == "nftables":
        problems.append(
            "daemon.json has firewall-backend: nftables. That engine has no DOCKER-USER chain (and Swarm refuses it), "
            "so published ports could not be filtered. Remove the key."
        )
    if host.daemon.get("iptables") is False:
        problems.append(
            "daemon.json has iptables: false. That engine has no DOCKER-USER chain, so published ports could not be "
            "filtered. Remove the key."
        )
    if not policy.uplinks:
        problems.append("No interface carries a default route. Name the uplinks in host_firewall_interfaces.")
    problems += [
        f"host_firewall_interfaces: {name!r} is no interface of this host; it has {', '.join(sorted(host.interfaces))}."
        for name in wanted_interfaces
        if not _INTERFACE.match(name) or name not in host.interfaces
    ]
    peer_problems, warnings = _judge_peers(policy, host)
    return problems + peer_problems + _judge_client(policy, host.client), warnings


def _judge_peers(policy: Policy, host: HostView) -> tuple[list[str], list[str]]:
    problems, warnings = [], []
    peers = ", ".join(map(_plain, policy.peers)) or "nobody"
    if policy.peers and not any(is_in(address, policy.peers) for address in host.addresses):
        problems.append(
            f"host_firewall_peers ({peers}) has none of this host's own addresses "
            f"({', '.join(sorted(host.addresses))}): it is the list of other hosts, or of addresses that the hosts do "
            "not have themselves."
        )
    strangers = [address for address in host.swarm_managers if not is_in(address, policy.peers)]
    if strangers and len(strangers) == len(host.swarm_managers):
        problems.append(
            f"This host is in a Swarm managed by {', '.join(strangers)}, and host_firewall_peers ({peers}) has none of "
            "them: the new rules would cut it off."
        )
    elif strangers:
        warnings.append(
            f"{', '.join(strangers)}: a manager of this host's Swarm that is not in host_firewall_peers. "
            "It can no longer reach this host. Remove the node from the Swarm, or add its address."
        )
    return problems, warnings


def _judge_client(policy: Policy, client: Client | None) -> list[str]:
    if client is None or ipaddress.ip_address(client.address).is_loopback:
        return []
    problems = []
    if policy.ssh.sources and not is_in(client.address, policy.ssh.sources):
        problems.append(
            f"This run's SSH connection comes from {client.address}, which is in none of host_firewall_ssh_sources "
            f"({', '.join(map(str, policy.ssh.sources))}): the new rules would lock it out. Add its network first."
        )
    if client.server_port != policy.ssh.port:
        problems.append(
            f"This run's SSH connection reaches port {client.server_port} of the host and host_firewall_ssh_port is "
            f"{policy.ssh.port}: the new rules would lock it out."
        )
    return problems


def is_in(address: str, networks: Iterable[Network]) -> bool:
    """Whether an address lies in one of the networks."""
    parsed = ipaddress.ip_address(address)
    return any(parsed in network for network in networks if network.version == parsed.version)


def _plain(network: Network) -> str:
    return str(network.network_address if network.num_addresses == 1 else network)


def _networks(texts: Iterable[str], owner: str, problems: list[str]) -> tuple[Network, ...]:
    """Read networks, without those that lie in another of them (older nft refuses overlaps)."""
    found: list[Network] = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError as error:
            problems.append(f"{owner}: {text!r} is no address or network in CIDR form ({error}).")
    versions = ([network for network in found if network.version == version] for version in (4, 6))
    return tuple(network for own in versions for network in ipaddress.collapse_addresses(own))


def _read_openings(entries: Iterable[Mapping[str, Any]], name: str, problems: list[str]) -> list[Opening]:
    openings = []
    for entry in entries:
        service = entry.get("service") or ""
        owner = f"{name}: {service}" if service else name
        port, protocol = entry["port"], entry.get("protocol") or "tcp"
        wrong = []
        if not _OWNER.match(owner):
            wrong.append(f"{name}: the service {service!r} has a name that cannot stand in a rule.")
        if protocol not in PROTOCOLS:
            wrong.append(f"{owner}: port {port} has the protocol {protocol!r}; it is one of {', '.join(PROTOCOLS)}.")
        if not 0 < port < 65536:
            wrong.append(f"{owner}: {port} is no port; ports are 1 to 65535.")
        sources = _networks(entry.get("sources") or [], f"{owner}, port {port}/{protocol}", wrong)
        problems += wrong
        if not wrong:
            openings.append(Opening(port, protocol, sources, owner))
    return openings


def _unique(openings: Iterable[Opening], problems: list[str]) -> tuple[Opening, ...]:
    """Drop repetitions. The same port with other sources is a problem: joining them would silently open it wider."""
    seen: dict[tuple[int, str], Opening] = {}
    for opening in openings:
        have = seen.setdefault((opening.port, opening.protocol), opening)
        if have.sources != opening.sources:
            problems.append(
                f"Port {opening.port}/{opening.protocol} is opened twice with different sources: {have.owner} to "
                f"{_told(have)}, {opening.owner} to {_told(opening)}. Give both the same list."
            )
    return tuple(seen[key] for key in sorted(seen))


def _told(opening: Opening) -> str:
    return ", ".join(map(str, opening.sources)) or "everyone"
