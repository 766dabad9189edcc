#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a Swarm runs."""

from __future__ import annotations

DOCUMENTATION = r"""
module: swarm_status
short_description: Read the nodes and services of a Docker Swarm
version_added: "0.1.0"
description:
  - Reads nodes, services and tasks from a manager's engine, in four requests. Changes nothing.
  - Counts a replica as running only when it is meant to run, runs, and its node is not down, unlike the CLI.
  - Shows no environment variables.
options:
  stacks:
    description: Only services of these stacks. Empty means all services.
    type: list
    elements: str
    default: []
  docker_socket:
    description: The engine's socket.
    type: path
    default: /var/run/docker.sock
attributes:
  check_mode: {support: full, description: Changes nothing in any mode.}
  diff_mode: {support: none, description: Changes nothing.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Read what the Swarm runs
  sophia.platform.swarm_status:
  register: swarm

- name: Every replica of the stack runs
  ansible.builtin.assert:
    that: swarm.services | rejectattr('replicas_running', 'ge', 1) | list == []
"""

RETURN = r"""
swarm_id:
  description: The id of the Swarm.
  type: str
  returned: success
nodes:
  description:
    - Each node with C(name), C(id), C(role), C(availability), C(state), C(leader), C(reachability), C(address),
      C(engine_version), C(labels) and C(gpus) (the UUIDs that it offers).
  type: list
  elements: dict
  returned: success
overview:
  description: Nodes and services as two tables for people.
  type: str
  returned: success
services:
  description: The services, sorted by name.
  type: list
  elements: dict
  returned: success
  contains:
    name: {description: The service's name in the Swarm., type: str}
    stack: {description: The stack it belongs to; empty for none., type: str}
    mode: {description: "C(replicated), C(global), C(replicated-job) or C(global-job).", type: str}
    replicas_wanted: {description: How many tasks should run now., type: int}
    replicas_running: {description: How many of them run., type: int}
    image: {description: The image as the service has it pinned., type: str}
    update_state: {description: "Of the last update, such as C(completed) or C(paused); empty for none.", type: str}
    pending: {description: What the scheduler says of tasks that it cannot place., type: list, elements: str}
    failures: {description: "The failed tasks that the engine still knows, oldest first.", type: list, elements: str}
    nodes: {description: Names of the nodes on which the running replicas are., type: list, elements: str}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine
from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import SwarmError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.status import node_summary, service_summaries
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import Swarm
from ansible_collections.sophia.platform.plugins.module_utils.swarm.text import overview

ARGUMENTS = {
    "stacks": {"type": "list", "elements": "str", "default": []},
    "docker_socket": {"type": "path", "default": "/var/run/docker.sock"},
}


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    swarm, stacks = Swarm(Engine(module.params["docker_socket"])), module.params["stacks"]
    try:
        identity, nodes = swarm.identity(), swarm.nodes()
        summaries = service_summaries(swarm.services(), swarm.tasks(), nodes)
    except SwarmError as error:
        module.fail_json(msg=f"The Swarm cannot be read on this host, which should be a manager. {error}")
    chosen = [summary for summary in summaries if not stacks or summary["stack"] in stacks]
    seen = [node_summary(node) for node in nodes]
    module.exit_json(changed=False, swarm_id=identity, nodes=seen, services=chosen, overview=overview(seen, chosen))


if __name__ == "__main__":
    main()
