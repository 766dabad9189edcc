"""Checks of what a service depends on, each with a time limit."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

CHECK_SECONDS = 2.0  # below the three seconds that health checks of containers and ingress allow
Probe = Callable[[], Awaitable[str]]


@dataclass(frozen=True)
class CheckResult:
    """What one check saw: the dependency's own version, or the error."""

    ok: bool
    latency_ms: float
    version: str | None = None
    error: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {key: value for key, value in asdict(self).items() if value is not None}


async def run_check(probe: Probe, timeout_seconds: float) -> CheckResult:
    """Awaits `probe`, which returns the dependency's version. A probe out of time is cancelled, not waited for."""
    started = time.monotonic()
    version = error = None
    task = asyncio.ensure_future(probe())
    done, _ = await asyncio.wait({task}, timeout=timeout_seconds)
    if not done:
        task.cancel()
        error = f"no answer within {timeout_seconds:g} s"
    elif problem := task.exception():
        first_line = (str(problem).splitlines() or [""])[0]
        error = f"{type(problem).__name__}: {first_line}"[:300]
    else:
        version = task.result()
    return CheckResult(error is None, round((time.monotonic() - started) * 1000, 1), version, error)


async def run_checks(probes: Mapping[str, Probe], timeout_seconds: float = CHECK_SECONDS) -> dict[str, CheckResult]:
    """Runs all probes at the same time; results by the probes' names."""
    results = await asyncio.gather(*(run_check(probe, timeout_seconds) for probe in probes.values()))
    return dict(zip(probes, results, strict=True))
