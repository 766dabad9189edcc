# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own: what a deployment serves, at /_deployments/<its host, an alias or a custom domain>/<path>."""

from __future__ import annotations

import json
import mimetypes
import posixpath

from lab.cloud.vercel import deployment_record, lookup, sources
from lab.cloud.vercel.state import State
from lab.cloud.wire import Request, Response

PREFIX = "/_deployments"
_PREBUILT_CONFIG, _PREBUILT_ROOT = ".vercel/output/config.json", ".vercel/output/static/"


def serve(state: State, now: float, request: Request) -> Response:
    """A file of a deployment. Needs no token; the protection of previews is not simulated."""
    host, _slash, path = request.path.removeprefix(f"{PREFIX}/").partition("/")
    domain = next((one for one in state.project_domains if one["name"] == host and one["redirect"]), None)
    if domain and host in state.aliases:
        return Response(
            domain["redirectStatusCode"] or 307, headers={"Location": f"{PREFIX}/{domain['redirect']}/{path}"}
        )
    one = lookup.deployment_at(state, host)
    if one is None or host == one["id"]:
        return _plain(404, "DEPLOYMENT_NOT_FOUND")
    if deployment_record.ready_state(one, now) != "READY":
        return _plain(404, "DEPLOYMENT_NOT_READY")
    if request.method != "GET":
        return _plain(405, "METHOD_NOT_ALLOWED")
    return _file(state, one, path)


def _file(state: State, one: dict, path: str) -> Response:
    root, overrides = _root(one), _overrides(state, one)
    path = posixpath.normpath(f"/{path}").strip("/")
    moved = {each["path"]: name for name, each in overrides.items() if each.get("path")}
    for name in (moved.get(path, ""), path, posixpath.join(path, "index.html")):
        if name and f"{root}{name}" in one["files"]:
            return _content(state, one, root, name, overrides, 200)
    if f"{root}404.html" in one["files"]:
        return _content(state, one, root, "404.html", overrides, 404)
    return _plain(404, "NOT_FOUND")


def _content(state: State, one: dict, root: str, name: str, overrides: dict, status: int) -> Response:
    told = overrides.get(name, {}).get("contentType")
    kind = told or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind.startswith("text/") and "charset" not in kind:
        kind += "; charset=utf-8"
    return Response(status, sources.content(state.files, one["files"][f"{root}{name}"]), kind)


def _root(one: dict) -> str:
    if one["prebuilt"]:
        return _PREBUILT_ROOT
    folder = f"{(one['output'] or 'public').strip('/')}/"
    return folder if any(path.startswith(folder) for path in one["files"]) else ""


def _overrides(state: State, one: dict) -> dict:
    """What a prebuilt output's configuration says of single files."""
    if not one["prebuilt"] or _PREBUILT_CONFIG not in one["files"]:
        return {}
    try:
        config = json.loads(sources.content(state.files, one["files"][_PREBUILT_CONFIG]))
    except ValueError:
        return {}
    found = config.get("overrides") if isinstance(config, dict) else None
    return found if isinstance(found, dict) and all(isinstance(each, dict) for each in found.values()) else {}


def _plain(status: int, code: str) -> Response:
    return Response(status, f"{code}\n".encode(), "text/plain; charset=utf-8", {"X-Vercel-Error": code})
