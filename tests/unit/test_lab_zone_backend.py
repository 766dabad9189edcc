"""What PowerDNS is told of the simulated Namecheap, by a backend that asks a small control endpoint."""

from __future__ import annotations

import json
import socket
import threading
from contextlib import contextmanager

import pytest
from fake_web import Answer, document, served

from lab import zone_backend
from lab.zone_backend import SOA, Backend, Namecheap, Server, empty_names, strings

CONTROL = "/control/namecheap"
DOMAINS = [
    {"name": "example.com", "using_our_dns": True},
    {"name": "lab.example.com", "using_our_dns": True},
    {"name": "elsewhere.com", "using_our_dns": False},
]


def held(name, kind, address, ttl=1800, mx_pref=10):
    return {"name": name, "type": kind, "address": address, "ttl": ttl, "mx_pref": mx_pref}


ZONES = {
    "example.com": [
        held("@", "A", "192.0.2.1", ttl=300),
        held("@", "MX", "mx1.example.net.", mx_pref=5),
        held("@", "CAA", '0 issue "letsencrypt.org"'),
        held("@", "URL", "http://www.example.com/"),
        held("*", "AAAA", "2001:db8::1"),
        held("Www", "CNAME", "example.com."),
        held("_acme-challenge.api", "TXT", "one"),
        held("_acme-challenge.api", "TXT", "two"),
        held("sub", "NS", "ns1.example.net."),
    ],
    "lab.example.com": [held("www", "A", "192.0.2.2")],
}


@contextmanager
def asked(answers=None):
    """A function that asks the backend, and the requests that the control endpoint saw."""

    def zone(request):
        return document(ZONES[json.loads(request["body"])["domain"]])

    usual = {("POST", f"{CONTROL}/domains"): document(DOMAINS), ("POST", f"{CONTROL}/zone"): zone}
    with served({**usual, **(answers or {})}) as (port, seen):
        backend = Backend(Namecheap(port))
        yield lambda method, **given: backend.answer(json.dumps({"method": method, "parameters": given}).encode()), seen


def looked_up(name, kind):
    with asked() as (ask, _seen):
        rows = ask("lookup", qname=name, qtype=kind)["result"]
    return sorted((row["qtype"], row["content"], row["ttl"]) for row in rows)


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("example.com.", "A", [("A", "192.0.2.1", 300)]),
        ("EXAMPLE.com.", "MX", [("MX", "5 mx1.example.net.", 1800)]),
        ("example.com.", "CAA", [("CAA", '0 issue "letsencrypt.org"', 1800)]),
        ("example.com.", "SOA", [("SOA", SOA, 60)]),
        ("example.com.", "NS", [("NS", "names.lab.", 60)]),
        ("WWW.example.com.", "ANY", [("CNAME", "example.com.", 1800)]),
        ("*.example.com.", "ANY", [("AAAA", "2001:db8::1", 1800)]),
        ("_acme-challenge.api.example.com.", "TXT", [("TXT", '"one"', 1800), ("TXT", '"two"', 1800)]),
        ("api.example.com.", "ANY", [("ENT", "", 60)]),  # there is no wildcard for what has names below it
        ("sub.example.com.", "NS", [("NS", "ns1.example.net.", 1800)]),
        ("other.example.com.", "ANY", []),
        ("www.lab.example.com.", "ANY", [("A", "192.0.2.2", 1800)]),  # of the closest zone
        ("lab.example.com.", "SOA", [("SOA", SOA, 60)]),
        ("notexample.com.", "SOA", []),
        ("elsewhere.com.", "SOA", []),
        ("com.", "SOA", []),
        (".", "SOA", []),
    ],
)
def test_a_name_has_what_namecheap_holds(name, kind, expected):
    assert looked_up(name, kind) == expected


@pytest.mark.parametrize(("fresh_seconds", "times"), [(-1, 2), (60, 1)])
def test_an_answer_is_asked_for_anew_when_it_is_not_fresh(monkeypatch, fresh_seconds, times):
    """Records of mail forwarding are among them."""
    monkeypatch.setattr(zone_backend, "FRESH_SECONDS", fresh_seconds)
    with asked() as (ask, seen):
        for _ in range(2):
            ask("lookup", qname="example.com.", qtype="A")
    bodies = [json.loads(request["body"]) for request in seen if request["path"].endswith("/zone")]
    assert bodies == [{"domain": "example.com", "generated": True}] * times


@pytest.mark.parametrize(
    ("method", "given", "expected"),
    [
        ("initialize", {"path": "/run/names/socket"}, True),
        ("getDomainInfo", {"name": "example.com."}, {"zone": "example.com.", "kind": "native"}),
        ("getDomainInfo", {"name": "elsewhere.com."}, False),
        ("list", {"zonename": "elsewhere.com.", "domain_id": -1}, False),
        ("getDomainMetadata", {"name": "example.com.", "kind": "ALLOW-AXFR-FROM"}, False),
    ],
)
def test_the_other_methods(method, given, expected):
    with asked() as (ask, _seen):
        assert ask(method, **given) == {"result": expected}


def test_zones_are_listed_with_all_their_names():
    with asked() as (ask, _seen):
        zones = [zone["zone"] for zone in ask("getAllDomains")["result"]]
        rows = ask("list", zonename="lab.example.com.")["result"]
    assert zones == ["example.com.", "lab.example.com."]
    assert [(row["qname"], row["qtype"]) for row in rows] == [
        ("lab.example.com.", "SOA"),
        ("lab.example.com.", "NS"),
        ("www.lab.example.com.", "A"),
    ]


@pytest.mark.parametrize(
    "broken",
    [
        {("POST", f"{CONTROL}/domains"): Answer(500)},
        {("POST", f"{CONTROL}/domains"): Answer(200, b"<html>")},
        {("POST", f"{CONTROL}/zone"): document({"error": "no domain is that"}, 400)},
        {("POST", f"{CONTROL}/zone"): Answer(raw=b"")},
    ],
)
def test_no_result_means_servfail_when_the_clouds_do_not_answer(broken):
    with asked(broken) as (ask, _seen):
        answer = ask("lookup", qname="example.com.", qtype="A")
    assert "result" not in answer
    assert answer["log"][0].startswith("The simulated clouds: port ")


@pytest.mark.parametrize("line", [b"{", b"[]", b'{"method": "lookup", "parameters": {"qname": "a."}}'])
def test_a_request_that_cannot_be_read_has_no_result(line):
    assert "result" not in Backend(Namecheap(1)).answer(line)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("v=spf1 -all", '"v=spf1 -all"'),
        ("", '""'),
        ('say "hi" \\ ;', '"say \\"hi\\" \\\\ ;"'),
        ("é", '"\\195\\169"'),
        ("x" * 255, f'"{"x" * 255}"'),
        ("x" * 600, f'"{"x" * 255}" "{"x" * 255}" "{"x" * 90}"'),
    ],
)
def test_a_text_is_quoted_in_strings_of_255_bytes(value, expected):
    assert strings(value) == expected


def test_names_between_the_zone_and_a_record_exist():
    names = {"example.com.", "a.b.c.example.com.", "c.example.com.", "*.w.example.com."}
    assert empty_names("example.com", names) == {"b.c.example.com", "w.example.com"}


def test_many_requests_go_over_one_connection_and_a_left_socket_is_replaced(tmp_path):
    path = tmp_path / "socket"
    socket.socket(socket.AF_UNIX).bind(str(path))
    server = Server(path, Backend(Namecheap(1)))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            answers = connection.makefile("rwb")
            for _ in range(2):
                answers.write(b'{"method": "initialize", "parameters": {}}\n')
                answers.flush()
                assert json.loads(answers.readline()) == {"result": True}
    finally:
        server.shutdown()
        server.server_close()
