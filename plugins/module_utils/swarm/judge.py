# SPDX-License-Identifier: GPL-3.0-or-later
"""Pure: the verdict over a deploy, from one snapshot of services and tasks after another.

Judged by service id, spec digest and the tasks that are newer than the deploy; never by names or by the history alone.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.sophia.platform.plugins.module_utils.swarm import spec as specs

FAILED_STATES = ("failed", "rejected")
NEW_FAILURES_LIMIT = 3
HEALTHY_HOLD_SECONDS = 5.0  # the engine's own default for a monitor
IN_ROLLBACK = "rollback_started"


@dataclass(frozen=True)
class Expectation:
    """What one service should be: its short name, its spec's digest, and whether this deploy wrote it."""

    name: str
    digest: str
    deployed: bool


@dataclass
class Verdict:
    """Reasons by service: `problems` are final, `waiting` is not there yet.

    `unsettled` names the services whose automatic rollback is under way.
    """

    problems: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    unsettled: set[str] = field(default_factory=set)

    @property
    def good(self) -> bool:
        return not self.problems and not self.waiting


class Judge:
    """Remembers what it has seen of one deploy: failed tasks (the engine keeps few), and since when what is so."""

    def __init__(
        self, expected: Mapping[str, Expectation], old_task_ids: Collection[str], pending_grace_seconds: float
    ) -> None:
        self.failures: dict[str, dict[str, dict]] = {}
        self._expected = expected
        self._old_task_ids = frozenset(old_task_ids)
        self._pending_grace_seconds = pending_grace_seconds
        self._good_since: dict[str, float] = {}
        self._pending_since: dict[str, float] = {}

    def observe(
        self, now_seconds: float, services: Iterable[dict], tasks: Iterable[dict], up_to_date: Collection[str]
    ) -> Verdict:
        """Judge one snapshot. `up_to_date` holds the ids of the tasks made for the services' current specs."""
        verdict = Verdict()
        there = {service["ID"]: service for service in services}
        by_service: dict[str, list[dict]] = {}
        for task in tasks:
            by_service.setdefault(task["ServiceID"], []).append(task)
        for identifier, expected in self._expected.items():
            if identifier not in there:
                verdict.problems[expected.name] = "someone removed the service during the deploy"
                continue
            mine = by_service.get(identifier, [])
            current = [task for task in mine if task["ID"] in up_to_date]
            self._service(now_seconds, verdict, expected, there[identifier], mine, current)
        return verdict

    def _service(
        self, now: float, verdict: Verdict, expected: Expectation, service: dict, tasks: list[dict], current: list[dict]
    ) -> None:
        name, spec = expected.name, service["Spec"]
        ended = FAILED_STATES if specs.mode(spec) in specs.JOB_MODES else (*FAILED_STATES, "complete")
        for task in tasks:
            if task["Status"]["State"] in ended and task["ID"] not in self._old_task_ids:
                self.failures.setdefault(name, {})[task["ID"]] = task
        update = service.get("UpdateStatus") or {}
        state = update.get("State") or ""
        if state.startswith("rollback") and expected.deployed or state in ("paused", "rollback_paused"):
            verdict.problems[name] = f"{state}: {update.get('Message') or 'no message'}"
            if state == IN_ROLLBACK:
                verdict.unsettled.add(name)
        elif specs.spec_digest(spec) != expected.digest:
            verdict.problems[name] = "its spec is not the deployed one any more (someone changed it meanwhile)"
        elif specs.mode(spec) in specs.JOB_MODES:
            self._job(verdict, expected, service, tasks)
        else:
            self._tasks(now, verdict, expected, service, current)

    def _tasks(self, now: float, verdict: Verdict, expected: Expectation, service: dict, current: list[dict]) -> None:
        name, state = expected.name, (service.get("UpdateStatus") or {}).get("State") or ""
        stuck = self._stuck(now, name, current)
        if stuck:
            verdict.problems[name] = f"cannot be placed: {stuck}"
            return
        looping = self._looping(name, service, state)
        if looping:
            verdict.problems[name] = looping
            return
        missing = missing_tasks(service, current)
        if missing or state not in ("", "completed", "rollback_completed"):
            self._good_since.pop(name, None)
            verdict.waiting[name] = missing or "the rolling update goes on"
            return
        since = self._good_since.setdefault(name, now)
        fresh = any(task["ID"] not in self._old_task_ids for task in current if _runs(task))
        hold = specs.monitor_seconds(service["Spec"])
        if specs.has_health_check(service["Spec"]):  # what runs has passed it
            hold = min(hold, HEALTHY_HOLD_SECONDS)
        # The engine has watched a completed update itself; nobody watched the tasks of a new service.
        if expected.deployed and fresh and state != "completed" and now - since < hold:
            verdict.waiting[name] = f"runs, and is watched for {hold:g} s"

    def _stuck(self, now: float, name: str, current: list[dict]) -> str:
        """The scheduler's words when a task has been pending for longer than the grace time."""
        pending = [
            task["Status"]["Err"]
            for task in current
            if task["Status"]["State"] == "pending" and task["Status"].get("Err") and task["DesiredState"] == "running"
        ]
        if not pending:
            self._pending_since.pop(name, None)
            return ""
        since = self._pending_since.setdefault(name, now)
        return pending[0] if now - since >= self._pending_grace_seconds else ""

    def _looping(self, name: str, service: dict, state: str) -> str:
        """Whether tasks of one slot failed again and again where the engine has no verdict of its own to give."""
        action = (service["Spec"].get("UpdateConfig") or {}).get("FailureAction") or "pause"
        if state == "updating" and action != "continue":
            return ""
        slots: dict[str, int] = {}
        for task in self.failures.get(name, {}).values():
            slot = str(task.get("Slot") or task.get("NodeID") or "")
            slots[slot] = slots.get(slot, 0) + 1
        worst = max(slots.values(), default=0)
        return f"its tasks end again and again ({worst} times so far)" if worst >= NEW_FAILURES_LIMIT else ""

    def _job(self, verdict: Verdict, expected: Expectation, service: dict, tasks: list[dict]) -> None:
        if not expected.deployed:
            return
        iteration = ((service.get("JobStatus") or {}).get("JobIteration") or {}).get("Index", 0)
        mine = [task for task in tasks if (task.get("JobIteration") or {}).get("Index", 0) == iteration]
        done = sum(task["Status"]["State"] == "complete" for task in mine)
        job = service["Spec"]["Mode"].get("ReplicatedJob") or {}
        total = job.get("TotalCompletions") or job.get("MaxConcurrent") or (1 if job else max(1, len(mine)))
        failed = [task for task in mine if task["Status"]["State"] in FAILED_STATES]
        policy = service["Spec"]["TaskTemplate"].get("RestartPolicy") or {}
        attempts = 0 if policy.get("Condition") == "none" else policy.get("MaxAttempts") or NEW_FAILURES_LIMIT
        if done >= total:
            return
        if len(failed) > attempts:
            verdict.problems[expected.name] = f"the job failed ({len(failed)} tasks, {done} of {total} completed)"
        else:
            verdict.waiting[expected.name] = f"{done} of {total} completed"


def missing_tasks(service: dict, tasks: Iterable[dict]) -> str:
    """What is missing until as many of the given tasks run as are wanted; empty when nothing is."""
    wanted = specs.replicas(service["Spec"])
    desired = [task for task in tasks if task["DesiredState"] == "running"]
    if wanted is None:  # the engine knows on how many nodes a global service belongs
        wanted = max((service.get("ServiceStatus") or {}).get("DesiredTasks", 0), len(desired), 1)
    running = [task for task in desired if _runs(task)]
    if len(running) == len(desired) == wanted:
        return ""
    if len(desired) > wanted:
        return f"{len(desired)} tasks are to run, and {wanted} are wanted"
    others = sorted({_state(task) for task in desired if not _runs(task)})
    return f"{len(running)} of {wanted} tasks run" + (f" ({'; '.join(others)})" if others else "")


def _runs(task: dict) -> bool:
    return task["Status"]["State"] == "running" and task["DesiredState"] == "running"


def _state(task: dict) -> str:
    said = task["Status"].get("Err") or ""
    return f"{task['Status']['State']}: {said}" if said else task["Status"]["State"]


def converged(service: dict, running_tasks: Iterable[dict]) -> str:
    """Why a service that nobody has just deployed is not at rest; empty when it is. Jobs were judged when they ran."""
    state = (service.get("UpdateStatus") or {}).get("State") or ""
    if state in ("updating", "paused", IN_ROLLBACK, "rollback_paused"):
        return f"{state}: {service['UpdateStatus'].get('Message') or 'no message'}"
    if specs.mode(service["Spec"]) in specs.JOB_MODES:
        return ""
    return missing_tasks(service, [task for task in running_tasks if task["ServiceID"] == service["ID"]])
