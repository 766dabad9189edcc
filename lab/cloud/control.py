# SPDX-License-Identifier: GPL-3.0-or-later
"""The control endpoint: faults, calls, the clock, and each cloud's own switches. No fault meets it."""

from __future__ import annotations

from lab.cloud import faults
from lab.cloud.clouds import Clouds
from lab.cloud.wire import Request, Response, Service, document

PREFIX = "/control"
_OWN = {
    "GET /control": "this",
    "POST /control/faults": "the next requests go wrong: service, kind, count (-1: until removed), "
    "and optionally method, path (a regular expression searched in the raw target), command (a part of Namecheap's)",
    "GET /control/faults": "those that still meet requests; DELETE removes them",
    "GET /control/calls": "what was asked, without query, headers and bodies; DELETE forgets it",
    "POST /control/clock": "advance_seconds: let time pass",
    "POST /control/reset": "fresh clouds, no faults, no calls",
    "POST /control/<service>/<action>": "a cloud's own action",
}


def handles(path: str) -> bool:
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def answer(clouds: Clouds, request: Request) -> Response:
    """Carry out one request to the control endpoint; 400 with a sentence when it cannot be."""
    parts = request.path.strip("/").split("/")[1:]
    try:
        given = request.json()
    except ValueError:
        return document({"error": "The body is not JSON."}, 400)
    given = {} if given is None else given
    if not isinstance(given, dict):
        return document({"error": "The body is no JSON object."}, 400)
    try:
        if len(parts) == 2 and request.method == "POST":
            return document(clouds.control(parts[0], parts[1], given))
        return document(_own(clouds, f"{request.method} {'/'.join(parts)}".strip(), given))
    except ValueError as error:
        return document({"error": str(error)}, 400)
    except LookupError:
        return document({"error": f"The control endpoint has no {request.method} {request.path}."}, 404)


def _own(clouds: Clouds, what: str, given: dict) -> object:
    verbs = {
        "GET": lambda: overview(clouds),
        "POST faults": lambda: clouds.faults.add(faults.parse(given, list(clouds.services))),
        "GET faults": clouds.faults.list,
        "DELETE faults": clouds.faults.clear,
        "GET calls": clouds.calls.list,
        "DELETE calls": clouds.calls.clear,
        "POST clock": lambda: _advance(clouds, given.get("advance_seconds")),
        "POST reset": clouds.reset,
    }
    return verbs[what]()


def overview(clouds: Clouds) -> dict:
    """The names of all, and what each action does."""
    actions = {name: _actions(service) for name, service in clouds.services.items()}
    return {"control": _OWN, "faults": faults.KINDS, "services": actions}


def _actions(service: Service) -> dict[str, str] | str:
    """A cloud's actions with their help; a cloud that only names them does so when asked for one that it lacks."""
    told = getattr(service, "actions", None)
    if isinstance(told, dict):
        return {name: text if isinstance(text, str) else (text.__doc__ or "").strip() for name, text in told.items()}
    try:
        service.control("", {})
    except ValueError as error:
        return f"{service.control.__doc__ or ''} {error}".strip()
    return ""


def _advance(clouds: Clouds, seconds: object) -> dict:
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds < 0:
        raise ValueError("The clock needs advance_seconds, a number that is not negative.")
    clouds.clock.advance(seconds)
    clouds.store.touch()
    return {"now": clouds.clock.now(), "ahead_seconds": clouds.clock.ahead_seconds}
