# SPDX-License-Identifier: GPL-3.0-or-later
"""Vercel's REST API, simulated: what its CLI and the bundle call, with its errors, states and delays."""

from lab.cloud.vercel.service import Vercel

__all__ = ["Vercel"]
