# SPDX-License-Identifier: GPL-3.0-or-later
"""Firewall rules of the account (`global`) and rulesets of a region. us-south-1 has none (reference §4.8)."""

from __future__ import annotations

import ipaddress
import time
import uuid

from lab.cloud.lambda_cloud import catalogue, fields
from lab.cloud.lambda_cloud.account import Account
from lab.cloud.lambda_cloud.errors import ApiError, invalid, missing
from lab.cloud.wire import Request

_RULE = ("protocol", "port_range", "source_network", "description")
_NOT_PUBLIC = [
    ipaddress.IPv4Network(text)
    for text in ("10.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16")
]


def rules(account: Account, _request: Request) -> list[dict]:
    """GET /firewall-rules."""
    return account.state.firewall_rules


def replace_rules(account: Account, request: Request) -> list[dict]:
    """PUT /firewall-rules: all are replaced."""
    account.state.firewall_rules = _rules(fields.body(request, ["data"], ["data"]), "data")
    return account.state.firewall_rules


def global_ruleset(account: Account, _request: Request) -> dict:
    """GET /firewall-rulesets/global."""
    return {"id": "global", "name": "Global Firewall Rules", "rules": account.state.firewall_rules}


def change_global(account: Account, request: Request) -> dict:
    """PATCH /firewall-rulesets/global: rules only."""
    account.state.firewall_rules = _rules(fields.body(request, ["rules"], ["rules"]), "rules")
    return global_ruleset(account, request)


def keep_global(_account: Account, _request: Request) -> dict:
    """DELETE /firewall-rulesets/global."""
    raise invalid("The global firewall rules cannot be deleted.")


def listed(account: Account, _request: Request) -> list[dict]:
    """GET /firewall-rulesets: those of regions."""
    return [_view(account, ruleset) for ruleset in account.state.rulesets]


def add(account: Account, request: Request) -> dict:
    """POST /firewall-rulesets."""
    needed = ["name", "region", "rules"]
    given = fields.body(request, needed, needed)
    region = fields.text(given, "region")
    if region not in catalogue.REGIONS:
        raise invalid(f"region: there is no region {region!r}")
    if region == catalogue.WITHOUT_FIREWALL:
        raise invalid(f"region: firewall rulesets do not apply in {region}")
    ruleset = {
        "id": uuid.uuid4().hex,
        "name": fields.text(given, "name", 1, 64),
        "region": catalogue.region(region),
        "rules": _rules(given, "rules"),
        "created": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(account.clock.now())),
    }
    account.state.rulesets.append(ruleset)
    return _view(account, ruleset)


def get(account: Account, _request: Request, ruleset_id: str) -> dict:
    """GET /firewall-rulesets/{id}."""
    return _view(account, _find(account, ruleset_id))


def change(account: Account, request: Request, ruleset_id: str) -> dict:
    """PATCH /firewall-rulesets/{id}: name, rules, or both."""
    ruleset = _find(account, ruleset_id)
    given = fields.body(request, ["name", "rules"])
    name = fields.text(given, "name", 1, 64)
    wanted = _rules(given, "rules") if given.get("rules") is not None else ruleset["rules"]
    ruleset.update(name=name or ruleset["name"], rules=wanted)
    return _view(account, ruleset)


def delete(account: Account, _request: Request, ruleset_id: str) -> dict:
    """DELETE /firewall-rulesets/{id}."""
    ruleset = _find(account, ruleset_id)
    if _users(account, ruleset_id):
        code = "firewall-rulesets/firewall-ruleset-in-use"
        raise ApiError(400, code, f"Firewall ruleset {ruleset['name']} is in use.")
    account.state.rulesets.remove(ruleset)
    return {}


def _find(account: Account, ruleset_id: str) -> dict:
    for ruleset in account.state.rulesets:
        if ruleset["id"] == ruleset_id:
            return ruleset
    raise missing("firewall ruleset")


def _users(account: Account, ruleset_id: str) -> list[str]:
    return [one.id for one in account.live() if {"id": ruleset_id} in one.firewall_rulesets]


def _view(account: Account, ruleset: dict) -> dict:
    return {**ruleset, "instance_ids": _users(account, ruleset["id"])}


def _rules(given: dict, name: str) -> list[dict]:
    return [_rule(rule, f"{name}.{number}.") for number, rule in enumerate(fields.objects(given, name))]


def _rule(rule: dict, where: str) -> dict:
    fields.only(rule, _RULE, ("protocol", "source_network", "description"), where)
    protocol, ports = rule["protocol"], rule.get("port_range")
    if protocol not in ("tcp", "udp", "icmp", "all"):
        raise invalid(f"{where}protocol: Input should be 'tcp', 'udp', 'icmp' or 'all'")
    read = {"protocol": protocol}
    if protocol == "icmp":
        if ports is not None:
            raise invalid(f"{where}port_range: icmp has no ports")
    else:
        read["port_range"] = _ports(ports, where)
    read["source_network"] = _network(fields.text(rule, "source_network", where=where), where)
    read["description"] = fields.text(rule, "description", 0, 128, where=where)
    return read


def _ports(ports: object, where: str) -> list[int]:
    numbers = isinstance(ports, list) and len(ports) == 2 and all(type(port) is int for port in ports)
    if not numbers or not 1 <= ports[0] <= ports[1] <= 65535:
        raise invalid(f"{where}port_range: Input should be the first and the last port")
    return ports


def _network(text: str, where: str) -> str:
    """A public IPv4 network; an address alone is a /32."""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError:
        raise invalid(f"{where}source_network: Input should be an IPv4 network") from None
    if any(network.subnet_of(other) for other in _NOT_PUBLIC):
        raise invalid(f"{where}source_network: Input should be a public network")
    return str(network)
