#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks a platform from outside and gives the verdict."""

from __future__ import annotations

DOCUMENTATION = r"""
module: platform_verify
short_description: Check a platform from outside
version_added: "0.1.0"
requirements: [dnspython]
author: [Sophia platform (@sophia-platform)]
description:
  - Makes checks of a running platform at the same time, each again until it holds or O(wait_seconds) are over.
  - Runs on the control node. It changes nothing and never fails because of what it finds; RV(ok) is the verdict.
  - Without O(name_servers), hosts under C(localhost) are on this machine (RFC 6761), whatever the resolver says.
options:
  checks:
    description:
      - What to check; the filter P(sophia.platform.catalog_checks#filter) makes these from the catalog. Each has a
        C(name), a C(kind) and the fields of its kind.
      - C(http) asks C(url) and wants C(expect_status) (200), C(expect_location) in the header Location, and the values
        of C(expect_json) (dotted path to value); C(basic_auth) is C({username, secret}).
      - C(mcp) does the MCP handshake with C(url), lists the tools, and wants 401 without the token. C(token_secret)
        names the secret that holds the token.
      - C(mcp_call) calls C(tool) with C(arguments) and wants C(expect_text) in the result.
      - C(prometheus_targets) asks Prometheus at C(url) and wants every target up, and of each of C(jobs) (name to
        count, or null for any) enough of them.
      - C(service) looks up C(service) in O(swarm) and wants C(replicas) (null for any number, all running) and
        C(image), pinned by a digest.
      - C(gpus) counts the GPUs that the ready nodes of O(swarm) offer and wants C(count).
      - C(records) resolves C(hosts) (name to list of addresses) and wants those and no others.
      - C(certificate) wants the nodes at C(addresses) to show the same certificate at C(port), for all of C(hosts),
        issued by an authority of O(ca_path), with at least C(days_min) days left.
    type: list
    elements: dict
    required: true
  swarm:
    description: What M(sophia.platform.swarm_status) returned on a manager. Checks of kind C(service) need it.
    type: dict
  secrets:
    description: Secret values by name, as the lookup P(sophia.platform.secrets#lookup) returns them.
    type: dict
    default: {}
  wait_seconds:
    description:
      - How long a check may fail before that is its verdict. Not used in check mode, where each check is made once.
      - What O(swarm) says is not asked again.
    type: float
    default: 0
  timeout_seconds:
    description: How long one attempt of a check may take, with all its requests.
    type: float
    default: 10
  name_servers:
    description: Addresses of the name servers that tell where the hosts are. Empty means those that this machine asks.
    type: list
    elements: str
    default: []
  ca_path:
    description:
      - A file with the authorities, in PEM, that certificates are checked with. Left out, those that this machine
        trusts.
    type: path
  report_path:
    description: Where to write the report as JSON, C({ok, checks}). Nothing is written in check mode.
    type: path
attributes:
  check_mode:
    support: full
    description: Makes each check once and writes no report.
  diff_mode:
    support: none
    description: Changes nothing.
"""

EXAMPLES = r"""
- name: Check the platform
  sophia.platform.platform_verify:
    checks:
      - {name: backend, kind: http, url: "https://api.sophia.localhost:8443/health", expect_json: {status: ok}}
      - {name: linear, kind: mcp, url: "https://mcp.sophia.localhost:8443/linear/mcp", token_secret: mcp_linear_token}
      - {name: redis, kind: service, service: data_redis, replicas: 1, image: "docker.io/library/redis:7.2.11"}
    swarm: "{{ swarm_status_result }}"
    secrets: "{{ platform_secrets }}"
    wait_seconds: 60
    report_path: build/verify.json
  register: verify_result
"""

RETURN = r"""
ok:
  description: Whether every check holds. False when there is no check.
  returned: always
  type: bool
checks:
  description: One row for each check, in the order asked.
  returned: always
  type: list
  elements: dict
  contains:
    name: {description: The name of the check., type: str}
    ok: {description: Whether it holds., type: bool}
    detail: {description: What was found; for a failed check also what was asked and what to do., type: str}
failed_names:
  description: The names of the checks that do not hold.
  returned: always
  type: list
  elements: str
table:
  description: The rows as text for people, failed ones last.
  returned: always
  type: str
"""

import ssl
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.sophia.platform.plugins.module_utils.verify import probes, report, runs
from ansible_collections.sophia.platform.plugins.module_utils.verify.names import IMPORT_ERROR, Names
from ansible_collections.sophia.platform.plugins.module_utils.verify.transport import Client

ARGUMENT_SPEC = {
    "checks": {"type": "list", "elements": "dict", "required": True},
    "swarm": {"type": "dict"},
    "secrets": {"type": "dict", "default": {}, "no_log": True},
    "wait_seconds": {"type": "float", "default": 0},
    "timeout_seconds": {"type": "float", "default": 10},
    "name_servers": {"type": "list", "elements": "str", "default": []},
    "ca_path": {"type": "path"},
    "report_path": {"type": "path"},
}


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=ARGUMENT_SPEC, supports_check_mode=True)
    if IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("dnspython"), exception=IMPORT_ERROR)
    params = module.params
    platform = probes.Platform(params["secrets"], params["swarm"])

    mask, names = report.masker(params["secrets"]), Names(params["name_servers"])
    try:
        tls = ssl.create_default_context(cafile=params["ca_path"] or None)
    except OSError as error:
        module.fail_json(msg=f"The authorities of ca_path {params['ca_path']} cannot be read: {error}.")

    def attempt(check: dict):
        return probes.attempt(check, Client(params["timeout_seconds"], names, mask, tls), platform)

    wait_seconds = 0 if module.check_mode else params["wait_seconds"]
    rows = runs.run(params["checks"], attempt, wait_seconds, params["timeout_seconds"])
    rows = report.masked(rows, params["secrets"])
    if params["report_path"] and not module.check_mode:
        try:
            report.write(Path(params["report_path"]), rows)
        except OSError as error:
            module.fail_json(msg=f"The report {params['report_path']} cannot be written: {error.strerror}.")
    failed_names = [row["name"] for row in rows if not row["ok"]]
    result = report.document(rows)
    module.exit_json(changed=False, table=report.table(rows), failed_names=failed_names, **result)


if __name__ == "__main__":
    main()
