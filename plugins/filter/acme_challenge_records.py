# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the challenges of an ACME order into the form of a zone's records."""

from __future__ import annotations

DOCUMENTATION = r"""
name: acme_challenge_records
short_description: The TXT records that answer an ACME order's challenges
version_added: "0.3.0"
description:
  - Gives one record a challenge, for M(sophia.platform.namecheap_dns). A name and its wildcard share a record's name.
  - Names whose proof the authority still remembers have no challenge, and so no record.
positional: zone
options:
  _input:
    description: RV(community.crypto.acme_certificate_order_create#module:challenge_data_dns).
    type: dict
    required: true
  zone:
    description: The zone that the names are in.
    type: str
    required: true
author: [Sophia platform (@sophia-ai)]
"""

EXAMPLES = r"""
- name: Show the records
  ansible.builtin.debug:
    msg: "{{ certificates_order.challenge_data_dns | sophia.platform.acme_challenge_records('example.com') }}"
"""

RETURN = r"""
_value:
  description: The records, with names within the zone.
  type: list
  elements: dict
"""

TTL_SECONDS = 60  # the least that Namecheap takes


def acme_challenge_records(challenges: dict, zone: str) -> list[dict]:
    """The records, ready to be written."""
    return [
        {"name": name.removesuffix(f".{zone}"), "type": "TXT", "value": value, "ttl_seconds": TTL_SECONDS}
        for name, values in challenges.items()
        for value in values
    ]


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict:
        """Return them by name."""
        return {"acme_challenge_records": acme_challenge_records}
