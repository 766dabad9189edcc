# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches of the simulated Namecheap: what may differ between the documents, the sandbox and production."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields

MEMBERS = {
    "fail": {"number": int, "text": str, "calls": int, "command": str},
    "second_writer": {"domain": str, "records": list, "times": int},
}


@dataclass
class Knobs:
    """Each at its usual value. Whole numbers named `…_calls` count down; the others hold until they are set again."""

    # How an answer looks
    https_namespace: bool = False
    upper_host: bool = False  # <Host> in place of <host>
    title_booleans: bool = False  # True and False in place of true and false
    hide_email_type: bool = False  # getHosts without EmailType
    extra_attribute: bool = False  # an unknown attribute on each host
    srv_in_get_hosts: bool = False  # a record of a type that the documents do not know
    missing_result_calls: int = 0  # Status OK, without the result element
    unsuccessful_write_calls: int = 0  # Status OK and IsSuccess="false"; nothing is written
    # What a write does
    renumber: bool = False  # every write gives all records new HostIds
    sticky: bool = True  # MX preference and CAA flags of a stored record stay
    last_duplicate_wins: bool = False
    mx_needs_dot: bool = False  # an MX target without a final dot is dropped
    omitted_email_type_becomes_none: bool = False
    drop_types_on_write: list[str] = field(default_factory=list)
    # Domains on custom name servers
    custom_ns_is_readable: bool = False  # getHosts answers OK with IsUsingOurDNS="false", not 2030288
    custom_ns_is_writable: bool = False  # setHosts stores, not 2030288
    # Refusals
    calls_per_minute: int = 0  # 0: no limit; above it HTTP 405
    fail: dict = field(default_factory=dict)  # {number, text?, calls?, command?} for the next calls
    fail_after: bool = False  # the calls of `fail` are carried out, then answered with the error
    # {domain, records, times?}: added right after the next getHosts of that domain
    second_writer: dict = field(default_factory=dict)

    def set(self, given: dict) -> None:
        """Change some, or none of them when one is unknown. `reset: true` puts the others back first."""
        given = dict(given)
        changed = Knobs() if given.pop("reset", False) else Knobs(**asdict(self))
        known = {member.name: type(getattr(changed, member.name)) for member in fields(Knobs)}
        for name, value in given.items():
            if name not in known:
                raise ValueError(f"no switch of Namecheap is {name!r}; there are: {', '.join(sorted(known))}")
            if type(value) is not known[name]:
                raise ValueError(f"the switch {name} is of type {known[name].__name__}, not {type(value).__name__}")
            _check_members(name, value)
            setattr(changed, name, value)
        for name in known:
            setattr(self, name, getattr(changed, name))

    def spent(self, name: str) -> bool:
        """Whether one of the next calls that a counter was set for is due; counts it."""
        left = getattr(self, name)
        setattr(self, name, max(left - 1, 0))
        return left > 0

    def boolean(self, value: bool) -> str:
        return str(value) if self.title_booleans else str(value).lower()


def _check_members(name: str, value: object) -> None:
    for member, given in value.items() if isinstance(value, dict) else ():
        kind = MEMBERS[name].get(member)
        if kind is None or not isinstance(given, kind):
            raise ValueError(f"the switch {name} does not take {member}={given!r}; it takes {', '.join(MEMBERS[name])}")
