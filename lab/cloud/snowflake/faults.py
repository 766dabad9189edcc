# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: what goes wrong with the next statements or logins."""

from __future__ import annotations

import re
from dataclasses import dataclass

KINDS = ("error", "cut", "slow", "http")
AT = ("statement", "login")


@dataclass
class Fault:
    """One fault. `count`: how many it still meets, -1 for all. `carried_out`: the statement is done all the same."""

    kind: str = "error"
    errno: int = 0
    sqlstate: str = "XX000"
    message: str = "A fault of the lab."
    matching: str = ""
    count: int = 1
    status: int = 503
    seconds: float = 1.0
    at: str = "statement"
    carried_out: bool = False


def parse(given: dict) -> Fault:
    """Read what the control was given. Raises ValueError, in a sentence."""
    unknown = sorted(set(given) - set(Fault.__dataclass_fields__))
    if unknown:
        raise ValueError(f"A fault has no {', '.join(unknown)}; it has {', '.join(Fault.__dataclass_fields__)}.")
    for name, value in given.items():
        right = type(getattr(Fault, name))
        if not isinstance(value, (int, float) if right is float else right):
            raise ValueError(f"A fault's {name} cannot be {value!r}.")
    fault = Fault(**given)
    if fault.kind not in KINDS or fault.at not in AT:
        raise ValueError(f"A fault's kind is one of {', '.join(KINDS)}, its at one of {', '.join(AT)}.")
    if fault.kind == "error" and not 0 < fault.errno < 1_000_000:
        raise ValueError("A fault without a kind needs an errno from 1 to 999999.")
    if not 200 <= fault.status <= 599:
        raise ValueError("A fault's status is one from 200 to 599.")
    try:
        re.compile(fault.matching)
    except re.error as error:
        raise ValueError(f"A fault's matching is a regular expression, and this is none: {error}.") from error
    return fault


class Faults:
    """The faults that are set, the oldest first."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._faults.append(fault)

    def clear(self) -> None:
        self._faults.clear()

    def list(self) -> list[dict]:
        return [dict(vars(fault)) for fault in self._faults]

    def take(self, at: str, text: str) -> Fault | None:
        """The oldest fault that meets this statement, or login of this user, counted down."""
        for fault in self._faults:
            if fault.count and fault.at == at and re.search(fault.matching, text, re.IGNORECASE):
                fault.count -= 1 if fault.count > 0 else 0
                self._faults = [left for left in self._faults if left.count]
                return fault
        return None
