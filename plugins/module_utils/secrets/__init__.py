# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the platform's secret values come from. `read(source)` is the one way in; each kind is one module here."""

from __future__ import annotations

from collections.abc import Callable

from ansible_collections.sophia.platform.plugins.module_utils.secrets import esc_source, file_source
from ansible_collections.sophia.platform.plugins.module_utils.secrets.errors import SecretsError

# kind -> function from the source's description to {name: value}. Another kind is one more line.
SOURCES: dict[str, Callable[[dict], dict]] = {"file": file_source.read, "esc": esc_source.read}


def read(source: dict) -> dict[str, str]:
    """Return every secret of a source as {name: value}.

    source: a mapping with `kind` and what that kind needs. Raises SecretsError with one sentence, never with a value.
    """
    if not isinstance(source, dict) or "kind" not in source:
        raise SecretsError(f"The secrets source must be a mapping with a `kind`: {', '.join(SOURCES)}.")
    kind = source["kind"]
    if kind not in SOURCES:
        raise SecretsError(f"Unknown kind of secrets source {kind!r}; known: {', '.join(SOURCES)}.")
    return checked(SOURCES[kind](source), kind)


def checked(values: object, kind: str) -> dict[str, str]:
    """Return `values` when it maps names to non-empty strings; what is wrong is told by name and type only."""
    if not isinstance(values, dict):
        raise SecretsError(
            f"The {kind} secrets source holds a {type(values).__name__}; it must be one mapping of names to values."
        )
    unnamed = [name for name in values if not isinstance(name, str)]
    if unnamed:
        raise SecretsError(f"The {kind} secrets source has {len(unnamed)} name(s) that are not text; quote them.")
    wrong = [f"{name} ({type(value).__name__})" for name, value in values.items() if not isinstance(value, str)]
    if wrong:
        raise SecretsError(f"Secret values must be text; put quotes around: {', '.join(sorted(wrong))}.")
    empty = sorted(name for name, value in values.items() if not value)
    if empty:
        raise SecretsError(f"Secrets without a value in the {kind} secrets source: {', '.join(empty)}.")
    return dict(values)
