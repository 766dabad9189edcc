# SPDX-License-Identifier: GPL-3.0-or-later
"""Lambda Cloud's API v1, simulated: with its errors, limits and delays."""

from lab.cloud.lambda_cloud.service import LambdaCloud

__all__ = ["LambdaCloud"]
