# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading the fields of request bodies. All raise ApiError."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lab.cloud.lambda_cloud.errors import invalid
from lab.cloud.wire import Request


def body(request: Request, allowed: Iterable[str], required: Iterable[str] = ()) -> dict:
    """The request's JSON object with these fields. One that the API does not have is refused: a slip shows at once."""
    try:
        given = request.json()
    except ValueError:
        raise invalid("Invalid request data. The body is not JSON.") from None
    if not isinstance(given, dict):
        raise invalid("Invalid request data. The body is not an object.")
    only(given, allowed, required)
    return given


def only(given: dict, allowed: Iterable[str], required: Iterable[str] = (), where: str = "") -> None:
    """Refuse fields that are not known, and missing ones."""
    unknown = sorted(set(given) - set(allowed))
    if unknown:
        raise invalid(f"{where}{unknown[0]}: Extra inputs are not permitted")
    for name in required:
        if given.get(name) is None:
            raise invalid(f"{where}{name}: Field required")


def text(given: dict, name: str, least: int = 0, most: int = 10**9, pattern: str = "", where: str = "") -> str | None:
    """A string field; None when it is missing or null."""
    value = given.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(f"{where}{name}: Input should be a valid string")
    if not least <= len(value) <= most:
        raise invalid(f"{where}{name}: String should have {least} to {most} characters")
    if pattern and not re.fullmatch(pattern, value):
        raise invalid(f"{where}{name}: String should match pattern '{pattern}'")
    return value


def strings(given: dict, name: str) -> list[str]:
    """A list of strings; empty when it is missing or null."""
    value = given.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise invalid(f"{name}: Input should be a valid list of strings")
    return value


def objects(given: dict, name: str) -> list[dict]:
    """A list of objects; empty when it is missing or null."""
    value = given.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise invalid(f"{name}: Input should be a valid list of objects")
    return value
