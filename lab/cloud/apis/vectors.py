# SPDX-License-Identifier: GPL-3.0-or-later
"""Pinecone and Weaviate."""

from __future__ import annotations

from lab.cloud.apis.ask import RESTRICTED, VALID, Ask, no_path
from lab.cloud.wire import Response, document

_INDEX = {
    "name": "docs",
    "dimension": 1536,
    "metric": "cosine",
    "host": "docs-abc.svc.lab.pinecone.io",
    "spec": {"serverless": {"cloud": "aws", "region": "us-east-1"}},
    "status": {"ready": True, "state": "Ready"},
    "deletion_protection": "disabled",
    "vector_type": "dense",
}
_NOT_ANONYMOUS = "anonymous access not enabled, please provide an auth scheme such as OIDC"


def pinecone(ask: Ask) -> Response:
    """`Api-Key`; errors are plain text, and a restricted role may not list indexes."""
    if ask.asked != "GET /indexes":
        return no_path(ask)
    state = ask.state(ask.header("Api-Key"))
    if state == RESTRICTED:
        return Response(403, b"Forbidden", "text/plain")
    if state != VALID:
        return Response(401, b"Invalid API Key", "text/plain")
    return document({"indexes": [_INDEX]})


def weaviate(ask: Ask) -> Response:
    """Bearer. settings: `anonymous` access, and whether the server has `api_key_auth` at all."""
    if ask.asked in ("GET /v1/.well-known/ready", "GET /v1/.well-known/live"):
        return Response(200)
    if ask.asked not in ("GET /v1/meta", "GET /v1/users/own-info"):
        return no_path(ask)
    refusal = _refusal(ask)
    if refusal:
        return refusal
    if ask.path == "/v1/meta":
        return document({"hostname": "http://[::]:8080", "version": "1.32.4", "modules": {}})
    return document({"username": "lab" if ask.bearer else "anonymous", "groups": [], "roles": []})


def _refusal(ask: Ask) -> Response | None:
    if not ask.header("Authorization"):
        return None if ask.settings["anonymous"] else _unauthorised(_NOT_ANONYMOUS)
    if not ask.settings["api_key_auth"]:  # even though anonymous access may be on
        return _unauthorised("oidc auth is not configured, please try another auth scheme or use weaviate with OIDC")
    if not ask.bearer:
        return _unauthorised(_NOT_ANONYMOUS)
    state = ask.state(ask.bearer)
    if state == RESTRICTED:
        return document({"error": [{"message": "authorization, forbidden action: user 'lab' may not read this"}]}, 403)
    return None if state == VALID else _unauthorised("invalid api key, please provide a valid api key")


def _unauthorised(message: str) -> Response:
    return document({"code": 401, "message": message}, 401)
