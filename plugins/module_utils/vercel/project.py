# SPDX-License-Identifier: GPL-3.0-or-later
"""Projects at Vercel (reference §3)."""

from __future__ import annotations

from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.vercel.client import Client, segment
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import VercelError


def read(client: Client, name: str) -> dict[str, Any] | None:
    """The project by name or id, with its last promotion or rollback; None when this scope has none."""
    path = f"/v9/projects/{segment(name)}"
    return client.get(f"read the project {name}", path, missing_ok=True, rollbackInfo="true")


def create(client: Client, name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Make the project. When it came in between, by a call that was late or by another program, it is read again."""
    try:
        return client.write(f"create the project {name}", "POST", "/v11/projects", {"name": name, **settings})
    except VercelError as error:
        if error.status == 409 and read(client, name):
            error.outcome_unknown = True
        raise


def update(client: Client, project_id: str, name: str, settings: dict[str, Any]) -> dict[str, Any]:
    """Change settings of the project."""
    path = f"/v9/projects/{segment(project_id)}"
    return client.write(f"change {', '.join(settings)} of the project {name}", "PATCH", path, settings)


def delete(client: Client, project_id: str, name: str) -> None:
    """Delete the project with everything in it; one that is gone is fine."""
    client.write(f"delete the project {name}", "DELETE", f"/v9/projects/{segment(project_id)}", missing_ok=True)


def alias_request(project: dict[str, Any]) -> dict[str, Any]:
    """The last promotion or rollback; empty when there was none."""
    return project.get("lastAliasRequest") or {}
