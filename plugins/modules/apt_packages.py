#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs Debian packages, at a version and on hold where asked, in one call."""

from __future__ import annotations

DOCUMENTATION = r"""
module: apt_packages
short_description: Install Debian packages, at a version and on hold where asked
version_added: "0.1.0"
description:
  - Makes sure that packages are installed, at a version when one is given. With O(hold) they are on hold in dpkg, so
    that no unattended upgrade restarts what runs on the host.
  - Needs neither python3-apt nor package lists for check mode, so it predicts a change on a bare host too.
  - Package lists are read again only when they do not have what must be installed.
  - Recommended packages are not installed, no package is ever removed, and services of new packages are not started; a
    later task does that.
options:
  names:
    description: The packages.
    type: list
    elements: str
    required: true
  version:
    description:
      - The version of the packages in O(names), whole or its beginning (V(29.8), V(26.1.5)), the epoch left out or not.
      - Empty accepts what is installed, or else the newest on offer.
    type: str
    default: ""
  companions:
    description: More packages, whose versions follow from those of O(names).
    type: list
    elements: str
    default: []
  hold:
    description: Whether dpkg is told to keep the packages as they are. V(false) leaves holds alone.
    type: bool
    default: false
  allow_upgrade:
    description: Whether a package that is there at another version may be changed. Without it that is an error.
    type: bool
    default: false
  timeout_seconds:
    description: How long one run of apt may take.
    type: int
    default: 900
attributes:
  check_mode: {support: full, description: Runs without changing anything.}
  diff_mode: {support: full, description: Shows versions and holds before and after.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Install the engine and hold it
  sophia.platform.apt_packages:
    names: [docker-ce, docker-ce-cli]
    version: "29.8.0"
    companions: [containerd.io]
    hold: true
"""

RETURN = r"""
versions:
  description: Package name to installed version, as it was found.
  returned: always
  type: dict
  sample: {docker.io: 26.1.5+dfsg1-9}
installed:
  description: The packages that were installed or changed.
  returned: always
  type: list
  elements: str
"""

from collections.abc import Callable

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.host import apt
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError
from ansible_collections.sophia.platform.plugins.module_utils.host.packages import Plan, describe, make_plan


def install(plan: Plan, make: Callable[[dict], Plan], names: list[str], timeout_seconds: int) -> Plan:
    """Apply the plan; when the package lists are too old for it, with new ones. Returns the plan that was applied."""
    try:
        if not plan.problems:
            apt.apply(plan, timeout_seconds)
            return plan
    except HostError:
        if not plan.install:
            raise
    apt.update_lists(timeout_seconds)
    plan = make(apt.read_candidates(names))
    if not plan.problems:
        apt.apply(plan, timeout_seconds)
    return plan


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "names": {"type": "list", "elements": "str", "required": True},
            "version": {"type": "str", "default": ""},
            "companions": {"type": "list", "elements": "str", "default": []},
            "hold": {"type": "bool", "default": False},
            "allow_upgrade": {"type": "bool", "default": False},
            "timeout_seconds": {"type": "int", "default": 900},
        },
        supports_check_mode=True,
    )
    options = module.params
    names = options["names"] + options["companions"]
    wanted = {name: options["version"] for name in options["names"] if options["version"]}

    def make(candidates: dict) -> Plan:
        return make_plan(names, wanted, installed, candidates, options["allow_upgrade"], options["hold"])

    try:
        installed = apt.read_installed(names)
        plan = make({})
        if plan.install:
            plan = make(apt.read_candidates(names))
        if not module.check_mode:
            plan = install(plan, make, names, options["timeout_seconds"])
        if plan.problems:
            module.fail_json(msg=" ".join(plan.problems))
    except HostError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(plan.install or plan.hold),
        versions={name: package.version for name, package in installed.items()},
        installed=sorted(plan.install),
        diff=describe(plan, installed),
    )


if __name__ == "__main__":
    main()
