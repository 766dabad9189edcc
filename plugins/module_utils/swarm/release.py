# SPDX-License-Identifier: GPL-3.0-or-later
"""Release records: what a good deploy was made of, kept in the Swarm as configs `<stack>_release_<n>`.

A record holds the compose document, the digests of its images, the names of its secrets and configs, and the specs as
the engine had them once they ran. It never holds a secret's value.
"""

from __future__ import annotations

import base64
import gzip
import json
import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.swarm import compose as documents
from ansible_collections.sophia.platform.plugins.module_utils.swarm.objects import KIND_LABEL, STACK_LABEL
from ansible_collections.sophia.platform.plugins.module_utils.swarm.plan import Release
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import Swarm

PLAIN_SIZE_LIMIT_BYTES = 400_000
ENGINE_SIZE_LIMIT_BYTES = 1_000 * 1024


def make(
    stack: str,
    number: int,
    compose: Mapping,
    pinned: Mapping[str, str],
    scaled: Mapping[str, Mapping],
    specs: Mapping[str, Mapping],
) -> dict[str, Any]:
    """The record of a deploy; `specs` holds the normalised specs by short service name."""
    return {
        "stack": stack,
        "number": number,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "input": documents.input_digest(compose, stack, scaled),
        "compose": dict(compose),
        "pinned": dict(pinned),
        "scaled": dict(scaled),
        "specs": dict(specs),
        **{kind: documents.object_names(compose, kind) for kind in documents.KINDS},
    }


def encoded(record: Mapping) -> bytes:
    """A record as it is stored: JSON, or base64 over gzip when that is large."""
    data = json.dumps(record, sort_keys=True, ensure_ascii=False).encode()
    return data if len(data) <= PLAIN_SIZE_LIMIT_BYTES else base64.b64encode(gzip.compress(data, mtime=0))


def decoded(data: bytes) -> dict[str, Any]:
    return json.loads(data if data.startswith(b"{") else gzip.decompress(base64.b64decode(data)))


def load(swarm: Swarm, stack: str | None = None) -> list[dict[str, Any]]:
    """The records of one stack or of all, oldest first; `id` is the config's id."""
    labels = {KIND_LABEL: "release", **({STACK_LABEL: stack} if stack else {})}
    found = [
        {**decoded(base64.b64decode(config["Spec"]["Data"])), "id": config["ID"]}
        for config in swarm.objects("configs", labels)
    ]
    return sorted(found, key=lambda record: (record["stack"], record["number"]))


def store(swarm: Swarm, record: Mapping) -> None:
    name = f"{record['stack']}_release_{record['number']}"
    labels = {
        STACK_LABEL: record["stack"],
        KIND_LABEL: "release",
        "sophia.number": str(record["number"]),
        "sophia.time": record["time"],
        "sophia.input": record["input"],
    }
    swarm.create("configs", name, encoded(record), labels)


def forget_old(swarm: Swarm, records: list[dict], keep: int) -> None:
    """Remove all but the newest records of one stack."""
    for record in records[:-keep]:
        swarm.remove("configs", record["id"])


def for_plan(record: Mapping | None) -> Release | None:
    if record is None:
        return None
    views = documents.views(record["compose"], record["stack"], record["pinned"], record["scaled"])
    return Release(views, record["specs"])
