# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of checks: which fields each has, and the requests that each makes."""

from __future__ import annotations

import base64
import time
from urllib.parse import urlsplit, urlunsplit

from ansible_collections.sophia.platform.plugins.module_utils.verify import judge
from ansible_collections.sophia.platform.plugins.module_utils.verify.errors import ProbeError
from ansible_collections.sophia.platform.plugins.module_utils.verify.judge import Verdict
from ansible_collections.sophia.platform.plugins.module_utils.verify.mcp import Session, initialize_message
from ansible_collections.sophia.platform.plugins.module_utils.verify.transport import Client

# kind -> (fields it needs, fields it may have)
FIELDS = {
    "http": ({"url"}, {"expect_status", "expect_json", "expect_location", "basic_auth"}),
    "mcp": ({"url", "token_secret"}, set()),
    "mcp_call": ({"url", "token_secret", "tool"}, {"arguments", "expect_text"}),
    "prometheus_targets": ({"url", "jobs"}, {"basic_auth"}),
    "service": ({"service"}, {"replicas", "image"}),
    "gpus": ({"count"}, set()),
    "records": ({"hosts"}, set()),
    "certificate": ({"hosts", "addresses", "port"}, {"days_min"}),
}
TARGETS_PATH = "/api/v1/targets"


class Platform:
    """What the probes know of the platform: secret values by name, and what runs on the Swarm."""

    def __init__(self, secrets: dict | None = None, swarm: dict | None = None) -> None:
        self.secrets, self.swarm = secrets or {}, swarm

    def secret(self, name: str) -> str:
        """Return a secret's value without a line end; ProbeError names the secret that is not there."""
        value = self.secrets.get(name, "").rstrip("\r\n")
        if not value:
            raise ProbeError(f"The secret {name} is not in the secrets source; add it there.")
        return value


def problem(check: dict) -> str | None:
    """Return what is wrong with the description of a check, or None."""
    kind = check.get("kind")
    if not check.get("name"):
        return f"A check of kind {kind} has no name."
    if kind not in FIELDS:
        return f"Unknown kind of check {kind!r}; known: {', '.join(FIELDS)}."
    needed, possible = FIELDS[kind]
    missing = sorted(field for field in needed if not check.get(field))
    unknown = sorted(set(check) - needed - possible - {"name", "kind"})
    said = [f"it needs {', '.join(missing)}"] * bool(missing) + [f"it does not know {', '.join(unknown)}"] * bool(
        unknown
    )
    return f"A check of kind {kind} is not described right: {' and '.join(said)}." if said else None


def attempt(check: dict, client: Client, platform: Platform) -> Verdict:
    """Make a check once. Never raises: what goes wrong is the verdict."""
    wrong = problem(check)
    if wrong:
        return Verdict(False, wrong, final=True)
    try:
        return PROBES[check["kind"]](check, client, platform)
    except ProbeError as error:
        return Verdict(False, str(error))
    except Exception as error:  # one broken answer must not end the other checks
        return Verdict(False, f"The check itself failed on what it got: {type(error).__name__}: {error}.")


def _http(check: dict, client: Client, platform: Platform) -> Verdict:
    return judge.http_answer(check, client.request("GET", check["url"], _credentials(check, platform)))


def _mcp(check: dict, client: Client, platform: Platform) -> Verdict:
    session = Session(client, check["url"], platform.secret(check["token_secret"]))
    try:
        known = judge.handshake(session.open(), session.tool_names())
    finally:
        session.close()
    refused = judge.refusal(check["url"], Session(client, check["url"], token=None).post(initialize_message(1)))
    if not known.ok or not refused.ok:
        return refused if known.ok else known
    return Verdict(True, f"{known.detail}; {refused.detail}")


def _mcp_call(check: dict, client: Client, platform: Platform) -> Verdict:
    session = Session(client, check["url"], platform.secret(check["token_secret"]))
    try:
        session.open()
        params = {"name": check["tool"], "arguments": check.get("arguments") or {}}
        return judge.tool_result(check, session.call("tools/call", params))
    finally:
        session.close()


def _prometheus_targets(check: dict, client: Client, platform: Platform) -> Verdict:
    url = targets_url(check["url"])
    return judge.scrape_targets(check["jobs"], client.request("GET", url, _credentials(check, platform)), url)


def _service(check: dict, client: Client, platform: Platform) -> Verdict:
    return judge.service(check, platform.swarm)


def _gpus(check: dict, client: Client, platform: Platform) -> Verdict:
    return judge.gpus(check, platform.swarm)


def _records(check: dict, client: Client, platform: Platform) -> Verdict:
    return judge.records(check["hosts"], {host: client.names.records(host) for host in check["hosts"]})


def _certificate(check: dict, client: Client, platform: Platform) -> Verdict:
    hosts, port = check["hosts"], check["port"]
    found = {address: client.certificate(hosts[0], address, port) for address in check["addresses"]}
    return judge.certificate(hosts, found, check.get("days_min") or 0, time.time())


PROBES = {
    "http": _http,
    "mcp": _mcp,
    "mcp_call": _mcp_call,
    "prometheus_targets": _prometheus_targets,
    "service": _service,
    "gpus": _gpus,
    "records": _records,
    "certificate": _certificate,
}


def targets_url(url: str) -> str:
    """Return the address of the list of active targets, for Prometheus' own address or that of the list."""
    parts = urlsplit(url)
    path = parts.path if parts.path.endswith(TARGETS_PATH) else parts.path.rstrip("/") + TARGETS_PATH
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query or "state=active", ""))


def _credentials(check: dict, platform: Platform) -> dict:
    """Return the Authorization header of a check, empty when it needs none."""
    given = check.get("basic_auth")
    if not given:
        return {}
    pair = f"{given['username']}:{platform.secret(given['secret'])}".encode()
    return {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
