# SPDX-License-Identifier: GPL-3.0-or-later
"""The services whose keys can be checked: the request, its headers, and how an answer is judged. Data.

Requests and statuses are those of the reference "One cheap authenticated read per external API".
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ansible_collections.sophia.platform.plugins.module_utils.api_keys import verdicts
from ansible_collections.sophia.platform.plugins.module_utils.api_keys.verdicts import Rules, has

JSON = {"Accept": "application/json"}


@dataclass(frozen=True)
class Key:
    """A key to check; name is what people call it. The key itself is in no representation of this."""

    service: str
    name: str
    secret: str
    user: str = ""
    base_url: str = ""
    organization: str = ""
    project: str = ""

    def __repr__(self) -> str:
        return f"Key({self.service}, {self.name})"


@dataclass(frozen=True)
class Service:
    """One service. base_url is its address up to where path begins; empty: every customer has an own one."""

    rules: Rules
    base_url: str
    path: str
    headers: Callable[[Key], dict[str, str]]
    method: str = "GET"
    body: bytes | None = None
    control: bool = False  # whether the same request without the key must be refused first
    path_of: Callable[[Key], str] | None = None  # where the path depends on the kind of key

    def url(self, key: Key) -> str:
        """Return the address; a base_url may end with the beginning of the path (`…/api/v3`), or not."""
        path = self.path_of(key) if self.path_of else self.path
        base = (key.base_url or self.base_url).rstrip("/")
        parts = path.split("/")
        for count in range(len(parts) - 1, 1, -1):
            beginning = "/".join(parts[:count])
            if base.endswith(beginning):
                return base + path[len(beginning) :]
        return base + path


def bearer(key: Key) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.secret}", **JSON}


def header(name: str, **more: str) -> Callable[[Key], dict[str, str]]:
    """Send the key in a header of its own."""
    return lambda key: {name: key.secret, **JSON, **{other.replace("_", "-"): value for other, value in more.items()}}


def basic(key: Key) -> dict[str, str]:
    """Gong: the access key is the user, its secret the password."""
    pair = f"{key.user}:{key.secret}" if key.user else key.secret
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}", **JSON}


def openai_headers(key: Key) -> dict[str, str]:
    extra = {"OpenAI-Organization": key.organization, "OpenAI-Project": key.project}
    return {**bearer(key), **{name: value for name, value in extra.items() if value}}


def anthropic_path(key: Key) -> str:
    """Admin keys are for other paths than ordinary ones."""
    admin = key.secret.startswith("sk-ant-admin")
    return "/v1/organizations/api_keys?limit=1" if admin else "/v1/models?limit=1"


def viewer(body: object) -> bool:
    """Linear: `data.viewer` is there and there are no errors."""
    return isinstance(body, Mapping) and has("viewer")(body.get("data")) and not body.get("errors")


SERVICES: Mapping[str, Service] = {
    "anthropic": Service(
        Rules("Anthropic", has("data", list), (401, 404), "the key is wrong, disabled or deleted"),
        "https://api.anthropic.com",
        "/v1/models",
        header("x-api-key", anthropic_version="2023-06-01"),
        path_of=anthropic_path,
    ),
    "openai": Service(
        Rules(
            "OpenAI",
            has("data", list),
            restricted_hint="a scope such as api.model.read is missing",
            exception=verdicts.openai,
        ),
        "https://api.openai.com",
        "/v1/models",
        openai_headers,
    ),
    "slack": Service(
        Rules("Slack", lambda body: has("ok")(body) and body["ok"] is True, exception=verdicts.slack),
        "https://slack.com",
        "/api/auth.test",
        lambda key: {**bearer(key), "Content-Type": "application/json; charset=utf-8"},
        method="POST",
        body=b"",
    ),
    "gong": Service(
        Rules(
            "Gong",
            has("workspaces", list),
            invalid_hint="or its list of trusted addresses does not hold this one, or the tenant has another base_url",
            restricted_hint="the scope api:workspaces:read is missing",
        ),
        "https://api.gong.io",
        "/v2/workspaces",
        basic,
    ),
    "linear": Service(
        Rules("Linear", viewer, exception=verdicts.linear),
        "https://api.linear.app",
        "/graphql",
        header("Authorization", Content_Type="application/json"),  # personal keys go without "Bearer"
        method="POST",
        body=json.dumps({"query": "{ viewer { id name } }"}).encode(),
    ),
    "hubspot": Service(
        Rules("HubSpot", has("portalId"), restricted_hint="a scope is missing"),
        "https://api.hubapi.com",
        "/account-info/v3/details",
        bearer,
    ),
    "asana": Service(
        Rules("Asana", has("data", Mapping)),
        "https://app.asana.com",
        "/api/1.0/users/me?opt_fields=gid,name",
        bearer,
    ),
    "github": Service(
        Rules(
            "GitHub",
            has("login", str),
            restricted_hint="normal for an installation or Actions token, or the organisation wants single sign-on",
            exception=verdicts.github,
        ),
        "https://api.github.com",
        "/user",
        lambda key: {**bearer(key), "Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"},
    ),
    "codacy": Service(
        Rules("Codacy", has("data", Mapping), (401, 404), "it is wrong, has expired, or is a project token"),
        "https://app.codacy.com",
        "/api/v3/user",
        header("api-token"),
    ),
    "pinecone": Service(
        Rules("Pinecone", has("indexes", list), restricted_hint="it has a restricted role"),
        "https://api.pinecone.io",
        "/indexes",
        header("Api-Key", X_Pinecone_Api_Version="2025-10"),
    ),
    "weaviate": Service(
        Rules("Weaviate", has("version"), restricted_hint="its role lacks a permission", exception=verdicts.weaviate),
        "",
        "/v1/meta",
        bearer,
        control=True,
    ),
    "pulumi": Service(
        Rules("Pulumi", has("githubLogin", str)),
        "https://api.pulumi.com",
        "/api/user",
        lambda key: {"Authorization": f"token {key.secret}", "Accept": "application/vnd.pulumi+8"},
    ),
    "lambda_cloud": Service(
        Rules("Lambda Cloud", has("data", list), exception=verdicts.lambda_cloud),
        "https://cloud.lambda.ai",
        "/api/v1/ssh-keys",
        bearer,
    ),
    "vercel": Service(
        Rules("Vercel", has("user", Mapping), exception=verdicts.vercel),
        "https://api.vercel.com",
        "/v2/user",
        bearer,
    ),
}
