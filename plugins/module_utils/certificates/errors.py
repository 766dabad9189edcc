# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong with certificates."""

from __future__ import annotations


class CertificatesError(Exception):
    """Something about a certificate, its authority or its names. The message says what was tried and what to do."""
