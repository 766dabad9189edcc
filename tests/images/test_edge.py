"""The edge as the catalog describes it, in the real Traefik: what it lets through, refuses, hides and writes down."""

from __future__ import annotations

import base64
import http.client
import http.server
import json
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from types import SimpleNamespace

import bcrypt
import pytest
import yaml
from ansible_collections.sophia.platform.plugins.module_utils.catalog import edge
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import read

from tests.tls import self_signed

DOMAIN = "edge.test"
ENTRY = {"stack": "s", "image": "x/y:1"}
ROUTES = {
    "api": {"limits": {"request_max_bytes": 1500}},
    "rate": {"limits": {"requests_per_second": 1, "burst": 3}},
    "slow": {"limits": {"timeout_seconds": 1}},
    "busy": {"limits": {"in_flight": 2}},
    "ours": {"allow": ["192.0.2.0/24"]},
    "here": {"allow": ["127.0.0.0/8"]},
    "ops": {"access": "operators"},
    "dashboard": {"access": "operators", "internal": "api@internal"},
}


class Backend(http.server.BaseHTTPRequestHandler):
    """Says what it was sent; /stream sends three events, /slow waits, /broken fails."""

    protocol_version = "HTTP/1.1"
    broken = False

    def log_message(self, *_arguments):
        """Be silent."""

    def do_GET(self):
        if self.path == "/slow":
            time.sleep(1.5)
        if self.path == "/stream":
            # Go's server may cut an answer that begins before Traefik has seen the end of a body (traefik#11767).
            time.sleep(0.05)
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for _number in range(3):
                self.wfile.write(b"9\r\ndata: x\n\n\r\n")
                self.wfile.flush()
                time.sleep(0.4)
            self.wfile.write(b"0\r\n\r\n")
            return
        body = json.dumps(dict(self.headers)).encode()
        self.send_response(500 if self.path == "/broken" else 200)
        for name, value in (("Content-Length", str(len(body))), ("X-Powered-By", "secret/1.2")):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self):
        length = self.headers.get("Content-Length")
        if length:
            self.rfile.read(int(length))
        while not length and (size := int(self.rfile.readline(), 16)) + len(self.rfile.read(size + 2)) > 2:
            pass
        self.do_GET()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def traefik(start, catalog, tmp_path_factory):
    """Traefik with the catalog's files, but for addresses: ports of loopback, and a backend that is a thread here."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ports = SimpleNamespace(web=free_port(), websecure=free_port(), metrics=free_port())
    services = [{"name": name, "port": 1, **ENTRY, "route": {"host": name, **route}} for name, route in ROUTES.items()]
    platform = {"services": services, "domain": DOMAIN, "environment": "t", "networks": {"edge": {}}}
    routed = read({**platform, "edge_https_port": ports.websecure})
    static, dynamic = yaml.safe_load(edge.static(routed)), yaml.safe_load(edge.dynamic(routed))
    for name, point in static["entryPoints"].items():
        point["address"] = f"127.0.0.1:{getattr(ports, name)}"
    del static["providers"]["swarm"]
    url = f"http://127.0.0.1:{server.server_address[1]}"
    for service in dynamic["http"]["services"].values():
        service["loadBalancer"]["servers"] = [{"url": url}]
    certificate = self_signed(tmp_path_factory.mktemp("tls"), [f"{name}.{DOMAIN}" for name in ROUTES])
    files = {
        "/etc/traefik/traefik.yml": yaml.safe_dump(static),
        edge.DYNAMIC_FILE: yaml.safe_dump(dynamic),
        "/run/secrets/edge_certificate": certificate.read_text(),
        "/run/secrets/edge_certificate_key": certificate.with_name("key.pem").read_text(),
        "/run/secrets/operators_htpasswd": f"operator:{bcrypt.hashpw(b'pw', bcrypt.gensalt(5)).decode()}\n",
    }
    options = ("--network=host",)
    with start("traefik", *catalog["traefik"]["command"], files=files, options=options) as container:
        container.healthy(catalog["traefik"]["healthcheck"]["test"])
        container.until("routes", lambda: "" if ask(ports.websecure, "api").status == 200 else "no route yet")
        yield SimpleNamespace(container=container, ports=ports)
    server.shutdown()


def ask(port, host, path="/", method="GET", body=None, tls=True, **headers):
    """One request to a routed host; status, headers, body, and seconds until the first byte and until the end."""
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", port), 10) as plain:
        connection = http.client.HTTPConnection(f"{host}.{DOMAIN}", port)
        connection.sock = unchecked.wrap_socket(plain, server_hostname=f"{host}.{DOMAIN}") if tls else plain
        began = time.monotonic()
        chunked = body is not None and not isinstance(body, bytes)
        connection.request(method, path, body, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        content = answer.read(1)
        first = time.monotonic() - began
        content += answer.read()
        whole = time.monotonic() - began
        connection.close()
    return SimpleNamespace(status=answer.status, headers=answer.headers, body=content, first=first, whole=whole)


@pytest.fixture
def get(traefik):
    def get(host, path="/", **options):
        try:
            return ask(traefik.ports.websecure, host, path, **options)
        except (OSError, http.client.HTTPException) as error:
            error.add_note("Traefik's log ends with:\n" + "\n".join(traefik.container.log.splitlines()[-10:]))
            raise

    return get


def test_http_leads_to_https(traefik):
    answer = ask(traefik.ports.web, "api", "/a?b=1", tls=False)
    assert answer.status == 301
    assert answer.headers["Location"] == f"https://api.{DOMAIN}:{traefik.ports.websecure}/a?b=1"


def test_every_answer_has_the_headers_and_none_that_tells_of_the_server(get):
    for answer in (get("api"), get("ops"), get("ours")):
        assert answer.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains"
        assert (answer.headers["X-Content-Type-Options"], answer.headers["X-Frame-Options"]) == ("nosniff", "DENY")
        assert answer.headers["X-Powered-By"] is None and answer.headers["Server"] is None


@pytest.mark.parametrize(
    ("size", "chunked", "status"),
    [(900, False, 200), (1500, False, 200), (1501, False, 413), (900, True, 200), (3000, True, 413)],
)
def test_size_of_requests(get, size, chunked, status):
    body = iter([b"x" * 300] * (size // 300)) if chunked else b"x" * size
    assert get("api", method="POST", body=body).status == status


def test_streams_are_not_held_back(get):
    for options in ({}, {"method": "POST", "body": b"{}"}):
        answer = get("api", "/stream", **options)
        assert answer.body.count(b"data: x") == 3 and answer.first < answer.whole / 2


def test_rate(get):
    with ThreadPoolExecutor(8) as clients:
        assert [answer.status for answer in clients.map(get, ["rate"] * 8)].count(429) >= 4


def test_a_service_that_does_not_answer_in_time_is_left_alone_for_a_moment(traefik, get):
    assert [get("slow", "/slow").status for _number in range(2)] == [504, 503]
    traefik.container.until("recovery", lambda: "" if get("slow").status == 200 else "still left alone")


def test_requests_in_flight(get):
    found = []
    threads = [threading.Thread(target=lambda: found.append(get("busy", "/slow").status)) for _number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200] * 2 + [429] * 4


def test_allow_lists(get):
    assert (get("ours").status, get("here").status) == (403, 200)


@pytest.mark.parametrize("host", ["ops", "dashboard"])
def test_operators_log_in_and_their_password_goes_no_further(get, host):
    def login(password):
        return {"Authorization": f"Basic {base64.b64encode(f'operator:{password}'.encode()).decode()}"}

    path = "/" if host == "ops" else "/api/overview"
    assert (get(host, path).status, get(host, path, **login("wrong")).status) == (401, 401)
    answer = get(host, path, **login("pw"))
    assert answer.status == 200 and b"Authorization" not in answer.body


def test_guesses_of_a_password_are_slowed_down(get):
    answers = (get("ops").status for _number in range(400))  # a slow machine guesses slowly
    assert len(list(islice((status for status in answers if status == 429), 6))) == 6


def test_a_client_cannot_say_where_it_comes_from(get):
    seen = json.loads(get("api", **{"X-Forwarded-For": "203.0.113.9"}).body)
    assert seen["X-Forwarded-For"] == "127.0.0.1" and get("ours", **{"X-Forwarded-For": "192.0.2.1"}).status == 403


def test_unknown_names_get_no_certificate(get):
    with pytest.raises(ssl.SSLError):
        get("nobody")


def test_the_access_log_tells_requests_and_no_secret(traefik, get):
    get("api", "/found?token=s3cr3t-query", Authorization="Bearer s3cr3t-header", Cookie="a=s3cr3t-cookie")
    traefik.container.until("the line", lambda: "" if "/found" in traefik.container.log else "not yet")
    lines = [json.loads(line) for line in traefik.container.log.splitlines() if '"RequestPath"' in line]
    (line,) = [line for line in lines if line["RequestPath"].startswith("/found")]
    assert line["DownstreamStatus"] == 200 and line["RequestHost"] == f"api.{DOMAIN}"
    assert set(line) == {*edge.LOG_FIELDS, "level", "msg", "time"}
    assert "s3cr3t" not in traefik.container.log
