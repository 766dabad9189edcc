# SPDX-License-Identifier: GPL-3.0-or-later
"""One HTTP request with one time limit for all of it, on addresses of our choosing. Knows nothing of checks."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from ansible_collections.sophia.platform.plugins.module_utils.verify.errors import ProbeError
from ansible_collections.sophia.platform.plugins.module_utils.verify.names import Names

BODY_BYTES_MAX = 8 * 1024 * 1024


class Response(NamedTuple):
    """An HTTP answer. headers have lower-case names; body is complete, an event stream's may be stopped early."""

    status: int
    reason: str
    headers: dict
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type without its parameters."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()

    def described(self, length: int = 160) -> str:
        """What came, short enough for one line of a report."""
        text = " ".join(self.body.decode("utf-8", "replace").split())
        shown = text if len(text) <= length else text[:length] + "…"
        return f"{self.content_type or 'without a type'}: {shown}" if shown else "empty"


def hint(status: int) -> str:
    """Return what an unwanted status usually means behind this edge, as the end of a sentence."""
    hints = {
        401: "; the token or password here is not the one the service was given.",
        403: "; an access rule refused this address.",
        404: "; Traefik knows no route for this, or the service has no such path: is the service up and healthy?",
        421: "; the service refuses this host name (Host header).",
        429: "; the rate limit refused it.",
        502: "; the service behind the route does not answer.",
        503: "; no healthy task behind the route, or the service says it is not ready.",
        504: "; the service behind the route answers too late.",
    }
    return hints.get(status, ".")


class Client:
    """Makes requests that together may take `timeout_seconds`, counted from now.

    mask(text) hides secrets in what comes back, before anything is cut short and would no longer be recognised.
    tls: what the server's certificate is checked with.
    """

    def __init__(
        self,
        timeout_seconds: float,
        names: Names | None = None,
        mask=lambda text: text,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self.mask, self.names, self.tls = mask, names or Names(), tls
        self.timeout_seconds = timeout_seconds
        self.deadline = time.monotonic() + timeout_seconds

    def certificate(self, host: str, address: str, port: int) -> dict:
        """The certificate that a server at an address shows for a host, checked, as ssl tells it. Raises ProbeError."""
        tls = self.tls or ssl.create_default_context()
        try:
            with (
                socket.create_connection((address, port), max(0.1, self.deadline - time.monotonic())) as plain,
                tls.wrap_socket(plain, server_hostname=host) as secured,
            ):
                return secured.getpeercert()
        except OSError as error:
            raise ProbeError(f"{host} at {address}:{port}: {_refused(error, f'{address}:{port}')}") from error

    def request(self, method: str, url: str, headers: dict | None = None, body: bytes | None = None, enough=None):
        """Return the Response. enough(bytes so far) -> bool ends the reading of an event stream. Raises ProbeError."""
        what, parts = f"{method} {url}", urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ProbeError(f"{what}: not an http or https address.")
        remaining_seconds = self.deadline - time.monotonic()
        if remaining_seconds <= 0:
            raise ProbeError(f"{what}: not asked, the {self.timeout_seconds:g} s were used up by the requests before.")
        addresses = self.names.addresses(parts.hostname, remaining_seconds)
        connection = _Connection(parts, addresses, remaining_seconds, self.tls)
        watchdog = threading.Timer(remaining_seconds, connection.abort)
        watchdog.daemon = True
        watchdog.start()
        try:
            response = _exchange(connection, method, parts, headers or {}, body, enough)
            return response._replace(
                body=self.mask(response.body.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
            )
        except (OSError, http.client.HTTPException, ValueError) as error:
            late = connection.aborted or isinstance(error, (TimeoutError, socket.timeout))
            reason = f"no complete answer within {self.timeout_seconds:g} s." if late else _reason(error, connection)
            raise ProbeError(f"{what}: {reason}") from error
        finally:
            watchdog.cancel()
            connection.close()


class _Connection(http.client.HTTPConnection):
    """A connection to the first address that answers; it names the URL's host, in the Host header and to TLS."""

    def __init__(self, parts, addresses: list[str], timeout_seconds: float, tls: ssl.SSLContext | None) -> None:
        self.default_port = 443 if parts.scheme == "https" else 80
        self.tls = (tls or ssl.create_default_context()) if parts.scheme == "https" else None
        self.addresses, self.address, self.aborted = addresses, addresses[0], False
        super().__init__(parts.hostname, parts.port or self.default_port, timeout=timeout_seconds)

    def connect(self) -> None:
        """Open the socket, as every client does: an address that refuses is passed over while there is another."""
        for address in self.addresses:
            self.address = address
            try:
                self.sock = self.watched = socket.create_connection((address, self.port), self.timeout)
                break
            except OSError:
                if address == self.addresses[-1]:
                    raise
        if self.tls:
            self.sock = self.watched = self.tls.wrap_socket(self.sock, server_hostname=self.host)

    def abort(self) -> None:
        """End every read in progress: time-outs of sockets count per read, so a slow drip would never end."""
        self.aborted = True
        try:
            self.watched.shutdown(socket.SHUT_RDWR)
        except (OSError, AttributeError):
            return


def _exchange(connection, method, parts, headers, body, enough) -> Response:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection.request(method, path, body=body, headers={"User-Agent": "sophia-verify", **headers})
    answer = connection.getresponse()
    streams = (answer.getheader("Content-Type") or "").lower().startswith("text/event-stream")
    read = answer.read1 if streams else answer.read  # read1 gives what is there: an event stream may stay open
    content = bytearray()
    while chunk := _more(read, content):
        content += chunk
        if len(content) > BODY_BYTES_MAX:
            raise OSError(f"more than {BODY_BYTES_MAX} bytes came; is this the right service?")
        if streams and enough and enough(bytes(content)):
            break
    if connection.aborted:
        raise TimeoutError
    if not streams and answer.length:
        raise http.client.IncompleteRead(bytes(content), answer.length)
    lowered = {name.lower(): value for name, value in answer.getheaders()}
    return Response(answer.status, answer.reason, lowered, bytes(content))


def _more(read, content: bytearray) -> bytes:
    try:
        return read(65536)
    except http.client.IncompleteRead as error:
        raise http.client.IncompleteRead(bytes(content) + error.partial) from None


def _refused(error: OSError, place: str) -> str:
    if isinstance(error, socket.gaierror):
        return f"{place} does not resolve; is its DNS record there?"
    if isinstance(error, ConnectionRefusedError):
        return f"nothing listens on {place}; is the edge running and its port published?"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the certificate that {place} shows is not good: {error.verify_message}; see playbooks/certificates.yml."
        )
    if isinstance(error, ssl.SSLError):
        return f"TLS with {place} failed: {error.reason or error}."
    return f"{place}: {error}."


def _reason(error: Exception, connection: _Connection) -> str:
    place = f"{connection.address}:{connection.port}"
    if isinstance(error, http.client.IncompleteRead):
        return f"the answer was cut off after {len(error.partial)} bytes; did the service die while it answered?"
    if isinstance(error, (ConnectionResetError, BrokenPipeError, http.client.RemoteDisconnected)):
        return f"{place} closed the connection without an answer; did the service die?"
    if isinstance(error, http.client.HTTPException):
        return f"what {place} answered is not HTTP ({type(error).__name__}); is another program on this port?"
    if isinstance(error, ValueError) and not isinstance(
        error, OSError
    ):  # its text may quote a header, so it is not shown
        return "the address, or the token or password, has a character that HTTP cannot carry."
    return _refused(error, place)
