# SPDX-License-Identifier: GPL-3.0-or-later
"""One request that is being answered, and what its routes may use."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lab.cloud.esc.accounts import Token
from lab.cloud.esc.definition import Parser
from lab.cloud.esc.evaluate import Context, Evaluation, Unavailable
from lab.cloud.esc.knobs import Knobs
from lab.cloud.esc.problems import Refused
from lab.cloud.esc.secrets import Sealer, sealed_text
from lab.cloud.esc.store import Environment, Revision, Store
from lab.cloud.esc.values import Value
from lab.cloud.wire import Request, Response

YAML_TYPE = "application/x-yaml"
REFERENCE = re.compile(r"(?:([^/@:]+)/)?([^/@:]+)(?:[@:](.+))?")


@dataclass(frozen=True)
class Call:
    """`captured` is what stands for the stars of a route's pattern, after organization, project and environment."""

    request: Request
    token: Token
    store: Store
    sealer: Sealer
    knobs: Knobs
    organization: str = ""
    environment: Environment | None = None
    captured: tuple[str, ...] = ()

    @property
    def env(self) -> Environment:
        """The environment of a route that has one."""
        assert self.environment is not None
        return self.environment

    def text(self) -> str:
        """The body as a definition, whatever its content type says. Raises Refused."""
        try:
            return self.request.body.decode()
        except UnicodeDecodeError:
            raise Refused(400, "the body is no UTF-8 text") from None

    def headers(self, revision: Revision) -> dict[str, str]:
        shown = {} if self.knobs.hide_revision else {"Pulumi-ESC-Revision": str(revision.number)}
        return {"ETag": revision.etag, **shown}

    def definition(self, text: str, revision: Revision) -> Response:
        return Response(200, text.encode(), YAML_TYPE, self.headers(revision))

    def evaluation(self, text: str, name: str, opening: bool) -> tuple[Evaluation, Value]:
        """Evaluate a definition as this caller. Raises Invalid."""
        context = context_of(self.store, self.sealer, self.organization, self.token, name, opening)
        evaluation = Evaluation(text, name, context)
        return evaluation, evaluation.run()

    def checked_and_sealed(self, text: str, name: str) -> str:
        """A definition as it will be stored. Raises Invalid."""
        Parser(text, name, self.knobs.secrets_are_expressions).parse()
        self.evaluation(text, name, opening=False)
        return sealed_text(text, self.sealer)

    def whole_number(self, name: str, default: int) -> int:
        """A number from the query. Raises Refused."""
        text = self.request.query.get(name) or str(default)
        if not re.fullmatch("[0-9]{1,9}", text):
            raise Refused(400, f"invalid {name} {text!r}")
        return int(text)


def context_of(store: Store, sealer: Sealer, organization: str, token: Token, root: str, opening: bool) -> Context:
    """What an evaluation needs: imports are loaded from the same organization, as the caller may see them."""

    def load(reference: str) -> tuple[str, str]:
        found = REFERENCE.fullmatch(reference)
        if not found:
            raise Unavailable(f'invalid environment name "{reference}"')
        project, name, version = found[1] or "default", found[2], found[3] or ""
        if not token.may_open or not token.may_read:
            raise Unavailable("You do not have permission to perform this operation.")
        environment = store.environments.get((organization, project, name))
        if environment is None or not token.sees(organization, project, name):
            raise Unavailable(f'unknown environment "{reference}"')
        try:
            return environment.title, environment.at(version).text
        except Refused:
            raise Unavailable(f'unknown environment "{reference}"') from None

    return Context(organization, token.login, root, sealer, load, opening)
