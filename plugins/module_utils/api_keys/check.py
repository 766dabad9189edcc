# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks API keys, all of them in one parallel pass."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from ansible_collections.sophia.platform.plugins.module_utils.api_keys import verdicts
from ansible_collections.sophia.platform.plugins.module_utils.api_keys.services import SERVICES, Key
from ansible_collections.sophia.platform.plugins.module_utils.api_keys.verdicts import INVALID, UNKNOWN, Verdict
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Answer, Clock, TransportError, exchange
from ansible_collections.sophia.platform.plugins.module_utils.swarm.text import columns

THREADS_MAX = 32
PAUSE_SECONDS = 1.0
PAUSE_SECONDS_MAX = 5.0


@dataclass(frozen=True)
class Result:
    """What is known of one key."""

    name: str
    service: str
    result: str
    detail: str
    seconds: float

    def as_dict(self) -> dict:
        return asdict(self)


def problems(keys: Sequence[Key]) -> list[str]:
    """Say what is wrong with the request itself, all of it; nothing here is about the keys."""
    found = []
    for key in keys:
        if not key.base_url and not SERVICES[key.service].base_url:
            found.append(f"{key.name}: {key.service} has no common address, give the cluster's as base_url")
        elif key.base_url and not _is_address(key.base_url):
            found.append(f"{key.name}: base_url is not an http or https address")
    return found


def unusable(key: Key) -> str:
    """Say why a key cannot even be sent; empty when it can."""
    if not key.secret:
        return "No key given."
    secret = key.secret.removeprefix("Bearer ") if key.service == "linear" else key.secret
    if not all("!" <= character <= "~" for character in secret + key.user):
        return "The key holds a space, a line break or another character that no key has."
    if key.service == "gong" and not key.user and not all(key.secret.partition(":")):
        return "Gong wants access_key:secret, or the access key as user and its secret as key."
    return ""


def check(keys: Sequence[Key], timeout_seconds: float, clock: Clock | None = None) -> list[Result]:
    """Check all keys at once and return the results in the same order."""
    clock = clock or Clock()
    with ThreadPoolExecutor(max_workers=max(1, min(len(keys), THREADS_MAX))) as threads:
        return list(threads.map(lambda key: _check_one(key, timeout_seconds, clock), keys))


def table(results: Sequence[Result]) -> str:
    """The results as text for a person."""
    rows = [("KEY", "SERVICE", "RESULT", "DETAIL")]
    return columns(rows + [(each.name, each.service, each.result, each.detail) for each in results])


def _check_one(key: Key, timeout_seconds: float, clock: Clock) -> Result:
    began = clock.monotonic()
    why = unusable(key)
    verdict = Verdict(INVALID, why) if why else _ask(key, timeout_seconds, clock)
    return Result(key.name, key.service, *verdict, round(clock.monotonic() - began, 2))


def _ask(key: Key, timeout_seconds: float, clock: Clock) -> Verdict:
    """Send the request, before it the one without the key where the service wants it; one retry in all."""
    service = SERVICES[key.service]
    title = service.rules.title
    headers = service.headers(key)
    bare = {name: value for name, value in headers.items() if name != "Authorization"}
    steps = [(bare, verdicts.anonymous)] if service.control else []
    steps.append((headers, lambda _title, answer: verdicts.judge(service.rules, answer)))
    retries_left = 1
    verdict = None
    for sent, judged in steps:
        while True:
            answer = _exchange(service.method, service.url(key), sent, service.body, timeout_seconds)
            if isinstance(answer, TransportError):
                verdict = Verdict(UNKNOWN, f"{title} was not reached: {answer}.")
            else:
                verdict = judged(title, answer)
            pause = _pause_seconds(answer) if verdict and verdict.result == UNKNOWN else None
            if pause is None or not retries_left:
                break
            retries_left -= 1
            clock.sleep(pause)
        if verdict:
            break
    return verdict


def _exchange(method: str, url: str, headers: dict, body: bytes | None, seconds: float) -> Answer | TransportError:
    try:
        return exchange(method, url, headers, body, seconds)
    except TransportError as error:
        return error


def _pause_seconds(answer: Answer | TransportError) -> float | None:
    """How long to wait before the retry; None when one is of no use. A read may always be repeated."""
    if isinstance(answer, TransportError):
        return PAUSE_SECONDS
    if answer.status != 429 and answer.status < 500:
        return None
    wished = answer.retry_after_seconds
    return PAUSE_SECONDS if wished is None else wished if wished <= PAUSE_SECONDS_MAX else None


def _is_address(url: str) -> bool:
    try:
        place = urlsplit(url)
        return place.scheme in ("http", "https") and bool(place.hostname) and place.port != 0
    except ValueError:
        return False
