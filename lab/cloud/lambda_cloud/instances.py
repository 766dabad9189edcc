# SPDX-License-Identifier: GPL-3.0-or-later
"""Instances and instance types as the API shows them, and what is done to running ones."""

from __future__ import annotations

from lab.cloud.lambda_cloud import catalogue, fields
from lab.cloud.lambda_cloud.account import Account
from lab.cloud.lambda_cloud.errors import ApiError, invalid
from lab.cloud.lambda_cloud.state import Instance
from lab.cloud.wire import Request

_RESTART_SECONDS = 15
_UNAVAILABLE = {
    "vm-has-not-launched": "The instance has not launched yet.",
    "vm-is-terminating": "The instance is being terminated.",
    "vm-action-in-progress": "Another action is in progress.",
    "vm-is-too-old": "The instance was launched before this was possible.",
}


def types(account: Account, _request: Request) -> dict:
    """GET /instance-types: an object, by name."""
    return {
        name: {
            "instance_type": shown,
            "regions_with_capacity_available": [
                catalogue.region(region) for region in catalogue.REGIONS if account.advertised(name, region)
            ],
        }
        for name, shown in catalogue.instance_types(account.state.price_cents).items()
    }


def listed(account: Account, request: Request) -> list[dict]:
    """GET /instances. There are no clusters, so none of one."""
    return [] if request.query.get("cluster_id") else [view(account, one) for one in account.instances()]


def get(account: Account, _request: Request, instance_id: str) -> dict:
    """GET /instances/{id}."""
    return view(account, account.find(instance_id))


def rename(account: Account, request: Request, instance_id: str) -> dict:
    """POST /instances/{id}: only the name can change."""
    instance = account.find(instance_id)
    given = fields.body(request, ["name"], ["name"])
    instance.name = fields.text(given, "name", most=64)
    return view(account, instance)


def restart(account: Account, request: Request) -> dict:
    """POST /instance-operations/restart: all of them or none."""
    found = _named(account, request)
    for instance in found:
        if _busy(account, instance):
            raise ApiError(
                409, "global/conflict", f"Instance {instance.id} cannot be restarted now.", "Try again later."
            )
    for instance in found:
        instance.restarted_at = account.clock.now()
    return {"restarted_instances": [view(account, instance) for instance in found]}


def terminate(account: Account, request: Request) -> dict:
    """POST /instance-operations/terminate: all of them or none; again is no error while an instance is known."""
    found = _named(account, request)
    for instance in found:
        if instance.terminated_at is None:
            instance.terminated_at = account.clock.now()
            account.stop(instance)
    return {"terminated_instances": [view(account, instance) for instance in found]}


def _named(account: Account, request: Request) -> list[Instance]:
    ids = fields.strings(fields.body(request, ["instance_ids"], ["instance_ids"]), "instance_ids")
    if not ids:
        raise invalid("instance_ids: List should have at least 1 item")
    return [account.find(one) for one in dict.fromkeys(ids)]


def view(account: Account, instance: Instance) -> dict:
    """An instance. While it boots `ip` is null and what may be missing is missing; empty lists are always missing."""
    status = account.status(instance)
    booting, behaviour = status == "booting", account.state.behaviour
    shown = {
        "id": instance.id,
        "status": status,
        "ip": None,
        "ssh_key_names": instance.ssh_key_names,
        "file_system_names": instance.file_system_names,
        "region": catalogue.region(instance.region_name),
        "instance_type": catalogue.instance_types(account.state.price_cents)[instance.instance_type_name],
        "actions": _actions(account, instance, status),
    }
    if instance.name is not None:
        shown["name"] = instance.name
    if instance.tags and (behaviour.tags_while_booting or not booting):
        shown["tags"] = instance.tags
    if instance.firewall_rulesets and (behaviour.firewall_rulesets_while_booting or not booting):
        shown["firewall_rulesets"] = instance.firewall_rulesets
    if instance.file_system_mounts and not booting:
        shown["file_system_mounts"] = instance.file_system_mounts
    addresses = None if booting else account.addresses(instance)
    if addresses:
        shown["ip"], shown["private_ip"] = addresses
        shown["hostname"] = instance.hostname or addresses[0].replace(".", "-")
        shown["jupyter_token"] = instance.jupyter_token
        place = f"jupyter-{instance.id}.lambdaspaces.com"
        shown["jupyter_url"] = f"https://{place}/?token={instance.jupyter_token}"
    return shown


def _actions(account: Account, instance: Instance, status: str) -> dict:
    can, cannot = {"available": True}, _reason(account, instance, status)
    names = ("rebuild", "restart", "cold_reboot")
    return {
        "migrate": _no("vm-is-too-old") if cannot is None else _no(cannot),
        **{name: can if cannot is None else _no(cannot) for name in names},
        "terminate": _no(cannot) if cannot == "vm-is-terminating" else can,
    }


def _reason(account: Account, instance: Instance, status: str) -> str | None:
    if status in ("terminating", "terminated"):
        return "vm-is-terminating"
    if status == "booting":
        return "vm-has-not-launched"
    if instance.restarted_at is not None and account.clock.now() - instance.restarted_at < _RESTART_SECONDS:
        return "vm-action-in-progress"
    return None


def _busy(account: Account, instance: Instance) -> bool:
    return _reason(account, instance, account.status(instance)) is not None


def _no(reason: str) -> dict:
    return {"available": False, "reason_code": reason, "reason_description": _UNAVAILABLE[reason]}
