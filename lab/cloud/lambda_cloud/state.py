# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the simulated account holds. All of it is JSON; keys are kept as hashes only."""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass, field, fields

from lab.cloud.lambda_cloud import catalogue

_OPEN = [
    {"protocol": "tcp", "port_range": [22, 22], "source_network": "0.0.0.0/0", "description": "Allow SSH from any IP"},
    {"protocol": "icmp", "source_network": "0.0.0.0/0", "description": "Allow ICMP traffic from any IP"},
]


@dataclass
class Limits:
    """Rate limits. launch_seconds and request_seconds are the least time between two accepted requests."""

    enabled: bool = True
    request_seconds: float = 1.0
    launch_seconds: float = 12.0
    body: str = "text"  # of a 429, which is not specified: text, json, html or empty
    retry_after_seconds: int | None = None


@dataclass
class Behaviour:
    """Where sources differ or say nothing, either reading can be had."""

    launch_not_found_status: int = 400  # or 404
    tags_while_booting: bool = True
    firewall_rulesets_while_booting: bool = True
    ssh_key_in_use: bool = False  # the older spec: a key of an instance cannot be deleted


@dataclass
class Instance:
    """One instance. Times are seconds since the epoch on the simulator's clock."""

    id: str
    name: str | None
    launched_name: str | None
    hostname: str | None
    region_name: str
    instance_type_name: str
    ssh_key_names: list[str]
    public_keys: list[str]
    file_system_names: list[str]
    file_system_mounts: list[dict]
    tags: list[dict]
    firewall_rulesets: list[dict]
    image_id: str
    user_data_sha256: str | None
    jupyter_token: str
    number: int
    launched_at: float
    boots_at: float
    started: bool = False
    failed: bool = False
    forced_status: str | None = None
    restarted_at: float | None = None
    terminated_at: float | None = None
    stopped: bool = False


@dataclass
class State:
    """The account."""

    keys: list[str] = field(default_factory=list)
    account: str = "active"
    quota: int | None = None
    boot_seconds: float = 30.0
    terminate_seconds: float = 10.0
    gone_seconds: float = 60.0
    number: int = 0
    limits: Limits = field(default_factory=Limits)
    behaviour: Behaviour = field(default_factory=Behaviour)
    price_cents: dict[str, int] = field(default_factory=dict)
    capacity: dict[str, dict[str, int]] = field(default_factory=lambda: copy.deepcopy(catalogue.CAPACITY))
    advertised: dict[str, dict[str, bool]] = field(default_factory=dict)
    hidden_images: list[dict] = field(default_factory=list)
    ssh_keys: list[dict] = field(default_factory=list)
    file_systems: list[dict] = field(default_factory=list)
    firewall_rules: list[dict] = field(default_factory=lambda: copy.deepcopy(_OPEN))
    rulesets: list[dict] = field(default_factory=list)
    instances: list[Instance] = field(default_factory=list)

    def dump(self) -> dict:
        return asdict(self)


def load(dumped: dict) -> State:
    """A dumped state; what another version of the simulator had besides is left out."""
    given = _known(State, dumped)
    given["limits"] = Limits(**_known(Limits, given.get("limits", {})))
    given["behaviour"] = Behaviour(**_known(Behaviour, given.get("behaviour", {})))
    given["instances"] = [Instance(**_known(Instance, instance)) for instance in given.get("instances", [])]
    return State(**given)


def _known(kind: type, values: dict) -> dict:
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in copy.deepcopy(values).items() if name in names}
