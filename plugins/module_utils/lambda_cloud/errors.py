# SPDX-License-Identifier: GPL-3.0-or-later
"""The one exception of the Lambda Cloud client."""

from __future__ import annotations


class LambdaCloudError(Exception):
    """Something at Lambda Cloud did not work; the text says what and what to do, and holds no secret.

    code: the API's own code, empty when it gave none. status: the HTTP status, 0 when no answer came.
    transient: the same request may succeed later. unknown: the request may have been carried out all the same.
    wait_seconds: how long to stay away after too many requests.
    """

    def __init__(
        self,
        message: str,
        code: str = "",
        status: int = 0,
        transient: bool = False,
        unknown: bool = False,
        wait_seconds: float = 0,
    ) -> None:
        super().__init__(message)
        self.code, self.status = code, status
        self.transient, self.unknown, self.wait_seconds = transient, unknown, wait_seconds
