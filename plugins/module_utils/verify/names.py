# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a host name leads: to what name servers of our choosing say, or this machine's own resolver."""

from __future__ import annotations

from ansible_collections.sophia.platform.plugins.module_utils.dns.addresses import is_address
from ansible_collections.sophia.platform.plugins.module_utils.verify.errors import ProbeError

try:
    import dns.exception
    import dns.resolver

    IMPORT_ERROR = None
except ImportError as error:
    IMPORT_ERROR = error

TYPES = ("A", "AAAA")


class Names:
    """Resolves host names.

    servers: addresses of name servers to ask instead of those that this machine asks. address: where every host is.
    """

    def __init__(self, servers: list[str] | None = None, port: int = 53, address: str = "") -> None:
        self.servers, self.port, self.address = servers or [], port, address

    def addresses(self, host: str, timeout_seconds: float = 5) -> list[str]:
        """Where to connect for a host, in the order to try. Raises ProbeError when a name server has no address.

        Without name servers the host itself, which the socket resolves, or loopback for *.localhost (RFC 6761).
        """
        if self.address:
            return [self.address]
        host = host.rstrip(".").lower()
        if self.servers and not is_address(host):
            return self.records(host, timeout_seconds)
        return ["127.0.0.1"] if host == "localhost" or host.endswith(".localhost") else [host]

    def records(self, host: str, timeout_seconds: float = 5) -> list[str]:
        """The addresses that DNS has for a host, sorted. Raises ProbeError when there is none or nobody answers."""
        resolver = dns.resolver.Resolver(configure=not self.servers)
        if self.servers:
            resolver.nameservers, resolver.port = self.servers, self.port
        who = f"the name server {', '.join(self.servers)}" if self.servers else "DNS"
        found: list[str] = []
        for kind in TYPES:
            try:
                answer = resolver.resolve(f"{host}.", kind, lifetime=timeout_seconds, search=False)
            except dns.resolver.NoAnswer:
                continue
            except dns.resolver.NXDOMAIN:
                raise ProbeError(f"{who} knows no {host}; run playbooks/dns.yml.") from None
            except (dns.exception.DNSException, OSError) as error:
                raise ProbeError(f"{who} does not tell the address of {host}: {type(error).__name__}.") from error
            found += [item.to_text() for item in answer]
        if not found:
            raise ProbeError(f"{who} has no address for {host}; run playbooks/dns.yml.")
        return sorted(found)
