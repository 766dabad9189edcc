# SPDX-License-Identifier: GPL-3.0-or-later
"""Which environment variables must be created, changed and deleted. Pure.

Lists of the API hold ciphertext, and sensitive values can never be read again (reference §4). So the comment of each
variable ends with a fingerprint of its value: an HMAC, whose key is that of the caller or made from the project's id.
A value that someone changes by hand, leaving the comment, is not noticed.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

TARGETS = ("production", "preview", "development")
TYPES = ("plain", "encrypted", "sensitive")
COMMENT_CHARACTERS_MAX = 400
TOTAL_BYTES_MAX = 64 * 1024
SURELY_CHARACTERS_COUNT = 12
SAME = len(TARGETS) + 1
MARK = re.compile(r"\s*\[sophia [0-9a-f]*\]\s*$")
KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Variable = Mapping[str, Any]


@dataclass
class EnvironmentPlan:
    """deletes: as the API has them; updates: (id, body); creates: bodies. Bodies hold values."""

    deletes: list[Variable] = field(default_factory=list)
    updates: list[tuple[Variable, dict[str, Any]]] = field(default_factory=list)
    creates: list[dict[str, Any]] = field(default_factory=list)


def fingerprint(key: str, value: str, hmac_key: str) -> str:
    """Enough of an HMAC to notice another value; the name is part of it, so that equal values do not look equal."""
    return hmac.new(hmac_key.encode(), f"{key}\0{value}".encode(), hashlib.sha256).hexdigest()[:32]


def problems(want: Sequence[Variable]) -> Iterator[str]:
    """Say what is wrong with the wanted variables."""
    seen: dict[tuple[str, str], int] = {}
    size: dict[str, int] = {}
    for entry in want:
        key, targets = entry["key"], entry["target"]
        if not KEY.fullmatch(key):
            yield f"The environment variable {key!r} needs a name of letters, digits and _, not starting with a digit."
        if not targets:
            yield f"The environment variable {key} has no target; give one of {', '.join(TARGETS)}."
        if entry["type"] == "sensitive" and "development" in targets:
            yield f"The environment variable {key} is sensitive, and Vercel allows that only outside development."
        if len(entry["comment"]) > COMMENT_CHARACTERS_MAX:
            yield f"The comment of the environment variable {key} is longer than {COMMENT_CHARACTERS_MAX} characters."
        if MARK.search(entry["comment"]):
            yield f"The comment of the environment variable {key} ends like a fingerprint of this module."
        for target in targets:
            seen[key, target] = seen.get((key, target), 0) + 1
            size[target] = size.get(target, 0) + len(key.encode()) + len(entry["value"].encode())
    yield from (
        f"The environment variable {key} is given {count} times for {target}."
        for (key, target), count in seen.items()
        if count > 1
    )
    for target, count in size.items():
        if count > TOTAL_BYTES_MAX:
            yield f"The environment variables of {target} have {count} bytes; Vercel allows {TOTAL_BYTES_MAX}."


def body(entry: Variable, hmac_key: str) -> dict[str, Any]:
    """A wanted variable as the API takes it."""
    mark = f"[sophia {fingerprint(entry['key'], entry['value'], hmac_key)}]"
    return {
        "key": entry["key"],
        "value": entry["value"],
        "type": entry["type"],
        "target": [target for target in TARGETS if target in entry["target"]],
        "comment": f"{entry['comment'].strip()} {mark}".strip(),
    }


def secret_values(want: Mapping[str, Any]) -> set[str]:
    """The values that no message may hold: all but those that the same task says openly."""
    domains = want["domains"] or []
    openly = [want["name"], *(entry["name"] for entry in domains), *(entry["redirect"] or "" for entry in domains)]
    values = {entry["value"] for entry in want["environment_variables"] or []}
    return {value for value in values if not any(value in text for text in openly)}


def surely_secret(want: Mapping[str, Any]) -> set[str]:
    """The secret values that cannot be a piece of anything else that a result holds: long ones, not plain."""
    plain = {entry["value"] for entry in want["environment_variables"] or [] if entry["type"] == "plain"}
    return {value for value in secret_values(want) - plain if len(value) >= SURELY_CHARACTERS_COUNT}


def is_managed(entry: Variable) -> bool:
    """Variables of a git branch, of a custom environment or of Vercel itself are left alone."""
    return not entry.get("gitBranch") and not entry.get("customEnvironmentIds") and entry.get("type") != "system"


def make(have: Sequence[Variable], want: Sequence[Variable], hmac_key: str, purge: bool) -> EnvironmentPlan:
    """Compare. A name that is wanted is as wanted in all its targets; other names go only with purge."""
    plan = EnvironmentPlan()
    managed = [entry for entry in have if is_managed(entry)]
    names = sorted({entry["key"] for entry in want})
    for name in names:
        bodies = [body(entry, hmac_key) for entry in want if entry["key"] == name]
        _plan_name(plan, [entry for entry in managed if entry["key"] == name], bodies)
    if purge:
        plan.deletes += [entry for entry in managed if entry["key"] not in names]
    plan.updates.sort(key=lambda pair: not set(pair[1]["target"]) <= set(pair[0]["target"]))  # make room first
    return plan


def _plan_name(plan: EnvironmentPlan, have: list[Variable], bodies: list[dict[str, Any]]) -> None:
    """Pair what is there with what is wanted: the same targets first, then the most common ones."""
    left = list(have)
    pairs = []
    for entry in sorted(bodies, key=lambda one: not any(_closeness(old, one) == SAME for old in have)):
        best = max(left, key=lambda old: _closeness(old, entry), default=None)
        if best is None or not _closeness(best, entry):
            pairs.append((None, entry))
        else:
            left.remove(best)
            pairs.append((best, entry))
    plan.deletes += left
    for old, entry in pairs:
        if old is None:
            plan.creates.append(entry)
        elif _needs_new(old, entry):
            plan.deletes.append(old)
            plan.creates.append(entry)
        elif differences(old, entry):
            plan.updates.append((old, entry))


def _closeness(old: Variable, entry: Variable) -> int:
    """How much the targets of two variables have in common."""
    targets, wanted = set(old["target"]), set(entry["target"])
    return SAME if targets == wanted else len(targets & wanted)


def _needs_new(old: Variable, entry: Variable) -> bool:
    """A sensitive variable never becomes readable again, and `secret` is a kind that can no longer be written."""
    return old.get("type") != entry["type"] and old.get("type") in ("sensitive", "secret")


def differences(old: Variable, entry: Variable) -> list[str]:
    """What differs between a variable and what is wanted; a value differs when its fingerprint does."""
    found = []
    if old.get("type") != entry["type"]:
        found.append("type")
    if set(old["target"]) != set(entry["target"]):
        found.append("target")
    marks = [(MARK.search(text) or [""])[0].strip() for text in (old.get("comment") or "", entry["comment"])]
    if marks[0] != marks[1]:
        found.append("value")
    if MARK.sub("", old.get("comment") or "").strip() != MARK.sub("", entry["comment"]).strip():
        found.append("comment")
    return found


def described(entry: Variable) -> str:
    """A variable without its value."""
    comment = MARK.sub("", entry.get("comment") or "").strip()
    return f"{entry.get('type')} [{', '.join(entry['target'])}]" + (f" # {comment}" if comment else "")
