# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP exchange with a cloud's API, on Ansible's `open_url`. Knows no cloud, retries nothing, tells no secret."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit

from ansible.module_utils.urls import ConnectionError as UrlsError
from ansible.module_utils.urls import SSLValidationError, open_url

USER_AGENT = "sophia-platform"
BODY_BYTES_MAX = 32 * 1024 * 1024


class TransportError(Exception):
    """No usable answer came. The message is the end of a sentence and holds nothing that was sent.

    sent: whether the request may have been carried out; a write is only safe to repeat when it is False.
    """

    def __init__(self, reason: str, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent


@dataclass(frozen=True)
class Answer:
    """An HTTP answer of any status. headers have lower-case names."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def json(self) -> object:
        """The body as JSON. Raises ValueError when it is none."""
        return json.loads(self.body)

    @property
    def retry_after_seconds(self) -> float | None:
        """What the header Retry-After asks for, when it is a number of seconds."""
        value = self.headers.get("retry-after", "").strip()
        return float(value) if re.fullmatch(r"\d{1,6}(\.\d+)?", value) else None

    def described(self, length: int = 160) -> str:
        """What came, short enough for the end of a message: tags of HTML are left out. Mask secrets in it first."""
        text = self.text
        if re.match(r"\s*<(!doctype|html)", text, re.IGNORECASE):
            text = "an HTML page: " + re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", text, flags=re.S | re.I)
        text = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
        return (text if len(text) <= length else text[:length] + "…") or "an empty body"


@dataclass
class Clock:
    """Time as clients use it; tests give one that does not wait."""

    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


def exchange(
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout_seconds: float = 30,
    validate_certs: bool = True,
) -> Answer:
    """Send one request and return the Answer, whatever its status; no redirect is followed with a credential.

    Proxies and CA files are those of the environment. Raises TransportError.
    """
    place = urlsplit(url)
    if place.scheme not in ("http", "https") or not place.hostname:
        raise TransportError("the address is not an http or https one", sent=False)
    try:
        try:
            response = open_url(
                url,
                data=body,
                method=method,
                headers=dict(headers or {}),
                http_agent=USER_AGENT,
                timeout=timeout_seconds,
                validate_certs=validate_certs,
                follow_redirects="none",
                use_netrc=False,
            )
        except HTTPError as error:
            response = error
        content = response.read(BODY_BYTES_MAX + 1)
        if method != "HEAD":  # its answer announces a body that does not come
            _refuse_partial(response, content)
        lowered = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.getcode(), lowered, content)
    except TransportError:
        raise
    except Exception as error:  # noqa: BLE001 - urllib lets through whatever the connection raised
        reason, sent = _reason(error, place, timeout_seconds)
    raise TransportError(reason, sent)  # not chained: what is below may quote a header


def _refuse_partial(response: object, content: bytes) -> None:
    """urllib ends quietly when a connection breaks in a body that is read with a limit."""
    if len(content) > BODY_BYTES_MAX:
        raise TransportError(f"more than {BODY_BYTES_MAX} bytes came", sent=True)
    announced = response.headers.get("Content-Length", "")
    encoded = response.headers.get("Content-Encoding")
    if announced.isdigit() and not encoded and len(content) < int(announced):
        raise TransportError(f"the answer was cut off after {len(content)} of {announced} bytes", sent=True)


def _reason(error: Exception, place: object, timeout_seconds: float) -> tuple[str, bool]:
    """Why nothing usable came, and whether the request may have reached its goal."""
    where = f"{place.hostname}:{place.port or (443 if place.scheme == 'https' else 80)}"
    cause = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    if isinstance(cause, socket.gaierror):
        return f"{place.hostname} does not resolve", False
    if isinstance(cause, ConnectionRefusedError):
        return f"nothing listens on {where}", False
    if isinstance(cause, (ssl.SSLError, SSLValidationError)):
        return f"TLS with {where} failed: {getattr(cause, 'reason', None) or 'the certificate is not valid'}", False
    if isinstance(cause, TimeoutError):
        return f"no answer within {timeout_seconds:g} s", True
    if isinstance(cause, http.client.IncompleteRead):
        return f"the answer was cut off after {len(cause.partial)} bytes", True
    if isinstance(cause, (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected)):
        return f"{where} closed the connection without an answer", True
    if isinstance(cause, http.client.HTTPException):
        return f"what {where} answered is not HTTP ({type(cause).__name__})", True
    if isinstance(cause, OSError):
        return f"{where} cannot be reached: {cause.strerror or type(cause).__name__}", True
    if isinstance(cause, UrlsError):
        return f"{where} cannot be reached", True
    return f"the request to {where} cannot be made ({type(cause).__name__})", False


def masked(text: str, secrets: list[str]) -> str:
    """The text without these values; shorter ones than four characters would hide words."""
    for secret in sorted((value for value in secrets if value and len(value) > 3), key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
