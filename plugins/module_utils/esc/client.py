# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls of Pulumi ESC's REST API. Knows no Ansible but the HTTP exchange."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import (
    Answer,
    Clock,
    TransportError,
    exchange,
    masked,
)
from ansible_collections.sophia.platform.plugins.module_utils.esc import names
from ansible_collections.sophia.platform.plugins.module_utils.esc.answers import details, explained, warnings_of
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.names import Place
from ansible_collections.sophia.platform.plugins.module_utils.esc.values import loaded

TRIES_COUNT = 4
PAUSE_SECONDS = 1.0
PAUSE_SECONDS_MAX = 30.0
LINE_LENGTH_MIN = 8  # shorter lines of a value are words
UNKNOWN = " Whether it was carried out is not known; run again, which reads first."
RUN_AGAIN = " Run again when it can be reached."
FOREIGN = "See whether api_url is Pulumi's API and no proxy answers."


@dataclass(frozen=True)
class Stored:
    """A definition as it is stored: its YAML, the tag that guards a change, and its revision (0 when not told)."""

    text: str
    etag: str = ""
    revision: int = 0


class EscClient:
    """Pulumi ESC at one address, with one token.

    Reads are tried four times. Writes are only repeated when they were not sent, or refused with 429.
    """

    def __init__(
        self,
        access_token: str | None,
        api_url: str | None = "",
        timeout_seconds: float = 30,
        clock: Clock | None = None,
    ) -> None:
        token = (access_token or "").strip()
        if not token or not token.isascii() or not token.isprintable() or " " in token:
            raise EscError(
                "The access token of Pulumi is missing or holds signs that no token has. "
                "Give it as access_token or PULUMI_ACCESS_TOKEN."
            )
        if timeout_seconds <= 0:
            raise EscError("timeout_seconds must be more than 0.")
        self.api_url, self.timeout_seconds = names.base_url(api_url), timeout_seconds
        self.token, self.clock, self._hidden = token, clock or Clock(), [token]

    def __repr__(self) -> str:
        return f"EscClient({self.api_url})"

    def hide(self, secrets: Sequence[str]) -> None:
        """Keep these values, and their lines, out of every message."""
        for secret in secrets:
            self._hidden += [secret, *(line for line in secret.splitlines() if len(line) >= LINE_LENGTH_MIN)]

    def masked(self, text: str) -> str:
        """The text without any secret that is known here."""
        return masked(text, self._hidden)

    # Reading values

    def open(self, place: Place, duration: str) -> tuple[str, list[str]]:
        """Evaluate an environment; return the session's id and warnings. Each open is an entry of the audit log."""
        path = f"{place.versioned_path}/open?{urlencode({'duration': names.duration(duration)})}"
        what = f"open {place}"
        body = self._loaded(what, self._answer(what, "POST", path, changes=False))
        session = body.get("id") if isinstance(body, dict) else None
        if isinstance(session, bool) or not isinstance(session, (str, int)) or session == "":
            raise EscError(f"Cannot open {place}: the answer of {self.api_url} names no session.")
        return str(session), warnings_of(body)

    def session(self, place: Place, session: str) -> dict[str, Any]:
        """Return the evaluated environment of a session."""
        body = self._json(f"read the opened {place}", "GET", f"{place.path}/open/{quote(session, safe='')}")
        if not isinstance(body, dict):
            raise EscError(f"Cannot read the opened {place}: the answer of {self.api_url} is no environment.")
        return body

    # Definitions

    def definition(self, place: Place) -> Stored | None:
        """Return the stored definition, secrets as ciphertext; None when it is not there or not visible."""
        try:
            answer = self._answer(f"read the definition of {place}", "GET", place.versioned_path)
        except EscError as error:
            if error.status != 404:
                raise
            return None
        return self._stored(place, answer)

    def decrypted(self, place: Place) -> Stored:
        """Return the stored definition, secrets in clear. Wants more permission than `definition`."""
        what = f"read the decrypted definition of {place}"
        return self._stored(place, self._answer(what, "GET", f"{place.versioned_path}/decrypt"))

    def create(self, place: Place) -> None:
        """Make an empty environment. Raises EscError with `conflict` when it is there."""
        body = {"project": place.project, "name": place.environment}
        self._answer(f"create {place}", "POST", f"/api/esc/environments/{quote(place.organization, safe='')}", body)

    def update(self, place: Place, text: str, etag: str) -> tuple[int, list[str]]:
        """Replace the definition that `etag` was read with; return the revision (0 when not told) and warnings.

        Documentation and the official client disagree on the name of the header, so both go along (reference §3.6).
        """
        guard = {"ETag": etag, "If-Match": etag, "Content-Type": "application/x-yaml"}
        answer = self._answer(f"change {place}", "PATCH", place.path, text.encode(), guard)
        return _revision(answer), warnings_of(_object(answer))

    def check(self, place: Place, text: str) -> list[str]:
        """Let a definition be checked without storing it; return warnings. Raises EscError with what is wrong."""
        path = f"/api/esc/environments/{quote(place.organization, safe='')}/yaml/check?showSecrets=false"
        kind = {"Content-Type": "application/x-yaml"}
        answer = self._answer(f"check the new definition of {place}", "POST", path, text.encode(), kind, repeat=True)
        return warnings_of(_object(answer))

    def delete(self, place: Place) -> None:
        """Delete an environment. Raises EscError with `conflict` when it is protected."""
        self._answer(f"delete {place}", "DELETE", place.path)

    # What lies beside a definition

    def get(self, what: str, place: Place, path: str) -> Any:
        """Read JSON below an environment; None when it is not there."""
        try:
            return self._json(f"{what} of {place}", "GET", f"{place.path}/{path}")
        except EscError as error:
            if error.status != 404:
                raise
        return None

    def write(self, what: str, place: Place, method: str, path: str, body: Any) -> None:
        """Write JSON below an environment."""
        self._answer(f"{what} of {place}", method, f"{place.path}/{path}", body)

    def exchange_token(self, what: str, body: dict[str, Any]) -> Any:
        """Ask for an access token (reference §5). The client's own token is not sent along."""
        answer = self._answer(what, "POST", "/api/oauth/token", body, {"Authorization": ""}, changes=False)
        return self._loaded(what, answer)

    # One call

    def _json(self, what: str, method: str, path: str) -> Any:
        return self._loaded(what, self._answer(what, method, path))

    def _loaded(self, what: str, answer: Answer) -> Any:
        try:
            return loaded(answer.body)
        except ValueError:
            pass
        raise EscError(
            f"Cannot {what}: {self.api_url} answered {answer.status} with something that is not JSON. {FOREIGN}"
        )

    def _stored(self, place: Place, answer: Answer) -> Stored:
        try:
            text = answer.body.decode()
        except UnicodeDecodeError:
            text = "<"
        if text.lstrip().startswith("<") and not text.lstrip().startswith("<<"):  # a page; a merge key is YAML
            raise EscError(f"What {self.api_url} answered for {place} is no definition. {FOREIGN}")
        return Stored(text, answer.headers.get("etag", "").strip(), _revision(answer))

    def _answer(
        self,
        what: str,
        method: str,
        path: str,
        body: Any = None,
        extra: dict[str, str] | None = None,
        repeat: bool = False,
        changes: bool = True,
    ) -> Answer:
        """Return an answer that is a success. Raises EscError.

        repeat: whether a request may always be sent again. changes: whether it matters if it was carried out.
        """
        reading = repeat or method == "GET"
        headers = {"Authorization": f"token {self.token}", "Accept": "application/vnd.pulumi+8"}
        headers.update({"Content-Type": "application/json"} if method in ("POST", "PATCH") else {})
        headers.update(extra or {})
        headers = {name: value for name, value in headers.items() if value}
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        url = self.api_url + path
        answer, reason, sent = tried(self.clock, self.timeout_seconds, reading, method, url, headers, data)
        if answer is None:
            unknown = sent and changes and not reading
            message = f"Cannot {what} at {self.api_url}: {reason}.{UNKNOWN if unknown else RUN_AGAIN}"
            raise EscError(self.masked(message), outcome_unknown=unknown)
        if not 200 <= answer.status < 300:
            unknown = answer.status >= 500 and changes and not reading
            hidden = Answer(answer.status, answer.headers, self.masked(answer.text).encode())
            message = explained(what, hidden, self.api_url) + (UNKNOWN if unknown else "")
            raise EscError(self.masked(message), answer.status, unknown, self.masked(details(hidden)))
        if changes and not reading and answer.body.strip() and _object(answer) is None:  # a proxy's, not Pulumi's
            message = f"Cannot {what}: {self.api_url} answered {answer.status} without JSON. {FOREIGN}{UNKNOWN}"
            raise EscError(message, outcome_unknown=True)
        return answer


def tried(
    clock: Clock,
    timeout_seconds: float,
    reading: bool,
    method: str,
    url: str,
    headers: dict[str, str],
    data: bytes | None = None,
) -> tuple[Answer | None, str, bool]:
    """Exchange, again where that is safe. Returns the answer, or why there is none and whether it was sent."""
    for number in range(1, TRIES_COUNT + 1):
        pause, answer, reason, sent = PAUSE_SECONDS * 2 ** (number - 1), None, "", False
        try:
            answer = exchange(method, url, headers, data, timeout_seconds)
        except TransportError as error:
            reason, sent = str(error), error.sent
        if answer is None:
            again = reading or not sent
        else:
            again = answer.status == 429 or (answer.status >= 500 and reading)
            pause = max(pause, answer.retry_after_seconds or 0) if answer.status == 429 else pause
        if not again or number == TRIES_COUNT or pause > PAUSE_SECONDS_MAX:
            break
        clock.sleep(pause)
    return answer, reason, sent


def _object(answer: Answer) -> object:
    """The JSON of an answer whose content is not needed."""
    try:
        return answer.json()
    except ValueError:
        return None


def _revision(answer: Answer) -> int:
    value = answer.headers.get("pulumi-esc-revision", "").strip()
    return int(value) if value.isdigit() and len(value) < 19 else 0
