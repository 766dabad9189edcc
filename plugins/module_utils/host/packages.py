# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what apt has to do so that packages are installed at a version and held. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Installed:
    """One package as dpkg knows it."""

    version: str
    held: bool


@dataclass
class Plan:
    """What to install (package -> version, empty: the newest), what to hold, and why nothing may be done."""

    install: dict[str, str] = field(default_factory=dict)
    hold: list[str] = field(default_factory=list)
    upgrades: bool = False
    problems: list[str] = field(default_factory=list)


def parse_installed(text: str) -> dict[str, Installed]:
    """Read lines of `name<TAB>wanted state<TAB>state<TAB>version`; packages that are not installed are left out."""
    rows = (line.split("\t") for line in text.splitlines() if line.count("\t") == 3)
    return {
        name: Installed(version=version, held=wanted == "hold")
        for name, wanted, state, version in rows
        if state == "installed"
    }


def parse_candidates(text: str) -> dict[str, list[str]]:
    """Read the output of `apt-cache madison`: package -> the versions on offer, newest first."""
    candidates: dict[str, list[str]] = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 3:
            candidates.setdefault(cells[0], []).append(cells[1])
    return candidates


def named(packages: Mapping[str, str]) -> list[str]:
    """Give packages with their versions (empty: none) as apt-get takes them."""
    return [f"{name}={version}" if version else name for name, version in packages.items()]


def simulated_removals(text: str) -> list[str]:
    """Read which packages `apt-get --simulate` would remove."""
    return sorted({line.split()[1] for line in text.splitlines() if line.startswith(("Remv ", "Purg "))})


def matches(version: str, wanted: str) -> bool:
    """Say whether a package version (`5:29.8.0-1~debian.13`) is the wanted one (`29.8.0`, `29.8` or the whole text)."""
    bare = version.split(":", 1)[-1]
    return any(
        text == wanted or (text.startswith(wanted) and not text[len(wanted)].isalnum()) for text in (version, bare)
    )


def make_plan(
    names: list[str],
    wanted: dict[str, str],
    installed: dict[str, Installed],
    candidates: dict[str, list[str]],
    may_upgrade: bool,
    hold: bool = True,
) -> Plan:
    """Compare the packages with what is there.

    `wanted` gives versions of some of the names. `candidates` may be empty (check mode on a host whose package lists
    were never read): then the version is taken on trust. A package that is there at another version is a problem
    unless `may_upgrade`, for its new version restarts what runs on the host.
    """
    plan = Plan()
    for name in names:
        version, have = wanted.get(name, ""), installed.get(name)
        if have is None or (version and not matches(have.version, version)):
            if have is not None and not may_upgrade:
                plan.problems.append(
                    f"{name} {have.version} is installed and {version} is asked for; the change restarts everything "
                    "that runs on it. Take the hosts one at a time and allow it explicitly."
                )
                continue
            plan.upgrades = plan.upgrades or have is not None
            plan.install[name] = _choose(name, version, candidates, plan.problems)
        if hold and (name in plan.install or not have.held):
            plan.hold.append(name)
    return plan


def _choose(name: str, version: str, candidates: dict[str, list[str]], problems: list[str]) -> str:
    if not version or not candidates:
        return version
    offered = candidates.get(name, [])
    found = next((candidate for candidate in offered if matches(candidate, version)), None)
    if found is None:
        problems.append(f"{name} {version} is not on offer; apt knows {', '.join(offered) or 'no version'}.")
    return found or version


def describe(plan: Plan, installed: dict[str, Installed]) -> dict[str, str]:
    """Give the state before and after as text for a diff."""
    before, after = [], []
    for name in sorted(set(plan.install) | set(plan.hold)):
        have = installed.get(name)
        before.append(f"{name} {have.version}{' (held)' if have.held else ''}" if have else f"{name} absent")
        version = plan.install.get(name) or (have.version if have else "newest")
        held = name in plan.hold or (have is not None and have.held)
        after.append(f"{name} {version}{' (held)' if held else ''}")
    return {"before": "".join(f"{line}\n" for line in before), "after": "".join(f"{line}\n" for line in after)}
