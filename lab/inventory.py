# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts of an inventory, and what each of them is to be."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from pathlib import Path

from lab.errors import LabError
from lab.variables import address, one_of, port

RELEASES = ("trixie", "bookworm")
GPUS = ("none", "bare", "lambda_stack")


@dataclass(frozen=True)
class Host:
    """One host container. SSH is published on 127.0.0.1, the edge on `edge_address`, another address of loopback.

    `release` is Debian's, `gpu` what plays a GPU on it: `none`, `bare` (no driver yet) or `lambda_stack` (what Lambda's
    image of a GH200 has preinstalled).
    """

    name: str
    container: str
    address: str
    ssh_port: int
    edge_address: str | None = None
    release: str = RELEASES[0]
    gpu: str = GPUS[0]


def read_hosts(inventory: object, prefix: str, path: Path) -> tuple[Host, ...]:
    """The hosts of an inventory document, by name. `lab-1` becomes the container `<prefix>-1`."""
    problems: list[str] = []
    hosts = []
    for name, values in sorted(_host_variables(inventory).items()):
        found, wrong = _read_values(values)
        problems += [f"{name}: {problem}" for problem in wrong]
        if not wrong:
            hosts.append(Host(name=name, container=f"{prefix}-{name.removeprefix('lab-')}", **found))
    owners: dict[object, str] = {}
    for host in hosts:
        for value in (host.address, host.ssh_port, host.edge_address):
            if value is not None and owners.setdefault(value, host.name) != host.name:
                problems.append(f"{host.name} and {owners[value]} both use {value}")
    if len({ipaddress.IPv4Network(f"{host.address}/24", strict=False) for host in hosts}) > 1:
        problems.append("the hosts' private_address values are not in one /24 network")
    if not problems and not hosts:
        problems.append("it names no host")
    if problems:
        raise LabError(f"The lab's inventory {path} cannot be used: {'; '.join(problems)}.")
    return tuple(hosts)


def _host_variables(groups: object) -> dict[str, dict]:
    """Host name -> variables, of all groups and of those below them."""
    found: dict[str, dict] = {}
    for group in groups.values() if isinstance(groups, dict) else ():
        members = group if isinstance(group, dict) else {}
        for name, values in [*_host_variables(members.get("children")).items(), *(members.get("hosts") or {}).items()]:
            found.setdefault(str(name), {}).update(values or {})
    return found


def _read_values(values: dict) -> tuple[dict, list[str]]:
    """The fields of a Host that its variables give, and all that is wrong with them."""
    readers = {
        "address": lambda: address(values.get("private_address"), "private_address"),
        "ssh_port": lambda: port(values.get("ansible_port"), "ansible_port"),
        "edge_address": lambda: (
            address(values["lab_edge_address"], "lab_edge_address") if "lab_edge_address" in values else None
        ),
        "release": lambda: one_of(RELEASES, values.get("lab_release", RELEASES[0]), "lab_release"),
        "gpu": lambda: one_of(GPUS, values.get("lab_gpu", GPUS[0]), "lab_gpu"),
    }
    found, wrong = {}, []
    for name, reader in readers.items():
        try:
            found[name] = reader()
        except LabError as error:
            wrong.append(str(error))
    return found, wrong
