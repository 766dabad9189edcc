# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's identity provider, a container that people log in at. Sessions and keys live in its memory."""

from __future__ import annotations

import hashlib
import http.client
import json
from urllib.parse import urlsplit

from ansible_collections.sophia.platform.plugins.module_utils.catalog import login, model

from lab import containers, docker
from lab.progress import step
from lab.settings import Settings
from lab.state import IDENTITY_PASSWORD, write_private

# Everybody has the same password, the secret of that name.
PEOPLE = {"olivia": ["sophia-operators"], "victor": ["sophia-viewers"], "nora": []}
_START_SECONDS, _ASK_SECONDS = 30, 5
_CLIENT_SECRET, _USERS = "client_secret", "users.json"


def ensure(settings: Settings, image: str, secrets: dict[str, str]) -> None:
    """Have the provider run with this image, and answer. Without `platform_operators_oidc` there is none."""
    catalog = model.load(settings.variables["platform"])[0]
    if not catalog.oidc:
        return forget(settings)
    path = settings.state_path / "identity"
    path.mkdir(mode=0o700, exist_ok=True)
    write_private(path / _CLIENT_SECRET, secrets[login.CLIENT_SECRET])
    people = {
        name: {"password": secrets[IDENTITY_PASSWORD], "email": f"{name}@{catalog.domain}", "groups": groups}
        for name, groups in PEOPLE.items()
    }
    write_private(path / _USERS, json.dumps(people))
    name, wanted = settings.identity_container, arguments(settings, image, catalog)
    if not containers.runs(name, wanted) or problem(settings):
        with step("identity provider"):
            containers.start(name, wanted)
            containers.wait(name, "The identity provider", lambda: problem(settings), _START_SECONDS)
    return None


def forget(settings: Settings) -> None:
    """Remove the provider."""
    containers.remove(settings.identity_container)


def arguments(settings: Settings, image: str, catalog: model.Catalog) -> list[str]:
    """What `docker run` is told about the provider."""
    path = settings.state_path / "identity"
    digest = hashlib.sha256(b"".join((path / name).read_bytes() for name in (_CLIENT_SECRET, _USERS))).hexdigest()
    variables = {
        "ISSUER": settings.identity_url,
        "CLIENT_ID": catalog.oidc["client_id"],
        "CLIENT_SECRET_FILE": f"/identity/{_CLIENT_SECRET}",
        "USERS_FILE": f"/identity/{_USERS}",
        "REDIRECT_URIS": login.login_url(catalog.login, login.CALLBACK_PATH),
    }
    return [
        *["--label", f"{docker.LABEL}={settings.prefix}", "--label", f"{docker.LABEL}.files={digest[:16]}"],
        *["--network", settings.network, "--ip", urlsplit(settings.identity_url).hostname],
        *["--user", "0", "--volume", f"{path}:/identity:ro"],  # only root can read the files
        *(part for name, value in variables.items() for part in ("--env", f"IDENTITY_{name}={value}")),
        image,
    ]


def problem(settings: Settings) -> str:
    """Why the provider does not answer; nothing when it does."""
    place = urlsplit(settings.identity_url)
    connection = http.client.HTTPConnection(place.hostname, place.port, timeout=_ASK_SECONDS)
    try:
        connection.request("GET", "/.well-known/openid-configuration")
        answer = connection.getresponse()
        return "" if answer.status == 200 else f"HTTP {answer.status}"
    except (OSError, http.client.HTTPException) as error:
        return f"{settings.identity_url}: {error!r}"
    finally:
        connection.close()
