# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks name servers, with dnspython. Knows no Ansible."""

from __future__ import annotations

import re
import socket
from typing import NamedTuple

from ansible_collections.sophia.platform.plugins.module_utils.dns.addresses import is_address
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.records import canonical_value

try:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.query
    import dns.rcode
    import dns.rdatatype
    import dns.resolver

    IMPORT_ERROR = None
except ImportError as error:
    IMPORT_ERROR = error

_PLACE = re.compile(r"(?:\[(?P<six>[^\]]+)\]|(?P<host>[^:\[\]]+))(?::(?P<port>[0-9]{1,5}))?\Z")


class DnsError(Exception):
    """A name server cannot be found or asked. The message is a sentence for people."""


class Server(NamedTuple):
    """A name server: how it was called, and where it is. One of its addresses has to answer."""

    label: str
    addresses: list[str]
    port: int

    def ask(self, query: dns.message.Message, timeout_seconds: float) -> dns.message.Message:
        """The answer of its first address that gives one. Raises what went wrong with the first of them."""
        problems = []
        for address in self.addresses:
            try:
                return dns.query.udp_with_fallback(query, address, timeout_seconds, self.port)[0]
            except (dns.exception.DNSException, OSError) as error:
                problems.append(error)
        raise problems[0]


def servers(given: list[str], zone: str) -> list[Server]:
    """The name servers that were given (`host`, `host:port`, `[address]:port`), or those that the zone is delegated to.

    Raises DnsError.
    """
    return [_located(text) for text in given or _of_zone(zone)]


def _of_zone(zone: str) -> list[str]:
    try:
        return sorted(str(record.target).rstrip(".") for record in dns.resolver.resolve(zone, "NS"))
    except dns.exception.DNSException as error:
        reason = f"The name servers of {zone} were not found: {error}"
    raise DnsError(f"{reason.rstrip('.')}. Is the zone delegated? Give name_servers to ask others.")


def _located(text: str) -> Server:
    place = _PLACE.match(f"[{text}]" if is_address(text, 6) else text)
    port = int(place["port"] or 53) if place else 0
    if not 0 < port <= 65535:
        raise DnsError(f"name_servers: {text!r} is no host, host:port or [address]:port.")
    try:
        found = socket.getaddrinfo(place["six"] or place["host"], port, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError) as error:
        reason = str(error)
    else:
        # Those of IPv4 come first, for many machines have no way to those of IPv6.
        return Server(text, sorted((at[0] for *_, at in found), key=lambda address: ":" in address), port)
    raise DnsError(f"The name server {text} has no address: {reason}.")


def txt_values(server: Server, name: str, timeout_seconds: float) -> set[str] | None:
    """The values of a name's TXT records, or nothing when the server does not answer."""
    try:
        answer = server.ask(dns.message.make_query(name, "TXT"), timeout_seconds)
    except (dns.exception.DNSException, OSError):
        return None
    found = [record for part in answer.answer for record in part if hasattr(record, "strings")]
    return {b"".join(record.strings).decode("utf-8", "replace") for record in found}


def difference(server: Server, name: str, kind: str, values: list[str], timeout_seconds: float) -> str:
    """What a server says about a name that is not as expected, as a sentence; empty when all is."""
    query = dns.message.make_query(name, kind)
    query.flags &= ~dns.flags.RD
    what = f"{server.label}: {name} {kind}"
    try:
        answer = server.ask(query, timeout_seconds)
    except dns.exception.Timeout:
        return f"{what}: no answer within {timeout_seconds:g} s."
    except (dns.exception.DNSException, OSError) as error:
        return f"{what}: {error or type(error).__name__}."
    if answer.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return f"{what}: the server answers {dns.rcode.to_text(answer.rcode())}; does it serve this zone?"
    asked = (dns.rdatatype.from_text(kind), query.question[0].name)
    found = sorted(
        canonical_value(kind, record.to_text())
        for part in answer.answer
        if (part.rdtype, part.name) == asked
        for record in part
    )
    expected = sorted(canonical_value(kind, value) for value in values)
    if found == expected:
        return ""
    return f"{what} is {', '.join(found) or 'nothing'} and should be {', '.join(expected) or 'nothing'}."
