# SPDX-License-Identifier: GPL-3.0-or-later
"""A domain and its host records: what a write does to them (reference §6.1 to §6.3, §8)."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace

from lab.cloud.namecheap.knobs import Knobs
from lab.cloud.namecheap.rules import EMAIL_TYPES_WITH_MX, Record

NAMESERVERS = ("dns1.registrar-servers.com", "dns2.registrar-servers.com")
FIRST_HOST_ID = 746360
FORWARDERS = tuple(f"eforward{number}.registrar-servers.com." for number in range(1, 6))
FORWARDER_PREFERENCES = (10, 10, 10, 15, 20)
FORWARDING_SPF = "v=spf1 include:spf.efwd.registrar-servers.com ~all"


@dataclass
class Domain:
    """One domain. `sld` is what addresses it: it holds a dot only for a sub-domain that is its own zone (§3)."""

    sld: str
    tld: str
    number: int
    email_type: str = "NONE"
    using_our_dns: bool = True
    nameservers: list[str] = field(default_factory=lambda: list(NAMESERVERS))
    shared: bool = False
    records: list[Record] = field(default_factory=list)
    forwards: list[tuple[str, str]] = field(default_factory=list)
    next_host_id: int = FIRST_HOST_ID

    @property
    def name(self) -> str:
        return f"{self.sld}.{self.tld}"

    @property
    def own_zone(self) -> bool:
        """Whether it is a sub-domain that is hosted as a FreeDNS zone of its own."""
        return "." in self.sld

    def served(self) -> list[Record]:
        """The records in the order of getHosts: by type, name, address."""
        return sorted(self.records, key=Record.order)

    def write(self, incoming: list[Record], email_type: str | None, knobs: Knobs) -> None:
        """Make the zone hold exactly these records, as far as the server takes them."""
        kept = {record.identity(): record for record in self.records}
        wanted: dict[tuple[str, str, str], Record] = {}
        for record in incoming:
            repeated = record.identity() in wanted
            if self._taken(record, email_type, knobs) and (knobs.last_duplicate_wins or not repeated):
                wanted[record.identity()] = record
        self.records = [self._merged(kept.get(identity), record, knobs) for identity, record in wanted.items()]
        if email_type is not None:
            self.email_type = email_type
        elif knobs.omitted_email_type_becomes_none:
            self.email_type = "NONE"

    def _taken(self, record: Record, email_type: str | None, knobs: Knobs) -> bool:
        if record.type in knobs.drop_types_on_write or (record.type == "TXT" and not record.address):
            return False
        return record.type != "MX" or email_type in EMAIL_TYPES_WITH_MX

    def _merged(self, old: Record | None, new: Record, knobs: Knobs) -> Record:
        if old is None or knobs.renumber:
            host_id, self.next_host_id = self.next_host_id, self.next_host_id + 1
            return replace(new, host_id=host_id)
        kept = {"host_id": old.host_id, "title": old.title, "friendly_name": old.friendly_name}
        if knobs.sticky:
            kept |= {"mx_pref": old.mx_pref, "address": old.address}
        return replace(new, **kept)

    def add(self, record: Record) -> None:
        """Put a record there as the panel would: over one of the same identity."""
        self.records = [old for old in self.records if old.identity() != record.identity()]
        self.records.append(replace(record, host_id=self.next_host_id))
        self.next_host_id += 1

    def generated(self) -> list[Record]:
        """What DNS serves besides the host records, and getHosts does not show (§8, FWD)."""
        if self.email_type != "FWD" or not self.using_our_dns:
            return []
        mail = [Record("@", "MX", to, pref) for to, pref in zip(FORWARDERS, FORWARDER_PREFERENCES, strict=True)]
        return [*mail, Record("@", "TXT", FORWARDING_SPF)]

    def dump(self) -> dict:
        return asdict(self)

    @classmethod
    def from_dump(cls, state: dict) -> Domain:
        records = [Record(**record) for record in state["records"]]
        return cls(**{**state, "records": records, "forwards": [tuple(pair) for pair in state["forwards"]]})
