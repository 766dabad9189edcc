# SPDX-License-Identifier: GPL-3.0-or-later
"""The identity of a GitHub Actions job, exchanged for an access token of an organization (reference §5)."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import quote

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock, masked
from ansible_collections.sophia.platform.plugins.module_utils.esc.answers import details
from ansible_collections.sophia.platform.plugins.module_utils.esc.client import EscClient, tried
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError

EXPIRATION_SECONDS = 900
URL, TOKEN = "ACTIONS_ID_TOKEN_REQUEST_URL", "ACTIONS_ID_TOKEN_REQUEST_TOKEN"  # noqa: S105 - names of variables
# The scope's beginning -> the kind of token (reference §5).
KINDS = {"": "organization", "admin": "organization", "team": "team", "user": "personal", "runner": "runner"}


def github_identity(audience: str, environ: Mapping[str, str], timeout_seconds: float, clock: Clock) -> str:
    """Return the signed identity of the GitHub Actions job that this runs in. Raises EscError."""
    url, token = environ.get(URL, ""), environ.get(TOKEN, "")
    if not url or not token:
        raise EscError(
            "This is no GitHub Actions job that may ask for its identity. Give the job "
            "`permissions: {id-token: write}`, or give an access token as access_token or PULUMI_ACCESS_TOKEN."
        )
    sign = "&" if "?" in url else "?"
    url = f"{url}{sign}audience={quote(audience, safe='')}"
    answer, reason, _sent = tried(clock, timeout_seconds, True, "GET", url, {"Authorization": f"bearer {token}"})
    if answer is None or answer.status != 200:
        told = reason if answer is None else f"it answered {answer.status} with {details(answer)}"
        raise EscError(f"Cannot get the identity of this job from GitHub: {masked(told, [token])}.")
    try:
        body = answer.json()
    except ValueError:
        body = None
    identity = body.get("value") if isinstance(body, dict) else None
    if not isinstance(identity, str) or not identity:
        raise EscError("Cannot get the identity of this job from GitHub: its answer holds none.")
    return identity


def exchanged(
    identity: str,
    organization: str,
    scope: str,
    api_url: str | None,
    timeout_seconds: float,
    clock: Clock | None = None,
) -> str:
    """Return an access token of an organization for a signed identity. Raises EscError.

    scope: empty or `admin` for the organization, `team:NAME`, `user:LOGIN` or `runner:NAME`.
    """
    kind = KINDS.get(scope.partition(":")[0])
    if kind is None or (kind != "organization") != (":" in scope):
        raise EscError(f"oidc_scope {scope!r} is none; it is empty, admin, team:NAME, user:LOGIN or runner:NAME.")
    client = EscClient(identity, api_url, timeout_seconds, clock)
    body = {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "audience": f"urn:pulumi:org:{organization}",
        "subject_token_type": "urn:ietf:params:oauth:token-type:id_token",
        "subject_token": identity,
        "requested_token_type": f"urn:pulumi:token-type:access_token:{kind}",
        "scope": scope,
        "expiration": EXPIRATION_SECONDS,
    }
    refused = ""
    answer = None
    try:
        answer = client.exchange_token(f"exchange an identity for an access token of {organization}", body)
    except EscError as error:
        if not 400 <= error.status < 429:
            raise
        refused = error.told
    if refused:
        raise EscError(
            f"Pulumi at {client.api_url} gives no access token of {organization} for the identity of this job "
            f"({refused}). Register its issuer with the organization, with a policy that allows this repository, or "
            "give an access token."
        )
    token = answer.get("access_token") if isinstance(answer, dict) else None
    if not isinstance(token, str) or not token:
        raise EscError(f"Pulumi at {client.api_url} answered the exchange of the identity without an access token.")
    return token
