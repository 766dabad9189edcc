# SPDX-License-Identifier: GPL-3.0-or-later
"""What every host of the platform has in common: plans it, does it, and looks again. Knows no Ansible."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.host import (
    apt,
    base_swap,
    base_sysctls,
    base_texts,
    base_time,
    base_users,
    support,
)
from ansible_collections.sophia.platform.plugins.module_utils.host.base_step import Step, file_step, told
from ansible_collections.sophia.platform.plugins.module_utils.host.base_units import Unit, read_units, unit_of
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, ask, run
from ansible_collections.sophia.platform.plugins.module_utils.host.files import File

JOURNAL_UNIT = "systemd-journald.service"
TIMERS = ("apt-daily.timer", "apt-daily-upgrade.timer")
PACKAGE_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]+")
SERVICE_NAME = re.compile(r"[A-Za-z0-9:_.@-]+")
CAP_SYS_RESOURCE = 24


def needed_packages(settings: Mapping[str, Any]) -> list[str]:
    """Give the packages that are asked for, and those that the other settings need."""
    names = [*settings["packages"]]
    names += ["unattended-upgrades"] if settings["unattended_upgrades"] else []
    names += ["sudo"] if base_users.sudoers_text(settings["users"]) else []
    return list(dict.fromkeys(names))


def problems(settings: Mapping[str, Any], accounts: Mapping[str, base_users.Account]) -> list[str]:
    """Say everything that speaks against these settings on this host, before anything is changed."""
    unknown = support.host_problems()
    if unknown:  # what follows asks questions that only a host we know answers
        return unknown
    found = [
        f"host_base_packages: {name!r} is no name of a package."
        for name in settings["packages"]
        if not PACKAGE_NAME.fullmatch(name)
    ]
    found += base_users.problems(settings["users"], accounts)
    found += base_time.problems(settings["timezone"], settings["ntp_servers"])
    found += [
        f"host_base_upgrade_blacklist: {text}" for text in map(_pattern_problem, settings["upgrade_blacklist"]) if text
    ]
    found += [
        f"host_base_never_restarted_services: {name!r} is no name of a service (without .service)."
        for name in settings["never_restarted_services"]
        if not SERVICE_NAME.fullmatch(name) or name.endswith(".service")
    ]
    found += [
        f"host_base_{name} is {settings[name]}; it must be 0 (no limit of ours) or more."
        for name in ("journal_max_use_mib", "journal_retention_days", "time_sync_timeout_seconds")
        if settings[name] < 0
    ]
    try:
        soft, hard = base_texts.open_files(settings["open_files"])
    except ValueError as error:
        found.append(f"host_base_open_files: {error}.")
    else:
        found += open_files_problems(hard, *read_ceilings())
    return found + base_sysctls.problems(settings["sysctls"])


def _pattern_problem(pattern: str) -> str:
    if not pattern or re.search(r'["\n;{}]', pattern):
        return f"{pattern!r} is empty or has signs that apt's configuration cannot have."
    try:
        re.compile(pattern)
    except re.error as error:
        return f"{pattern!r} is no regular expression: {error}."
    return ""


def read_ceilings() -> tuple[int, int, bool]:
    """Read how high the limit of open files may be: in the kernel, in process 1, and whether that may raise its own."""
    most = int(Path("/proc/sys/fs/nr_open").read_text(encoding="ascii"))
    row = re.search(r"^Max open files +\d+ +(\d+|unlimited)", Path("/proc/1/limits").read_text(encoding="ascii"), re.M)
    rights = re.search(r"^CapEff:\s*([0-9a-f]+)", Path("/proc/1/status").read_text(encoding="utf-8"), re.M)
    first = int(row[1]) if row and row[1].isdigit() else most
    return most, first, bool(rights and int(rights[1], 16) >> CAP_SYS_RESOURCE & 1)


def open_files_problems(hard: int, most: int, first: int, may_raise: bool) -> list[str]:
    """Say why this host could not give that many files: a login whose limits cannot be set is refused."""
    ceiling = most if may_raise else min(most, first)
    if hard <= ceiling:
        return []
    return [
        f"host_base_open_files: hard is {hard}, and this host cannot go above {ceiling} (the kernel's fs.nr_open is "
        f"{most}, its first process has {first} and may {'' if may_raise else 'not '}raise it). No login would work."
    ]


def steps(settings: Mapping[str, Any]) -> list[Step]:
    """Plan everything but packages and users."""
    services = base_time.SERVICES.values()
    names = [JOURNAL_UNIT, *TIMERS, *(service.unit for service in services)]
    swap_off = settings["swap"] == "off"
    units = read_units([*names, *(["*.swap"] if swap_off else [])])
    found = base_sysctls.steps(settings["sysctls"])
    found += base_swap.steps(settings["swap"], units.values())
    found += limits_steps(*base_texts.open_files(settings["open_files"]))
    found += journal_steps(settings, unit_of(units, JOURNAL_UNIT))
    found += upgrades_steps(settings, units)
    found += file_step(
        File(base_texts.NEEDRESTART_PATH, base_texts.needrestart_text(settings["never_restarted_services"]))
    )
    found += base_time.zone_steps(settings["timezone"])
    keeps_time = settings["time_service"] != "none"
    packages = apt.read_installed([service.package for service in services]) if keeps_time else {}
    return found + base_time.service_steps(settings["time_service"], settings["ntp_servers"], units, [*packages])


def limits_steps(soft: int, hard: int) -> list[Step]:
    """Plan the limits of logins and of services; systemd is asked whether it has read them."""
    found = file_step(File(base_texts.LIMITS_PATH, base_texts.limits_text(soft, hard)))
    manager = file_step(File(base_texts.MANAGER_PATH, base_texts.manager_text(soft, hard)), then=_reload_systemd)
    if manager or not hard:
        return found + manager
    text = run("systemctl", "show", "--property=DefaultLimitNOFILE", "--property=DefaultLimitNOFILESoft")
    have = dict(line.split("=", 1) for line in text.split())
    seen = f"{have.get('DefaultLimitNOFILESoft')}:{have.get('DefaultLimitNOFILE')}"
    if seen != f"{soft}:{hard}":
        found.append(told("systemd's DefaultLimitNOFILE", seen, f"{soft}:{hard}", _reload_systemd))
    return found


def _reload_systemd() -> None:
    run("systemctl", "daemon-reload")


def _restart_journal() -> None:
    run("systemctl", "restart", JOURNAL_UNIT)


def journal_steps(settings: Mapping[str, Any], unit: Unit) -> list[Step]:
    """Plan the journal's limits. One that started before its file changed has not read it."""
    found = file_step(File(base_texts.JOURNAL_PATH, _journal_text(settings)), then=_restart_journal)
    if not found and unit.is_older_than(base_texts.JOURNAL_PATH):
        found.append(told(JOURNAL_UNIT, "runs with an older file", "restarted", _restart_journal))
    return found


def _journal_text(settings: Mapping[str, Any]) -> str:
    return base_texts.journal_text(
        settings["journal_max_use_mib"], settings["journal_retention_days"], settings["journal_forward_to_syslog"]
    )


def upgrades_steps(settings: Mapping[str, Any], units: Mapping[str, Unit]) -> list[Step]:
    """Plan apt's settings, judged by apt, and the timers that act on them."""
    wanted = settings["unattended_upgrades"]
    text = base_texts.upgrades_text(wanted, _distribution(), settings["upgrade_blacklist"])
    found = file_step(File(base_texts.UPGRADES_PATH, text), judge_apt)
    for name in TIMERS if wanted else ():
        unit = unit_of(units, name)
        if not (unit.active and unit.file_state == "enabled"):
            state = f"{unit.file_state or unit.load}, {'running' if unit.active else 'not running'}"
            found.append(told(name, state, "enabled, running", lambda name=name: _start_timer(name)))
    return found


def _distribution() -> str:
    return support.read_os_release().get("ID", "")


def judge_apt(draft: str) -> None:
    """Have apt read a draft: one that it cannot read would stop every later use of it."""
    answer = ask("apt-config", "-c", draft, "dump")
    if answer.status != 0:
        raise HostError(f"apt refuses {base_texts.UPGRADES_PATH}, which stays as it was: {answer.said}")


def _start_timer(name: str) -> None:
    run("systemctl", "unmask", name)
    run("systemctl", "enable", "--now", name)


def promise(settings: Mapping[str, Any], has_changed: bool) -> list[str]:
    """Look at the host once more and say what is not as this module promises."""
    found = []
    if has_changed:
        found += [f"{step.title} is still otherwise after it was put right." for step in steps(settings)]
    found += base_texts.upgrades_problems(
        run("apt-config", "dump"), settings["unattended_upgrades"], _distribution(), settings["upgrade_blacklist"]
    )
    found += base_texts.journal_problems(
        run("systemd-analyze", "cat-config", "systemd/journald.conf"), _journal_text(settings)
    )
    if settings["time_service"] != "none":
        found += base_time.wait_for_sync(settings["time_sync_timeout_seconds"] if has_changed else 0)
    return found


def refusal(found: list[str]) -> str:
    """Give the text that stops a run: which host, and everything at once."""
    return f"Nothing was changed on {socket.gethostname()}:\n" + "\n".join(f"- {text}" for text in found)
