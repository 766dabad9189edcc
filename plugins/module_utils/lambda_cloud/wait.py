# SPDX-License-Identifier: GPL-3.0-or-later
"""Waits for instances: until they are ready, with an SSH server that answers, or until they are gone."""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.client import LambdaCloud
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.errors import LambdaCloudError
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.model import (
    ENDED,
    Instance,
    Wanted,
    matching,
    named,
    tagged,
)
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.plan import present_problem

POLL_INTERVAL_SECONDS_MIN = 0.5
PROBE_TIMEOUT_SECONDS = 5.0
# `active` comes up to a minute before or after SSH answers (reference §4.3).
SSH_OF_ACTIVE_SECONDS = 300.0
# A new instance is listed at once; one missing look may be a list that was made just before.
LOOKS_WITHOUT_IT_MAX = 3


def ssh_problem(address: str, port: int) -> str:
    """Say why no SSH server answers; empty when one does."""
    try:
        with socket.create_connection((address, port), timeout=PROBE_TIMEOUT_SECONDS) as connection:
            begin = connection.recv(4, socket.MSG_WAITALL)
    except OSError as error:
        return (
            f"port {port} of {address}: {'no answer' if isinstance(error, TimeoutError) else error.strerror or error}"
        )
    return "" if begin == b"SSH-" else f"what answers at port {port} of {address} is no SSH server"


class Waiter:
    """Looks at the instances in turns. A look that fails for the moment is no reason to give up: they are billed."""

    def __init__(
        self, client: LambdaCloud, tags: Mapping[str, str], poll_interval_seconds: float, clock: Clock
    ) -> None:
        self.client, self.tags, self.clock = client, tags, clock
        self.interval_seconds = self.pause_seconds = max(poll_interval_seconds, POLL_INTERVAL_SECONDS_MIN)
        self.last_problem = ""

    def until_ready(
        self,
        pending: Mapping[str, tuple[Wanted, str]],
        boot_timeout_seconds: float,
        listing: Sequence[Instance] | None = None,
    ) -> dict[str, Instance]:
        """Wait until all {name: (wanted, id)} are active, have an address, and SSH answers there.

        listing: what was seen just now, so that nothing is asked of the API when all are ready.
        """
        begin, ready, missing = self.clock.monotonic(), {}, dict.fromkeys(pending, 0)
        limits = dict.fromkeys(pending, boot_timeout_seconds)
        for each in listing or ():
            if each.status == "active" and pending.get(each.name, (None, ""))[1] == each.id:
                limits[each.name] = min(boot_timeout_seconds, SSH_OF_ACTIVE_SECONDS)
        while True:
            listing = self._look() if listing is None else listing
            seen = {}
            for name, (wanted, identifier) in pending.items():
                if name not in ready and listing is not None:
                    instance = self._find(listing, name, identifier, missing)
                    seen[name] = self._not_ready(instance, wanted)
                    if not seen[name]:
                        ready[name] = instance
            if len(ready) == len(pending):
                return ready
            passed = self.clock.monotonic() - begin
            late = [name for name in pending if name not in ready and passed >= limits[name]]
            if late:
                told = "; ".join(f"{name} ({pending[name][1]}): {seen.get(name) or self.last_problem}" for name in late)
                raise LambdaCloudError(f"Not ready after {limits[late[0]]:g} s: {told}.")
            listing = None
            self.clock.sleep(self.pause_seconds)

    def until_gone(self, ids: Sequence[str], timeout_seconds: float) -> None:
        """Wait until none of these is listed as anything but ended."""
        begin = self.clock.monotonic()
        while True:
            listing = self._look()
            left = [each for each in listing or () if each.id in ids and each.status not in ("terminated", "preempted")]
            if listing is not None and not left:
                return
            if self.clock.monotonic() - begin >= timeout_seconds:
                told = named(left) if left else self.last_problem
                raise LambdaCloudError(
                    f"Not gone after {timeout_seconds:g} s: {told}. See them in Lambda's dashboard, and run again."
                )
            self.clock.sleep(self.pause_seconds)

    def _look(self) -> list[Instance] | None:
        self.pause_seconds = self.interval_seconds
        try:
            return self.client.instances(tries=1)
        except LambdaCloudError as error:
            if not error.transient:
                raise
            self.last_problem = str(error).rstrip(".")
            self.pause_seconds = max(self.interval_seconds, error.wait_seconds)
        return None

    def _find(
        self, listing: Sequence[Instance], name: str, identifier: str, missing: dict[str, int]
    ) -> Instance | None:
        same = matching(listing, name, self.tags)
        if len(same) > 1:
            raise LambdaCloudError(f"{present_problem(name, same, self.tags)}.")
        found = [instance for instance in listing if instance.id == identifier]
        missing[name] = 0 if found else missing[name] + 1
        if missing[name] >= LOOKS_WITHOUT_IT_MAX:
            raise LambdaCloudError(f"{name} ({identifier}) is not listed any more. Run again to launch another.")
        if found and found[0].status in ENDED:
            raise LambdaCloudError(f"{named(found)} ended before it was ready. Run again to launch another.")
        if found and found[0].tags and not found[0].has(self.tags):
            raise LambdaCloudError(f"{named(found)} is another's: it lacks the tags {tagged(self.tags)}. Run again.")
        if found and found[0].status == "unhealthy":
            raise LambdaCloudError(f"{present_problem(name, found, self.tags)}.")
        return found[0] if found else None

    def _not_ready(self, instance: Instance | None, wanted: Wanted) -> str:
        if instance is None:
            return "not listed"
        if instance.status != "active":
            return f"its status is {instance.status or 'empty'}"
        if not instance.has(self.tags):  # the next run would not know it as ours, and pay for another one
            return f"it lacks the tags {tagged(self.tags)}"
        if not instance.ip:
            return "it has no address"
        return ssh_problem(instance.ip, wanted.ssh_port) if wanted.ssh_port else ""
