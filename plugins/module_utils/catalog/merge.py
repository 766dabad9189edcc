# SPDX-License-Identifier: GPL-3.0-or-later
"""From kinds, entries and overrides to the entries of one environment."""

from __future__ import annotations


def merge_services(services: list, kinds: dict, overrides: dict) -> list[dict]:
    """The enabled entries, each its kind, then itself, then its override. What is not a mapping is left out."""
    entries = [merge_service(entry, kinds, overrides) for entry in services if isinstance(entry, dict)]
    return [entry for entry in entries if is_enabled(entry)]


def is_enabled(entry: dict) -> bool:
    """Whether a merged entry exists in this environment."""
    return entry.get("enabled", True) not in (False, "false", "no")


def written_options(entry: dict, overrides: dict) -> set[str]:
    """The options that the entry or its override writes itself, not its kind."""
    return {*entry, *mapping_at(overrides, entry.get("name"))}


def merge_service(entry: dict, kinds: dict, overrides: dict) -> dict:
    """One entry with its kind below it and its override above it."""
    override = mapping_at(overrides, entry.get("name"))
    kind = mapping_at(kinds, override.get("kind", entry.get("kind")))
    port = next((source["port"] for source in (override, entry, kind) if source.get("port") is not None), "")
    name = str(entry.get("name", ""))
    words = {"{name}": name, "{id}": name.replace("-", "_"), "{port}": str(port)}
    return _over(_over(_substituted(kind, words), entry, append=True), override, append=False)


def mapping_at(mappings: dict, name: object) -> dict:
    """The mapping of that name, empty when there is none."""
    found = mappings.get(name) if isinstance(name, str) else None
    return found if isinstance(found, dict) else {}


def _substituted(value: object, words: dict[str, str]) -> object:
    if isinstance(value, dict):
        return {_substituted(key, words): _substituted(item, words) for key, item in value.items()}
    if isinstance(value, list):
        return [_substituted(item, words) for item in value]
    if isinstance(value, str) and "{" in value:
        for word, text in words.items():
            value = value.replace(word, text)
    return value


def _over(below: object, above: object, append: bool) -> object:
    """`above` laid over `below`: mappings are merged, lists appended to or replaced, everything else replaced."""
    if isinstance(below, dict) and isinstance(above, dict):
        keys = {key: key for key in above}  # these know where they were written above
        result = {keys.get(key, key): value for key, value in below.items()}
        result.update(
            {key: _over(below[key], value, append) if key in below else value for key, value in above.items()}
        )
        return result
    if append and isinstance(below, list) and isinstance(above, list):
        return [*below, *(item for item in above if item not in below)]
    return above
