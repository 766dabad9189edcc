# SPDX-License-Identifier: GPL-3.0-or-later
"""Compares the rules that are loaded with those that should be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.sophia.platform.plugins.module_utils.firewall.render import CHAINS, JUMP, USER_CHAIN

# A rule of DOCKER-USER without a condition ends the chain there.
_ENDS = tuple(f"-A {USER_CHAIN} -j {target}" for target in ("RETURN", "ACCEPT"))


@dataclass(frozen=True)
class Loaded:
    """What the kernel has of ours: our table's listing, and a listing of the filter table per family of iptables.

    An absent table is an empty text; a family that this host lacks is not in `chains`.
    """

    table: str = ""
    chains: Mapping[str, str] = field(default_factory=dict)


def of_chains(listing: str) -> str:
    """Our chains out of a listing by `iptables -S`."""
    starts = tuple(f"{kind} {name}" for name in CHAINS for kind in ("-N", "-A"))
    lines = [line for line in listing.splitlines() if " ".join(line.split()[:2]) in starts]
    return "".join(f"{line}\n" for line in sorted(lines, key=lambda line: line.split()[1]))


def jumps_count(listing: str) -> int:
    """How often DOCKER-USER jumps to our chain."""
    return listing.splitlines().count(JUMP)


def is_reached(listing: str) -> bool:
    """Whether DOCKER-USER jumps to our chain, once, before anything that ends it."""
    rules = [line for line in listing.splitlines() if line.startswith(f"-A {USER_CHAIN} ")]
    if rules.count(JUMP) != 1:
        return False
    return not any(rule in _ENDS for rule in rules[: rules.index(JUMP)])


def differences(have: Loaded, want: Loaded) -> list[dict[str, str]]:
    """One entry of a diff for each thing that is loaded otherwise. `want.chains` has the families that count."""
    found = []
    if have.table != want.table:
        found.append(_entry("table inet sophia, as loaded", have.table, want.table))
    for family, listing in want.chains.items():
        before, after = (_told(text) for text in (have.chains.get(family, ""), listing))
        if before != after:
            found.append(_entry(f"{USER_CHAIN} and below ({family}), as loaded", before, after))
    return found


def _told(listing: str) -> str:
    count = jumps_count(listing)
    if not count:
        return of_chains(listing)
    place = "" if is_reached(listing) else f"  # {count} times, or after the chain's end"
    return f"{JUMP}{place}\n{of_chains(listing)}"


def _entry(header: str, before: str, after: str) -> dict[str, str]:
    return {"before": before, "after": after, "before_header": header, "after_header": header}
