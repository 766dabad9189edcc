"""Namecheap's API for the tests, written from the reference: what setHosts does to a zone, and how answers look."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import dataclass, field
from unittest import mock
from urllib.parse import parse_qsl
from xml.sax.saxutils import quoteattr

from ansible.module_utils import basic
from ansible.module_utils.testing import patch_module_args
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from fake_web import Answer, served

KEY = "s3cret+key/of the=account"
PATH = "/xml.response"
XMLNS = "http://api.namecheap.com/xml.response"


@dataclass
class Host:
    """A stored record."""

    name: str
    type: str
    address: str
    ttl: str = "1800"
    pref: str = "10"
    ddns: bool = False

    def identity(self):
        """What the server tells records apart by."""
        return (self.name, self.type, self.address.partition(" ")[2] if self.type == "CAA" else self.address)


@dataclass
class FakeZone:
    """A zone of the account."""

    hosts: list[Host] = field(default_factory=list)
    email_type: str | None = "NONE"
    using_our_dns: str = "true"
    name_servers: tuple[str, ...] = ("dns1.registrar-servers.com", "dns2.registrar-servers.com")
    echo: str = ""


class FakeNamecheap:
    """The API. `faults` maps a command to answers, or functions of the request, that are used up first.

    before_write and after_write are other writers: they are called with the zone around the next write only.
    """

    def __init__(self, **zones: FakeZone):
        self.zones = {name.replace("_", "."): zone for name, zone in zones.items()}
        self.faults: dict[str, list] = {}
        self.calls: list[tuple[str, dict]] = []
        self.bodies: list[bytes] = []
        self.before_write = self.after_write = None
        self.drops = lambda _host: False
        self.xmlns, self.host_element, self.warnings = XMLNS, "host", ""

    @contextlib.contextmanager
    def served(self):
        """Run it; yields the address."""
        with served({("POST", PATH): self.answer}) as (port, self.seen):
            yield f"http://127.0.0.1:{port}{PATH}"

    def commands(self):
        """The last words of the commands that came."""
        return [command.rpartition(".")[2] for command, _fields in self.calls]

    def written(self):
        """The records of the last write, as (name, type, address)."""
        fields = [fields for command, fields in self.calls if command.endswith("setHosts")][-1]
        numbers = range(1, 1 + sum(key.startswith("HostName") for key in fields))
        return [tuple(fields[f"{key}{number}"] for key in ("HostName", "RecordType", "Address")) for number in numbers]

    def answer(self, request):
        """Answer a call."""
        fields = dict(parse_qsl(request["body"].decode(), keep_blank_values=True))
        command = fields.pop("Command")
        self.bodies.append(request["body"])
        self.calls.append((command, fields))
        waiting = self.faults.get(command.rpartition(".")[2]) or []
        fault = waiting.pop(0) if waiting else None
        if fault is not None:
            return fault(fields) if callable(fault) else fault
        return self.carry_out(command, fields)

    def carry_out(self, command, fields):
        """What the API does when nothing is wrong."""
        if fields["ApiKey"] != KEY:
            return error("1011102", "API Key is invalid or API access has not been enabled")
        name = fields.get("DomainName") or f"{fields['SLD']}.{fields['TLD']}"
        zone = self.zones.get(name)
        if zone is None:
            return error("2019166", f"The domain ({name}) doesn't seem to be associated with your account.")
        method = command.rpartition(".")[2]
        return getattr(self, f"do_{method}")(name, zone, fields)

    def do_getHosts(self, name, zone, _fields):  # noqa: N802
        if zone.using_our_dns == "2030288":
            return error("2030288", "Cannot complete this command as this domain is not using proper DNS servers")
        hosts = "".join(
            f"<{self.host_element} HostId='1' Name={quoteattr(host.name)} Type={quoteattr(host.type)} "
            f"Address={quoteattr(host.address)} MXPref='{host.pref}' TTL='{host.ttl}' AssociatedAppTitle='' "
            f"FriendlyName='' IsActive='true' IsDDNSEnabled='{str(host.ddns).lower()}' Unknown='x' />\r\n"
            for host in sorted(zone.hosts, key=lambda host: (host.type, host.name, host.address))
        )
        email = "" if zone.email_type is None else f" EmailType='{zone.email_type}'"
        ours = f" IsUsingOurDNS='{zone.using_our_dns}'" if zone.using_our_dns else ""
        echo = zone.echo or name
        return self.ok(
            "getHosts", f"<DomainDNSGetHostsResult Domain='{echo}'{email}{ours}>{hosts}</DomainDNSGetHostsResult>"
        )

    def do_getList(self, name, zone, _fields):  # noqa: N802
        servers = "".join(f"<Nameserver>{server}</Nameserver>" for server in zone.name_servers)
        return self.ok("getList", f"<DomainDNSGetListResult Domain='{name}'>{servers}</DomainDNSGetListResult>")

    def do_getInfo(self, _name, zone, _fields):  # noqa: N802
        servers = "".join(f"<Nameserver>{server}</Nameserver>" for server in zone.name_servers)
        details = f"<DnsDetails ProviderType='FreeDNS'>{servers}</DnsDetails>"
        return self.ok("getInfo", f"<DomainGetInfoResult Status='Ok'>{details}</DomainGetInfoResult>")

    def do_setHosts(self, name, zone, fields):  # noqa: N802
        if self.before_write:
            self.before_write(zone)
        refusal = self.store(zone, fields)
        if self.after_write:
            self.after_write(zone)
        self.before_write = self.after_write = None
        echo = f" EmailType='{fields['EmailType']}'" if "EmailType" in fields else ""
        success = (
            f"<DomainDNSSetHostsResult Domain='{name}'{echo} IsSuccess='true'><Warnings>{self.warnings}</Warnings>"
        )
        return refusal or self.ok("setHosts", success + "</DomainDNSSetHostsResult>")

    def store(self, zone, fields):
        """Replace the zone's records (reference §6)."""
        numbers = [key[len("HostName") :] for key in fields if key.startswith("HostName")]
        assert numbers == [str(number) for number in range(1, len(numbers) + 1)]
        if len(numbers) > 150:
            return error("4013288", "Too many records")
        email_type = fields.get("EmailType", "absent")
        kept = {host.identity(): host for host in zone.hosts}
        stored = {}
        for number in numbers:
            host = normalised(fields, number)
            if host.type == "NS" and host.name in "@*":
                return error("5050900", "INVALID_NAME: NS record can't be set up for a @ or * host names")
            if self.drops(host) or (host.type == "MX" and email_type not in ("MX", "OX", "GMAIL")):
                continue
            old = kept.get(host.identity())
            if old:
                host.pref, host.address = old.pref, old.address
            stored.setdefault(host.identity(), host)
        zone.hosts = list(stored.values())
        zone.email_type = fields.get("EmailType", zone.email_type)
        return None

    def ok(self, method, result):
        """A good answer."""
        return xml(
            f'<ApiResponse Status="OK" xmlns="{self.xmlns}">\r\n<Errors />\r\n<Warnings />\r\n'
            f"<RequestedCommand>namecheap.domains.dns.{method.lower()}</RequestedCommand>\r\n"
            f'<CommandResponse Type="namecheap.domains.dns.{method}">{result}</CommandResponse>\r\n'
            "<Server>PHX01</Server><GMTTimeDifference>--4:00</GMTTimeDifference>\r\n</ApiResponse>"
        )


def normalised(fields, number):
    """A record as the server stores it."""
    kind, address = fields[f"RecordType{number}"], fields[f"Address{number}"]
    if kind in ("CNAME", "ALIAS", "NS", "MX"):
        address = address.rstrip(".") + "."
    if kind == "CAA":
        flag, tag, value = address.split(" ", 2)
        address = f'{flag} {tag} "{value.strip(chr(34))}"'
    pref = fields[f"MXPref{number}"] if kind == "MX" else "10"
    return Host(fields[f"HostName{number}"].lower(), kind, address, fields.get(f"TTL{number}", "1800"), pref)


def xml(text) -> Answer:
    """An XML answer."""
    return Answer(200, ('<?xml version="1.0" encoding="utf-8"?>\r\n' + text).encode(), "text/xml; charset=utf-8")


def error(*numbers_and_texts) -> Answer:
    """An answer with errors, given as number, text, number, text, ..."""
    pairs = zip(numbers_and_texts[::2], numbers_and_texts[1::2])
    listed = "".join(f'<Error Number="{number}">{text}</Error>' for number, text in pairs)
    return xml(f'<ApiResponse Status="ERROR" xmlns="{XMLNS}"><Errors>{listed}</Errors><Warnings /></ApiResponse>')


def ticking() -> Clock:
    """A clock on which waiting takes no time; `waits` has what was waited."""
    clock = Clock(monotonic=lambda: 1000.0 + sum(clock.waits), sleep=lambda seconds: clock.waits.append(seconds))
    clock.waits = []
    return clock


def run_module(module, address, clock=None, check_mode=False, **options) -> dict:
    """Run a module as Ansible does and return what it printed; the key is in none of it. None leaves an option out."""
    given = {
        "domain": "example.com",
        "api_url": address,
        "api_user": "sophia",
        "api_key": KEY,
        "client_ip": "127.0.0.1",
    }
    given |= {"_ansible_check_mode": check_mode, "_ansible_diff": True, **options}
    given = {name: value for name, value in given.items() if value is not None}
    printed, warnings = io.StringIO(), []
    # where the controller's code is imported too, warnings go to its display and not into the result
    warn = mock.patch.object(basic.AnsibleModule, "warn", lambda _module, text, **_more: warnings.append(text))
    with warn, patch_module_args(given), contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        module.main(clock or ticking())
    text = printed.getvalue()
    assert KEY not in text
    result = json.loads(text)
    result.pop("invocation", None)  # ansible-core 2.21 tells it only when asked to
    return {**result, "warnings": warnings}
