# SPDX-License-Identifier: GPL-3.0-or-later
"""The `esc` kind: one property of an environment of Pulumi ESC. Opened once, and kept in memory only."""

from __future__ import annotations

import os

from ansible_collections.sophia.platform.plugins.module_utils.esc import names, session, values
from ansible_collections.sophia.platform.plugins.module_utils.esc.client import EscClient
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.paths import parsed, rendered
from ansible_collections.sophia.platform.plugins.module_utils.secrets.errors import SecretsError

NEEDED = ("organization", "project", "environment")
OPTIONS = {*NEEDED, "kind", "version", "property", "api_url", "access_token", "timeout_seconds"}
TIMEOUT_SECONDS = 30


def read(source: dict) -> object:
    """Return the mapping of names to values below a property, `platform` if none is named.

    source: {kind, organization, project, environment, version, property, api_url, access_token, timeout_seconds}.
    Without a token or an address, PULUMI_ACCESS_TOKEN, and PULUMI_BACKEND_URL or PULUMI_API, are used.
    """
    unknown, missing = sorted(set(source) - OPTIONS), [key for key in NEEDED if not source.get(key)]
    if unknown:
        raise SecretsError(f"The esc secrets source does not know: {', '.join(unknown)}.")
    if missing:
        raise SecretsError(f"The esc secrets source needs {' and '.join(missing)}; set it in platform_secrets_source.")
    wrong = [key for key in sorted(OPTIONS - {"timeout_seconds"}) if not isinstance(source.get(key) or "", str)]
    if wrong:
        raise SecretsError(f"In the esc secrets source these are no text; put quotes around: {', '.join(wrong)}.")
    try:
        return _property(source)
    except EscError as error:
        message = str(error)
    raise SecretsError(message)


def _property(source: dict) -> object:
    place = names.checked(*(source[key] for key in NEEDED), source.get("version"))
    path = parsed(source.get("property") or "platform")
    tree = session.opened(_client(source), place)
    value, _secret = values.found(tree, path)
    if value is None:
        raise EscError(f"The environment {place} has no property {rendered(path)}, below which the secrets should be.")
    return values.plain(value, str(place), path)


def _client(source: dict) -> EscClient:
    environ = os.environ
    return EscClient(
        source.get("access_token") or environ.get("PULUMI_ACCESS_TOKEN"),
        source.get("api_url") or environ.get("PULUMI_BACKEND_URL") or environ.get("PULUMI_API"),
        _seconds(source.get("timeout_seconds") or TIMEOUT_SECONDS),
    )


def _seconds(value: object) -> float:
    """A number, or the text of one, as inventories' templates give it."""
    try:
        return float(str(value))
    except ValueError:
        pass
    raise EscError("timeout_seconds of the esc secrets source is no number.")
