# SPDX-License-Identifier: GPL-3.0-or-later
"""What must come before what."""

from __future__ import annotations


def in_order(names: list[str], needs: dict[str, list[str]]) -> tuple[list[str], list[str]]:
    """The names, each after what it needs and otherwise in the given order, and a cycle if there is one.

    Names that are needed but not given are ignored.
    """
    done: list[str] = []
    path: list[str] = []

    def visit(name: str) -> list[str]:
        if name in done or name not in names:
            return []
        if name in path:
            return [*path[path.index(name) :], name]
        path.append(name)
        for needed in needs.get(name, []):
            cycle = visit(needed)
            if cycle:
                return cycle
        done.append(path.pop())
        return []

    for name in names:
        cycle = visit(name)
        if cycle:
            return done, cycle
    return done, []
