# SPDX-License-Identifier: GPL-3.0-or-later
"""`python -m lab.zone_backend`: answers PowerDNS' remote backend from what the simulated Namecheap holds just then.

One request and one answer a line, in JSON. SOA and NS of a zone are made here, everything else is held there.
"""

from __future__ import annotations

import argparse
import http.client
import json
import socketserver
import threading
import time
from collections.abc import Callable
from pathlib import Path

NAME_SERVER = "names.lab"
TYPES = ("A", "AAAA", "CAA", "CNAME", "MX", "NS", "TXT")  # Namecheap's own (URL, ALIAS, …) are no types of DNS
SOA = f"{NAME_SERVER}. hostmaster.{NAME_SERVER}. 1 3600 600 86400 60"
SYNTHETIC_TTL_SECONDS = 60
TEXT_BYTES = 255
FRESH_SECONDS = 0.1
_TIMEOUT_SECONDS = 2


class UnavailableError(Exception):
    """The simulated clouds did not answer as they should; the text says how."""


class Namecheap:
    """The control endpoint of the simulated Namecheap, on a port of this machine.

    One query makes PowerDNS ask for a handful of names, and an authority sends many queries at once: an answer serves
    all of them for FRESH_SECONDS.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self._known: dict[str, tuple[float, list[dict]]] = {}
        self._lock = threading.Lock()

    def zones(self) -> list[str]:
        """The domains whose zones Namecheap's own name servers serve."""
        return [domain["name"] for domain in self._told("domains", {}) if domain["using_our_dns"]]

    def records(self, zone: str) -> list[dict]:
        """What those name servers serve of a zone: {name, type, address, mx_pref, ttl}."""
        return self._told("zone", {"domain": zone, "generated": True})

    def _told(self, action: str, given: dict) -> list[dict]:
        key = json.dumps([action, given])
        with self._lock:
            asked_at, answer = self._known.get(key, (0.0, []))
            if time.monotonic() - asked_at > FRESH_SECONDS:
                asked_at, answer = time.monotonic(), self._asked(action, given)
                self._known[key] = asked_at, answer
            return answer

    def _asked(self, action: str, given: dict) -> list[dict]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("POST", f"/control/namecheap/{action}", body=json.dumps(given))
            answer = connection.getresponse()
            content = answer.read()
            if answer.status != 200:
                raise UnavailableError(f"port {self.port} answers HTTP {answer.status} to namecheap/{action}")
            return json.loads(content)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise UnavailableError(f"port {self.port} does not answer namecheap/{action}: {error}") from error
        finally:
            connection.close()


class Backend:
    """The methods of the protocol. Others are answered with false, which PowerDNS takes for an empty answer."""

    def __init__(self, namecheap: Namecheap) -> None:
        self.namecheap = namecheap
        self.methods: dict[str, Callable[[dict], object]] = {
            "initialize": lambda _given: True,
            "lookup": lambda given: self._lookup(_plain(given["qname"]), given["qtype"]),
            "list": lambda given: self._list(_plain(given["zonename"])),
            "getDomainInfo": lambda given: self._information(_plain(given["name"])),
            "getAllDomains": lambda _given: [_information(zone) for zone in self.namecheap.zones()],
        }

    def answer(self, line: bytes) -> dict:
        """The answer to one line. Without `result` PowerDNS says SERVFAIL."""
        try:
            request = json.loads(line)
            method = self.methods.get(request["method"], lambda _given: False)
            return {"result": method(request.get("parameters") or {})}
        except UnavailableError as error:
            return {"log": [f"The simulated clouds: {error}."]}
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            return {"log": [f"This request cannot be read ({error!r})."]}

    def _lookup(self, name: str, kind: str) -> list[dict]:
        """The records of a name. Of nested zones the closest one has them."""
        zone = max((zone for zone in self.namecheap.zones() if f".{name}".endswith(f".{zone}")), key=len, default=None)
        found = [row for row in self._rows(zone) if row["qname"] == f"{name}."] if zone else []
        return [row for row in found if kind in ("ANY", row["qtype"])]

    def _list(self, zone: str) -> list[dict] | bool:
        return zone in self.namecheap.zones() and self._rows(zone)

    def _information(self, zone: str) -> dict | bool:
        return zone in self.namecheap.zones() and _information(zone)

    def _rows(self, zone: str) -> list[dict]:
        held = [_row(zone, record) for record in self.namecheap.records(zone) if record["type"] in TYPES]
        made = [("SOA", SOA), ("NS", f"{NAME_SERVER}.")]
        rows = [_made(zone, kind, content) for kind, content in made] + held
        return rows + [_made(name, "ENT", "") for name in empty_names(zone, {row["qname"] for row in rows})]


def empty_names(zone: str, names: set[str]) -> set[str]:
    """The names (without final dot) that only have names below them: they exist, so no wildcard stands for them."""
    between = set()
    for name in names:
        labels = name.removesuffix(f"{zone}.").rstrip(".").split(".")
        between |= {".".join([*labels[position:], zone]) for position in range(1, len(labels))}
    return {name for name in between if f"{name}." not in names}


def strings(value: str) -> str:
    """A TXT record's value as quoted strings of at most 255 bytes, in the notation of zone files."""
    content = value.encode()
    parts = [content[at : at + TEXT_BYTES] for at in range(0, len(content), TEXT_BYTES)] or [b""]
    return " ".join('"' + "".join(map(_character, part)) + '"' for part in parts)


def _character(byte: int) -> str:
    if not 32 <= byte < 127:
        return f"\\{byte:03d}"
    return f"\\{chr(byte)}" if chr(byte) in '"\\' else chr(byte)


def _row(zone: str, record: dict) -> dict:
    name = zone if record["name"] == "@" else f"{record['name'].lower()}.{zone}"
    content = record["address"]
    if record["type"] == "TXT":
        content = strings(content)
    elif record["type"] == "MX":
        content = f"{record['mx_pref']} {content}"
    return {"qname": f"{name}.", "qtype": record["type"], "content": content, "ttl": record["ttl"]}


def _made(name: str, kind: str, content: str) -> dict:
    return {"qname": f"{name}.", "qtype": kind, "content": content, "ttl": SYNTHETIC_TTL_SECONDS}


def _information(zone: str) -> dict:
    return {"zone": f"{zone}.", "kind": "native"}


def _plain(name: str) -> str:
    return name.lower().rstrip(".")


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Serves a backend on a UNIX socket; the file that an earlier process left there is replaced."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, path: Path, backend: Backend) -> None:
        path.unlink(missing_ok=True)
        self.backend = backend
        super().__init__(str(path), _Connection)


class _Connection(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        for line in self.rfile:
            self.wfile.write(json.dumps(self.server.backend.answer(line)).encode() + b"\n")


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="python -m lab.zone_backend", description=__doc__)
    parser.add_argument("--socket", type=Path, required=True, help="the UNIX socket that PowerDNS connects to")
    parser.add_argument("--port", type=int, required=True, help="the port of 127.0.0.1 that the simulated clouds have")
    given = parser.parse_args()
    Server(given.socket, Backend(Namecheap(given.port))).serve_forever()


if __name__ == "__main__":
    main()
