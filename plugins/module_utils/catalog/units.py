# SPDX-License-Identifier: GPL-3.0-or-later
"""Sizes."""

from __future__ import annotations

import re

SIZE = re.compile(r"(\d+(?:\.\d+)?)([KMGT])", re.IGNORECASE)
FACTORS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "T": 1 << 40}


def size_bytes(text: str) -> int:
    """Bytes of a size such as `512M`, in powers of 1024. Raises ValueError."""
    match = SIZE.fullmatch(str(text))
    if not match:
        raise ValueError(f"{text!r} is no size; write a number with K, M, G or T, such as 512M")
    return int(float(match[1]) * FACTORS[match[2].upper()])
