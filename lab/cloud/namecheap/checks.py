# SPDX-License-Identifier: GPL-3.0-or-later
"""What is looked at before a command runs, in this order (reference §14)."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from lab.cloud.namecheap.envelope import ApiError
from lab.cloud.wire import Request

MAX_URL_LENGTH = 2000
WINDOW_SECONDS = 60


@dataclass
class Account:
    """The one account. `addresses` is its allow-list; None leaves it unchecked."""

    user: str
    key: str
    addresses: list[str] | None = field(default=None)


def parameters(request: Request) -> dict[str, str]:
    """Query and body as one, their names in lower case."""
    fields = request.form() if request.method == "POST" else {}
    return {name.lower(): value for name, value in [*request.query.items(), *fields.items()]}


def check_caller(given: Mapping[str, str], account: Account | None) -> None:
    """Raises the first error there is. The allow-list is held against ClientIp: the simulator sees no other source."""
    for name, number in (("ApiUser", 1010101), ("ApiKey", 1010102), ("Command", 1010104), ("ClientIp", 1010105)):
        if not given.get(name.lower()):
            written = {"ApiUser": "APIUser", "ApiKey": "APIKey", "ClientIp": "ClientIP"}.get(name, name)
            raise ApiError(number, f"Parameter {written} is missing", is_global=True)
    address = given["clientip"]
    try:
        ipaddress.IPv4Address(address)
    except ValueError:
        raise ApiError(1011105, "Parameter ClientIP is invalid", is_global=True) from None
    if account is None or not (_same(given["apiuser"], account.user) and _same(given["apikey"], account.key)):
        raise ApiError(1011102, "API Key is invalid or API access has not been enabled", is_global=True)
    if not given.get("username"):
        raise ApiError(1019103, "Parameter UserName is not available", is_global=True)
    if given["username"] != account.user:
        raise ApiError(1016103, "Parameter UserName is unauthorized", is_global=True)
    if account.addresses is not None and address not in account.addresses:
        raise ApiError(1011150, f"Invalid request IP: {address}", is_global=True)


def _same(given: str, right: str) -> bool:
    return hmac.compare_digest(given.encode(), right.encode())


def within_limit(calls: list[float], now: float, per_minute: int) -> bool:
    """Whether one more call may pass; keeps the times of those that did. Refused ones are not counted."""
    calls[:] = [time for time in calls if now - WINDOW_SECONDS < time <= now]
    if per_minute and len(calls) >= per_minute:
        return False
    calls.append(now)
    return True
