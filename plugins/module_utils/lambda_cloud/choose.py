# SPDX-License-Identifier: GPL-3.0-or-later
"""Where an instance is launched, and with which image, from what the API offers. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.errors import LambdaCloudError
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.model import Wanted
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.settings import (
    REGIONS_WITHOUT_FIREWALL,
    LaunchSettings,
)


@dataclass
class Offer:
    """What the API offers. Rulesets and file systems are read only when some are asked for."""

    instance_types: Mapping[str, Any]
    images: Sequence[Mapping[str, Any]]
    firewall_rulesets: Sequence[Mapping[str, Any]] = field(default_factory=list)
    file_systems: Sequence[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True)
class Choice:
    """How one instance is launched."""

    region: str
    image_id: str
    price_cents_per_hour: int
    firewall_ruleset_ids: tuple[str, ...] = ()


def architecture(instance_type: str) -> str:
    """The processor's; the API does not tell it, only its name does (reference §5)."""
    return "arm64" if re.search(r"gh200|gb200|gb300", instance_type) else "x86_64"


def price(offer: Offer, settings: LaunchSettings) -> int:
    """The price of the type in cents an hour. Raises LambdaCloudError when there is none or it is too high."""
    name, limit = settings.instance_type, settings.max_price_cents_per_hour
    if name not in offer.instance_types:
        known = ", ".join(sorted(offer.instance_types)) or "none at all"
        raise LambdaCloudError(f"Lambda Cloud has no instance type {name}; it has: {known}.")
    cents = (offer.instance_types[name].get("instance_type") or {}).get("price_cents_per_hour")
    if not isinstance(cents, int) or isinstance(cents, bool):
        raise LambdaCloudError(f"Lambda Cloud tells no price for {name}, so `max_price_cents_per_hour` cannot be kept.")
    if cents > limit:
        raise LambdaCloudError(
            f"{name} costs {cents} cents/hour, and `max_price_cents_per_hour` is {limit}: nothing was launched."
        )
    return cents


def capacity(offer: Offer, instance_type: str) -> list[str]:
    """The regions that say they have room for this type; only a hint (reference §4.1)."""
    regions = offer.instance_types.get(instance_type, {}).get("regions_with_capacity_available") or []
    return [str(region.get("name") or "") for region in regions if isinstance(region, dict)]


def image_id(offer: Offer, settings: LaunchSettings, region: str) -> str:
    """The image for this region: the newest of the family, or the one asked for; empty when it is not there."""
    kind, wanted_id = architecture(settings.instance_type), settings.image_id
    found = [
        image
        for image in offer.images
        if _region(image) == region
        and image.get("architecture") == kind
        and (image.get("id") == wanted_id if wanted_id else image.get("family") == settings.image_family)
    ]
    return str(max(found, key=_age)["id"]) if found else ""


def obstacles(offer: Offer, settings: LaunchSettings, region: str) -> list[str]:
    """Why nothing can be launched in this region, whatever its capacity."""
    found = []
    if not image_id(offer, settings, region):
        what = f"image {settings.image_id}" if settings.image_id else f"image of the family {settings.image_family}"
        found.append(f"no {architecture(settings.instance_type)} {what}")
    if settings.firewall_rulesets and region in REGIONS_WITHOUT_FIREWALL:
        found.append("no firewall rulesets at all")
    for what, names, rows in (
        ("firewall ruleset", settings.firewall_rulesets, offer.firewall_rulesets),
        ("file system", settings.file_systems, offer.file_systems),
    ):
        for name in names:
            count = len(_ids(rows, name, region))
            if count != 1:
                found.append(f"{count or 'no'} {what}{'s' if count else ''} {name}")
    return found


def choose(
    offer: Offer,
    settings: LaunchSettings,
    wanted: Wanted,
    peers: Sequence[str] = (),
    failures: Mapping[str, int] | None = None,
) -> Choice | None:
    """Choose a region; None means that none of them has capacity now.

    Regions of peers come first, as private addresses end at a region's border (reference §6); then the order asked for.
    failures: the number of the last try that found a region full, so that tries go round. Raises LambdaCloudError for
    what waiting would not mend.
    """
    cents, failures = price(offer, settings), failures or {}
    with_capacity = capacity(offer, settings.instance_type)
    asked = [wanted.region] if wanted.region else list(settings.regions)
    blocked = {region: obstacles(offer, settings, region) for region in asked or with_capacity}
    if blocked and all(blocked.values()):
        told = "; ".join(f"{region} has {' and '.join(found)}" for region, found in blocked.items())
        raise LambdaCloudError(f"{settings.instance_type} cannot be launched: {told}.")
    usable = [region for region, found in blocked.items() if not found and region in with_capacity]
    usable.sort(key=lambda region: (failures.get(region, 0), region not in peers))  # stable: the order stays
    if not usable:
        return None
    rulesets = [_ids(offer.firewall_rulesets, name, usable[0])[0] for name in settings.firewall_rulesets]
    return Choice(usable[0], image_id(offer, settings, usable[0]), cents, tuple(rulesets))


def launch_body(settings: LaunchSettings, wanted: Wanted, choice: Choice) -> dict[str, Any]:
    """The request that launches one instance (reference §4.2; more than one a request is refused)."""
    body: dict[str, Any] = {
        "region_name": choice.region,
        "instance_type_name": settings.instance_type,
        "ssh_key_names": [settings.ssh_key_name],
        "name": wanted.name,
        "image": {"id": choice.image_id},
        "tags": [{"key": key, "value": wanted.tags[key]} for key in sorted(wanted.tags)],
    }
    optional = {
        "hostname": wanted.hostname,
        "user_data": settings.user_data,
        "file_system_names": list(settings.file_systems),
        "firewall_rulesets": [{"id": identifier} for identifier in choice.firewall_ruleset_ids],
    }
    return {**body, **{name: value for name, value in optional.items() if value}}


def key_to_register(keys: Sequence[Mapping[str, Any]], settings: LaunchSettings) -> bool:
    """Whether the public key is still to be registered. Raises LambdaCloudError when the name cannot be used."""
    name, wanted = settings.ssh_key_name, settings.ssh_public_key
    there = [str(key.get("public_key") or "") for key in keys if key.get("name") == name]
    if not there and not wanted:
        known = ", ".join(sorted(str(key.get("name")) for key in keys)) or "none"
        raise LambdaCloudError(
            f"Lambda Cloud has no SSH key {name} (it has: {known}); give `ssh_public_key` to register it."
        )
    if there and wanted and _key(wanted) not in [_key(text) for text in there]:
        raise LambdaCloudError(
            f"The SSH key {name} at Lambda Cloud is another than `ssh_public_key`, and keys cannot be changed there; "
            "give it another `ssh_key_name`, or delete the old one in Lambda's dashboard."
        )
    return not there


def _key(text: str) -> list[str]:
    """Type and value; comments and spaces differ."""
    return text.split()[:2]


def _region(row: Mapping[str, Any]) -> str:
    return str((row.get("region") or {}).get("name") or "")


def _ids(rows: Sequence[Mapping[str, Any]], name: str, region: str) -> list[str]:
    return [str(row["id"]) for row in rows if row.get("id") and row.get("name") == name and _region(row) == region]


def _age(image: Mapping[str, Any]) -> tuple:
    version = [int(number) for number in re.findall(r"\d+", str(image.get("version") or ""))]
    return version, str(image.get("updated_time") or ""), str(image.get("created_time") or ""), str(image.get("id"))
