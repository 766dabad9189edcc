# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that the hosts and the registry share."""

from __future__ import annotations

import ipaddress

from lab import docker
from lab.errors import LabError
from lab.settings import Settings


def ensure(settings: Settings) -> None:
    """Have the lab's network with the subnet of the hosts' addresses; one with another subnet is made anew."""
    wanted = str(settings.subnet)
    found = docker.inspect("network", settings.network).get(settings.network)
    if found and _subnets(found) == [wanted]:
        return
    if found:
        if (found.get("Labels") or {}).get(docker.LABEL) != settings.prefix:
            raise LabError(
                f"The Docker network {settings.network} is not this lab's (subnet {_subnets(found)}). "
                f"Remove it with `docker network rm {settings.network}`, or set LAB_PREFIX to another name."
            )
        containers = [item["Name"] for item in (found.get("Containers") or {}).values()]
        docker.run("rm", "--force", "--volumes", *containers, check=False)
        docker.run("network", "rm", settings.network)
    done = docker.run(
        *["network", "create", "--label", f"{docker.LABEL}={settings.prefix}", "--subnet", wanted, settings.network],
        check=False,
    )
    if done.returncode:
        raise LabError(
            f"The network {settings.network} ({wanted}) cannot be made: {done.stderr.strip()}. {_overlapping(settings)}"
            f"The subnet is that of private_address in {settings.inventory_path}."
        )


def _overlapping(settings: Settings) -> str:
    """Which other Docker networks have addresses in the lab's subnet, as a sentence."""
    names = docker.run("network", "ls", "--format", "{{.Name}}").stdout.split()
    others = docker.inspect("network", *names)
    guilty = [
        f"{name} ({subnet})"
        for name, network in others.items()
        for subnet in _subnets(network)
        if ":" not in subnet and ipaddress.IPv4Network(subnet).overlaps(settings.subnet)
    ]
    return f"In its way: {', '.join(guilty)}. " if guilty else ""


def _subnets(network: dict) -> list[str]:
    return [entry["Subnet"] for entry in (network.get("IPAM") or {}).get("Config") or [] if entry.get("Subnet")]
