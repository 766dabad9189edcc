# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until name servers show TXT records. Asks them directly, so that no cache remembers a record's absence."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import dns.exception
import dns.message
import dns.query
import dns.resolver
from ansible_collections.sophia.platform.plugins.module_utils.certificates.errors import CertificatesError
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock

QUERY_TIMEOUT_SECONDS = 5
PAUSE_SECONDS = 3


@dataclass(frozen=True)
class Server:
    """A name server; one of its addresses has to answer."""

    name: str
    addresses: Sequence[str]
    port: int = 53

    def values(self, name: str) -> set[str] | None:
        """The values of a name's TXT records, or nothing when the server does not answer."""
        query = dns.message.make_query(name, "TXT")
        for address in self.addresses:
            try:
                answer, _tcp = dns.query.udp_with_fallback(query, address, QUERY_TIMEOUT_SECONDS, self.port)
            except (dns.exception.DNSException, OSError):
                continue
            found = [record for rrset in answer.answer for record in rrset if hasattr(record, "strings")]
            return {b"".join(record.strings).decode("utf-8", "replace") for record in found}
        return None


def given(texts: Sequence[str]) -> list[Server]:
    """The servers that were named, each as an address with or without a port. Raises CertificatesError."""
    servers = []
    for text in texts:
        try:
            place = urlsplit(f"//{text}")
            ipaddress.ip_address(place.hostname or "")
            servers.append(Server(text, [place.hostname], place.port or 53))
        except ValueError:
            raise CertificatesError(f"The name server {text!r} is no address, or address and port.") from None
    return servers


def of_zone(zone: str) -> list[Server]:
    """The servers that a zone is delegated to. Raises CertificatesError."""
    try:
        names = sorted(str(record.target).rstrip(".") for record in dns.resolver.resolve(zone, "NS"))
        return [Server(name, sorted(dns.resolver.resolve_name(name).addresses(), key=_is_v6)) for name in names]
    except dns.exception.DNSException as error:
        raise CertificatesError(f"The name servers of {zone} cannot be found: {error}") from None


def _is_v6(address: str) -> bool:
    return ":" in address  # these come last, for many machines have no way to them


def wait(wanted: Mapping[str, set[str]], servers: Sequence[Server], timeout_seconds: float, clock: Clock) -> None:
    """Wait until every server that answers shows all values of every name. Raises CertificatesError."""
    end = clock.monotonic() + timeout_seconds
    while missing := _missing(wanted, servers):
        if clock.monotonic() >= end:
            raise CertificatesError(f"After {timeout_seconds:g} s this is not visible: {'; '.join(missing)}.")
        clock.sleep(PAUSE_SECONDS)


def _missing(wanted: Mapping[str, set[str]], servers: Sequence[Server]) -> list[str]:
    missing, silent = [], set()
    for name, values in wanted.items():
        for server in servers:
            found = server.values(name) if server.name not in silent else None
            if found is None:
                silent.add(server.name)
            elif not values <= found:
                count = f"{len(found)} other TXT records" if found - values else "no such record"
                missing.append(f"{server.name} has {count} at {name}")
    if len(silent) == len(servers):
        names = ", ".join(server.name for server in servers)
        return [f"no name server answers from here ({names}); is port 53 open?"]
    return missing
