# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated clouds in the order in which they are asked whether a path is theirs; Vercel takes what is left."""

from __future__ import annotations

from lab.cloud.apis import Apis
from lab.cloud.esc import Esc
from lab.cloud.lambda_cloud import LambdaCloud
from lab.cloud.namecheap import Namecheap
from lab.cloud.vercel import Vercel
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
    return [Namecheap(clock), Esc(clock), LambdaCloud(clock, machines), Apis(clock), Vercel(clock)]
