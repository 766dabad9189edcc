# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of organizations, projects, environments and versions (reference §2), and the address of the API (§1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError

API_URL = "https://api.pulumi.com"
LATEST = "latest"
# No place of the API: the console, and the website (reference §1).
NOT_AN_API = ("app.pulumi.com", "pulumi.com", "www.pulumi.com")
ORGANIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{1,38}[A-Za-z0-9]")
NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
VERSION = re.compile(r"[1-9][0-9]{0,17}|[A-Za-z_][A-Za-z0-9_.-]{0,99}")
RESERVED_ENVIRONMENTS = ("open", "yaml", ".", "..")
DURATION = re.compile(r"(\d+(\.\d+)?(ns|us|ms|s|m|h))+")


@dataclass(frozen=True)
class Place:
    """One environment, at a version: a revision's number or a tag. An empty version is the latest."""

    organization: str
    project: str
    environment: str
    version: str = ""

    def __str__(self) -> str:
        version = f"@{self.version}" if self.version else ""
        return f"{self.organization}/{self.project}/{self.environment}{version}"

    @property
    def path(self) -> str:
        """Its path in the API, without the version."""
        parts = (self.organization, self.project, self.environment)
        return "/api/esc/environments/" + "/".join(quote(part, safe="") for part in parts)

    @property
    def versioned_path(self) -> str:
        """Its path in the API, at its version."""
        return f"{self.path}/versions/{quote(self.version, safe='')}" if self.version else self.path


def place(organization: str | None, project: str | None, environment: str | None, version: str | None = "") -> Place:
    """Return the environment of these names, or of one reference given as `environment`. Raises EscError."""
    if not organization and not project and environment:
        given = reference(environment)
        if version and given.version:
            raise EscError(f"The environment {given} names a version already; leave out version, or the part after @.")
        return given if given.version else checked(given.organization, given.project, given.environment, version)
    return checked(organization, project, environment, version)


def checked(organization: str | None, project: str | None, environment: str | None, version: str | None = "") -> Place:
    """Return the Place. Raises EscError with all that is wrong with its names."""
    problems = []
    if not ORGANIZATION.fullmatch(organization or ""):
        problems.append(
            f"organization {organization or ''!r} (3 to 40 letters, digits, - and _; first and last no sign)"
        )
    if not NAME.fullmatch(project or "") or project in (".", ".."):
        problems.append(f"project {project or ''!r} (1 to 100 letters, digits, - _ and .)")
    if not NAME.fullmatch(environment or "") or environment in RESERVED_ENVIRONMENTS:
        problems.append(f"environment {environment or ''!r} (1 to 100 letters, digits, - _ and .; not open or yaml)")
    if version and not VERSION.fullmatch(version):
        problems.append(f"version {version!r} (a revision's number, or a tag that begins with a letter)")
    if problems:
        raise EscError(f"Names that Pulumi ESC does not have: {'; '.join(problems)}.")
    return Place(organization, project, environment, "" if version == LATEST else version or "")


def reference(text: str) -> Place:
    """Return the Place of `organization/project/environment[@version]`; `:` may stand for `@`. Raises EscError."""
    name, _sign, version = text.replace(":", "@", 1).partition("@")
    parts = name.split("/")
    if len(parts) == 2:
        raise EscError(
            f"The environment {text!r} has two parts, which may mean project/environment or organization/environment; "
            "write organization/project/environment."
        )
    if len(parts) != 3:
        raise EscError(f"The environment {text!r} needs three parts: organization/project/environment.")
    return checked(*parts, version)


def base_url(text: str | None) -> str:
    """Return the API's address without a slash at its end; empty is Pulumi Cloud. Raises EscError."""
    url = (text or "").strip() or API_URL
    problem = ""
    try:
        parts = urlsplit(url)
        host, scheme, _port = parts.hostname or "", parts.scheme.lower(), parts.port
    except ValueError:
        parts, host, scheme = None, "", ""
    if parts is None or (scheme in ("http", "https") and not host):
        problem = "is no address"
    elif scheme not in ("http", "https"):
        kind = f"begins with {scheme}://" if scheme and "://" in url else "does not begin with https://"
        problem = f"{kind}: there is no Pulumi ESC, only a service reached over http or https has it"
    elif host in NOT_AN_API:
        problem = f"is {host}, which is no API"
    elif parts.username or parts.password or parts.query or parts.fragment:
        problem = "holds a user, a query or a fragment, which the API's address has not"
    if problem:
        raise EscError(
            f"The address of Pulumi ESC {problem}. Set api_url (or PULUMI_BACKEND_URL) to one like {API_URL}."
        )
    return re.sub(r"(/api/esc)?/*$", "", url.rstrip("/"))


def duration(text: str) -> str:
    """Return a Go duration as it is, such as 30m or 1h30m. Raises EscError."""
    if not DURATION.fullmatch(text):
        raise EscError(f"open_duration {text!r} is no duration; write it like 30m, 2h or 1h30m.")
    return text
