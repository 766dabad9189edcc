# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a plan's statements, in their order, and keeps account of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from ansible_collections.sophia.platform.plugins.module_utils.snowflake.connection import Connection
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.errors import SnowflakeError
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.plan import Statement

NOTHING_DONE = "already exists, statement succeeded"


@dataclass
class Outcome:
    """What came of a plan: the statements that were carried out, and the one that failed."""

    done: list[Statement] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    failed: Statement | None = None
    error: SnowflakeError | None = None
    left_count: int = 0

    @property
    def changed(self) -> bool:
        """Whether something was, or may have been, changed."""
        return bool(self.done) or (self.error is not None and not self.error.outcome_known)

    def failure(self) -> str:
        """The failure as text for people."""
        known = "" if self.error.outcome_known else " Whether it was carried out is not known; a rerun looks first."
        before = "; ".join(statement.text for statement in self.done) or "nothing"
        return (
            f"Could not {self.failed.text}. {self.error}{known} Done before it: {before}. "
            f"Statements not sent: {self.left_count}. A rerun goes on from there."
        )


def apply(connection: Connection, statements: Sequence[Statement]) -> Outcome:
    """Send the statements until one fails; none is repeated here."""
    outcome = Outcome()
    for number, statement in enumerate(statements, 1):
        try:
            connection.use_role(statement.role)
            rows = connection.rows(statement.sql)
        except SnowflakeError as error:
            outcome.failed, outcome.error, outcome.left_count = statement, error, len(statements) - number
            return outcome
        if any(NOTHING_DONE in str(value) for row in rows for value in row.values()):
            who = statement.role or "the role"
            outcome.warnings.append(
                f"Could not {statement.text}: there is one already, which {who} did not see or someone has just made."
            )
        else:
            outcome.done.append(statement)
    return outcome
