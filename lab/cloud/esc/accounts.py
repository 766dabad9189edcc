# SPDX-License-Identifier: GPL-3.0-or-later
"""Who calls: tokens, users, and the exchange of an OIDC token for one (reference §1, §5)."""

from __future__ import annotations

import base64
import json
import secrets
from dataclasses import asdict, dataclass, field, fields

from lab.cloud.esc.problems import Refused
from lab.cloud.wire import Clock, Request, Response, document

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
SUBJECT = "urn:ietf:params:oauth:token-type:id_token"
REQUESTED = "urn:pulumi:token-type:access_token:"
SCOPES = {"organization": ("", "admin"), "team": ("team:",), "personal": ("user:",), "runner": ("runner:",)}
AUDIENCE = "urn:pulumi:org:"
NO_CREDENTIALS = "No credentials provided or are invalid."


@dataclass
class Token:
    """`hidden`: environments (organization/project/name) that it may not know of. `expires_at` 0: never."""

    token: str
    login: str
    organizations: list[str] = field(default_factory=list)
    may_read: bool = True
    may_open: bool = True
    may_write: bool = True
    may_decrypt: bool = True
    hidden: list[str] = field(default_factory=list)
    name: str = "ci"
    team: str = ""
    expires_at: float = 0

    def sees(self, organization: str, project: str = "", name: str = "") -> bool:
        return organization in self.organizations and f"{organization}/{project}/{name}" not in self.hidden


class Accounts:
    """All tokens, and the OIDC issuers that organizations trust. None at first."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.tokens: dict[str, Token] = {}
        self.issuers: dict[str, list[str]] = {}  # organization: issuers

    def caller(self, request: Request) -> Token:
        """Raises Refused. The word before the token is `token`, not Bearer."""
        word, _, text = request.headers.get("authorization", "").partition(" ")
        token = self.tokens.get(text.strip()) if word == "token" else None
        if token is None or (token.expires_at and token.expires_at <= self.clock.now()):
            raise Refused(401, NO_CREDENTIALS)
        return token

    def add(self, given: dict) -> Token:
        """From its description. Raises ValueError."""
        known = {each.name for each in fields(Token)}
        if set(given) - known or not given.get("token") or not given.get("login"):
            raise ValueError(f"a token has token and login, and of the rest only {', '.join(sorted(known))}")
        token = Token(**given)
        self.tokens[token.token] = token
        return token

    def trust(self, given: dict) -> dict:
        """{organization, issuer}: tokens of that issuer are exchanged from now on."""
        if set(given) != {"organization", "issuer"}:
            raise ValueError("an OIDC issuer has organization and issuer")
        self.issuers.setdefault(given["organization"], []).append(given["issuer"])
        return self.issuers

    def user(self, token: Token, show_token_info: bool) -> Response:
        organizations = [{"githubLogin": each, "name": each.title(), "avatarUrl": ""} for each in token.organizations]
        user = {"id": f"u-{token.login}", "githubLogin": token.login, "name": token.login.title()}
        user |= {"email": f"{token.login}@example.net", "avatarUrl": "", "organizations": organizations}
        info = {"name": token.name, "organization": (token.organizations or [""])[0]}
        info |= {"team": token.team} if token.team else {}
        return document({**user, "identities": ["github.com"], **({"tokenInfo": info} if show_token_info else {})})

    def exchange(self, request: Request) -> Response:
        """Raises Refused. The signature is not checked: issuer, audience and expiry are."""
        given = json_object(request)
        kind = str(given.get("requested_token_type", "")).removeprefix(REQUESTED)
        if given.get("grant_type") != GRANT or given.get("subject_token_type") != SUBJECT or kind not in SCOPES:
            raise Refused(400, "unsupported grant_type, subject_token_type or requested_token_type")
        scope, audience = str(given.get("scope", "")), str(given.get("audience", ""))
        if not any(scope == each or (each.endswith(":") and scope.startswith(each)) for each in SCOPES[kind]):
            raise Refused(400, f"the scope {scope!r} does not fit a token of kind {kind}")
        organization = audience.removeprefix(AUDIENCE)
        claims = _claims(str(given.get("subject_token", "")))
        audiences = claims.get("aud") if isinstance(claims.get("aud"), list) else [claims.get("aud")]
        trusted = claims.get("iss") in self.issuers.get(organization, ()) and audience in audiences
        if not trusted or not isinstance(claims.get("exp"), (int, float)) or claims["exp"] <= self.clock.now():
            raise Refused(401, "the subject token is not accepted")
        seconds = int(given.get("expiration") or 7200)
        login = scope.partition(":")[2] or organization
        token = self.add({"token": f"pul-{secrets.token_hex(20)}", "login": login, "organizations": [organization]})
        token.expires_at = self.clock.now() + seconds
        issued = {"access_token": token.token, "issued_token_type": REQUESTED + kind, "token_type": "token"}
        return document({**issued, "expires_in": seconds, "scope": scope, "refresh_token": ""})

    def dump(self) -> dict:
        return {"tokens": [asdict(each) for each in self.tokens.values()], "issuers": self.issuers}

    def load(self, state: dict) -> None:
        self.tokens = {each["token"]: Token(**each) for each in state["tokens"]}
        self.issuers = state["issuers"]


def json_object(request: Request) -> dict:
    """A body that must be a JSON object. Raises Refused."""
    try:
        given = request.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Refused(400, "the body is no JSON object")
    return given


def _claims(token: str) -> dict:
    """What a JWT says of itself; nothing when it is none."""
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError):
        return {}
    return claims if isinstance(claims, dict) else {}
