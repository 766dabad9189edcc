# SPDX-License-Identifier: GPL-3.0-or-later
"""The platform's names: the records of its zone, what a certificate has to name, and how each name is probed."""

from __future__ import annotations

import ipaddress

from ansible_collections.sophia.platform.plugins.module_utils.catalog.errors import CatalogError
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import Catalog, Service, is_guarded

ADDRESSING = ("A", "AAAA", "ALIAS", "CNAME")
APEX = "@"
ISSUING = ("issue", "issuewild")
NOBODY = ";"


def records(catalog: Catalog, others: list[dict] | None = None) -> list[dict]:
    """The zone: {name, type, value, ttl_seconds}, names within the zone. Routed hosts have one A or AAAA an edge.

    others: more records, such as a frontend's, with names within the zone. Raises CatalogError when one has the name of
    a record of the platform that cannot stand beside it.
    """
    found = [*_routed(catalog), *_authorities(catalog), *catalog.dns]
    own = [{**record, "name": zone_name(catalog, record["name"])} for record in found]
    more = [{name: record[name] for name in ("name", "type", "value", "ttl_seconds")} for record in others or []]
    addresses = {record["name"]: record for record in own if record["type"] in ADDRESSING}
    clashes = [record for record in more if record["type"] in ADDRESSING and record["name"] in addresses]
    if clashes:
        raise CatalogError(
            f"{record['name']} cannot be {record['type']} {record['value']}: the platform has "
            f"{addresses[record['name']]['type']} {addresses[record['name']]['value']} there"
            for record in clashes
        )
    return own + more


def hosts(catalog: Catalog) -> list[str]:
    """The names of all routes, within the platform's domain."""
    return sorted({service["route"]["host"] for service in catalog.entries if service["route"]})


def zone_name(catalog: Catalog, name: str) -> str:
    """A name within the platform's domain as a name within its zone: `api` of staging.example.org is `api.staging`."""
    inner = catalog.domain.removesuffix(catalog.zone or catalog.domain).rstrip(".")
    if not inner:
        return name
    return inner if name == APEX else f"{name}.{inner}"


def certificate_names(catalog: Catalog) -> list[str]:
    """What the edge's certificate names: every routed host, or the domain, what is right below it, and deeper hosts."""
    if not catalog.certificate_wildcard:
        return [catalog.full_name(host) for host in hosts(catalog)]
    deeper = [catalog.full_name(host) for host in hosts(catalog) if "." in host]
    return [catalog.domain, f"*.{catalog.domain}", *deeper]


def edge_probes(catalog: Catalog) -> list[dict]:
    """One request for each routed host that tells whether an edge serves it: {name, url, status, addresses}."""
    routed: dict[str, list[Service]] = {host: [] for host in hosts(catalog)}
    for service in catalog.entries:
        if service["route"]:
            routed[service["route"]["host"]].append(service)
    return [_probe(catalog, host, services) for host, services in routed.items()]


def _probe(catalog: Catalog, host: str, services: list[Service]) -> dict:
    """The health of a service there that everybody may ask, else what needs a password and asks for it."""
    service = min(services, key=lambda each: (is_guarded(each), not (each["health"] or {}).get("path")))
    return {
        "name": catalog.full_name(host),
        "url": catalog.url(service, (service["health"] or {}).get("path") or "/"),
        "status": catalog.login_status if is_guarded(service) else 200,
        "addresses": list(catalog.edge_addresses),
    }


def _routed(catalog: Catalog) -> list[dict]:
    return [
        {
            "name": host,
            "type": "AAAA" if ipaddress.ip_address(address).version == 6 else "A",
            "value": address,
            "ttl_seconds": catalog.record_ttl_seconds,
        }
        for host in hosts(catalog)
        for address in catalog.edge_addresses
    ]


def _authorities(catalog: Catalog) -> list[dict]:
    """Who may issue certificates below the platform's domain, unless dns.yml says that itself."""
    if not catalog.certificate_authorities or written_authorities(catalog):
        return []
    wild = catalog.certificate_authorities if catalog.certificate_wildcard else [NOBODY]
    values = [f'0 issue "{authority}"' for authority in catalog.certificate_authorities]
    values += [f'0 issuewild "{authority}"' for authority in wild]
    return [
        {"name": APEX, "type": "CAA", "value": value, "ttl_seconds": catalog.record_ttl_seconds} for value in values
    ]


def written_authorities(catalog: Catalog) -> dict[str, list[str]]:
    """Who may issue by the CAA records of dns.yml at the platform's domain, by tag; none when it has no such record."""
    found: dict[str, list[str]] = {}
    for record in catalog.dns:
        parts = record["value"].lower().split(None, 2)
        if (record["name"], record["type"]) == (APEX, "CAA") and len(parts) == 3 and parts[1] in ISSUING:
            found.setdefault(parts[1], []).append(parts[2].strip(' "').split(";")[0].strip())
    return found
