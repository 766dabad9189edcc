# SPDX-License-Identifier: GPL-3.0-or-later
"""What an instance is behind the API: the protocol of a backend, and the backend that has none."""

from __future__ import annotations

from typing import Protocol

from lab.cloud.wire import Clock


class Machines(Protocol):
    """A backend. An instance is a dict of JSON; `name` in it is the name it was launched with."""

    def problem(self, request: dict) -> str | None:
        """Why this launch request cannot be, as a sentence; None when it can."""

    def start(self, instance: dict) -> None:
        """Start the machine; in a background thread after the launch was answered, and again when the simulator was
        restarted meanwhile. An exception makes the instance unhealthy."""

    def addresses(self, instance: dict) -> tuple[str, str] | None:
        """(public, private) address; None while it is not ready."""

    def stop(self, instance: dict) -> None:
        """Remove the machine; in a background thread, after start() has returned. One that is gone is no error."""


class MemoryMachines:
    """No machines: addresses that nothing listens on, known once the instance's boot time has passed."""

    instant = True  # start() and stop() take no time: no thread is needed

    def __init__(self, clock: Clock) -> None:
        self.clock = clock

    def problem(self, _request: dict) -> str | None:
        return None

    def start(self, instance: dict) -> None:
        """Nothing is to be done."""

    def addresses(self, instance: dict) -> tuple[str, str] | None:
        if self.clock.now() < instance["boots_at"]:
            return None
        number = instance["number"] - 1  # each instance is another number, so a relaunch has other addresses
        return f"198.51.100.{number % 254 + 1}", f"10.19.{number // 254 % 256}.{number % 254 + 1}"

    def stop(self, instance: dict) -> None:
        """Nothing is to be done."""
