# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a value was written, and values without that knowledge."""

from __future__ import annotations

from pathlib import Path

try:
    from ansible._internal._datatag._tags import Origin
except ImportError:  # ansible-core before 2.19, or after it moved: problems then name the file only
    Origin = None

CATALOG_PATH = "inventories/common/group_vars/all/services.yml"
CLOUDS_PATH = "inventories/common/group_vars/all/clouds.yml"
PLATFORM_PATH = "inventories/common/group_vars/all/platform.yml"
ROOT_PATH = Path(__file__).resolve().parents[3]


def where(*values: object, otherwise: str = CATALOG_PATH) -> str:
    """The place of the first value that knows one, as `file:line`."""
    for value in values:
        tag = Origin.get_tag(value) if Origin else None
        if tag and tag.path:
            path = Path(tag.path)
            shown = path.relative_to(ROOT_PATH) if path.is_relative_to(ROOT_PATH) else path
            return f"{shown}:{tag.line_num}" if tag.line_num else str(shown)
        if tag and tag.description and tag is not Origin.UNKNOWN:
            return tag.description
    return otherwise


def settled(value: object) -> object:
    """The value with its lazy containers filled in, once. Texts in them still know where they were written."""
    if isinstance(value, dict):
        return {key: settled(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [settled(item) for item in value]
    return value


def plain(value: object) -> object:
    """The value in Python's own types, without Ansible's tags and lazy containers."""
    if isinstance(value, dict):
        return {plain(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, int):
        return int(value)
    return float(value) if isinstance(value, float) else str(value)
