# SPDX-License-Identifier: GPL-3.0-or-later
"""What this package asks of a Swarm's manager, by name."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine
from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import EngineError

STACK_LABEL = "com.docker.stack.namespace"
DOCKER_HUB = "docker.io"
DOCKER_HUB_ACCOUNT = "https://index.docker.io/v1/"


class Swarm:
    """The Swarm behind one manager's engine. Every method raises EngineError."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    # ── reading ──────────────────────────────────────────────────────────────────────────────────────────────
    def identity(self) -> str:
        return self.engine.get("/swarm")["ID"]

    def nodes(self) -> list[dict]:
        return self.engine.get("/nodes")

    def networks(self, stack: str | None = None) -> list[dict]:
        return self.engine.get("/networks", _of(stack))

    def services(self, stack: str | None = None) -> list[dict]:
        """All services with their ServiceStatus, or those of one stack."""
        return self.engine.get("/services", _of(stack), status=True)

    def tasks(self, stack: str | None = None, filters: Mapping[str, list[str]] | None = None) -> list[dict]:
        return self.engine.get("/tasks", {**_of(stack), **(filters or {})})

    def running_tasks(self, stack: str | None = None) -> list[dict]:
        """The tasks that are meant to run, whether they do or not."""
        return self.tasks(stack, {"desired-state": ["running"]})

    def up_to_date_task_ids(self, stack: str) -> set[str]:
        """The ids of the tasks that were made for the current specs of the stack's services."""
        return {task["ID"] for task in self.tasks(stack, {"_up-to-date": ["true"]})}

    def objects(self, kind: str, labels: Mapping[str, str] | None = None) -> list[dict]:
        """The `secrets` or `configs` that carry all of the labels."""
        wanted = [f"{name}={value}" for name, value in (labels or {}).items()]
        return self.engine.get(f"/{kind}", {"label": wanted} if wanted else None) or []

    def named(self, kind: str, name: str) -> dict | None:
        """The secret or config of exactly this name."""
        found = self.engine.get(f"/{kind}", {"name": [name]}) or []
        return next((one for one in found if one["Spec"]["Name"] == name), None)

    def task_log(self, task_id: str, lines_count: int) -> str:
        """The last lines that a task wrote to stdout and stderr; empty when the log is gone."""
        asked = {"stdout": True, "stderr": True, "tail": lines_count}
        try:
            data = self.engine.call("GET", f"/tasks/{task_id}/logs", query=asked, timeout_seconds=10, raw=True)
        except EngineError:
            return ""
        return "\n".join(_demultiplexed(data).splitlines()[-lines_count:])

    def image(self, reference: str, host: str, login: Mapping[str, str] | None) -> dict:
        """What the registry says of an image: {Descriptor: {digest}, Platforms: [{architecture, os}]}."""
        headers = None
        if login:
            account = {**login, "serveraddress": DOCKER_HUB_ACCOUNT if host == DOCKER_HUB else host}
            headers = {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(account).encode()).decode()}
        return self.engine.call("GET", f"/distribution/{reference}/json", headers=headers, timeout_seconds=60)

    # ── writing ──────────────────────────────────────────────────────────────────────────────────────────────
    def create(self, kind: str, name: str, data: bytes, labels: Mapping[str, str]) -> str:
        """Make a secret or config (`kind`: secrets, configs) and return its id; status 409 when the name is taken."""
        body = {"Name": name, "Data": base64.b64encode(data).decode(), "Labels": dict(labels)}
        return self.engine.post(f"/{kind}/create", body)["ID"]

    def label_config(self, config: Mapping, labels: Mapping[str, str]) -> None:
        """Replace the labels of a config, as it was read; the engine allows no other change."""
        spec = {**config["Spec"], "Labels": dict(labels)}
        self.engine.post(f"/configs/{config['ID']}/update", spec, version=config["Version"]["Index"])

    def remove(self, kind: str, identifier: str) -> bool:
        """Remove one of the `services`, `networks`, `secrets` or `configs`; False when it was not there."""
        try:
            self.engine.delete(f"/{kind}/{identifier}")
        except EngineError as error:
            if error.status == 404:
                return False
            raise
        return True

    def update_service(self, service: Mapping, spec: Mapping) -> None:
        """Give a service, as it was read, another spec; its registry credentials stay."""
        version = service["Version"]["Index"]
        self.engine.post(f"/services/{service['ID']}/update", dict(spec), version=version, registryAuthFrom="spec")


def _of(stack: str | None) -> dict:
    return {"label": [f"{STACK_LABEL}={stack}"]} if stack else {}


def _demultiplexed(data: bytes) -> str:
    """The text of a log stream: frames of one byte of stream, three of padding, four of length, and the content."""
    parts, position = [], 0
    while position + 8 <= len(data) and data[position] in (0, 1, 2):
        length = int.from_bytes(data[position + 4 : position + 8], "big")
        parts.append(data[position + 8 : position + 8 + length])
        position += 8 + length
    return b"".join(parts or [data]).decode(errors="replace")
