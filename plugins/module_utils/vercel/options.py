# SPDX-License-Identifier: GPL-3.0-or-later
"""The options that every module for Vercel has, and the client that they make."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.vercel.client import API_URL, Client

CONNECTION = {
    "name": {"type": "str", "required": True},
    "token": {"type": "str", "no_log": True, "required": True, "fallback": (env_fallback, ["VERCEL_TOKEN"])},
    "team_id": {"type": "str"},
    "team_slug": {"type": "str"},
    "api_url": {"type": "str", "default": API_URL},
    "request_timeout_seconds": {"type": "int", "default": 30},
}
ONE_TEAM = [("team_id", "team_slug")]


def client(options: Mapping[str, Any], clock: Clock, secrets: Sequence[str] = ()) -> Client:
    """The client that a module's options describe."""
    return Client(
        options["token"],
        team_id=options["team_id"] or "",
        team_slug=options["team_slug"] or "",
        api_url=options["api_url"],
        timeout_seconds=options["request_timeout_seconds"],
        secrets=secrets,
        clock=clock,
    )
