# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's one exception."""

from __future__ import annotations


class LabError(Exception):
    """Something that a person has to read: what was tried, on what, what was seen, what to do."""
