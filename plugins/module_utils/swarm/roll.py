# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries a plan out, wave after wave, each judged before the next."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping

from ansible_collections.sophia.platform.plugins.module_utils.swarm import compose as documents
from ansible_collections.sophia.platform.plugins.module_utils.swarm import networks, plan
from ansible_collections.sophia.platform.plugins.module_utils.swarm import spec as specs
from ansible_collections.sophia.platform.plugins.module_utils.swarm.cli import Cli
from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import SwarmError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.judge import Expectation
from ansible_collections.sophia.platform.plugins.module_utils.swarm.mask import Masker
from ansible_collections.sophia.platform.plugins.module_utils.swarm.stack import Request
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import Swarm
from ansible_collections.sophia.platform.plugins.module_utils.swarm.watch import Watch

IMAGE_LABEL = "com.docker.stack.image"
REMOVAL_LIMIT_SECONDS = 120


class Roller:
    """Deploys the services of one stack and waits for their verdict. `renew` keeps the lock."""

    def __init__(self, swarm: Swarm, cli: Cli, request: Request, masker: Masker, renew: Callable[[], None]) -> None:
        self.warnings: list[str] = []
        self._swarm = swarm
        self._cli = cli
        self._stack = request.stack
        self._sequential = request.sequential
        self._renew = renew
        self._grace_seconds = request.pending_grace_seconds
        self._watch = Watch(swarm, request.stack, masker, request.pending_grace_seconds, renew)

    def roll(
        self,
        compose: Mapping,
        pinned: Mapping[str, str],
        scaled: Mapping[str, Mapping],
        steps: list[plan.Step],
        deadline: float,
        excused: Collection[str],
    ) -> None:
        """Carry out the steps. `excused` names services that nobody touches and that were broken before.

        Raises SwarmError with the report when a service does not end up as it should.
        """
        removals = [step.service for step in steps if step.action == plan.REMOVE]
        first = [name for name, service in self._live().items() if name in removals and _in_the_way(service)]
        self._remove(first + [step.service for step in steps if step.replace], wait=True)
        waves = plan.waves(steps, self._sequential) or [[]]
        for number, wave in enumerate(waves):
            later = {name for one in waves[number + 1 :] for name in one}
            self._deploy(compose, pinned, scaled, wave, deadline, later | set(excused))
        self.remove([name for name in removals if name not in first], documents.network_names(compose, self._stack))

    def remove(self, names: Collection[str], wanted_networks: Collection[str]) -> None:
        """Remove services, and the stack's own networks that are not wanted."""
        unwanted = [one for one in networks.own(self._swarm, self._stack) if one["Name"] not in wanted_networks]
        self._remove(names, wait=bool(unwanted))
        if unwanted:
            self.warnings += networks.remove_all_but(self._swarm, self._stack, wanted_networks)

    def look_after(self, names: Collection[str], short: bool, deadline: float) -> str:
        """Give services that did not run before their chance; the report when they do not use it, or ''."""
        if not names:
            return ""
        limit = self._grace_seconds if short else max(1.0, deadline - time.monotonic())
        return self._watch.until_verdict(self._expected([], names), self._task_ids(), limit)

    def _deploy(
        self,
        compose: Mapping,
        pinned: Mapping[str, str],
        scaled: Mapping[str, Mapping],
        wave: list[str],
        deadline: float,
        excused: Collection[str],
    ) -> None:
        live, old_task_ids = self._live(), self._task_ids()
        if wave:
            self._forget_images_set_by_hand(live, wave)
            counts = {name: specs.replicas(live[name]["Spec"]) for name in scaled if name in live}
            replicas = {
                name: documents.clamped(
                    documents.wanted_replicas(documents.services(compose)[name])
                    if counts.get(name) is None
                    else counts[name],
                    bounds,
                )
                for name, bounds in scaled.items()
            }
            warnings = self._cli.deploy(self._stack, documents.rendered(compose, pinned, replicas, wave))
            self.warnings += [line for line in warnings if line not in self.warnings]
        names = [name for name in documents.services(compose) if name not in excused]
        report = self._watch.until_verdict(
            self._expected(wave, names), old_task_ids, max(1.0, deadline - time.monotonic())
        )
        if report:
            raise SwarmError(report)

    def _expected(self, deployed: Collection[str], names: Collection[str]) -> dict[str, Expectation]:
        return {
            service["ID"]: Expectation(name, specs.spec_digest(service["Spec"]), name in deployed)
            for name, service in self._live().items()
            if name in names
        }

    def _live(self) -> dict[str, dict]:
        return {specs.short_name(service, self._stack): service for service in self._swarm.services(self._stack)}

    def _task_ids(self) -> set[str]:
        return {task["ID"] for task in self._swarm.tasks(self._stack)}

    def _forget_images_set_by_hand(self, live: Mapping[str, dict], wave: list[str]) -> None:
        """Remove the CLI's image label where it is not true: with it, the CLI would keep the image set by hand."""
        for name in wave:
            spec = live[name]["Spec"] if name in live else {}
            labels = spec.get("Labels") or {}
            image = (spec.get("TaskTemplate", {}).get("ContainerSpec") or {}).get("Image")
            if IMAGE_LABEL in labels and labels[IMAGE_LABEL] != image:
                kept = {key: value for key, value in labels.items() if key != IMAGE_LABEL}
                self._swarm.update_service(live[name], {**spec, "Labels": kept})

    def _remove(self, names: Collection[str], wait: bool) -> None:
        live = self._live()
        doomed = [live[name]["ID"] for name in names if name in live]
        for identifier in doomed:
            self._swarm.remove("services", identifier)
        deadline = time.monotonic() + REMOVAL_LIMIT_SECONDS
        while wait and doomed and time.monotonic() < deadline:
            left = {task["ServiceID"] for task in self._swarm.tasks(self._stack)}
            if not left.intersection(doomed):
                return
            self._renew()
            time.sleep(0.5)


def _in_the_way(service: Mapping) -> bool:
    """Whether a service holds what a successor may need to start: published ports or exclusive resources."""
    spec = service["Spec"]
    resources = (spec["TaskTemplate"].get("Resources") or {}).get("Reservations") or {}
    return bool((spec.get("EndpointSpec") or {}).get("Ports") or resources.get("GenericResources"))
