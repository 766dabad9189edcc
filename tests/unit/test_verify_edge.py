"""The checks of the edge: what DNS says, and the certificate that each node shows."""

import socket
import ssl
import threading
from contextlib import contextmanager
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from ansible_collections.sophia.platform.plugins.module_utils.verify.errors import ProbeError
from ansible_collections.sophia.platform.plugins.module_utils.verify.names import Names
from ansible_collections.sophia.platform.plugins.module_utils.verify.probes import Platform, attempt
from ansible_collections.sophia.platform.plugins.module_utils.verify.transport import Client

from tests.tls import self_signed

ZONE = {("api.example.org.", "A"): ["127.0.0.2", "127.0.0.1"], ("six.example.org.", "AAAA"): ["2001:db8::1"]}


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def issue(names, days=90, serial=7):
    return self_signed(Path(f"tls{serial}"), names, days, serial)


@contextmanager
def name_server():
    """A name server on loopback that knows ZONE; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))

        def serve():
            while True:
                try:
                    data, sender = listening.recvfrom(4096)
                except OSError:
                    return
                listening.sendto(answer(dns.message.from_wire(data)).to_wire(), sender)

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]


def answer(question):
    reply = dns.message.make_response(question)
    asked = question.question[0]
    name, kind = asked.name.to_text(), dns.rdatatype.to_text(asked.rdtype)
    if not any(name == known for known, _kind in ZONE):
        reply.set_rcode(dns.rcode.NXDOMAIN)
    elif (name, kind) in ZONE:
        reply.answer.append(dns.rrset.from_text(name, 60, "IN", kind, *ZONE[name, kind]))
    return reply


def records(hosts, port, servers=("127.0.0.1",)):
    check = {"name": "it", "kind": "records", "hosts": hosts}
    return attempt(check, Client(5, Names(list(servers), port)), Platform())


@pytest.mark.parametrize(
    ("hosts", "ok", "says"),
    [
        ({"api.example.org": ["127.0.0.1", "127.0.0.2"]}, True, "1 name lead to 127.0.0.1, 127.0.0.2"),
        ({"api.example.org": ["127.0.0.1"]}, False, "leads to 127.0.0.1, 127.0.0.2, the catalog says 127.0.0.1: run"),
        ({"six.example.org": ["2001:db8::1"]}, True, "2001:db8::1"),
        ({"gone.example.org": ["127.0.0.1"]}, False, "knows no gone.example.org; run playbooks/dns.yml"),
    ],
)
def test_records(hosts, ok, says):
    with name_server() as port:
        made = records(hosts, port)
    assert made.ok is ok and says in made.detail, made.detail


def test_a_silent_name_server_is_said():
    with pytest.raises(ProbeError, match="the name server 127.0.0.1 does not tell the address of api.example.org"):
        Names(["127.0.0.1"], 1).records("api.example.org", 0.3)


def test_an_address_that_refuses_is_passed_over():
    """127.0.0.2 has no server, 127.0.0.1 has: as with a node that is down."""
    with shown(issue(["api.example.org"])) as (port, ca), name_server() as names_port:
        client = Client(5, Names(["127.0.0.1"], names_port), tls=ssl.create_default_context(cafile=ca))
        with pytest.raises(ProbeError, match="closed the connection|cut off|not HTTP"):  # it speaks TLS and no HTTP
            client.request("GET", f"https://api.example.org:{port}/")


@contextmanager
def shown(certificate, address="127.0.0.1", port=0):
    """A TLS server that shows a certificate and hangs up; its port and the file of its authority."""
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, certificate.with_name("key.pem"))
    with socket.create_server((address, port)) as listening:

        def serve():
            while True:
                try:
                    accepted, _sender = listening.accept()
                except OSError:
                    return
                try:
                    tls.wrap_socket(accepted, server_side=True).close()
                except OSError:
                    continue

        threading.Thread(target=serve, daemon=True).start()
        with open("ca.pem", "a", encoding="utf-8") as file:
            file.write(certificate.read_text())
        yield listening.getsockname()[1], "ca.pem"


def certificate(port, ca=None, addresses=("127.0.0.1",), hosts=("api.example.org",), **fields):
    tls = ssl.create_default_context(cafile=ca)
    check = {"name": "it", "kind": "certificate", "hosts": list(hosts), "addresses": list(addresses), "port": port}
    return attempt({**check, **fields}, Client(5, tls=tls), Platform())


@pytest.mark.parametrize(
    ("names", "days", "fields", "ok", "says"),
    [
        (["api.example.org"], 90, {}, True, "1 name, 90 days left, by Test authority"),
        (["*.example.org"], 90, {}, True, "1 name"),
        (["api.example.org"], 9, {"days_min": 14}, False, "ends in 9.0 days: run playbooks/certificates.yml"),
        (["api.example.org"], -1, {}, False, "certificate has expired"),
        (["other.example.org"], 90, {}, False, "is not good"),
        (["api.example.org"], 90, {"hosts": ["api.example.org", "b.example.org"]}, False, "lacks b.example.org"),
    ],
)
def test_certificate(names, days, fields, ok, says):
    with shown(issue(names, days)) as (port, ca):
        made = certificate(port, ca, **fields)
    assert made.ok is ok and says in made.detail, made.detail


def test_an_authority_that_nobody_trusts():
    with shown(issue(["api.example.org"])) as (port, _ca):
        assert "is not good: self-signed certificate" in certificate(port).detail


def test_every_node_shows_the_same():
    names = ["api.example.org"]
    with shown(issue(names, serial=1)) as (port, _ca), shown(issue(names, serial=2), "127.0.0.2", port) as (_port, ca):
        made = certificate(port, ca, addresses=["127.0.0.1", "127.0.0.2"])
    assert not made.ok and "show different certificates (127.0.0.1 01, 127.0.0.2 02)" in made.detail, made.detail
