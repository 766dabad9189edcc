# SPDX-License-Identifier: GPL-3.0-or-later
"""The eleven external APIs, simulated as far as it takes to ask each whether a key works."""

from lab.cloud.apis.service import Apis

__all__ = ["Apis"]
