# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides what a host needs so that Swarm can hand its GPUs to containers. Pure: seen and wanted in, plan out."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.host.packages import matches
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_cdi as cdi
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_config as config
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_repository as repositories
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.names import GPU_KIND
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_versions import (
    DEAF,
    FIRST_JIT,
    KEEPS_DEFAULTS,
    PACKAGES,
    is_deaf,
    numbers,
)

ROLE = "nvidia_container_toolkit"
OBSOLETE_PACKAGES = ("nvidia-docker2", "nvidia-docker")
CGROUPFS = "native.cgroupdriver=cgroupfs"
_KIND = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_-]*$")
_CHECKSUM = re.compile(r"^sha256:[0-9a-f]{64}$")


@dataclass(frozen=True)
class Wanted:
    """What the role was told."""

    source: str = "auto"
    version: str = "1.20.0"
    min_version: str = "1.19.0"
    repository_url: str = "https://nvidia.github.io/libnvidia-container"
    repository_key_url: str = ""
    repository_key_checksum: str = ""
    repository_key_unchecked_reason: str = ""
    swarm_resource_kind: str = GPU_KIND
    mode: str = "auto"
    docker_settings: Mapping[str, Any] = field(default_factory=dict)
    allow_upgrade: bool = False
    hold: bool = True

    @property
    def resource(self) -> str:
        """The variable in which Swarm names a task's GPUs."""
        return config.resource_of(self.swarm_resource_kind)

    @property
    def has_cgroupfs(self) -> bool:
        """Whether the engine is told to look after cgroups itself, as the legacy hook needs it."""
        return CGROUPFS in (self.docker_settings.get("exec-opts") or [])


@dataclass(frozen=True)
class Package:
    """A package as dpkg has it. `state` is dpkg's own word (installed, half-configured, ...)."""

    version: str
    state: str = "installed"
    held: bool = False


@dataclass
class Seen:
    """What was found on the host."""

    architecture: str = "amd64"
    packages: dict[str, Package] = field(default_factory=dict)
    offers: dict[str, repositories.Offer] = field(default_factory=dict)
    apt_error: str = ""  # why apt cannot even list what it knows
    apt_files: dict[str, str] = field(default_factory=dict)
    key: str = ""
    pin: str = ""
    config: str = ""
    driver: str = ""
    uuids: tuple[str, ...] = ()
    driver_problem: str = ""
    devices: list[str] = field(default_factory=list)
    specification: str = ""
    specification_path: str = cdi.VOLATILE_PATH
    units: dict[str, dict[str, bool]] = field(default_factory=dict)
    running_containers: int = 0

    @property
    def toolkit(self) -> dict[str, Package]:
        """Those of the toolkit's packages that are there, whole or not."""
        return {name: self.packages[name] for name in PACKAGES if name in self.packages}

    @property
    def broken(self) -> list[str]:
        """Packages whose installation was interrupted."""
        return [name for name, package in self.toolkit.items() if package.state != "installed"]

    @property
    def version(self) -> str:
        """The version of all four packages; empty when one is missing, broken or of another version."""
        versions = {package.version for package in self.toolkit.values()}
        whole = len(self.toolkit) == len(PACKAGES) and not self.broken
        return versions.pop() if whole and len(versions) == 1 else ""


@dataclass
class Plan:
    """What to do. `version` is the one that the host will have; `install` says that apt must bring it."""

    source: str = ""
    version: str = ""
    install: bool = False
    repair: bool = False
    remove: list[str] = field(default_factory=list)
    hold: list[str] = field(default_factory=list)
    files: dict[str, str] = field(default_factory=dict)  # path -> text, empty: no such file; the key is not in it
    fetch_key: bool = False
    edits: list[config.Edit] = field(default_factory=list)
    enable: list[str] = field(default_factory=list)
    generate: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    driver_problems: list[str] = field(default_factory=list)

    @property
    def rehearse(self) -> bool:
        """Whether apt must be asked beforehand if it can do what the plan says."""
        return self.source == "nvidia" and (self.install or self.fetch_key or bool(self.files))

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        todo = (self.install, self.repair, self.remove, self.hold, self.files, self.fetch_key)
        return any(todo) or any((self.edits, self.enable, self.generate))


def make_plan(wanted: Wanted, seen: Seen) -> Plan:
    """Compare, decide, and collect every reason why it cannot be done."""
    plan = Plan(problems=option_problems(wanted))
    if seen.architecture not in repositories.ARCHITECTURES:
        plan.problems.append(
            f"This host's architecture is {seen.architecture}; NVIDIA has the toolkit for "
            f"{' and '.join(repositories.ARCHITECTURES)} only. Take the host out of the group gpu."
        )
    if seen.driver_problem:
        plan.driver_problems.append(seen.driver_problem)
    plan.source = choose_source(wanted, seen)
    _plan_packages(plan, wanted, seen)
    _plan_files(plan, wanted, seen)
    _plan_config(plan, wanted, seen)
    _plan_cdi(plan, seen)
    return plan


def option_problems(wanted: Wanted) -> list[str]:
    """Say what is wrong with the options, whatever the host is like."""
    problems = []
    if not _KIND.match(wanted.swarm_resource_kind):
        problems.append(
            f"{ROLE}_swarm_resource_kind is {wanted.swarm_resource_kind!r}; it becomes the name of a variable, so it "
            "takes letters, digits, - and _ only (NVIDIA-GPU)."
        )
    if wanted.repository_key_checksum and not _CHECKSUM.match(wanted.repository_key_checksum):
        problems.append(f"{ROLE}_repository_key_checksum must be sha256: and 64 hexadecimal digits.")
    if not wanted.repository_key_checksum and not wanted.repository_key_unchecked_reason.strip():
        problems.append(
            f"{ROLE}_repository_key_checksum is empty, so any key would be trusted. Give it, or say in "
            f"{ROLE}_repository_key_unchecked_reason why it cannot be known."
        )
    if wanted.mode == "legacy" and not wanted.has_cgroupfs:
        problems.append(legacy_problem(f"{ROLE}_mode is legacy"))
    if numbers(wanted.version) < numbers(wanted.min_version):
        problems.append(
            f"{ROLE}_version is {wanted.version}, below {ROLE}_min_version {wanted.min_version}. Raise the one or "
            "lower the other."
        )
    return problems


def legacy_problem(why: str) -> str:
    """Say what the legacy hook needs of the engine."""
    return (
        f"{why}: the GPU is then put in by a hook that systemd does not know of, and the next `systemctl "
        'daemon-reload` takes it away from running containers ("Failed to initialize NVML: Unknown Error"). Give the '
        f'engine docker_daemon_settings: {{exec-opts: ["{CGROUPFS}"]}} and hand the same to {ROLE}_docker_settings.'
    )


def version_problems(version: str, wanted: Wanted) -> list[str]:
    """Say why a toolkit of this version cannot serve here; nothing when it can."""
    problems = []
    if is_deaf(version) and wanted.mode == "auto":
        first, last = (".".join(map(str, part)) for part in DEAF)
        problems.append(
            f"Toolkit {version} ignores swarm-resource, as {first} to {last} do in mode auto: a task would get every "
            "GPU or none, whatever it reserved."
        )
    if numbers(version) < numbers(wanted.min_version):
        problems.append(f"Toolkit {version} is older than {ROLE}_min_version {wanted.min_version}.")
    return problems


def choose_source(wanted: Wanted, seen: Seen) -> str:
    """Say whose packages the host has in the end: `preinstalled` or `nvidia`.

    What was chosen once stays: a host with our sources file goes on with NVIDIA's repository.
    """
    if wanted.source != "auto":
        return wanted.source
    keep = seen.version and not version_problems(seen.version, wanted)
    ours = repositories.SOURCES_PATH in seen.apt_files
    stable = not repositories.downgrades(seen.offers, seen.version) if seen.version else False
    return "preinstalled" if keep and not ours and stable else "nvidia"


def _plan_packages(plan: Plan, wanted: Wanted, seen: Seen) -> None:
    plan.repair = bool(seen.broken)
    plan.remove = [name for name in OBSOLETE_PACKAGES if name in seen.packages]
    if plan.remove and not wanted.allow_upgrade:
        plan.problems.append(
            f"{' and '.join(plan.remove)} is installed and does not work with this toolkit. Remove it, or set "
            f"{ROLE}_allow_upgrade: true."
        )
    if plan.source == "preinstalled":
        _keep(plan, wanted, seen)
    else:
        _bring(plan, wanted, seen)
    hooked = wanted.mode == "auto" and numbers(wanted.min_version) <= numbers(plan.version) < FIRST_JIT
    if plan.version and hooked and not wanted.has_cgroupfs:
        plan.problems.append(legacy_problem(f"Toolkit {plan.version} knows no CDI mode of its own"))
    if wanted.resource == config.DEFAULT_RESOURCE and plan.version and numbers(plan.version) < KEEPS_DEFAULTS:
        plan.problems.append(
            f"{ROLE}_swarm_resource_kind GPU is the default of config.toml, and toolkits before "
            f"{'.'.join(map(str, KEEPS_DEFAULTS))} comment a default out at every upgrade ({plan.version} is this "
            "host's). Take another kind, such as NVIDIA-GPU."
        )
    if wanted.hold:
        plan.hold = [
            name for name in PACKAGES if plan.install or not seen.packages.get(name, Package("", held=False)).held
        ]


def _keep(plan: Plan, wanted: Wanted, seen: Seen) -> None:
    """Judge packages that somebody else installed. Broken ones are first repaired as they are."""
    versions = sorted({package.version for package in seen.toolkit.values()})
    missing = [name for name in PACKAGES if name not in seen.toolkit]
    plan.version = versions[0] if versions else ""
    problems = []
    if missing:
        problems.append(f"{', '.join(missing)} is not installed.")
    if len(versions) > 1:
        listed = ", ".join(f"{name} {package.version}" for name, package in seen.toolkit.items())
        problems.append(f"The toolkit's packages are not of one version: {listed}.")
    for version in versions[:1]:
        problems += version_problems(version, wanted)
    if problems:
        plan.problems.append(f"{' '.join(problems)} {_way_out(plan.version, wanted)}")


def _way_out(version: str, wanted: Wanted) -> str:
    advice = f"Set {ROLE}_source: nvidia, with {ROLE}_version {wanted.version} from NVIDIA's repository"
    if version and is_deaf(version):
        first, second, third = numbers(version)
        advice += (
            f"; or keep it with {ROLE}_mode: legacy, {ROLE}_min_version: {first}.{second}.{third} and "
            f"{CGROUPFS} for the engine"
        )
    return f"{advice}."


def _bring(plan: Plan, wanted: Wanted, seen: Seen) -> None:
    """Plan the packages of NVIDIA's repository, all of one version."""
    repository = repositories.Repository(wanted.repository_url, seen.architecture)
    plan.version = repositories.choose(repositories.offered(seen.offers, repository.host), wanted.version)
    if not plan.version:  # the lists do not have it (yet): what is installed may be it, or apt's rehearsal finds it
        plan.version = seen.version if seen.version and matches(seen.version, wanted.version) else wanted.version
    have = seen.version
    plan.install = plan.version != have
    if numbers(wanted.version) < numbers(wanted.min_version):
        return  # the options contradict each other, which is told already
    deaf = version_problems(plan.version, wanted)
    if deaf:
        plan.problems.append(f"{' '.join(deaf)} Set {ROLE}_version to 1.19.0 or later.")
    if not plan.install or not seen.toolkit:
        return
    newest = next(iter(repositories.sort_versions({package.version for package in seen.toolkit.values()})))
    if numbers(newest) > numbers(plan.version):
        plan.problems.append(
            f"Toolkit {newest} is installed, newer than {plan.version}, and nothing is downgraded here. Set "
            f"{ROLE}_version: {'.'.join(map(str, numbers(newest)))}, or {ROLE}_source: preinstalled."
        )
    elif not wanted.allow_upgrade and have and not version_problems(have, wanted):
        plan.problems.append(
            f"Toolkit {have} is installed, it serves, and {plan.version} is asked for. Set {ROLE}_allow_upgrade: true "
            f"to change it, or {ROLE}_version to what is there."
        )
    elif not wanted.allow_upgrade and seen.running_containers:
        plan.problems.append(
            f"{seen.running_containers} containers run here and toolkit {newest} must be replaced by {plan.version}: "
            "the packages make systemd reload, and a container that got its GPU from the legacy hook loses it then. "
            f"Drain the host, or set {ROLE}_allow_upgrade: true."
        )


def _plan_files(plan: Plan, wanted: Wanted, seen: Seen) -> None:
    """Plan what apt is told. Without NVIDIA's repository nothing of ours stays."""
    repository = repositories.Repository(wanted.repository_url, seen.architecture)
    ours = plan.source == "nvidia"
    texts = {
        repositories.SOURCES_PATH: (seen.apt_files.get(repositories.SOURCES_PATH, ""), repository.sources()),
        repositories.PIN_PATH: (seen.pin, repository.pin),
    }
    for path, (have, want) in texts.items():
        if have != (want if ours else ""):
            plan.files[path] = want if ours else ""
    if not ours:
        if seen.key:
            plan.files[repositories.KEY_PATH] = ""
        return
    obsolete = repositories.obsolete_lists(seen.apt_files)
    conflicts = repositories.conflicts(seen.apt_files, repository)
    plan.files.update({path: "" for path in obsolete})
    plan.problems += conflicts.values()
    if seen.apt_error and not (obsolete or conflicts):
        plan.problems.append(f"apt cannot work with its sources: {seen.apt_error} Repair /etc/apt/sources.list.d.")
    right = wanted.repository_key_checksum in ("", repositories.checksum_of(seen.key))
    plan.fetch_key = not seen.key or not right
    if not (plan.install or plan.files or plan.fetch_key):
        plan.problems += pin_problems(repositories.downgrades(seen.offers, plan.version), plan.version)


def pin_problems(downgrades: Sequence[str], version: str) -> list[str]:
    """Say that apt would take packages back although our pin is in place."""
    if not downgrades:
        return []
    return [
        f"apt would rather have {', '.join(downgrades)} than {version}, even with {repositories.PIN_PATH}: another pin "
        f"has a priority above {repositories.PIN_PRIORITY}. Look for it in /etc/apt/preferences and "
        "/etc/apt/preferences.d, and lower it."
    ]


def _plan_config(plan: Plan, wanted: Wanted, seen: Seen) -> None:
    """Plan config.toml. A package that is installed makes or rewrites it, so the edits are then found anew."""
    try:
        plan.edits = config.edits_for(seen.config, wanted.resource, wanted.mode)
        config.edited(seen.config, plan.edits)
    except config.ConfigError as error:
        plan.problems.append(
            f"{config.PATH} is not what the toolkit can read ({error}), so no container with a GPU can start. Repair "
            "it, or move it away: a new one is then made."
        )


def _plan_cdi(plan: Plan, seen: Seen) -> None:
    has_units = seen.units.get(cdi.SERVICE, {}).get("exists", False)
    if plan.install:
        plan.generate = ["the toolkit's packages change"] if seen.uuids else []
        return
    if has_units:
        plan.enable = [name for name in (cdi.SERVICE, cdi.WATCH) if not seen.units[name]["enabled"]]
        if not seen.units[cdi.WATCH]["active"] and cdi.WATCH not in plan.enable:
            plan.enable.append(cdi.WATCH)
    plan.generate = cdi.reasons(seen.devices, seen.uuids, seen.specification, seen.driver)


def describe(plan: Plan, seen: Seen) -> dict[str, str]:
    """Give packages, holds and CDI before and after as text for a diff; files have diffs of their own."""
    before, after = [], []
    for name in PACKAGES:
        have = seen.packages.get(name)
        if not (plan.install or name in plan.hold or name in seen.broken):
            continue
        state = f" ({have.state})" if have and have.state != "installed" else ""
        before.append(f"{name} {have.version}{state}{' (held)' if have.held else ''}" if have else f"{name} absent")
        held = name in plan.hold or (have is not None and have.held)
        after.append(f"{name} {plan.version if plan.install or not have else have.version}{' (held)' if held else ''}")
    before += [f"{name} installed" for name in plan.remove]
    after += [f"{name} absent" for name in plan.remove]
    after += [f"{unit} enabled" for unit in plan.enable]
    after += [f"CDI specification generated: {why}" for why in plan.generate]
    return {
        "before_header": "the toolkit",
        "after_header": "the toolkit",
        "before": "".join(f"{line}\n" for line in before),
        "after": "".join(f"{line}\n" for line in after),
    }
