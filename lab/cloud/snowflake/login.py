# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may log in, and as which role (contract §2, §3)."""

from __future__ import annotations

import base64
import binascii
import json
import time
import uuid

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from lab.cloud.snowflake.catalogue import Catalogue
from lab.cloud.snowflake.errors import LoginError
from lab.cloud.snowflake.sql import dotted
from lab.cloud.snowflake.users import fingerprint, matches, public_key

_LIFE_SECONDS_MAX = 3600
_SKEW_SECONDS = 60


def check(catalogue: Catalogue, given: dict) -> str:
    """The user who logs in with this body's `data`. Raises LoginError."""
    name = dotted([str(given.get("LOGIN_NAME") or "").upper()])
    name = next(
        (
            user
            for user, about in catalogue.objects["USER"].items()
            if str(about.get("login_name") or "").upper() == name
        ),
        name,
    )
    user = catalogue.objects["USER"].get(name)
    method = str(given.get("AUTHENTICATOR") or "SNOWFLAKE").upper()
    if method == "SNOWFLAKE_JWT":
        _check_jwt(user or {}, name, given)
    elif method == "PROGRAMMATIC_ACCESS_TOKEN":
        if not user or not matches(given.get("TOKEN"), user.get("pat")):
            raise LoginError(394400, "Programmatic access token is invalid.")
    elif method in ("SNOWFLAKE", "USERNAME_PASSWORD_MFA"):
        _check_password(user or {}, given.get("PASSWORD"))
    else:
        raise LoginError(390104, f"The lab does not know the authenticator {method[:40]}.")
    if str(user.get("disabled")).lower() == "true":
        raise LoginError(390101, "User access disabled. Contact your local system administrator.")
    return name


def _check_password(user: dict, secret: object) -> None:
    """A PAT may stand for the password. Users of the type SERVICE have none."""
    if matches(secret, user.get("pat")):
        return
    if user.get("type") == "SERVICE" or not matches(secret, user.get("password")):
        raise LoginError(390100, "Incorrect username or password was specified.")


def _check_jwt(user: dict, name: str, given: dict) -> None:
    try:
        reason = _jwt_problem(user, name, given)
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error, InvalidSignature):
        reason = "it cannot be read, or its signature is wrong"
    if reason:
        raise LoginError(390144, f"JWT token is invalid. [{uuid.uuid4()}]")


def _jwt_problem(user: dict, name: str, given: dict) -> str:
    """What is wrong with a token, "" for nothing. Raises ValueError and others when it cannot be read."""
    head, body, signature = str(given.get("TOKEN")).split(".")
    header, claims = json.loads(_decoded(head)), json.loads(_decoded(body))
    qualified = f"{str(given.get('ACCOUNT_NAME') or '').upper()}.{name}"
    keys = [key for key in user.get("keys", {}).values() if claims["iss"] == f"{qualified}.{fingerprint(key)}"]
    if header["alg"] != "RS256" or not keys or claims["sub"] != qualified:
        return "not this user's key"
    public_key(keys[0])[0].verify(_decoded(signature), f"{head}.{body}".encode(), PKCS1v15(), SHA256())
    now, issued, ends = time.time(), float(claims["iat"]), float(claims["exp"])
    if issued > now + _SKEW_SECONDS or ends - issued > _LIFE_SECONDS_MAX + _SKEW_SECONDS:
        return "not of this time"
    return "expired" if ends < now else ""


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def role_of(catalogue: Catalogue, user: str, wanted: str | None) -> str:
    """The role that a session begins with. Raises LoginError."""
    if not wanted:
        own = catalogue.objects["USER"][user].get("default_role") or "PUBLIC"
        return own if own in catalogue.reached("USER", user) else "PUBLIC"
    name = dotted([wanted[1:-1] if wanted.startswith('"') else wanted.upper()])
    if name not in catalogue.reached("USER", user):
        raise LoginError(
            390189,
            f"Role '{name}' specified in the connect string does not exist or not authorized. Contact your local "
            "system administrator, or attempt to login with another role, e.g. PUBLIC.",
        )
    return name
