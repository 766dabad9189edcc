"""GitHub: pull requests in memory."""

from __future__ import annotations

from typing import Annotated, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field
from sophia_service.settings import Environment

from sophia_mcp.boards import Board
from sophia_mcp.definition import WRITE, Definition, Tool

State = Literal["open", "merged", "closed"]
Repository = Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$", max_length=140, description="Such as owner/name.")]
Branch = Annotated[str, Field(min_length=1, max_length=255)]


class PullRequest(BaseModel):
    number: int
    repository: str
    title: str
    head: str
    base: str
    state: State = "open"


class PullRequests(BaseModel):
    pull_requests: list[PullRequest] = Field(description="The newest first.")


def definition(_: Environment) -> Definition:
    board: Board[PullRequest] = Board("pull request")

    async def open_pull_request(
        repository: Repository,
        title: Annotated[str, Field(min_length=1, max_length=255)],
        head: Annotated[Branch, Field(description="The branch to merge.")],
        base: Annotated[Branch, Field(description="The branch to merge into.")] = "main",
    ) -> PullRequest:
        """Opens a pull request; a branch has at most one open one for the same base."""
        if head == base:
            raise ToolError(f"head and base are both '{head}'; name two branches")
        same = board.select(
            lambda request: (
                (request.repository, request.head, request.base, request.state) == (repository, head, base, "open")
            )
        )
        if same:
            raise ToolError(f"pull request {same[0].number} is already open for {head} into {base}")
        return board.add(
            lambda number: PullRequest(number=number, repository=repository, title=title, head=head, base=base)
        )

    async def list_pull_requests(repository: Repository | None = None, state: State = "open") -> PullRequests:
        """Lists pull requests of one state, of all repositories or of one."""
        found = board.select(lambda request: repository in (None, request.repository) and request.state == state)
        return PullRequests(pull_requests=found[::-1])

    async def merge_pull_request(number: int) -> PullRequest:
        """Merges an open pull request."""
        request = board.get(number)
        if request.state != "open":
            raise ToolError(f"pull request {number} is {request.state}, not open")
        request.state = "merged"
        return request

    return Definition(
        title="GitHub",
        instructions="Keeps pull requests in memory, until it restarts.",
        tools=[Tool(open_pull_request, WRITE), Tool(list_pull_requests), Tool(merge_pull_request, WRITE)],
    )
