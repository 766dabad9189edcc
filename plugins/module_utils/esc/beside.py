# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies beside a definition: tags of the environment, tags of revisions, protection against deletion.

Tags are asked for by name: lists of them have pages, whose end servers mark in different ways (reference §3.6).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ansible_collections.sophia.platform.plugins.module_utils.esc.client import EscClient
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.names import LATEST, VERSION, Place

PAGES_COUNT_MAX = 100


@dataclass(frozen=True)
class Change:
    """One thing that differs: how it is called, what it is and shall be, and the call that changes it."""

    name: str
    before: Any
    after: Any
    method: str
    path: str
    body: Mapping[str, Any]
    holds: Callable[[], bool]


def refuse(revision_tags: Sequence[str]) -> None:
    """Raise EscError for what cannot be a tag of a revision."""
    wrong = [tag for tag in revision_tags if tag == LATEST or tag[:1].isdigit() or not VERSION.fullmatch(tag)]
    if wrong:
        raise EscError(
            f"No tags for a revision: {', '.join(wrong)}. They begin with a letter, and {LATEST} moves by itself."
        )


def tag_changes(client: EscClient, place: Place, tags: Mapping[str, str], is_there: bool) -> list[Change]:
    """Return the tags of an environment that differ."""
    changes = []
    for name, value in sorted(tags.items()):
        path = f"tags/{quote(name, safe='')}"

        def read(path: str = path) -> Any:
            return _value(client.get("read a tag", place, path), "value")

        have = read() if is_there else None
        if have != value:
            # Its own fields, not those of the new tag, say which value is to be replaced.
            update = {"currentTag": {"value": have}, "newTag": {"name": name, "value": value}}
            new = have is None
            changes.append(
                Change(
                    f"tag {name}",
                    have,
                    value,
                    "POST" if new else "PATCH",
                    "tags" if new else path,
                    {"name": name, "value": value} if new else update,
                    lambda read=read, value=value: read() == value,
                )
            )
    return changes


def revision_tag_changes(client: EscClient, place: Place, names: Sequence[str], revision: int) -> list[Change]:
    """Return the tags that are not at this revision; 0 is one that is only about to be made."""
    changes = []
    for name in dict.fromkeys(names):
        path = f"versions/tags/{quote(name, safe='')}"

        def read(path: str = path) -> Any:
            return _value(client.get("read a revision's tag", place, path), "revision")

        have = read()
        if have != revision or not revision:
            changes.append(
                Change(
                    f"revision tag {name}",
                    have,
                    revision or "the new revision",
                    "POST" if have is None else "PATCH",
                    "versions/tags" if have is None else path,
                    {"name": name, "revision": revision} if have is None else {"revision": revision},
                    lambda read=read: read() == revision,
                )
            )
    return changes


def protection_changes(client: EscClient, place: Place, wanted: bool, is_there: bool) -> list[Change]:
    """Return the change of the protection against deletion, if there is one."""

    have = protected(client, place) if is_there else False
    if have == wanted:
        return []
    body = {"deletionProtected": wanted}
    return [
        Change(
            "protection against deletion",
            have,
            wanted,
            "PATCH",
            "settings",
            body,
            lambda: protected(client, place) == wanted,
        )
    ]


def protected(client: EscClient, place: Place) -> bool:
    """Whether an environment is protected against deletion."""
    return bool(_value(client.get("read the settings", place, "settings"), "deletionProtected"))


def all_tags(client: EscClient, place: Place) -> dict[str, str]:
    """Return all tags of an environment. The last page says so with an empty token, with 0 or with none."""
    tags: dict[str, str] = {}
    after = ""
    for _page in range(PAGES_COUNT_MAX):
        query = urlencode({"count": 500, **({"after": after} if after else {})})
        answer = client.get("read the tags", place, f"tags?{query}")
        page, previous = _value(answer, "tags"), after
        for tag in page.values() if isinstance(page, dict) else page if isinstance(page, list) else ():
            tags[str(_value(tag, "name"))] = str(_value(tag, "value"))
        after = str(_value(answer, "nextToken") or "")
        if after in ("", "0", previous) or not page:
            break
    return tags


def revisions(client: EscClient, place: Place, count: int) -> list[dict[str, Any]]:
    """Return the newest revisions."""
    answer = client.get("read the revisions", place, f"versions?{urlencode({'count': count})}")
    return [
        {
            "number": _value(revision, "number"),
            "created": _value(revision, "created"),
            "creator": _value(revision, "creatorLogin"),
            "tags": _value(revision, "tags") or [],
        }
        for revision in (answer if isinstance(answer, list) else [])[:count]
    ]


def apply(client: EscClient, place: Place, changes: Sequence[Change]) -> None:
    """Write changes; one whose outcome is not known, or that came in between, is read again. Raises EscError."""
    for change in changes:
        failure = None
        try:
            client.write(f"set the {change.name}", place, change.method, change.path, change.body)
        except EscError as error:
            failure = error
        if failure and not ((failure.outcome_unknown or failure.conflict) and change.holds()):
            raise failure
        if not failure and change.method == "PATCH" and not change.holds():
            raise EscError(f"Pulumi ESC took the {change.name} of {place} and did not change it; change it by hand.")


def lines(changes: Sequence[Change]) -> tuple[str, str]:
    """Return both sides of a diff."""
    before = "".join(f"{change.name}: {change.before}\n" for change in changes if change.before is not None)
    return before, "".join(f"{change.name}: {change.after}\n" for change in changes)


def _value(answer: Any, key: str) -> Any:
    return answer.get(key) if isinstance(answer, dict) else None
