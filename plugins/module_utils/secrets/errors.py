# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of all secrets sources."""

from __future__ import annotations


class SecretsError(Exception):
    """A secrets source cannot be read. The message says which and why, and holds no value."""
