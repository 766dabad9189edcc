# SPDX-License-Identifier: GPL-3.0-or-later
"""What DNS must hold for a domain, from what the API recommends; nothing is known by heart (reference §5.2). Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def records(domain: Mapping[str, Any], configuration: Mapping[str, Any], ttl_seconds: int) -> list[dict[str, Any]]:
    """The records of a domain: A at the apex, CNAME below it, and TXT as long as Vercel asks who owns it."""
    name, apex = domain["name"], domain.get("apexName") or domain["name"]
    kind, key = ("A", "recommendedIPv4") if name == apex else ("CNAME", "recommendedCNAME")
    wanted = [(name, kind, value) for value in _first_rank(configuration.get(key) or [])]
    if not domain.get("verified"):
        asked = [item for item in domain.get("verification") or [] if item.get("domain") and item.get("value")]
        wanted += [(item["domain"], str(item.get("type") or "TXT"), item["value"]) for item in asked]
    return [
        {
            "name": relative(fqdn, apex),
            "fqdn": fqdn,
            "zone": apex,
            "type": record_type,
            "value": str(value).rstrip(".") if record_type == "CNAME" else str(value),
            "ttl_seconds": ttl_seconds,
        }
        for fqdn, record_type, value in wanted
    ]


def relative(fqdn: str, apex: str) -> str:
    """A name within its zone; the zone itself is `@`."""
    return "@" if fqdn == apex else fqdn[: -len(apex) - 1] if fqdn.endswith(f".{apex}") else fqdn


def status(domain: Mapping[str, Any], configuration: Mapping[str, Any]) -> dict[str, Any]:
    """A domain as it stands: ready when Vercel knows the owner and DNS points to it."""
    verified, misconfigured = bool(domain.get("verified")), bool(configuration.get("misconfigured", True))
    return {
        "name": domain["name"],
        "apex": domain.get("apexName") or domain["name"],
        "redirect": domain.get("redirect"),
        "verified": verified,
        "misconfigured": misconfigured,
        "configured_by": configuration.get("configuredBy"),
        "ready": verified and not misconfigured,
    }


def unready(domains: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say what each domain that is not ready still lacks."""
    return [
        f"{domain['name']} "
        + ("points elsewhere in DNS" if domain["verified"] else "needs its TXT record, which proves the ownership")
        for domain in domains
        if not domain["ready"]
    ]


def _first_rank(recommended: Sequence[Mapping[str, Any]]) -> list[str]:
    """The values of the best rank; a value may be one text or a list."""
    best = min(recommended, key=lambda item: item.get("rank", 0), default={})
    value = best.get("value") or []
    return [value] if isinstance(value, str) else list(value)
