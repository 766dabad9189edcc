# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of the Namecheap client, and what each number of the API asks a person to do."""

from __future__ import annotations

from collections.abc import Sequence


class NamecheapError(Exception):
    """Something about a zone cannot be read, is refused or did not happen. The message says what to do, and no key.

    numbers: the API's error numbers, when it gave any.
    reread: the zone must be read again before anything is decided: a write may have been carried out, or was turned
        away and may be repeated.
    rate_limited: the API turned the call away before it did anything; the wait that this asks for is over.
    not_done: the call certainly did nothing.
    """

    def __init__(
        self,
        message: str,
        numbers: Sequence[str] = (),
        reread: bool = False,
        rate_limited: bool = False,
        not_done: bool = False,
    ) -> None:
        super().__init__(message)
        self.numbers = tuple(numbers)
        self.reread, self.rate_limited, self.not_done = reread, rate_limited, not_done


OTHER_NAME_SERVERS = "2030288"
NOT_THIS_DOMAIN = "2019166"
# Not in the reference: what the API says, with HTTP 200, in namecheap/terraform-provider-namecheap#9.
TOO_MANY_REQUESTS = "500000"
WRONG_ADDRESS = "1011150"
WRONG_KEY = "1011102"

# Outages, so that a read may succeed unchanged a little later (reference §10). The last two also report bad input.
TRANSIENT = ("1050900", "3031510", "3050900", "4022288", "4022328", "4023330", "5019169")
UNHANDLED = ("5050169", "5050900")
_UNHANDLED_WORDS = ("unknown", "unhandled", "exception", "object reference", "server error", "try again")

_NOT_YOURS = (
    "Check that domain is the registered domain itself (example.com, not api.example.com), and that it belongs to, "
    "or is shared with, the account user_name"
)
_USER = "Check api_user and user_name: the account is locked, misspelt, or may not use the API"
_OWN_FAULT = "That is an error of this module or of api_url; please report it with this message"
_OUTAGE = "That is an outage at Namecheap; run again later"

ADVICE = {
    "1010101": "Set api_user, or NAMECHEAP_API_USER",
    "1010102": "Set api_key, or NAMECHEAP_API_KEY",
    "1010104": _OWN_FAULT,
    "4": _OWN_FAULT,
    "1010105": "Set client_ip, or NAMECHEAP_CLIENT_IP, to an IPv4 address; 127.0.0.1 works",
    "1011105": "Set client_ip, or NAMECHEAP_CLIENT_IP, to an IPv4 address (not IPv6); 127.0.0.1 works",
    "1016103": _USER,
    "1017101": _USER,
    "1017103": _USER,
    "1017105": "The address in client_ip is locked: ask Namecheap's support",
    "1017150": "The address of this machine is locked: ask Namecheap's support",
    "1017410": "The account has too many declined payments: see its billing page at Namecheap",
    "1017411": "The account had too many failed logins: wait, and check the key before the next run",
    "1019103": _USER,
    "1030408": _OWN_FAULT,
    "2016166": _NOT_YOURS,
    NOT_THIS_DOMAIN: _NOT_YOURS,
    "2030166": f"The account has no right to edit this domain. {_NOT_YOURS}",
    OTHER_NAME_SERVERS: "The domain is on other name servers than Namecheap's",
    "3011288": "One of the domain's name servers is not valid: see the domain's page at Namecheap",
    "3013288": "A zone holds 150 records at most: remove some, leftover _acme-challenge records first",
    "4013288": "A zone holds 150 records at most: remove some, leftover _acme-challenge records first",
    "3016166": _NOT_YOURS,
    "4011103": f"The account has no access to it. {_NOT_YOURS}",
    **dict.fromkeys(TRANSIENT, _OUTAGE),
    **dict.fromkeys(UNHANDLED, "Without a field's name in the text that is an outage: run again later"),
}


def is_outage(number: str, text: str) -> bool:
    """Whether the same call may succeed later. Bad input also comes under the numbers of unhandled exceptions."""
    lowered = text.lower()
    generic = not lowered or any(word in lowered for word in _UNHANDLED_WORDS)
    return number in TRANSIENT or (number in UNHANDLED and generic)


def is_rate_limit(number: str, text: str) -> bool:
    """Whether the API turned the call away because there were too many."""
    return number == TOO_MANY_REQUESTS or "too many requests" in text.lower()


def advice(numbers: Sequence[str], text: str, api_user: str, seen_address: str) -> str:
    """What a person should do about these numbers, as sentences. seen_address: what Namecheap said the caller has."""
    if WRONG_ADDRESS in numbers:
        return (
            f"Namecheap saw the call come from {seen_address or 'an address that it does not tell'}, and that is not "
            f"on the allow-list of the account {api_user}: add it at Namecheap under Profile > Tools > API Access > "
            "Whitelisted IPs (single IPv4 addresses, at most 20), or send from a listed address."
        )
    if WRONG_KEY in numbers:
        seen = f" It saw the call come from {seen_address}." if seen_address else ""
        return (
            f"One of these is the cause: the key is not that of {api_user}; API access is off (Profile > Tools > API "
            "Access); the key is of the sandbox and api_url of production, or the reverse; the address of this machine "
            f"is not on the account's allow-list.{seen}"
        )
    found = [ADVICE[number] for number in numbers if number in ADVICE]
    return ". ".join(dict.fromkeys(found or ["The number is in no list that we have"])) + "."
