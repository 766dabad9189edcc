# SPDX-License-Identifier: GPL-3.0-or-later
"""Slack, Gong, Linear, HubSpot and Asana."""

from __future__ import annotations

from lab.cloud.apis.ask import DISABLED, RESTRICTED, VALID, Ask, no_path
from lab.cloud.wire import Response, document

_WORKSPACE = {"id": "623457276584335", "name": "Acme", "description": "The lab's workspace"}


def slack(ask: Ask) -> Response:
    """A refusal is a 200 with ok: false."""
    if ask.asked not in ("POST /auth.test", "GET /auth.test"):
        return document({"ok": False, "error": "unknown_method"})
    state = ask.state(ask.bearer)
    if state != VALID:
        why = "account_inactive" if state == DISABLED else "invalid_auth" if ask.bearer else "not_authed"
        return document({"ok": False, "error": why})
    answer = {"ok": True, "url": "https://acme.slack.com/", "team": "Acme", "user": "bot", "team_id": "T0LAB"}
    more = {"user_id": "U0LAB", "bot_id": "B0LAB", "is_enterprise_install": False}
    return document({**answer, **more}, x_oauth_scopes="chat:write,channels:read")


def gong(ask: Ask) -> Response:
    """Basic, with the access key and its secret."""
    if ask.asked not in ("GET /v2/workspaces", "GET /v2/users"):
        return no_path(ask)
    state = ask.state(ask.basic)
    if state == RESTRICTED:
        scope = "api:workspaces:read" if ask.path == "/v2/workspaces" else "api:users:read"
        return document({"requestId": "4alab", "errors": [f"The scope {scope} is missing"]}, 403)
    if state != VALID:
        return document({"requestId": "4alab", "errors": ["The access key or its secret is wrong"]}, 401)
    if ask.path == "/v2/workspaces":
        return document({"requestId": "4alab", "workspaces": [_WORKSPACE]})
    records = {"totalRecords": 0, "currentPageSize": 0, "currentPageNumber": 0}
    return document({"requestId": "4alab", "records": records, "users": []})


def linear(ask: Ask) -> Response:
    """A personal key without `Bearer`, an OAuth token with it. A disabled key is answered with 400, as may happen."""
    if ask.asked != "POST /graphql":
        return no_path(ask)
    key = ask.bearer or ask.header("Authorization")
    wrong_scheme = key.startswith("lin_api_") if ask.bearer else key.startswith("lin_oauth_")
    state = "" if wrong_scheme else ask.state(key)
    if state not in (VALID, RESTRICTED):
        message = "Authentication required, not authenticated"
        return _linear_error(400 if state == DISABLED else 401, message, "authentication error", "AUTHENTICATION_ERROR")
    if state == RESTRICTED:
        return _linear_error(403, "You do not have access to this", "forbidden", "FORBIDDEN")
    try:
        given = ask.request.json()
    except ValueError:
        given = None
    query = given.get("query") if isinstance(given, dict) else None
    if ask.header("Content-Type").split(";")[0] != "application/json" or not isinstance(query, str):
        return _linear_error(400, "The body is no GraphQL request", "graphql error", "BAD_REQUEST")
    if "viewer" not in query:
        return _linear_error(400, "The lab knows the field viewer only", "graphql error", "GRAPHQL_VALIDATION_FAILED")
    return document({"data": {"viewer": {"id": "0b1c2d3e-lab", "name": "Lab"}}})


def _linear_error(status: int, message: str, kind: str, code: str) -> Response:
    extensions = {
        "type": kind,
        "code": code,
        "statusCode": status,
        "userError": True,
        "userPresentableMessage": message,
    }
    return document({"errors": [{"message": message, "extensions": extensions}]}, status)


def hubspot(ask: Ask) -> Response:
    """Bearer. MISSING_SCOPES means that the token is valid."""
    details, usage = "GET /account-info/v3/details", "GET /account-info/v3/api-usage/daily/private-apps"
    if ask.asked not in (details, usage):
        return no_path(ask)
    state = ask.state(ask.bearer)
    if state == RESTRICTED:
        return _hubspot_error(403, "This app hasn't been granted all required scopes.", "MISSING_SCOPES")
    if state == DISABLED:
        return _hubspot_error(401, "The access token is expired.", "EXPIRED_AUTHENTICATION")
    if state != VALID:
        return _hubspot_error(401, "Authentication credentials not found.", "INVALID_AUTHENTICATION")
    if ask.asked == usage:
        return document(
            {"results": [{"name": "private-apps-api-calls-daily", "usageLimit": 250000, "currentUsage": 1}]}
        )
    account = {"portalId": 123, "accountType": "STANDARD", "timeZone": "Europe/Berlin", "companyCurrency": "EUR"}
    more = {"utcOffset": "+01:00", "uiDomain": "app.hubspot.com", "dataHostingLocation": "eu1"}
    return document({**account, **more})


def _hubspot_error(status: int, message: str, category: str) -> Response:
    return document({"status": "error", "message": message, "correlationId": "0000-lab", "category": category}, status)


def asana(ask: Ask) -> Response:
    """Bearer."""
    if ask.asked != "GET /users/me":
        return document({"errors": [{"message": f"No matching route for request: {ask.asked}"}]}, 404)
    state = ask.state(ask.bearer)
    if state == RESTRICTED:
        return document({"errors": [{"message": "Forbidden"}]}, 403)
    if state != VALID:
        return document({"errors": [{"message": "Not Authorized", "help": "See the lab's README."}]}, 401)
    return document({"data": {"gid": "12001", "name": "Lab", "resource_type": "user"}})
