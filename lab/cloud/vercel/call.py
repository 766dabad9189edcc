# SPDX-License-Identifier: GPL-3.0-or-later
"""One request as the endpoints see it: who asks, in which scope, with what; and what many of them need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from lab.cloud.vercel.errors import invalid
from lab.cloud.vercel.state import State
from lab.cloud.wire import Clock, Request

_PAGE, _PAGE_MAX = 20, 100


@dataclass(frozen=True)
class Call:
    """token: {user, teams, limited, default_team}; owner: the id of the team or the user whose things it is about."""

    state: State
    clock: Clock
    request: Request
    token: dict
    owner: str

    @property
    def now(self) -> float:
        return self.clock.now()

    def stamp(self) -> int:
        return self.state.now_ms(self.clock)

    def asked(self, name: str) -> str:
        """A value of the query; empty when it is missing."""
        return self.request.query.get(name, "")

    def flag(self, name: str) -> bool:
        return self.asked(name).lower() in ("1", "true")

    def value(self) -> object:
        """The body as JSON."""
        try:
            return self.request.json()
        except ValueError:
            raise invalid("Invalid JSON") from None

    def body(self, *allowed: str, required: tuple[str, ...] = ()) -> dict:
        """The body, an object. With `allowed`, other fields are refused."""
        return fields(self.value(), *allowed, required=required)


def fields(given: object, *allowed: str, required: tuple[str, ...] = ()) -> dict:
    """An object, checked for the names of its fields."""
    given = {} if given is None else given
    if not isinstance(given, dict):
        raise invalid("Invalid request: should be object.")
    for name in required:
        if given.get(name) is None:
            raise invalid(f"Invalid request: missing required property `{name}`.")
    for name in sorted(set(given) - set(allowed)) if allowed else ():
        raise invalid(f"Invalid request: should NOT have additional property `{name}`.")
    return given


def typed(given: dict, kinds: dict[str, type | tuple[type, ...]]) -> None:
    """Refuse fields of another type; null always passes here."""
    for name, kind in kinds.items():
        value = given.get(name)
        wrong = value is not None and (not isinstance(value, kind) or (isinstance(value, bool) and kind is int))
        if wrong:
            wanted = "/".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
            raise invalid(f"Invalid request: `{name}` should be {wanted}.")


def page(
    call: Call, key: str, records: list[dict], shown: Callable[[dict], dict] = dict, sort: str = "createdAt"
) -> dict:
    """A page of records, newest first. `until` (or `from`) and `since` are milliseconds; `next` is for `until`."""
    limit = _number(call, "limit", _PAGE)
    if not 1 <= limit <= _PAGE_MAX:
        raise invalid(f"Invalid request: `limit` should be from 1 to {_PAGE_MAX}.")
    until = _number(call, "until", _number(call, "from", 0))
    since = _number(call, "since", 0)
    left = sorted(records, key=lambda one: one[sort], reverse=True)
    left = [one for one in left if one[sort] > since and (not until or one[sort] < until)]
    taken = left[:limit]
    following = taken[-1][sort] if len(left) > limit else None
    previous = taken[0][sort] if taken and until else None
    pagination = {"count": len(taken), "next": following, "prev": previous}
    return {key: [shown(one) for one in taken], "pagination": pagination}


def _number(call: Call, name: str, default: int) -> int:
    text = call.asked(name)
    if not text:
        return default
    if not text.isdigit():
        raise invalid(f"Invalid request: `{name}` should be a number.")
    return int(text)
