"""One exchange with a cloud's API: every way in which an answer can fail to come, and what is told of it."""

from __future__ import annotations

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import (
    Answer,
    TransportError,
    exchange,
    masked,
)
from fake_web import Answer as Page
from fake_web import document, served

TOKEN = "token-that-nobody-may-see"  # noqa: S105
ANSWERS = {
    ("GET", "/ok"): document({"a": 1}, Retry_After="7"),
    ("POST", "/refused"): Page(503, b"<html><script>x()</script><body>Bad <b>Gateway</b></body></html>", "text/html"),
    ("GET", "/moved"): Page(302, b"", headers={"Location": "/ok"}),
    ("GET", "/cut"): Page(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"),
    ("GET", "/nothing"): Page(raw=b""),
    ("GET", "/junk"): Page(raw=b"hello there\r\n\r\n"),
    ("GET", "/late"): Page(raw=b"", hold_seconds=2),
}


@pytest.fixture
def ask():
    """Ask the server of this file, with a credential."""
    with served(ANSWERS) as (port, seen):

        def ask(path, method="GET", **options):
            headers = {"Authorization": f"Bearer {TOKEN}"}
            return exchange(method, f"http://127.0.0.1:{port}{path}", headers, timeout_seconds=0.5, **options)

        ask.seen = seen
        yield ask


def test_any_status_is_an_answer(ask):
    answer = ask("/ok")
    assert (answer.status, answer.json(), answer.retry_after_seconds) == (200, {"a": 1}, 7.0)
    assert ask("/nowhere").status == 404
    assert ask("/refused", "POST", body=b"x").described() == "an HTML page: Bad Gateway"


def test_a_redirect_is_not_followed_with_a_credential(ask):
    assert ask("/moved").status == 302
    assert [request["path"] for request in ask.seen] == ["/moved"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/cut", "cut off after 3 of 100 bytes"),
        ("/nothing", "closed the connection without an answer"),
        ("/junk", "is not HTTP"),
        ("/late", "no answer within 0.5 s"),
    ],
)
def test_an_answer_that_breaks_may_have_been_carried_out(ask, path, said):
    with pytest.raises(TransportError, match=said) as caught:
        ask(path)
    assert caught.value.sent
    assert TOKEN not in str(caught.value) and caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://127.0.0.1:1/", "nothing listens on 127.0.0.1:1"),
        ("http://nowhere.invalid/", "nowhere.invalid does not resolve"),
        ("file:///etc/passwd", "not an http or https one"),
        ("http://", "not an http or https one"),
    ],
)
def test_what_never_left_may_be_sent_again(url, said):
    with pytest.raises(TransportError, match=said) as caught:
        exchange("POST", url, body=b"x")
    assert not caught.value.sent


def test_what_came_is_shown_short_and_without_secrets():
    assert Answer(200, {}, b"").described() == "an empty body"
    assert Answer(200, {}, b"a" * 300).described(10) == "a" * 10 + "…"
    assert masked("key abcdef and abc", ["abcdef", "abc", ""]) == "key *** and abc"
