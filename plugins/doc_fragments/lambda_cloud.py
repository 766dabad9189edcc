# SPDX-License-Identifier: GPL-3.0-or-later
"""Documentation that all modules for Lambda Cloud share."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of the connection."""

    DOCUMENTATION = r"""
options:
  api_key:
    description: The API key. Without it the environment variable E(LAMBDA_API_KEY) is taken.
    type: str
    required: true
  api_url:
    description: The API's address. Without it the environment variable E(LAMBDA_API_URL) is taken.
    type: str
    default: https://cloud.lambda.ai/api/v1
  timeout_seconds:
    description: How many seconds one request may take.
    type: float
    default: 30
"""
