# SPDX-License-Identifier: GPL-3.0-or-later
"""Has an environment as it is wanted: read, plan, write once, and read again when the outcome is not known."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.sophia.platform.plugins.module_utils.esc import values
from ansible_collections.sophia.platform.plugins.module_utils.esc.client import EscClient, Stored
from ansible_collections.sophia.platform.plugins.module_utils.esc.definition import Edit, SameSecret, compares, edited
from ansible_collections.sophia.platform.plugins.module_utils.esc.edit import redacted
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.names import Place
from ansible_collections.sophia.platform.plugins.module_utils.esc.session import OPEN_DURATION
from ansible_collections.sophia.platform.plugins.module_utils.esc.want import Wanted
from ansible_collections.sophia.platform.plugins.module_utils.esc.yaml_text import (
    SECRET,
    at,
    composed,
    plain,
    secret_texts,
)

DECRYPT, OPEN, ALWAYS_WRITE = "decrypt", "open", "always_write"
CHECK_TEXT = "checked"


@dataclass
class Outcome:
    """What was done, or would be. revision is 0 when it is not known yet."""

    created: bool = False
    edit: Edit = field(default_factory=lambda: Edit(""))
    revision: int = 0
    warnings: list[str] = field(default_factory=list)


class Environment:
    """One environment at Pulumi ESC. compare says how stored secrets are told from wanted ones."""

    def __init__(self, client: EscClient, place: Place, compare: str = DECRYPT, check_mode: bool = False) -> None:
        self.client, self.place, self.compare, self.check_mode = client, place, compare, check_mode

    def present(self, wanted: Wanted) -> Outcome:
        """Create it when it is missing, and change its definition when that differs. Raises EscError."""
        self.client.hide(wanted.secrets)
        outcome, stored = Outcome(), self.client.definition(self.place)
        if stored is None:
            self._edit(Stored(""), wanted)  # what cannot be is told before anything is made
            outcome.created, stored = self._created()
        unknown = False
        for attempt in (1, 2, 3):
            edit, failure = self._edit(stored, wanted), None
            if edit.changed or not outcome.edit.changed:
                outcome.edit = edit
            outcome.revision = stored.revision
            if not edit.changed:
                break
            if self.check_mode:
                outcome.revision = 0
                self._check(edit, wanted, outcome)
                break
            try:
                outcome.revision, warnings = self._update(edit, stored)
                outcome.warnings += warnings
                break
            except EscError as error:
                failure = error
            if not (failure.outcome_unknown or failure.conflict):
                raise failure
            # The conflict after an unknown outcome may be with the very change that was not known of.
            if attempt == 3 or (attempt == 2 and not (unknown and failure.conflict)):
                raise self._twice(failure)
            unknown = unknown or failure.outcome_unknown
            if not unknown:
                outcome.edit = Edit("")  # what another has written may be all that was wanted
            stored = self._there()
        if not outcome.revision and not self.check_mode:
            outcome.revision = self._there().revision
        return outcome

    def absent(self) -> Edit | None:
        """Delete it; None when it was not there. Raises EscError."""
        stored = self.client.definition(self.place)
        if stored is None:
            return None
        failure = None
        if not self.check_mode:
            try:
                self.client.delete(self.place)
            except EscError as error:
                failure = error
        if failure and failure.conflict:
            raise EscError(
                f"Cannot delete {self.place}: {failure.told}. If it is protected against deletion, set "
                "deletion_protected to false as well.",
                failure.status,
            )
        if failure and failure.status != 404 and not (failure.outcome_unknown and self._gone()):
            raise failure
        return Edit("", before=redacted(stored.text, str(self.place)))

    def _gone(self) -> bool:
        return self.client.definition(self.place) is None

    def _there(self) -> Stored:
        stored = self.client.definition(self.place)
        if stored is None:
            raise EscError(
                f"Pulumi ESC has {self.place}, and does not show it to this token. Give the token access to it.", 404
            )
        return stored

    def _created(self) -> tuple[bool, Stored]:
        """Create it; somebody else may have, in between. Returns whether we did, and what is there."""
        if self.check_mode:
            return True, Stored("")
        failure = None
        try:
            self.client.create(self.place)
        except EscError as error:
            failure = error
        if failure is None:
            return True, self._there()
        if failure.conflict:
            return False, self._there()
        stored = self.client.definition(self.place) if failure.outcome_unknown else None
        if stored is None:
            raise failure
        return True, stored

    def _edit(self, stored: Stored, wanted: Wanted) -> Edit:
        return edited(stored.text, wanted, str(self.place), self._same_secret(stored, wanted))

    def _update(self, edit: Edit, stored: Stored) -> tuple[int, list[str]]:
        if not stored.etag:
            raise EscError(
                f"{self.client.api_url} gave {self.place} without an ETag, so a change could undo somebody else's. "
                "Nothing was changed; see whether a proxy removes this header."
            )
        return self.client.update(self.place, edit.text, stored.etag)

    def _check(self, edit: Edit, wanted: Wanted, outcome: Outcome) -> None:
        """Let Pulumi ESC check the text. It would read a `$` in a secret as a reference; then secrets stay here."""
        text = edit.text
        if any("$" in secret for secret in wanted.secrets):
            text = redacted(text, str(self.place), CHECK_TEXT, only_new=True)
        try:
            outcome.warnings += self.client.check(self.place, text)
        except EscError as error:
            if error.status not in (403, 404):
                raise
            outcome.warnings.append(f"The new definition was not checked: {error}")

    def _same_secret(self, stored: Stored, wanted: Wanted) -> SameSecret:
        """Return the function that says whether a stored secret is the wanted one; reads no more than that needs."""
        name = str(self.place)
        if self.compare == ALWAYS_WRITE or not compares(stored.text, wanted, name):
            return lambda _path, _text: False
        if self.compare == OPEN:
            session, _warnings = self.client.open(self.place, OPEN_DURATION)
            tree = values.tree(self.client.session(self.place, session), name)
            self.client.hide(values.secret_texts(tree))
            return lambda path, text: (values.found(tree, path)[0] or {}).get("value") == text
        clear = plain(composed(self._decrypted().text, name), name)
        self.client.hide(secret_texts(clear))
        return lambda path, text: at(clear, ("values", *path)) == (True, {SECRET: text})

    def _decrypted(self) -> Stored:
        refused = ""
        try:
            return self.client.decrypted(self.place)
        except EscError as error:
            if error.status not in (403, 404):
                raise
            refused = f"{error.status}: {error.told}"
        raise EscError(
            f"The secrets of {self.place} cannot be compared: the access token may not decrypt it ({refused}). "
            f"Give the token this permission, or set compare to {OPEN} (opens the environment) or {ALWAYS_WRITE} "
            "(makes a new revision each time).",
            403,
        )

    def _twice(self, failure: EscError) -> EscError:
        if not failure.conflict:
            return failure
        return EscError(
            f"{self.place} was changed by somebody else twice while this changed it ({failure.status}). Their changes "
            "are kept and this one is not made; run again.",
            failure.status,
        )
