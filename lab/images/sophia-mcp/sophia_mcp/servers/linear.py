"""Linear: an issue board in memory."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field
from sophia_service.settings import Environment

from sophia_mcp.boards import Board
from sophia_mcp.definition import WRITE, Definition, Tool

State = Literal["backlog", "in_progress", "done", "cancelled"]
Priority = Literal["urgent", "high", "medium", "low"]
PRIORITIES: tuple[str, ...] = ("urgent", "high", "medium", "low")


class Issue(BaseModel):
    number: int
    identifier: str = Field(description="The team and the number, such as SOP-1.")
    title: str
    team: str
    priority: Priority
    state: State = "backlog"


class Issues(BaseModel):
    issues: list[Issue] = Field(description="The most urgent first.")


def definition(_: Environment) -> Definition:
    board: Board[Issue] = Board("issue")

    async def create_issue(
        title: Annotated[str, Field(min_length=1, max_length=255)],
        team: Annotated[str, Field(pattern="^[A-Z]{2,5}$", description="The team's key.")] = "SOP",
        priority: Priority = "medium",
    ) -> Issue:
        """Creates an issue in the backlog."""
        return board.add(
            lambda number: Issue(
                number=number, identifier=f"{team}-{number}", title=title, team=team, priority=priority
            )
        )

    async def list_issues(state: State | None = None, team: str | None = None) -> Issues:
        """Lists issues, all or those of one state or team."""
        found = board.select(lambda issue: state in (None, issue.state) and team in (None, issue.team))
        return Issues(issues=sorted(found, key=lambda issue: (PRIORITIES.index(issue.priority), issue.number)))

    async def move_issue(number: int, state: State) -> Issue:
        """Moves an issue to another state."""
        issue = board.get(number)
        issue.state = state
        return issue

    return Definition(
        title="Linear",
        instructions="Keeps issues in memory, until it restarts.",
        tools=[Tool(create_issue, WRITE), Tool(list_issues), Tool(move_issue, WRITE)],
    )
