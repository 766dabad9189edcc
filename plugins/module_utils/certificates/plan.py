# SPDX-License-Identifier: GPL-3.0-or-later
"""Which certificate in place is the best, whether another one is ordered, and why. Pure; for the control node."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from ansible_collections.sophia.platform.plugins.module_utils.certificates.names import covered
from ansible_collections.sophia.platform.plugins.module_utils.certificates.pem import (
    PemError,
    is_trusted,
    read_chain,
    read_key,
    shown,
)
from cryptography import x509

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Want:
    """What the edge's certificate should be. anchors_name is what messages call the authorities that are trusted."""

    names: frozenset[str]
    anchors: Sequence[x509.Certificate]
    anchors_name: str
    now: datetime
    renew_days: int = 30
    force: bool = False


@dataclass(frozen=True)
class Holding:
    """What one manager has; a text is empty where it has nothing."""

    host: str
    chain: str = ""
    private_key: str = ""
    account_key: str = ""

    @cached_property
    def certificates(self) -> list[x509.Certificate]:
        """The chain, its own certificate first. Raises PemError unless it belongs to the key."""
        chain, key = read_chain(self.chain), read_key(self.private_key)
        if chain[0].public_key() != key.public_key():
            raise PemError("does not belong to the key beside it")
        return chain

    @property
    def unusable(self) -> str:
        """Why no server could use it, or nothing."""
        try:
            return "" if self.certificates else "is empty"
        except PemError as error:
            return str(error)

    @property
    def is_account(self) -> bool:
        """Whether the account key can be read."""
        try:
            return bool(read_key(self.account_key))
        except PemError:
            return False


@dataclass(frozen=True)
class Decision:
    """Whether to order, and what is in place meanwhile. source and account_source are hosts, or nothing."""

    order: bool
    reason: str
    in_place: str
    source: str = ""
    account_source: str = ""
    names: Sequence[str] = ()
    days_left: int | None = None
    serial: str = ""
    hosts_to_write: Sequence[str] = ()
    warning: str = ""


def decide(found: Mapping[str, Mapping[str, str]], want: Want) -> Decision:
    """Decide from what each manager has: {host: {chain, private_key, account_key}}."""
    holdings = [Holding(host, **texts) for host, texts in found.items()]
    usable = sorted((held for held in holdings if not held.unusable), key=lambda held: _rank(held, want))
    account = _account(holdings, usable)
    if not usable:
        reason = _nothing_usable(holdings)
        return Decision(True, reason, "There is none in place.", account_source=account, hosts_to_write=list(found))
    best = usable[0]
    leaf = best.certificates[0]
    left = leaf.not_valid_after_utc - want.now
    problems = _problems(best, want) or (["is to be replaced on demand"] if want.force else _due(left, want))
    is_over = left < timedelta()
    return Decision(
        order=bool(problems),
        reason=f"The certificate on {best.host} {' and '.join(problems) or f'is good for {_days(left)}'}.",
        in_place=f"The one on {best.host} stays in place; it {'is over' if is_over else f'has {_days(left)} left'}.",
        source=best.host,
        account_source=account,
        names=sorted(covered(leaf)),
        days_left=left // DAY,
        serial=f"{leaf.serial_number:x}",
        hosts_to_write=[held.host for held in holdings if problems or _differs(held, best, found.get(account))],
        warning=_short_lived(leaf, want),
    )


def _problems(held: Holding, want: Want) -> list[str]:
    """What is wrong with a usable certificate, each as the end of a sentence."""
    chain, problems = held.certificates, []
    leaf, has = chain[0], covered(chain[0])
    if not is_trusted(chain, want.anchors, want.now):
        problems.append(f"is not issued by an authority that {want.anchors_name} trusts, such as a staging one")
    if lacking := sorted(want.names - has):
        problems.append(f"lacks {', '.join(lacking)}")
    if surplus := sorted(has - want.names):
        problems.append(f"has {', '.join(surplus)} that no route wants any more")
    if want.now < leaf.not_valid_before_utc:
        problems.append(f"is not valid before {shown(leaf.not_valid_before_utc)} (is this machine's clock right?)")
    if want.now > leaf.not_valid_after_utc:
        problems.append(f"expired {_days(want.now - leaf.not_valid_after_utc)} ago")
    return problems


def _rank(held: Holding, want: Want) -> tuple:
    return len(_problems(held, want)), -held.certificates[0].not_valid_after_utc.timestamp()


def _due(left: timedelta, want: Want) -> list[str]:
    return [f"ends in {_days(left)}"] if left <= want.renew_days * DAY else []


def _nothing_usable(holdings: Sequence[Holding]) -> str:
    broken = [f"what {held.host} has {held.unusable}" for held in holdings if held.chain or held.private_key]
    return "No manager has a certificate" + (f" that can be used: {'; '.join(broken)}." if broken else ".")


def _account(holdings: Sequence[Holding], usable: Sequence[Holding]) -> str:
    """The host whose account key most managers hold; among equals that of the best certificate."""
    keys = Counter(held.account_key for held in holdings if held.is_account)
    candidates = [held for held in [*usable, *holdings] if held.account_key in keys]
    return max(candidates, key=lambda held: keys[held.account_key]).host if candidates else ""


def _differs(held: Holding, best: Holding, account: Mapping[str, str] | None) -> bool:
    is_same_account = account is None or held.account_key == account["account_key"]
    return (held.chain, held.private_key) != (best.chain, best.private_key) or not is_same_account


def _short_lived(leaf: x509.Certificate, want: Want) -> str:
    life = leaf.not_valid_after_utc - leaf.not_valid_before_utc
    if life > want.renew_days * DAY:
        return ""
    return (
        f"A certificate like this lives {_days(life)} and is renewed {want.renew_days} days before its end, so every "
        "run orders another one, which authorities limit. Lower renew_days."
    )


def _days(time: timedelta) -> str:
    days = time // DAY
    if days:
        return f"{days} day{'' if days == 1 else 's'}"
    return f"{time // timedelta(hours=1)} hours"
