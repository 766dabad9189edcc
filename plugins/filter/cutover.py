# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of a cut-over as a filter, documented in cutover_plan.yml."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.sophia.platform.plugins.module_utils.catalog.origin import plain
from ansible_collections.sophia.platform.plugins.module_utils.dns import cutover


class FilterModule:
    """The filters."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {"cutover_plan": lambda now, *arguments: cutover.plan(plain(now), *map(plain, arguments))}
