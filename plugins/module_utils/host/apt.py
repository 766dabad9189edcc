# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs dpkg and apt. Knows no Ansible."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, ask
from ansible_collections.sophia.platform.plugins.module_utils.host.files import read
from ansible_collections.sophia.platform.plugins.module_utils.host.packages import (
    Installed,
    Plan,
    named,
    parse_candidates,
    parse_installed,
)

POLICY = Path("/usr/sbin/policy-rc.d")
LOCK = ("-o", "DPkg::Lock::Timeout=120")  # seconds; somebody else may hold it for a while
SOURCES = Path("/etc/apt")
# Nothing asks, nothing restarts services behind our back.
QUIET = ("env", "DEBIAN_FRONTEND=noninteractive", "NEEDRESTART_SUSPEND=1")


def _run(argv: list[str], timeout_seconds: int, accepted: tuple[int, ...] = (0,)) -> str:
    answer = ask(*QUIET, *argv, timeout_seconds=timeout_seconds)
    if answer.status not in accepted:
        raise HostError(
            f"{' '.join(argv)} ended with {answer.status}: {(answer.errors or answer.output)[-1500:].strip()}"
        )
    return answer.output


def read_installed(names: list[str]) -> dict[str, Installed]:
    """Ask dpkg for the packages; those it does not know are left out."""
    form = "${Package}\t${db:Status-Want}\t${db:Status-Status}\t${Version}\n"
    return parse_installed(_run(["dpkg-query", "--show", f"--showformat={form}", *names], 60, accepted=(0, 1)))


def read_candidates(names: list[str]) -> dict[str, list[str]]:
    """Ask apt which versions of the packages its lists hold."""
    return parse_candidates(_run(["apt-cache", "madison", *names], 60))


def read_sources() -> dict[str, str]:
    """Give the text of every file in which apt looks for repositories, by its path."""
    folder = SOURCES / "sources.list.d"
    paths = [SOURCES / "sources.list", *sorted(folder.glob("*.list")), *sorted(folder.glob("*.sources"))]
    return {str(path): read(str(path)) for path in paths if path.is_file()}


def update_lists(timeout_seconds: int) -> None:
    """Read the package lists again."""
    _run(["apt-get", "update", "-q"], timeout_seconds)


def apply(plan: Plan, timeout_seconds: int) -> None:
    """Install and hold what the plan names. Never removes a package; services are not started by it."""
    if plan.install:
        options = ["-q", "-y", "--no-install-recommends", "--no-remove", *LOCK]
        held = ["--allow-change-held-packages"] if plan.upgrades else []
        with _services_kept_still():
            _run(["apt-get", "install", *options, *held, *named(plan.install)], timeout_seconds)
    if plan.hold:
        hold(plan.hold)


def hold(names: Iterable[str]) -> None:
    """Tell dpkg to keep packages as they are."""
    _run(["apt-mark", "hold", *names], 60)


@contextmanager
def _services_kept_still() -> Iterator[None]:
    """Tell maintainer scripts to leave services alone: they are started once their configuration is there."""
    ours = not POLICY.exists()
    if ours:
        POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
        POLICY.chmod(0o755)
    try:
        yield
    finally:
        if ours:
            POLICY.unlink()
