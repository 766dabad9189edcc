# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs commands on the host. Knows no Ansible."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass

TIMEOUT_SECONDS = 120
NOT_FOUND = 127


class HostError(Exception):
    """Something of the host could not be read or changed; the text says what was tried and what was seen."""


@dataclass(frozen=True)
class Answer:
    """How a command ended. `status` is 127 when there is no such command and 124 when it ran out of time."""

    status: int
    output: str = ""
    errors: str = ""

    @property
    def said(self) -> str:
        """What it printed, errors first, without blanks around it."""
        return "\n".join(text.strip() for text in (self.errors, self.output) if text.strip())


def ask(*argv: str, stdin: str | None = None, timeout_seconds: int = TIMEOUT_SECONDS) -> Answer:
    """Run a command whose failure is a finding. Its language is C, so that its texts can be recognised."""
    try:
        done = subprocess.run(
            argv,
            input=stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout_seconds,
            env={**os.environ, "LC_ALL": "C"},
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Answer(124, errors=f"no end after {timeout_seconds} s")
    except OSError as error:
        return Answer(NOT_FOUND, errors=str(error))
    return Answer(done.returncode, done.stdout, done.stderr)


def run(*argv: str, stdin: str | None = None, timeout_seconds: int = TIMEOUT_SECONDS) -> str:
    """Run a command that must succeed and give what it printed; HostError when it does not."""
    answer = ask(*argv, stdin=stdin, timeout_seconds=timeout_seconds)
    if answer.status != 0:
        raise HostError(f"{' '.join(argv)} ended with {answer.status}: {answer.said[-1500:]}")
    return answer.output
