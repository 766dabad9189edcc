# SPDX-License-Identifier: GPL-3.0-or-later
"""What ESC keeps: environments with their revisions and tags, and open sessions."""

from __future__ import annotations

import re
import secrets
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timezone

from lab.cloud.esc.problems import Refused
from lab.cloud.wire import Clock

NAME = re.compile(r"[A-Za-z0-9_.-]{1,100}")
RESERVED = ("open", "yaml", ".", "..")
LATEST = "latest"
Key = tuple[str, str, str]  # organization, project, name


@dataclass(frozen=True)
class Revision:
    """`text` has its secrets sealed."""

    number: int
    text: str
    created: str
    login: str
    etag: str


@dataclass
class Tag:
    """A tag of an environment (`value`) or of its revisions (`revision`)."""

    name: str
    created: str
    modified: str
    login: str
    id: str = ""
    value: str = ""
    revision: int = 0


@dataclass
class Environment:
    id: str
    organization: str
    project: str
    name: str
    owner: str
    revisions: list[Revision] = field(default_factory=list)
    revision_tags: dict[str, Tag] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    protected: bool = False

    @property
    def latest(self) -> Revision:
        return self.revisions[-1]

    @property
    def title(self) -> str:
        return f"{self.project}/{self.name}"

    def at(self, version: str) -> Revision:
        """By number, by tag, or the latest. Raises Refused."""
        if version in ("", LATEST):
            return self.latest
        tag = self.revision_tags.get(version)
        number = int(version) if re.fullmatch("[0-9]{1,9}", version) else tag.revision if tag else 0
        for revision in self.revisions:
            if revision.number == number:
                return revision
        raise Refused(404, f"environment {self.title} has no version {version}")

    def tags_of(self, revision: Revision) -> list[str]:
        named = [tag.name for tag in self.revision_tags.values() if tag.revision == revision.number]
        return sorted([*named, *([LATEST] if revision is self.latest else [])])


@dataclass
class Session:
    """An opened environment. `of` is its organization, project and name; anonymous ones have only the first."""

    id: str
    of: list[str]
    document: dict
    expires_at: float


class Store:
    """All environments and sessions."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.environments: dict[Key, Environment] = {}
        self.sessions: dict[str, Session] = {}

    def find(self, key: Key) -> Environment:
        """Raises Refused."""
        if key not in self.environments:
            raise Refused(404, f"environment {'/'.join(key)} not found")
        return self.environments[key]

    def create(self, key: Key, login: str) -> Environment:
        """A new environment has one empty revision. Raises Refused."""
        for what, text in (("project", key[1]), ("environment", key[2])):
            if not NAME.fullmatch(text) or (what == "environment" and text in RESERVED):
                raise Refused(400, f"invalid {what} name {text!r}")
        if key in self.environments:
            raise Refused(409, f"environment {'/'.join(key)} already exists")
        environment = Environment(secrets.token_hex(8), *key, login)
        self.environments[key] = environment
        self.save(environment, "", login)
        return environment

    def save(self, environment: Environment, text: str, login: str) -> Revision:
        """One more revision; `latest` moves to it."""
        number = environment.latest.number + 1 if environment.revisions else 1
        revision = Revision(number, text, self.now(), login, f'"{secrets.token_hex(16)}"')
        environment.revisions.append(revision)
        return revision

    def clone(self, source: Environment, key: Key, login: str, version: str, keep: set[str]) -> Environment:
        """A copy under another name. `keep`: preserveHistory, preserveEnvironmentTags, preserveRevisionTags."""
        text = source.at(version).text
        copy = self.create(key, login)
        if "preserveHistory" in keep:
            copy.revisions = [replace(each, etag=f'"{secrets.token_hex(16)}"') for each in source.revisions]
            if "preserveRevisionTags" in keep:
                copy.revision_tags = {name: replace(tag) for name, tag in source.revision_tags.items()}
        if copy.latest.text != text:
            self.save(copy, text, login)
        if "preserveEnvironmentTags" in keep:
            copy.tags = {name: replace(tag) for name, tag in source.tags.items()}
        return copy

    def open(self, of: list[str], document: dict, seconds: float, numeric: bool) -> Session:
        number = str(secrets.randbelow(10**12)) if numeric else secrets.token_hex(8)
        session = Session(number, of, document, self.clock.now() + seconds)
        self.sessions[session.id] = session
        return session

    def session(self, of: list[str], number: str) -> Session:
        """An open one. Raises Refused, for an expired one too."""
        session = self.sessions.get(number)
        if session is None or session.of != of or session.expires_at <= self.clock.now():
            raise Refused(404, "session not found")
        return session

    def now(self) -> str:
        return datetime.fromtimestamp(self.clock.now(), timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")

    def dump(self) -> dict:
        return {
            "environments": [asdict(each) for each in self.environments.values()],
            "sessions": [asdict(each) for each in self.sessions.values() if each.expires_at > self.clock.now()],
        }

    def load(self, state: dict) -> None:
        environments = [_environment(each) for each in state["environments"]]
        self.environments = {(each.organization, each.project, each.name): each for each in environments}
        self.sessions = {each["id"]: Session(**each) for each in state["sessions"]}


def _environment(state: dict) -> Environment:
    tags = {kind: {name: Tag(**tag) for name, tag in state[kind].items()} for kind in ("tags", "revision_tags")}
    return Environment(**{**state, **tags, "revisions": [Revision(**each) for each in state["revisions"]]})
