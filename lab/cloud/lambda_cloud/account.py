# SPDX-License-Identifier: GPL-3.0-or-later
"""The account at work: what its instances are at this moment, and the machines behind them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import asdict

from lab.cloud.lambda_cloud.errors import missing
from lab.cloud.lambda_cloud.machines import Machines
from lab.cloud.lambda_cloud.state import Instance, State
from lab.cloud.wire import Clock


class Account:
    """The state, and what makes it move: time, and machines in the background."""

    def __init__(self, clock: Clock, machines: Machines) -> None:
        self.clock, self.machines = clock, machines
        self.state = State()
        self.on_change: Callable[[], None] = lambda: None
        self._turns: dict[str, threading.Lock] = {}

    # --- what is ---

    def status(self, instance: Instance) -> str:
        """An instance's status now; `gone` when the API does not know it any more."""
        now = self.clock.now()
        if instance.terminated_at is not None:
            since = now - instance.terminated_at
            if not instance.stopped or since < self.state.terminate_seconds:
                return "terminating"
            return "terminated" if since < self.state.terminate_seconds + self.state.gone_seconds else "gone"
        if instance.forced_status:
            return instance.forced_status
        if instance.failed:
            return "unhealthy"
        return "active" if self.addresses(instance) else "booting"

    def addresses(self, instance: Instance) -> tuple[str, str] | None:
        """Where an instance is reached, None while its start is under way."""
        return self.machines.addresses(for_backend(instance)) if instance.started else None

    def instances(self) -> list[Instance]:
        """Those that the API still knows; the others are forgotten."""
        self.state.instances = [one for one in self.state.instances if self.status(one) != "gone"]
        return self.state.instances

    def find(self, instance_id: str) -> Instance:
        """The instance of this id. Raises ApiError."""
        for instance in self.instances():
            if instance.id == instance_id:
                return instance
        raise missing("instance")

    def live(self) -> list[Instance]:
        """Those that take capacity and quota, and hold file systems and rulesets."""
        return [instance for instance in self.instances() if self.status(instance) != "terminated"]

    def attached(self, instance: Instance) -> set[str]:
        """The ids of an instance's file systems."""
        names = set(instance.file_system_names)
        return {one["id"] for one in self.state.file_systems if one["name"] in names}

    # --- capacity: kept as places in all, told as places that are left ---

    def capacity(self, instance_type: str, region: str) -> int:
        """How many instances can still be launched; -1 without an end."""
        places = self.state.capacity.get(instance_type, {}).get(region, 0)
        return places if places < 0 else max(0, places - self._taken(instance_type, region))

    def set_capacity(self, instance_type: str, region: str, count: int) -> None:
        places = count if count < 0 else count + self._taken(instance_type, region)
        self.state.capacity.setdefault(instance_type, {})[region] = places

    def advertised(self, instance_type: str, region: str) -> bool:
        """Whether /instance-types shows capacity; a hint, that the control endpoint can make wrong."""
        told = self.state.advertised.get(instance_type, {}).get(region)
        return self.capacity(instance_type, region) != 0 if told is None else told

    def _taken(self, instance_type: str, region: str) -> int:
        where = [(one.instance_type_name, one.region_name) for one in self.live()]
        return where.count((instance_type, region))

    # --- machines ---

    def start(self, instance: Instance) -> None:
        self._run(instance, self._start)

    def stop(self, instance: Instance) -> None:
        self._run(instance, self._stop)

    def resume(self) -> None:
        """Go on with what an earlier process had begun."""
        for instance in self.state.instances:
            if instance.terminated_at is not None and not instance.stopped:
                self.stop(instance)
            elif instance.terminated_at is None and not instance.started and not instance.failed:
                self.start(instance)

    def _run(self, instance: Instance, work: Callable[[Instance], None]) -> None:
        if getattr(self.machines, "instant", False):
            work(instance)
        else:
            threading.Thread(target=work, args=(instance,), daemon=True).start()

    def _turn(self, instance: Instance) -> threading.Lock:
        """One at a time for one machine: a stop waits for the start before it."""
        return self._turns.setdefault(instance.id, threading.Lock())

    def _start(self, instance: Instance) -> None:
        with self._turn(instance):
            if instance.terminated_at is not None:
                return
            try:
                self.machines.start(for_backend(instance))
                instance.started = True
            except Exception as error:  # noqa: BLE001 - whatever it is, the instance did not come up
                _tell(f"instance {instance.launched_name} did not start: {error}")
                instance.failed = True
        self.on_change()

    def _stop(self, instance: Instance) -> None:
        with self._turn(instance):
            try:
                self.machines.stop(for_backend(instance))
            except Exception as error:  # noqa: BLE001 - an instance must not stay for ever
                _tell(f"instance {instance.launched_name} did not stop: {error}")
            instance.stopped = True
        self.on_change()


def for_backend(instance: Instance) -> dict:
    """What a backend sees. A rename does not make another machine of it."""
    return {**asdict(instance), "name": instance.launched_name}


def _tell(text: str) -> None:
    print(f"lab.cloud: {text}", file=sys.stderr, flush=True)
