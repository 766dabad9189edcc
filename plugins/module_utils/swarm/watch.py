# SPDX-License-Identifier: GPL-3.0-or-later
"""Watches a deploy until its verdict, and tells people why it failed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import EngineError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.judge import Expectation, Judge, Verdict
from ansible_collections.sophia.platform.plugins.module_utils.swarm.mask import Masker
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import Swarm

POLL_FIRST_SECONDS = 0.25
POLL_SECONDS = 1.0
SILENCE_LIMIT_SECONDS = 30
ROLLBACK_LIMIT_SECONDS = 120
LOG_LINES = 20
TASKS_SHOWN = 2


class Watch:
    """How one stack is watched: the Swarm, what is called between two looks, and the time limits."""

    def __init__(
        self, swarm: Swarm, stack: str, masker: Masker, pending_grace_seconds: float, between: Callable[[], None]
    ) -> None:
        self._swarm = swarm
        self._stack = stack
        self._masker = masker
        self._pending_grace_seconds = pending_grace_seconds
        self._between = between

    def until_verdict(
        self, expected: Mapping[str, Expectation], old_task_ids: Collection[str], timeout_seconds: float
    ) -> str:
        """Wait until every expected service (by id) is as it should be; returns the report of what is not, or ''.

        An automatic rollback that is under way is waited for, so that the report can say how it ended.
        """
        judge = Judge(expected, old_task_ids, self._pending_grace_seconds)
        began = time.monotonic()
        deadline = began + timeout_seconds
        pause = POLL_FIRST_SECONDS
        first: dict[str, str] = {}
        while True:
            verdict = self._look(judge)
            now = time.monotonic()
            first = {**verdict.problems, **first}
            if verdict.good:
                return ""
            if first and (not verdict.unsettled or now > deadline + ROLLBACK_LIMIT_SECONDS):
                return self._report(judge, first, verdict)
            if not first and now > deadline:
                late = {
                    name: f"not there after {timeout_seconds:.0f} s: {reason}"
                    for name, reason in verdict.waiting.items()
                }
                return self._report(judge, late, verdict)
            self._between()
            time.sleep(pause)
            pause = min(POLL_SECONDS, pause * 1.5)

    def _look(self, judge: Judge) -> Verdict:
        """One snapshot, judged. A Swarm that changes its leader is silent for some seconds, which is no verdict."""
        silent_until = time.monotonic() + SILENCE_LIMIT_SECONDS
        while True:
            try:
                services, tasks = self._swarm.services(self._stack), self._swarm.tasks(self._stack)
                return judge.observe(time.monotonic(), services, tasks, self._swarm.up_to_date_task_ids(self._stack))
            except EngineError:
                if time.monotonic() > silent_until:
                    raise
                time.sleep(POLL_SECONDS)

    def _report(self, judge: Judge, problems: Mapping[str, str], last: Verdict) -> str:
        nodes = {node["ID"]: node["Description"]["Hostname"] for node in self._swarm.nodes()}
        lines = []
        for name, problem in sorted(problems.items()):
            lines.append(f"{self._stack}_{name}: {self._masker.text(problem)}")
            ended = last.problems.get(name, problem)
            if ended != problem:
                lines.append(f"  automatic rollback: {self._masker.text(ended)}")
            failed = sorted(judge.failures.get(name, {}).values(), key=lambda task: task["CreatedAt"])
            lines += [f"  {self._masker.text(described(task, nodes))}" for task in failed[-TASKS_SHOWN:]]
            log = self._log(failed)
            lines += [f"    | {line}" for line in self._masker.text(log).splitlines()]
        return "\n".join(lines)

    def _log(self, failed: list[dict]) -> str:
        """The log of the newest failed task that has one."""
        logs = (self._swarm.task_log(task["ID"], LOG_LINES) for task in reversed(failed[-TASKS_SHOWN:]))
        return next((log for log in logs if log), "")


def described(task: Mapping, nodes: Mapping[str, str]) -> str:
    """One task in a line: id, node, state, error and exit code."""
    status = task["Status"]
    node = nodes.get(task.get("NodeID", ""), "no node")
    code = (status.get("ContainerStatus") or {}).get("ExitCode")
    said = status.get("Err") or status.get("Message") or "no message"
    return f"task {task['ID'][:12]} on {node}: {status['State']}: {said}" + (f" (exit code {code})" if code else "")
