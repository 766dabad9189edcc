# SPDX-License-Identifier: GPL-3.0-or-later
"""The judgements: what was asked and what came in, a verdict out. No input or output here."""

from __future__ import annotations

import json
import re
import ssl
from typing import NamedTuple

from ansible_collections.sophia.platform.plugins.module_utils.verify.transport import Response, hint

SHOWN_MAX = 5
UNFINISHED_UPDATES = ("paused", "rollback_started", "rollback_paused")
ROLLED_BACK = "rollback_completed"  # what ran before runs again, so the service may hold all the same


class Verdict(NamedTuple):
    """Whether a check holds, and why. final: asking again cannot change it."""

    ok: bool
    detail: str
    final: bool = False


def http_answer(check: dict, response: Response) -> Verdict:
    """Judge the answer to an `http` check: its status, then the values at dotted paths of its JSON."""
    what, wanted = f"GET {check['url']}", check.get("expect_status") or 200
    if response.status != wanted:
        said = f" It said {response.described()}." if response.body else ""
        came = f"{what}: {response.status} {response.reason}, wanted {wanted}{hint(response.status)}"
        return Verdict(False, came + said)
    target, came = check.get("expect_location"), response.headers.get("location", "nowhere")
    if target and came != target:
        return Verdict(False, f"{what}: sends to {came}, wanted {target}.")
    expected = check.get("expect_json") or {}
    if not expected:
        return Verdict(True, f"{response.status} {response.reason}")
    try:
        document = json.loads(response.body)
    except ValueError:
        return Verdict(False, f"{what}: wanted JSON, got {response.described()}.")
    wrong = [problem for path, value in expected.items() if (problem := _difference(document, path, value))]
    if wrong:
        return Verdict(False, f"{what}: {'; '.join(wrong)}. It said {response.described()}.")
    shown = ", ".join(f"{path} = {_shown(value)}" for path, value in expected.items())
    return Verdict(True, f"{response.status} {response.reason}, {shown}")


def refusal(url: str, response: Response) -> Verdict:
    """Judge what a request without a token got; only 401 is right."""
    if response.status == 401:
        return Verdict(True, "refuses callers without the token")
    if response.status == 200:
        return Verdict(False, f"POST {url} without a token: 200, wanted 401; anyone can call this server.")
    came = f"{response.status} {response.reason}"
    return Verdict(False, f"POST {url} without a token: {came}, wanted 401{hint(response.status)}")


def handshake(result: dict, tools: list[str]) -> Verdict:
    """Judge an MCP handshake and the list of tools."""
    info = result.get("serverInfo") if isinstance(result.get("serverInfo"), dict) else {}
    server = f"{info.get('name', 'unnamed server')} {info.get('version', '')}".strip()
    if not tools:
        return Verdict(False, f"{server} offers no tool; did its tools fail to load? Look at the service's log.")
    return Verdict(True, f"{server}, {_count(len(tools), 'tool')} ({_listed(tools)})")


def tool_result(check: dict, result: dict) -> Verdict:
    """Judge what a tool call gave: no error, and the expected text in it."""
    parts = result.get("content") if isinstance(result.get("content"), list) else []
    text = " ".join(str(part.get("text", "")) for part in parts if isinstance(part, dict)).strip()
    what = f"{check['tool']} of {check['url']}"
    if result.get("isError"):
        return Verdict(False, f"{what} failed: {_cut(text) or 'it gave no reason'}.")
    expected = check.get("expect_text")
    searched = text + json.dumps(result.get("structuredContent"), ensure_ascii=False)
    if expected and expected not in searched:
        return Verdict(False, f"{what}: wanted {expected!r} in the result, got {_cut(text) or 'no text'!r}.")
    return Verdict(True, f"{check['tool']} gave {_cut(text) or 'a result without text'!r}")


def scrape_targets(jobs: dict, response: Response, url: str) -> Verdict:
    """Judge Prometheus' targets: every one up, and of every job at least the count (None: one)."""
    if response.status != 200:
        return Verdict(False, f"GET {url}: {response.status} {response.reason}, wanted 200{hint(response.status)}")
    try:
        targets = json.loads(response.body)["data"]["activeTargets"]
        found = [(target["labels"]["job"], target) for target in targets]
    except (ValueError, LookupError, TypeError):
        return Verdict(False, f"GET {url}: wanted Prometheus' list of targets, got {response.described()}.")
    down = [_down(job, target) for job, target in found if target.get("health") != "up"]
    counted = {job: sum(name == job for name, _target in found) for job in jobs}
    missing = [
        f"job {job} has {counted[job]} of {wanted}"
        for job, wanted in ((job, 1 if wanted is None else wanted) for job, wanted in jobs.items())
        if counted[job] < wanted
    ]
    if down or missing:
        problems = "; ".join(part for part in (_listed(down, "; "), _listed(missing, "; ")) if part)
        return Verdict(False, f"{problems} (of {_count(len(found), 'target')}).")
    return Verdict(True, f"{_count(len(found), 'target')} up in {_count(len({job for job, _ in found}), 'job')}")


def service(check: dict, swarm: dict | None) -> Verdict:
    """Judge one service of the Swarm as module swarm_status saw it: its replicas and its image."""
    name = check["service"]
    if not swarm or not isinstance(swarm.get("services"), list):
        return _no_swarm(swarm)
    found = next((item for item in swarm["services"] if item.get("name") == name), None)
    if found is None:
        return Verdict(False, f"There is no service {name} on the Swarm; was its stack deployed?", True)
    running, wanted = found.get("replicas_running") or 0, found.get("replicas_wanted") or 0
    problems, asked = [], check.get("replicas")
    if asked is not None and wanted != asked:
        problems.append(
            f"the Swarm is asked for {wanted} replicas, the catalog for {asked}: deploy, or see who scaled it"
        )
    if running != wanted or (not wanted and asked != 0):
        problems.append(f"{running} of {wanted} replicas running")
    problems += [problem for problem in (_image_problem(check.get("image"), found.get("image") or ""),) if problem]
    state = str(found.get("update_state") or "")
    if state in UNFINISHED_UPDATES:
        problems.append(f"its last update ended as {state}")
    if problems:
        problems += [f"pending: {message}" for message in found.get("pending") or []]
        problems += [f"failed: {_cut(str(failure))}" for failure in _failures(found)[:SHOWN_MAX]]
        return Verdict(False, f"{name}: {'; '.join(problems)}.", True)
    notes = ["an update was rolled back to this"] if state == ROLLED_BACK else []
    notes += [f"pending: {message}" for message in found.get("pending") or []]
    said = "; ".join([f"{running} of {wanted} running, {found['image'].partition('@')[0]} pinned", *notes])
    return Verdict(True, said, True)


def gpus(check: dict, swarm: dict | None) -> Verdict:
    """Judge the GPUs that the ready nodes of the Swarm offer as generic resources."""
    if not swarm or not isinstance(swarm.get("nodes"), list):
        return _no_swarm(swarm)
    offered = {node["name"]: node.get("gpus") or [] for node in swarm["nodes"] if node.get("state") == "ready"}
    shown = ", ".join(f"{name} {len(found)}" for name, found in sorted(offered.items()))
    count = sum(map(len, offered.values()))
    if count != check["count"]:
        return Verdict(
            False,
            f"The ready nodes offer {count} GPUs ({shown or 'no node is ready'}), the inventory has {check['count']}: "
            "see nvidia-smi on the host that lacks one, then run playbooks/hosts.yml.",
            True,
        )
    return Verdict(True, f"{shown}", True)


def records(wanted: dict[str, list[str]], found: dict[str, list[str]]) -> Verdict:
    """Judge what DNS says of the hosts: the addresses wanted for each, and no other."""
    wrong = [
        f"{host} leads to {', '.join(found[host])}, the catalog says {', '.join(sorted(addresses))}"
        for host, addresses in wanted.items()
        if found[host] != sorted(addresses)
    ]
    if wrong:
        return Verdict(
            False, f"{_listed(wrong, '; ')}: run playbooks/dns.yml, and mind the time that resolvers keep records."
        )
    return Verdict(True, f"{_count(len(wanted), 'name')} lead to {', '.join(sorted(next(iter(wanted.values()), [])))}")


def certificate(hosts: list[str], found: dict[str, dict], days_min: float, now: float) -> Verdict:
    """Judge the certificates that the edge nodes show: the same one everywhere, for all hosts, for long enough."""
    first = next(iter(found.values()))
    serials = {address: shown.get("serialNumber") for address, shown in found.items()}
    if len(set(serials.values())) > 1:
        shown = ", ".join(f"{address} {serial}" for address, serial in serials.items())
        return Verdict(False, f"The edge nodes show different certificates ({shown}): run playbooks/stacks.yml.")
    names = [value for kind, value in first.get("subjectAltName", ()) if kind == "DNS"]
    lacking = [host for host in hosts if host not in names and f"*.{host.partition('.')[2]}" not in names]
    if lacking:
        return Verdict(False, f"The certificate lacks {_listed(lacking)}: run playbooks/certificates.yml.")
    days = (ssl.cert_time_to_seconds(first["notAfter"]) - now) / 86400
    if days < days_min:
        return Verdict(
            False, f"The certificate ends in {days:.1f} days: run playbooks/certificates.yml, which renews it."
        )
    issuer = dict(pair for part in first.get("issuer", ()) for pair in part).get("commonName", "unnamed")
    return Verdict(True, f"{_count(len(hosts), 'name')}, {days:.0f} days left, by {issuer}")


def _no_swarm(swarm: dict | None) -> Verdict:
    said = f" It said: {_cut(str(swarm['msg']))}" if swarm and swarm.get("msg") else ""
    return Verdict(False, f"No manager told what runs; is the Swarm up and its managers reachable?{said}", True)


def canonical(reference: str) -> str:
    """Return an image reference without its digest and with what Docker leaves out: registry and `library/`."""
    reference = reference.partition("@")[0]
    first, slash, rest = reference.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        first, rest = "docker.io", reference
    if first == "docker.io" and "/" not in rest:
        rest = f"library/{rest}"
    return f"{first}/{rest}"


def _image_problem(wanted: str | None, running: str) -> str | None:
    if not re.search(r"@sha256:[0-9a-f]{64}$", running):
        return f"its image {running or '(none)'} is not pinned by a digest"
    if not wanted:
        return None
    same = canonical(running) == canonical(wanted)
    if "@" in wanted:
        same = same and running.partition("@")[2] == wanted.partition("@")[2]
    return None if same else f"it runs {running}, the catalog says {wanted}: deploy"


def _down(job: str, target: dict) -> str:
    place = target["labels"].get("instance", "")
    return f"{job} {place} is {target.get('health')}: {target.get('lastError') or 'not scraped yet'}"


def _failures(found: dict) -> list:
    failures = found.get("failures") or []
    return failures if isinstance(failures, list) else [failures]


def _difference(document: object, path: str, wanted: object) -> str | None:
    """Return how the value at a dotted path differs, or None."""
    for key in str(path).split("."):
        if isinstance(document, dict) and key in document:
            document = document[key]
        elif isinstance(document, list) and key.isdigit() and int(key) < len(document):
            document = document[int(key)]
        else:
            return f"there is no {path}"
    if document == wanted and isinstance(document, bool) == isinstance(wanted, bool):
        return None
    return f"{path} is {_shown(document)}, wanted {_shown(wanted)}"


def _shown(value: object) -> str:
    return value if isinstance(value, str) else _cut(json.dumps(value, ensure_ascii=False))


def _cut(text: str, length: int = 160) -> str:
    text = " ".join(text.split())
    return text if len(text) <= length else text[:length] + "…"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _listed(items: list[str], separator: str = ", ") -> str:
    more = len(items) - SHOWN_MAX
    return separator.join(items[:SHOWN_MAX] + ([f"and {more} more"] if more > 0 else []))
