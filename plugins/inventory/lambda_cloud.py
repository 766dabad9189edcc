# SPDX-License-Identifier: GPL-3.0-or-later
"""Inventory of the instances at Lambda Cloud that have certain tags."""

from __future__ import annotations

DOCUMENTATION = r"""
name: lambda_cloud
short_description: Hosts from the instances at Lambda Cloud
version_added: "0.2.0"
author: [Sophia platform]
description:
  - Every instance with all of the O(tags) becomes a host of its name, with one request whatever their number.
  - The file's name must end with C(lambda_cloud.yml) or C(lambda_cloud.yaml).
  - An inventory that cannot be right is an error, never an empty one. An API that does not answer, a refused key, a
    name that is there twice, and an instance without an address are errors; an account without such instances is not.
  - An instance that is still booting is left out with a warning.
  - O(api_key), O(api_url) and O(tags) may be templates. They see the variables of the group C(all) of the inventory
    sources read so far and of this file's own directory, and extra variables.
  - Sets C(ansible_host) and C(public_address) to the public address, C(private_address), C(lambda_id),
    C(lambda_region), C(lambda_instance_type), C(lambda_status) and C(lambda_tags). Values of the API are data, never
    templates.
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: Says that the file is for this plugin.
    type: str
    required: true
    choices: [sophia.platform.lambda_cloud]
  api_key:
    description: The API key; may be a template.
    type: str
    env: [{name: LAMBDA_API_KEY}]
  api_url:
    description: The API's address; may be a template.
    type: str
    default: https://cloud.lambda.ai/api/v1
    env: [{name: LAMBDA_API_URL}]
  tags:
    description: Only instances with all of these tags become hosts. A mapping, or a template that makes one.
    type: raw
    required: true
  statuses:
    description: Only instances with one of these statuses become hosts.
    type: list
    elements: str
    default: [active]
  mode:
    description: V(skip) adds no host and contacts nobody, for playbooks that need no host.
    type: str
    choices: [list, skip]
    default: list
    env: [{name: LAMBDA_CLOUD_INVENTORY}]
  timeout_seconds:
    description: How many seconds the request may take.
    type: float
    default: 30
notes:
  - The cache holds what is listed above and no secret.
"""

EXAMPLES = r"""
# inventories/production/hosts.lambda_cloud.yaml
plugin: sophia.platform.lambda_cloud
api_key: "{{ platform_secrets.lambda_api_key }}"
tags: {platform: "{{ platform_environment }}"}
strict: true
groups:
  managers: lambda_tags.role == 'manager'
  workers: lambda_tags.role == 'worker'
keyed_groups:
  - {key: lambda_region, prefix: region}
compose:
  ansible_user: "'ubuntu'"
"""

import hashlib
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.vars import combine_vars
from ansible.vars.plugins import get_vars_from_inventory_sources
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud import hosts
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.client import LambdaCloud
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.errors import LambdaCloudError
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.model import Instance

FILE_ENDINGS = ("lambda_cloud.yml", "lambda_cloud.yaml")


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    """Reads the instances and makes hosts of them."""

    NAME = "sophia.platform.lambda_cloud"

    def verify_file(self, path: str) -> bool:
        """Whether the file is for this plugin, by its name."""
        return super().verify_file(path) and path.endswith(FILE_ENDINGS)

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Fill the inventory. Raises AnsibleParserError."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        if self.get_option("mode") == "skip":
            return
        self.templar.available_variables = self._environment(path)
        try:
            tags = self._tags()
            found, warnings = hosts.select(self._instances(path, cache), tags, self.get_option("statuses"))
        except LambdaCloudError as error:
            message = f"{path}: {error}"
        else:
            for warning in warnings:
                self.display.warning(warning)
            for instance in found:
                self._add(instance)
            return
        raise AnsibleParserError(message)

    def _environment(self, path: str) -> dict:
        """The variables of the group `all`, lowest first: inventory files, group_vars, extra variables."""
        everyone = self.inventory.groups["all"]
        sources = [*self.inventory.processed_sources, path]
        read = get_vars_from_inventory_sources(self.loader, sources, [everyone], "all")
        place = {"inventory_file": path, "inventory_dir": str(Path(path).parent)}
        return combine_vars(combine_vars({**everyone.get_vars(), **place}, read), self._vars)

    def _settled(self, name: str) -> Any:
        """The value of an option, its templates worked out."""
        try:
            return self.templar.template(self.get_option(name))
        except AnsibleError as error:
            message = " ".join(str(error).split()).rstrip(".")
        raise LambdaCloudError(f"`{name}` cannot be worked out: {message}.")

    def _tags(self) -> dict[str, str]:
        tags = self._settled("tags")
        if not isinstance(tags, dict) or not tags or not all(isinstance(value, (str, int)) for value in tags.values()):
            raise LambdaCloudError("`tags` must be a mapping of names to texts with at least one entry.")
        return {str(key): str(value) for key, value in tags.items()}

    def _instances(self, path: str, cache: bool) -> list[Instance]:
        """From the cache, or from the API and into the cache."""
        url, caching = str(self._settled("api_url")), self.get_option("cache")
        key = f"{self.get_cache_key(path)}_{hashlib.sha256(url.encode()).hexdigest()[:8]}" if caching else ""
        if caching and cache:
            try:
                return [Instance(**row) for row in self._cache[key]["instances"]]
            except (KeyError, TypeError):
                self.display.vvv(f"{path}: the cache has nothing to use")
        instances = LambdaCloud(
            str(self._settled("api_key") or ""), url, self.get_option("timeout_seconds")
        ).instances()
        if caching:
            self._cache[key] = {"instances": [instance.document() for instance in instances]}
        return instances

    def _add(self, instance: Instance) -> None:
        self.inventory.add_host(instance.name)
        for name, value in hosts.variables(instance).items():
            self.inventory.set_variable(instance.name, name, value)
        known, strict = self.inventory.get_host(instance.name).get_vars(), self.get_option("strict")
        self._set_composite_vars(self.get_option("compose"), known, instance.name, strict=strict)
        known = self.inventory.get_host(instance.name).get_vars()
        self._add_host_to_composed_groups(self.get_option("groups"), known, instance.name, strict, fetch_hostvars=False)
        self._add_host_to_keyed_groups(
            self.get_option("keyed_groups"), known, instance.name, strict, fetch_hostvars=False
        )
