# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits until name servers show TXT records. Asks them directly, so that no cache remembers a record's absence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.dns.servers import DnsError, Server, txt_values

QUERY_TIMEOUT_SECONDS = 5
PAUSE_SECONDS = 3


def wait(wanted: Mapping[str, set[str]], servers: Sequence[Server], timeout_seconds: float, clock: Clock) -> None:
    """Wait until every server that answers shows all values of every name. Raises DnsError."""
    end = clock.monotonic() + timeout_seconds
    while missing := _missing(wanted, servers):
        if clock.monotonic() >= end:
            raise DnsError(f"After {timeout_seconds:g} s this is not visible: {'; '.join(missing)}.")
        clock.sleep(PAUSE_SECONDS)


def _missing(wanted: Mapping[str, set[str]], servers: Sequence[Server]) -> list[str]:
    missing, silent = [], set()
    for name, values in wanted.items():
        for server in servers:
            found = txt_values(server, name, QUERY_TIMEOUT_SECONDS) if server.label not in silent else None
            if found is None:
                silent.add(server.label)
            elif not values <= found:
                count = f"{len(found)} other TXT records" if found - values else "no such record"
                missing.append(f"{server.label} has {count} at {name}")
    if len(silent) == len(servers):
        names = ", ".join(server.label for server in servers)
        return [f"no name server answers from here ({names}); is port 53 open?"]
    return missing
