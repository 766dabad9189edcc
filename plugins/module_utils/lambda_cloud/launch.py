# SPDX-License-Identifier: GPL-3.0-or-later
"""Launches instances one by one. No launch is sent twice without looking, in between, whether the first one worked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.choose import (
    Choice,
    Offer,
    choose,
    key_to_register,
    launch_body,
)
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.client import CAPACITY, LambdaCloud
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.errors import LambdaCloudError
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.model import (
    Instance,
    Wanted,
    hiding,
    matching,
)
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.plan import budget_problem, present_problem
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.settings import LaunchSettings

PAUSE_SECONDS_MIN = 1.0


def read_offer(client: LambdaCloud, settings: LaunchSettings) -> Offer:
    """Read what a launch needs to know."""
    return Offer(
        client.instance_types(),
        client.images(),
        client.firewall_rulesets() if settings.firewall_rulesets else [],
        client.file_systems() if settings.file_systems else [],
    )


def register_key(client: LambdaCloud, settings: LaunchSettings) -> None:
    """Register the public key, once; when the answer is lost, look whether it is there."""
    try:
        client.add_ssh_key(settings.ssh_key_name, settings.ssh_public_key)
    except LambdaCloudError as error:
        if not error.unknown or key_to_register(client.ssh_keys(), settings):
            raise


class Launcher:
    """Launches until the time is up. `launched` holds, by name, the ids of what is billed because of this run."""

    def __init__(
        self,
        client: LambdaCloud,
        settings: LaunchSettings,
        tags: Mapping[str, str],
        offer: Offer,
        listing: Sequence[Instance],
        clock: Clock,
    ) -> None:
        self.client, self.settings, self.tags, self.clock = client, settings, tags, clock
        self.offer, self.listing = offer, listing
        self.launched: dict[str, str] = {}
        self.uncertain: set[str] = set()
        self.regions: dict[str, str] = {}
        self.failures: dict[str, int] = {}
        self.tries, self.begin = 0, clock.monotonic()

    def launch(self, wanted: Wanted) -> tuple[str, bool]:
        """Launch one instance, or find that somebody else just did; return its id and whether it was launched here."""
        lost, error = False, None  # lost: an answer was, so that what is found is ours
        while True:
            if self.tries:
                found = self._look(wanted, error)
                if found:
                    return self._note(wanted, found) if lost else (found, False)
            choice = self._choose(wanted)
            error = self._try(wanted, choice) if choice else self._no_capacity(wanted)
            if error is None:
                return self.launched[wanted.name], True
            lost = lost or error.unknown
            if not error.transient:
                raise error
            if self._passed() + self._pause(error) > self.settings.capacity_timeout_seconds:
                return self._last_look(wanted, error, lost)

    def _choose(self, wanted: Wanted) -> Choice | None:
        peers = {each.region for each in self.listing if each.alive and each.has(self.tags)}
        return choose(self.offer, self.settings, wanted, [*peers, *self.regions.values()], self.failures)

    def _try(self, wanted: Wanted, choice: Choice) -> LambdaCloudError | None:
        self.tries += 1
        hidden = [line.strip() for line in self.settings.user_data.splitlines() if len(line.strip()) > 7]
        try:
            identifier = self.client.launch(
                launch_body(self.settings, wanted, choice), [self.settings.user_data, *hidden]
            )
        except LambdaCloudError as error:
            self.failures[choice.region] = self.tries
            if error.unknown:
                self.uncertain.add(wanted.name)
            return error
        self.launched[wanted.name], self.regions[wanted.name] = identifier, choice.region
        return None

    def _no_capacity(self, wanted: Wanted) -> LambdaCloudError:
        self.tries += 1
        regions = wanted.region or ", ".join(self.settings.regions) or "any region"
        text = f"no capacity for {self.settings.instance_type} in {regions}"
        return LambdaCloudError(text, code=CAPACITY, transient=True)

    def _look(self, wanted: Wanted, error: LambdaCloudError | None) -> str:
        """Wait for the next launch's turn, and read again what it rests upon; return the id if it is there by now."""
        self.clock.sleep(self._pause(error))
        while True:
            try:
                self.listing = self.client.instances()
                if error is not None:
                    self.offer.instance_types = self.client.instance_types()
                break
            except LambdaCloudError as failed:
                if not failed.transient or self._passed() > self.settings.capacity_timeout_seconds:
                    raise
                self.clock.sleep(self._pause(failed))
        self.uncertain.clear()
        found = matching(self.listing, wanted.name, self.tags) or hiding(self.listing, wanted.name)
        listed = {each.id for each in self.listing}
        unseen = sum(identifier not in listed for identifier in self.launched.values())
        more = 0 if found else 1 + unseen
        problem = present_problem(wanted.name, found, self.tags) or budget_problem(
            self.listing, more, self.tags, self.settings.max_instances, self.launched.values()
        )
        if problem:
            raise LambdaCloudError(f"{wanted.name} is not launched: {problem}.")
        return found[0].id if found else ""

    def _last_look(self, wanted: Wanted, error: LambdaCloudError, lost: bool) -> tuple[str, bool]:
        """Nothing is tried any more; but what was launched without our knowing must be known."""
        found = self._look(wanted, error) if lost else ""
        if found:
            return self._note(wanted, found)
        raise LambdaCloudError(
            f"{wanted.name} could not be launched within {self.settings.capacity_timeout_seconds:g} s and "
            f"{self.tries} {'tries' if self.tries > 1 else 'try'}; the last one ended with: {str(error).rstrip('.')}. "
            "Run again to go on, allow more regions in `regions`, or raise `capacity_timeout_seconds`.",
            code=error.code,
        )

    def _note(self, wanted: Wanted, identifier: str) -> tuple[str, bool]:
        self.launched[wanted.name] = identifier
        return identifier, True

    def _passed(self) -> float:
        return self.clock.monotonic() - self.begin

    def _pause(self, error: LambdaCloudError | None) -> float:
        """Five launches a minute are allowed for the whole account (reference §2); tests of the lab need no pause."""
        if error is None:
            return self.settings.launch_interval_seconds
        return max(self.settings.launch_interval_seconds, error.wait_seconds, PAUSE_SECONDS_MIN)
