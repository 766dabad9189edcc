"""A plain HTTP client for the tests of the simulated clouds: the standard library's, no proxy, nothing clever."""

from __future__ import annotations

import http.client
import json
from typing import NamedTuple
from urllib.parse import urlsplit


class Answer(NamedTuple):
    """What came; headers have lower-case names."""

    status: int
    headers: dict
    body: bytes

    @property
    def json(self):
        """The body as JSON."""
        return json.loads(self.body)


def ask(method, url, given=None, headers=None, body=None) -> Answer:
    """Send one request. given: sent as JSON; body: sent as it is."""
    place = urlsplit(url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=20)
    try:
        return ask_on(connection, method, f"{place.path}?{place.query}".rstrip("?"), given, headers, body)
    finally:
        connection.close()


def ask_on(connection, method, target, given=None, headers=None, body=None) -> Answer:
    """Send one request on a connection that may be used again."""
    headers = dict(headers or {})
    if given is not None:
        headers.setdefault("Content-Type", "application/json")
        body = json.dumps(given)
    connection.request(method, target, body=body, headers=headers)
    answer = connection.getresponse()
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
