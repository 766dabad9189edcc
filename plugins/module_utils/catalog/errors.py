# SPDX-License-Identifier: GPL-3.0-or-later
"""What goes wrong with a catalog."""

from __future__ import annotations

from collections.abc import Iterable


class CatalogError(Exception):
    """A catalog nothing can be computed from; `problems` are all the reasons."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__("\n".join(self.problems))
