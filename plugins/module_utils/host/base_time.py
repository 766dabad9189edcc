# SPDX-License-Identifier: GPL-3.0-or-later
"""Time zone and time service of a host. Knows no Ansible."""

from __future__ import annotations

import ipaddress
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.host import apt
from ansible_collections.sophia.platform.plugins.module_utils.host.base_step import Step, file_step, told
from ansible_collections.sophia.platform.plugins.module_utils.host.base_texts import HEADER
from ansible_collections.sophia.platform.plugins.module_utils.host.base_units import Unit, unit_of
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, ask, run
from ansible_collections.sophia.platform.plugins.module_utils.host.files import File, read
from ansible_collections.sophia.platform.plugins.module_utils.host.packages import simulated_removals

ZONES = "/usr/share/zoneinfo"
LOCALTIME = "/etc/localtime"
TIMEZONE = "/etc/timezone"
APT_SECONDS = 900
HOST_NAME = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*"
)


@dataclass(frozen=True)
class Service:
    """A program that keeps the time, the file that names its servers, and the form of that file."""

    package: str
    unit: str
    path: str

    def render(self, servers: Sequence[str]) -> str:
        """Render the servers; none of ours means those of the distribution, and no file."""
        if not servers:
            return ""
        if self.package == "chrony":
            return f"# {HEADER}\n" + "".join(f"server {server} iburst\n" for server in servers)
        return f"# {HEADER}\n[Time]\nNTP={' '.join(servers)}\n"


SERVICES = {
    "timesyncd": Service(
        "systemd-timesyncd", "systemd-timesyncd.service", "/etc/systemd/timesyncd.conf.d/60-sophia.conf"
    ),
    "chrony": Service("chrony", "chrony.service", "/etc/chrony/sources.d/60-sophia.sources"),
}


def problems(zone: str, servers: Sequence[str], zones: str = ZONES) -> list[str]:
    """Say what cannot be a time zone here, and what cannot be a server."""
    found = []
    known = re.fullmatch(r"[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*", zone) and (Path(zones) / zone).is_file()
    if not known and not (_is_utc(zone) and not Path(zones).exists()):
        found.append(
            f"host_base_timezone: {zone!r} is no time zone of this host: there is no {zones}/{zone}. "
            "Names are like Etc/UTC or Europe/Berlin (package tzdata)."
        )
    found += [
        f"host_base_ntp_servers: {server!r} is neither a host name nor an IP address (and no port is possible)."
        for server in servers
        if not _is_server(server)
    ]
    return found


def _is_server(server: str) -> bool:
    try:
        ipaddress.ip_address(server)
    except ValueError:
        return bool(HOST_NAME.fullmatch(server)) and not re.fullmatch(r"[0-9.]+", server)
    return True


def _is_utc(zone: str) -> bool:
    return zone in ("UTC", "Etc/UTC")


def current_zone(link: str = LOCALTIME) -> str:
    """Read the time zone from its link; without one it is UTC."""
    target = Path(link)
    if target.is_symlink():
        return str(target.readlink()).rpartition("zoneinfo/")[2]
    return "a file that is no link" if target.exists() else "UTC"


def zone_steps(zone: str, zones: str = ZONES, link: str = LOCALTIME, name_path: str = TIMEZONE) -> list[Step]:
    """Plan the time zone. Two names of UTC are the same."""
    have = current_zone(link)
    found = []
    if have != zone and not (_is_utc(have) and _is_utc(zone)):

        def apply() -> None:
            draft = Path(f"{link}.sophia")
            draft.unlink(missing_ok=True)
            draft.symlink_to(f"{zones}/{zone}")
            draft.replace(link)

        found.append(told("time zone", have, zone, apply))
    # The same name once more, where the distribution keeps it.
    named = read(name_path).strip()
    if named and named != zone and not (_is_utc(named) and _is_utc(zone)):
        found += file_step(File(name_path, f"{zone}\n"))
    return found


def service_steps(name: str, servers: Sequence[str], units: Mapping[str, Unit], packages: Sequence[str]) -> list[Step]:
    """Plan the time service from the units and those of the two packages that are installed."""
    found = []
    for other in (service for kind, service in SERVICES.items() if kind != name):
        found += file_step(File(other.path, ""))
    if name not in SERVICES:
        return found
    service = SERVICES[name]
    unit, file = unit_of(units, service.unit), File(service.path, service.render(servers))
    missing, stale = service.package not in packages, unit.is_older_than(service.path)
    found += file_step(file)
    runs = unit.active and unit.file_state == "enabled"
    if missing or stale or not runs or not file.is_right:
        have = ", ".join(packages) or "none"
        found.append(
            told(
                "time service",
                f"{have}{'' if missing else ', ' + ('enabled and running' if runs else 'not running at every boot')}",
                f"{service.package}, enabled and running{', reads ' + service.path if file.text else ''}",
                lambda: _start(service, missing),
            )
        )
    return found


def _start(service: Service, missing: bool) -> None:
    if missing:
        install(service.package)
    run("systemctl", "unmask", service.unit)
    run("systemctl", "enable", service.unit)
    run("systemctl", "restart", service.unit)


def install(package: str) -> None:
    """Install a time service. The other one, which excludes it, is removed in the same step, and nothing else is."""
    others = [service.package for service in SERVICES.values() if service.package != package]
    installed = [f"{name}-" for name in apt.read_installed(others)]
    argv = ["apt-get", "install", "-q", "-y", "--no-install-recommends", package, *installed]
    if ask(*apt.QUIET, *argv, "--simulate").status != 0:
        apt.update_lists(APT_SECONDS)
    removed = simulated_removals(run(*apt.QUIET, *argv, "--simulate"))
    if set(removed) - set(others):
        raise HostError(
            f"{package} would remove {', '.join(removed)}. Nothing was changed; choose another time service."
        )
    run(*apt.QUIET, *argv, *apt.LOCK, timeout_seconds=APT_SECONDS)


def wait_for_sync(timeout_seconds: int, pause: float = 1.0) -> list[str]:
    """Say that the clock is not kept by the network, when it is still so after the time."""
    end = time.monotonic() + timeout_seconds
    while True:
        said = ask("timedatectl", "show", "--property=NTPSynchronized", "--value").said
        if said == "yes":
            return []
        if time.monotonic() >= end:
            return [
                f"The clock is not synchronised after {timeout_seconds} s (timedatectl says NTPSynchronized={said}). "
                "TLS between Swarm nodes needs that. Look at `journalctl -u systemd-timesyncd -u chrony`, and whether "
                "UDP port 123 is open to the outside."
            ]
        time.sleep(pause)
