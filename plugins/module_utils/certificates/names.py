# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of a certificate: what is wrong with those asked for, and those that it has. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cryptography import x509

LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
NAME = re.compile(rf"(\*\.)?({LABEL}\.)+{LABEL}")
NAME_COUNT_MAX = 100


def covered(certificate: x509.Certificate) -> frozenset[str]:
    """The names that a certificate is for, of whatever kind."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return frozenset()
    return frozenset(str(getattr(name, "value", name)).lower() for name in found)


def problems(names: Sequence[str], zone: str) -> list[str]:
    """What no authority would take, or no record in the zone could prove."""
    found = [] if names else ["there are none"]
    if len(names) > NAME_COUNT_MAX:
        found.append(f"{len(names)} are too many, authorities take {NAME_COUNT_MAX}; ask for a wildcard")
    for name in names:
        parent = f"*.{name.partition('.')[2]}"
        if not NAME.fullmatch(name) or len(name) > 253:
            found.append(f"{name!r} is no host name in lower case (IDN: xn--…)")
        elif name != zone and not name.endswith(f".{zone}"):
            found.append(f"{name} is not in the zone {zone}")
        elif parent in names and parent != name:
            found.append(f"{name} is covered by {parent}, and authorities refuse both together")
    return found
