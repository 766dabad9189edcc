# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of the platform and of an entry, from the role's argument_specs, which is where it is written once."""

from __future__ import annotations

import difflib
from functools import cache
from pathlib import Path

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import NoLogError, SubParameterTypeError, UnsupportedError
from ansible_collections.sophia.platform.plugins.module_utils.catalog.origin import plain, where

SPEC_PATH = Path(__file__).parents[3] / "roles/catalog/meta/argument_specs.yml"
CONTAINERS = {"list": list, "dict": dict}
NEUTRAL = {"list": [], "dict": {}, "int": 0, "float": 0, "str": "", "raw": None}
NOISE = (NoLogError, SubParameterTypeError, UnsupportedError)  # said better here


@cache
def options_of(entry_point: str) -> dict:
    """The options of an entry point of the role `catalog`: `platform` or `entry`."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    specs = yaml.load(SPEC_PATH.read_text(encoding="utf-8"), Loader=loader)  # noqa: S506 a safe loader
    return specs["argument_specs"][entry_point]["options"]


def validate(entry_point: str, values: dict, place: str) -> tuple[dict, list[tuple[str, str]], bool]:
    """Check values against an entry point. `place` is where values were written that do not know it themselves.

    Returns the values with defaults filled in, the problems as (place, text), and whether the values can be computed
    with: nothing is missing or of a wrong type. Unknown options do no harm.
    """
    options = options_of(entry_point)
    misfits: list[tuple[str, str]] = []
    fitting = _fitting(options, values, "", place, misfits)
    result = ArgumentSpecValidator(options).validate(plain(fitting))
    unknown = [_unknown(options, values, path, place) for path in sorted(map(_path, result.unsupported_parameters))]
    errors = [error for error in result.errors if not isinstance(error, NOISE)]
    problems = misfits + unknown + [(place, error.msg) for error in errors]
    return plain(result.validated_parameters), problems, not misfits and not errors


def _path(name: object) -> tuple[str, ...]:
    return tuple(name) if isinstance(name, tuple) else (name,)


def _unknown(options: dict, values: dict, path: tuple[str, ...], place: str) -> tuple[str, str]:
    for name in path[:-1]:
        options = options.get(name, {}).get("options") or {}
        values = values.get(name) if isinstance(values, dict) else None
    holder = values if isinstance(values, dict) else {}
    key = next((key for key in holder if key == path[-1]), path[-1])
    near = difflib.get_close_matches(str(path[-1]), options, n=1)
    hint = f", did you mean {near[0]}" if near else f"; known are {', '.join(sorted(options))}"
    return where(key, holder.get(key), otherwise=place), f"unknown option {'.'.join(map(str, path))}{hint}"


def _fitting(options: dict, values: dict, prefix: str, place: str, misfits: list) -> dict:
    """The values without those of a wrong type, which Ansible would try to convert; they are added to `misfits`."""
    kept = {}
    for key, value in values.items():
        if not isinstance(key, str):
            misfits.append((where(key, value, otherwise=place), f"{prefix}{key} is no option's name; quote it"))
            continue
        option = options.get(key)
        if option is None:
            kept[key] = value
        if option is None or value is None:  # null is the same as left out
            continue
        wrong = _misfit(option.get("type", "str"), value)
        if wrong:
            misfits.append((where(value, key, otherwise=place), f"{prefix}{key} must be {wrong}"))
            if option.get("required"):  # so that it is not said to be missing as well
                kept[key] = NEUTRAL[option.get("type", "str")]
            continue
        below, elements = option.get("options"), option.get("elements")
        if isinstance(value, list) and elements:
            items = enumerate(value)
            value = [_element(option, item, f"{prefix}{key}[{index}]", place, misfits) for index, item in items]
            value = [item for item in value if item is not None]
        elif below and isinstance(value, dict):
            value = _fitting(below, value, f"{prefix}{key}.", place, misfits)
        kept[key] = value
    return kept


def _element(option: dict, item: object, path: str, place: str, misfits: list) -> object:
    wrong = _misfit(option["elements"], item)
    if wrong:
        misfits.append((where(item, otherwise=place), f"{path} must be {wrong}"))
        return None
    below = option.get("options")
    return _fitting(below, item, f"{path}.", place, misfits) if below else item


def _misfit(kind: str, value: object) -> str | None:
    """What the value should be, or None if it is that or can be read as that."""
    named = {"list": "a list", "dict": "a mapping", "str": "text", "int": "a whole number", "float": "a number"}
    shown = f"{named.get(kind, kind)}, not {value!r}" if not isinstance(value, (dict, list)) else ""
    shown = shown or f"{named.get(kind, kind)}, not a {'mapping' if isinstance(value, dict) else 'list'}"
    if kind in CONTAINERS:
        return None if isinstance(value, CONTAINERS[kind]) else shown
    if kind == "raw":
        return None
    if isinstance(value, (dict, list)) or (kind in ("int", "float") and isinstance(value, bool)):
        return shown
    if kind in ("int", "float"):
        try:
            {"int": int, "float": float}[kind](value)
        except (OverflowError, TypeError, ValueError):
            return shown
        return shown if kind == "int" and isinstance(value, float) and value != int(value) else None
    return None
