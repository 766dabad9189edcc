# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that all modules for Pulumi ESC share."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the connection and the environment."""

    DOCUMENTATION = r"""
options:
  organization:
    description: The organization at Pulumi.
    type: str
  project:
    description: The environment's project.
    type: str
  environment:
    description:
      - The environment's name.
      - Or a whole reference C(organization/project/environment), without O(organization) and O(project).
    type: str
    required: true
  access_token:
    description:
      - The access token. It is sent in a header and appears in no message, result, address or command line.
      - Without it, the environment variable E(PULUMI_ACCESS_TOKEN) counts.
    type: str
  github_oidc:
    description:
      - In a GitHub Actions job, and without an access token, exchange the job's identity for one.
      - The job needs C(permissions) with C(id-token=write), and the organization must trust GitHub as an issuer.
    type: bool
    default: false
  oidc_scope:
    description:
      - What the exchanged token is for. Empty or V(admin) for the organization, or C(team:NAME), C(user:LOGIN),
        C(runner:NAME).
    type: str
    default: ""
  api_url:
    description:
      - Where the API is. Without it, E(PULUMI_BACKEND_URL), then E(PULUMI_API), then C(https://api.pulumi.com) counts.
      - A state backend such as C(s3://) has no Pulumi ESC, and is refused.
    type: str
  timeout_seconds:
    description: How long one call of the API may take, in seconds.
    type: float
    default: 30
notes:
  - Reads are tried four times. A write whose outcome is not known is only repeated after reading again.
  - Pulumi answers alike for what is not there and what the token may not see.
"""
