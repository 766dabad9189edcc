# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules, and what may be wrong with them before anything is asked of the API. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.client import API_URL
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.errors import LambdaCloudError
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.model import Wanted

INSTANCES_MAX = 16
USER_DATA_BYTES_MAX = 1_000_000
# Rules are not applied there (reference §4.8).
REGIONS_WITHOUT_FIREWALL = ("us-south-1",)

API_SPEC = {
    "api_key": {"type": "str", "no_log": True, "required": True, "fallback": (env_fallback, ["LAMBDA_API_KEY"])},
    "api_url": {"type": "str", "default": API_URL, "fallback": (env_fallback, ["LAMBDA_API_URL"])},
    "timeout_seconds": {"type": "float", "default": 30},
}
INSTANCE_SPEC = {
    **API_SPEC,
    "instances": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "tags": {"type": "dict", "default": {}},
            "hostname": {"type": "str", "default": ""},
            "region": {"type": "str", "default": ""},
            "ssh_port": {"type": "int"},
        },
    },
    "tags": {"type": "dict", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "instance_type": {"type": "str", "default": "gpu_1x_gh200"},
    "regions": {"type": "list", "elements": "str", "default": []},
    "image_family": {"type": "str", "default": "lambda-stack-24-04"},
    "image_id": {"type": "str", "default": ""},
    "ssh_key_name": {"type": "str", "default": "", "no_log": False},
    "ssh_public_key": {"type": "str", "default": "", "no_log": False},
    "user_data": {"type": "str", "default": "", "no_log": True},
    "firewall_rulesets": {"type": "list", "elements": "str", "default": []},
    "file_systems": {"type": "list", "elements": "str", "default": []},
    "max_price_cents_per_hour": {"type": "int", "default": 300},
    "max_instances": {"type": "int", "default": 3},
    "ssh_port": {"type": "int", "default": 22},
    "launch_interval_seconds": {"type": "float", "default": 13},
    "capacity_timeout_seconds": {"type": "int", "default": 900},
    "poll_interval_seconds": {"type": "float", "default": 5},
    "boot_timeout_seconds": {"type": "int", "default": 1500},
    "terminate_timeout_seconds": {"type": "int", "default": 600},
}


@dataclass(frozen=True)
class LaunchSettings:
    """What is the same for every launch of a run."""

    instance_type: str
    regions: tuple[str, ...]
    image_family: str
    image_id: str
    ssh_key_name: str
    ssh_public_key: str
    user_data: str
    firewall_rulesets: tuple[str, ...]
    file_systems: tuple[str, ...]
    max_price_cents_per_hour: int
    max_instances: int
    launch_interval_seconds: float
    capacity_timeout_seconds: float

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> LaunchSettings:
        """Take them from the module's options."""
        values = {name: options[name] for name in cls.__dataclass_fields__}
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in values.items()})


def ownership(options: Mapping[str, Any]) -> dict[str, str]:
    """Return the tags that say whose the instances are."""
    return _texts(options["tags"])


def wanted(options: Mapping[str, Any]) -> list[Wanted]:
    """Return the instances asked for. Raises LambdaCloudError with everything that is wrong with the options."""
    found = _problems(options)
    if found:
        raise LambdaCloudError(f"Nothing was asked of Lambda Cloud, the options do not fit: {'; '.join(found)}.")
    return [
        Wanted(
            name=entry["name"],
            tags={**_texts(entry.get("tags") or {}), **ownership(options)},
            hostname=entry.get("hostname") or "",
            region=entry.get("region") or "",
            ssh_port=options["ssh_port"] if entry.get("ssh_port") is None else entry["ssh_port"],
        )
        for entry in options["instances"]
    ]


def _texts(tags: Mapping[Any, Any]) -> dict[str, str]:
    return {str(key): str(value) for key, value in tags.items()}


def _problems(options: Mapping[str, Any]) -> list[str]:
    entries, present = options["instances"], options["state"] == "present"
    found = [] if options["tags"] else ["`tags` is empty, and they are how an instance is known as yours"]
    found += _tag_problems("`tags`", options["tags"])
    if not 1 <= len(entries) <= INSTANCES_MAX:
        found.append(f"`instances` has {len(entries)} entries, and 1 to {INSTANCES_MAX} are possible")
    names = [entry["name"] for entry in entries]
    found += [f"{name} is there {names.count(name)} times" for name in sorted(set(names)) if names.count(name) > 1]
    for entry in entries:
        found += _entry_problems(entry, options)
    if not 1 <= options["max_instances"] <= INSTANCES_MAX:
        found.append(f"`max_instances` is {options['max_instances']}, and 1 to {INSTANCES_MAX} are possible")
    if present and not options["ssh_key_name"]:
        found.append("`ssh_key_name` is missing: without a key nobody could log in")
    if not re.fullmatch(r"|(ssh|ecdsa|sk)-[\w@.-]+ [A-Za-z0-9+/]+={0,3}( .*)?", options["ssh_public_key"].strip()):
        found.append("`ssh_public_key` is no public key (`ssh-ed25519 AAAA… comment`)")
    if len(options["user_data"].encode()) > USER_DATA_BYTES_MAX:
        found.append(f"`user_data` is longer than {USER_DATA_BYTES_MAX} bytes")
    found += [
        f"`{name}` is {options[name]:g}, and that is no time"
        for name in sorted(INSTANCE_SPEC)
        if name.endswith("_seconds") and options[name] < 0
    ]
    asked = {*options["regions"], *(entry.get("region") or "" for entry in entries)}
    for region in sorted(asked.intersection(REGIONS_WITHOUT_FIREWALL)) if options["firewall_rulesets"] else ():
        found.append(f"{region} knows no firewall rulesets; take it out of the regions, or leave out the rulesets")
    return found


def _entry_problems(entry: Mapping[str, Any], options: Mapping[str, Any]) -> list[str]:
    name = entry["name"]
    found = [] if 1 <= len(name) <= 64 else [f"the name {name!r} has {len(name)} letters, and 1 to 64 are possible"]
    if entry.get("hostname") and not re.fullmatch(r"[a-z0-9][0-9a-z-]{0,62}", entry["hostname"]):
        found.append(f"the hostname {entry['hostname']!r} of {name} is none (small letters, digits and hyphens)")
    if entry.get("ssh_port") is not None and not 0 <= entry["ssh_port"] <= 65535:
        found.append(f"the `ssh_port` of {name} is {entry['ssh_port']}")
    owned = sorted(set(entry.get("tags") or {}).intersection(options["tags"]))
    found += [f"{name} sets the tag {key} again, which is in the common `tags`" for key in owned]
    return found + _tag_problems(f"the tags of {name}", entry.get("tags") or {})


def _tag_problems(what: str, tags: Mapping[Any, Any]) -> list[str]:
    found = []
    for key, value in tags.items():
        if not re.fullmatch(r"[a-z][a-z0-9:-]{1,54}", str(key)):
            found.append(f"{what}: the key {key!r} is none (2 to 55 of a-z, 0-9, - and :, a letter first)")
        if not isinstance(value, (str, int)) or isinstance(value, bool) or len(str(value)) > 128:
            found.append(f"{what}: the value of {key} is no text of at most 128 letters")
    return found
