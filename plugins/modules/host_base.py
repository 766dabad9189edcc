#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts what every host of the platform has in common in place, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: host_base
short_description: Have time, limits, kernel settings, swap, the journal and security upgrades as they should be
version_added: "0.1.0"
description:
  - Looks at everything first. All problems of a host, those of its users among them, are told at once, and then nothing
    is changed.
  - Owns only files with C(sophia) in their names. A setting that is taken back leaves none of them behind.
  - Restarts or reloads what reads a file when that file changed, or when it started before the file changed.
  - Looks once more after a change, and says in RV(problems) what is not as it should be.
  - Refuses distributions and architectures that the roles do not know.
options:
  packages:
    description:
      - Packages that should be installed. RV(missing_packages) says which are not, and M(sophia.platform.apt_packages)
        installs them.
    type: list
    elements: str
    default: []
  users:
    description:
      - Users, as for M(sophia.platform.host_users). Here they are judged, and RV(users_differ) says whether that module
        has work.
    type: list
    elements: dict
    default: []
    suboptions:
      name: {description: The user's name., type: str, required: true}
      groups: {description: More groups. Missing ones are made., type: list, elements: str, default: []}
      authorized_keys: {description: SSH public keys., type: list, elements: str, default: []}
      authorized_keys_exclusive: {description: Whether other keys are removed., type: bool, default: false}
      sudo: {description: Whether the user may become root without a password., type: bool, default: false}
      shell: {description: The login shell., type: str, default: /bin/bash}
      state: {description: Whether the user exists., type: str, choices: [present, absent], default: present}
  timezone:
    description: The time zone.
    type: str
    default: Etc/UTC
  time_service:
    description: What keeps the clock. V(none) leaves the clock to others and asserts nothing.
    type: str
    choices: [timesyncd, chrony, none]
    default: timesyncd
  ntp_servers:
    description: Time servers. Empty keeps the distribution's.
    type: list
    elements: str
    default: []
  time_sync_timeout_seconds:
    description: How long the clock may take to be synchronised after a change.
    type: int
    default: 60
  unattended_upgrades:
    description: Whether security upgrades are installed by themselves. V(false) turns off the distribution's own too.
    type: bool
    default: true
  upgrade_blacklist:
    description: Regular expressions of package names (from their beginning) that are never upgraded that way.
    type: list
    elements: str
    default: []
  never_restarted_services:
    description: Services that needrestart must not restart, without C(.service).
    type: list
    elements: str
    default: []
  open_files:
    description: Limits of open files for logins and services, C(soft) and C(hard). Empty leaves them alone.
    type: dict
    default: {}
  sysctls:
    description: Kernel settings.
    type: dict
    default: {}
  swap:
    description: V(off) turns swap off, now and at boot. V(keep) takes back what V(off) did to the fstab, and no more.
    type: str
    choices: ["off", keep]
    default: keep
  journal_max_use_mib:
    description: How much the journal may keep, in MiB. V(0) is systemd's own limit.
    type: int
    default: 0
  journal_retention_days:
    description: How long the journal keeps, in days. V(0) is no limit.
    type: int
    default: 0
  journal_forward_to_syslog:
    description: Whether a syslog daemon gets everything too.
    type: bool
    default: false
attributes:
  check_mode: {support: full, description: Runs without changing anything.}
  diff_mode: {support: full, description: Shows files and states before and after.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Have what every host has in common
  sophia.platform.host_base:
    timezone: Etc/UTC
    time_service: chrony
    ntp_servers: [0.pool.ntp.org, 1.pool.ntp.org]
    sysctls: {net.ipv4.ip_forward: 1, vm.swappiness: 10}
    open_files: {soft: 65536, hard: 524288}
    swap: "off"
    journal_max_use_mib: 2048
"""

RETURN = r"""
missing_packages:
  description: Those of O(packages), and of what other settings need, that are not installed.
  returned: success
  type: list
  elements: str
users_differ:
  description: Whether M(sophia.platform.host_users) would change something.
  returned: success
  type: bool
problems:
  description: What is not as it should be, though this module has done its part.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.host import apt, base, base_sysctls, base_users
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError

STRINGS = {"type": "list", "elements": "str", "default": []}
SPEC = {
    "packages": STRINGS,
    "users": {"type": "list", "elements": "dict", "default": [], "options": base_users.USER_SPEC},
    "timezone": {"type": "str", "default": "Etc/UTC"},
    "time_service": {"type": "str", "choices": ["timesyncd", "chrony", "none"], "default": "timesyncd"},
    "ntp_servers": STRINGS,
    "time_sync_timeout_seconds": {"type": "int", "default": 60},
    "unattended_upgrades": {"type": "bool", "default": True},
    "upgrade_blacklist": STRINGS,
    "never_restarted_services": STRINGS,
    "open_files": {"type": "dict", "default": {}},
    "sysctls": {"type": "dict", "default": {}},
    "swap": {"type": "str", "choices": ["off", "keep"], "default": "keep"},
    "journal_max_use_mib": {"type": "int", "default": 0},
    "journal_retention_days": {"type": "int", "default": 0},
    "journal_forward_to_syslog": {"type": "bool", "default": False},
}


def reconcile(module: AnsibleModule) -> dict:
    """Look, judge, put right, and look again."""
    settings = module.params
    accounts = base_users.read_accounts(settings["users"])
    problems = base.problems(settings, accounts)
    if problems:
        raise HostError(base.refusal(problems))
    packages = base.needed_packages(settings)
    installed = apt.read_installed(packages) if packages else {}
    users, steps = base_users.steps(settings["users"], accounts), base.steps(settings)
    for text in base_sysctls.later_files(settings["sysctls"]):
        module.warn(text)
    if not module.check_mode:
        for step in steps:
            step.apply()
    return {
        "changed": bool(steps),
        "diff": [step.diff for step in steps],
        "missing_packages": [name for name in packages if name not in installed],
        "users_differ": bool(users),
        "problems": [] if steps and module.check_mode else base.promise(settings, bool(steps)),
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        result = reconcile(module)
    except (HostError, OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
