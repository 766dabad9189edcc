# SPDX-License-Identifier: GPL-3.0-or-later
"""Client of the Lambda Cloud API. Decides on the API's `code` only, repeats nothing but reads, tells no secret."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import (
    Answer,
    Clock,
    TransportError,
    exchange,
    masked,
)
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.errors import LambdaCloudError
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.model import Instance

API_URL = "https://cloud.lambda.ai/api/v1"
# About one request a second is allowed, and nothing says how long to stay away (reference §2).
REQUEST_INTERVAL_SECONDS = 1.0
RATE_LIMIT_WAIT_SECONDS = 12.0
RATE_LIMIT_WAIT_SECONDS_MAX = 60.0
READ_TRIES = 3
READ_WAIT_SECONDS = 3.0
SECRET_FIELDS = ("jupyter_token", "jupyter_url", "private_key")

CAPACITY = "instance-operations/launch/insufficient-capacity"
NOT_THERE = "global/object-does-not-exist"
RULESET_IN_USE = "firewall-rulesets/firewall-ruleset-in-use"
TRANSIENT_CODES = (CAPACITY, "global/conflict", "global/internal-error")
ADVICE = {
    "global/invalid-api-key": "Give a valid key in `api_key` or LAMBDA_API_KEY.",
    "global/account-inactive": "Verify the account's e-mail address and payment method in Lambda's dashboard.",
    "global/invalid-address": "Give the account a billing address in Lambda's dashboard.",
    "global/forbidden": "The key's account may not do this.",
    "global/quota-exceeded": "Terminate an instance, or ask Lambda for a higher quota.",
    "global/not-found": "Check `api_url`.",
    NOT_THERE: "Something named in the request is not there (any more).",
    "instance-operations/launch/file-system-in-wrong-region": "A file system is attached in its own region only.",
}


class LambdaCloud:
    """The API behind one key. `calls` counts the requests made; all of a read's values are data from outside."""

    def __init__(
        self,
        api_key: str,
        api_url: str = API_URL,
        timeout_seconds: float = 30,
        request_interval_seconds: float = REQUEST_INTERVAL_SECONDS,
        clock: Clock | None = None,
    ) -> None:
        self.api_url = (api_url or API_URL).rstrip("/")
        if not (api_key or "").strip():
            raise LambdaCloudError("No key for Lambda Cloud: give `api_key` or LAMBDA_API_KEY.")
        if "@" in urlsplit(self.api_url).netloc:
            raise LambdaCloudError("`api_url` holds a user name or password; the key belongs into `api_key` alone.")
        self.__key = api_key.strip()
        self.timeout_seconds, self.interval_seconds = timeout_seconds, request_interval_seconds
        self.clock, self.calls = clock or Clock(), 0
        self._last = float("-inf")

    def instances(self, tries: int = READ_TRIES) -> list[Instance]:
        """Return every instance of the account."""
        what = "list the instances"
        try:
            return [Instance.from_api(raw) for raw in self._list("/instances", what, tries)]
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        raise self._unusable(what, "an instance in the answer is none")

    def instance_types(self, tries: int = READ_TRIES) -> dict[str, Any]:
        """Return the types by name, each with its price and the regions that have capacity now."""
        types = self.read("/instance-types", "list the instance types", tries)
        if isinstance(types, dict) and all(isinstance(value, dict) for value in types.values()):
            return types
        raise self._unusable("list the instance types", "the answer is no mapping of types")

    def images(self) -> list[dict]:
        """Return the images, one row for each region."""
        return self._list("/images", "list the images")

    def ssh_keys(self) -> list[dict]:
        """Return the registered public keys."""
        return self._list("/ssh-keys", "list the SSH keys")

    def file_systems(self) -> list[dict]:
        """Return the file systems; only creation and deletion spell the path otherwise (reference §4.5)."""
        return self._list("/file-systems", "list the file systems")

    def firewall_rulesets(self) -> list[dict]:
        """Return the rulesets of all regions."""
        return self._list("/firewall-rulesets", "list the firewall rulesets")

    def add_ssh_key(self, name: str, public_key: str) -> None:
        """Register a public key."""
        self.write("POST", "/ssh-keys", {"name": name, "public_key": public_key}, f"register the SSH key {name}")

    def launch(self, body: Mapping[str, Any], hidden: Sequence[str] = ()) -> str:
        """Launch one instance and return its id; it is billed from now on. hidden: texts that no error may show."""
        what = f"launch {body['name']} ({body['instance_type_name']} in {body['region_name']})"
        data = self.write("POST", "/instance-operations/launch", body, what, hidden)
        ids = data.get("instance_ids") if isinstance(data, dict) else None
        if not isinstance(ids, list) or len(ids) != 1 or not isinstance(ids[0], str):
            raise self._unusable(what, "the answer holds no single instance id")
        return ids[0]

    def terminate(self, ids: Sequence[str]) -> None:
        """Begin to end these instances."""
        body = {"instance_ids": list(ids)}
        self.write("POST", "/instance-operations/terminate", body, f"terminate {', '.join(ids)}")

    def read(self, path: str, what: str, tries: int = READ_TRIES) -> Any:
        """Send a GET and return its data. Repeats it when it may help, not when nothing listens there."""
        for left in range(tries - 1, -1, -1):
            try:
                return self._request("GET", path, None, what, ())
            except LambdaCloudError as error:
                if not left or not error.transient or not (error.status or error.unknown):
                    raise
                self.clock.sleep(error.wait_seconds or READ_WAIT_SECONDS)
        raise ValueError("a read needs at least one try")

    def write(self, method: str, path: str, body: Any, what: str, hidden: Sequence[str] = ()) -> Any:
        """Send a write, once, and return its data."""
        return self._request(method, path, body, what, hidden)

    def _list(self, path: str, what: str, tries: int = READ_TRIES) -> list[dict]:
        rows = self.read(path, what, tries)
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
        raise self._unusable(what, "the answer is no list")

    def _request(self, method: str, path: str, body: Any, what: str, hidden: Sequence[str]) -> Any:
        self._keep_distance()
        headers = {"Authorization": f"Bearer {self.__key}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        content = None if body is None else json.dumps(body).encode()
        url = self.api_url + quote(path)
        try:
            answer = exchange(method, url, headers, content, self.timeout_seconds)
        except TransportError as error:
            reason, sent = str(error), error.sent
        else:
            return self._data(answer, method, what, [self.__key, *hidden])
        raise LambdaCloudError(
            self._sentence(what, reason, unknown=sent and method != "GET"), transient=True, unknown=sent
        )

    def _keep_distance(self) -> None:
        wait = self._last + self.interval_seconds - self.clock.monotonic()
        if wait > 0:
            self.clock.sleep(wait)
        self._last = self.clock.monotonic()
        self.calls += 1

    def _data(self, answer: Answer, method: str, what: str, secrets: list[str]) -> Any:
        try:
            document = answer.json()
        except ValueError:
            document = None
        document = document if isinstance(document, dict) else {}
        if 200 <= answer.status < 300 and "data" in document:
            return cleaned(document["data"])
        if method == "DELETE" and answer.status == 204:
            return {}
        error = document.get("error")
        raise self._failure(answer, error if isinstance(error, dict) else {}, method, what, secrets)

    def _failure(self, answer: Answer, error: dict, method: str, what: str, secrets: list[str]) -> LambdaCloudError:
        code, status = masked(str(error.get("code") or ""), secrets), answer.status
        message = " ".join(masked(str(error.get("message") or ""), secrets).split())[:200]
        reason, advice = f"{code}, {message}" if message else code, ADVICE.get(code, "")
        if not code:
            reason = f"HTTP {status}, {_shown(answer, secrets)}"
            advice = "" if status == 429 or status >= 500 else "Check `api_url`."
        unusable, upstream = status < 300 or status >= 500, code.startswith("provider/")
        unknown = method != "GET" and (unusable or upstream or code == "global/internal-error")
        return LambdaCloudError(
            self._sentence(what, reason, advice, unknown),
            code=code,
            status=status,
            transient=unusable or status == 429 or upstream or code in TRANSIENT_CODES,
            unknown=unknown,
            wait_seconds=_rate_limit_wait_seconds(answer) if status == 429 else 0,
        )

    def _sentence(self, what: str, reason: str, advice: str = "", unknown: bool = False) -> str:
        did = "gave no usable answer when asked to" if unknown else "did not"
        where = masked(self.api_url, [self.__key])
        return f"Lambda Cloud ({where}) {did} {what}: {reason.rstrip('.')}. {advice}".rstrip()

    def _unusable(self, what: str, reason: str) -> LambdaCloudError:
        return LambdaCloudError(self._sentence(what, reason, unknown=True), status=200, transient=True, unknown=True)


def _shown(answer: Answer, secrets: list[str]) -> str:
    """What came, for a message. What should have been data may hold the secrets of instances and is not shown."""
    if answer.status == 429:
        return "too many requests"
    page = answer.text.lstrip()[:1] == "<"
    if answer.status < 300 and not page:
        return "without whole JSON that has `data`"
    return Answer(answer.status, {}, masked(answer.text, secrets).encode()).described()


def _rate_limit_wait_seconds(answer: Answer) -> float:
    asked = answer.retry_after_seconds or 0
    return min(max(asked, RATE_LIMIT_WAIT_SECONDS), RATE_LIMIT_WAIT_SECONDS_MAX)


def cleaned(value: Any) -> Any:
    """The value without the fields that are secrets, however deep."""
    if isinstance(value, dict):
        return {key: cleaned(inner) for key, inner in value.items() if key not in SECRET_FIELDS}
    return [cleaned(inner) for inner in value] if isinstance(value, list) else value
