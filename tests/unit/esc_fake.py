"""A small Pulumi ESC behind fake_web: one organization, environments with revisions, sessions, and faults to order."""

from __future__ import annotations

import base64
import io
import json
from contextlib import contextmanager
from functools import lru_cache
from urllib.parse import parse_qs, urlsplit

import pytest
from ansible.module_utils import urls
from fake_web import Answer, document, served
from ruamel.yaml import YAML

TOKEN = "pul-0123456789abcdef"
BASE = "/api/esc/environments"
CUT = Answer(raw=b"")
ONE_CONTEXT = lru_cache(urls.make_context)


def typed(value, secret=False):
    """Plain data as Values; {"fn::secret": text} becomes a secret."""
    if isinstance(value, dict) and set(value) == {"fn::secret"}:
        return {"value": value["fn::secret"], "secret": True, "trace": {"def": {}}}
    if isinstance(value, dict):
        value = {key: typed(child) for key, child in value.items()}
    elif isinstance(value, list):
        value = [typed(child) for child in value]
    shown = {} if value is None else {"value": value}
    return {**shown, **({"secret": True} if secret else {}), "trace": {"def": {}}}


class Esc:
    """The state, and what a test may change: `faults` {(method, end of the path): [answers]}, used up one by one.

    A fault is an answer; a function of the request is called; `after=True` in `fault` carries the request out first.
    """

    def __init__(self):
        self.environments, self.calls, self.faults, self.opened = {}, [], {}, 0
        self.tags, self.revision_tags, self.protected = {}, {}, False
        self.properties = None
        self.exchanges = []

    def store(self, text, name="acme/prod/app"):
        """Put a definition, as if somebody had saved it."""
        revision = self.environments.get(name, (None, 0))[1] + 1
        self.environments[name] = (self._rewritten(text, self._encrypted), revision)

    def text(self, name="acme/prod/app"):
        """The stored definition."""
        return self.environments[name][0]

    def clear(self, name="acme/prod/app"):
        """The decrypted definition as data."""
        return YAML(typ="safe").load(self._rewritten(self.text(name), self._decrypted))

    def fault(self, method, end, *answers, after=False):
        """Order answers for the next requests of this kind."""
        self.faults.setdefault((method, end), []).extend((answer, after) for answer in answers)

    def methods(self, *kinds):
        """The calls made, as `METHOD end`."""
        return [f"{method} {path}" for method, path in self.calls if not kinds or method in kinds]

    def get(self, key, _default=None):
        """Be the table of answers that fake_web asks."""
        return self.answer

    def answer(self, request):
        method, place = request["method"], urlsplit(request["path"])
        self.calls.append((method, request["path"]))
        for (kind, end), waiting in self.faults.items():
            if kind == method and place.path.endswith(end) and waiting:
                fault, after = waiting.pop(0)
                if after:
                    self._carried_out(request, method, place)
                return fault(request) if callable(fault) else fault
        return self._carried_out(request, method, place)

    def _carried_out(self, request, method, place):
        if place.path == "/api/oauth/token":
            self.exchanges.append((dict(request["headers"]), json.loads(request["body"])))
            return document({"access_token": TOKEN, "token_type": "token"})
        if place.path == "/identity":
            self.exchanges.append((dict(request["headers"]), parse_qs(place.query)))
            return document({"value": "header.identity-of-the-job.signature"})
        if request["headers"].get("Authorization") != f"token {TOKEN}":
            return error(401, "Unauthorized: No credentials provided or are invalid.")
        parts = place.path.removeprefix(BASE).strip("/").split("/")
        if method == "POST" and len(parts) == 1:
            return self._create(parts[0], json.loads(request["body"]))
        if parts[1:] == ["yaml", "check"]:
            return document({"properties": {}})
        name, rest = "/".join(parts[:3]), parts[3:]
        if name not in self.environments:
            return error(404, "Not Found: environment not found")
        if rest[:1] == ["versions"] and rest[1:2] != ["tags"] and len(rest) > 1:
            rest = rest[2:]
        return self._of_environment(request, method, name, rest)

    def _create(self, organization, body):
        name = f"{organization}/{body['project']}/{body['name']}"
        if name in self.environments:
            return error(409, "Conflict: it exists")
        self.environments[name] = ("", 1)
        return Answer(204)

    def _of_environment(self, request, method, name, rest):
        text, revision = self.environments[name]
        headers = {"ETag": f'"r{revision}"', "Pulumi-ESC-Revision": str(revision)}
        if rest == ["open"]:
            self.opened += 1
            return document({"id": "s1"})
        if rest == ["open", "s1"]:
            values = self.properties if self.properties is not None else typed(self.clear(name).get("values"))["value"]
            return document({"exprs": {"any": {"accessors": [{"index": 0}]}}, "properties": values, "schema": {}})
        if rest in ([], ["decrypt"]) and method == "GET":
            shown = self._rewritten(text, self._decrypted) if rest else text
            return Answer(200, shown.encode(), "application/x-yaml", headers)
        if not rest and method == "DELETE":
            if self.protected:
                return error(409, "Conflict: the environment is protected")
            del self.environments[name]
            return Answer(204)
        if not rest and method == "PATCH":
            given = {request["headers"].get("ETag"), request["headers"].get("If-Match")}
            assert given == {next(iter(given))}, "both headers go along"
            if given != {f'"r{revision}"'}:
                return error(409, "Conflict: the environment was changed")
            self.store(request["body"].decode(), name)
            return document({}, **{"Pulumi-ESC-Revision": str(revision + 1), "ETag": f'"r{revision + 1}"'})
        return self._beside(method, rest, json.loads(request["body"] or b"null"), revision)

    def _beside(self, method, rest, body, revision):
        if rest == ["settings"]:
            self.protected = body["deletionProtected"] if method == "PATCH" else self.protected
            return document({"deletionProtected": self.protected})
        if rest == ["versions"]:
            return document(
                [{"number": revision, "created": "2026-01-02", "creatorLogin": "alice", "tags": ["latest"]}]
            )
        tags = self.revision_tags if rest[0] == "versions" else self.tags
        rest, key = (rest[1:], "revision") if rest[0] == "versions" else (rest, "value")
        if rest == ["tags"] and method == "GET":
            shown = {tag: {"name": tag, "value": value} for tag, value in tags.items()}
            return document({"tags": shown, "nextToken": "0"})
        if method == "POST":
            tags[body["name"]] = body[key]
            return Answer(204)
        if rest[1] not in tags:
            return error(404, "Not Found: no such tag")
        if method == "PATCH":
            tags[rest[1]] = body["newTag"]["value"] if key == "value" else body[key]
        return document({"name": rest[1], key: tags[rest[1]]})

    @staticmethod
    def _rewritten(text, change):
        yaml = YAML()
        yaml.preserve_quotes, yaml.width = True, 100000
        root = yaml.load(text)
        if root is None or not _walk(root, change):
            return text
        out = io.StringIO()
        yaml.dump(root, out)
        return out.getvalue()

    @staticmethod
    def _encrypted(value):
        return {"ciphertext": base64.b64encode(f"escx:{value}".encode()).decode()} if isinstance(value, str) else value

    @staticmethod
    def _decrypted(value):
        return value if isinstance(value, str) else base64.b64decode(value["ciphertext"]).decode().removeprefix("escx:")


def _walk(node, change):
    """Change every secret; returns whether one was."""
    changed = False
    for key, child in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        if key == "fn::secret":
            new = change(child)
            changed, node[key] = changed or new is not child, new
        else:
            changed = _walk(child, change) or changed
    return changed


def error(status, message):
    """An error as Pulumi gives it."""
    return document({"code": status, "message": message}, status)


@contextmanager
def esc_served(text=None):
    """Serve one; yields (Esc, address). Ansible makes a TLS context for each request, which takes most of the time."""
    esc = Esc()
    if text is not None:
        esc.store(text)
    with pytest.MonkeyPatch.context() as patched, served(esc) as (port, _seen):
        patched.setattr(urls, "make_context", ONE_CONTEXT)
        yield esc, f"http://127.0.0.1:{port}"
