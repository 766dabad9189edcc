# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes checks at the same time, each again and again until it holds or the wait is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from ansible_collections.sophia.platform.plugins.module_utils.verify.judge import Verdict

GRACE_SECONDS = 5


def settle(
    attempt: Callable[[], Verdict], wait_seconds: float, pause_seconds: float, clock=time.monotonic, sleep=time.sleep
) -> Verdict:
    """Return the first verdict that is ok or final, or the last one before the wait was over."""
    began = clock()
    while True:
        verdict = attempt()
        waited_seconds = clock() - began
        if verdict.final or (verdict.ok and waited_seconds < pause_seconds):
            return verdict
        if verdict.ok:
            return verdict._replace(detail=f"{verdict.detail} (after {waited_seconds:.0f} s)")
        if waited_seconds + pause_seconds > wait_seconds:
            waited = f" (still so after {waited_seconds:.0f} s)" if wait_seconds else ""
            return verdict._replace(detail=verdict.detail + waited)
        sleep(pause_seconds)


def run(
    checks: list[dict],
    attempt: Callable[[dict], Verdict],
    wait_seconds: float,
    timeout_seconds: float,
    pause_seconds: float = 2,
) -> list[dict]:
    """Return [{name, ok, detail}] in the order of `checks`.

    attempt(check) makes one check once, within `timeout_seconds`. A check that hangs longer, say in the resolver, is
    a failed one: its thread is left behind and dies with the process.
    """
    verdicts: dict[int, Verdict] = {}

    def work(index: int) -> None:
        verdicts[index] = settle(lambda: attempt(checks[index]), wait_seconds, pause_seconds)

    threads = [threading.Thread(target=work, args=(index,), daemon=True) for index in range(len(checks))]
    for thread in threads:
        thread.start()
    limit_seconds = wait_seconds + timeout_seconds + GRACE_SECONDS
    deadline = time.monotonic() + limit_seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    hung = Verdict(False, f"No verdict within {limit_seconds:g} s; does the name server answer?")
    pairs = [(check, verdicts.get(index, hung)) for index, check in enumerate(checks)]
    return [{"name": str(check.get("name")), "ok": verdict.ok, "detail": verdict.detail} for check, verdict in pairs]
