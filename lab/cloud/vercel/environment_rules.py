# SPDX-License-Identifier: GPL-3.0-or-later
"""What an environment variable may be, and beside which others."""

from __future__ import annotations

import re

from lab.cloud.vercel.call import fields, typed
from lab.cloud.vercel.errors import ApiError, invalid
from lab.cloud.vercel.state import Knobs

_FIELDS = ("key", "value", "type", "target", "gitBranch", "comment", "customEnvironmentIds", "visibility")
_TARGETS = ("production", "preview", "development")
_TYPES = ("plain", "encrypted", "sensitive", "system", "secret")
_VALUE_BYTES_MAX, _COMMENT_MAX = 64 * 1024, 500


def normal(given: object) -> dict:
    """A variable in full, its targets a list."""
    given = fields(given, *_FIELDS, required=("key", "value", "type"))
    typed(given, {**dict.fromkeys(_FIELDS, str), "target": (list, str), "customEnvironmentIds": list})
    target = given.get("target") or []
    return {
        **{name: given.get(name) for name in _FIELDS},
        "target": [target] if isinstance(target, str) else list(target),
        "customEnvironmentIds": list(given.get("customEnvironmentIds") or []),
    }


def check(knobs: Knobs, one: dict) -> None:
    """Refuse what cannot be a variable."""
    key, targets = one["key"], one["target"]
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,255}", key):
        text = "The name contains invalid characters. Only letters, digits, and underscores are allowed."
        raise invalid(f"{text} Furthermore, the name should not start with a digit.", "INVALID_ENV_NAME")
    if one["type"] not in _TYPES:
        raise invalid("Invalid request: `type` should be equal to one of the allowed values.")
    if any(target not in _TARGETS for target in targets) or len(set(targets)) < len(targets):
        raise invalid("Invalid request: `target` should be distinct ones of production, preview, development.")
    if not all(isinstance(each, str) for each in one["customEnvironmentIds"]):
        raise invalid("Invalid request: `customEnvironmentIds` should be strings.")
    if not targets and not one["customEnvironmentIds"]:
        raise invalid("Invalid request: `target` or `customEnvironmentIds` is required.")
    if one["gitBranch"] and targets != ["preview"]:
        raise invalid("Invalid request: `gitBranch` is for the target preview only.")
    if one["visibility"] not in (None, "config", "secret"):
        raise invalid("Invalid request: `visibility` should be config or secret.")
    if len(one["comment"] or "") > _COMMENT_MAX:
        raise invalid(f"Invalid request: `comment` should NOT be longer than {_COMMENT_MAX} characters.")
    if len(one["value"].encode()) > _VALUE_BYTES_MAX:
        raise invalid("The value is larger than 64 KB.", "ENV_TOO_LARGE")
    _check_sensitive(knobs, one)


def _check_sensitive(knobs: Knobs, one: dict) -> None:
    targets = set(one["target"])
    if one["type"] == "sensitive" and "development" in targets:
        raise invalid("You cannot set a Sensitive Environment Variable's target to development.")
    if not knobs.env_sensitive_required or not targets - {"development"}:
        return
    if "development" in targets:
        raise invalid("The team's policy: development cannot be mixed with production or preview.")
    if one["type"] != "sensitive":
        raise invalid("The team's policy: variables for production and preview must be sensitive.")


def fail_if_conflicting(others: list[dict], one: dict) -> None:
    """A key is there once for a target and a branch."""
    for other in others:
        shared = set(other["target"]) & set(one["target"])
        custom = set(other["customEnvironmentIds"]) & set(one["customEnvironmentIds"])
        if other["key"] == one["key"] and other["gitBranch"] == one["gitBranch"] and (shared or custom):
            raise conflict(one, other)


def conflict(one: dict, other: dict) -> ApiError:
    """One variable has no room beside another."""
    more = {"key": one["key"], "envVarKey": one["key"], "target": other["target"], "gitBranch": other["gitBranch"]}
    text = f'Another Environment Variable with the Name "{one["key"]}" already exists for the same target and branch.'
    if other.get("id"):
        more["envVarId"] = other["id"]
    return invalid(text, "ENV_CONFLICT", **more)
