# SPDX-License-Identifier: GPL-3.0-or-later
"""Namecheap as the server in front of it sees it."""

from __future__ import annotations

from dataclasses import asdict

from lab.cloud.namecheap.checks import MAX_URL_LENGTH, Account, check_caller, parameters, within_limit
from lab.cloud.namecheap.commands import COMMANDS, Call
from lab.cloud.namecheap.domain_commands import DOMAIN_COMMANDS
from lab.cloud.namecheap.envelope import CONTENT_TYPE, HTTPS_NAMESPACE, NAMESPACE, ApiError, answer
from lab.cloud.namecheap.knobs import Knobs
from lab.cloud.namecheap.rules import Record
from lab.cloud.namecheap.seeds import described, seed, stored
from lab.cloud.namecheap.zone import Domain
from lab.cloud.wire import Clock, Request, Response

PATH = "/xml.response"
KNOWN = {**COMMANDS, **DOMAIN_COMMANDS}
FIRST_DOMAIN_NUMBER = 589667


class Namecheap:
    """One account and its domains. Both are given by the control actions; there is no account at first."""

    name = "namecheap"

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.account: Account | None = None
        self.domains: dict[str, Domain] = {}
        self.knobs = Knobs()
        self.calls: list[float] = []
        self.answers = 0

    def handles(self, request: Request) -> bool:
        return request.path == PATH

    def handle(self, request: Request) -> Response:
        if request.method not in ("GET", "POST"):
            return _page(405, "Method Not Allowed")
        if request.method == "GET" and len(request.raw_target) > MAX_URL_LENGTH:
            return _page(404, "Not Found")
        if not within_limit(self.calls, self.clock.now(), self.knobs.calls_per_minute):
            return _page(405, "Not Allowed")
        self.answers += 1
        given = parameters(request)
        try:
            check_caller(given, self.account)
            if given["command"].strip().lower() not in KNOWN:
                raise ApiError(4, "Parameter Command is Invalid", is_global=True)
        except ApiError as error:
            return self._answer("", None, error)
        return self._run(given)

    def _run(self, given: dict[str, str]) -> Response:
        command, carry_out, empty = KNOWN[given["command"].strip().lower()]
        call = Call(given, self.account, list(self.domains.values()), self.knobs)
        try:
            refusal = self._told_refusal(command)
            result = None if refusal and not self.knobs.fail_after else carry_out(call)
            if refusal:
                raise refusal
        except ApiError as error:
            return self._answer(command, [] if error.unhandled else empty(call), error)
        return self._answer(command, [] if self.knobs.spent("missing_result_calls") else result, None)

    def _told_refusal(self, command: str) -> ApiError | None:
        told = self.knobs.fail
        if not told or told.get("command", command).lower() != command.lower():
            return None
        left = told.get("calls", 1) - 1
        self.knobs.fail = {**told, "calls": left} if left > 0 else {}
        number = told.get("number", 5050900)
        text = told.get("text", "Unknown exceptions")
        return ApiError(number, text, is_global=number < 2000000, unhandled=str(number).startswith("505"))

    def _answer(self, command: str, result: list | None, error: ApiError | None) -> Response:
        namespace = HTTPS_NAMESPACE if self.knobs.https_namespace else NAMESPACE
        return Response(200, answer(command, result, error, self.answers, namespace), CONTENT_TYPE)

    def control(self, action: str, given: dict) -> object:
        """account, domain, seed, zone, domains, knobs: see the methods below."""
        actions = {
            "account": self._set_account,
            "domain": self._set_domain,
            "seed": lambda seeded: self._set_domain(
                seed(str(seeded.get("name")), str(seeded.get("domain") or "").lower())
            ),
            "zone": self._zone,
            "domains": self._list,
            "knobs": self._set_knobs,
        }
        if action not in actions:
            raise ValueError(f"no control action of Namecheap is {action!r}; there are: {', '.join(actions)}")
        return actions[action](given)

    def _set_account(self, given: dict) -> dict:
        """{user, key, addresses?}: without `addresses` any ClientIp may call."""
        if not given.get("user") or not given.get("key") or set(given) - {"user", "key", "addresses"}:
            raise ValueError("an account has user, key and, if its allow-list is to be checked, addresses")
        addresses = given.get("addresses")
        self.account = Account(given["user"], given["key"], None if addresses is None else list(addresses))
        return {"user": self.account.user, "addresses": self.account.addresses}

    def _seed(self, given: dict) -> list[dict]:
        """{name, domain}: a ready-made domain."""
        return self._set_domain(seed(str(given.get("name")), str(given.get("domain") or "").lower()))

    def _set_domain(self, given: dict) -> list[dict]:
        """Create a domain, or put it in the place of the one of that name."""
        domain = described(given, FIRST_DOMAIN_NUMBER + len(self.domains))
        if domain.name in self.domains:
            domain.number = self.domains[domain.name].number
        self.domains[domain.name] = domain
        return self._zone({"domain": domain.name})

    def _zone(self, given: dict) -> list[dict]:
        """{domain, generated?}: the records its name servers serve; `generated: true` adds those of mail forwarding."""
        name = str(given.get("domain", "")).lower().rstrip(".")
        if name not in self.domains:
            raise ValueError(f"no domain is {name!r}; there are: {', '.join(sorted(self.domains)) or 'none'}")
        domain = self.domains[name]
        records = domain.served() + (domain.generated() if given.get("generated") else [])
        return [_plain(record) for record in records]

    def _list(self, _: dict) -> list[dict]:
        """Every domain, without its records."""
        shown = ("email_type", "using_our_dns", "nameservers", "shared")
        return [
            {"name": name, **{member: getattr(domain, member) for member in shown}}
            for name, domain in sorted(self.domains.items())
        ]

    def _set_knobs(self, given: dict) -> dict:
        """Set some switches; answers all of them."""
        for record in (given.get("second_writer") or {}).get("records", []):
            stored(record)
        self.knobs.set(given)
        return asdict(self.knobs)

    def dump(self) -> dict:
        return {
            "account": asdict(self.account) if self.account else None,
            "domains": [domain.dump() for domain in self.domains.values()],
            "knobs": asdict(self.knobs),
            "calls": self.calls,
            "answers": self.answers,
        }

    def load(self, state: dict) -> None:
        self.account = Account(**state["account"]) if state["account"] else None
        domains = [Domain.from_dump(domain) for domain in state["domains"]]
        self.domains = {domain.name: domain for domain in domains}
        self.knobs = Knobs(**state["knobs"])
        self.calls = list(state["calls"])
        self.answers = state["answers"]


def _page(status: int, title: str) -> Response:
    return Response(status, f"<html><head><title>{status} {title}</title></head></html>".encode(), "text/html")


def _plain(record: Record) -> dict:
    return {
        "host_id": record.host_id,
        "name": record.name,
        "type": record.type,
        "address": record.address,
        "mx_pref": record.mx_pref,
        "ttl": record.ttl,
        "ddns": record.ddns,
    }
