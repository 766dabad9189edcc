# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys one stack: lock, lint, pin, plan, roll, judge, record, prune; and puts the last release back when that fails."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from ansible_collections.sophia.platform.plugins.module_utils.swarm import compose as documents
from ansible_collections.sophia.platform.plugins.module_utils.swarm import (
    diffs,
    images,
    lint,
    lock,
    objects,
    plan,
    release,
)
from ansible_collections.sophia.platform.plugins.module_utils.swarm import spec as specs
from ansible_collections.sophia.platform.plugins.module_utils.swarm.cli import Cli
from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import EngineError, SwarmError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.judge import converged
from ansible_collections.sophia.platform.plugins.module_utils.swarm.mask import Masker
from ansible_collections.sophia.platform.plugins.module_utils.swarm.roll import Roller
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import Swarm

NO_SWARM_YET = (0, 503)


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
    """What the Swarm holds of the stack."""

    live: dict[str, dict]  # services by short name
    records: list[dict]

    @property
    def latest(self) -> dict | None:
        return self.records[-1] if self.records else None


@dataclass
class Prepared:
    """A plan that passed every check; nothing has been changed for it."""

    pinned: dict[str, str]
    views: dict[str, dict]
    steps: list[plan.Step]

    @property
    def changes(self) -> bool:
        return any(step.action != plan.NONE for step in self.steps)


class Deployment:
    """One run of the module for one stack. `warnings` collects what people should know besides."""

    def __init__(self, swarm: Swarm, program: str, request: Request) -> None:
        self.warnings: list[str] = []
        self._swarm = swarm
        self._request = request
        self._masker = Masker(
            [*request.secrets.values(), *(login["password"] for login in request.registry_auth.values())]
        )
        self._cli = Cli(program, swarm.engine.socket_path, request.registry_auth, self._masker)
        self._input = documents.input_digest(request.compose, request.stack, request.scaled)

    # ── the three ways through ───────────────────────────────────────────────────────────────────────────────
    def predict(self, with_diff: bool) -> dict:
        """Check mode: everything that can be said without changing anything. Without a Swarm, all is to be created."""
        try:
            state = self._read()
        except EngineError as error:
            if error.status not in NO_SWARM_YET:
                raise
            self.warnings.append(
                f"There is no Swarm manager here yet; every service would be created. ({error.message})"
            )
            return self._result(self._unprepared(), State({}, []), True, with_diff)
        prepared = self._unchanged(state) or self._prepare(state, predicting=True)
        for name, reason in self._unsettled(state).items():
            self.warnings.append(f"{self._request.stack}_{name} is not at rest now: {reason}")
        return self._result(prepared, state, prepared.changes or self._new_input(state), with_diff)

    def apply(self, with_diff: bool) -> dict:
        """Deploy and judge. Raises SwarmError with the report, and with what was done to put the last release back."""
        state = self._read()
        prepared = self._unchanged(state)
        if prepared and not self._unsettled(state):
            return self._result(prepared, state, False, with_diff)
        command = f"swarm_stack name={self._request.stack} state=present"
        with lock.held(self._swarm, command, self._request.lock_timeout_seconds) as held:
            state = self._read()
            prepared = self._unchanged(state) or self._prepare(state)
            result = self._result(prepared, state, prepared.changes or self._new_input(state), with_diff)
            roller = Roller(self._swarm, self._cli, self._request, self._masker, held.renew)
            return {**result, **self._deploy(roller, state, prepared, result)}

    # ── reading and planning ─────────────────────────────────────────────────────────────────────────────────
    def _read(self) -> State:
        stack = self._request.stack
        services = {specs.short_name(service, stack): service for service in self._swarm.services(stack)}
        return State(services, release.load(self._swarm, stack))

    def _new_input(self, state: State) -> bool:
        return state.latest is None or state.latest["input"] != self._input

    def _unchanged(self, state: State) -> Prepared | None:
        """The plan when nothing is asked for but what the last release holds and what runs."""
        if self._new_input(state):
            return None
        prepared = self._planned(state, state.latest["pinned"])
        return None if prepared.changes else prepared

    def _planned(self, state: State, pinned: dict[str, str]) -> Prepared:
        request = self._request
        views = documents.views(request.compose, request.stack, pinned, request.scaled)
        return Prepared(pinned, views, plan.steps(views, release.for_plan(state.latest), state.live, request.scaled))

    def _unprepared(self) -> Prepared:
        self._lint(
            lint.problems(
                self._request.stack, self._request.compose, self._request.scaled, self._request.sequential, None
            )
        )
        return self._planned(State({}, []), {image: image for image in documents.images(self._request.compose)})

    def _prepare(self, state: State, predicting: bool = False) -> Prepared:
        """Lint, validate, pin and plan; raises SwarmError before anything is changed."""
        request = self._request
        around = lint.Surroundings(
            networks={network["Name"]: network["Scope"] for network in self._swarm.networks()},
            brought={"secrets": set(request.secrets), "configs": set(request.configs)},
            **{kind: self._names(kind) for kind in documents.KINDS},
        )
        if predicting:  # what an earlier task of the same run would make is not there in check mode
            for missing in lint.missing_networks(request.compose, around):
                self.warnings.append(f"The network {missing} does not exist yet.")
                around.networks[missing] = "swarm"
        self._lint(lint.problems(request.stack, request.compose, request.scaled, request.sequential, around))
        known = state.latest["pinned"] if state.latest else {}
        self._cli.validate(documents.rendered(request.compose, {}, {}))
        prepared = self._planned(
            state, images.pin(self._swarm, documents.images(request.compose), known, request.registry_auth)
        )
        if state.latest:
            self._lint(lint.changed_networks(state.latest["compose"], request.compose))
        return prepared

    def _names(self, kind: str) -> set[str]:
        return {one["Spec"]["Name"] for one in self._swarm.objects(kind)}

    def _lint(self, problems: list[str]) -> None:
        if problems:
            head = f"The stack {self._request.stack} cannot be deployed as it is written; nothing was changed:"
            raise SwarmError(self._masker.text("\n".join([head, *(f"  - {problem}" for problem in problems)])))

    def _unsettled(self, state: State) -> dict[str, str]:
        tasks = self._swarm.running_tasks(self._request.stack)
        reasons = {name: converged(service, tasks) for name, service in state.live.items()}
        return {name: reason for name, reason in reasons.items() if reason}

    # ── changing ─────────────────────────────────────────────────────────────────────────────────────────────
    def _deploy(self, roller: Roller, state: State, prepared: Prepared, result: dict) -> dict:
        request = self._request
        deadline = time.monotonic() + request.timeout_seconds
        broken = self._unsettled(state)
        untouched = {step.service for step in prepared.steps if step.action == plan.NONE}
        done = {"changed": False}
        try:
            for kind in documents.KINDS:
                there = self._names(kind)
                done["changed"] |= bool(objects.ensure(self._swarm, request.stack, kind, getattr(request, kind), there))
            if prepared.changes:
                done["changed"] = True
                roller.roll(
                    request.compose, prepared.pinned, request.scaled, prepared.steps, deadline, set(broken) & untouched
                )
        except SwarmError as error:
            report = [f"The deploy of the stack {request.stack} failed.", error.message]
            report.append(self._put_back(roller, state, done["changed"]))
            raise SwarmError("\n".join(report), {**result, **done}) from error
        self.warnings += roller.warnings
        number = self._record(state, prepared)
        done = {"changed": result["changed"], "release": number}
        still = roller.look_after(set(broken) & untouched, prepared.changes, deadline)
        if still:
            what = (
                "The rest of the deploy is in place, but these services"
                if prepared.changes
                else "Nothing was to be changed, but these services"
            )
            raise SwarmError(f"{what} did not run before and do not now:\n{still}", {**result, **done})
        return done

    def _record(self, state: State, prepared: Prepared) -> int:
        """Write the release record, unless the last one says the same, and prune; returns the release's number."""
        request = self._request
        number = state.latest["number"] if state.latest else 0
        services = self._swarm.services(request.stack)
        seen = {specs.short_name(service, request.stack): specs.normalised(service["Spec"]) for service in services}
        if self._new_input(state) or state.latest["specs"] != seen:
            number += 1
            record = release.make(request.stack, number, request.compose, prepared.pinned, request.scaled, seen)
            release.store(self._swarm, record)
            records = release.load(self._swarm, request.stack)
            release.forget_old(self._swarm, records, request.keep_releases)
            objects.prune(self._swarm, request.stack, self._swarm.services(), release.load(self._swarm))
        return number

    def _put_back(self, roller: Roller, state: State, changed: bool) -> str:
        """Put the last release back and say how that ended."""
        if not changed:
            return "Nothing was changed."
        try:
            said = self._restored(roller, state)
            objects.prune(self._swarm, self._request.stack, self._swarm.services(), release.load(self._swarm))
        except SwarmError as error:
            which = f"The release {state.latest['number']}" if state.latest else "What was there before"
            return f"{which} could NOT be put back; look at the stack now:\n{error.message}"
        return said

    def _restored(self, roller: Roller, state: State) -> str:
        stack, record = self._request.stack, state.latest
        live = self._read().live
        if record is None:
            made = [name for name in live if name not in state.live]
            for name in made:
                self._swarm.remove("services", live[name]["ID"])
            kept = [name for name in live if name in state.live]
            said = "There was no release to put back. "
            said += f"The services that this run had created were removed again ({', '.join(sorted(made)) or 'none'}); volumes stay."
            return said + (
                f" Services that were there before stay as they are: {', '.join(sorted(kept))}." if kept else ""
            )
        previous = release.for_plan(record)
        steps = plan.steps(previous.views, previous, live, record["scaled"])
        steps = [step for step in steps if not _is_job(previous.views.get(step.service))]  # no migration runs twice
        roller.roll(
            record["compose"],
            record["pinned"],
            record["scaled"],
            steps,
            time.monotonic() + self._request.timeout_seconds,
            set(),
        )
        again = ", ".join(step.service for step in steps if step.action in (plan.CREATE, plan.UPDATE))
        gone = ", ".join(step.service for step in steps if step.action == plan.REMOVE)
        parts = [f"deployed again: {again}"] if again else []
        parts += [f"removed: {gone}"] if gone else []
        how = "; ".join(parts) or "the automatic rollback had done it already"
        return f"The release {record['number']} of {stack} runs again, and was judged the same way ({how})."

    def _result(self, prepared: Prepared, state: State, changed: bool, with_diff: bool) -> dict:
        previous = release.for_plan(state.latest)
        result = {
            "changed": changed,
            "plan": [step.public() for step in prepared.steps],
            "release": state.latest["number"] if state.latest else 0,
            "images": prepared.pinned,
            "drift": plan.drift(previous, state.live, self._request.scaled),
        }
        if with_diff and changed:
            entries = diffs.of_services(
                self._request.stack, prepared.steps, previous, prepared.views, state.live, self._masker
            )
            result["diff"] = entries + self._config_diffs(state)
        return result

    def _config_diffs(self, state: State) -> list[dict]:
        """The content of configs that get a new version, beside the version that the last release uses."""
        old = {objects.base_name(name): name for name in (state.latest or {}).get("configs", [])}
        entries = []
        for name, content in sorted(self._request.configs.items()):
            before = old.get(objects.base_name(name))
            if before == name:
                continue
            found = self._swarm.named("configs", before) if before else None
            text = self._masker.text(objects.content(found)) if found else None
            entries.append(diffs.entry(f"config {objects.base_name(name)}", text, self._masker.text(content)))
        return entries


def _is_job(view: dict | None) -> bool:
    return ((view or {}).get("deploy") or {}).get("mode") in specs.JOB_MODES
