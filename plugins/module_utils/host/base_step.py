# SPDX-License-Identifier: GPL-3.0-or-later
"""One thing on a host that is otherwise than it should be, with what puts it right. Knows no Ansible."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ansible_collections.sophia.platform.plugins.module_utils.host import files


@dataclass(frozen=True)
class Step:
    """What is otherwise (for people), one entry of a diff, and what puts it right."""

    title: str
    diff: dict[str, str]
    apply: Callable[[], None]


def told(title: str, before: str, after: str, apply: Callable[[], None]) -> Step:
    """Make a step that is no file."""
    diff = {"before_header": title, "after_header": title, "before": f"{before}\n", "after": f"{after}\n"}
    return Step(title, diff, apply)


def file_step(
    file: files.File, judge: files.Judge | None = None, then: Callable[[], object] | None = None
) -> list[Step]:
    """Make the step that a file needs, if it needs one; `then` runs when it has landed."""
    if file.is_right:
        return []

    def apply() -> None:
        files.write(file, judge)
        if then is not None:
            then()

    return [Step(file.path, files.diff(file), apply)]
