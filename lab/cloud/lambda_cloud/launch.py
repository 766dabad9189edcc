# SPDX-License-Identifier: GPL-3.0-or-later
"""Launching: everything that is checked, in the order quick refusals first, capacity last."""

from __future__ import annotations

import hashlib
import secrets
import uuid

from lab.cloud.lambda_cloud import catalogue, fields
from lab.cloud.lambda_cloud.account import Account
from lab.cloud.lambda_cloud.errors import ApiError, invalid, missing
from lab.cloud.lambda_cloud.state import Instance
from lab.cloud.wire import Request

_REQUIRED = ("region_name", "instance_type_name", "ssh_key_names")
_FIELDS = (
    *_REQUIRED,
    *("name", "hostname", "image", "user_data", "quantity", "tags"),
    *("file_system_names", "file_system_mounts", "firewall_rulesets"),
)
_USER_DATA_BYTES_MAX = 1_000_000
_MOUNT_POINT = r"(/home|/lambda/nfs|/data)[/a-zA-Z0-9-]*"


def launch(account: Account, request: Request) -> dict:
    """POST /instance-operations/launch."""
    given = fields.body(request, _FIELDS, _REQUIRED)
    region, kind = _place(account, given)
    keys = _ssh_keys(account, given)
    image = _image(account, given, region, kind)
    names = _file_systems(account, given, region)
    mounts, mounted = _mounts(account, given, region)
    instance = Instance(
        id=uuid.uuid4().hex,
        name=fields.text(given, "name", most=64) or None,
        launched_name=given.get("name") or None,
        hostname=fields.text(given, "hostname", pattern=r"[a-z0-9][0-9a-z-]{0,62}"),
        region_name=region,
        instance_type_name=kind,
        ssh_key_names=[key["name"] for key in keys],
        public_keys=[key["public_key"] for key in keys],
        file_system_names=[*names, *(name for name in mounted if name not in names)],
        file_system_mounts=mounts,
        tags=_tags(given),
        firewall_rulesets=_rulesets(account, given, region),
        image_id=image["id"],
        user_data_sha256=_user_data(given),
        jupyter_token=secrets.token_hex(16),
        number=account.state.number + 1,
        launched_at=account.clock.now(),
        boots_at=account.clock.now() + account.state.boot_seconds,
    )
    _afford(account, given, region, kind)
    account.state.number += 1
    account.state.instances.append(instance)
    account.start(instance)
    return {"instance_ids": [instance.id]}


def _missing(account: Account, what: str) -> ApiError:
    return missing(what, account.state.behaviour.launch_not_found_status)


def _place(account: Account, given: dict) -> tuple[str, str]:
    quantity = given.get("quantity")
    if quantity is not None and (not isinstance(quantity, int) or quantity != 1):
        raise invalid("quantity: Input should be less than or equal to 1")
    region, kind = fields.text(given, "region_name"), fields.text(given, "instance_type_name")
    if region not in catalogue.REGIONS:
        raise invalid(f"region_name: there is no region {region!r}")
    if kind not in catalogue.instance_types({}):
        raise _missing(account, "instance type")
    return region, kind


def _ssh_keys(account: Account, given: dict) -> list[dict]:
    names = fields.strings(given, "ssh_key_names")
    if len(names) != 1:
        raise invalid("ssh_key_names: List should have exactly 1 item")
    found = [key for key in account.state.ssh_keys if key["name"] == names[0]]
    if not found:
        raise _missing(account, "SSH key")
    return found


def _image(account: Account, given: dict, region: str, kind: str) -> dict:
    """The image of this id, or the newest of this family; of the type's architecture."""
    wanted = given.get("image")
    wanted = {"family": catalogue.DEFAULT_FAMILY} if wanted is None else wanted
    if not isinstance(wanted, dict):
        raise invalid("image: Input should be an object")
    fields.only(wanted, ("family", "id"), where="image.")
    if len(wanted) != 1 or not all(isinstance(value, str) for value in wanted.values()):
        raise invalid("image: Input should have either a family or an id")
    ((name, value),) = wanted.items()
    rows = catalogue.images(account.state.hidden_images)
    found = [row for row in rows if row["region"]["name"] == region and row[name] == value]
    if not found:
        raise _missing(account, "image")
    usable = [row for row in found if row["architecture"] == catalogue.architecture(kind)]
    if not usable:
        raise invalid(f"image: it is for {found[-1]['architecture']}, and {kind} is {catalogue.architecture(kind)}")
    return usable[-1]


def _file_system(account: Account, name: str, value: str, region: str) -> dict:
    found = next((one for one in account.state.file_systems if one[name] == value), None)
    if found is None:
        raise _missing(account, "file system")
    if found["region"]["name"] != region:
        code = "instance-operations/launch/file-system-in-wrong-region"
        raise ApiError(400, code, f"File system {found['name']} is in {found['region']['name']}, not in {region}.")
    return found


def _file_systems(account: Account, given: dict, region: str) -> list[str]:
    names = fields.strings(given, "file_system_names")
    return [_file_system(account, "name", name, region)["name"] for name in names]


def _mounts(account: Account, given: dict, region: str) -> tuple[list[dict], list[str]]:
    """The mounts, and the names of the file systems that they mount."""
    mounts, names = [], []
    for number, mount in enumerate(fields.objects(given, "file_system_mounts")):
        where = f"file_system_mounts.{number}."
        fields.only(mount, ("mount_point", "file_system_id"), ("mount_point", "file_system_id"), where)
        point = fields.text(mount, "mount_point", 1, 256, _MOUNT_POINT, where)
        found = _file_system(account, "id", fields.text(mount, "file_system_id", where=where), region)
        mounts.append({"mount_point": point, "file_system_id": found["id"]})
        names.append(found["name"])
    return mounts, names


def _tags(given: dict) -> list[dict]:
    tags = fields.objects(given, "tags")
    for number, tag in enumerate(tags):
        where = f"tags.{number}."
        fields.only(tag, ("key", "value"), ("key", "value"), where)
        fields.text(tag, "key", 1, 55, r"[a-z][a-z0-9-:]+", where)
        fields.text(tag, "value", 0, 128, where=where)
    if len({tag["key"] for tag in tags}) < len(tags):
        raise invalid("tags: keys should be unique")
    return tags


def _rulesets(account: Account, given: dict, region: str) -> list[dict]:
    wanted = fields.objects(given, "firewall_rulesets")
    for number, entry in enumerate(wanted):
        fields.only(entry, ("id",), ("id",), f"firewall_rulesets.{number}.")
        found = next((one for one in account.state.rulesets if one["id"] == entry["id"]), None)
        if found is None:
            raise _missing(account, "firewall ruleset")
        if found["region"]["name"] != region:
            raise invalid(f"firewall_rulesets: {found['name']} is in {found['region']['name']}, not in {region}")
    return wanted


def _user_data(given: dict) -> str | None:
    """Write-only, and it may hold secrets: only its sum is kept."""
    data = fields.text(given, "user_data")
    if data is None:
        return None
    content = data.encode()
    if len(content) > _USER_DATA_BYTES_MAX:
        raise invalid("user_data: it should not be larger than 1 MB")
    return hashlib.sha256(content).hexdigest()


def _afford(account: Account, given: dict, region: str, kind: str) -> None:
    quota = account.state.quota
    if quota is not None and len(account.live()) >= quota:
        raise ApiError(400, "global/quota-exceeded", "Quota exceeded.", "Contact Support to increase your quota.")
    problem = account.machines.problem(given)
    if problem:
        raise invalid(problem)
    if account.capacity(kind, region) == 0:
        raise ApiError(
            400,
            "instance-operations/launch/insufficient-capacity",
            "Not enough capacity to fulfill launch request.",
            "Choose an instance type with more availability, or try again later.",
        )
