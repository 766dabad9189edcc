# SPDX-License-Identifier: GPL-3.0-or-later
"""Firewall rulesets: canonical rules and the plan for one ruleset (pure), and the way to carry it out."""

from __future__ import annotations

import contextlib
import ipaddress
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.client import (
    NOT_THERE,
    RULESET_IN_USE,
    LambdaCloud,
)
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.errors import LambdaCloudError
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.settings import (
    API_SPEC,
    REGIONS_WITHOUT_FIREWALL,
)

GLOBAL = "global"
WRITE_TRIES = 3
WRITE_WAIT_SECONDS = 5.0
PROTOCOLS = ("tcp", "udp", "icmp", "all")

RULESET_SPEC = {
    **API_SPEC,
    "name": {"type": "str", "required": True},
    "region": {"type": "str", "default": ""},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "rules": {
        "type": "list",
        "elements": "dict",
        "options": {
            "protocol": {"type": "str", "choices": list(PROTOCOLS), "required": True},
            "port_range": {"type": "list", "elements": "int", "default": []},
            "source_network": {"type": "str", "required": True},
            "description": {"type": "str", "required": True},
        },
    },
}

Rule = tuple[str, tuple[int, ...], str, str]


def canonical(rule: Mapping[str, Any]) -> Rule:
    """A rule as (protocol, ports, network with its length, description)."""
    network = str(rule.get("source_network") or "").strip()
    with contextlib.suppress(ValueError):
        network = str(ipaddress.IPv4Network(network))
    ports = tuple(int(port) for port in rule.get("port_range") or ())
    return str(rule.get("protocol") or ""), ports, network, " ".join(str(rule.get("description") or "").split())


def document(rule: Rule) -> dict[str, Any]:
    """The rule as the API takes it; icmp has no ports (reference §4.8)."""
    protocol, ports, network, description = rule
    named_ports = {"port_range": list(ports)} if ports else {}
    return {"protocol": protocol, **named_ports, "source_network": network, "description": description}


def rules_wanted(options: Mapping[str, Any]) -> list[Rule]:
    """The rules asked for, sorted. Raises LambdaCloudError with everything that is wrong with the options."""
    name, region, present = options["name"], options["region"], options["state"] == "present"
    found, rules = [], []
    if name == GLOBAL and region:
        found.append("the global rules have no region")
    if name == GLOBAL and not present:
        found.append("the global rules cannot be absent; give `rules: []` to have none")
    if name != GLOBAL and not region:
        found.append("`region` is missing")
    if region in REGIONS_WITHOUT_FIREWALL:
        found.append(f"{region} does not apply firewall rules, so a ruleset there would protect nothing")
    if present and options["rules"] is None:
        found.append("`rules` is missing")
    for number, rule in enumerate(options["rules"] or [], 1):
        problem = _rule_problem(rule)
        found += [f"rule {number} ({rule['description']}): {problem}"] if problem else []
        rules += [] if problem else [canonical(rule)]
    found += [f"{_line(rule)} is there twice" for rule in sorted(set(rules)) if rules.count(rule) > 1]
    if found:
        raise LambdaCloudError(f"The firewall ruleset {name} was not touched: {'; '.join(found)}.")
    return sorted(rules)


def _rule_problem(rule: Mapping[str, Any]) -> str:
    ports = rule.get("port_range") or []
    if rule["protocol"] == "icmp" and ports:
        return "icmp has no ports"
    if rule["protocol"] != "icmp" and (len(ports) != 2 or not 1 <= ports[0] <= ports[1] <= 65535):
        return f"{rule['protocol']} needs `port_range` with two ports, the lower one first"
    if not rule["description"].strip() or len(rule["description"]) > 128:
        return "its description must have 1 to 128 letters"
    try:
        ipaddress.IPv4Network(rule["source_network"].strip())
    except ValueError:
        return f"{rule['source_network']!r} is no IPv4 network (an address, or one with its length, host bits zero)"
    return ""


def _line(rule: Rule) -> str:
    protocol, ports, network, description = rule
    shown = "-".join(str(port) for port in dict.fromkeys(ports))
    return " ".join(word for word in (protocol, shown, f"from {network}", f"({description})") if word)


def text(rules: Sequence[Rule] | None) -> str:
    """Rules for a diff; None stands for no ruleset."""
    return "" if rules is None else "".join(f"{_line(rule)}\n" for rule in rules) or "no rules\n"


def rules_of(ruleset: Mapping[str, Any]) -> list[Rule]:
    """The rules of a ruleset that the API returned. Raises LambdaCloudError when they are none."""
    try:
        return sorted(canonical(rule) for rule in ruleset.get("rules") or [])
    except (ValueError, TypeError, AttributeError):
        pass
    raise LambdaCloudError(f"Lambda Cloud's answer about the firewall ruleset {ruleset.get('name')} holds no rules.")


def _region(ruleset: Mapping[str, Any]) -> str:
    return (ruleset.get("region") or {}).get("name") or ""


def find(rulesets: Sequence[Mapping[str, Any]], name: str, region: str) -> Mapping[str, Any] | None:
    """The ruleset of this name in this region. Raises LambdaCloudError when there are more."""
    found = [each for each in rulesets if each.get("name") == name and _region(each) == region]
    if len(found) > 1:
        ids = ", ".join(str(each.get("id")) for each in found)
        raise LambdaCloudError(
            f"{len(found)} firewall rulesets in {region} are called {name}: {ids}; delete all but one."
        )
    return found[0] if found else None


class Ruleset:
    """One ruleset at Lambda Cloud. Every try begins with a look, so a lost answer repeats nothing."""

    def __init__(self, client: LambdaCloud, options: Mapping[str, Any], clock: Clock, check_mode: bool) -> None:
        self.client, self.clock, self.check_mode = client, clock, check_mode
        self.name, self.region, self.present = options["name"], options["region"], options["state"] == "present"
        self.rules = rules_wanted(options)

    def reconcile(self) -> dict[str, Any]:
        """Have it as wanted."""
        first = current = self._read()
        if not self.present and first is not None:
            self._refuse_used(first)
        for left in range(WRITE_TRIES - 1, -1, -1):
            if self._fits(current):
                break
            if self.check_mode or self._written(current, last=not left):
                break
            self.clock.sleep(WRITE_WAIT_SECONDS)
            current = self._read()
        changed = not self._fits(first)
        if changed and not self.check_mode:
            current = self._read()
        after = self.rules if self.present else None
        before = None if first is None else rules_of(first)
        return {
            "changed": changed,
            "ruleset": self._result(current),
            "diff": {"before": text(before), "after": text(after), **self._headers()},
        }

    def _fits(self, ruleset: Mapping[str, Any] | None) -> bool:
        if not self.present or ruleset is None:
            return not self.present and ruleset is None
        return rules_of(ruleset) == self.rules

    def _read(self) -> Mapping[str, Any] | None:
        if self.name == GLOBAL:
            found = self.client.read("/firewall-rulesets/global", "read the global firewall rules")
            if not isinstance(found, dict):
                raise LambdaCloudError("Lambda Cloud's answer about the global firewall rules is none.")
            return found
        return find(self.client.firewall_rulesets(), self.name, self.region)

    def _written(self, ruleset: Mapping[str, Any] | None, last: bool) -> bool:
        """Create, change or delete; False when it has to be looked at again."""
        where = f"the firewall ruleset {self.name}" + (f" in {self.region}" if self.region else "")
        rules, path = [document(rule) for rule in self.rules], "/firewall-rulesets"
        own = f"{path}/{GLOBAL if self.name == GLOBAL else (ruleset or {}).get('id')}"
        try:
            if ruleset is None:
                body = {"name": self.name, "region": self.region, "rules": rules}
                self.client.write("POST", path, body, f"create {where}")
            elif self.present:
                self.client.write("PATCH", own, {"rules": rules}, f"change {where}")
            else:
                self.client.write("DELETE", own, None, f"delete {where}")
        except LambdaCloudError as error:
            if error.code == RULESET_IN_USE:
                raise self._used("instances") from None
            if last or not (error.transient or (error.code == NOT_THERE and not self.present)):
                raise
            self.clock.sleep(error.wait_seconds)
            return False
        return True

    def _refuse_used(self, ruleset: Mapping[str, Any]) -> None:
        if ruleset.get("instance_ids"):
            raise self._used(", ".join(str(each) for each in ruleset["instance_ids"]))

    def _used(self, by: str) -> LambdaCloudError:
        return LambdaCloudError(
            f"The firewall ruleset {self.name} in {self.region} is used by {by} and cannot be deleted; rulesets are "
            "chosen at launch, so terminate those first.",
            code=RULESET_IN_USE,
        )

    def _result(self, ruleset: Mapping[str, Any] | None) -> dict[str, Any]:
        if ruleset is None:
            return {}
        return {
            "id": str(ruleset.get("id") or ""),
            "name": self.name,
            "region": self.region,
            "rules": [document(rule) for rule in rules_of(ruleset)],
            "instance_ids": [str(each) for each in ruleset.get("instance_ids") or []],
        }

    def _headers(self) -> dict[str, str]:
        where = f"firewall ruleset {self.name}" + (f" in {self.region}" if self.region else "")
        return {"before_header": where, "after_header": where}
