# SPDX-License-Identifier: GPL-3.0-or-later
"""How operators prove who they are at the edge: oauth2-proxy's configuration and Traefik's middlewares.

Settings: {issuer, client_id, domain, https_port, groups: role -> names at the provider, scopes, groups_claim}.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Iterator, Mapping
from urllib.parse import quote, urlsplit

OPERATORS, VIEWERS = "operators", "viewers"
ROLES = {OPERATORS: (OPERATORS,), VIEWERS: (VIEWERS, OPERATORS)}  # whose groups let one in where a role is asked for

SERVICE, PORT, LOGIN_HOST, CALLBACK_PATH = "oauth2-proxy", 4180, "auth", "/oauth2/callback"
CLIENT_SECRET, COOKIE_SECRET = "oidc_client_secret", "oauth2_proxy_cookie_secret"  # noqa: S105 names
COOKIE = "__Secure-sophia"
# A session is not renewed: after an hour the browser asks the provider again, which then knows who has left a group.
SESSION = "1h"
IDENTITY_HEADERS = tuple(f"X-Auth-Request-{name}" for name in ("User", "Email", "Groups", "Preferred-Username"))
# A page of Prometheus asks some twenty times at once; somebody who tries passwords shall not.
PASSWORD_LIMIT = {"average": 5, "period": "1s", "burst": 50}
_GROUP = re.compile(r"[^\s,'`\"\\&|][^,'`\"\\&|\x00-\x1f\x7f]*")


def problems(settings: Mapping) -> list[str]:
    """What is wrong with the settings of a login by OpenID Connect; nothing when it can be computed."""
    return [*_issuer(settings), *_client(settings), *_groups(settings)]


def login_url(settings: Mapping, path: str = "") -> str:
    """An address of oauth2-proxy as browsers see it; with CALLBACK_PATH the one that the provider must know."""
    return f"{_url(settings, LOGIN_HOST)}{path}"


def configuration(settings: Mapping) -> str:
    """oauth2-proxy's configuration file. Secrets are the files that it names."""
    options = {
        "http_address": f"0.0.0.0:{PORT}",
        "reverse_proxy": True,
        "silence_ping_logging": True,
        "provider": "oidc",
        "oidc_issuer_url": settings["issuer"],
        "client_id": settings["client_id"],
        "client_secret_file": f"/run/secrets/{CLIENT_SECRET}",
        "scope": " ".join(settings["scopes"]),
        "code_challenge_method": "S256",
        "insecure_oidc_skip_nonce": False,
        "redirect_url": login_url(settings, CALLBACK_PATH),
        "skip_provider_button": True,
        "oidc_groups_claim": settings["groups_claim"],
        "allowed_groups": allowed_groups(settings, *settings["groups"]),
        "email_domains": ["*"],
        "whitelist_domains": [f".{settings['domain']}{_port(settings)}"],
        "cookie_name": COOKIE,
        "cookie_secret_file": f"/run/secrets/{COOKIE_SECRET}",
        "cookie_domains": [f".{settings['domain']}"],
        "cookie_expire": SESSION,
        "cookie_secure": True,
        "cookie_httponly": True,
        "cookie_samesite": "lax",
        "cookie_csrf_per_request": True,
        "cookie_csrf_per_request_limit": 5,
        "cookie_csrf_expire": "15m",
        "session_cookie_minimal": True,
        "set_xauthrequest": True,
        "upstreams": ["static://202"],
    }
    # What JSON writes for text, numbers, booleans and lists of text is TOML too.
    return "".join(f"{name} = {json.dumps(value, ensure_ascii=False)}\n" for name, value in options.items())


def basic_middlewares(users_file: str) -> dict[str, dict]:
    """Traefik's middlewares for a login by name and password: `operators-basic`."""
    return {
        "operators-basic": {"chain": {"middlewares": ["operators-basic-limit", "operators-basic-password"]}},
        "operators-basic-limit": {"rateLimit": dict(PASSWORD_LIMIT)},
        "operators-basic-password": {"basicAuth": {"usersFile": users_file, "removeHeader": True}},
    }


def oidc_middlewares(settings: Mapping) -> dict[str, dict]:
    """Traefik's middlewares for a login at the provider, one for each role that has groups: `<role>-oidc`.

    oauth2-proxy itself sends a browser to the provider. An `errors` middleware would do that too, but also with every
    401 that the service behind it answers.
    """
    return {
        f"{role}-oidc": {
            "forwardAuth": {
                "address": f"http://{SERVICE}:{PORT}/?allowed_groups={_query(allowed_groups(settings, *roles))}",
                "trustForwardHeader": False,
                "authResponseHeaders": list(IDENTITY_HEADERS),
            }
        }
        for role, roles in ROLES.items()
        if role == OPERATORS or settings["groups"].get(role)
    }


def allowed_groups(settings: Mapping, *roles: str) -> list[str]:
    """The provider's groups of these roles, each once."""
    return list(dict.fromkeys(group for role in roles for group in settings["groups"].get(role) or []))


def _url(settings: Mapping, host: str) -> str:
    return f"https://{host}.{settings['domain']}{_port(settings)}"


def _port(settings: Mapping) -> str:
    return "" if settings["https_port"] == 443 else f":{settings['https_port']}"


def _query(groups: list[str]) -> str:
    return ",".join(map(quote, groups))


def _issuer(settings: Mapping) -> Iterator[str]:
    issuer = settings.get("issuer") or ""
    parts = urlsplit(issuer)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        yield f"issuer {issuer!r} must be the provider's address, such as https://login.example.org"
    elif parts.scheme == "http" and not _is_private(parts.hostname):
        yield f"issuer {issuer} must begin with https: who could change its answers could be anybody"


def _is_private(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return False


def _client(settings: Mapping) -> Iterator[str]:
    if not settings.get("client_id"):
        yield "client_id is empty: it is the name that the provider gave to the platform"
    for name in ("scopes", "groups_claim"):
        if not settings[name]:
            yield f"{name} is empty: leave it out for what most providers take"


def _groups(settings: Mapping) -> Iterator[str]:
    groups = settings.get("groups") or {}
    for role in groups:
        if role not in ROLES:
            yield f"groups: there is no role {role}; there is {', '.join(ROLES)}"
    if not groups.get(OPERATORS):
        yield f"groups.{OPERATORS} is empty: nobody could see Prometheus; name a group of the provider"
    for role, names in groups.items():
        for name in names or []:
            if not _GROUP.fullmatch(str(name)):
                yield f"groups.{role}: {name!r} has a sign that separates or quotes names (, ' \" ` \\ & |)"
