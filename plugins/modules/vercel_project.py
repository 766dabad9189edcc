#!/usr/bin/python
# SPDX-License-Identifier: GPL-3.0-or-later
"""Has a project at Vercel, with its settings, environment variables and domains."""

from __future__ import annotations

DOCUMENTATION = r"""
module: vercel_project
short_description: A project at Vercel with its variables and domains
version_added: "0.2.0"
description:
  - Reads the project, its environment variables and its domains, compares, and writes only what differs.
  - Tells which records DNS must hold for the domains, as Vercel's API recommends them.
  - New values of variables take effect with the next deployment; see M(sophia.platform.vercel_deployment).
extends_documentation_fragment: [sophia.platform.vercel]
options:
  state:
    description: Whether the project is there. With V(absent), everything in it goes too.
    type: str
    choices: [present, absent]
    default: present
  confirm_name:
    description: The project's name once more; without it nothing is deleted.
    type: str
    default: ""
  framework:
    description: The framework's preset, such as V(nextjs) or V(vite). Empty is none; left out, it stays as it is.
    type: str
  build_command:
    description: The command that builds. Empty is that of the framework.
    type: str
  install_command:
    description: The command that installs what is needed to build. Empty is that of the framework.
    type: str
  output_directory:
    description: Where the build leaves its result. Empty is that of the framework.
    type: str
  root_directory:
    description: The directory of the source that is built. Empty is its top.
    type: str
  node_version:
    description: The version of Node.js for builds and functions, such as V(22.x).
    type: str
  sso_protection:
    description: Which deployments only members of the team may see. Left out, it stays as it is.
    type: str
    choices: [none, preview, prod_deployment_urls_and_all_previews, all_except_custom_domains, all]
  environment_variables:
    description:
      - The variables. A name that is listed exists exactly as listed; those of a git branch, of a custom environment
        and of Vercel itself are left alone. Left out, no variable is looked at.
      - Values cannot be compared, as Vercel shows most of them only encrypted or not at all. So the comment of each
        variable ends with a fingerprint of its value. Someone who changes a value by hand and leaves the comment is not
        noticed.
    type: list
    elements: dict
    suboptions:
      key: {description: The name., type: str, required: true}
      value:
        description: The value. It is masked everywhere, whatever the type.
        type: str
        required: true
      type:
        description:
          - How Vercel keeps it. V(sensitive) can never be read again, also not by C(vercel build), and not be used in
            the target V(development). From V(sensitive) to another type it is deleted and made anew.
        type: str
        choices: [plain, encrypted, sensitive]
        default: encrypted
      target:
        description: Where it counts.
        type: list
        elements: str
        choices: [production, preview, development]
        default: [production, preview]
      comment: {description: A comment of at most 400 characters., type: str, default: ""}
  purge_environment_variables:
    description: Whether variables that are not listed are deleted.
    type: bool
    default: false
  fingerprint_key:
    description:
      - A secret key for the fingerprints. Another key makes every variable look changed once.
      - Without it the key is made from the project's name, and members of the team who see comments could find out
        short values by trying.
    type: str
  domains:
    description: The domains. Left out, no domain is looked at.
    type: list
    elements: dict
    suboptions:
      name: {description: The domain's full name., type: str, required: true}
      redirect: {description: The domain of this project that it redirects to., type: str}
      redirect_status:
        description: The HTTP status of the redirect. Left out, Vercel's own choice stays.
        type: int
        choices: [301, 302, 307, 308]
  purge_domains:
    description: Whether domains that are not listed are removed. Vercel's own C(.vercel.app) names stay.
    type: bool
    default: false
  wait_domains_seconds:
    description: How long to wait until every listed domain is ready, in seconds. With 0 that is only reported.
    type: int
    default: 0
  dns_ttl_seconds:
    description: The time to live that RV(dns_records) get, in seconds.
    type: int
    default: 300
attributes:
  check_mode:
    support: full
    description: Predicts every change. The records of domains that are not attached yet are not known then.
  diff_mode: {support: full, description: Shows what differs; of a value only that it does.}
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Have the frontend's project
  sophia.platform.vercel_project:
    name: web
    team_id: team_abc
    framework: nextjs
    environment_variables:
      - {key: NEXT_PUBLIC_API_URL, value: https://api.example.com, type: plain}
      - {key: SESSION_KEY, value: "{{ platform_secrets.session_key }}", type: sensitive, target: [production]}
    domains:
      - {name: example.com}
      - {name: www.example.com, redirect: example.com, redirect_status: 308}
  register: web

- name: Publish what Vercel asks for
  sophia.platform.namecheap_dns:
    domain: example.com
    records: "{{ web.dns_records }}"
"""

RETURN = r"""
project_id:
  description: The project's id; empty when check mode found none.
  returned: always
  type: str
dns_records:
  description: What DNS must hold for the listed domains.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: "The name within O(ignore:zone); V(@) is the zone itself.", type: str}
    fqdn: {description: The full name., type: str}
    zone: {description: The domain as it is registered., type: str}
    type: {description: "V(A), V(CNAME) or V(TXT).", type: str}
    value: {description: The value., type: str}
    ttl_seconds: {description: "The time to live, in seconds.", type: int}
domains:
  description: The listed domains as they stand.
  returned: success
  type: list
  elements: dict
  contains:
    name: {description: The name., type: str}
    apex: {description: The domain as it is registered., type: str}
    redirect: {description: The domain that it redirects to., type: str}
    verified: {description: Whether Vercel knows that the account owns it., type: bool}
    misconfigured: {description: Whether DNS points elsewhere., type: bool}
    configured_by: {description: "How DNS points to Vercel: V(A), V(CNAME), V(http), V(dns-01) or null.", type: str}
    ready: {description: Whether it is verified and not misconfigured., type: bool}
changes:
  description: What was, or would be, changed.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.vercel import (
    domain_plan,
    environment_plan,
    options,
    plan,
    reconcile,
)
from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import VercelError

VARIABLE = {
    "key": {"type": "str", "required": True, "no_log": False},
    "value": {"type": "str", "required": True, "no_log": True},
    "type": {"type": "str", "choices": list(environment_plan.TYPES), "default": "encrypted"},
    "target": {
        "type": "list",
        "elements": "str",
        "choices": list(environment_plan.TARGETS),
        "default": ["production", "preview"],
    },
    "comment": {"type": "str", "default": ""},
}
DOMAIN = {
    "name": {"type": "str", "required": True},
    "redirect": {"type": "str"},
    "redirect_status": {"type": "int", "choices": list(domain_plan.REDIRECT_STATUSES)},
}
SPEC = {
    **options.CONNECTION,
    **{name: {"type": "str"} for name in plan.SETTINGS},
    "sso_protection": {"type": "str", "choices": list(plan.SSO_PROTECTIONS)},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "confirm_name": {"type": "str", "default": ""},
    "environment_variables": {"type": "list", "elements": "dict", "options": VARIABLE},
    "purge_environment_variables": {"type": "bool", "default": False},
    "fingerprint_key": {"type": "str", "no_log": True},
    "domains": {"type": "list", "elements": "dict", "options": DOMAIN},
    "purge_domains": {"type": "bool", "default": False},
    "wait_domains_seconds": {"type": "int", "default": 0},
    "dns_ttl_seconds": {"type": "int", "default": 300},
}


def wanted(module: AnsibleModule) -> dict:
    """Take the options, and hide the variables' values from what Ansible shows.

    No result is made of values. Ansible's own masking would still replace a value like `1` or `vercel` in DNS records,
    so the values leave `params`, and only those that are surely nothing else stay in that masking.
    """
    want = dict(module.params)
    if want["domains"] is not None:
        want["domains"] = domain_plan.cleaned(want["domains"])
    values = {entry["value"] for entry in want["environment_variables"] or []}
    kept = environment_plan.surely_secret(want)
    module.no_log_values -= {value for value in values if value not in kept}
    if want["environment_variables"]:
        module.params["environment_variables"] = [{**one, "value": "***"} for one in want["environment_variables"]]
    return want


def main(clock: Clock | None = None) -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec=SPEC, mutually_exclusive=options.ONE_TEAM, supports_check_mode=True)
    want = wanted(module)
    secrets = [*environment_plan.secret_values(want), want["fingerprint_key"] or ""]
    act = reconcile.present if want["state"] == "present" else reconcile.absent
    message = ""
    try:
        result = act(options.client(want, clock or Clock(), secrets), want, module.check_mode)
    except VercelError as error:
        message = str(error)
    if message:
        module.fail_json(msg=message)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
