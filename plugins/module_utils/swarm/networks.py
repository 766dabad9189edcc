# SPDX-License-Identifier: GPL-3.0-or-later
"""A stack's own networks, which the CLI makes and never removes."""

from __future__ import annotations

import time
from collections.abc import Collection

from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import EngineError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import STACK_LABEL, Swarm

PATIENCE_SECONDS = 20
POLL_SECONDS = 0.5


def own(swarm: Swarm, stack: str) -> list[dict]:
    """The networks that were made for the stack."""
    return [one for one in swarm.networks(stack) if (one.get("Labels") or {}).get(STACK_LABEL) == stack]


def remove_all_but(swarm: Swarm, stack: str, wanted: Collection[str]) -> list[str]:
    """Remove the stack's own networks that are not wanted; returns what the engine said of those that stay.

    The engine refuses for a moment after the last task has gone, so that this is tried for PATIENCE_SECONDS.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    kept = []
    for network in own(swarm, stack):
        while network["Name"] not in wanted:
            try:
                swarm.remove("networks", network["Id"])
                break
            except EngineError as error:
                if time.monotonic() > deadline:
                    kept.append(f"The network {network['Name']} cannot be removed: {error.message}")
                    break
                time.sleep(POLL_SECONDS)
    return kept
