# SPDX-License-Identifier: GPL-3.0-or-later
"""Which instances become hosts of an inventory, and with which variables. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.errors import LambdaCloudError
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.model import Instance, named, tagged


def select(
    instances: Sequence[Instance], tags: Mapping[str, str], statuses: Collection[str]
) -> tuple[list[Instance], list[str]]:
    """Return the hosts by name, and a warning for each living instance with these tags that is left out.

    Raises LambdaCloudError for what would make a wrong inventory: a name twice, no name, no address.
    """
    own = [each for each in instances if each.has(tags) and (each.alive or each.status in statuses)]
    hosts = sorted((each for each in own if each.status in statuses), key=lambda each: each.name)
    names = [each.name for each in own]
    problems = [
        f"several instances are called {name} ({named([each for each in own if each.name == name])})"
        for name in sorted({name for name in names if name and names.count(name) > 1})
    ]
    problems += [f"{named([each])} has no name" for each in own if not each.name]
    problems += [f"{named([each])} has no public address" for each in hosts if not each.ip]
    if problems:
        raise LambdaCloudError(f"Of the instances with the tags {tagged(tags)}, {'; '.join(problems)}.")
    left = [each for each in own if each.status not in statuses]
    return hosts, [
        f"{named([each])} is no host of the inventory yet: it is not {' or '.join(statuses)}." for each in left
    ]


def variables(instance: Instance) -> dict[str, Any]:
    """Return the variables of a host."""
    return {
        "ansible_host": instance.ip,
        "public_address": instance.ip,
        "private_address": instance.private_ip,
        "lambda_id": instance.id,
        "lambda_region": instance.region,
        "lambda_instance_type": instance.instance_type,
        "lambda_status": instance.status,
        "lambda_tags": dict(instance.tags),
    }
