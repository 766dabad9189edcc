#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Deploys one stack to a Docker Swarm and judges how that ended."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_stack
short_description: Deploy a stack to a Docker Swarm, judge it, and put the last release back when it fails
version_added: "0.1.0"
description:
  - Deploys a compose document as a stack and ends well only when every service runs what was asked for. Runs on
    a manager; needs its engine's socket and the docker CLI, and nothing but Python's standard library.
  - "In this order: is there nothing to do? - take the deploy lock - lint - turn image tags into digests - plan
    - create secrets and configs - deploy - judge - write a release record - prune. What can be refused is
    refused before anything is changed."
  - Only services that differ from the last release are handed to the Swarm. The others keep their tasks, and a
    job that did not change does not run again.
  - "The verdict is by service id, spec digest and tasks newer than the deploy. The deploy has failed after an
    automatic rollback or a paused update, when a task cannot be placed for O(pending_grace_seconds), when tasks
    of one slot ended three times, when a job used up its attempts, and after O(timeout_seconds)."
  - On failure the message has each service's failed tasks with node, state, error, exit code and last log
    lines, and the last release is deployed again and judged the same way. Jobs are not run again for that.
  - Without a release to go back to, the services that this run created are removed again (volumes stay), so
    that a failed first deploy leaves nothing behind. Services that were there before stay as the engine left
    them.
  - Services that were broken before and that the deploy does not touch do not make it go back, but the module
    fails with their report at the end.
  - RV(ignore:changed) is true when anything was changed, also in a run that fails.
  - Services changed by hand are reported in RV(drift) and put right. C(docker service update --force) and, for
    services in O(scaled), the number of replicas are nobody's drift.
  - "One deploy at a time in the whole Swarm: the lock is the config C(deploy-lock-cluster), whose labels name
    its holder. It is given back however the module ends. A lock is removed when its process is gone (same host)
    or when it has not been renewed for five minutes (other host)."
  - Release records are configs C(<stack>_release_<n>). They hold document, digests, names and specs, never a
    secret's value.
  - No secret value, registry password or environment value is in the output, in an argument list or in a file
    of the host, given that Ansible's pipelining is on (without it, Ansible itself writes the arguments to a
    temporary file). A diff shows environment values, but not those with a secret-looking name, nor any value
    passed as a secret.
options:
  name:
    description: Name of the stack. Services are called C(<name>_<service>).
    type: str
    required: true
  compose:
    description:
      - The compose document, schema 3.13. Required when O(state=present).
      - Variables are not put in; a dollar sign is written C($$). Images need a tag. Secrets and configs are external,
        under versioned names.
    type: dict
  secrets:
    description: Values of secrets by their versioned names (C(<base>_<hash>)). The same name means the same value.
    type: dict
    default: {}
  configs:
    description: Contents of configs by their versioned names.
    type: dict
    default: {}
  scaled:
    description:
      - "Services whose number of replicas belongs to an autoscaler, as C({service: {min, max}}). The live number is
        kept within these limits."
    type: dict
    default: {}
  registry_auth:
    description: "Credentials by registry host, as C({host: {username, password}}). Docker Hub is C(docker.io)."
    type: dict
    default: {}
  sequential:
    description: Services of one database, updated one after another in this order, each judged before the next.
    type: list
    elements: str
    default: []
  state:
    description:
      - V(present) deploys. V(absent) removes the services, the stack's own networks, and the secrets, configs and
        release records kept for it, and waits until the tasks are gone. Volumes and external networks stay.
    type: str
    choices: [present, absent]
    default: present
  timeout_seconds:
    description: Time limit of the whole deploy, and again of putting the last release back.
    type: int
    default: 600
  pending_grace_seconds:
    description: How long a task may stay without a node that can take it.
    type: int
    default: 30
  keep_releases:
    description: How many release records are kept, with the secrets and configs that they name. At least 1.
    type: int
    default: 5
  lock_timeout_seconds:
    description: How long to wait for another deploy to end.
    type: int
    default: 30
  docker_socket:
    description: The engine's socket.
    type: path
    default: /var/run/docker.sock
  docker_cli:
    description: The docker CLI, by name or path.
    type: str
    default: docker
attributes:
  check_mode:
    support: full
    description: Lints, asks the registries and plans. On a host that is no manager yet, everything is predicted as new.
  diff_mode:
    support: full
    description: Shows each changing service's definition, specs changed by hand, and new configs' content, masked.
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Deploy a stack
  sophia.platform.swarm_stack:
    name: app
    compose:
      services:
        backend:
          image: ghcr.io/sophia-ai/sophia-backend:1.0.0
          secrets: [{source: postgres_password, target: postgres_password, mode: 292}]
          networks: [data]
          deploy: {replicas: 2, endpoint_mode: dnsrr, update_config: {order: start-first, failure_action: rollback}}
      networks: {data: {external: true}}
      secrets: {postgres_password: {external: true, name: postgres_password_0a1b2c3d4e}}
    secrets:
      postgres_password_0a1b2c3d4e: "{{ postgres_password }}"
    scaled: {backend: {min: 2, max: 6}}
    registry_auth:
      ghcr.io: {username: sophia, password: "{{ registry_password }}"}

- name: Update three members of one database one after another
  sophia.platform.swarm_stack:
    name: cache
    compose: "{{ cache_document }}"
    sequential: [redis1, redis2, redis3]

- name: Remove a stack; its volumes stay
  sophia.platform.swarm_stack:
    name: app
    state: absent
"""

RETURN = r"""
plan:
  description: What is done (in check mode, would be done) to each service.
  type: list
  elements: dict
  returned: always, unless refused before it was made
  contains:
    service: {description: The service's name in the document., type: str}
    action: {description: "C(create), C(update), C(remove) or C(none).", type: str}
    why: {description: "The fields that change, or why else. Empty for C(none).", type: str}
    downtime: {description: Whether clients find nobody to answer for a while., type: bool}
release:
  description: Number of the stack's newest release record; 0 when there is none.
  type: int
  returned: always, unless refused before it was made
images:
  description: Each image of the document with the digest that it is pinned to.
  type: dict
  returned: always, unless refused before it was made
drift:
  description: "What was changed by hand since the last release: C(service), and the C(fields) of its spec, no values."
  type: list
  elements: dict
  returned: always, unless refused before it was made
notes:
  description: In check mode, what the prediction rests on (no Swarm or network yet, services that are not at rest).
  type: list
  elements: str
  returned: always, unless refused before it was made
removed:
  description: Names of the secrets, configs, release records and networks that were removed with the stack.
  type: list
  elements: str
  returned: when O(state=absent)
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine
from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import EngineError, Interrupted, SwarmError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.stack import Request, Stack
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import Swarm

ARGUMENTS = {
    "name": {"type": "str", "required": True},
    "compose": {"type": "dict"},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "configs": {"type": "dict", "default": {}},
    "scaled": {"type": "dict", "default": {}},
    "registry_auth": {"type": "dict", "default": {}, "no_log": True},
    "sequential": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "timeout_seconds": {"type": "int", "default": 600},
    "pending_grace_seconds": {"type": "int", "default": 30},
    "keep_releases": {"type": "int", "default": 5},
    "lock_timeout_seconds": {"type": "int", "default": 30},
    "docker_socket": {"type": "path", "default": "/var/run/docker.sock"},
    "docker_cli": {"type": "str", "default": "docker"},
}
SHOWN = ("name", "state", "scaled", "sequential", "timeout_seconds", "pending_grace_seconds", "keep_releases")


def main() -> None:
    # no_log keeps the parameters out of the host's journal; what is returned is chosen below.
    module = AnsibleModule(
        argument_spec=ARGUMENTS, required_if=[("state", "present", ["compose"])], supports_check_mode=True, no_log=True
    )
    params = module.params
    # A login's name is no secret; masking it would mask parts of image names.
    names = {str(login.get("username")) for login in params["registry_auth"].values()}
    module.no_log_values -= names - {str(value) for value in params["secrets"].values()}
    invocation = {"module_args": {name: params[name] for name in SHOWN}}
    if params["keep_releases"] < 1:
        module.fail_json(
            msg=f"keep_releases is {params['keep_releases']}; at least 1 is needed to go back to.",
            invocation=invocation,
        )
    try:
        result = run(module)
    except SwarmError as error:
        module.fail_json(msg=error.message, invocation=invocation, **{"changed": False, **error.result})
    except Interrupted as signal:
        module.fail_json(
            msg=f"Interrupted by {signal}. The lock is given back; what was deployed so far stays, and the next run "
            "judges and finishes it.",
            invocation=invocation,
            changed=True,
        )
    module.exit_json(invocation=invocation, **result)


def run(module: AnsibleModule) -> dict:
    """The work itself; what a run with nothing to do does not need is imported only when it is needed."""
    params = module.params
    swarm = Swarm(Engine(params["docker_socket"]))
    if params["state"] == "absent":
        from ansible_collections.sophia.platform.plugins.module_utils.swarm import remove

        if module.check_mode:
            return remove.predict(swarm, params["name"])
        return remove.apply(swarm, params["name"], params["timeout_seconds"], params["lock_timeout_seconds"])
    request = Request(
        stack=params["name"],
        compose=params["compose"],
        secrets={name: str(value) for name, value in params["secrets"].items()},
        configs={name: str(value) for name, value in params["configs"].items()},
        scaled=params["scaled"],
        registry_auth=params["registry_auth"],
        sequential=params["sequential"],
        timeout_seconds=params["timeout_seconds"],
        pending_grace_seconds=params["pending_grace_seconds"],
        keep_releases=params["keep_releases"],
        lock_timeout_seconds=params["lock_timeout_seconds"],
    )
    stack = Stack(swarm, request)
    try:
        at_rest = stack.at_rest()
    except EngineError:
        if not module.check_mode:
            raise
        at_rest = None
    if at_rest:
        return at_rest
    from ansible_collections.sophia.platform.plugins.module_utils.swarm.deploy import Deployment

    deployment = Deployment(stack, params["docker_cli"], module._diff, module.warn)
    return deployment.predict() if module.check_mode else deployment.apply()


if __name__ == "__main__":
    main()
