# SPDX-License-Identifier: GPL-3.0-or-later
"""Domains of a project at Vercel, and what DNS must hold for them (reference §5)."""

from __future__ import annotations

from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.vercel.client import Client, segment
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import (
    DOMAIN_PENDING,
    DOMAIN_TAKEN,
    VercelError,
)


def read(client: Client, project_id: str) -> list[dict[str, Any]]:
    """Every domain of the project."""
    path = f"/v9/projects/{segment(project_id)}/domains"
    return list(client.pages("read the domains", path, "domains", limit=100))


def attach(client: Client, project_id: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Add a domain. One that this project has already is returned; one of another project is an error."""
    name, path = entry["name"], f"/v10/projects/{segment(project_id)}/domains"
    try:
        return client.write(f"add the domain {name}", "POST", path, entry)
    except VercelError as error:
        if error.code != DOMAIN_TAKEN and error.status not in (403, 409):
            raise
        refused = error
    here = _read_one(client, project_id, name) if refused.code == DOMAIN_TAKEN else None
    if here:
        return here
    if refused.status == 403:
        raise VercelError(f"{refused} The domain may belong to another team.", refused.code, 403)
    other = refused.extra.get("projectId") or (refused.extra.get("project") or {}).get("id")
    raise VercelError(
        f"Cannot add the domain {name}: another project{f' ({other})' if other else ''} at Vercel has it "
        f"({refused.status} {refused.code}). Remove it there first; that has a downtime and asks for a new TXT record.",
        refused.code,
        refused.status,
    )


def update(client: Client, project_id: str, name: str, changes: dict[str, Any]) -> dict[str, Any]:
    """Change the redirect of a domain."""
    path = f"/v9/projects/{segment(project_id)}/domains/{segment(name)}"
    return client.write(f"change the redirect of the domain {name}", "PATCH", path, changes)


def detach(client: Client, project_id: str, name: str) -> None:
    """Remove a domain from the project; one that is gone is fine."""
    path = f"/v9/projects/{segment(project_id)}/domains/{segment(name)}"
    client.write(f"remove the domain {name}", "DELETE", path, missing_ok=True)


def verify(client: Client, project_id: str, name: str) -> dict[str, Any] | None:
    """Ask Vercel to look for the ownership record. None while DNS does not have it, which is no failure."""
    path = f"/v9/projects/{segment(project_id)}/domains/{segment(name)}/verify"
    try:
        return client.write(f"verify the domain {name}", "POST", path, {})
    except VercelError as error:
        if error.code not in DOMAIN_PENDING:
            raise
    return None


def configuration(client: Client, project_id: str, name: str) -> dict[str, Any]:
    """What DNS should hold for a domain, and whether it does."""
    path = f"/v6/domains/{segment(name)}/config"
    return client.get(f"read what DNS must hold for the domain {name}", path, projectIdOrName=project_id)


def _read_one(client: Client, project_id: str, name: str) -> dict[str, Any] | None:
    path = f"/v9/projects/{segment(project_id)}/domains/{segment(name)}"
    return client.get(f"read the domain {name}", path, missing_ok=True)
