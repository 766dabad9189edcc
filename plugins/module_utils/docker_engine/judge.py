# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's own judgement of its configuration. Knows no Ansible."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, ask

UNIT = "docker.service"
# Engines before 23.0 cannot validate. Started by somebody who is not root they read the file, and then end with this.
_NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
_READ_AND_ENDED = "needs to be started with root"


def validate(draft: str) -> None:
    """Let the installed engine judge a daemon.json."""
    answer = ask("dockerd", "--validate", "--config-file", draft)
    if answer.status != 0 and "unknown flag: --validate" in answer.said:
        Path(draft).chmod(0o644)
        answer = ask(*_NOBODY, "dockerd", "--config-file", draft, timeout_seconds=30)
        if _READ_AND_ENDED in answer.said:
            return
    if answer.status != 0:
        raise HostError(f"dockerd refuses the new daemon.json, the old one stays: {answer.said[-1500:]}")
