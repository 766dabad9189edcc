# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a host's container toolkit and changes it as a plan says. Decides nothing and knows no Ansible."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.host import apt, files
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, ask, run
from ansible_collections.sophia.platform.plugins.module_utils.host.units import unit_state
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import observe as driver
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_cdi as cdi
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_config as config
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_repository as repositories
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_plan import (
    OBSOLETE_PACKAGES,
    Package,
    Plan,
    Seen,
)
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_versions import PACKAGES

# A file that an operator changed stays as it is; dpkg has nobody to ask.
_QUIET_INSTALL = ("-q", "-y", "--no-install-recommends", "--no-remove", "--allow-change-held-packages")
_KEEP_FILES = ("-o", "Dpkg::Options::=--force-confdef", "-o", "Dpkg::Options::=--force-confold")


def observe(sys_path: str, proc_path: str) -> Seen:
    """See everything that the plan needs."""
    smi, loaded = driver.nvidia_smi(), driver.loaded_module(sys_path, proc_path)
    version = loaded["version"] if loaded else ""
    units = {name: unit_state(name) for name in (cdi.SERVICE, cdi.WATCH)}
    path = cdi.output_path(files.read(cdi.ENVIRONMENT_PATH), units[cdi.SERVICE]["exists"])
    policy = ask("apt-cache", "policy", *PACKAGES)
    return Seen(
        architecture=run("dpkg", "--print-architecture").strip(),
        packages=_packages(),
        offers=repositories.parse_policy(policy.output),
        apt_error=policy.said[:600] if policy.status else "",
        apt_files=apt.read_sources(),
        key=files.read(repositories.KEY_PATH),
        pin=files.read(repositories.PIN_PATH),
        config=read_config(),
        driver=version,
        uuids=tuple(gpu["uuid"] for gpu in smi["gpus"]),
        driver_problem=cdi.driver_problem(version, smi),
        devices=cdi.devices_of(ask("nvidia-ctk", "cdi", "list").output),
        specification=files.read(path),
        specification_path=path,
        units=units,
        running_containers=driver.engine()["containers"] or 0,
    )


def read_config() -> str:
    """Give config.toml with the line ends that it has."""
    try:
        return Path(config.PATH).read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        raise HostError(f"{config.PATH} is no UTF-8 text ({error}). Repair it, or move it away.") from error


def _packages() -> dict[str, Package]:
    form = "${Package}\t${db:Status-Want}\t${db:Status-Status}\t${Version}\n"
    text = ask("dpkg-query", "--show", f"--showformat={form}", *PACKAGES, *OBSOLETE_PACKAGES).output
    rows = (line.split("\t") for line in text.splitlines() if line.count("\t") == 3)
    return {
        name: Package(version, state, want == "hold")
        for name, want, state, version in rows
        if state not in ("not-installed", "config-files")
    }


def apply_packages(plan: Plan, key: str, all_lists: bool, timeout_seconds: int) -> None:
    """Tell apt what it has to know, finish what was interrupted, and bring the packages."""
    if plan.remove:
        # Not purged: /etc/docker/daemon.json is a conffile of nvidia-docker2, and it belongs to the role docker.
        run(*apt.QUIET, "dpkg", "--remove", *plan.remove, timeout_seconds=timeout_seconds)
    if plan.fetch_key:
        files.write(files.File(repositories.KEY_PATH, key))
    for path, text in plan.files.items():
        files.write(files.File(path, text))
    if plan.repair:
        # A package that waits for another one cannot be configured yet; apt brings that one below, or complains.
        ask(
            *apt.QUIET,
            "dpkg",
            "--force-confdef",
            "--force-confold",
            "--configure",
            "-a",
            timeout_seconds=timeout_seconds,
        )
    if plan.install:
        update_lists(all_lists, timeout_seconds)
        names = [f"{name}={plan.version}" for name in PACKAGES]
        argv = (*apt.QUIET, "apt-get", "install", *_QUIET_INSTALL, *_KEEP_FILES, *apt.LOCK, *names)
        run(*argv, timeout_seconds=timeout_seconds)
    if plan.hold:
        apt.hold(plan.hold)


def update_lists(all_lists: bool, timeout_seconds: int) -> None:
    """Read NVIDIA's package list again, or all of them."""
    only = (
        *("-o", f"Dir::Etc::SourceList={repositories.SOURCES_PATH}", "-o", "Dir::Etc::SourceParts=/dev/null"),
        *("-o", "APT::Get::List-Cleanup=false"),
    )
    run(*apt.QUIET, "apt-get", "update", "-q", *apt.LOCK, *(() if all_lists else only), timeout_seconds=timeout_seconds)


def apply_settings(plan: Plan, seen: Seen, timeout_seconds: int) -> None:
    """Edit config.toml, have the CDI units at work, and have the specification generated where it must be."""
    if plan.edits:
        target = Path(config.PATH)
        if not target.exists():  # as the package does when it is installed; it knows where this host's ldconfig is
            target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
            run("nvidia-ctk", "--quiet", "config", f"--config-file={target}", "--in-place")
        text = seen.config or read_config()
        files.write(
            files.File(config.PATH, config.edited(text, plan.edits), target.stat().st_mode & 0o777), config.judge_draft
        )
    if plan.enable:
        run("systemctl", "enable", "--now", *plan.enable)
    if plan.generate:
        _generate(seen, timeout_seconds)


def _generate(seen: Seen, timeout_seconds: int) -> None:
    if seen.units[cdi.SERVICE]["exists"]:
        run("systemctl", "restart", cdi.SERVICE, timeout_seconds=timeout_seconds)
        devices = cdi.devices_of(ask("nvidia-ctk", "cdi", "list").output)
        again = cdi.reasons(devices, seen.uuids, files.read(seen.specification_path), seen.driver)
        if not again:
            return
    # The unit runs only where modules.dep names the module, which an early boot may not have yet.
    Path(seen.specification_path).parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    run("nvidia-ctk", "cdi", "generate", f"--output={seen.specification_path}", timeout_seconds=timeout_seconds)
