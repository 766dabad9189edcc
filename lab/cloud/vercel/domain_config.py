# SPDX-License-Identifier: GPL-3.0-or-later
"""What DNS should hold for a domain, and what it does."""

from __future__ import annotations

import hashlib

from lab.cloud.vercel import lookup
from lab.cloud.vercel.call import Call
from lab.cloud.vercel.domain_rules import OWN_SUFFIX, check_name

CONFIGURED_BY = ("A", "CNAME", "http", "dns-01", None)
_ADDRESSES = ("216.198.79.1", "76.76.21.21")
_OLD_CNAME = "cname.vercel-dns.com."


def config(call: Call, domain: str) -> dict:
    """GET /domains/{domain}/config?projectIdOrName=."""
    check_name(domain)
    name = call.asked("projectIdOrName")
    project_id = lookup.project(call, name, "project_not_found")["id"] if name else ""
    configured = "A" if domain.endswith(OWN_SUFFIX) else call.state.dns.get(domain)
    if domain.startswith("*.") and configured != "dns-01":  # a wildcard needs Vercel's name servers
        configured = None
    return {
        "configuredBy": configured,
        "acceptedChallenges": ["dns-01"] if configured == "dns-01" else ["http-01"],
        "misconfigured": configured is None,
        "recommendedIPv4": [{"rank": rank, "value": [value]} for rank, value in enumerate(_ADDRESSES, 1)],
        "recommendedCNAME": [
            {"rank": 1, "value": cname(project_id)},
            {"rank": 2, "value": _OLD_CNAME},
        ],
        "nameservers": [],
        "aValues": [_ADDRESSES[0]] if configured == "A" else [],
        "cnames": [cname(project_id)] if configured == "CNAME" else [],
        "conflicts": [],
        "serviceType": "external",
    }


def cname(project_id: str) -> str:
    """The target of a project's CNAME records; the generic one without a project."""
    if not project_id:
        return "cname.vercel-dns-0.com."
    return f"{hashlib.sha256(project_id.encode()).hexdigest()[:16]}.vercel-dns-017.com."
