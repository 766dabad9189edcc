# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: Ansible's `diff` of a deploy, with everything secret masked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.swarm import spec as specs
from ansible_collections.sophia.platform.plugins.module_utils.swarm.mask import Masker
from ansible_collections.sophia.platform.plugins.module_utils.swarm.plan import NONE, REMOVE, Release, Step


def of_services(
    stack: str,
    planned: list[Step],
    previous: Release | None,
    wanted: Mapping[str, dict],
    live: Mapping[str, dict],
    masker: Masker,
) -> list[dict[str, str]]:
    """One entry for each service that changes; for one changed by hand also its spec as it is and as recorded."""
    entries = []
    for step in planned:
        if step.action == NONE:
            continue
        before = previous.views.get(step.service) if previous else None
        after = None if step.action == REMOVE else wanted[step.service]
        if before != after:
            entries.append(entry(f"{stack}_{step.service}", masker.tree(before), masker.tree(after)))
        recorded = previous.specs.get(step.service) if previous else None
        if recorded and step.service in live and after is not None:
            seen = specs.normalised(live[step.service]["Spec"])
            if seen != recorded:
                entries.append(
                    entry(f"{stack}_{step.service} (changed by hand)", masker.tree(seen), masker.tree(recorded))
                )
    return entries


def entry(name: str, before: Any, after: Any) -> dict[str, str]:
    return {
        "before_header": name if before is not None else f"{name} (absent)",
        "after_header": name if after is not None else f"{name} (absent)",
        "before": _text(before),
        "after": _text(after),
    }


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value if value.endswith("\n") else value + "\n"
    return json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False) + "\n"
