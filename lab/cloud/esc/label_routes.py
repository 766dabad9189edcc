# SPDX-License-Identifier: GPL-3.0-or-later
"""Revisions, and the tags of revisions and environments (reference §3.6)."""

from __future__ import annotations

import re
import secrets

from lab.cloud.esc.accounts import json_object
from lab.cloud.esc.call import Call
from lab.cloud.esc.problems import Refused
from lab.cloud.esc.store import LATEST, Tag
from lab.cloud.wire import Response, document

TAG_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.:-]{0,99}")  # no digit first: that is a revision's number
PAGE_SIZE = 500


def revisions(call: Call) -> Response:
    """Newest first, those before a number."""
    before, count = call.whole_number("before", 0), call.whole_number("count", 0)
    found = [each for each in reversed(call.env.revisions) if not before or each.number < before]
    shown = [
        {
            "number": each.number,
            "created": each.created,
            "creatorLogin": each.login,
            "creatorName": each.login.title(),
            "tags": call.env.tags_of(each),
        }
        for each in found[: count or None]
    ]
    return document(shown)


def revision_tags(call: Call) -> Response:
    tags = [*call.env.revision_tags.values(), _latest(call)]
    shown, following = _page(call, {tag.name: tag for tag in tags})
    return document({"tags": [_revision_tag(tag) for tag in shown], "nextToken": following})


def revision_tag(call: Call) -> Response:
    return document(
        _revision_tag(_latest(call) if call.captured[0] == LATEST else _found(call, call.env.revision_tags))
    )


def create_revision_tag(call: Call) -> Response:
    given = json_object(call.request)
    name = _new_name(given.get("name"), call.env.revision_tags)
    tag = _new(call, name)
    tag.revision = _revision(call, given)
    call.env.revision_tags[name] = tag
    return Response(204)


def move_revision_tag(call: Call) -> Response:
    _not_latest(call.captured[0])
    tag = _found(call, call.env.revision_tags)
    tag.revision = _revision(call, json_object(call.request))
    _touch(call, tag)
    return Response(204)


def delete_revision_tag(call: Call) -> Response:
    _not_latest(call.captured[0])
    del call.env.revision_tags[_found(call, call.env.revision_tags).name]
    return Response(204)


def tags(call: Call) -> Response:
    shown, following = _page(call, call.env.tags)
    return document({"tags": {tag.name: _tag(tag) for tag in shown}, "nextToken": following or "0"})


def tag(call: Call) -> Response:
    return document(_tag(_found(call, call.env.tags)))


def create_tag(call: Call) -> Response:
    given = json_object(call.request)
    name = _new_name(given.get("name"), call.env.tags)
    made = _new(call, name)
    made.value = str(given.get("value", ""))
    call.env.tags[name] = made
    return document(_tag(made))


def change_tag(call: Call) -> Response:
    """{currentTag: {value}, newTag: {name?, value?}}: only when the value is the one that the caller knew."""
    changed, given = _found(call, call.env.tags), json_object(call.request)
    current, new = given.get("currentTag"), given.get("newTag")
    if not isinstance(current, dict) or not isinstance(new, dict):
        raise Refused(400, "currentTag and newTag are needed")
    if current.get("value") != changed.value:
        raise Refused(409, f"tag {changed.name} has been modified")
    name = str(new.get("name") or changed.name)
    if name != changed.name:
        _new_name(name, call.env.tags)
        del call.env.tags[changed.name]
        changed.name = name
        call.env.tags[name] = changed
    changed.value = str(new.get("value", changed.value))
    _touch(call, changed)
    return document(_tag(changed))


def delete_tag(call: Call) -> Response:
    del call.env.tags[_found(call, call.env.tags).name]
    return Response(204)


def _page(call: Call, all_tags: dict[str, Tag]) -> tuple[list[Tag], str]:
    after, count = call.request.query.get("after", ""), call.whole_number("count", 0) or PAGE_SIZE
    names = [name for name in sorted(all_tags) if name > after]
    return [all_tags[name] for name in names[:count]], names[count - 1] if len(names) > count else ""


def _found(call: Call, all_tags: dict[str, Tag]) -> Tag:
    name = call.captured[0]
    if name not in all_tags:
        raise Refused(404, f"tag {name} not found")
    return all_tags[name]


def _new_name(name: object, all_tags: dict[str, Tag]) -> str:
    if not isinstance(name, str) or not TAG_NAME.fullmatch(name):
        raise Refused(400, f"invalid tag name {name!r}")
    if name in all_tags or name == LATEST:
        raise Refused(409, f"tag {name} already exists")
    return name


def _not_latest(name: str) -> None:
    if name == LATEST:
        raise Refused(400, f"the tag {LATEST} moves by itself")


def _revision(call: Call, given: dict) -> int:
    number = given.get("revision", call.env.latest.number)
    if isinstance(number, bool) or not isinstance(number, int):
        raise Refused(400, "a revision is a whole number")
    return call.env.at(str(number)).number


def _new(call: Call, name: str) -> Tag:
    now = call.store.now()
    return Tag(name, now, now, call.token.login, id=secrets.token_hex(8))


def _touch(call: Call, changed: Tag) -> None:
    changed.modified, changed.login = call.store.now(), call.token.login


def _latest(call: Call) -> Tag:
    latest = call.env.latest
    return Tag(LATEST, call.env.revisions[0].created, latest.created, latest.login, revision=latest.number)


def _common(shown: Tag) -> dict:
    who = {"editorLogin": shown.login, "editorName": shown.login.title()}
    return {"name": shown.name, "created": shown.created, "modified": shown.modified, **who}


def _revision_tag(shown: Tag) -> dict:
    return {**_common(shown), "revision": shown.revision}


def _tag(shown: Tag) -> dict:
    return {"id": shown.id, "value": shown.value, **_common(shown)}
