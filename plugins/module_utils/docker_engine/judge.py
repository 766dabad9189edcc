# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's own judgement of its configuration. Knows no Ansible."""

from __future__ import annotations

from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, run

UNIT = "docker.service"


def validate(draft: str) -> None:
    """Let the installed engine judge a daemon.json."""
    try:
        run("dockerd", "--validate", "--config-file", draft)
    except HostError as error:
        raise HostError(f"dockerd refuses the new daemon.json, the old one stays: {error}") from error
