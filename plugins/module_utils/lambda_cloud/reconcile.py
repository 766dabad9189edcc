# SPDX-License-Identifier: GPL-3.0-or-later
"""Has wanted instances running, or gone: one look when nothing is to do, everything checked before the first launch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud import settings as options_of
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.choose import (
    Offer,
    choose,
    key_to_register,
    price,
)
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.client import NOT_THERE, LambdaCloud
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.errors import LambdaCloudError
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.launch import (
    Launcher,
    read_offer,
    register_key,
)
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.model import Instance, Wanted
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.plan import Plan, plan_absent, plan_present
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.wait import Waiter

TERMINATE_TRIES = 3


class Fleet:
    """The instances of one run. `told` is what is known so far; a failing module returns it too."""

    def __init__(self, client: LambdaCloud, options: Mapping[str, Any], clock: Clock, check_mode: bool) -> None:
        self.client, self.options, self.clock, self.check_mode = client, options, clock, check_mode
        self.wanted: list[Wanted] = options_of.wanted(options)
        self.tags = options_of.ownership(options)
        self.settings = options_of.LaunchSettings.of(options)
        self.waiter = Waiter(client, self.tags, options["poll_interval_seconds"], clock)
        self.told: dict[str, Any] = {"instances": [], "launched": []}

    def present(self) -> dict[str, Any]:
        """Launch what is missing, and wait until all are ready."""
        listing = self.client.instances()
        plan = _accepted(plan_present(listing, self.wanted, self.tags, self.settings))
        self.told["instances"] = [instance.result() for instance in plan.kept.values()]
        lines, ids = {}, {name: instance.id for name, instance in plan.kept.items()}
        ready, register = dict(plan.kept), False
        if plan.launch:
            offer = read_offer(self.client, self.settings)
            register, lines = self._preview(offer, plan.launch, listing)
            if not self.check_mode:
                ids.update(self._launch(offer, plan, listing, register))
        if not self.check_mode:
            ready = self._wait(ids, None if plan.launch else listing)
        instances = [ready[each.name] for each in self.wanted if each.name in ready]
        after = {each.name: ready[each.name].line() if each.name in ready else lines[each.name] for each in self.wanted}
        others = [each for each in listing if each.alive and each.has(self.tags) and each.id not in ids.values()]
        cost = sum(each.price_cents_per_hour for each in [*instances, *others])
        if self.check_mode and plan.launch:
            cost += price(offer, self.settings) * len(plan.launch)
        told = [f"would launch {line.strip()}" for line in lines.values()] if self.check_mode else self._launched()
        told += [f"would register the SSH key {self.settings.ssh_key_name}"] if register and self.check_mode else []
        return {
            "changed": bool(plan.launch if self.check_mode else self.told["launched"]),
            "msg": "; ".join(told) or f"{len(instances)} of {len(self.wanted)} wanted instances run",
            "instances": [instance.result() for instance in instances],
            "launched": self.told["launched"],
            "drift": plan.drift,
            "notes": [*plan.notes, *_border_note(instances)],
            "cost_cents_per_hour": cost,
            "diff": {
                "before": "".join(instance.line() for instance in plan.kept.values()),
                "after": "".join(after[each.name] for each in self.wanted),
            },
        }

    def absent(self) -> dict[str, Any]:
        """Terminate what has the name and every tag, and wait until it is gone."""
        listing = self.client.instances()
        plan = _accepted(plan_absent(listing, self.wanted, self.tags))
        ids = [instance.id for instance in plan.terminate]
        if not self.check_mode:
            self._terminate(ids)
            if ids or plan.leaving:
                leaving = [instance.id for instance in plan.leaving]
                self.waiter.until_gone([*ids, *leaving], self.options["terminate_timeout_seconds"])
        left = [each for each in listing if each.alive and each.has(self.tags) and each.id not in ids]
        verb = "would terminate" if self.check_mode else "terminated"
        told = [f"{verb} {each.name} ({each.id}) in {each.region}" for each in plan.terminate]
        return {
            "changed": bool(ids),
            "msg": "; ".join(told) or "nothing to terminate",
            "instances": [],
            "launched": [],
            "drift": [],
            "notes": plan.notes,
            "cost_cents_per_hour": sum(each.price_cents_per_hour for each in left),
            "diff": {"before": "".join(each.line() for each in plan.terminate), "after": ""},
        }

    def _preview(self, offer: Offer, launch: Sequence[Wanted], listing: Sequence[Instance]) -> tuple[bool, dict]:
        """Find everything that would stop a launch before the first one is paid for."""
        problems, lines, register = [], {}, False
        try:
            register = key_to_register(self.client.ssh_keys(), self.settings)
        except LambdaCloudError as error:
            if error.status or error.transient:
                raise
            problems.append(str(error))
        peers = [each.region for each in listing if each.alive and each.has(self.tags)]
        for each in launch:
            try:
                choice = choose(offer, self.settings, each, peers)
                lines[each.name] = self._line(offer, each, choice.region if choice else "")
            except LambdaCloudError as error:
                problems.append(str(error))
        if problems:
            raise LambdaCloudError(" ".join(dict.fromkeys(problems)))
        return register, lines

    def _line(self, offer: Offer, wanted: Wanted, region: str) -> str:
        where = region or f"{wanted.region or ' or '.join(self.settings.regions) or 'any region'}, full now"
        cents = price(offer, self.settings)
        return f"{wanted.name}: {self.settings.instance_type} in {where} at {cents} cents/hour\n"

    def _launch(self, offer: Offer, plan: Plan, listing: Sequence[Instance], register: bool) -> dict[str, str]:
        ids: dict[str, str] = {}
        if register:
            register_key(self.client, self.settings)
        launcher = Launcher(self.client, self.settings, self.tags, offer, listing, self.clock)
        try:
            for each in plan.launch:
                ids[each.name], launched_here = launcher.launch(each)
                if not launched_here:
                    plan.notes.append(f"{each.name} ({ids[each.name]}) was launched by somebody else meanwhile.")
            return ids
        except LambdaCloudError as error:
            message, code = str(error), error.code
            if launcher.uncertain:
                names = ", ".join(sorted(launcher.uncertain))
                message += f" Whether {names} runs, and is billed, is not known: see Lambda's dashboard."
        finally:
            self.told["launched"] = [{"name": name, "id": each} for name, each in launcher.launched.items()]
        raise LambdaCloudError(self._with_bill(message), code=code)

    def _wait(self, ids: Mapping[str, str], listing: Sequence[Instance] | None) -> dict[str, Instance]:
        pending = {each.name: (each, ids[each.name]) for each in self.wanted}
        try:
            return self.waiter.until_ready(pending, self.options["boot_timeout_seconds"], listing)
        except LambdaCloudError as error:
            message, code = str(error), error.code
        raise LambdaCloudError(self._with_bill(message), code=code)

    def _with_bill(self, message: str) -> str:
        launched = ", ".join(f"{each['name']} ({each['id']})" for each in self.told["launched"])
        return f"{message} Launched by this run and billed until terminated: {launched}." if launched else message

    def _launched(self) -> list[str]:
        return [f"launched {each['name']} ({each['id']})" for each in self.told["launched"]]

    def _terminate(self, ids: Sequence[str]) -> None:
        """Begin to end them. After a lost answer, or when one is gone already, look before asking again."""
        for left in range(TERMINATE_TRIES - 1, -1, -1):
            if not ids:
                return
            try:
                self.client.terminate(ids)
                return
            except LambdaCloudError as error:
                if not left or not (error.transient or error.code == NOT_THERE):
                    raise
                self.clock.sleep(max(self.waiter.interval_seconds, error.wait_seconds))
            ids = [each.id for each in self.client.instances() if each.id in ids and each.alive]


def _accepted(plan: Plan) -> Plan:
    if plan.problems:
        raise LambdaCloudError(f"Nothing was changed at Lambda Cloud: {'; '.join(plan.problems)}.")
    return plan


def _border_note(instances: Sequence[Instance]) -> list[str]:
    regions = sorted({instance.region for instance in instances})
    if len(regions) < 2:
        return []
    return [f"The instances are in {' and '.join(regions)}: their private addresses do not reach each other."]
