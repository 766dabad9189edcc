# SPDX-License-Identifier: GPL-3.0-or-later
"""Environment variables of a project at Vercel (reference §4). Their values stay out of every message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.vercel.client import Client, segment
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import VercelError


def read(client: Client, project_id: str) -> list[dict[str, Any]]:
    """Every variable. `target` is always a list, whatever form the API gave it."""
    found = client.pages("read the environment variables", f"/v10/projects/{segment(project_id)}/env", "envs")
    return [{**entry, "target": _targets(entry.get("target"))} for entry in found]


def create(client: Client, project_id: str, entries: Sequence[dict[str, Any]]) -> None:
    """Create variables in one call. A 201 may hold failures, and a team's policy may change a type: both are errors."""
    keys = ", ".join(sorted({entry["key"] for entry in entries}))
    path = f"/v10/projects/{segment(project_id)}/env"
    body = client.write(f"create the environment variables {keys}", "POST", path, list(entries), upsert="true") or {}
    failed = [_failure(client, item) for item in body.get("failed") or []]
    if failed:
        raise VercelError(
            f"Vercel did not create {len(failed)} of {len(entries)} environment variables: {'; '.join(failed)}. "
            "The others are there; put these right and run again.",
            code="ENV_FAILED",
        )
    created = body.get("created") or []
    wanted = {(entry["key"], *sorted(entry["target"])): entry["type"] for entry in entries}
    for entry in created if isinstance(created, list) else [created]:
        want = wanted.get((entry.get("key"), *sorted(_targets(entry.get("target")))))
        refuse_other_type(entry, want)


def update(client: Client, project_id: str, variable_id: str, entry: dict[str, Any]) -> None:
    """Change one variable."""
    path = f"/v9/projects/{segment(project_id)}/env/{segment(variable_id)}"
    answer = client.write(f"change the environment variable {entry['key']}", "PATCH", path, entry)
    refuse_other_type({"key": entry["key"], **(answer or {})}, entry["type"])


def delete(client: Client, project_id: str, variable_id: str, key: str) -> None:
    """Delete one variable; one that is gone is fine."""
    path = f"/v9/projects/{segment(project_id)}/env/{segment(variable_id)}"
    client.write(f"delete the environment variable {key}", "DELETE", path, missing_ok=True)


def refuse_other_type(entry: dict[str, Any], want: str | None) -> None:
    """A team's policy can make variables sensitive; the next run would then want to change them back, for ever."""
    got = entry.get("type")
    if want and got == "sensitive" != want:
        raise VercelError(
            f"Vercel made the environment variable {entry.get('key')} sensitive instead of {want}, as a policy of the "
            "team asks. Give it the type sensitive, without the target development.",
            code="ENV_POLICY",
        )


def _targets(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or [])


def _failure(client: Client, item: dict[str, Any]) -> str:
    error = item.get("error") or {}
    key = error.get("envVarKey") or error.get("key") or "one without a name"
    targets = ", ".join(_targets(error.get("target")))
    where = f" [{targets}]" if targets else ""
    return client.masked(f"{key}{where} ({error.get('code')}: {str(error.get('message', '')).rstrip('.')})")
