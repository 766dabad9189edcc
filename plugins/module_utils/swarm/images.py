# SPDX-License-Identifier: GPL-3.0-or-later
"""Turns image tags into digests before anything is deployed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import EngineError, SwarmError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import DOCKER_HUB, Swarm

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}
HUB_NAMES = ("docker.io", "index.docker.io", "registry-1.docker.io")
AT_ONCE = 6


def registry_of(reference: str) -> str:
    """The registry host in an image reference; Docker Hub when there is none."""
    first, slash, _rest = reference.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost"):
        return DOCKER_HUB if first in HUB_NAMES else first
    return DOCKER_HUB


def tag_of(reference: str) -> str:
    """The tag or digest of an image reference; empty when it has none."""
    name, at, digest = reference.partition("@")
    return digest if at else name.rpartition("/")[2].partition(":")[2]


def pin(
    swarm: Swarm, references: Iterable[str], known: Mapping[str, str], logins: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """{reference: repository:tag@digest}. What `known` pins already keeps its digest and asks no registry.

    Raises SwarmError that names every image that cannot be had, what its registry said, and what to do.
    """
    pinned = {reference: reference if "@" in reference else known.get(reference, "") for reference in references}
    missing = sorted(reference for reference, digest in pinned.items() if not digest)
    if not missing:
        return pinned
    wanted = _architectures(swarm)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda reference: _ask(swarm, reference, logins, wanted), missing))
    problems = [answer for answer in answers if isinstance(answer, SwarmError)]
    if problems:
        raise SwarmError("\n".join(["No image digest, so nothing was changed:", *(f"  - {one}" for one in problems)]))
    return {**pinned, **dict(zip(missing, answers))}


def _architectures(swarm: Swarm) -> set[str]:
    machines = [node["Description"]["Platform"]["Architecture"] for node in swarm.nodes()]
    return {ARCHITECTURES.get(machine, machine) for machine in machines}


def _ask(swarm: Swarm, reference: str, logins: Mapping, wanted: set[str]) -> str | SwarmError:
    host = registry_of(reference)
    login = logins.get(host)
    try:
        answer = swarm.image(reference, host, login)
    except EngineError as error:
        return SwarmError(f"{reference}: {error.message.rstrip('.')}. {_advice(error, host, bool(login))}")
    offered = {platform.get("architecture") for platform in answer.get("Platforms") or []} - {None, "", "unknown"}
    if offered and not offered & wanted:
        return SwarmError(
            f"{reference}: is there for {', '.join(sorted(offered))}, and the nodes are {', '.join(sorted(wanted))}. "
            "Publish it for the nodes' architecture too."
        )
    return f"{reference}@{answer['Descriptor']['digest']}"


def _advice(error: EngineError, host: str, with_login: bool) -> str:
    said = error.message.lower()
    if error.status in (401, 403) or "unauthorized" in said or "denied" in said or "credentials" in said:
        what = "refused the credentials given" if with_login else "wants credentials and registry_auth has none"
        return f"The registry {host} {what}; correct registry_auth for it (or the image's name)."
    if error.status == 404 or "unknown" in said or "not found" in said:
        return f"The registry {host} has no such image; push it or correct the name and tag."
    return f"Make sure that this manager reaches the registry {host}, and try again."
