# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of Vercel's REST API: scope, errors, rate limits, repeats and pages. Knows no Ansible but the HTTP exchange."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import (
    Answer,
    Clock,
    TransportError,
    exchange,
    masked,
)
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import (
    VercelError,
    error_of,
    explained,
    wait_asked_seconds,
)

API_URL = "https://api.vercel.com"
TRIES_COUNT = 4
PAUSE_SECONDS = 1.0
RATE_LIMIT_WAIT_SECONDS_MAX = 60.0
PAGES_COUNT_MAX = 100


def segment(value: str) -> str:
    """A value as one piece of a path."""
    return quote(value, safe="")


class Client:
    """One account or team at Vercel.

    secrets: further values, besides the token, that no message may hold.
    """

    def __init__(
        self,
        token: str,
        team_id: str = "",
        team_slug: str = "",
        api_url: str = API_URL,
        timeout_seconds: float = 30,
        secrets: Sequence[str] = (),
        clock: Clock | None = None,
    ) -> None:
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise VercelError(
                "The token of Vercel is empty or holds characters that no token has. Give it as token or VERCEL_TOKEN."
            )
        self.api_url, self.timeout_seconds = api_url.rstrip("/"), timeout_seconds
        self.token, self.team_id, self.secrets, self.clock = token, team_id, [token, *secrets], clock or Clock()
        self._team = {"teamId": team_id} if team_id else {"slug": team_slug} if team_slug else {}
        self.scope = f"the team {team_id or team_slug}" if self._team else "the token's own account (no team was given)"

    def get(self, what: str, path: str, missing_ok: bool = False, **query: Any) -> Any:
        """Read. None when it is missing and that is fine."""
        return self._call(what, "GET", path, None, query, missing_ok)

    def write(self, what: str, method: str, path: str, body: Any = None, missing_ok: bool = False, **query: Any) -> Any:
        """Change something. Raises VercelError, with outcome_unknown when it may have been carried out all the same."""
        return self._call(what, method, path, body, query, missing_ok)

    def pages(self, what: str, path: str, key: str, **query: Any) -> Iterator[dict[str, Any]]:
        """Read a list with all its pages. Some versions of the API answer with a bare list (reference §4)."""
        cursor: Any = None
        for _page in range(PAGES_COUNT_MAX):
            body = self.get(what, path, **query, **({"until": cursor} if cursor else {}))
            items = body if isinstance(body, list) else body.get(key)
            if not isinstance(items, list):
                raise VercelError(f"Cannot {what}: Vercel's answer holds no list of {key}.")
            yield from (item for item in items if isinstance(item, dict))
            pagination = body.get("pagination") if isinstance(body, dict) else None
            previous, cursor = cursor, (pagination or {}).get("next")
            if not cursor or cursor == previous:
                return
        raise VercelError(f"Cannot {what}: the list does not end after {PAGES_COUNT_MAX} pages.")

    def masked(self, text: str) -> str:
        """The text without any secret."""
        return masked(text, self.secrets)

    def _call(self, what: str, method: str, path: str, body: Any, query: dict, missing_ok: bool) -> Any:
        answer = self._answer(what, method, path, body, query)
        if answer.status == 404 and missing_ok and error_of(answer):
            return None
        if not 200 <= answer.status < 300:
            message, code = explained(what, answer, self.scope)
            unknown = method != "GET" and answer.status >= 500
            error = VercelError(self.masked(message + _unknown_hint(unknown)), code, answer.status, unknown)
            error.extra = error_of(answer)
            raise error
        return self._content(what, method, answer)

    def _content(self, what: str, method: str, answer: Answer) -> Any:
        """What an answer holds. An empty one is None; promotions and deletions have no body."""
        unknown = method != "GET"
        try:
            body = answer.json() if answer.body.strip() else None
        except ValueError:
            body = ""
        if isinstance(body, (dict, list)) or (body is None and unknown):
            return body
        message = (
            f"Vercel's API could not {what}: it answered {answer.status} with {answer.described()}, not with JSON."
        )
        raise VercelError(
            self.masked(f"{message} See whether api_url is Vercel's API and no proxy answers.{_unknown_hint(unknown)}"),
            status=answer.status,
            outcome_unknown=unknown,
        )

    def _answer(self, what: str, method: str, path: str, body: Any, query: dict) -> Answer:
        """Exchange, again where that is safe: reads, writes that were never sent, and short rate limits."""
        url = f"{self.api_url}{path}?{urlencode({**query, **self._team})}".rstrip("?")
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers["Content-Type"] = "application/json"
        for number in range(1, TRIES_COUNT + 1):
            last, pause = number == TRIES_COUNT, PAUSE_SECONDS * 2 ** (number - 1)
            reason, sent = "", False
            try:
                answer = exchange(method, url, headers, data, self.timeout_seconds)
            except TransportError as error:
                reason, sent = str(error), error.sent
            if reason:
                if last or (sent and method != "GET"):
                    unknown = sent and method != "GET"
                    message = f"Cannot {what} at Vercel ({self.api_url}): {reason}.{_unknown_hint(unknown)}"
                    raise VercelError(self.masked(message), outcome_unknown=unknown)
            elif answer.status == 429:
                asked = wait_asked_seconds(answer)
                pause = pause if asked is None else asked
                if last or pause > RATE_LIMIT_WAIT_SECONDS_MAX:
                    return answer
            elif last or answer.status < 500 or method != "GET":
                return answer
            self.clock.sleep(pause)
        raise AssertionError("the last try returns or raises")


def _unknown_hint(unknown: bool) -> str:
    return " Whether it was carried out is not known; run again, which reads first." if unknown else ""
