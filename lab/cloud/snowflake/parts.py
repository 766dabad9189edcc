# SPDX-License-Identifier: GPL-3.0-or-later
"""The beginning that all CREATE statements have in common."""

from __future__ import annotations

from dataclasses import dataclass

from lab.cloud.snowflake.sql import Reader

OWN_KINDS = ("DATABASE", "SCHEMA", "TABLE", "WAREHOUSE", "ROLE", "USER")
_MODIFIERS = ("TRANSIENT", "TEMPORARY", "TEMP", "LOCAL", "GLOBAL", "VOLATILE")


@dataclass
class Creation:
    """`CREATE [OR REPLACE] [TRANSIENT] kind [IF NOT EXISTS]`. kind None: one that fakesnow does."""

    kind: str | None
    replace: bool
    transient: bool
    unless_exists: bool

    @classmethod
    def read(cls, reader: Reader) -> Creation:
        """From what stands after CREATE."""
        replace = reader.take("OR", "REPLACE")
        modifiers = []
        while modifier := reader.take_one(*_MODIFIERS):
            modifiers.append(modifier)
        if reader.peek("DATABASE", "ROLE"):
            raise reader.unexpected()  # the lab has none
        kind = reader.take_one(*OWN_KINDS)
        return cls(kind, replace, "TRANSIENT" in modifiers, bool(kind) and reader.take("IF", "NOT", "EXISTS"))
