# SPDX-License-Identifier: GPL-3.0-or-later
"""Which path and method is answered by what, and which permission it takes. A star stands for any one part."""

from __future__ import annotations

from collections.abc import Callable

from lab.cloud.esc import environment_routes as environments
from lab.cloud.esc import label_routes as labels
from lab.cloud.esc import opening_routes as opening
from lab.cloud.esc.call import Call
from lab.cloud.wire import Response

Handler = Callable[[Call], Response]

# below /api/esc/environments; the second pattern's organization is its first star
ORGANIZATION_ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", "", "read", environments.listed),
    ("GET", "*", "read", environments.listed),
    ("POST", "*", "write", environments.create),
    ("POST", "*/yaml/check", "open", opening.check),
    ("POST", "*/yaml/open", "open", opening.open_text),
    ("GET", "*/yaml/open/*", "open", opening.read_text_session),
)

# below an environment
ENVIRONMENT_ROUTES: tuple[tuple[str, str, str, Handler], ...] = (
    ("GET", "", "read", environments.read),
    ("PATCH", "", "write", environments.update),
    ("DELETE", "", "write", environments.delete),
    ("GET", "decrypt", "decrypt", environments.decrypt),
    ("POST", "open", "open", opening.open_environment),
    ("GET", "open/*", "open", opening.read_session),
    ("POST", "clone", "write", environments.clone),
    ("GET", "settings", "read", environments.settings),
    ("PATCH", "settings", "write", environments.change_settings),
    ("GET", "tags", "read", labels.tags),
    ("POST", "tags", "write", labels.create_tag),
    ("GET", "tags/*", "read", labels.tag),
    ("PATCH", "tags/*", "write", labels.change_tag),
    ("DELETE", "tags/*", "write", labels.delete_tag),
    ("GET", "versions", "read", labels.revisions),
    ("GET", "versions/tags", "read", labels.revision_tags),
    ("POST", "versions/tags", "write", labels.create_revision_tag),
    ("GET", "versions/tags/*", "read", labels.revision_tag),
    ("PATCH", "versions/tags/*", "write", labels.move_revision_tag),
    ("DELETE", "versions/tags/*", "write", labels.delete_revision_tag),
    ("GET", "versions/*", "read", environments.read),
    ("GET", "versions/*/decrypt", "decrypt", environments.decrypt),
    ("POST", "versions/*/open", "open", opening.open_environment),
)


def matched(pattern: str, parts: list[str]) -> tuple[str, ...] | None:
    """What stands for the stars, None when the parts do not fit."""
    wanted = pattern.split("/") if pattern else []
    if len(wanted) != len(parts) or any(a not in ("*", b) for a, b in zip(wanted, parts, strict=True)):
        return None
    return tuple(part for star, part in zip(wanted, parts, strict=True) if star == "*")
