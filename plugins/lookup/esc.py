# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of an environment of Pulumi ESC."""

from __future__ import annotations

DOCUMENTATION = r"""
name: esc
short_description: Read an environment of Pulumi ESC
version_added: "0.2.0"
author: [Sophia platform]
description:
  - Opens an environment of Pulumi ESC and returns its values, or some of them.
  - An environment is opened once in a process and in those that it forks, and each open is one entry of Pulumi's audit
    log. What a task's own process opens ends with it.
  - The values stay in memory. They are data, never templates. Errors name environments and properties, never a value.
options:
  _terms:
    description:
      - Property paths, such as V(a.b), V(a[0]) or V(a["key.with.dot"]); names, when O(projection) is not V(values).
      - Without any, everything is returned, as one dictionary.
    type: list
    elements: str
  organization:
    description: The organization at Pulumi.
    type: str
  project:
    description: The environment's project.
    type: str
  environment:
    description:
      - The environment's name.
      - Or a whole reference C(organization/project/environment[@version]), without O(organization) and O(project).
    type: str
    required: true
  version:
    description: A revision's number or tag. Without it, the latest revision counts.
    type: str
  projection:
    description:
      - V(values) are the values as they are.
      - V(environment_variables) are the scalars below C(environmentVariables), as text.
      - V(files) are the scalars below C(files), as text, by the name of the variable that holds the file's path
        elsewhere. No file is written.
    type: str
    choices: [values, environment_variables, files]
    default: values
  default:
    description: What to return for a term that is not there. Without it, that is an error.
    type: raw
  open_duration:
    description:
      - How long the session may be read, such as V(30m), V(2h) or V(1h30m). It is read at once.
    type: str
    default: 10m
  api_url:
    description:
      - Where the API is; C(https://api.pulumi.com) when nothing says otherwise.
      - E(PULUMI_BACKEND_URL) wins over E(PULUMI_API).
      - A state backend such as C(s3://) has no Pulumi ESC, and is refused.
    type: str
    env: [{name: PULUMI_API}, {name: PULUMI_BACKEND_URL}]
  access_token:
    description: The access token. It is sent in a header and appears in no message.
    type: str
    env: [{name: PULUMI_ACCESS_TOKEN}]
  timeout_seconds:
    description: How long one call of the API may take, in seconds. A read that fails is tried four times.
    type: float
    default: 30
notes:
  - Give tasks that take a value C(no_log), or pass it to a module option that has it.
seealso:
  - plugin: sophia.platform.secrets
    plugin_type: lookup
"""

EXAMPLES = r"""
- name: Use one value
  ansible.builtin.uri:
    url: https://api.example.com/
    url_password: "{{ lookup('sophia.platform.esc', 'api.key', environment='acme/prod/app') }}"
  no_log: true

- name: Run a program with the environment's variables
  ansible.builtin.command: {cmd: ./program}
  environment: "{{ lookup('sophia.platform.esc', organization='acme', project='prod', environment='app',
                   version='stable', projection='environment_variables') }}"
  no_log: true
  changed_when: true
"""

RETURN = r"""
_raw:
  description: One value for each term; without terms, one dictionary of everything.
  type: list
  elements: raw
"""

from ansible.errors import AnsibleError
from ansible.plugins.lookup import LookupBase
from ansible.utils.display import Display
from ansible_collections.sophia.platform.plugins.module_utils.esc import names, paths, session, values
from ansible_collections.sophia.platform.plugins.module_utils.esc.client import EscClient
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError

PROJECTIONS = {"environment_variables": values.environment_variables, "files": values.files}


class LookupModule(LookupBase):
    """Read an environment."""

    def run(self, terms, variables=None, **kwargs):
        """Return the values of the terms. Raises AnsibleError with one sentence."""
        self.set_options(var_options=variables, direct=kwargs)
        message = ""
        try:
            return self._found([str(term) for term in terms], "default" in kwargs)
        except EscError as error:
            message = str(error)
        raise AnsibleError(message)

    def _found(self, terms, has_default):
        option = self.get_option
        place = names.place(option("organization"), option("project"), option("environment"), option("version"))
        projection, wanted = PROJECTIONS.get(option("projection")), {}
        if not projection:
            wanted = {term: paths.parsed(term) for term in terms}
        client = EscClient(option("access_token"), option("api_url"), option("timeout_seconds"))
        tree = session.opened(client, place, option("open_duration"), Display().warning)
        known = projection(tree, str(place)) if projection else None
        if not terms:
            return [known if projection else values.plain(tree, str(place))]
        if projection:
            found = {term: known[term] for term in terms if term in known}
        else:
            nodes = {term: values.found(tree, path)[0] for term, path in wanted.items()}
            found = {
                term: values.plain(node, str(place), wanted[term]) for term, node in nodes.items() if node is not None
            }
        missing = [term for term in terms if term not in found]
        if missing and not has_default:
            raise EscError(f"The environment {place} does not have: {', '.join(missing)}.")
        return [found.get(term, self.get_option("default")) for term in terms]
