# SPDX-License-Identifier: GPL-3.0-or-later
"""The service: /apis/<service>/… and the keys of each."""

from __future__ import annotations

from lab.cloud.apis import code, models, vectors, work
from lab.cloud.apis.ask import STATES, VALID, Ask, digest
from lab.cloud.wire import Clock, Request, Response, document

PREFIX = "/apis"
_SERVICES = {
    "anthropic": models.anthropic,
    "openai": models.openai,
    "slack": work.slack,
    "gong": work.gong,
    "linear": work.linear,
    "hubspot": work.hubspot,
    "asana": work.asana,
    "github": code.github,
    "codacy": code.codacy,
    "pinecone": vectors.pinecone,
    "weaviate": vectors.weaviate,
}
# What the real base URLs end in. The simulated base works with it and without it.
_BASE_PATHS = {"slack": "/api", "asana": "/api/1.0", "codacy": "/api/v3"}


class Apis:
    """The eleven APIs."""

    name = "apis"
    actions = {
        "key": f"service (one of {', '.join(_SERVICES)}), key (for gong access_key:secret), state: {', '.join(STATES)} "
        "(valid unless given), or null: not known any more",
        "anonymous": "of weaviate: enabled: anonymous access; api_key_auth: whether the server knows API keys at all",
    }

    def __init__(self, _clock: Clock) -> None:
        self.keys: dict[str, dict[str, str]] = {name: {} for name in _SERVICES}
        self.weaviate = {"anonymous": False, "api_key_auth": True}

    def handles(self, request: Request) -> bool:
        return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")

    def handle(self, request: Request) -> Response:
        name, _slash, rest = request.path.removeprefix(f"{PREFIX}/").partition("/")
        if name not in _SERVICES:
            return document({"message": f"The lab has no API named {name}."}, 404)
        path = f"/{rest}".removeprefix(_BASE_PATHS.get(name, ""))
        return _SERVICES[name](Ask(request, path, self.keys[name], self.weaviate))

    def control(self, action: str, given: dict) -> object:
        if action == "key":
            return self._key(given)
        if action == "anonymous":
            return self._anonymous(given)
        raise ValueError(f"The simulated APIs have no action {action!r}; they have {', '.join(self.actions)}.")

    def dump(self) -> dict:
        return {"keys": self.keys, "weaviate": self.weaviate}

    def load(self, state: dict) -> None:
        self.keys = {name: dict(state["keys"].get(name, {})) for name in _SERVICES}
        self.weaviate = {name: bool(state["weaviate"].get(name, now)) for name, now in self.weaviate.items()}

    def _key(self, given: dict) -> dict:
        service, key, state = given.get("service"), given.get("key"), given.get("state", VALID)
        if service not in _SERVICES:
            raise ValueError(f"service is {service!r}; it is one of {', '.join(_SERVICES)}.")
        if not isinstance(key, str) or not key or key != key.strip():
            raise ValueError("key is a text without spaces around it.")
        if state not in (*STATES, None):
            raise ValueError(f"state is {state!r}; it is one of {', '.join(STATES)}, or null.")
        if service == "gong" and ":" not in key:
            raise ValueError("A key of gong is access_key:secret.")
        if service == "slack" and state == "restricted":
            raise ValueError("Slack has no restricted tokens: auth.test needs no scope.")
        if state is None:
            self.keys[service].pop(digest(key), None)
        else:
            self.keys[service][digest(key)] = state
        return {"service": service, "state": state, "keys": len(self.keys[service])}

    def _anonymous(self, given: dict) -> dict:
        names = {"enabled": "anonymous", "api_key_auth": "api_key_auth"}
        if not given or not set(given) <= set(names) or not all(isinstance(value, bool) for value in given.values()):
            raise ValueError("anonymous needs enabled or api_key_auth, true or false.")
        self.weaviate.update({names[name]: value for name, value in given.items()})
        return self.weaviate
