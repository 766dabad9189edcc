"""The probes against a web server on loopback: what they ask, and what they make of each kind of bad answer."""

import base64
import socket
import threading
import time

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.verify.names import Names
from ansible_collections.sophia.platform.plugins.module_utils.verify.probes import Platform, attempt
from ansible_collections.sophia.platform.plugins.module_utils.verify.report import masker
from ansible_collections.sophia.platform.plugins.module_utils.verify.transport import Client
from fake_web import Answer, McpServer, document, served

SECRETS = {"token": "t0ken-of-the-server", "password": "pässword\n"}


MCP = {"kind": "mcp", "token_secret": "token"}


def verdict(answers, timeout_seconds=5, host="api.sophia.localhost", **check):
    """Serve `answers`, make the check once, and return (verdict, requests seen)."""
    with served(answers) as (port, seen):
        check.setdefault("url", f"http://{host}:{port}/x")
        made = attempt({"name": "it", **check}, Client(timeout_seconds), Platform(SECRETS))
        return made, seen


HEALTHY = document({"status": "ok", "checks": [{"redis": True}]})


@pytest.mark.parametrize(
    ("answer", "fields", "ok", "says"),
    [
        (HEALTHY, {}, True, "200 OK"),
        (
            HEALTHY,
            {"expect_json": {"status": "ok", "checks.0.redis": True}},
            True,
            "status = ok, checks.0.redis = true",
        ),
        (HEALTHY, {"expect_json": {"checks.0.redis": 1}}, False, "checks.0.redis is true, wanted 1"),
        (HEALTHY, {"expect_json": {"checks.1.redis": True}}, False, "there is no checks.1.redis"),
        (document({"status": "down"}, 503), {}, False, "503 Service Unavailable, wanted 200; no healthy task"),
        (document({"status": "down"}, 503), {}, False, 'It said application/json: {"status": "down"}'),
        (Answer(404, b"404 page not found", "text/plain"), {}, False, "Traefik knows no route"),
        (Answer(401), {"expect_status": 401}, True, "401 Unauthorized"),
        (
            Answer(200, b"<html>hi", "text/html"),
            {"expect_json": {"a": 1}},
            False,
            "wanted JSON, got text/html: <html>hi",
        ),
        (Answer(200, b'{"a": ', "application/json"), {"expect_json": {"a": 1}}, False, "wanted JSON"),
        (Answer(301, headers={"Location": "https://elsewhere/"}), {}, False, "301 Moved Permanently, wanted 200"),
        (Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf"), {}, False, "cut off after 4 bytes"),
        (
            Answer(raw=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
            {},
            False,
            "cut off after 4",
        ),
        (Answer(raw=b"SSH-2.0-OpenSSH_10\r\n"), {}, False, "is not HTTP"),
        (Answer(raw=b""), {}, False, "closed the connection without an answer"),
    ],
)
def test_http(answer, fields, ok, says):
    made, seen = verdict({("GET", "/x"): answer}, kind="http", **fields)
    assert made.ok is ok and says in made.detail, made.detail
    assert seen[0]["headers"]["Host"].startswith("api.sophia.localhost:")


def test_http_credentials():
    _made, seen = verdict({}, kind="http", basic_auth={"username": "operator", "secret": "password"})
    given = seen[0]["headers"]["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(given).decode() == "operator:pässword"


@pytest.mark.parametrize("pieces", [[b""], [b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n"] + [b"x"] * 50])
def test_a_slow_answer_ends_at_the_time_limit(pieces):
    """A server that sends nothing, and one that sends a byte now and then, which no socket time-out ends."""

    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve():
            connection, _address = server.accept()
            for piece in pieces:
                try:
                    connection.sendall(piece)
                except OSError:
                    return
                time.sleep(0.05)
            connection.recv(1 << 16)
            time.sleep(1)

        threading.Thread(target=serve, daemon=True).start()
        began = time.monotonic()
        url = f"http://localhost:{server.getsockname()[1]}/"
        made = attempt({"name": "it", "kind": "http", "url": url}, Client(0.4), Platform())
    assert not made.ok and "no complete answer within 0.4 s" in made.detail
    assert time.monotonic() - began < 1


def test_a_secret_in_an_answer_is_hidden_before_the_answer_is_cut_short():
    quoted = "x" * 150 + "correct-horse-battery"  # the limit of a shown answer falls into the secret
    with served({("GET", "/x"): Answer(500, quoted.encode(), "text/plain")}) as (port, _seen):
        client = Client(5, mask=masker({"token": "correct-horse-battery"}))
        made = attempt({"name": "it", "kind": "http", "url": f"http://localhost:{port}/x"}, client, Platform())
    assert not made.ok and "x********" in made.detail and "correct" not in made.detail


def test_nothing_listens():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    made = attempt({"name": "it", "kind": "http", "url": f"http://localhost:{port}/"}, Client(2), Platform())
    assert f"nothing listens on 127.0.0.1:{port}; is the edge running" in made.detail


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("a.b.localhost", "127.0.0.1"),
        ("LOCALHOST.", "127.0.0.1"),
        ("notlocalhost", "notlocalhost"),
    ],
)
def test_addresses(host, address):
    assert Names().addresses(host) == [address]


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_no_name_server_is_asked_for_an_address(address):
    assert Names(["127.0.0.1"], 1).addresses(address, 0.1) == [address]


@pytest.mark.parametrize("sse", [False, True])
def test_mcp_handshake(sse):
    server = McpServer(sse=sse)
    made, seen = verdict({("POST", "/x"): server.post, ("DELETE", "/x"): server.delete}, **MCP)
    assert made.ok and made.detail == "sophia-test 1.2, 3 tools (a, b, c); refuses callers without the token"
    assert server.closed and "Authorization" not in seen[-1]["headers"]


@pytest.mark.parametrize(
    ("sse", "fault", "says"),
    [
        (False, "open", "without a token: 200, wanted 401; anyone can call this server"),
        (False, "no-401", "without a token: 500 Internal Server Error, wanted 401"),
        (False, "no-tools", "sophia-test 1.2 offers no tool"),
        (False, "error", "tools/list: the server answered with error -32603: no database"),
        (True, "other-id", "initialize: the answer ended without a reply to it"),
        (True, "truncated", "initialize: the answer ended without a reply to it"),
    ],
)
def test_mcp_faults(sse, fault, says):
    server = McpServer(sse=sse, fault=fault)
    made, _seen = verdict({("POST", "/x"): server.post, ("DELETE", "/x"): server.delete}, **MCP)
    assert not made.ok and says in made.detail, made.detail


def test_an_event_stream_that_stays_open_is_read_as_far_as_needed():
    server = McpServer(sse=True, fault="stays-open")
    made, _seen = verdict({("POST", "/x"): server.post}, **MCP, timeout_seconds=3)
    assert made.ok, made.detail


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (Answer(502, b"Bad Gateway", "text/plain"), "initialize: 502 Bad Gateway, wanted 200; the service behind"),
        (Answer(200, b"<html>", "text/html"), "initialize: the answer is not JSON but text/html: <html>"),
        (Answer(401), "401 Unauthorized, wanted 200; the token or password here is not the one"),
        (Answer(200, b"[1, 2]"), "ended without a reply"),
    ],
)
def test_mcp_answers_of_something_else(answer, says):
    made, _seen = verdict({("POST", "/x"): answer}, **MCP)
    assert not made.ok and says in made.detail, made.detail


@pytest.mark.parametrize(
    ("fault", "expected", "ok", "says"),
    [
        ("", "'text': 1", True, "store gave"),
        ("", "forty-two", False, "wanted 'forty-two' in the result, got \"stored {'text': 1}\""),
        ("tool", "'text': 1", False, "failed: stored"),
    ],
)
def test_mcp_call(fault, expected, ok, says):
    call = {"kind": "mcp_call", "token_secret": "token", "tool": "store", "arguments": {"text": 1}}
    made, _seen = verdict({("POST", "/x"): McpServer(fault=fault).post}, expect_text=expected, **call)
    assert made.ok is ok and says in made.detail, made.detail


def targets(*states):
    """Return Prometheus' answer for (job, health) pairs."""
    active = [
        {
            "labels": {"job": job, "instance": f"10.0.0.{n}:80"},
            "health": health,
            "lastError": "refused" * (health != "up"),
        }
        for n, (job, health) in enumerate(states)
    ]
    return document({"status": "success", "data": {"activeTargets": active}})


@pytest.mark.parametrize(
    ("answer", "ok", "says"),
    [
        (targets(("a", "up"), ("a", "up"), ("b", "up"), ("c", "up")), True, "4 targets up in 3 jobs"),
        (targets(("a", "up"), ("a", "up"), ("b", "down")), False, "b 10.0.0.2:80 is down: refused (of 3 targets)"),
        (targets(("a", "up"), ("b", "up")), False, "job a has 1 of 2 (of 2 targets)"),
        (targets(("a", "up"), ("a", "up")), False, "job b has 0 of 1"),
        (document({"status": "error"}), False, "wanted Prometheus' list of targets"),
        (Answer(401), False, "401 Unauthorized, wanted 200"),
    ],
)
def test_prometheus_targets(answer, ok, says):
    path = "/x/api/v1/targets?state=active"
    made, _seen = verdict({("GET", path): answer}, kind="prometheus_targets", jobs={"a": 2, "b": None})
    assert made.ok is ok and says in made.detail, made.detail


@pytest.mark.parametrize(
    ("check", "says"),
    [
        ({"kind": "ping", "url": "x"}, "Unknown kind of check 'ping'; known: http, mcp"),
        ({"kind": "http", "url": None}, "it needs url"),
        ({"kind": "http", "url": "http://a", "expects": 1}, "it does not know expects"),
        ({"kind": "http", "url": "ftp://a"}, "not an http or https address"),
        (
            {"kind": "mcp", "url": "http://a", "token_secret": "nobody"},
            "The secret nobody is not in the secrets source",
        ),
    ],
)
def test_checks_that_cannot_be_made(check, says):
    made = attempt({"name": "it", **check}, Client(1), Platform(SECRETS))
    assert not made.ok and says in made.detail


def test_a_token_that_no_header_can_carry_is_not_shown():
    check = {"name": "it", "kind": "mcp", "url": "http://localhost:1/", "token_secret": "t"}
    with served({}) as (port, _seen):
        made = attempt({**check, "url": f"http://localhost:{port}/"}, Client(1), Platform({"t": "two\nlines"}))
    assert "has a character that HTTP cannot carry" in made.detail and "lines" not in made.detail
