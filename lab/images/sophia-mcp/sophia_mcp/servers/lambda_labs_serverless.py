"""Lambda Labs Serverless: choosing a model and estimating tokens, from a fixed table."""

from __future__ import annotations

import math
import re
from typing import Annotated, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field
from sophia_service.settings import Environment

from sophia_mcp.definition import Definition, Tool

Task = Literal["chat", "code", "reasoning"]
CHARACTERS_PER_TOKEN = 4  # of a word: what common tokenizers need for English text


class Model(BaseModel):
    name: str
    tasks: list[Task]
    context_tokens: int
    input_cents_per_million: int = Field(description="An example, not a current price.")
    output_cents_per_million: int = Field(description="An example, not a current price.")


class Models(BaseModel):
    models: list[Model] = Field(description="The cheapest first.")


class TokenEstimate(BaseModel):
    model: str
    input_tokens: int
    fits: bool = Field(description="Whether input and output fit into the model's context.")
    cost_cents: float


MODELS = {
    name: Model(
        name=name,
        tasks=tasks,
        context_tokens=context,
        input_cents_per_million=input_price,
        output_cents_per_million=output_price,
    )
    for name, tasks, context, input_price, output_price in (
        ("small-chat-8b", ["chat"], 131_072, 3, 4),
        ("coder-32b", ["code", "chat"], 32_768, 7, 16),
        ("large-chat-70b", ["chat", "code"], 131_072, 12, 30),
        ("reasoning-671b", ["reasoning", "code", "chat"], 163_840, 50, 218),
    )
}


def token_count(text: str) -> int:
    """About how many tokens a text has: every four letters of a word are one, and every other visible character."""
    words = re.findall(r"\w+", text)
    return sum(math.ceil(len(word) / CHARACTERS_PER_TOKEN) for word in words) + len(re.findall(r"[^\w\s]", text))


async def list_models(task: Task | None = None) -> Models:
    """Lists models, all or those for one task."""
    found = [model for model in MODELS.values() if task is None or task in model.tasks]
    return Models(models=sorted(found, key=lambda model: model.output_cents_per_million))


async def choose_model(
    task: Task,
    context_tokens: Annotated[int, Field(ge=1, description="Input and output together.")] = 4096,
    max_output_cents_per_million: Annotated[int | None, Field(ge=1)] = None,
) -> Model:
    """Chooses the cheapest model that does a task within a context and a price."""
    for model in (await list_models(task)).models:
        limit = max_output_cents_per_million
        if model.context_tokens >= context_tokens and (limit is None or model.output_cents_per_million <= limit):
            return model
    raise ToolError(f"no model for {task} has {context_tokens} tokens of context within that price")


async def estimate_tokens(
    text: Annotated[str, Field(max_length=1_000_000)],
    model: Annotated[str, Field(description="A name from list_models.")],
    output_tokens: Annotated[int, Field(ge=0, le=1_000_000, description="How long the answer may be.")] = 512,
) -> TokenEstimate:
    """Estimates a request's tokens and what it costs."""
    if model not in MODELS:
        raise ToolError(f"there is no model '{model}'; one of {', '.join(MODELS)}")
    chosen, tokens = MODELS[model], token_count(text)
    cents = (tokens * chosen.input_cents_per_million + output_tokens * chosen.output_cents_per_million) / 1_000_000
    return TokenEstimate(
        model=model,
        input_tokens=tokens,
        fits=tokens + output_tokens <= chosen.context_tokens,
        cost_cents=round(cents, 6),
    )


def definition(_: Environment) -> Definition:
    return Definition(
        title="Lambda Labs Serverless",
        instructions="Chooses models and estimates tokens and costs from a fixed table of examples.",
        tools=[Tool(list_models), Tool(choose_model), Tool(estimate_tokens)],
    )
