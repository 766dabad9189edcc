#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has instances at Lambda Cloud, or has them no more. Thin: the work is in module_utils/lambda_cloud."""

from __future__ import annotations

DOCUMENTATION = r"""
module: lambda_instance
short_description: Launch and terminate instances at Lambda Cloud
version_added: "0.2.0"
description:
  - Launches the instances that are missing, and waits until each is active, has an address, and SSH answers.
  - An instance is known by its name B(and) the tags in O(tags); names alone are not unique at Lambda Cloud. Two
    living ones with the same name and tags are an error that names both.
  - While an instance boots, Lambda Cloud may not tell its tags yet. One of a wanted name is then waited for instead of
    launching a second one, and it is not terminated; if its tags turn out to be others, that is an error.
  - What a running instance has otherwise than wanted cannot be changed at Lambda Cloud, and is told in RV(drift).
  - When nothing is missing it makes one request. Everything that would stop a launch is found before the first launch.
  - Launches are tried again while there is no capacity, from region to region; before each further try it looks
    whether the instance is there by now, so that a lost answer does not lead to a second one that is paid for.
  - An instance is billed from its launch until it is terminated. When this fails after a launch, the error and
    RV(launched) say what is billed; run again to go on.
  - Runs on the control node (C(delegate_to) or C(connection) local).
extends_documentation_fragment: [sophia.platform.lambda_cloud]
options:
  instances:
    description: The instances, 1 to 16.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The name, 1 to 64 letters. The inventory plugin makes it the host's name.
        type: str
        required: true
      tags:
        description:
          - More tags of this instance. They are set at launch and cannot be changed later.
          - With O(state=absent) an instance that has not these tags is not terminated.
        type: dict
        default: {}
      hostname:
        description: The host name within the instance; empty leaves it to Lambda Cloud.
        type: str
        default: ""
      region:
        description: The only region for this instance; empty takes O(regions).
        type: str
        default: ""
      ssh_port:
        description: The TCP port where SSH must answer; V(0) asks nobody. Left out, O(ssh_port) holds.
        type: int
  tags:
    description:
      - Tags that say whose the instances are.
      - A key has 2 to 55 of C(a-z), C(0-9), C(-) and C(:), a value up to 128 letters.
    type: dict
    required: true
  state:
    description:
      - V(present) launches what is missing and waits until all are ready.
      - V(absent) terminates what has the name and every tag, and waits until it is gone. What is on it is lost.
    type: str
    choices: [present, absent]
    default: present
  instance_type:
    description: The type. An image for arm64 is taken when its name has gh200, gb200 or gb300, else one for x86_64.
    type: str
    default: gpu_1x_gh200
  regions:
    description:
      - Regions in order of preference; empty allows every region that has capacity.
      - Regions in which instances with the same O(tags) run come first, as private addresses end at a region's border.
    type: list
    elements: str
    default: []
  image_family:
    description: The newest image of this family is taken.
    type: str
    default: lambda-stack-24-04
  image_id:
    description: This very image, in place of O(image_family).
    type: str
    default: ""
  ssh_key_name:
    description: The SSH key's name at Lambda Cloud. Required with O(state=present).
    type: str
    default: ""
  ssh_public_key:
    description:
      - The public key. It is registered under O(ssh_key_name) when that name is not there and something is launched;
        another key under that name is an error.
    type: str
    default: ""
  user_data:
    description: What cloud-init gets at the first start, as plain text of at most 1000000 bytes.
    type: str
    default: ""
  firewall_rulesets:
    description:
      - Names of firewall rulesets in the region of the launch. They are chosen at launch and cannot be changed later.
    type: list
    elements: str
    default: []
  file_systems:
    description: Names of file systems in the region of the launch, attached below C(/lambda/nfs).
    type: list
    elements: str
    default: []
  max_price_cents_per_hour:
    description: Nothing is launched that costs more, in US cents an hour and instance.
    type: int
    default: 300
  max_instances:
    description: How many living instances with these O(tags) there may be, at most 16. Nothing is launched beyond.
    type: int
    default: 3
  ssh_port:
    description: The TCP port where SSH must answer before an instance counts as ready; V(0) asks nobody.
    type: int
    default: 22
  launch_interval_seconds:
    description: Seconds between two launches; Lambda Cloud takes five a minute from the whole account.
    type: float
    default: 13
  capacity_timeout_seconds:
    description: How many seconds launches are tried, all instances of the run together.
    type: int
    default: 900
  poll_interval_seconds:
    description: Seconds between two looks at instances that are starting or ending.
    type: float
    default: 5
  boot_timeout_seconds:
    description: How many seconds launched instances may take until they are ready. Large types take up to 25 minutes.
    type: int
    default: 1500
  terminate_timeout_seconds:
    description: How many seconds terminated instances may take until they are gone.
    type: int
    default: 600
attributes:
  check_mode: {support: full, description: Reads, and says what would be launched where and at which price.}
  diff_mode: {support: full, description: 'Shows the instances before and after, one a line.'}
notes:
  - The tokens and addresses of Jupyter that Lambda Cloud lists with an instance are secrets, and are returned nowhere.
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Have three GH200 hosts
  sophia.platform.lambda_instance:
    instances:
      - {name: sophia-1, tags: {role: manager}}
      - {name: sophia-2, tags: {role: manager}}
      - {name: sophia-3, tags: {role: manager}}
    tags: {platform: production}
    regions: [us-east-3, us-east-1]
    ssh_key_name: sophia-production
    ssh_public_key: "{{ lookup('ansible.builtin.file', '~/.ssh/sophia.pub') }}"
    max_price_cents_per_hour: 250
    api_key: "{{ platform_secrets.lambda_api_key }}"
  delegate_to: localhost

- name: Have one of them no more
  sophia.platform.lambda_instance:
    instances: [{name: sophia-3}]
    tags: {platform: production}
    state: absent
    api_key: "{{ platform_secrets.lambda_api_key }}"
  delegate_to: localhost
"""

RETURN = r"""
instances:
  description: The wanted instances that run, in the order asked for; in check mode those that run already.
  returned: always
  type: list
  elements: dict
  contains:
    name: {description: The name., type: str}
    id: {description: The id., type: str}
    ip: {description: The public IPv4 address. It changes with each launch., type: str}
    private_ip: {description: The address within the region., type: str}
    region: {description: The region., type: str}
    status: {description: The status as Lambda Cloud tells it., type: str}
    tags: {description: The tags., type: dict}
    instance_type: {description: The type., type: str}
launched:
  description: Name and id of each instance that this run launched. It is billed, also when the run failed.
  returned: always
  type: list
  elements: dict
drift:
  description: One sentence for each thing that a running instance has otherwise than wanted.
  returned: success
  type: list
  elements: str
notes:
  description: What else is worth knowing, such as an instance of the same name with other tags. Each is a warning too.
  returned: success
  type: list
  elements: str
cost_cents_per_hour:
  description: What all living instances with these tags cost, in US cents an hour; in check mode what they would cost.
  returned: success
  type: int
calls:
  description: How many requests were made.
  returned: always
  type: int
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.client import (
    REQUEST_INTERVAL_SECONDS,
    LambdaCloud,
)
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.errors import LambdaCloudError
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.reconcile import Fleet
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.settings import INSTANCE_SPEC


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=INSTANCE_SPEC, supports_check_mode=True)
    options, clock = module.params, Clock()
    told: dict = {}
    try:
        # Where launches need no distance, other requests need none either: a simulated cloud.
        distance = min(REQUEST_INTERVAL_SECONDS, options["launch_interval_seconds"])
        client = LambdaCloud(options["api_key"], options["api_url"], options["timeout_seconds"], distance, clock)
        fleet = Fleet(client, options, clock, module.check_mode)
        told = fleet.told
        result = fleet.present() if options["state"] == "present" else fleet.absent()
    except LambdaCloudError as error:
        message = str(error)
    else:
        for note in result["notes"]:
            module.warn(note)
        module.exit_json(**result, calls=client.calls)
    module.fail_json(msg=message, **told, calls=client.calls if told else 0)


if __name__ == "__main__":
    main()
