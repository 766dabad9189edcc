"""A browser that is small: cookies, redirects one at a time, and addresses that only the test's network knows."""

from __future__ import annotations

import html
import http.client
import re
import socket
import ssl
import urllib.parse
import urllib.request
from dataclasses import dataclass, field
from email.message import Message
from http.cookiejar import CookieJar

UNCHECKED = ssl.create_default_context()
UNCHECKED.check_hostname, UNCHECKED.verify_mode = False, ssl.CERT_NONE  # for certificates that Traefik makes up
FORM = re.compile(r"<form[^>]*>", re.IGNORECASE)


@dataclass
class Page:
    url: str
    status: int
    headers: Message
    text: str

    @property
    def location(self) -> str:
        return urllib.parse.urljoin(self.url, self.headers["Location"] or "")

    # what CookieJar.extract_cookies asks of an answer
    def info(self) -> Message:
        return self.headers


@dataclass
class Browser:
    """`places` says which address and port a `host:port` that ends so is; any other one is a failure."""

    places: dict[str, tuple[str, int]]
    tls: ssl.SSLContext = field(default_factory=lambda: UNCHECKED)
    cookies: CookieJar = field(default_factory=CookieJar)

    def get(self, url: str, form: dict[str, str] | None = None, **headers: str) -> Page:
        """One request; follows nothing."""
        parts = urllib.parse.urlsplit(url)
        port = parts.port or {"http": 80, "https": 443}[parts.scheme]
        data = None if form is None else urllib.parse.urlencode(form).encode()
        request = urllib.request.Request(url, data, {name.replace("_", "-"): text for name, text in headers.items()})
        if data:
            request.add_header("Content-Type", "application/x-www-form-urlencoded")
        self.cookies.add_cookie_header(request)
        connection = http.client.HTTPConnection(parts.hostname, port)
        connection.sock = socket.create_connection(self._place(f"{parts.hostname}:{port}"), 20)
        if parts.scheme == "https":
            connection.sock = self.tls.wrap_socket(connection.sock, server_hostname=parts.hostname)
        path = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        sent = {"Host": parts.netloc, "Accept": "text/html", **dict(request.header_items())}
        try:
            connection.request(request.get_method(), path, data, sent)
            answer = connection.getresponse()
            page = Page(url, answer.status, answer.headers, answer.read().decode(errors="replace"))
        finally:
            connection.close()
        self.cookies.extract_cookies(page, request)
        return page

    def follow(self, page: Page, until: str = "") -> Page:
        """Go where redirects lead, but to no address that begins with `until`."""
        for _hop in range(12):
            if page.status not in (302, 303) or (until and page.location.startswith(until)):
                return page
            page = self.get(page.location)
        raise AssertionError(f"no end of redirects at {page.url}")

    def sign_in(self, page: Page, name: str, password: str, until: str = "") -> Page:
        """Fill in the form that a page is, and go where it leads."""
        assert FORM.search(page.text), f"no form at {page.url} ({page.status}): {html.unescape(page.text[:500])}"
        return self.follow(self.get(page.url, {"name": name, "password": password}), until)

    def _place(self, place: str) -> tuple[str, int]:
        known = next((where for host, where in self.places.items() if place.endswith(host)), None)
        assert known, f"the browser was sent to {place}"
        return known
