# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab is to be: the environment's variables and the inventory, read once."""

from __future__ import annotations

import ipaddress
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

from lab.errors import LabError
from lab.inventory import Host, read_hosts
from lab.variables import number, port, read_variables, read_yaml

ROOT = Path(__file__).resolve().parents[1]
COMMON_VARIABLES = ROOT / "inventories/common/group_vars/all"
LAB_VARIABLES = ROOT / "inventories/lab/group_vars/all"
MACHINES = LAB_VARIABLES / "machines.yml"
REGISTRY_NAME = "registry.lab"
REGISTRY_USER = "lab"


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
    document = read_yaml(path) if inventory else {"all": {"hosts": variables.get("lab_hosts")}}
    hosts = read_hosts(document, prefix, path)
    images = environment.get("LAB_IMAGES") or "stand-in"
    if images not in ("stand-in", "upstream"):
        raise LabError(f"LAB_IMAGES is {images!r}; it is `stand-in` (built here) or `upstream` (production's).")
    return Settings(
        prefix=prefix,
        state_path=Path(environment.get("LAB_STATE") or home / ".local/state/sophia-lab").expanduser(),
        cache_path=Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "sophia-lab",
        registry_port=port(environment.get("LAB_REGISTRY_PORT") or "5077", "LAB_REGISTRY_PORT"),
        upstream_images=images == "upstream",
        inventory_path=path,
        hosts=hosts,
        subnet=ipaddress.IPv4Network(f"{hosts[0].address}/24", strict=False),
        with_clouds=inventory is None,
        cloud_port=port(environment.get("LAB_CLOUD_PORT") or "5078", "LAB_CLOUD_PORT"),
        snowflake_port=port(environment.get("LAB_SNOWFLAKE_PORT") or "5079", "LAB_SNOWFLAKE_PORT"),
        certificate_days=number(
            environment.get("LAB_CERTIFICATE_DAYS") or "90", "LAB_CERTIFICATE_DAYS", 3650, "a number of days"
        ),
        variables=variables,
    )
