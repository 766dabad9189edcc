# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether text is an IP address, as records and URLs have them."""

from __future__ import annotations

import ipaddress


def is_address(text: str, version: int | None = None) -> bool:
    """Whether text is an IP address, of this version if one is given. With a zone (`%eth0`) it is none."""
    try:
        return "%" not in text and version in (None, ipaddress.ip_address(text).version)
    except ValueError:
        return False
