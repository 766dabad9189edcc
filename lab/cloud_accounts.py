# SPDX-License-Identifier: GPL-3.0-or-later
"""The accounts that the lab has at the simulated clouds. Telling them again changes nothing that is there."""

from __future__ import annotations

from cryptography.hazmat.primitives import serialization

from lab.settings import Settings
from lab.state import PULUMI_TOKEN

TEAM = {"id": "team_lab", "slug": "lab", "name": "Lab"}


def accounts(settings: Settings, secrets: dict[str, str]) -> list[tuple[str, str, dict]]:
    """(service, control action, what it is given), from the secrets that the lab made up."""
    source = settings.variables["platform_secrets_source"]
    place = {name: source[name] for name in ("organization", "project")} | {"name": source["environment"]}
    stored = {name: value for name, value in secrets.items() if name != PULUMI_TOKEN}
    told = [
        ("esc", "token", {"token": secrets[PULUMI_TOKEN], "login": "lab", "organizations": [source["organization"]]}),
        ("esc", "merge_secrets", {**place, "property": "platform", "values": stored}),
    ]
    clouds = settings.variables["platform_clouds"]
    if "lambda_cloud" in clouds:
        told += [
            ("lambda", "api_key", {"key": secrets["lambda_api_key"]}),
            ("lambda", "limits", {"enabled": False}),
        ]
    if "namecheap" in clouds:
        account = {"user": settings.variables["platform_namecheap_api_user"], "key": secrets["namecheap_api_key"]}
        told.append(("namecheap", "account", {**account, "addresses": ["127.0.0.1"]}))
    if "vercel" in clouds:
        told.append(("vercel", "token", {"token": secrets["vercel_token"], "user": "lab", "teams": [TEAM]}))
    for key in settings.variables["platform_api_keys"]:
        told.append(("apis", "key", {"service": key["service"], "key": secrets[key["secret"]], "state": "valid"}))
    return told


def snowflake_user(settings: Settings, secrets: dict[str, str]) -> dict:
    """The user of the platform at Snowflake, with the public half of its key."""
    private = serialization.load_pem_private_key(secrets["snowflake_private_key"].encode(), password=None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {"name": settings.variables["platform_snowflake_user"], "public_key": public.decode()}
