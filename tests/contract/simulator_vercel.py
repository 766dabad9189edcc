"""An account at the simulated Vercel, as its tests use it."""

from __future__ import annotations

import hashlib
import json

from lab.cloud.vercel import Vercel
from lab.cloud.wire import Clock, Request

TOKEN = "tokenOfTheLab1234567890"
TEAM, SECOND = {"id": "team_lab", "slug": "acme", "name": "Acme"}, {"id": "team_b", "slug": "bee", "name": "Bee"}
BUILD_SECONDS, QUEUED_SECONDS, PROMOTE_SECONDS = 60, 10, 20
PREBUILT = {".vercel/output/config.json": b'{"version": 3}', ".vercel/output/static/index.html": b"<p>one</p>"}


class Account:
    """The user ci of two teams; asks in the scope of the first. Time stands still but for `pass_seconds`."""

    def __init__(self):
        self.clock = StillClock()
        self.vercel = Vercel(self.clock)
        self.vercel.control("token", {"token": TOKEN, "user": "ci", "teams": [TEAM, SECOND]})
        self.vercel.control("build", {"seconds": BUILD_SECONDS})
        self.vercel.control("knobs", {"queued_seconds": QUEUED_SECONDS, "promote_seconds": PROMOTE_SECONDS})

    def raw(self, method, path, given=None, *, token=TOKEN, scope="teamId=team_lab", body=None, headers=None):
        path, _mark, query = path.partition("?")
        told = {"authorization": f"Bearer {token}"} if token else {}
        content = body if body is not None else b"" if given is None else json.dumps(given).encode()
        values = dict(part.partition("=")[::2] for part in f"{query}&{scope}".split("&") if part)
        return self.vercel.handle(Request(method, path, values, {**told, **(headers or {})}, content))

    def ask(self, method, path, given=None, **more):
        """(status, JSON or None)."""
        answer = self.raw(method, path, given, **more)
        return answer.status, json.loads(answer.body) if answer.body else None

    def got(self, method, path, given=None, **more):
        status, value = self.ask(method, path, given, **more)
        assert status < 300, value
        return value

    def refused(self, method, path, given=None, **more):
        """(status, code)."""
        status, value = self.ask(method, path, given, **more)
        assert status >= 400 and value["error"]["message"], value
        return status, value["error"]["code"]

    def pass_seconds(self, seconds):
        self.clock.advance(seconds)

    def project(self, name="web", **more):
        return self.got("POST", "/v11/projects", {"name": name, **more})

    def upload(self, content):
        sha = hashlib.sha1(content).hexdigest()
        headers = {"x-now-digest": sha, "x-now-size": str(len(content))}
        assert self.got("POST", "/v2/files", body=content, headers=headers) == {"urls": []}
        return sha

    def deploy(self, files=None, target="production", query="prebuilt=1", **more):
        listed = [
            {"file": path, "sha": self.upload(data), "size": len(data)} for path, data in (files or PREBUILT).items()
        ]
        given = {"name": "web", "project": "web", "files": listed, "target": target, **more}
        return self.got("POST", f"/v13/deployments?{query}", given)

    def deployed(self, **more):
        """A deployment whose build has ended."""
        made = self.deploy(**more)
        self.pass_seconds(QUEUED_SECONDS + BUILD_SECONDS)
        return self.got("GET", f"/v13/deployments/{made['id']}")

    def served(self, host, path=""):
        return self.vercel.handle(Request("GET", f"/_deployments/{host}/{path}"))

    def requested(self, kind, deployment):
        """Promote or roll back, to the end."""
        path = f"/{'v10' if kind == 'promote' else 'v1'}/projects/web/{kind}/{deployment['id']}"
        assert self.ask("POST", path, {}) == (201, None)
        self.pass_seconds(PROMOTE_SECONDS)
        return self.got("GET", "/v9/projects/web?rollbackInfo=true")["lastAliasRequest"]


class StillClock(Clock):
    """A clock that only the test moves."""

    def now(self):
        return 1_800_000_000 + self.ahead_seconds
