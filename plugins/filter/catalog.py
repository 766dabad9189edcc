# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog's functions as filters on the variable `platform`; each is documented in the YAML file of its name."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from ansible.errors import AnsibleFilterError
from ansible_collections.sophia.platform.plugins.module_utils.catalog import (
    documents,
    fleet,
    generated,
    outside,
    records,
    releases,
)
from ansible_collections.sophia.platform.plugins.module_utils.catalog import problems as catalog_problems
from ansible_collections.sophia.platform.plugins.module_utils.catalog.errors import CatalogError
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import read
from ansible_collections.sophia.platform.plugins.module_utils.catalog.origin import plain, settled


def _explained(compute: Callable) -> Callable:
    """Turn what is wrong with the catalog into an error of the filter."""

    @wraps(compute)
    def run(*arguments: object, **options: object) -> object:
        message = ""
        try:
            return compute(*arguments, **options)
        except CatalogError as error:
            message = f"The catalog cannot be used, see playbooks/validate.yml:\n{error}"
        raise AnsibleFilterError(message)

    return run


def _on_catalog(compute: Callable) -> Callable:
    """Make a function of the catalog a filter of the platform."""

    @wraps(compute)
    def run(platform: dict, *arguments: object, **options: object) -> object:
        values = {name: plain(value) for name, value in options.items()}
        return compute(read(settled(platform)), *map(plain, arguments), **values)

    return _explained(run)


def _problems(platform: dict, secret_names: list | None = None, hosts: list | None = None) -> list[str]:
    return catalog_problems.problems(settled(platform), plain(secret_names), plain(hosts))


class FilterModule:
    """The filters."""

    def filters(self) -> dict[str, Callable]:
        """The filters by name."""
        return {
            "catalog_problems": _problems,
            "catalog_hosts": _explained(catalog_problems.hosts),
            "catalog_fleet": _explained(lambda wanted: fleet.instances(plain(wanted))),
            "catalog_stacks": _on_catalog(releases.stacks),
            "catalog_registry_auth": _on_catalog(releases.registry_auth),
            "catalog_records": _on_catalog(records.records),
            "catalog_certificate_names": _on_catalog(records.certificate_names),
            "catalog_edge_probes": _on_catalog(records.edge_probes),
            "catalog_api_keys": _on_catalog(outside.api_keys),
            "catalog_scrape_targets": _on_catalog(generated.scrape_targets),
            "catalog_checks": _on_catalog(outside.checks),
            "catalog_published_ports": _on_catalog(outside.published_ports),
            "catalog_documents": _on_catalog(documents.documents),
        }
