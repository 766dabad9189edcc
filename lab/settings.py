# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab is to be: the environment's variables and the inventory, read once."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from lab.errors import LabError

ROOT = Path(__file__).resolve().parents[1]
COMMON_VARIABLES = ROOT / "inventories/common/group_vars/all"
LAB_VARIABLES = ROOT / "inventories/lab/group_vars/all"
MACHINES = LAB_VARIABLES / "machines.yml"
REGISTRY_NAME = "registry.lab"
REGISTRY_USER = "lab"
RELEASES = ("trixie", "bookworm")
GPUS = ("none", "bare", "lambda_stack")
_REFERENCE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


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


@dataclass(frozen=True)
class Settings:
    """Names, paths, ports and hosts of one lab.

    `with_clouds`: whether the hosts are launched through the simulated Lambda Cloud, or by `python -m lab up` itself.
    """

    prefix: str
    state_path: Path
    cache_path: Path
    registry_port: int
    upstream_images: bool
    inventory_path: Path
    hosts: tuple[Host, ...]
    subnet: ipaddress.IPv4Network
    with_clouds: bool
    cloud_port: int
    snowflake_port: int
    certificate_days: int
    variables: dict = field(default_factory=dict)

    @property
    def network(self) -> str:
        return self.prefix

    @property
    def edge_ports(self) -> dict[int, int]:
        """Ports of a host's edge by the port that they are published at."""
        published = {"platform_edge_http_port": 80, "platform_edge_https_port": 443}
        return {self.variables[name]: port for name, port in published.items()}

    @property
    def registry_container(self) -> str:
        return f"{self.prefix}-registry"

    @property
    def registry_address(self) -> str:
        return str(self.subnet.network_address + 10)

    @property
    def names_container(self) -> str:
        return f"{self.prefix}-names"

    @property
    def names_address(self) -> str:
        """Where the lab's name server answers, on port 53."""
        return self.variables["lab_names_address"]

    @property
    def acme_container(self) -> str:
        return f"{self.prefix}-acme"

    @property
    def acme_address(self) -> str:
        return self.variables["lab_acme_address"]

    @property
    def directory_url(self) -> str:
        """The lab's ACME directory; its own certificate is of `acme_api_ca_path`."""
        return f"https://{self.acme_address}:{self.acme_port}/dir"

    @property
    def acme_port(self) -> int:
        return self.variables["lab_acme_port"]

    @property
    def identity_container(self) -> str:
        return f"{self.prefix}-identity"

    @property
    def identity_url(self) -> str:
        """The issuer that people of the lab log in at."""
        return self.variables["lab_identity_url"]

    @property
    def acme_api_ca_path(self) -> Path:
        return self.state_path / "acme_api_ca.pem"

    @property
    def ca_path(self) -> Path:
        """The root of the certificates that the lab's ACME authority issues."""
        return self.state_path / "ca.pem"

    @property
    def registry_endpoint(self) -> str:
        """Where this machine reaches the registry."""
        return f"127.0.0.1:{self.registry_port}"


def read(inventory: Path | None = None, environment: dict[str, str] | None = None) -> Settings:
    """Read the lab's settings, with the hosts of `lab_hosts` or of another inventory.

    Raises LabError with all that is wrong with it.
    """
    environment = dict(os.environ) if environment is None else environment
    home = Path(environment.get("HOME") or "/root")
    prefix = environment.get("LAB_PREFIX") or "sophia-lab"
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{1,40}", prefix):
        raise LabError(f"LAB_PREFIX is {prefix!r}; it names containers: use lower-case letters, digits and `-`.")
    path = Path(inventory or MACHINES).resolve()
    variables = read_variables(COMMON_VARIABLES, path.parent / "group_vars/all" if inventory else LAB_VARIABLES)
    document = _yaml(path) if inventory else {"all": {"hosts": variables.get("lab_hosts")}}
    hosts = read_hosts(document, prefix, path)
    images = environment.get("LAB_IMAGES") or "stand-in"
    if images not in ("stand-in", "upstream"):
        raise LabError(f"LAB_IMAGES is {images!r}; it is `stand-in` (built here) or `upstream` (production's).")
    return Settings(
        prefix=prefix,
        state_path=Path(environment.get("LAB_STATE") or home / ".local/state/sophia-lab").expanduser(),
        cache_path=Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "sophia-lab",
        registry_port=_port(environment.get("LAB_REGISTRY_PORT") or "5077", "LAB_REGISTRY_PORT"),
        upstream_images=images == "upstream",
        inventory_path=path,
        hosts=hosts,
        subnet=ipaddress.IPv4Network(f"{hosts[0].address}/24", strict=False),
        with_clouds=inventory is None,
        cloud_port=_port(environment.get("LAB_CLOUD_PORT") or "5078", "LAB_CLOUD_PORT"),
        snowflake_port=_port(environment.get("LAB_SNOWFLAKE_PORT") or "5079", "LAB_SNOWFLAKE_PORT"),
        certificate_days=_number(
            environment.get("LAB_CERTIFICATE_DAYS") or "90", "LAB_CERTIFICATE_DAYS", 3650, "a number of days"
        ),
        variables=variables,
    )


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


def read_variables(*directories: Path) -> dict:
    """The variables of some group_vars directories, later ones on top; a value that is one reference is followed."""
    variables: dict = {}
    for directory in directories:
        for path in sorted(directory.glob("*.yml")):
            variables.update(_yaml(path) or {})
    found = {name: resolved(value, variables) for name, value in variables.items()}
    platform = found.get("platform")
    if isinstance(platform, dict) and isinstance(platform.get("edge_addresses"), str):
        platform["edge_addresses"] = ["127.0.0.1"]  # computed from the hosts, which are published on loopback
    return found


def resolved(value: object, variables: dict, depth: int = 0) -> object:
    """`{{ name }}` becomes the variable's value, at any depth. Any other expression stays the text that it is."""
    if isinstance(value, dict):
        return {key: resolved(item, variables, depth) for key, item in value.items()}
    if isinstance(value, list):
        return [resolved(item, variables, depth) for item in value]
    match = _REFERENCE.fullmatch(value.strip()) if isinstance(value, str) else None
    if match and match[1] in variables and depth < 10:
        return resolved(variables[match[1]], variables, depth + 1)
    return value


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
        "address": lambda: _address(values.get("private_address"), "private_address"),
        "ssh_port": lambda: _port(values.get("ansible_port"), "ansible_port"),
        "edge_address": lambda: (
            _address(values["lab_edge_address"], "lab_edge_address") if "lab_edge_address" in values else None
        ),
        "release": lambda: _one_of(RELEASES, values.get("lab_release", RELEASES[0]), "lab_release"),
        "gpu": lambda: _one_of(GPUS, values.get("lab_gpu", GPUS[0]), "lab_gpu"),
    }
    found, wrong = {}, []
    for name, reader in readers.items():
        try:
            found[name] = reader()
        except LabError as error:
            wrong.append(str(error))
    return found, wrong


def _address(value: object, what: str) -> str:
    try:
        return str(ipaddress.IPv4Address(value))
    except ValueError as error:
        raise LabError(f"{what}: {error}") from error


def _port(value: object, what: str) -> int:
    return _number(value, what, 65535, "a port number")


def _number(value: object, what: str, most: int, kind: str) -> int:
    text = str(value)
    if not text.isdigit() or not 0 < int(text) <= most:
        raise LabError(f"{what} is {value!r}, not {kind}")
    return int(text)


def _one_of(choices: tuple[str, ...], value: object, what: str) -> str:
    if value not in choices:
        raise LabError(f"{what} is {value!r}; it is one of {', '.join(choices)}")
    return str(value)


def _yaml(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}.") from error
    except yaml.YAMLError as error:
        raise LabError(f"{path} is not valid YAML: {error}") from error
