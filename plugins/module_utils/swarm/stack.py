# SPDX-License-Identifier: GPL-3.0-or-later
"""What is asked for a stack beside what the Swarm holds of it; three requests tell whether there is anything to do."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.sophia.platform.plugins.module_utils.swarm import compose as documents
from ansible_collections.sophia.platform.plugins.module_utils.swarm import plan, release
from ansible_collections.sophia.platform.plugins.module_utils.swarm import spec as specs
from ansible_collections.sophia.platform.plugins.module_utils.swarm.judge import converged
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import Swarm


@dataclass
class Request:
    """What the module was asked for; times in seconds."""

    stack: str
    compose: dict
    secrets: dict[str, str] = field(default_factory=dict)
    configs: dict[str, str] = field(default_factory=dict)
    scaled: dict[str, dict] = field(default_factory=dict)
    registry_auth: dict[str, dict] = field(default_factory=dict)
    sequential: list[str] = field(default_factory=list)
    timeout_seconds: int = 600
    pending_grace_seconds: int = 30
    keep_releases: int = 5
    lock_timeout_seconds: int = 30


@dataclass
class State:
    """What the Swarm holds: services by short name, release records oldest first."""

    live: dict[str, dict]
    records: list[dict]

    @property
    def latest(self) -> dict | None:
        return self.records[-1] if self.records else None

    @property
    def number(self) -> int:
        return self.latest["number"] if self.latest else 0


@dataclass
class Prepared:
    """A plan: {image: image with digest}, comparable views by service, and the steps."""

    pinned: dict[str, str]
    views: dict[str, dict]
    steps: list[plan.Step]

    @property
    def changes(self) -> bool:
        return any(step.action != plan.NONE for step in self.steps)

    @property
    def untouched(self) -> set[str]:
        return {step.service for step in self.steps if step.action == plan.NONE}


class Stack:
    """Reads one stack and compares it with a request; changes nothing."""

    def __init__(self, swarm: Swarm, request: Request) -> None:
        self.swarm = swarm
        self.request = request
        self._input = documents.input_digest(request.compose, request.stack, request.scaled)

    def at_rest(self) -> dict | None:
        """The module's result when nothing is to be done and everything runs, else None."""
        state = self.read()
        prepared = self.unchanged(state)
        return self.result(prepared, state, False) if prepared and not self.unsettled(state) else None

    def read(self) -> State:
        return State(self.services(), release.load(self.swarm, self.request.stack))

    def services(self) -> dict[str, dict]:
        stack = self.request.stack
        return {specs.short_name(service, stack): service for service in self.swarm.services(stack)}

    def new_input(self, state: State) -> bool:
        return state.latest is None or state.latest["input"] != self._input

    def unchanged(self, state: State) -> Prepared | None:
        """The plan when nothing is asked for but what the last release holds and what runs."""
        if self.new_input(state):
            return None
        prepared = self.planned(state, state.latest["pinned"])
        return None if prepared.changes else prepared

    def planned(self, state: State, pinned: dict[str, str]) -> Prepared:
        request = self.request
        views = documents.views(request.compose, request.stack, pinned, request.scaled)
        return Prepared(pinned, views, plan.steps(views, release.for_plan(state.latest), state.live, request.scaled))

    def unsettled(self, state: State) -> dict[str, str]:
        """Why services do not run as they should, by short name."""
        tasks = self.swarm.running_tasks(self.request.stack)
        reasons = {name: converged(service, tasks) for name, service in state.live.items()}
        return {name: reason for name, reason in reasons.items() if reason}

    def result(self, prepared: Prepared, state: State, changed: bool) -> dict:
        return {
            "changed": changed,
            "plan": [step.public() for step in prepared.steps],
            "release": state.number,
            "images": prepared.pinned,
            "drift": plan.drift(release.for_plan(state.latest), state.live, self.request.scaled),
            "notes": [],
        }
