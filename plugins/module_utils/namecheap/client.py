# SPDX-License-Identifier: GPL-3.0-or-later
"""Namecheap's API: form bodies out, checked answers in, nothing secret in an address or a message.

Reads are repeated a few times. A write is sent once: its caller reads the zone again before it decides anything.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote, quote_plus, urlencode

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import (
    Answer,
    Clock,
    TransportError,
    exchange,
    masked,
)
from ansible_collections.sophia.platform.plugins.module_utils.namecheap import errors
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.answer import ApiAnswer, BadAnswer, parse
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.errors import NamecheapError
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.pace import Pace
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.records import Record, Zone, form, read_zone
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.wanted import Domain

READ_WAITS_SECONDS = (2.0, 4.0)
# Five attempts whose waits outlast a minute's window (reference §12). HTTP 405 is Namecheap's way to say "too many".
RATE_WAITS_SECONDS = (10.0, 20.0, 40.0, 60.0)
RATE_STATUSES = (405, 429)
RETRY_AFTER_SECONDS_MAX = 60.0
UNKNOWN_WRITE_SECONDS = 2.0
_ADDRESS = re.compile(r"[0-9a-fA-F:.]*[.:][0-9a-fA-F:.]+")

Result = TypeVar("Result")


@dataclass(frozen=True)
class Access:
    """Where the API is, who calls, and from where. user_name is the account; mostly that of api_user."""

    api_url: str
    api_user: str
    api_key: str = field(repr=False)
    user_name: str
    client_ip: str
    timeout_seconds: float = 60

    @property
    def budget_name(self) -> str:
        """A file name for what this key has called."""
        return "calls-" + hashlib.sha256(f"{self.api_url} {self.api_user}".encode()).hexdigest()[:16]

    def problems(self) -> list[str]:
        """What is wrong with it, before any call."""
        empty = [name for name in ("api_user", "api_key", "client_ip") if not getattr(self, name)]
        found = [f"{name}: is empty" for name in empty]
        try:
            ipaddress.IPv4Address(self.client_ip)
        except ValueError:
            found += [f"client_ip: {self.client_ip} is no IPv4 address; 127.0.0.1 works"] if self.client_ip else []
        return found


class Namecheap:
    """The calls that are needed. `calls` counts what was sent; `warnings` are the API's."""

    def __init__(self, access: Access, pace: Pace, clock: Clock) -> None:
        self._access, self._pace, self._clock = access, pace, clock
        self._rate_waits = list(RATE_WAITS_SECONDS)
        self.calls = 0
        self.warnings: list[str] = []

    def zone(self, domain: Domain) -> Zone:
        """All records of a domain, certainly whole and certainly this domain's."""

        def read(answer: ApiAnswer) -> Zone:
            return read_zone(answer.result("DomainDNSGetHostsResult"), domain.name)

        try:
            return self._read(f"Reading the records of {domain.name}", "getHosts", domain, read)
        except NamecheapError as error:
            if errors.OTHER_NAME_SERVERS not in error.numbers:
                raise
        return Zone(domain.name, is_at_namecheap=False)

    def name_servers(self, domain: Domain) -> list[str]:
        """The domain's name servers, as the registry has them."""

        def read(answer: ApiAnswer) -> list[str]:
            servers = answer.result("DomainDNSGetListResult").children("Nameserver")
            return [server.text.lower().rstrip(".") for server in servers]

        def read_info(answer: ApiAnswer) -> list[str]:
            servers = answer.result("DomainGetInfoResult").below("DnsDetails", "Nameserver")
            return [server.text.lower().rstrip(".") for server in servers]

        what = f"Reading the name servers of {domain.name}"
        try:
            return self._read(what, "getList", domain, read)
        except NamecheapError as error:
            if errors.NOT_THIS_DOMAIN not in error.numbers:
                raise
        return self._read(what, "getInfo", domain, read_info)  # a FreeDNS domain (reference §9)

    def write(self, domain: Domain, records: Sequence[Record], email_type: str) -> None:
        """Replace all records of a domain, with one call.

        Raises NamecheapError: with `reread` the outcome is unknown, or the call was turned away and may be repeated.
        """
        what = f"Writing the records of {domain.name}"
        fields = [*_address(domain), ("EmailType", email_type), *form(records, domain.name)]
        self._pace.note()
        try:
            answer = self._send("namecheap.domains.dns.setHosts", fields)
        except TransportError as error:
            if error.sent:
                raise self._unknown(what, str(error)) from None
            raise self._failed(what, f"{error}. Nothing was changed by this call.", not_done=True) from None
        if answer.status in RATE_STATUSES:
            self._wait_for_rate(what, answer.retry_after_seconds)
            raise self._failed(what, "the rate limit turned it away", reread=True, rate_limited=True, not_done=True)
        if answer.status >= 500:
            raise self._unknown(what, f"HTTP {answer.status}, {self._described(answer)}")
        try:
            parsed = self._checked(what, answer)
            if parsed.errors:
                self._refuse_write(what, parsed)
            result = parsed.result("DomainDNSSetHostsResult")
        except BadAnswer as error:
            raise self._unknown(what, str(error)) from None
        if not result.is_true("IsSuccess"):
            raise self._unknown(what, f"IsSuccess is {result.get('IsSuccess')!r} although Status is OK")

    def _refuse_write(self, what: str, answer: ApiAnswer) -> None:
        """Raise what the API's error means for a write."""
        if any(errors.is_rate_limit(*error) for error in answer.errors):
            self._wait_for_rate(what, None)
            raise self._failed(what, "the rate limit turned it away", reread=True, rate_limited=True, not_done=True)
        outage = all(not number or errors.is_outage(number, text) for number, text in answer.errors)
        if outage:
            self._clock.sleep(UNKNOWN_WRITE_SECONDS)
        raise self._api_error(what, answer, reread=outage)

    def _read(self, what: str, command: str, domain: Domain, read: Callable[[ApiAnswer], Result]) -> Result:
        """Send a reading command, a few times if need be, and read its answer."""
        info = command == "getInfo"
        name = "namecheap.domains.getInfo" if info else f"namecheap.domains.dns.{command}"
        fields = [("DomainName", domain.name)] if info else _address(domain)
        waits = list(READ_WAITS_SECONDS)
        while True:
            self._pace.wait(room=2)  # for the write that may follow at once, too
            failure, again = None, True
            try:
                answer = self._send(name, fields)
                if answer.status in RATE_STATUSES:
                    self._wait_for_rate(what, answer.retry_after_seconds)
                    continue
                parsed = self._checked(what, answer)
                if any(errors.is_rate_limit(*error) for error in parsed.errors):
                    self._wait_for_rate(what, None)
                    continue
                if not parsed.errors:
                    return read(parsed)
                again = all(errors.is_outage(*error) for error in parsed.errors)
                failure = self._api_error(what, parsed)
            except TransportError as error:
                failure = self._failed(
                    what, f"{error}. Check the network of this machine, its proxy settings and api_url."
                )
            except BadAnswer as error:
                again = error.transient
                failure = self._failed(what, f"the answer is of no use: {error}.")
            if not again or not waits:
                raise failure
            self._clock.sleep(waits.pop(0))

    def _send(self, command: str, fields: Sequence[tuple[str, str]]) -> Answer:
        access = self._access
        globally = [
            ("ApiUser", access.api_user),
            ("ApiKey", access.api_key),
            ("UserName", access.user_name),
            ("ClientIp", access.client_ip),
            ("Command", command),
        ]
        self.calls += 1
        return exchange(
            "POST",
            access.api_url,
            {"Content-Type": "application/x-www-form-urlencoded"},
            urlencode([*globally, *fields]).encode(),
            access.timeout_seconds,
        )

    def _checked(self, what: str, answer: Answer) -> ApiAnswer:
        """An answer of the API, whose errors are still to be looked at. Raises BadAnswer or NamecheapError."""
        if answer.status >= 500:
            raise BadAnswer(f"HTTP {answer.status}, {self._described(answer)}")
        if answer.status != 200:
            hint = "api_url is not the address of Namecheap's API, or something on the way turned the call away"
            raise self._failed(what, f"HTTP {answer.status}, {self._described(answer)}. {hint}.")
        parsed = parse(answer, self._described)
        self.warnings += [self._masked(text) for text in parsed.warnings]
        return parsed

    def _wait_for_rate(self, what: str, retry_after_seconds: float | None) -> None:
        """Wait as the rate limit asks for; the waits of one run are few."""
        asked = f" It asks to wait {retry_after_seconds:g} s." if retry_after_seconds else ""
        if not self._rate_waits or (retry_after_seconds or 0) > RETRY_AFTER_SECONDS_MAX:
            raise self._failed(
                what,
                f"the rate limit of this key is used up (20 calls a minute, 700 an hour, 8000 a day, of all who use "
                f"it together).{asked} Nothing was changed by this call; run again later.",
                not_done=True,
            )
        step_seconds = self._rate_waits.pop(0)
        self._clock.sleep(retry_after_seconds or step_seconds)

    def _api_error(self, what: str, answer: ApiAnswer, reread: bool = False) -> NamecheapError:
        numbers = [number for number, _text in answer.errors if number]
        texts = [f"{number}: {text}" if number else text for number, text in answer.errors]
        seen = _seen_address(" ".join(text for _number, text in answer.errors))
        advice = errors.advice(numbers, " ".join(texts), self._access.api_user, seen)
        return self._failed(what, f"{'; '.join(texts).rstrip('.')}. {advice}", numbers=numbers, reread=reread)

    def _unknown(self, what: str, reason: str) -> NamecheapError:
        """The error of a write that may have been carried out, given after a moment in which it may still be."""
        self._clock.sleep(UNKNOWN_WRITE_SECONDS)
        return self._failed(what, f"{reason}. Whether it was carried out is not known.", reread=True)

    def _failed(self, what: str, reason: str, **marks: object) -> NamecheapError:
        return NamecheapError(self._masked(f"{what} at Namecheap failed: {reason}"), **marks)

    def _described(self, answer: Answer) -> str:
        """What came, for a message. Masked before it is cut, so that no part of the key stays."""
        return Answer(answer.status, answer.headers, self._masked(answer.text).encode()).described()

    def _masked(self, text: str) -> str:
        key = self._access.api_key
        return masked(text, [key, quote(key, safe=""), quote_plus(key)])


def _address(domain: Domain) -> list[tuple[str, str]]:
    return [("SLD", domain.sld), ("TLD", domain.tld)]


def _seen_address(text: str) -> str:
    """The address in an error's text: the one that Namecheap saw the call come from."""
    for found in _ADDRESS.findall(text):
        try:
            return str(ipaddress.ip_address(found.rstrip(".:")))
        except ValueError:
            continue
    return ""
