"""Lambda Labs CLI: instance types and what they cost, from a fixed table."""

from __future__ import annotations

from typing import Annotated

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import BaseModel, Field
from sophia_service.settings import Environment

from sophia_mcp.definition import Definition, Tool


class InstanceType(BaseModel):
    name: str
    gpu: str
    gpus: int
    gpu_memory_gib: int = Field(description="Of each GPU.")
    architecture: str
    price_cents_per_hour: int = Field(description="An example, not a current price.")


class InstanceTypes(BaseModel):
    instance_types: list[InstanceType] = Field(description="The cheapest first.")


class CostEstimate(BaseModel):
    instance_type: str
    count: int
    hours: float
    total_cents: int


INSTANCE_TYPES = {
    name: InstanceType(
        name=name, gpu=gpu, gpus=gpus, gpu_memory_gib=memory, architecture=architecture, price_cents_per_hour=price
    )
    for name, gpu, gpus, memory, architecture, price in (
        ("gpu_1x_a10", "A10", 1, 24, "x86_64", 75),
        ("gpu_1x_a100_sxm4", "A100", 1, 40, "x86_64", 129),
        ("gpu_1x_gh200", "GH200", 1, 96, "aarch64", 229),
        ("gpu_1x_h100_pcie", "H100", 1, 80, "x86_64", 249),
        ("gpu_8x_a100_80gb_sxm4", "A100", 8, 80, "x86_64", 1432),
        ("gpu_8x_h100_sxm5", "H100", 8, 80, "x86_64", 2392),
    )
}


async def list_instance_types(
    architecture: Annotated[str | None, Field(pattern="^(x86_64|aarch64)$")] = None,
    min_gpu_memory_gib: Annotated[int, Field(ge=0, description="Of all the type's GPUs together.")] = 0,
) -> InstanceTypes:
    """Lists instance types, all or those that fit."""
    found = [
        instance
        for instance in INSTANCE_TYPES.values()
        if architecture in (None, instance.architecture)
        and instance.gpus * instance.gpu_memory_gib >= min_gpu_memory_gib
    ]
    return InstanceTypes(instance_types=sorted(found, key=lambda instance: instance.price_cents_per_hour))


async def estimate_cost(
    instance_type: Annotated[str, Field(description="A name from list_instance_types.")],
    hours: Annotated[float, Field(gt=0, le=100_000)],
    count: Annotated[int, Field(ge=1, le=1000)] = 1,
) -> CostEstimate:
    """Estimates what instances cost for some hours; a begun minute counts as a whole one."""
    if instance_type not in INSTANCE_TYPES:
        raise ToolError(f"there is no instance type '{instance_type}'; one of {', '.join(INSTANCE_TYPES)}")
    minutes = -int(-hours * 60 // 1)
    cents = count * minutes * INSTANCE_TYPES[instance_type].price_cents_per_hour / 60
    return CostEstimate(instance_type=instance_type, count=count, hours=hours, total_cents=round(cents))


def definition(_: Environment) -> Definition:
    return Definition(
        title="Lambda Labs CLI",
        instructions="Lists instance types and estimates costs from a fixed table of example prices.",
        tools=[Tool(list_instance_types), Tool(estimate_cost)],
    )
