# SPDX-License-Identifier: GPL-3.0-or-later
"""Anthropic and OpenAI: the list of models."""

from __future__ import annotations

from lab.cloud.apis.ask import DISABLED, RESTRICTED, VALID, Ask, no_path
from lab.cloud.wire import Response, document

_MODELS = ("lab-large-1", "lab-small-1", "lab-tiny-1")


def anthropic(ask: Ask) -> Response:
    """`x-api-key` and `anthropic-version`; a disabled key is answered with 404."""
    if ask.asked not in ("GET /v1/models", "GET /v1/organizations/api_keys"):
        return _anthropic_error(404, "not_found_error", "Not found")
    key = ask.header("x-api-key")
    state = ask.state(key)
    if not key:
        return _anthropic_error(401, "authentication_error", "x-api-key header is required")
    if not state:
        return _anthropic_error(401, "authentication_error", "invalid x-api-key")
    if state == DISABLED:
        return _anthropic_error(404, "not_found_error", "Not found")
    if not ask.header("anthropic-version"):
        return _anthropic_error(400, "invalid_request_error", "anthropic-version: header is required")
    if state == RESTRICTED:
        return _anthropic_error(403, "permission_error", "Your API key does not have permission to use this resource")
    if ask.path != "/v1/models":
        return _anthropic_error(403, "permission_error", "An admin key is required")
    limit = ask.request.query.get("limit", "20")
    if not limit.isdigit() or not 1 <= int(limit) <= 1000:
        return _anthropic_error(400, "invalid_request_error", "limit: must be between 1 and 1000")
    shown = [
        {"type": "model", "id": name, "display_name": name.title(), "created_at": "2025-05-14T00:00:00Z"}
        for name in _MODELS[: int(limit)]
    ]
    page = {"has_more": int(limit) < len(_MODELS), "first_id": shown[0]["id"], "last_id": shown[-1]["id"]}
    return document({"data": shown, **page}, request_id="req_lab0001")


def _anthropic_error(status: int, kind: str, message: str) -> Response:
    error = {"type": kind, "message": message}
    return document({"type": "error", "error": error, "request_id": "req_lab0001"}, status, request_id="req_lab0001")


def openai(ask: Ask) -> Response:
    """Bearer; the answer to a wrong key shows a part of it, as the real one does."""
    if ask.asked != "GET /v1/models":
        return no_path(ask)
    key = ask.bearer
    state = ask.state(key)
    if not key:
        return _openai_error(401, "You didn't provide an API key in an Authorization header.", None)
    if state not in (VALID, RESTRICTED):
        shown = f"{key[:5]}{'*' * 8}{key[-4:]}"
        return _openai_error(401, f"Incorrect API key provided: {shown}. See your account page.", "invalid_api_key")
    if state == RESTRICTED:
        message = "You have insufficient permissions for this operation. Missing scopes: api.model.read."
        return _openai_error(403, message, "missing_scope")
    models = [
        {"id": f"{name}-{n}", "object": "model", "created": 1, "owned_by": "lab"} for n in range(30) for name in _MODELS
    ]
    return document({"object": "list", "data": models})


def _openai_error(status: int, message: str, code: str | None) -> Response:
    return document(
        {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": code}}, status
    )
