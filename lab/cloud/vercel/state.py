# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the simulated Vercel holds. All of it is JSON; tokens are kept as hashes only."""

from __future__ import annotations

import copy
import secrets
from dataclasses import asdict, dataclass, field, fields

from lab.cloud.wire import Clock

_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


@dataclass
class Knobs:
    """Where the sources differ or say nothing, either reading can be had."""

    env_list_bare: bool = False  # the list of environment variables is a bare array
    env_target_as_string: bool = False  # a single target is listed as a string
    env_plain_readable: bool = True  # lists show the value of type plain
    env_sensitive_required: bool = False  # the team's policy for production and preview
    env_failing_keys: list = field(default_factory=list)  # these keys fail within a 201
    domain_conflict_status: int = 409  # or 400
    verify_code: str = "missing_txt_record"  # or existing_project_domain
    scope_status: int = 403  # of a team that is not the token's; or 404
    git_app_installed: bool = True
    queued_seconds: float = 0.2
    alias_seconds: float = 0.0  # from READY to aliasAssigned
    alias_error: dict | None = None  # {code, message}: the aliases of later production builds cannot be assigned
    promote_seconds: float = 1.0
    promote_status: int = 201  # or 202
    promote_outcome: str = "succeeded"  # or failed, skipped
    promote_recorded: bool = True  # false: lastAliasRequest stays absent
    rollback_stops_assignment: bool = True


@dataclass
class Build:
    """How later deployments are built."""

    seconds: float = 1.0
    outcome: str = "ready"  # or error
    error: dict = field(default_factory=dict)  # {code, message}


@dataclass
class RateLimit:
    """The next `count` requests are answered 429 (-1: until that is taken back)."""

    count: int = 0
    code: str = "rate_limited"
    limit: dict = field(default_factory=dict)  # over what the answer's `limit` has
    retry_after_seconds: int | None = None
    path: str = ""  # a regular expression, searched in the method and path


@dataclass
class State:
    """All accounts. Names of fields within the records are the API's; those in snake_case are the simulator's own."""

    tokens: dict[str, dict] = field(default_factory=dict)
    users: dict[str, dict] = field(default_factory=dict)
    teams: dict[str, dict] = field(default_factory=dict)
    projects: dict[str, dict] = field(default_factory=dict)
    environment: dict[str, list[dict]] = field(default_factory=dict)
    project_domains: list[dict] = field(default_factory=list)
    domains: dict[str, dict] = field(default_factory=dict)
    dns: dict[str, str | None] = field(default_factory=dict)
    published_txt: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)
    deployments: dict[str, dict] = field(default_factory=dict)
    aliases: dict[str, dict] = field(default_factory=dict)
    stamp: int = 0
    knobs: Knobs = field(default_factory=Knobs)
    build: Build = field(default_factory=Build)
    rate_limit: RateLimit = field(default_factory=RateLimit)

    def dump(self) -> dict:
        return asdict(self)

    def now_ms(self, clock: Clock) -> int:
        """Milliseconds since the epoch, never twice the same: pages are told apart by them."""
        self.stamp = max(int(clock.now() * 1000), self.stamp + 1)
        return self.stamp


def load(dumped: dict) -> State:
    """A dumped state; what another version of the simulator had besides is left out."""
    given = _known(State, dumped)
    for name, kind in (("knobs", Knobs), ("build", Build), ("rate_limit", RateLimit)):
        given[name] = kind(**_known(kind, given.get(name, {})))
    return State(**given)


def identifier(prefix: str, length: int = 24) -> str:
    """A new id."""
    return prefix + "".join(secrets.choice(_LETTERS) for _number in range(length))


def _known(kind: type, values: dict) -> dict:
    names = {each.name for each in fields(kind)}
    return {name: value for name, value in copy.deepcopy(values).items() if name in names}
