"""For tests: a name server on loopback for the zone of the simulated Namecheap, and edges that clients reach."""

from __future__ import annotations

import http.server
import socket
import ssl
import threading
from contextlib import contextmanager

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode
import dns.rrset


def answer(cloud, zone, query):
    """What the zone says now. It knows A, AAAA and CNAME of single names."""
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    question = query.question[0]
    name = question.name.to_text().rstrip(".").lower()
    if f".{name}".rpartition(f".{zone}")[1] == "":
        reply.set_rcode(dns.rcode.REFUSED)
        return reply
    short = name.removesuffix(zone).rstrip(".") or "@"
    own = [record for record in cloud.control("namecheap/zone", {"domain": zone}) if record["name"] == short]
    for kind in ("A", "AAAA", "CNAME"):
        found = [record for record in own if record["type"] == kind]
        if found and kind in (dns.rdatatype.to_text(question.rdtype), "CNAME"):
            values = [record["address"] for record in found]
            reply.answer.append(dns.rrset.from_text(question.name, found[0]["ttl"], "IN", kind, *values))
    if not own:
        reply.set_rcode(dns.rcode.NXDOMAIN)
    return reply


@contextmanager
def name_server(cloud, zone):
    """Serve the zone on a port of 127.0.0.1, which is given as host:port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))

        def serve():
            while True:
                text, client = listening.recvfrom(4096)
                if not text:
                    return
                listening.sendto(answer(cloud, zone, dns.message.from_wire(text)).to_wire(), client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listening.getsockname()[1]}"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", listening.getsockname())
        thread.join()


@contextmanager
def edge(address, port, status, certificate):
    """Serve HTTPS at an address; status(host, path) is what it answers with. Gives the port."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            code = status(self.headers["Host"].partition(":")[0], self.path)
            self.send_response(code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer((address, port), Handler)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server.socket = tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
