#!/usr/bin/env python3
"""Requests per second and p99 through the lab's edge, beside bare Traefik and beside the backend itself, in one run.

Bare Traefik writes no access log, as it comes; a second one writes it as JSON, with all its fields, as the edge must.

wrk (Debian's, installed on the lab's first host by this bench) sends from that host, so that nothing of this machine
lies between. All three reach the same two backend tasks' health path for one task. The edge is deployed with limits
that the load does not reach, and as it was afterwards. Rounds alternate; figures are medians. Nothing is asserted.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import subprocess

import yaml
from requests_lost import HOST, PREFIX, on_host, play

LIMITS = {"requests_per_second": 1_000_000, "burst": 1_000_000, "in_flight": 100_000}
BARE, PATH = "bench-bare-traefik", "/livez"
# Each bare Traefik: its port, and what it is told beyond its route.
BARES = {
    "bare Traefik": (18443, ""),
    "bare Traefik with an access log": (18444, "--accessLog.format=json --accessLog.bufferingSize=1000"),
}
WRK = "wrk --threads 1 --connections {connections} --duration {seconds}s --latency {url}"


def backend_addresses() -> list[str]:
    """The addresses of the backend's tasks on the network `edge`."""
    found = on_host(
        1,
        "docker service ps --filter desired-state=running -q app_backend | xargs docker inspect "
        "--format '{{range .NetworksAttachments}}{{.Network.Spec.Name}} {{index .Addresses 0}}{{println}}{{end}}'",
    )
    return re.findall(r"^edge ([\d.]+)/", found, re.MULTILINE)


def start_bare(addresses: list[str]) -> None:
    """Traefik as it comes, on the first node, with the edge's certificate and the same tasks behind it."""
    pair = {"certFile": "/run/secrets/edge_certificate", "keyFile": "/run/secrets/edge_certificate_key"}
    servers = [{"url": f"http://{address}:8000"} for address in addresses]
    dynamic = {
        "tls": {"certificates": [pair]},
        "http": {
            "routers": {"bare": {"rule": f"Host(`{HOST}`)", "service": "bare", "tls": {}}},
            "services": {"bare": {"loadBalancer": {"servers": servers}}},
        },
    }
    stop_bare()
    put = ["docker", "exec", "-i", f"{PREFIX}-1", "docker", "config", "create", BARE, "-"]
    subprocess.run(put, input=yaml.safe_dump(dynamic), text=True, check=True, capture_output=True)
    spec = json.loads(on_host(1, "docker service inspect edge_traefik"))[0]["Spec"]["TaskTemplate"]["ContainerSpec"]
    secrets = [
        f"--secret source={secret['SecretName']},target={secret['File']['Name']}"
        for secret in spec["Secrets"]
        if secret["File"]["Name"].startswith("edge_certificate")
    ]
    for port, options in BARES.values():
        on_host(
            1,
            f"docker service create --quiet --with-registry-auth --name {BARE}-{port} --network edge "
            f"--endpoint-mode dnsrr --constraint node.hostname==lab-1 --publish mode=host,target=443,published={port} "
            f"--config source={BARE},target=/etc/traefik/dynamic.yml {' '.join(secrets)} {spec['Image']} "
            "--entryPoints.websecure.address=:443 --providers.file.filename=/etc/traefik/dynamic.yml "
            f"{options}",
        )


def stop_bare() -> None:
    services = " ".join(f"{BARE}-{port}" for port, _options in BARES.values())
    gone = ">/dev/null 2>&1 || true"
    on_host(1, f"docker service rm {services} {gone}; sleep 2; docker config rm {BARE} {gone}")


def measure(url: str, seconds: int, connections: int) -> tuple[float, float]:
    """Requests a second and the 99th percentile in milliseconds. The backend is asked from where Traefik asks it."""
    script = WRK.format(connections=connections, seconds=seconds, url=url)
    if url.startswith("http:"):
        container = "$(docker ps -q --filter label=com.docker.swarm.service.name=edge_traefik)"
        script = f"nsenter --net=/proc/$(docker inspect --format '{{{{.State.Pid}}}}' {container})/ns/net {script}"
    text = on_host(1, script)
    if "Non-2xx" in text or "Socket errors" in text:
        raise SystemExit(f"{url}: some requests failed, so the figure means nothing:\n{text}")
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), float(number) * {"us": 0.001, "ms": 1, "s": 1000}[
        unit
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5, help="rounds that a figure is the median of (default 5)")
    parser.add_argument("--seconds", type=int, default=5, help="of one measurement (default 5)")
    parser.add_argument("--connections", type=int, default=16)
    options = parser.parse_args()
    play("playbooks/stacks.yml", {"platform_route_limits": LIMITS})
    on_host(
        1,
        "command -v wrk || { apt-get update -qq; apt-get install -qq -y --no-install-recommends wrk; }",
    )
    on_host(1, f"grep -q {HOST} /etc/hosts || echo 127.0.0.1 {HOST} >> /etc/hosts")
    addresses = backend_addresses()
    start_bare(addresses)
    ways = {
        "the edge": f"https://{HOST}{PATH}",
        **{name: f"https://{HOST}:{port}{PATH}" for name, (port, _options) in BARES.items()},
        "the backend itself, one task": f"http://{addresses[0]}:8000{PATH}",
    }
    rows: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    try:
        for url in ways.values():
            measure(url, 2, options.connections)
        for number in range(options.times):
            for way, url in ways.items():
                rows[way].append(measure(url, options.seconds, options.connections))
            shown = ", ".join(f"{way} {rows[way][-1][0]:.0f}/s" for way in ways)
            print(f"   round {number + 1}: {shown}", flush=True)
    finally:
        stop_bare()
        play("playbooks/stacks.yml")
    medians = {way: [statistics.median(column) for column in zip(*found)] for way, found in rows.items()}
    bare = medians["bare Traefik"]
    print(
        f"\n| way ({options.connections} connections) | requests/s | of bare Traefik | p99, ms |\n|---|---:|---:|---:|"
    )
    for way, (rate, p99) in medians.items():
        print(f"| {way} | {rate:.0f} | {rate / bare[0]:.2f} | {p99:.1f} |")


if __name__ == "__main__":
    main()
