# SPDX-License-Identifier: GPL-3.0-or-later
"""What the modules for Pulumi ESC share: their options of the connection, and the client and place made of them."""

from __future__ import annotations

import os
from typing import Any

from ansible.module_utils.basic import AnsibleModule, env_fallback
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.esc import names, oidc
from ansible_collections.sophia.platform.plugins.module_utils.esc.client import EscClient
from ansible_collections.sophia.platform.plugins.module_utils.esc.names import Place

SPEC: dict[str, dict[str, Any]] = {
    "organization": {"type": "str"},
    "project": {"type": "str"},
    "environment": {"type": "str", "required": True},
    "access_token": {"type": "str", "no_log": True, "fallback": (env_fallback, ["PULUMI_ACCESS_TOKEN"])},
    "github_oidc": {"type": "bool", "default": False},
    "oidc_scope": {"type": "str", "default": ""},
    "api_url": {"type": "str", "fallback": (env_fallback, ["PULUMI_BACKEND_URL", "PULUMI_API"])},
    "timeout_seconds": {"type": "float", "default": 30},
}


def place_of(options: dict[str, Any]) -> Place:
    """Return the environment that the options name. Raises EscError."""
    return names.place(options["organization"], options["project"], options["environment"])


def client_of(module: AnsibleModule, place: Place) -> EscClient:
    """Return the client that the options describe. Raises EscError."""
    options = module.params
    token, clock, timeout = options["access_token"], Clock(), options["timeout_seconds"]
    if not token and options["github_oidc"]:
        audience = f"urn:pulumi:org:{place.organization}"
        identity = oidc.github_identity(audience, os.environ, timeout, clock)
        token = oidc.exchanged(identity, place.organization, options["oidc_scope"], options["api_url"], timeout, clock)
        module.no_log_values.update((identity, token))
    return EscClient(token, options["api_url"], timeout, clock)
