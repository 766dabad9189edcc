# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that the catalog computes, as files to read and to compare."""

from __future__ import annotations

from ansible_collections.sophia.platform.plugins.module_utils.catalog import generated, outside, records, releases
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import Catalog
from ansible_collections.sophia.platform.plugins.module_utils.catalog.text import yaml_text

HEADER = "# Computed from the catalog by playbooks/render.yml; changes here are lost.\n"


def documents(catalog: Catalog, secrets: dict[str, str] | None = None) -> dict[str, str]:
    """Texts by path below build/<environment>/. They hold names of secrets, never values."""
    texts = {}
    for stack in releases.stacks(catalog, secrets):
        texts[f"stacks/{stack['name']}.yml"] = HEADER + yaml_text(stack["compose"])
    for name, services in catalog.stacks().items():
        for source, content in releases.stack_configs(catalog, services).items():
            texts[f"configs/{name}/{source}"] = content
    texts["records.yml"] = HEADER + yaml_text(records.records(catalog))
    texts["published_ports.yml"] = HEADER + yaml_text(outside.published_ports(catalog))
    texts["scrape_targets.yml"] = HEADER + yaml_text(generated.scrape_targets(catalog))
    texts["checks.yml"] = HEADER + yaml_text(outside.checks(catalog))
    return dict(sorted(texts.items()))
