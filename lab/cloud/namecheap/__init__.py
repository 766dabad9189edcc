# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated Namecheap API: one account, its domains and their host records."""

from __future__ import annotations

from lab.cloud.namecheap.service import Namecheap

__all__ = ["Namecheap"]
