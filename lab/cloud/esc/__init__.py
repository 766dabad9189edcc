# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated Pulumi ESC: environments with revisions, their evaluation, sessions and tokens."""

from __future__ import annotations

from lab.cloud.esc.service import Esc

__all__ = ["Esc"]
