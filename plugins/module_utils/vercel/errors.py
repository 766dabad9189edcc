# SPDX-License-Identifier: GPL-3.0-or-later
"""The error of the Vercel client, and what Vercel's refusals mean for the person who reads them."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Answer

DOMAIN_TAKEN = "domain_already_in_use"
DOMAIN_PENDING = ("missing_txt_record", "existing_project_domain")  # answers of /verify while DNS is not there


class VercelError(Exception):
    """Something was not done at Vercel; the text says what, why and what to do, and holds no secret.

    code: Vercel's own word for it, where it gave one. status: the HTTP status, 0 without an answer.
    outcome_unknown: a write may have been carried out; read again before it is repeated.
    """

    def __init__(self, message: str, code: str = "", status: int = 0, outcome_unknown: bool = False) -> None:
        super().__init__(message)
        self.code, self.status, self.outcome_unknown = code, status, outcome_unknown
        self.extra: Mapping[str, Any] = {}


def error_of(answer: Answer) -> Mapping[str, Any]:
    """The error object of an answer; empty when the answer is none of Vercel's."""
    try:
        body = answer.json()
    except ValueError:
        return {}
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) and error.get("code") else {}


def wait_asked_seconds(answer: Answer) -> float | None:
    """How long a 429 asks to wait: Retry-After, else the time of the reset. None when it does not say."""
    if answer.retry_after_seconds is not None:
        return answer.retry_after_seconds
    limit = error_of(answer).get("limit")
    reset = limit.get("reset") if isinstance(limit, dict) else answer.headers.get("x-ratelimit-reset")
    try:
        return max(float(reset) - time.time(), 1.0)
    except (TypeError, ValueError):
        return None


def explained(what: str, answer: Answer, scope: str) -> tuple[str, str]:
    """Return the message for an answer that is a refusal, and its code."""
    error, status = error_of(answer), answer.status
    code, told = str(error.get("code", "")), str(error.get("message", "")).strip().rstrip(".")
    if not code:
        return (
            f"Vercel's API could not {what}: it answered {status} with {answer.described()}. "
            + ("Try again later." if status >= 500 else "See whether api_url is Vercel's API and no proxy answers."),
            "",
        )
    said = f"{status} {code}" + (f": {told}" if told else "")
    return f"Cannot {what}: {_meaning(status, code, said, error, answer, scope)}", code


def _meaning(status: int, code: str, said: str, error: Mapping[str, Any], answer: Answer, scope: str) -> str:
    """The refusal in words, with what to do (reference §2)."""
    if error.get("invalidToken") or error.get("missingToken"):
        return f"Vercel does not accept the token ({said}). Make a new one under Account Settings, Tokens."
    if status in (401, 403):
        return (
            f"the token may not do this in {scope} ({said}). Give the team that owns it with team_id or team_slug, "
            "or a token whose scope holds that team."
        )
    if status == 402:
        return f"the plan of {scope} does not include it ({said}). Change the plan, or what is asked for."
    if status == 404:
        return (
            f"Vercel finds no such thing in {scope} ({said}). It does not exist, or it belongs to another team: "
            "compare team_id or team_slug with the team that the dashboard shows."
        )
    if status == 429:
        wait = wait_asked_seconds(answer)
        when = f"in {wait:.0f} s" if wait is not None else "later"
        return f"Vercel's rate limit is used up ({said}). Run again {when}."
    if status >= 500:
        return f"Vercel has a fault of its own ({said}). Try again later, and see www.vercel-status.com."
    return f"Vercel refused it ({said})."
