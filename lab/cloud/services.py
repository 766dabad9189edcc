# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated clouds in the order in which they are asked whether a path is theirs; Vercel takes what is left."""

from __future__ import annotations

import importlib
import importlib.util

from lab.cloud.apis import Apis
from lab.cloud.esc import Esc
from lab.cloud.lambda_cloud import LambdaCloud
from lab.cloud.namecheap import Namecheap
from lab.cloud.wire import Clock, Service

URLS = {
    "namecheap": "/xml.response",
    "esc": "",
    "lambda": "/api/v1",
    "vercel": "",
    "apis": "/apis",
    "control": "/control",
}


def build(clock: Clock, machines: object = None) -> list[Service]:
    """All of them, fresh."""
    services = [Namecheap(clock), Esc(clock), LambdaCloud(clock, machines), Apis(clock)]
    found = importlib.util.find_spec("lab.cloud.vercel")
    if found and found.origin:
        services.append(importlib.import_module("lab.cloud.vercel").Vercel(clock))
    return services
