# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions of the control endpoint: keys, capacity, limits and what else a test must be able to bring about."""

from __future__ import annotations

import uuid
from dataclasses import fields, replace

from lab.cloud.lambda_cloud import access, catalogue
from lab.cloud.lambda_cloud.account import Account


def api_key(account: Account, given: dict) -> dict:
    """key (or keys, a list): make API keys valid; valid: false makes them invalid."""
    _only(given, "key", "keys", "valid")
    keys = given.get("keys", [given["key"]] if "key" in given else [])
    if not isinstance(keys, list) or not keys or not all(isinstance(key, str) and key for key in keys):
        raise ValueError("api_key needs key, a string, or keys, a list of them.")
    sums = {access.digest(key) for key in keys}
    kept = [known for known in account.state.keys if known not in sums]
    account.state.keys = [*kept, *sorted(sums)] if given.get("valid", True) else kept
    return {"keys": len(account.state.keys)}


def capacity(account: Account, given: dict) -> dict:
    """instance_type, region, count: how many can still be launched (-1: without an end). Without region: everywhere. \
advertised: true or false makes /instance-types tell something else than is so, null the truth."""
    _only(given, "instance_type", "region", "count", "advertised")
    kind, region = given.get("instance_type"), given.get("region")
    if kind not in catalogue.instance_types({}):
        raise ValueError(f"instance_type is {kind!r}; there are {', '.join(catalogue.instance_types({}))}.")
    if region is not None and region not in catalogue.REGIONS:
        raise ValueError(f"region is {region!r}; there are {', '.join(catalogue.REGIONS)}.")
    count, told = given.get("count"), given.get("advertised")
    if count is not None and (type(count) is not int or count < -1):
        raise ValueError("count is a number of instances, or -1 for no end.")
    for name in [region] if region else list(catalogue.REGIONS):
        if count is not None:
            account.set_capacity(kind, name, count)
        if "advertised" in given:
            account.state.advertised.setdefault(kind, {})[name] = told
    return {name: left for name in catalogue.REGIONS if (left := account.capacity(kind, name))}


def limits(account: Account, given: dict) -> dict:
    """enabled, request_seconds, launch_seconds; of a 429: body (text, json, html, empty), retry_after_seconds."""
    if given.get("body", "text") not in ("text", "json", "html", "empty"):
        raise ValueError("body is text, json, html or empty.")
    account.state.limits = _replaced(account.state.limits, given)
    return vars(account.state.limits)


def behaviour(account: Account, given: dict) -> dict:
    """Where the sources leave it open: launch_not_found_status (400 or 404), tags_while_booting, \
firewall_rulesets_while_booting, ssh_key_in_use."""
    account.state.behaviour = _replaced(account.state.behaviour, given)
    return vars(account.state.behaviour)


def quota(account: Account, given: dict) -> dict:
    """instances: how many there may be, null for no end."""
    _only(given, "instances")
    account.state.quota = None if given.get("instances") is None else int(_seconds(given, "instances"))
    return {"instances": account.state.quota}


def boot_seconds(account: Account, given: dict) -> dict:
    """seconds: how long later launches boot, on the simulator's clock; nothing to instances that are real hosts."""
    _only(given, "seconds")
    account.state.boot_seconds = _seconds(given, "seconds")
    return {"seconds": account.state.boot_seconds}


def terminate_seconds(account: Account, given: dict) -> dict:
    """seconds: how long an instance is terminating; gone_seconds: how long it is then still shown as terminated."""
    _only(given, "seconds", "gone_seconds")
    account.state.terminate_seconds = _seconds(given, "seconds", account.state.terminate_seconds)
    account.state.gone_seconds = _seconds(given, "gone_seconds", account.state.gone_seconds)
    return {"seconds": account.state.terminate_seconds, "gone_seconds": account.state.gone_seconds}


def instance_status(account: Account, given: dict) -> dict:
    """id or name, status: unhealthy, preempted or any other text; null: what is so again."""
    _only(given, "id", "name", "status")
    status = given.get("status")
    if status is not None and (not isinstance(status, str) or not status):
        raise ValueError("status is a text, or null.")
    wanted = {"id": given.get("id"), "name": given.get("name")}
    found = [one for one in account.instances() if one.id == wanted["id"] or one.name == wanted["name"] is not None]
    if not found:
        raise ValueError(f"There is no instance {wanted['id'] or wanted['name']!r}.")
    for instance in found:
        instance.forced_status = status
    return {"ids": [instance.id for instance in found]}


def instances(account: Account, given: dict) -> list[dict]:
    """All instances with what the API does not show: image_id, user_data_sha256, boots_at; no secret."""
    _only(given)
    shown = ("id", "name", "region_name", "instance_type_name", "image_id", "user_data_sha256", "boots_at", "tags")
    return [
        {**{name: getattr(one, name) for name in shown}, "status": account.status(one)} for one in account.instances()
    ]


def ssh_keys(account: Account, given: dict) -> list[dict]:
    """name, public_key: add a key, or replace that of the name."""
    _only(given, "name", "public_key")
    if not all(isinstance(given.get(name), str) and given[name] for name in ("name", "public_key")):
        raise ValueError("ssh_keys needs name and public_key.")
    others = [key for key in account.state.ssh_keys if key["name"] != given["name"]]
    account.state.ssh_keys = [*others, {"id": uuid.uuid4().hex, **given}]
    return account.state.ssh_keys


def account_state(account: Account, given: dict) -> dict:
    """state: active, inactive, invalid-address or forbidden (each but the first answers 403)."""
    _only(given, "state")
    if given.get("state") not in access.ACCOUNTS:
        raise ValueError(f"state is {given.get('state')!r}; it is one of {', '.join(access.ACCOUNTS)}.")
    account.state.account = given["state"]
    return {"state": account.state.account}


def price(account: Account, given: dict) -> dict:
    """instance_type, cents_per_hour: another price; null: the usual one."""
    _only(given, "instance_type", "cents_per_hour")
    if given.get("instance_type") not in catalogue.instance_types({}):
        raise ValueError(f"instance_type is one of {', '.join(catalogue.instance_types({}))}.")
    account.state.price_cents.pop(given["instance_type"], None)
    if given.get("cents_per_hour") is not None:
        account.state.price_cents[given["instance_type"]] = int(_seconds(given, "cents_per_hour"))
    return account.state.price_cents


def images(account: Account, given: dict) -> dict:
    """hidden: a list of {family, version, architecture, region, id}, each any of them: such images are not there."""
    _only(given, "hidden")
    known, hidden = {"family", "version", "architecture", "region", "id"}, given.get("hidden")
    if not isinstance(hidden, list) or not all(isinstance(one, dict) and one and set(one) <= known for one in hidden):
        raise ValueError(f"hidden is a list of objects with any of {', '.join(sorted(known))}.")
    account.state.hidden_images = hidden
    return {"images": len(catalogue.images(hidden))}


ACTIONS = {
    "account": account_state,
    **{
        each.__name__: each
        for each in (api_key, behaviour, boot_seconds, capacity, images, instance_status, instances, limits)
    },
    **{each.__name__: each for each in (price, quota, ssh_keys, terminate_seconds)},
}


def control(account: Account, action: str, given: dict) -> object:
    """Do one action. Raises ValueError, in a sentence."""
    if action not in ACTIONS:
        raise ValueError(f"The simulated Lambda Cloud has no action {action!r}; it has {', '.join(sorted(ACTIONS))}.")
    return ACTIONS[action](account, given)


def _only(given: dict, *names: str) -> None:
    unknown = sorted(set(given) - set(names))
    if unknown:
        raise ValueError(f"There is no {', '.join(unknown)}; there is {', '.join(names) or 'nothing to give'}.")


def _seconds(given: dict, name: str, default: float | None = None) -> float:
    value = given.get(name, default)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise ValueError(f"{name} is {value!r}, not a number from 0.")
    return value


def _replaced(settings: object, given: dict) -> object:
    """The settings with these values, each of the type it has now."""
    _only(given, *(each.name for each in fields(settings)))
    for name, value in given.items():
        now = getattr(settings, name)
        if name == "retry_after_seconds":
            fits = value is None or type(value) is int
        elif isinstance(now, bool) or isinstance(value, bool):
            fits = isinstance(now, bool) and isinstance(value, bool)
        else:
            fits = isinstance(value, (int, float) if isinstance(now, (int, float)) else str)
        if not fits:
            raise ValueError(f"{name} cannot be {value!r}.")
    return replace(settings, **given)
