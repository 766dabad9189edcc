# SPDX-License-Identifier: GPL-3.0-or-later
"""All simulated clouds together: which one a request is for, the faults that meet it, the record of it, their state."""

from __future__ import annotations

import sys
import threading
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from lab.cloud import services
from lab.cloud.calls import Calls, command
from lab.cloud.faults import Faults
from lab.cloud.store import Store, StoreError
from lab.cloud.wire import Clock, Request, Response, Service


@dataclass(frozen=True)
class Outcome:
    """What goes over the wire: nothing but the end of the connection (None), or an answer, or the half of one."""

    response: Response | None
    half: bool = False


class Clouds:
    """The simulated clouds. machines: the backend of Lambda Cloud's instances, None for instances in memory only."""

    def __init__(self, state: Path | None = None, machines: object = None) -> None:
        self.clock, self.machines = Clock(), machines
        self.faults, self.calls = Faults(), Calls()
        self.store = Store(state, self.dump)
        self.services: dict[str, Service] = {}
        self.locks: dict[str, threading.RLock] = {}
        self._build()

    def start(self, seed: dict | None = None) -> None:
        """Take the state file's content, then the seed. Raises StoreError, and ValueError for a seed."""
        state = self.store.read()
        self.clock.ahead_seconds = float(state.get("clock_ahead_seconds", 0))
        for name, dumped in state.get("services", {}).items():
            if name in self.services:
                try:
                    self.services[name].load(dumped)
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    where = f"What {self.store.path} holds for {name}"
                    raise StoreError(f"{where} cannot be taken ({error!r}). Move the file away.") from error
        for name, actions in (seed or {}).items():
            for action, given in actions.items():
                for each in given if isinstance(given, list) else [given]:
                    self.control(name, action, each)
        self.store.start()

    def close(self) -> None:
        """Write the state file a last time."""
        self.store.close()

    def reset(self) -> None:
        """Begin anew: fresh services, the clock right, no faults, no calls. Real machines are given back."""
        for name, service in self.services.items():
            with self.locks[name]:
                getattr(service, "give_back", lambda: None)()
        self.clock.ahead_seconds = 0.0
        self.faults.clear()
        self.calls.clear()
        self._build()
        self.store.touch()

    def dump(self) -> dict:
        dumped = {}
        for name in self.services:
            with self.locks[name]:
                dumped[name] = self.services[name].dump()
        return {"clock_ahead_seconds": self.clock.ahead_seconds, "services": dumped}

    def control(self, name: str, action: str, given: dict) -> object:
        """Have a service do one of its own actions. Raises ValueError, in a sentence."""
        if name not in self.services:
            raise ValueError(f"No simulated cloud is named {name!r}; there are {', '.join(self.services)}.")
        if not isinstance(given, dict):
            raise ValueError(f"What {name}/{action} is given is no JSON object.")
        try:
            with self.locks[name]:
                return self.services[name].control(action, given)
        finally:
            self.store.touch()

    def answer(self, request: Request, method: str) -> Outcome:
        """Carry a request out, or have it go wrong. method: as it was sent; `request` has GET for a HEAD."""
        began = time.monotonic()
        name = next((name for name, service in self.services.items() if service.handles(request)), "")
        if not name:
            return Outcome(Response(404, b"No simulated cloud has this path.\n", "text/plain"))
        fault = self.faults.take(name, request, command(request))
        if fault and fault.kind == "slow":
            time.sleep(fault.seconds)
        response = self._carried_out(name, request) if fault is None or fault.executes else None
        if fault:
            response = None if fault.kind == "cut_after" else fault.answer() or response
        self.calls.add(name, method, request, response.status if response else None, time.monotonic() - began)
        return Outcome(response, half=bool(fault and fault.kind == "truncate"))

    def _carried_out(self, name: str, request: Request) -> Response:
        try:
            with self.locks[name]:
                return self.services[name].handle(request)
        except Exception as error:  # noqa: BLE001 - a simulator's own mistake must be seen, and not end the server
            last = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{type(error).__name__} at {Path(last.filename).name}:{last.lineno}"
            print(f"lab.cloud: {name} failed on {request.method} {request.path}: {where}", file=sys.stderr, flush=True)
            return Response(500, f"The simulator itself failed: {where}.\n".encode(), "text/plain")
        finally:
            self.store.touch()

    def _build(self) -> None:
        fresh = {service.name: service for service in services.build(self.clock, self.machines)}
        for service in fresh.values():
            if hasattr(service, "on_change"):  # what changes without a request
                service.on_change = self.store.touch
        self.locks = {name: self.locks.get(name) or threading.RLock() for name in fresh}
        self.services = fresh
