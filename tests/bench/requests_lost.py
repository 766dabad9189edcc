#!/usr/bin/env python3
"""Counts requests that are lost while the running lab is changed under load.

The load is what a well-behaved client sends: each request resolves the name at the lab's name server, tries the
addresses in turn, and asks once more on a fresh connection when an idle one was closed under it (RFC 9110 9.2.2). It
is bounded in rate and time and goes to loopback only. Nothing is asserted: read the table.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import ssl
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import dns.resolver
import yaml

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")
STATE = Path(os.environ.get("LAB_STATE") or Path.home() / ".local/state/sophia-lab")
PREFIX = os.environ.get("LAB_PREFIX", "sophia-lab")
NAME_SERVER = yaml.safe_load((ROOT / "inventories/lab/group_vars/all/machines.yml").read_text())["lab_names_address"]
HOST, PORT, PATH = "api.sophia.localhost", 8443, "/health"
CONNECT_SECONDS, ANSWER_SECONDS = 1.0, 10.0
AFTER_KILL_SECONDS = 5.0


@dataclass
class Load:
    """What became of the requests: (when it began, seconds, problem or None)."""

    rate: int
    results: list[tuple[float, float, str | None]] = field(default_factory=list)
    idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = field(default_factory=list)
    stopped: bool = False

    def __post_init__(self) -> None:
        self.tls = ssl.create_default_context(cafile=STATE / "ca.pem")
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [NAME_SERVER]
        self.addresses = [item.to_text() for item in resolver.resolve(f"{HOST}.", "A")]

    async def run(self) -> None:
        """Send requests at the rate until stopped, each on its own."""
        under_way = set()
        while not self.stopped:
            task = asyncio.create_task(self.request())
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            await asyncio.sleep(1 / self.rate)
        await asyncio.gather(*under_way)

    async def request(self) -> None:
        began = time.monotonic()
        try:
            await asyncio.wait_for(self._ask(), ANSWER_SECONDS)
            problem = None
        except Exception as error:  # whatever it is, the request is lost
            problem = f"{type(error).__name__}: {error}"
        self.results.append((began, time.monotonic() - began, problem))

    async def _ask(self) -> None:
        while self.idle:
            connection = self.idle.pop()
            try:
                return await self._exchange(*connection)
            except (ConnectionError, asyncio.IncompleteReadError):
                connection[1].close()
        return await self._exchange(*await self._connected())

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        last: Exception = OSError("no address")
        for address in random.sample(self.addresses, len(self.addresses)):  # noqa: S311
            opening = asyncio.open_connection(address, PORT, ssl=self.tls, server_hostname=HOST)
            try:
                return await asyncio.wait_for(opening, CONNECT_SECONDS)
            except (OSError, asyncio.TimeoutError) as error:
                last = error
        raise last

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(f"GET {PATH} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        await writer.drain()
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].split("\r\n")[0] or 0)
        await reader.readexactly(length)
        if " 200 " not in head.partition("\r\n")[0]:
            raise ValueError(head.partition("\r\n")[0])
        if "connection: close" in head or random.random() < 0.5:  # noqa: S311 half of them on new connections
            writer.close()
        else:
            self.idle.append((reader, writer))


def command(*words: str) -> str:
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=900, check=False)
    if done.returncode:
        raise SystemExit(
            f"{' '.join(words)[:160]} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}"
        )
    return done.stdout.strip()


def play(playbook: str, variables: dict | None = None) -> None:
    command(PLAYBOOK, playbook, "-e", json.dumps(variables or {}))


def on_host(number: int, script: str) -> str:
    return command("docker", "exec", f"{PREFIX}-{number}", "sh", "-euc", script)


def settled() -> None:
    """Wait until every replica runs and no update is under way."""
    script = "docker service ls --format '{{.Replicas}}' | awk -F'[/ ]' '$1 != $2'"
    until = time.monotonic() + 180
    while on_host(1, script):
        if time.monotonic() > until:
            raise SystemExit(f"after 180 s replicas are missing:\n{on_host(1, 'docker service ls')}")
        time.sleep(1)
    time.sleep(5)


def rolling_update() -> None:
    change = {"backend": {"environment": {"BENCH": str(time.time_ns())}}, "grafana": {"enabled": False}}
    play("playbooks/stacks.yml", {"service_overrides": change})


def rotation() -> None:
    play("playbooks/certificates.yml", {"certificates_force": True})
    play("playbooks/stacks.yml")


def traefik_restart() -> None:
    on_host(2, "docker stop $(docker ps -q --filter label=com.docker.swarm.service.name=edge_traefik) >/dev/null")
    settled()


def drain() -> None:
    on_host(1, "docker node update --availability drain lab-3 >/dev/null")
    time.sleep(30)
    on_host(1, "docker node update --availability active lab-3 >/dev/null")
    settled()


def kill() -> None:
    command("docker", "kill", f"{PREFIX}-3")
    time.sleep(40)


SCENARIOS: dict[str, Callable[[], None]] = {
    "rolling update of the backend": rolling_update,
    "certificate rotation": rotation,
    "Traefik restarted on one node": traefik_restart,
    "node drained, and back": drain,
    "node killed": kill,
}


async def measured(rate: int, work: Callable[[], None]) -> tuple[Load, float, float]:
    """The load of a piece of work, and when the work began and ended."""
    load = Load(rate)
    running = asyncio.create_task(load.run())
    await asyncio.sleep(3)
    began = time.monotonic()
    await asyncio.to_thread(work)
    ended = time.monotonic()
    await asyncio.sleep(3)
    load.stopped = True
    await running
    return load, began, ended


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=int, default=30, help="requests a second (default 30)")
    parser.add_argument("--only", choices=list(SCENARIOS), action="append")
    options = parser.parse_args()
    rows = []
    for name in options.only or SCENARIOS:
        load, began, ended = asyncio.run(measured(options.rate, SCENARIOS[name]))
        lost = [(start - began, problem) for start, _seconds, problem in load.results if problem]
        late = [item for item in lost if item[0] > AFTER_KILL_SECONDS]
        seconds = sorted(seconds for _start, seconds, problem in load.results if not problem)
        p99 = seconds[int(len(seconds) * 0.99)] if seconds else 0.0
        rows.append((name, len(load.results), len(lost), len(late), statistics.median(seconds), p99, seconds[-1]))
        print(f"   {name}: {len(lost)} of {len(load.results)} lost in {ended - began:.0f} s", flush=True)
        for when, problem in lost[:10]:
            print(f"      {when:+.1f} s: {problem}", flush=True)
        if name == "node killed":
            command("docker", "start", f"{PREFIX}-3")
            settled()
    print("\n| under load | requests | lost | of these later than 5 s | median, s | p99, s | longest, s |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, count, lost_count, late_count, *times in rows:
        print(f"| {name} | {count} | {lost_count} | {late_count} | {' | '.join(f'{one:.3f}' for one in times)} |")


if __name__ == "__main__":
    main()
