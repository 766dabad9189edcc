# SPDX-License-Identifier: GPL-3.0-or-later
"""Has apt do what the plan says. Knows no Ansible."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.host import apt
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, ask, run
from ansible_collections.sophia.platform.plugins.module_utils.host.packages import Plan, named, simulated_removals

UNITS = ("docker.socket", "docker.service", "containerd.service")
_SHIM = "containerd-shim"  # the kernel keeps 15 letters of a name


def containers_count(processes: Path = Path("/proc")) -> int:
    """Count the shims of containerd that run: each is one container or one pod, whoever made it."""
    found = 0
    for path in processes.glob("[0-9]*/comm"):
        try:
            found += path.read_text(encoding="utf-8", errors="replace").strip() == _SHIM
        except OSError:  # it has ended
            continue
    return found


def install(plan: Plan, blocking: list[str], timeout_seconds: int) -> None:
    """Install and hold what the plan names; what excludes it goes in the same transaction."""
    if plan.install and blocking:
        _replace(plan, blocking, timeout_seconds)
    else:
        apt.apply(plan, timeout_seconds)


def _replace(plan: Plan, blocking: list[str], timeout_seconds: int) -> None:
    """Put one source's engine in the place of another's, by one transaction that was tried and fetched before."""
    options = ["-q", "-y", "--no-install-recommends", "--allow-change-held-packages", *apt.LOCK]
    argv = [*apt.QUIET, "apt-get", "install", *options, *named(plan.install), *(f"{name}-" for name in blocking)]
    lost = also_removed(run(*argv, "--simulate", timeout_seconds=timeout_seconds), blocking)
    if lost:
        raise HostError(
            f"Replacing {', '.join(blocking)} would also remove {', '.join(lost)}, which need them. Nothing was "
            "changed. Remove these packages yourself, or keep the engine that is there (docker_source: preinstalled)."
        )
    run(*argv, "--download-only", timeout_seconds=timeout_seconds)
    ask("systemctl", "stop", *UNITS)  # those that exist; what stays up would outlive its package
    run(*argv, timeout_seconds=timeout_seconds)
    if plan.hold:
        apt.hold(plan.hold)


def also_removed(simulation: str, expected: Collection[str]) -> list[str]:
    """Name the packages that a simulated run of apt removes beyond the expected ones. Pure."""
    removed = [name.split(":")[0] for name in simulated_removals(simulation)]
    return [name for name in removed if name not in expected]
