# SPDX-License-Identifier: GPL-3.0-or-later
"""The control actions of the simulated ESC: what no client of the real one can do."""

from __future__ import annotations

from dataclasses import asdict

from lab.cloud.esc.accounts import Accounts, Token
from lab.cloud.esc.call import Call, context_of
from lab.cloud.esc.editing import with_missing_secrets
from lab.cloud.esc.evaluate import Evaluation
from lab.cloud.esc.knobs import Knobs
from lab.cloud.esc.paths import parsed_path
from lab.cloud.esc.problems import Invalid, Refused
from lab.cloud.esc.secrets import Sealer
from lab.cloud.esc.store import Environment, Key, Store
from lab.cloud.esc.values import plain
from lab.cloud.wire import Request

LOGIN = "lab"
PLACE = ("organization", "project", "name")


class Controls:
    """Its own writes are those of an administrator, called `lab`."""

    def __init__(self, accounts: Accounts, store: Store, knobs: Knobs) -> None:
        self.accounts = accounts
        self.store = store
        self.knobs = knobs
        self.sealer = Sealer()
        self.second_writers: list[dict] = []

    def carry_out(self, action: str, given: dict, sealer: Sealer) -> object:
        """Raises ValueError, in a sentence."""
        self.sealer = sealer
        actions = {
            "token": lambda described: {"login": self.accounts.add(described).login},
            "oidc": self.accounts.trust,
            "environment": self._environment,
            "environments": lambda _: ["/".join(key) for key in sorted(self.store.environments)],
            "merge_secrets": self._merge_secrets,
            "values": self._values,
            "second_writer": self._second_writer,
            "knobs": self._knobs,
        }
        if action not in actions:
            raise ValueError(f"no control action of ESC is {action!r}; there are: {', '.join(actions)}")
        try:
            return actions[action](given)
        except Refused as refused:
            raise ValueError(refused.message) from None
        except Invalid as invalid:
            raise ValueError(f"the definition is not right: {invalid}") from None

    def _environment(self, given: dict) -> dict:
        """{organization, project, name, yaml}: create it, or give it one more revision. Secrets are in clear."""
        key, text = _place(given, "yaml"), given["yaml"]
        return self._write(key, text)

    def _write(self, key: Key, text: str) -> dict:
        sealed = self._administrator(key[0]).checked_and_sealed(text, f"{key[1]}/{key[2]}")
        environment = self.store.environments.get(key) or self.store.create(key, LOGIN)
        return {"revision": self.store.save(environment, sealed, LOGIN).number}

    def _administrator(self, organization: str) -> Call:
        token = Token("", LOGIN, [organization])
        return Call(Request("PATCH", ""), token, self.store, self.sealer, self.knobs, organization)

    def _merge_secrets(self, given: dict) -> dict:
        """{organization, project, name, property, values}: what is there is kept; answers the names that were added."""
        key = _place(given, "property", "values")
        secrets = given["values"]
        if not isinstance(secrets, dict) or any(not isinstance(text, str) for text in secrets.values()):
            raise ValueError("values of merge_secrets are texts by name")
        path = parsed_path(given["property"]) if given["property"] else ()
        environment = self.store.environments.get(key)
        before = environment.latest.text if environment else ""
        text = with_missing_secrets(before, path, secrets)
        if environment is None or text != before:
            return self._write(key, text)
        return {"revision": environment.latest.number}

    def _values(self, given: dict) -> object:
        """{organization, project, name}: the latest revision's values, without traces, secrets in clear."""
        environment = self.store.find(_place(given))
        token = Token("", LOGIN, [environment.organization])
        context = context_of(self.store, self.sealer, environment.organization, token, environment.title, True)
        return plain(Evaluation(environment.latest.text, environment.title, context).run())

    def _second_writer(self, given: dict) -> dict:
        """{organization, project, name, yaml}: written right before the next PATCH of that environment is judged."""
        key, text = _place(given, "yaml"), given["yaml"]
        sealed = self._administrator(key[0]).checked_and_sealed(text, f"{key[1]}/{key[2]}")
        self.second_writers.append({"key": list(key), "text": sealed})
        return {"waiting": len(self.second_writers)}

    def write_second(self, environment: Environment) -> None:
        """Let the one that waits for this environment write."""
        key = [environment.organization, environment.project, environment.name]
        due = next((each for each in self.second_writers if each["key"] == key), None)
        if due:
            self.second_writers.remove(due)
            self.store.save(environment, due["text"], LOGIN)

    def _knobs(self, given: dict) -> dict:
        """Set some switches; answers all of them."""
        self.knobs.set(given)
        return asdict(self.knobs)


def _place(given: dict, *more: str) -> Key:
    """Which environment; and that the other members are there. Raises ValueError."""
    if set(given) != {*PLACE, *more}:
        raise ValueError(f"needed are {', '.join((*PLACE, *more))}, and nothing else")
    return given["organization"], given["project"], given["name"]
