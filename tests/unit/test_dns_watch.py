"""Watching names: when it ends, what counts, what name servers are asked, and what the module says."""

import http.server
import socket
import threading

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset
import pytest
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.dns import servers
from ansible_collections.sophia.platform.plugins.module_utils.dns.watch import Limits, Target, summary, watch
from ansible_collections.sophia.platform.plugins.modules import dns_watch
from module_runs import run as run_module

SERVER = servers.Server("ns1", ["127.0.0.1"], 53)


class Time(Clock):
    """A clock that only waiting moves."""

    def __init__(self):
        self.now = 0.0
        super().__init__(lambda: self.now, self._pass)

    def _pass(self, seconds):
        self.now += seconds


def target(outcomes, settles=False):
    """A target with these outcomes, g for good and b for bad; the last one stays."""
    left = list(outcomes)
    return Target("t", lambda: "is bad." if (left.pop(0) if len(left) > 1 else left[0]) == "b" else "", settles)


@pytest.mark.parametrize(
    ("outcomes", "settles", "limits", "expected"),
    [
        ("g", False, (0, 5, 3, 0), (True, 0, 1, 0)),
        ("g", False, (10, 5, 3, 0), (True, 10, 3, 0)),
        ("bbg", False, (0, 5, 2, 0), (True, 10, 3, 2)),
        ("b", False, (0, 5, 2, 0), (False, 10, 3, 3)),
        ("gbbgbbg", False, (30, 5, 2, 0), (True, 30, 7, 4)),  # only failures in a row count
        ("ggb", False, (10, 5, 1, 0), (False, 15, 4, 2)),  # it does not end in the middle of a doubt
        ("bbbg", True, (0, 5, 0, 60), (True, 15, 1, 0)),  # the server did not know yet
        ("b", True, (0, 5, 1, 20), (False, 25, 2, 2)),
        ("gb", True, (20, 5, 1, 60), (False, 10, 3, 2)),  # it knew, and forgot
    ],
)
def test_watching(outcomes, settles, limits, expected):
    watched = target(outcomes, settles)
    ok, seconds = watch([watched], Limits(*limits), Time())
    assert (ok, seconds, watched.probe_count, watched.failed_count) == expected


def test_the_summary_counts_and_tells_when_every_server_knew():
    settled, failing = target("bbg", settles=True), target("gbg")
    watch([settled, failing], Limits(0, 5, 3, 60), Time())
    assert summary([settled, failing], 10) == (
        "1 of 4 probes failed in 10 s; every name server had the records after 10 s"
    )


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("127.0.0.1", ("127.0.0.1", 53)),
        ("127.0.0.1:5353", ("127.0.0.1", 5353)),
        ("[::1]:5353", ("::1", 5353)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("2001:db8::1", ("2001:db8::1", 53)),
    ],
)
def test_places_of_name_servers(given, expected):
    address, port = expected
    assert servers.servers([given], "example.com") == [(given, [address], port)]


@pytest.mark.parametrize("given", ["", "a b:c", "http://x", "[::1", "192.0.2.1:port", "192.0.2.1:65536", "ns1..io"])
def test_what_is_no_place_is_told(given):
    with pytest.raises(servers.DnsError, match="name_servers|no address"):
        servers.servers([given], "example.com")


def test_a_zone_without_name_servers_is_told(monkeypatch):
    def refuse(*_arguments):
        raise dns.resolver.NXDOMAIN

    monkeypatch.setattr(dns.resolver, "resolve", refuse)
    with pytest.raises(servers.DnsError, match="The name servers of example.com were not found.*name_servers"):
        servers.servers([], "example.com")


def test_the_name_servers_of_a_zone_have_all_their_addresses_those_of_ipv4_first(monkeypatch):
    names = dns.rrset.from_text("x.io.", 60, "IN", "NS", "ns2.x.io.", "ns1.x.io.")
    monkeypatch.setattr(dns.resolver, "resolve", lambda *_arguments: names)
    found = [(0, 0, 0, "", ("2001:db8::1", 53, 0, 0)), (0, 0, 0, "", ("192.0.2.1", 53))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: found)
    both = ["192.0.2.1", "2001:db8::1"]
    assert servers.servers([], "x.io") == [("ns1.x.io", both, 53), ("ns2.x.io", both, 53)]


def test_one_address_of_a_name_server_has_to_answer_and_the_first_says_why_none_does(monkeypatch):
    def ask(query, address, *_arguments):
        if address == "192.0.2.1":
            raise OSError("Network is unreachable")
        if address == "192.0.2.2":
            raise dns.exception.Timeout
        return dns.message.make_response(query), False

    def said(*addresses):
        return servers.difference(servers.Server("ns1", list(addresses), 53), "a.io", "A", [], 1)

    monkeypatch.setattr(dns.query, "udp_with_fallback", ask)
    assert said("192.0.2.1", "192.0.2.2", "192.0.2.3") == ""
    assert said("192.0.2.2", "192.0.2.1") == "ns1: a.io A: no answer within 1 s."


def answering(monkeypatch, *found, rcode=dns.rcode.NOERROR):
    """Have name servers answer with these sets, as (name, type, values)."""

    def ask(query, *_arguments):
        assert not query.flags & dns.flags.RD
        reply = dns.message.make_response(query)
        reply.set_rcode(rcode)
        reply.answer += [dns.rrset.from_text(f"{name}.", 60, "IN", kind, *values) for name, kind, *values in found]
        return reply, False

    monkeypatch.setattr(dns.query, "udp_with_fallback", ask)


@pytest.mark.parametrize(
    ("kind", "found", "expected", "told"),
    [
        ("A", [("api.x.io", "A", "192.0.2.1", "192.0.2.2")], ["192.0.2.2", "192.0.2.1"], ""),
        ("A", [("API.x.io", "A", "192.0.2.1")], ["192.0.2.1"], ""),
        ("AAAA", [("api.x.io", "AAAA", "2001:db8::1")], ["2001:DB8:0::1"], ""),
        ("CNAME", [("api.x.io", "CNAME", "Old.x.io.")], ["old.x.io"], ""),
        ("A", [], [], ""),
        ("A", [], ["192.0.2.1"], "is nothing and should be 192.0.2.1"),
        ("A", [("api.x.io", "A", "192.0.2.9")], ["192.0.2.1"], "is 192.0.2.9 and should be 192.0.2.1"),
        ("A", [("api.x.io", "A", "192.0.2.9")], [], "should be nothing"),
        ("A", [("api.x.io", "CNAME", "b.x.io."), ("b.x.io", "A", "192.0.2.1")], ["192.0.2.1"], "is nothing"),
    ],
)
def test_what_a_name_server_says(monkeypatch, kind, found, expected, told):
    answering(monkeypatch, *found)
    difference = servers.difference(SERVER, "api.x.io", kind, expected, 1)
    assert told in difference and bool(told) == bool(difference)


def test_a_name_server_that_refuses_or_is_silent_is_told(monkeypatch):
    answering(monkeypatch, rcode=dns.rcode.REFUSED)
    assert "answers REFUSED; does it serve" in servers.difference(SERVER, "a.io", "A", [], 1)
    answering(monkeypatch, rcode=dns.rcode.NXDOMAIN)
    assert servers.difference(SERVER, "a.io", "A", [], 1) == ""

    def silent(*_arguments):
        raise dns.exception.Timeout

    monkeypatch.setattr(dns.query, "udp_with_fallback", silent)
    assert "ns1: a.io A: no answer within 1 s." in servers.difference(SERVER, "a.io", "A", [], 1)


@pytest.fixture
def edge():
    """An HTTP server on loopback; its port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200 if self.path == "/health" and self.headers["Host"].startswith("api.x.io") else 404)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("check", [False, True])
@pytest.mark.parametrize(("path", "ok"), [("/health", True), ("/other", False)])
def test_the_module_gives_a_verdict_and_never_fails_by_it(monkeypatch, capsys, edge, path, ok, check):
    answering(monkeypatch, ("api.x.io", "A", "127.0.0.1"))
    options = {
        "zone": "x.io",
        "name_servers": ["127.0.0.1"],
        "answers": [{"name": "api.x.io", "type": "A", "values": ["127.0.0.1"]}],
        "probes": [{"name": "api.x.io", "url": f"http://api.x.io:{edge}{path}", "addresses": ["127.0.0.1"]}],
        "failures_max": 1,
    }
    result = run_module(lambda: dns_watch.main(Time()), monkeypatch, capsys, check=check, **options).result
    assert (result["ok"], result["changed"], result.get("failed")) == (ok or check, False, None)
    assert (result["probe_count"], result["failed_count"]) == ((0, 0) if check else (2, 0) if ok else (4, 2))
    assert ("404, and 200 was expected" in str(result["problems"])) == (not ok and not check)


def test_a_name_server_that_is_not_found_fails_the_module(monkeypatch, capsys):
    options = {"zone": "x.io", "name_servers": ["?:?"], "answers": [{"name": "x.io", "type": "A", "values": []}]}
    result = run_module(dns_watch.main, monkeypatch, capsys, **options).result
    assert result["failed"] and "'?:?' is no host" in result["msg"]
