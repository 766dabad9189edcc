# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches of the simulated ESC: what differs between servers, or may turn out differently."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields


@dataclass
class Knobs:
    """Each at its usual value; they hold until they are set again."""

    conflict_status: int = 409  # of a stale ETag; a reimplementation answers 412
    create_status: int = 200  # 204 in the SDK's own description
    page_size: int = 100  # of a list, without maxResults
    warn_on_open: bool = False
    warn_on_update: bool = False
    number_session_id: bool = False
    hide_revision: bool = False  # no header Pulumi-ESC-Revision
    hide_token_info: bool = False  # as on old servers
    hide_default_organization: bool = False  # its path answers 404, as on old servers
    bare_diagnostics: bool = False  # a 400 holds nothing but diagnostics
    plain_404: bool = False  # the text `404 page not found`
    identical_text_makes_revision: bool = True
    secrets_are_expressions: bool = False  # `${…}` in a secret is refused, not taken to the letter
    reformat: bool = False  # a definition comes back with another indentation and other quotes

    def set(self, given: dict) -> None:
        """Change some, or none of them when one is unknown. `reset: true` puts the others back first."""
        given = dict(given)
        changed = asdict(Knobs()) if given.pop("reset", False) else asdict(self)
        for name, value in given.items():
            if name not in changed:
                raise ValueError(f"no switch of ESC is {name!r}; there are: {', '.join(sorted(changed))}")
            if type(value) is not type(changed[name]):
                raise ValueError(f"the switch {name} is of type {type(changed[name]).__name__}")
            changed[name] = value
        for member in fields(Knobs):
            setattr(self, member.name, changed[member.name])
