# SPDX-License-Identifier: GPL-3.0-or-later
"""Environments that were opened: each once in a process and in the processes that it forks. In memory only.

Ansible forks a worker for each task and host. What the main process has opened (an inventory plugin's credentials do
that) every worker finds here; what a worker opens ends with it.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable

from ansible_collections.sophia.platform.plugins.module_utils.esc import values
from ansible_collections.sophia.platform.plugins.module_utils.esc.client import EscClient
from ansible_collections.sophia.platform.plugins.module_utils.esc.names import Place

# The values are read at once, so the session may end soon.
OPEN_DURATION = "10m"

_SALT = os.urandom(32)
_lock = threading.RLock()
_opened: dict[tuple[str, str, Place], values.Value] = {}


def opened(
    client: EscClient, place: Place, duration: str | None = None, warn: Callable[[str], None] | None = None
) -> values.Value:
    """Return all properties of an environment as one Value; asks Pulumi ESC (two calls) once. Raises EscError.

    warn: told what Pulumi ESC warns of.
    """
    key = (client.api_url, hashlib.blake2b(client.token.encode(), key=_SALT).hexdigest(), place)
    with _lock:
        if key not in _opened:
            session, warnings = client.open(place, duration or OPEN_DURATION)
            _opened[key] = values.tree(client.session(place, session), str(place))
            for warning in warnings if warn else ():
                warn(f"Pulumi ESC, about {place}: {client.masked(warning)}")
        return _opened[key]


def forget() -> None:
    """Open everything anew from now on."""
    with _lock:
        _opened.clear()


def _after_fork() -> None:
    """A thread that held the lock is not in the child."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork)
