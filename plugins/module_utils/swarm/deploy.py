# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys one stack: lock, lint, pin, plan, roll, judge, record, prune; puts the last release back when that fails."""

from __future__ import annotations

import time
from collections.abc import Callable

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
from ansible_collections.sophia.platform.plugins.module_utils.swarm.lock import LockLost
from ansible_collections.sophia.platform.plugins.module_utils.swarm.mask import Masker
from ansible_collections.sophia.platform.plugins.module_utils.swarm.roll import Roller
from ansible_collections.sophia.platform.plugins.module_utils.swarm.stack import Prepared, Stack, State

NO_SWARM_YET = (0, 503)


class Deployment:
    """One run of the module for one stack. `warn` takes what people should know besides."""

    def __init__(self, stack: Stack, program: str, with_diff: bool, warn: Callable[[str], None]) -> None:
        self._stack = stack
        self._swarm = stack.swarm
        self._request = request = stack.request
        self._with_diff = with_diff
        self._warn = warn
        self._notes: list[str] = []
        passwords = [login["password"] for login in request.registry_auth.values()]
        self._masker = Masker([*request.secrets.values(), *passwords])
        self._cli = Cli(program, stack.swarm.engine.socket_path, request.registry_auth, self._masker)

    # ── the two ways through ─────────────────────────────────────────────────────────────────────────────────
    def predict(self) -> dict:
        """Check mode: all that can be said without changing anything. Without a Swarm, everything is to be created."""
        try:
            state = self._stack.read()
        except EngineError as error:
            if error.status not in NO_SWARM_YET:
                raise
            self._notes.append(f"There is no Swarm manager here yet; every service would be created. ({error.message})")
            return self._result(self._prepare_unseen(), State({}, []), True)
        prepared = self._stack.unchanged(state) or self._prepare(state, predicting=True)
        for name, reason in self._stack.unsettled(state).items():
            self._notes.append(f"{self._request.stack}_{name} is not at rest now: {reason}")
        return self._result(prepared, state, prepared.changes or self._stack.new_input(state))

    def apply(self) -> dict:
        """Deploy and judge. Raises SwarmError with the report, and with what was done to put the last release back."""
        command = f"swarm_stack name={self._request.stack} state=present"
        with lock.held(self._swarm, command, self._request.lock_timeout_seconds) as held:
            state = self._stack.read()
            prepared = self._stack.unchanged(state) or self._prepare(state)
            result = self._result(prepared, state, prepared.changes or self._stack.new_input(state))
            roller = Roller(self._swarm, self._cli, self._request, self._masker, held.renew)
            done = self._deploy(roller, state, prepared, result)
        for warning in roller.warnings:
            self._warn(warning)
        return {**result, **done}

    # ── before anything is changed ───────────────────────────────────────────────────────────────────────────
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
                self._notes.append(f"The network {missing} does not exist yet.")
                around.networks[missing] = "swarm"
        before = state.latest["compose"] if state.latest else {}
        self._lint(around, lint.changed_networks(before, request.compose))
        self._cli.validate(documents.rendered(request.compose, {}, {}))
        known = state.latest["pinned"] if state.latest else {}
        wanted = documents.images(request.compose)
        return self._stack.planned(state, images.pin(self._swarm, wanted, known, request.registry_auth))

    def _prepare_unseen(self) -> Prepared:
        """The plan when there is no Swarm that could be asked."""
        self._lint(None, [])
        return self._stack.planned(State({}, []), {image: image for image in documents.images(self._request.compose)})

    def _lint(self, around: lint.Surroundings | None, more: list[str]) -> None:
        request = self._request
        problems = lint.problems(request.stack, request.compose, request.scaled, request.sequential, around) + more
        if problems:
            head = f"The stack {request.stack} cannot be deployed as it is written; nothing was changed:"
            raise SwarmError(self._masker.text("\n".join([head, *(f"  - {problem}" for problem in problems)])))

    def _names(self, kind: str) -> set[str]:
        return {one["Spec"]["Name"] for one in self._swarm.objects(kind)}

    # ── changing ─────────────────────────────────────────────────────────────────────────────────────────────
    def _deploy(self, roller: Roller, state: State, prepared: Prepared, result: dict) -> dict:
        """Carry the plan out; returns what of the module's result is known only now."""
        request = self._request
        deadline = time.monotonic() + request.timeout_seconds
        excused = set(self._stack.unsettled(state)) & prepared.untouched  # broken before, and not by this deploy
        changed = False
        try:
            for kind in documents.KINDS:
                there, brought = self._names(kind), getattr(request, kind)
                changed = changed or bool(set(brought) - there)  # true also when the engine refuses one halfway
                objects.ensure(self._swarm, request.stack, kind, brought, there)
            if prepared.changes:
                changed = True
                roller.roll(request.compose, prepared.pinned, request.scaled, prepared.steps, deadline, excused)
        except LockLost as error:  # whoever holds it now is deploying: nothing may be put back beside them
            raise SwarmError(error.message, {**result, "changed": changed}) from error
        except SwarmError as error:
            ended = self._put_back(roller, state, excused) if changed else "Nothing was changed."
            report = f"The deploy of the stack {request.stack} failed.\n{error.message}\n{ended}"
            raise SwarmError(report, {**result, "changed": changed}) from error
        try:
            done = {"changed": result["changed"], "release": self._record(state, prepared)}
        except SwarmError as error:
            report = f"The stack {request.stack} runs as asked, but no release record could be kept: {error.message}"
            raise SwarmError(f"{report} Run the deploy again.", {**result, "changed": True}) from error
        still = roller.look_after(excused, prepared.changes, deadline)
        if still:
            rest = "The deploy is in place" if prepared.changes else "Nothing was to be changed"
            what = "but these services, which nobody touched, did not run before and do not now"
            raise SwarmError(f"{rest}, {what}:\n{still}", {**result, **done})
        return done

    def _record(self, state: State, prepared: Prepared) -> int:
        """Write the release record, unless the last one says the same, and prune; returns the release's number."""
        request, number = self._request, state.number
        seen = {name: specs.normalised(service["Spec"]) for name, service in self._stack.services().items()}
        if self._stack.new_input(state) or state.latest["specs"] != seen:
            number += 1
            record = release.make(request.stack, number, request.compose, prepared.pinned, request.scaled, seen)
            release.store(self._swarm, record)
            release.forget_old(self._swarm, release.load(self._swarm, request.stack), request.keep_releases)
            self._prune()
        return number

    def _prune(self) -> None:
        objects.prune(self._swarm, self._request.stack, self._swarm.services(), release.load(self._swarm))

    # ── when it failed ───────────────────────────────────────────────────────────────────────────────────────
    def _put_back(self, roller: Roller, state: State, excused: set[str]) -> str:
        """Put the last release back, judged the same way, and say how that ended."""
        try:
            said = self._restore(roller, state.latest, excused) if state.latest else self._clear(roller, state)
            self._prune()
        except SwarmError as error:
            which = f"The release {state.number}" if state.latest else "What was there before"
            return f"{which} could NOT be put back; look at the stack now:\n{error.message}"
        return said

    def _restore(self, roller: Roller, record: dict, excused: set[str]) -> str:
        previous = release.for_plan(record)
        steps = plan.steps(previous.views, previous, self._stack.services(), record["scaled"])
        jobs = [
            step.service for step in steps if _is_job(previous.views.get(step.service)) and step.action != plan.NONE
        ]
        steps = [step for step in steps if step.service not in jobs]  # no migration runs twice
        deadline = time.monotonic() + self._request.timeout_seconds
        roller.roll(record["compose"], record["pinned"], record["scaled"], steps, deadline, excused)
        again = ", ".join(step.service for step in steps if step.action in (plan.CREATE, plan.UPDATE))
        gone = ", ".join(step.service for step in steps if step.action == plan.REMOVE)
        parts = [f"deployed again: {again}"] if again else []
        parts += [f"removed: {gone}"] if gone else []
        parts += [f"jobs, which are not run again: {', '.join(jobs)}"] if jobs else []
        how = "; ".join(parts) or "the automatic rollback had done it already"
        return f"The release {record['number']} of {record['stack']} runs again, and was judged the same way ({how})."

    def _clear(self, roller: Roller, state: State) -> str:
        """Without a release to go back to: remove what this run created, leave what was there before."""
        live = self._stack.services()
        made = sorted(set(live) - set(state.live))
        kept = sorted(set(live) & set(state.live))
        roller.remove(made, documents.network_names(self._request.compose, self._request.stack) if kept else ())
        said = "There was no release to put back. The services that this run had created were removed again "
        said += f"({', '.join(made) or 'none'}); volumes stay."
        return said + (f" Services that were there before stay as they are: {', '.join(kept)}." if kept else "")

    # ── the result ───────────────────────────────────────────────────────────────────────────────────────────
    def _result(self, prepared: Prepared, state: State, changed: bool) -> dict:
        result = {**self._stack.result(prepared, state, changed), "notes": self._notes}
        if self._with_diff and changed:
            previous = release.for_plan(state.latest)
            name = self._request.stack
            entries = diffs.of_services(name, prepared.steps, previous, prepared.views, state.live, self._masker)
            result["diff"] = entries + self._config_diffs(state)
        return result

    def _config_diffs(self, state: State) -> list[dict]:
        """The content of configs that get a new version, beside the version that the last release uses."""
        old = {objects.base_name(name): name for name in (state.latest or {}).get("configs", [])}
        entries = []
        for name, content in sorted(self._request.configs.items()):
            base = objects.base_name(name)
            if old.get(base) == name:
                continue
            found = self._swarm.named("configs", old[base]) if base in old else None
            before = self._masker.text(objects.content(found)) if found else None
            entries.append(diffs.entry(f"config {base}", before, self._masker.text(content)))
        return entries


def _is_job(view: dict | None) -> bool:
    return ((view or {}).get("deploy") or {}).get("mode") in specs.JOB_MODES
