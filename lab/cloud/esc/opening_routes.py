# SPDX-License-Identifier: GPL-3.0-or-later
"""Definitions evaluated: checked, opened, read from a session (reference §3.1 to §3.3)."""

from __future__ import annotations

import json
import re

from lab.cloud.esc.answers import environment
from lab.cloud.esc.call import Call
from lab.cloud.esc.paths import PathError, parsed_path
from lab.cloud.esc.problems import Diagnostic, Position, Range, Refused
from lab.cloud.wire import Response, document

ANONYMOUS = "yaml"
DEFAULT_DURATION = "1h"
UNIT_SECONDS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
QUANTITY = r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)"


def duration_seconds(text: str) -> float:
    """A Go duration (`1h30m`). Raises Refused."""
    if not re.fullmatch(f"(?:{QUANTITY})+", text):
        raise Refused(400, f"invalid duration {text!r}")
    return sum(float(number) * UNIT_SECONDS[unit] for number, unit in re.findall(QUANTITY, text))


def check(call: Call) -> Response:
    """What a definition would evaluate to, as far as that is known without opening it."""
    evaluation, values = call.evaluation(call.text(), ANONYMOUS, opening=False)
    return _environment(environment(evaluation, values, call.request.query.get("showSecrets") == "true"))


def open_environment(call: Call) -> Response:
    """The session of an environment, now or at a version."""
    revision = call.env.at(*call.captured[:1] or ("",))
    return _opened(call, revision.text, call.env.title, [call.organization, call.env.project, call.env.name])


def open_text(call: Call) -> Response:
    return _opened(call, call.text(), ANONYMOUS, [call.organization])


def _opened(call: Call, text: str, name: str, of: list[str]) -> Response:
    seconds = duration_seconds(call.request.query.get("duration") or DEFAULT_DURATION)
    evaluation, values = call.evaluation(text, name, opening=True)
    session = call.store.open(of, environment(evaluation, values), seconds, call.knobs.number_session_id)
    number: object = int(session.id) if call.knobs.number_session_id else session.id
    where = Range(name, Position(1, 1, 0), Position(1, 1, 0))
    warning = Diagnostic("deprecated provider", where, severity="warning")
    said = {"diagnostics": [warning.json()]} if call.knobs.warn_on_open else {}
    return document({"id": number, **said})


def read_session(call: Call) -> Response:
    return _read(call, [call.organization, call.env.project, call.env.name])


def read_text_session(call: Call) -> Response:
    return _read(call, [call.organization])


def _read(call: Call, of: list[str]) -> Response:
    session = call.store.session(of, call.captured[0])
    asked = call.request.query.get("property")
    if not asked:
        return _environment(session.document)
    return document(_property(session.document, asked))


def _property(evaluated: dict, asked: str) -> dict:
    """One Value out of an evaluated environment. Raises Refused."""
    try:
        path = parsed_path(asked)
    except PathError as error:
        raise Refused(400, f"invalid property path: {error}") from None
    value: dict = {"value": evaluated.get("properties", {})}
    secret = False
    for element in path:
        inner = value.get("value")
        fits = isinstance(inner, dict) if isinstance(element, str) else isinstance(inner, list)
        if not fits or (element not in inner if isinstance(element, str) else element >= len(inner)):
            raise Refused(404, f"path {asked} not found")
        value = inner[element]
        secret = secret or bool(value.get("secret"))
    return {**value, "secret": True} if secret else value


def _environment(evaluated: dict) -> Response:
    return Response(200, json.dumps(evaluated).encode() + b"\n")
