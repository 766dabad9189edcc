"""UI/UX Agent: checks and scales for interface design."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import BaseModel, Field
from sophia_service.settings import Environment

from sophia_mcp.definition import Definition, Tool

Colour = Annotated[str, Field(pattern=r"^#?([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$", description="Such as #1a2b3c or #fff.")]


class Contrast(BaseModel):
    """Contrast by WCAG 2.2, criteria 1.4.3, 1.4.6 and 1.4.11."""

    ratio: float = Field(ge=1, le=21)
    aa_text: bool = Field(description="At least 4.5.")
    aa_large_text: bool = Field(description="At least 3: text from 24 px, or 18.7 px bold, and interface parts.")
    aaa_text: bool = Field(description="At least 7.")


class TextColour(BaseModel):
    colour: str
    contrast: Contrast


class SpacingScale(BaseModel):
    steps_px: list[int]


def relative_luminance(colour: str) -> float:
    """Luminance from 0 to 1 of a colour like #fff or #1a2b3c, as WCAG defines it."""
    digits = colour.removeprefix("#")
    if len(digits) == 3:
        digits = "".join(digit * 2 for digit in digits)
    channels = [int(pair, 16) / 255 for pair in re.findall("..", digits)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


async def contrast_ratio(foreground: Colour, background: Colour) -> Contrast:
    """Tells how well text of one colour reads on another, by WCAG."""
    darker, lighter = sorted((relative_luminance(foreground), relative_luminance(background)))
    ratio = (lighter + 0.05) / (darker + 0.05)
    return Contrast(ratio=round(ratio, 2), aa_text=ratio >= 4.5, aa_large_text=ratio >= 3, aaa_text=ratio >= 7)


async def readable_text_colour(background: Colour) -> TextColour:
    """Chooses black or white text for a background, whichever reads better."""
    candidates = [
        TextColour(colour=colour, contrast=await contrast_ratio(colour, background))
        for colour in ("#000000", "#ffffff")
    ]
    return max(candidates, key=lambda candidate: candidate.contrast.ratio)


async def spacing_scale(
    base_px: Annotated[int, Field(ge=1, le=64, description="The smallest step; the others are its multiples.")] = 4,
    ratio: Annotated[float, Field(gt=1, le=3)] = 1.5,
    steps: Annotated[int, Field(ge=1, le=16)] = 8,
) -> SpacingScale:
    """Makes a spacing scale that grows by about `ratio`, in whole multiples of the base."""
    multiples: list[int] = []
    for step in range(steps):
        wanted = round(ratio**step)
        multiples.append(wanted if not multiples else max(wanted, multiples[-1] + 1))
    return SpacingScale(steps_px=[multiple * base_px for multiple in multiples])


def definition(_: Environment) -> Definition:
    return Definition(
        title="UI/UX Agent",
        instructions="Checks colours for readability and makes spacing scales.",
        tools=[Tool(contrast_ratio), Tool(readable_text_colour), Tool(spacing_scale)],
    )
