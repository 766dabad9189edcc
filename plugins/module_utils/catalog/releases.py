# SPDX-License-Identifier: GPL-3.0-or-later
"""The stacks with what they need, ready to be deployed."""

from __future__ import annotations

from ansible_collections.sophia.platform.plugins.module_utils.catalog import generated
from ansible_collections.sophia.platform.plugins.module_utils.catalog.compose import stack_document
from ansible_collections.sophia.platform.plugins.module_utils.catalog.errors import CatalogError
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import KEY_SECRET, Catalog, Service
from ansible_collections.sophia.platform.plugins.module_utils.catalog.naming import config_name, secret_name


def stacks(catalog: Catalog, secrets: dict[str, str] | None = None) -> list[dict]:
    """The stacks in deploy order: {name, compose, secrets, configs, scaled}.

    secrets: values by base name. None gives names made from the base names and empty values, to be read, not deployed.
    Raises CatalogError when values are missing.
    """
    _all_there(catalog, secrets)
    return [_stack(catalog, name, services, secrets) for name, services in catalog.stacks().items()]


def registry_auth(catalog: Catalog, secrets: dict[str, str]) -> dict[str, dict]:
    """{registry host: {username, password}}. Raises CatalogError when a password is missing."""
    missing = [login["secret"] for login in catalog.registry_credentials.values() if login["secret"] not in secrets]
    if missing:
        raise CatalogError([f"the secret store has no {name}, the password of a registry" for name in missing])
    return {
        host: {"username": login["username"], "password": secrets[login["secret"]]}
        for host, login in catalog.registry_credentials.items()
    }


def _all_there(catalog: Catalog, secrets: dict[str, str] | None) -> None:
    wanted = [KEY_SECRET, *(name for service in catalog.entries for name in service["secrets"])]
    missing = sorted(set(wanted) - set(wanted if secrets is None else secrets))
    if missing:
        raise CatalogError([f"the secret store has no {name}" for name in missing])


def _stack(catalog: Catalog, name: str, services: list[Service], secrets: dict[str, str] | None) -> dict:
    bases = sorted({base for service in services for base in service["secrets"]})
    values = {base: "" if secrets is None else str(secrets[base]) for base in bases}
    if secrets is None:
        secret_names = {base: secret_name(base, base, "") for base in bases}
    else:
        secret_names = {base: secret_name(base, values[base], str(secrets[KEY_SECRET])) for base in bases}
    contents = stack_configs(catalog, services)
    config_names = {source: config_name(name, source, content) for source, content in contents.items()}
    return {
        "name": name,
        "compose": stack_document(catalog, services, secret_names, config_names),
        "secrets": {secret_names[base]: values[base] for base in bases},
        "configs": {config_names[source]: content for source, content in contents.items()},
        "scaled": {service.name: dict(service["autoscale"]) for service in services if service["autoscale"]},
    }


def stack_configs(catalog: Catalog, services: list[Service]) -> dict[str, str]:
    """The content of the configs of some services, by source."""
    sources = sorted({config["source"] for service in services for config in service["configs"]})
    return {source: generated.DOCUMENTS[source](catalog) for source in sources}
