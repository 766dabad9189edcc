"""The edge of the converged lab, from outside: certificate, TLS, logins, what is reachable, what its log tells."""

from __future__ import annotations

import base64
import json
import resource
import selectors
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterable
from urllib.parse import urlsplit

import pytest
from conftest import DOMAIN, HTTPS_PORT, MACHINES, PREFIX, ROOT, STATE, addresses, ask, lab_secrets, play

from tests.browser import Browser

SSLYZE = "sslyze==6.3.1"
HOSTS = ("alertmanager", "api", "auth", "mcp", "prometheus", "traefik")
EDGES = [host["lab_edge_address"] for host in MACHINES["lab_hosts"].values()]
NODES = {name: host["private_address"] for name, host in MACHINES["lab_hosts"].items()}


def on_host(number: int, script: str) -> str:
    argv = ["docker", "exec", f"{PREFIX}-{number}", "sh", "-euc", script]
    return subprocess.run(argv, check=True, capture_output=True, text=True, timeout=60).stdout


def container(number: int, service: str) -> str:
    return on_host(number, f"docker ps -q --filter label=com.docker.swarm.service.name={service}").split()[0]


def operator() -> dict[str, str]:
    pair = f"operator:{lab_secrets()['operators_password']}"
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@pytest.mark.parametrize("host", HOSTS)
def test_every_name_leads_to_every_edge_node(runs, host):
    assert addresses(host) == EDGES


@pytest.mark.parametrize("address", EDGES)
def test_every_edge_node_answers_with_the_certificate(runs, address):
    assert json.load(ask("api", "/health", address))["status"] == "ok"


def test_curl_agrees(runs):
    """A client that others wrote, with the lab's authority and the address that the lab's name server told."""
    (address, *_more) = addresses("api")
    url = f"https://api.{DOMAIN}:{HTTPS_PORT}/health"
    argv = ["curl", "--silent", "--show-error", "--fail", "--cacert", str(STATE / "ca.pem"), "--noproxy", "*"]
    argv += ["--resolve", f"api.{DOMAIN}:{HTTPS_PORT}:{address}", url]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "ok"


@pytest.fixture(scope="module")
def sslyze():
    """The program, in a virtual environment of its own: it wants an older `cryptography` than the platform has."""
    venv = ROOT / "build/sslyze"
    program = venv / "bin/sslyze"
    if not program.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", venv], check=True)
        pip = [venv / "bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", SSLYZE]
        subprocess.run(pip, check=True, capture_output=True, timeout=300)
    return program


def test_tls_is_what_mozilla_calls_intermediate(runs, sslyze):
    argv = [sslyze, "--mozilla_config=intermediate", f"--certinfo_ca_file={STATE / 'ca.pem'}"]
    targets = [f"{host}.{DOMAIN}:{HTTPS_PORT}{{{addresses(host)[0]}}}" for host in ("api", "traefik")]
    done = subprocess.run([*argv, *targets], capture_output=True, text=True, timeout=300, check=False)
    verdicts = [line for line in done.stdout.splitlines() if "Compliant" in line or "compliant" in line]
    assert (done.returncode, len(verdicts)) == (0, len(targets)), done.stdout[-4000:] + done.stderr[-2000:]


@pytest.mark.parametrize(
    ("host", "path"), [("prometheus", "/-/healthy"), ("alertmanager", "/-/healthy"), ("traefik", "/api/overview")]
)
def test_programs_use_the_password_from_this_machine(runs, host, path):
    wrong = {"Authorization": f"Basic {base64.b64encode(b'operator:wrong').decode()}"}
    assert [ask(host, path, **login).status for login in ({}, wrong, operator())] == [302, 401, 200]


@pytest.fixture
def browser():
    """A browser that trusts the lab's authority, and reaches the edge and the lab's identity provider only."""
    identity = urlsplit(MACHINES["lab_identity_url"])
    places = {
        f"{DOMAIN}:{HTTPS_PORT}": (addresses("auth")[0], HTTPS_PORT),
        identity.netloc: (identity.hostname, identity.port),
    }
    return Browser(places, ssl.create_default_context(cafile=STATE / "ca.pem"))


@pytest.mark.parametrize(("name", "status"), [("olivia", 200), ("victor", 403), ("nora", 403)])
def test_people_log_in_at_the_provider(runs, browser, name, status):
    """Olivia is an operator. Victor may see what viewers may, which Prometheus is not for; Nora is in no group."""
    url = f"https://prometheus.{DOMAIN}:{HTTPS_PORT}/-/healthy"
    form = browser.follow(browser.get(url))
    assert form.url.startswith(MACHINES["lab_identity_url"])
    page = browser.sign_in(form, name, lab_secrets()["identity_password"])
    assert (page.url, page.status) == (url, status)


def test_traefik_may_look_at_services_and_at_nothing_else(runs):
    """Asked from Traefik's own network namespace, as somebody who has broken into it would."""
    pid = on_host(1, f"docker inspect --format '{{{{.State.Pid}}}}' {container(1, 'edge_traefik')}").strip()
    proxy = on_host(
        1,
        f"docker inspect {container(1, 'edge_docker-socket-proxy')} "
        "--format '{{(index .NetworkSettings.Networks \"socket\").IPAddress}}'",
    ).strip()
    expected = {"GET services": 200, "GET tasks": 200, "GET networks": 200, "GET nodes": 200}
    expected |= {"GET secrets": 403, "GET containers/json": 403, "GET configs": 403, "GET swarm": 403}
    expected |= {"POST services/create": 403, "DELETE services/x": 403, "POST networks/create": 403}
    found = {}
    for request in expected:
        method, path = request.split()
        curl = f"curl -s -o /dev/null -w '%{{http_code}}' -m 5 -X {method} http://{proxy}:2375/v1.41/{path}"
        found[request] = int(on_host(1, f"nsenter --net=/proc/{pid}/ns/net {curl}"))
    assert found == expected
    assert "docker.sock" not in on_host(
        1, f"docker inspect {container(1, 'edge_traefik')} --format '{{{{json .Mounts}}}}'"
    )


def test_data_services_are_in_no_network_of_the_edge(runs):
    networks = "--format '{{range .Spec.TaskTemplate.Networks}}{{.Target}} {{end}}'"
    edge = on_host(1, "docker network inspect edge --format '{{.ID}}'").strip()
    for service in ("data_postgres", "data_redis"):
        assert edge not in on_host(1, f"docker service inspect {service} {networks}")
        assert on_host(1, f"docker service inspect {service} --format '{{{{json .Endpoint.Ports}}}}'").strip() == "null"


def open_ports(address: str, ports: Iterable[int], at_once: int = 8000, seconds: float = 1.5) -> set[int]:
    """The TCP ports of a lab host that let this machine, which is no peer of it, connect."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    at_once = min(at_once, hard - 200)
    found, left = set(), list(ports)
    try:
        while left:
            batch, left = left[:at_once], left[at_once:]
            tried = {}
            with selectors.DefaultSelector() as selector:
                for port in batch:
                    probe = socket.socket()
                    probe.setblocking(False)
                    tried[probe] = (port, probe.connect_ex((address, port)))
                    selector.register(probe, selectors.EVENT_WRITE)
                until = time.monotonic() + seconds
                while (remaining := until - time.monotonic()) > 0:
                    for key, _events in selector.select(remaining):
                        selector.unregister(key.fileobj)
                        if not key.fileobj.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                            found.add(tried[key.fileobj][0])
                for probe in tried:
                    probe.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return found


def listening(number: int) -> set[int]:
    """The TCP ports that somebody on a host listens at, for others than the host itself."""
    lines = on_host(number, "ss -H -ltn").splitlines()
    places = {tuple(line.split()[3].rsplit(":", 1)) for line in lines}
    return {int(port) for address, port in places if not address.startswith(("127.", "[::1]"))}


def test_a_scan_from_outside_finds_the_edge_and_ssh(runs):
    assert open_ports(NODES["lab-1"], range(1, 65536)) == {22, 80, 443}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_of_what_listens_only_the_edge_and_ssh_can_be_reached(runs, number):
    """Swarm, the engines' registries of names and what containers publish listen as well, for peers."""
    ports = listening(number)
    assert {22, 80, 443} < ports
    assert open_ports(NODES[f"lab-{number}"], ports) == {22, 80, 443}


def test_prometheus_knows_when_the_certificate_ends(runs):
    query = "/api/v1/query?query=min(traefik_tls_certs_not_after)-time()"
    (found,) = json.load(ask("prometheus", query, **operator()))["data"]["result"]
    assert 80 < float(found["value"][1]) / 86400 <= 90


def test_the_access_log_has_no_secret(runs):
    """Verify makes requests with every token and password that there is."""
    assert play("log_verify", playbook="playbooks/verify.yml").returncode == 0
    log = "".join(
        on_host(number, f"docker logs --since 30m {container(number, 'edge_traefik')} 2>&1") for number in (1, 2, 3)
    )
    assert f'"RequestHost":"mcp.{DOMAIN}"' in log
    assert [name for name, value in lab_secrets().items() if len(value) > 8 and value.strip() in log] == []
    assert "Bearer" not in log and "Basic " not in log


def test_who_the_client_is_comes_from_its_connection(runs):
    """The log has the address that the request came from, not one that a client made up."""
    ask("api", "/health", EDGES[0], **{"X-Forwarded-For": "203.0.113.77", "X-Real-Ip": "203.0.113.78"})
    log = on_host(1, f"docker logs --since 2m {container(1, 'edge_traefik')} 2>&1")
    assert "203.0.113.7" not in log
