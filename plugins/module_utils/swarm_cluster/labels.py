# SPDX-License-Identifier: GPL-3.0-or-later
"""The labels that a host's node should have. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

GPU_LABEL = "gpu"


def node_labels(variables: Mapping[str, Any]) -> dict[str, str]:
    """The host's own `swarm_labels`, and `gpu: "true"` where its `gpu_count` is not 0."""
    implied = {GPU_LABEL: "true"} if int(variables.get("gpu_count") or 0) else {}
    return {**implied, **{str(name): str(value) for name, value in (variables.get("swarm_labels") or {}).items()}}
