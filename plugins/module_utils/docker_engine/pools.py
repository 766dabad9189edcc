# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds address pools that would hide a network the host has to reach. Pure, but for reading the kernel's routes."""

from __future__ import annotations

import ipaddress
import re
import struct
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

# Bridges that the engine made itself, from this pool or an earlier one.
_ENGINE_BRIDGE = re.compile(r"^(docker0|docker_gwbridge|br-[0-9a-f]{12})$")

Route = tuple  # (interface, network)


def parse_routes(text: str) -> list[Route]:
    """Read /proc/net/route: (interface, network) of every route but the default ones."""
    routes = []
    for line in text.splitlines()[1:]:
        cells = line.split()
        if len(cells) < 8 or int(cells[7], 16) == 0:
            continue
        # The kernel prints addresses as numbers in the machine's own order; every machine of ours is little-endian.
        address, mask = (ipaddress.IPv4Address(struct.pack("<I", int(cells[index], 16))) for index in (1, 7))
        routes.append((cells[0], ipaddress.IPv4Network(f"{address}/{mask}", strict=False)))
    return routes


def read_routes(path: str = "/proc/net/route") -> list[Route]:
    """Read the host's IPv4 routes."""
    try:
        return parse_routes(Path(path).read_text(encoding="ascii"))
    except FileNotFoundError:
        return []


def read_bridges(path: str = "/sys/class/net") -> set[str]:
    """Name the host's bridges."""
    return {found.parent.name for found in Path(path).glob("*/bridge")}


def problems(
    pools: Iterable[Mapping], routes: Iterable[Route], bridges: Collection[str], reserved: Iterable[str]
) -> list[str]:
    """Say which pools overlap a route of the host or a reserved network, or are no pools at all."""
    found = []
    kept: list[tuple[str, ipaddress.IPv4Network | ipaddress.IPv6Network]] = []
    for text in reserved:
        try:
            kept.append((f"docker_reserved_networks has {text}", ipaddress.ip_network(text)))
        except ValueError as error:
            found.append(f"docker_reserved_networks: {text!r} is no network ({error}).")
    routes = list(routes)
    for pool in pools:
        try:
            base, size = ipaddress.ip_network(str(pool.get("base"))), int(pool.get("size") or 0)
        except (ValueError, TypeError) as error:
            found.append(f"default-address-pools: {pool!r} is no pool ({error}).")
            continue
        if not base.prefixlen <= size <= base.max_prefixlen:
            found.append(f"default-address-pools: networks of size {size} cannot be cut from {base}.")
        on_host = [
            (f"this host routes {network} through {interface}", network)
            for interface, network in routes
            if not _is_own(interface, network, base, size, bridges)
        ]
        found += [
            f"default-address-pools: {base} overlaps a network that must stay reachable: {why}. Choose another pool "
            "(docker_address_pools)."
            for why, network in on_host + kept
            if network.version == base.version and network.overlaps(base)
        ]
    return found


def _is_own(interface, network, base, size: int, bridges: Collection[str]) -> bool:
    """Whether the engine made this route itself: on one of its bridges, or on a named one cut from this very pool."""
    if _ENGINE_BRIDGE.match(interface):
        return True
    cut = network.version == base.version and network.prefixlen == size and network.subnet_of(base)
    return interface in bridges and cut
