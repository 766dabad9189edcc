# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer of Pulumi ESC that is no success means, as a sentence (reference §4). Pure; nothing is masked here."""

from __future__ import annotations

from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Answer

DIAGNOSTICS_COUNT_MAX = 10


def explained(what: str, answer: Answer, api_url: str) -> str:
    """Return why Pulumi ESC did not do `what` ("open acme/prod/app"), and what to do about it."""
    status, told = answer.status, details(answer)
    if status == 400:
        return f"Pulumi ESC refuses to {what}: {told}."
    if status == 401:
        return (
            f"Cannot {what}: Pulumi ESC at {api_url} does not accept the access token ({told}). "
            "It is wrong or has expired; give a valid one as access_token or PULUMI_ACCESS_TOKEN."
        )
    if status == 403:
        return f"Cannot {what}: the access token may not ({told}). Give it this permission, or use another token."
    if status == 404:
        return (
            f"Cannot {what}: it is not there or not visible to this token (404 from {api_url}: {told}). "
            "Compare the names, and what the token may see."
        )
    if status in (409, 412):
        return f"Cannot {what}: it conflicts with what is there ({status}: {told}). Run again, which reads first."
    if status == 429:
        return f"Cannot {what}: Pulumi ESC takes no more requests at the moment ({told}). Run again in some minutes."
    if 300 <= status < 400:
        return f"Cannot {what}: {api_url} answers with a redirect ({status}), which is not followed. See api_url."
    request_id = printable(answer.headers.get("x-pulumi-request-id", ""))
    named = f" Pulumi's id of the request is {request_id}." if request_id else ""
    return f"Cannot {what}: {api_url} answered {status} with {told}.{named} Run again later."


def details(answer: Answer) -> str:
    """Return the message and the diagnostics of an answer, or what came instead, without a full stop."""
    try:
        body = answer.json()
    except ValueError:
        body = None
    parts = []
    if isinstance(body, dict):
        parts += [printable(str(body["message"]))] if body.get("message") else []
        parts += errors_of(body)
    return "; ".join(parts).rstrip(". ") or printable(answer.described()).rstrip(". ")


def errors_of(body: object) -> list[str]:
    """Return what diagnostics say that are errors; one without a severity is (reference §4)."""
    found = [text for severity, text in _diagnostics(body) if severity != "warning"]
    more = len(found) - DIAGNOSTICS_COUNT_MAX
    return found[:DIAGNOSTICS_COUNT_MAX] + ([f"and {more} more"] if more > 0 else [])


def warnings_of(body: object) -> list[str]:
    """Return what diagnostics say that are warnings."""
    return [text for severity, text in _diagnostics(body) if severity == "warning"]


def _diagnostics(body: object) -> list[tuple[str, str]]:
    """Return (severity, text) of each diagnostic, as `environment:line:column: summary`."""
    given = body.get("diagnostics") if isinstance(body, dict) else None
    told = []
    for diagnostic in given if isinstance(given, list) else []:
        if isinstance(diagnostic, dict):
            summary = printable(str(diagnostic.get("summary") or diagnostic.get("detail") or "no reason given"))
            told.append((str(diagnostic.get("severity") or "error"), _where(diagnostic) + summary))
    return told


def _where(diagnostic: dict[str, Any]) -> str:
    place = diagnostic.get("range")
    begin = place.get("begin") if isinstance(place, dict) else None
    if not isinstance(begin, dict):
        path = diagnostic.get("path")
        return f"{printable(str(path))}: " if path else ""
    parts = [place.get("environment"), begin.get("line"), begin.get("column")]
    return ":".join(printable(str(part)) for part in parts if part) + ": "


def printable(text: str) -> str:
    """Return a text on one line, without what a terminal would obey."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
