#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a source as the production deployment of a project at Vercel, or moves production to another deployment."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vercel_deployment
short_description: The production deployment of a project at Vercel
version_added: "0.2.0"
description:
  - With O(state=deployed), production is made of the given source. When it already is, with the project's present
    settings and variables, nothing is started. Else Vercel's CLI builds a private copy of the source and uploads the
    result, and the REST API is asked whether it serves.
  - A build that fails leaves production as it is. A deployment that an earlier run left on its way is waited for.
  - Production that was rolled back from this very source stays so, with a warning, until the source or the settings
    change, or O(force) is given.
  - Variables of the type V(sensitive) cannot be read by the build; those that a build needs must be of another type.
  - The CLI writes the variables of the build into the private copy, which is deleted afterwards.
extends_documentation_fragment: [sophia.platform.vercel]
options:
  state:
    description:
      - V(promoted) moves production to O(deployment_id) without building. V(rolled_back) moves it back.
    type: str
    choices: [deployed, promoted, rolled_back]
    default: deployed
  source_path:
    description: The directory of the source. Required with O(state=deployed).
    type: path
  exclude:
    description: Names and patterns of files and directories that are no source, at any depth.
    type: list
    elements: str
    default:
      - .git
      - .hg
      - .svn
      - .vercel
      - .next
      - .nuxt
      - .output
      - .svelte-kit
      - .turbo
      - dist
      - node_modules
      - .cache
      - .venv
      - __pycache__
      - "*.pyc"
      - "*.log"
      - .DS_Store
      - .env.local
      - .env.*.local
  cli_path:
    description:
      - Vercel's CLI, an executable file. Required with O(state=deployed); it may be missing while nothing is built.
    type: path
  cli_version:
    description: The version that the CLI must have. Empty is any.
    type: str
    default: ""
  force:
    description: Whether a new deployment is made when nothing asks for one.
    type: bool
    default: false
  deployment_id:
    description:
      - The deployment that production moves to. V(previous), only for O(state=rolled_back), is the one that served
        before; production that stands rolled back stays.
      - Required with O(state=promoted) and O(state=rolled_back).
    type: str
  build_timeout_seconds:
    description: How long each step of the CLI may take, in seconds.
    type: int
    default: 900
  timeout_seconds:
    description: How long the deployment may take to serve once it is uploaded, or a promotion or rollback, in seconds.
    type: int
    default: 300
attributes:
  check_mode:
    support: full
    description: Predicts what would be deployed or moved. The CLI is not started, and the project may be absent.
  diff_mode: {support: full, description: Shows the production deployment before and after.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Have the frontend in production
  sophia.platform.vercel_deployment:
    name: web
    team_id: team_abc
    source_path: frontend
    cli_path: ~/.cache/sophia-platform/vercel-60.1.3/node_modules/.bin/vercel
    cli_version: 60.1.3

- name: Put the previous production deployment back
  sophia.platform.vercel_deployment:
    name: web
    team_id: team_abc
    state: rolled_back
    deployment_id: previous
"""

RETURN = r"""
deployment_id:
  description: The production deployment; empty when check mode would make a new one.
  returned: success
  type: str
previous_deployment_id:
  description: What production was before a change; empty without one.
  returned: success
  type: str
url:
  description: The deployment's own address.
  returned: with O(state=deployed)
  type: str
aliases:
  description: The names under which it serves.
  returned: with O(state=deployed)
  type: list
  elements: str
source_hash:
  description: The hash of the source, which the deployment carries as C(sophia-source).
  returned: with O(state=deployed)
  type: str
reasons:
  description: Why a new deployment was, or would be, made.
  returned: with O(state=deployed)
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.vercel import options, release, source, switch
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import VercelError

SPEC = {
    **options.CONNECTION,
    "state": {"type": "str", "choices": ["deployed", "promoted", "rolled_back"], "default": "deployed"},
    "source_path": {"type": "path"},
    "exclude": {"type": "list", "elements": "str", "default": list(source.EXCLUDED)},
    "cli_path": {"type": "path"},
    "cli_version": {"type": "str", "default": ""},
    "force": {"type": "bool", "default": False},
    "deployment_id": {"type": "str"},
    "build_timeout_seconds": {"type": "int", "default": 900},
    "timeout_seconds": {"type": "int", "default": 300},
}
NEEDED = [
    ("state", "deployed", ("source_path", "cli_path")),
    ("state", "promoted", ("deployment_id",)),
    ("state", "rolled_back", ("deployment_id",)),
]


def main(clock: Clock | None = None) -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec=SPEC, required_if=NEEDED, mutually_exclusive=options.ONE_TEAM, supports_check_mode=True
    )
    want, message = {**module.params, "temporary_path": module.tmpdir}, ""
    if want["state"] == "promoted" and want["deployment_id"] == switch.PREVIOUS:
        module.fail_json(msg="Only a rollback knows a previous deployment; give the id of the one to promote.")
    act = release.deployed if want["state"] == "deployed" else switch.switched
    try:
        result = act(options.client(want, clock or Clock()), want, module.check_mode)
    except VercelError as error:
        message = str(error)
    if message:
        module.fail_json(msg=message)
    for warning in result.pop("warnings", []):
        module.warn(warning)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
