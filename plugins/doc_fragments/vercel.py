# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that all modules for Vercel share."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the connection."""

    DOCUMENTATION = r"""
options:
  name:
    description: The project's name.
    type: str
    required: true
  token:
    description:
      - The access token. It is sent in a header and appears in no message, result, address or command line.
      - Without it, the environment variable E(VERCEL_TOKEN) counts.
    type: str
    required: true
  team_id:
    description: The id of the team that owns the project. Without a team, the token's own account is meant.
    type: str
  team_slug:
    description: The slug of that team, instead of O(team_id).
    type: str
  api_url:
    description: Where the API is.
    type: str
    default: https://api.vercel.com
  request_timeout_seconds:
    description: How long one call of the API may take, in seconds.
    type: int
    default: 30
notes:
  - Rate limits that end within a minute are waited for; longer ones are an error that says when they end.
  - Reads are repeated after faults. A write whose outcome is not known is only repeated after reading again.
"""
