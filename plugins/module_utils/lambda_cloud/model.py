# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plans know of an instance, and which are wanted. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

# Billed no more, or on the way there. Any other status, also one that nobody knows yet, counts as alive.
ENDED = ("terminating", "terminated", "preempted")


@dataclass(frozen=True)
class Instance:
    """An instance as the API lists it; what it left out or answered with null is empty here."""

    id: str
    name: str = ""
    ip: str = ""
    private_ip: str = ""
    status: str = ""
    region: str = ""
    instance_type: str = ""
    price_cents_per_hour: int = 0
    hostname: str = ""
    ssh_key_names: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_api(cls, raw: Mapping[str, Any]) -> Instance:
        """Read the API's document. Raises ValueError, KeyError or TypeError when it is none of an instance."""
        if not isinstance(raw["id"], str) or not raw["id"]:
            raise ValueError("no id")
        of_type = raw.get("instance_type") or {}
        texts = {name: str(raw.get(name) or "") for name in ("name", "ip", "private_ip", "status", "hostname")}
        return cls(
            id=raw["id"],
            region=str((raw.get("region") or {}).get("name") or ""),
            instance_type=str(of_type.get("name") or ""),
            price_cents_per_hour=int(of_type.get("price_cents_per_hour") or 0),
            ssh_key_names=tuple(str(name) for name in raw.get("ssh_key_names") or ()),
            tags={str(tag["key"]): str(tag["value"]) for tag in raw.get("tags") or ()},
            **texts,
        )

    @property
    def alive(self) -> bool:
        """Whether it is billed and not on its way out."""
        return self.status not in ENDED

    @property
    def hides_tags(self) -> bool:
        """Whether its tags may come later: they may be missing while it boots (reference §4.3)."""
        return self.status == "booting" and not self.tags

    def has(self, tags: Mapping[str, str]) -> bool:
        """Whether it has all of these tags; others do not matter."""
        return all(self.tags.get(key) == value for key, value in tags.items())

    def document(self) -> dict[str, Any]:
        """All of it as plain data."""
        return {**asdict(self), "ssh_key_names": list(self.ssh_key_names), "tags": dict(self.tags)}

    def result(self) -> dict[str, Any]:
        """What a playbook gets to see."""
        names = ("name", "id", "ip", "private_ip", "region", "status", "instance_type")
        return {**{name: getattr(self, name) for name in names}, "tags": dict(self.tags)}

    def line(self) -> str:
        """One line of a diff."""
        price = f"{self.price_cents_per_hour} cents/hour"
        return f"{self.name}: {self.instance_type} in {self.region} at {price} ({self.id})\n"


@dataclass(frozen=True)
class Wanted:
    """One instance that should exist. tags holds the tags of ownership too; ssh_port 0 means that nobody asks there."""

    name: str
    tags: Mapping[str, str]
    hostname: str = ""
    region: str = ""
    ssh_port: int = 22


def matching(instances: Iterable[Instance], name: str, tags: Mapping[str, str]) -> list[Instance]:
    """Return the living instances of this name with these tags; a name may be there twice (reference §4.2)."""
    return [each for each in instances if each.alive and each.name == name and each.has(tags)]


def hiding(instances: Iterable[Instance], name: str) -> list[Instance]:
    """Return those of this name that do not tell yet whose they are."""
    return [each for each in instances if each.name == name and each.hides_tags]


def tagged(tags: Mapping[str, str]) -> str:
    """Tags as people read them."""
    return ", ".join(f"{key}={tags[key]}" for key in sorted(tags))


def named(instances: Iterable[Instance]) -> str:
    """Instances as people look them up."""
    return ", ".join(
        f"{each.name or 'an unnamed one'} ({each.id}, {each.status} in {each.region})" for each in instances
    )
