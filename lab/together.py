# SPDX-License-Identifier: GPL-3.0-or-later
"""Functions run at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from lab.errors import LabError


def together(tasks: Iterable[Callable[[], object]], at_once: int = 16) -> list:
    """Run functions at the same time and give their results. Raises one LabError with all that went wrong."""
    with ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(task) for task in tasks]
    problems = [future.exception() for future in futures if future.exception()]
    unforeseen = next((problem for problem in problems if not isinstance(problem, LabError)), None)
    if unforeseen:
        raise unforeseen
    if problems:
        raise LabError("\n".join(dict.fromkeys(str(problem) for problem in problems)))
    return [future.result() for future in futures]
