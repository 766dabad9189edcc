# SPDX-License-Identifier: GPL-3.0-or-later
"""What an answer says about a key. Pure. Bodies are looked into and never shown: OpenAI's hold a part of the key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Answer

VALID, RESTRICTED, INVALID, UNKNOWN = RESULTS = ("valid", "valid_but_restricted", "invalid", "unknown")

SLACK_INVALID = ("invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired")
SLACK_RESTRICTED = ("missing_scope", "no_permission", "not_allowed_token_type", "org_login_required")


class Verdict(NamedTuple):
    """A result class, and one sentence for a person."""

    result: str
    detail: str


@dataclass(frozen=True)
class Rules:
    """How a service answers. proof finds in a body of status 200 what only this service answers to a good key."""

    title: str
    proof: Callable[[Any], bool]
    invalid: tuple[int, ...] = (401,)
    invalid_hint: str = ""
    restricted_hint: str = ""
    exception: Callable[[str, Answer, Any], Verdict | None] | None = None  # looked at before the statuses


def judge(rules: Rules, answer: Answer) -> Verdict:
    """Judge the answer to a request that had the key. Limits, faults and foreign pages say nothing about a key."""
    title, status = rules.title, answer.status
    body = _json(answer)
    special = rules.exception(title, answer, body) if rules.exception else None
    if special:
        return special
    if status == 429 or status >= 500:
        why = "asks for fewer requests" if status == 429 else "has a fault"
        return unknown(title, status, f"it {why}, so check again later")
    if 300 <= status < 400:
        return unknown(title, status, "a redirect, which no key is sent along; see base_url")
    if answer.text.lstrip()[:1] == "<":
        return unknown(title, status, "a web page instead of the API; see base_url and the proxy")
    if status in rules.invalid:
        return invalid(title, status, rules.invalid_hint)
    if status == 403:
        return restricted(title, status, rules.restricted_hint)
    if status == 200 and rules.proof(body):
        return Verdict(VALID, f"{title} accepts the key.")
    if status == 200:
        return unknown(title, status, f"but nothing in it comes from {title}; see base_url")
    return unknown(title, status, "which fits neither a good nor a bad key; see base_url")


def invalid(title: str, status: int, hint: str = "") -> Verdict:
    return Verdict(INVALID, f"{title} refuses the key (HTTP {status}){f'; {hint}' if hint else ''}.")


def restricted(title: str, status: int, hint: str = "") -> Verdict:
    return Verdict(RESTRICTED, f"{title} knows the key but does not allow this (HTTP {status}){hint and f'; {hint}'}.")


def unknown(title: str, status: int, why: str) -> Verdict:
    return Verdict(UNKNOWN, f"{title} answered HTTP {status}, {why}.")


def has(name: str, kind: type | tuple[type, ...] = object) -> Callable[[Any], bool]:
    """Return a proof: the body is an object with such a member."""
    return lambda body: isinstance(body, Mapping) and body.get(name) is not None and isinstance(body[name], kind)


def slack(title: str, answer: Answer, body: Any) -> Verdict | None:
    """Slack answers 200 to every key; `ok` decides. An error that is not about the key decides nothing."""
    if answer.status != 200 or not isinstance(body, Mapping) or body.get("ok") is not False:
        return None
    error = body.get("error")
    if error in SLACK_INVALID:
        return Verdict(INVALID, f"{title} refuses the key ({error}).")
    if error in SLACK_RESTRICTED:
        return Verdict(RESTRICTED, f"{title} knows the key but does not allow this ({error}).")
    return unknown(title, 200, "with an error that is not about the key")


def linear(title: str, answer: Answer, body: Any) -> Verdict | None:
    """GraphQL: the errors decide, and a status of 400 can mean a bad key as well as a limit."""
    errors = body.get("errors") if isinstance(body, Mapping) else None
    if not isinstance(errors, list) or not errors or answer.status >= 500:
        return None
    said = [error for error in errors if isinstance(error, Mapping)]
    extensions = [error["extensions"] for error in said if isinstance(error.get("extensions"), Mapping)]
    words = [str(extension.get(name, "")).upper() for extension in extensions for name in ("code", "type")]
    if answer.status == 429 or "RATELIMITED" in words:
        return unknown(title, answer.status, "it asks for fewer requests, so check again later")
    about_key = any(word.replace(" ", "_") == "AUTHENTICATION_ERROR" for word in words)
    about_key = about_key or any("not authenticated" in str(error.get("message", "")).lower() for error in said)
    if answer.status == 401 or about_key:
        return invalid(title, answer.status, "an OAuth token is given as `Bearer <token>`")
    if answer.status in (200, 403):
        return restricted(title, answer.status)
    return unknown(title, answer.status, "which fits neither a good nor a bad key")


def github(title: str, answer: Answer, _body: Any) -> Verdict | None:
    """A used-up limit is a 403 as well."""
    if answer.status == 403 and (answer.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in answer.headers):
        return unknown(title, 403, "its rate limit is used up, so check again later")
    return None


def openai(title: str, answer: Answer, body: Any) -> Verdict | None:
    """A key without budget is told by a 429 of its own."""
    error = body.get("error") if isinstance(body, Mapping) else None
    if (
        answer.status == 429
        and isinstance(error, Mapping)
        and "insufficient_quota" in (error.get("code"), error.get("type"))
    ):
        return Verdict(RESTRICTED, f"{title} knows the key, but its account has no budget left (HTTP 429).")
    return None


def vercel(title: str, answer: Answer, body: Any) -> Verdict | None:
    """A bad token is a 403 with a mark, not a 401."""
    error = body.get("error") if isinstance(body, Mapping) else None
    marks = [part for part in (error, body) if isinstance(part, Mapping)]
    if answer.status == 403 and any(
        part.get("invalidToken") is True or part.get("missingToken") is True for part in marks
    ):
        return invalid(title, 403)
    user = body.get("user") if isinstance(body, Mapping) else None
    if answer.status == 200 and isinstance(user, Mapping) and user.get("limited") is True:
        return Verdict(RESTRICTED, f"{title} accepts the key, for the teams that it is limited to.")
    return None


def lambda_cloud(title: str, answer: Answer, body: Any) -> Verdict | None:
    """A dead account answers with a code of its own."""
    error = body.get("error") if isinstance(body, Mapping) else None
    code = error.get("code") if isinstance(error, Mapping) else None
    if answer.status == 403 and code == "global/account-inactive":
        return restricted(title, 403, "its account is inactive: verify the e-mail address and the payment method")
    return None


def weaviate(title: str, answer: Answer, _body: Any) -> Verdict | None:
    """A server that takes no API keys at all cannot judge one."""
    if answer.status == 401 and "oidc auth is not configured" in answer.text.lower():
        return unknown(title, 401, "because this server takes no API keys")
    return None


def anonymous(title: str, answer: Answer) -> Verdict | None:
    """Judge the control request that had no key: only a server that refuses it can prove a key."""
    if answer.status in (401, 403):
        return None
    if answer.status == 200:
        return Verdict(UNKNOWN, f"{title} answers without a key too (anonymous access), so it cannot prove one.")
    return unknown(title, answer.status, "already without the key; see base_url")


def _json(answer: Answer) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
