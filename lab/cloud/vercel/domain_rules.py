# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of domains."""

from __future__ import annotations

import re

from lab.cloud.vercel.errors import invalid

OWN_SUFFIX = ".vercel.app"
_LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"(\*\.)?({_LABEL}\.)+[a-z][a-z0-9-]{{0,61}}[a-z0-9]")
_NAME_MAX = 253
_SECOND_LEVEL = ("co", "com", "org", "net", "ac", "gov", "edu")  # of country codes; enough for a lab


def check_name(name: object) -> str:
    """A domain's name; refuses what is none."""
    if not isinstance(name, str) or len(name) > _NAME_MAX or not _NAME.fullmatch(name):
        raise invalid(f"The domain name {str(name)[:100]!r} is invalid.", "invalid_domain")
    return name


def apex(name: str) -> str:
    """The registered domain of a name; for names of vercel.app the name itself."""
    labels = name.removeprefix("*.").split(".")
    if name.endswith(OWN_SUFFIX):
        return ".".join(labels[-3:])
    country = len(labels) > 2 and len(labels[-1]) == 2 and labels[-2] in _SECOND_LEVEL
    return ".".join(labels[-3:] if country else labels[-2:])
