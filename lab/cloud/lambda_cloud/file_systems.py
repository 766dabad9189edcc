# SPDX-License-Identifier: GPL-3.0-or-later
"""File systems: listed at /file-systems, made and deleted at /filesystems (reference §4.5)."""

from __future__ import annotations

import time
import uuid

from lab.cloud.lambda_cloud import catalogue, fields
from lab.cloud.lambda_cloud.account import Account
from lab.cloud.lambda_cloud.errors import ApiError, invalid, missing
from lab.cloud.wire import Request

_OWNER = {"id": "0f0e0d0c0b0a09080706050403020100", "email": "owner@example.com", "status": "active"}


def listed(account: Account, _request: Request) -> list[dict]:
    """GET /file-systems."""
    used = _used(account)
    return [{**one, "is_in_use": one["id"] in used} for one in account.state.file_systems]


def add(account: Account, request: Request) -> dict:
    """POST /filesystems."""
    given = fields.body(request, ["name", "region"], ["name", "region"])
    name = fields.text(given, "name", 1, 60, "[a-zA-Z]+[0-9a-zA-Z-]*")
    region = fields.text(given, "region")
    if region not in catalogue.REGIONS:
        raise invalid(f"region: there is no region {region!r}")
    if any(one["name"] == name for one in account.state.file_systems):
        raise ApiError(400, "global/duplicate", f"A file system named {name} exists.", "Choose another name.")
    made = {
        "id": uuid.uuid4().hex,
        "name": name,
        "mount_point": f"/lambda/nfs/{name}",
        "created": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(account.clock.now())),
        "created_by": _OWNER,
        "is_in_use": False,
        "region": catalogue.region(region),
        "bytes_used": 0,
    }
    account.state.file_systems.append(made)
    return made


def delete(account: Account, _request: Request, file_system_id: str) -> dict:
    """DELETE /filesystems/{id}."""
    found = next((one for one in account.state.file_systems if one["id"] == file_system_id), None)
    if found is None:
        raise missing("file system")
    if found["id"] in _used(account):
        raise ApiError(400, "filesystems/filesystem-in-use", f"File system {found['name']} is in use.")
    account.state.file_systems.remove(found)
    return {"deleted_ids": [found["id"]]}


def _used(account: Account) -> set[str]:
    return set().union(*(account.attached(instance) for instance in account.live()))
