# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks an authority for its ACME directory, before anything is ordered there. Knows no Ansible."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

from ansible_collections.sophia.platform.plugins.module_utils.certificates.errors import CertificatesError
from ansible_collections.sophia.platform.plugins.module_utils.certificates.pem import shown
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Answer, TransportError, exchange

CLOCK_DIFFERENCE_MAX = timedelta(minutes=5)


def ask(url: str, now: datetime) -> None:
    """Make sure that orders can be made there. Raises CertificatesError."""
    try:
        answer = exchange("GET", url)
    except TransportError as error:
        raise CertificatesError(f"The authority at {url} cannot be asked: {error}.") from None
    if answer.status != 200:
        raise CertificatesError(f"The authority at {url} refuses: {answer.status}, {answer.described()}.")
    try:
        directory = answer.json()
        needs_binding = bool((directory.get("meta") or {}).get("externalAccountRequired"))
        is_directory = "newOrder" in directory
    except (ValueError, AttributeError):
        is_directory = needs_binding = False
    if not is_directory:
        raise CertificatesError(f"What {url} answers is no ACME directory: {answer.described()}.")
    if needs_binding:
        raise CertificatesError(f"The authority at {url} wants an account made elsewhere (external account binding).")
    _refuse_other_time(url, answer, now)


def _refuse_other_time(url: str, answer: Answer, now: datetime) -> None:
    try:
        theirs = parsedate_to_datetime(answer.headers.get("date", ""))
        difference = abs(theirs - now)
    except (TypeError, ValueError):  # no date, or one without a zone
        return
    if difference > CLOCK_DIFFERENCE_MAX:
        raise CertificatesError(
            f"This machine's clock says {shown(now)} and that of {url} {shown(theirs)}: dates of certificates cannot "
            "be judged. Set the clock, then run again."
        )
