# SPDX-License-Identifier: GPL-3.0-or-later
"""Probes targets round after round until the time is over or one of them fails too often in a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock

AT_ONCE_MAX = 16


@dataclass(frozen=True)
class Limits:
    """How long is watched, and how much may fail.

    settle_seconds: how long a target that settles, such as a name server, may be wrong at first.
    """

    seconds: float
    interval_seconds: float
    failures_max: int
    settle_seconds: float


@dataclass
class Target:
    """Something to probe, and how it went. probe() returns what is wrong, or nothing."""

    name: str
    probe: Callable[[], str]
    settles: bool = False
    probe_count: int = 0
    failed_count: int = 0
    streak: int = 0
    good_after_seconds: float | None = None
    problem: str = ""

    def take(self, problem: str, now_seconds: float, settle_seconds: float) -> None:
        """Count an outcome."""
        self.problem = problem
        if not problem and self.good_after_seconds is None:
            self.good_after_seconds = round(now_seconds, 1)
        if problem and self.settles and self.good_after_seconds is None and now_seconds < settle_seconds:
            return
        self.probe_count += 1
        self.failed_count += bool(problem)
        self.streak = self.streak + 1 if problem else 0

    def shown(self) -> dict:
        """The target as the module returns it."""
        names = ("name", "probe_count", "failed_count", "good_after_seconds", "problem")
        return {name: getattr(self, name) for name in names}


def watch(targets: Sequence[Target], limits: Limits, clock: Clock) -> tuple[bool, float]:
    """Whether all held, and how many seconds that took. It ends with a round in which nothing is wrong, or badly."""
    began = clock.monotonic()
    with ThreadPoolExecutor(min(AT_ONCE_MAX, len(targets))) as pool:
        while True:
            problems = list(pool.map(lambda target: target.probe(), targets))
            passed_seconds = clock.monotonic() - began
            for target, problem in zip(targets, problems):
                target.take(problem, passed_seconds, limits.settle_seconds)
            if any(target.streak > limits.failures_max for target in targets):
                return False, round(passed_seconds, 1)
            if passed_seconds >= limits.seconds and not any(problems):
                return True, round(passed_seconds, 1)
            clock.sleep(limits.interval_seconds)


def summary(targets: Sequence[Target], seconds: float) -> str:
    """The counts in a sentence."""
    probe_count = sum(target.probe_count for target in targets)
    failed_count = sum(target.failed_count for target in targets)
    settled = [target.good_after_seconds for target in targets if target.settles]
    known = f"; every name server had the records after {max(settled):g} s" if settled and None not in settled else ""
    return f"{failed_count} of {probe_count} probes failed in {seconds:g} s{known}"
