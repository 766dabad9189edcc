# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments and their definitions: list, create, read, write, delete, clone (reference §3, §3.6, §3.7)."""

from __future__ import annotations

from lab.cloud.esc.accounts import json_object
from lab.cloud.esc.call import Call
from lab.cloud.esc.problems import Diagnostic, Range, Refused
from lab.cloud.esc.secrets import clear_text
from lab.cloud.esc.store import Environment
from lab.cloud.wire import Response, document

KEPT_BY_CLONES = ("preserveHistory", "preserveEnvironmentTags", "preserveRevisionTags")


def listed(call: Call) -> Response:
    """One page. The next one is asked for by the name of the last environment of this one."""
    wanted = call.organization or call.request.query.get("organization", "")
    seen = [
        key
        for key in sorted(call.store.environments)
        if call.token.may_read and call.token.sees(*key) and wanted in ("", key[0])
    ]
    after = call.request.query.get("continuationToken", "")
    if after:
        seen = [key for key in seen if key > tuple(after.split("/"))]
    count = call.whole_number("maxResults", call.knobs.page_size) or call.knobs.page_size
    following = "/".join(seen[count - 1]) if len(seen) > count else ""
    shown = [_summary(call.store.environments[key]) for key in seen[:count]]
    return document({"environments": shown, "nextToken": following})


def _summary(environment: Environment) -> dict:
    owner = {"name": environment.owner.title(), "githubLogin": environment.owner, "avatarUrl": ""}
    return {
        "id": environment.id,
        "organization": environment.organization,
        "project": environment.project,
        "name": environment.name,
        "created": environment.revisions[0].created,
        "modified": environment.latest.created,
        "tags": {name: tag.value for name, tag in environment.tags.items()},
        "settings": {"deletionProtected": environment.protected},
        "ownedBy": owner,
        "referrerMetadata": {"stackReferrerCount": 0, "environmentReferrerCount": 0},
    }


def create(call: Call) -> Response:
    given = json_object(call.request)
    key = (call.organization, str(given.get("project") or "default"), str(given.get("name") or ""))
    call.store.create(key, call.token.login)
    return Response(call.knobs.create_status)


def read(call: Call) -> Response:
    """A definition with its secrets sealed, now or at a version."""
    revision = call.env.at(*call.captured[:1] or ("",))
    return call.definition(revision.text, revision)


def decrypt(call: Call) -> Response:
    """A definition with its secrets in clear, now or at a version."""
    revision = call.env.at(*call.captured[:1] or ("",))
    return call.definition(clear_text(revision.text, call.sealer), revision)


def update(call: Call) -> Response:
    """The whole definition is replaced, unless another one than the caller knew is there. Raises Refused, Invalid."""
    environment = call.env
    known = {call.request.headers[name] for name in ("etag", "if-match") if call.request.headers.get(name)}
    if known - {environment.latest.etag}:
        raise Refused(call.knobs.conflict_status, f"environment {environment.title} has been modified")
    text = call.checked_and_sealed(call.text(), environment.title)
    revision = environment.latest
    if text != revision.text or call.knobs.identical_text_makes_revision:
        revision = call.store.save(environment, text, call.token.login)
    warning = Diagnostic("a warning of the simulator", Range(environment.title), severity="warning")
    said = {"diagnostics": [warning.json()]} if call.knobs.warn_on_update else {}
    return Response(200, document(said).body, headers=call.headers(revision))


def delete(call: Call) -> Response:
    environment = call.env
    if environment.protected:
        raise Refused(409, f"environment {environment.title} is protected from deletion")
    del call.store.environments[(environment.organization, environment.project, environment.name)]
    return Response(204)


def clone(call: Call) -> Response:
    given = json_object(call.request)
    key = (call.organization, str(given.get("project") or call.env.project), str(given.get("name") or ""))
    keep = {name for name in KEPT_BY_CLONES if given.get(name)}
    call.store.clone(call.env, key, call.token.login, str(given.get("version") or ""), keep)
    return Response(call.knobs.create_status)


def settings(call: Call) -> Response:
    return document({"deletionProtected": call.env.protected})


def change_settings(call: Call) -> Response:
    given = json_object(call.request)
    if set(given) != {"deletionProtected"} or not isinstance(given["deletionProtected"], bool):
        raise Refused(400, "settings have deletionProtected, true or false")
    call.env.protected = given["deletionProtected"]
    return settings(call)
