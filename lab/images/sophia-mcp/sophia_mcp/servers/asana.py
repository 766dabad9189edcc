"""Asana: a task list in memory."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from pydantic import BaseModel, Field
from sophia_service.settings import Environment

from sophia_mcp.boards import Board
from sophia_mcp.definition import WRITE, Definition, Tool


class Task(BaseModel):
    number: int
    name: str
    assignee: str | None = None
    due_on: date | None = None
    completed: bool = False


class Tasks(BaseModel):
    tasks: list[Task] = Field(description="The earliest due first, those without a date last.")


def definition(_: Environment) -> Definition:
    board: Board[Task] = Board("task")

    async def create_task(
        name: Annotated[str, Field(min_length=1, max_length=255)],
        assignee: Annotated[str | None, Field(max_length=100)] = None,
        due_on: Annotated[date | None, Field(description="Such as 2026-12-31.")] = None,
    ) -> Task:
        """Creates a task."""
        return board.add(lambda number: Task(number=number, name=name, assignee=assignee, due_on=due_on))

    async def list_tasks(
        assignee: str | None = None,
        due_before: date | None = None,
        include_completed: bool = False,
    ) -> Tasks:
        """Lists tasks, all or those of one assignee or due before a day."""
        found = board.select(
            lambda task: (
                assignee in (None, task.assignee)
                and (due_before is None or (task.due_on is not None and task.due_on < due_before))
                and (include_completed or not task.completed)
            )
        )
        return Tasks(tasks=sorted(found, key=lambda task: (task.due_on or date.max, task.number)))

    async def complete_task(number: int) -> Task:
        """Marks a task as completed."""
        task = board.get(number)
        task.completed = True
        return task

    return Definition(
        title="Asana",
        instructions="Keeps tasks in memory, until it restarts.",
        tools=[Tool(create_task, WRITE), Tool(list_tasks), Tool(complete_task, WRITE)],
    )
