# SPDX-License-Identifier: GPL-3.0-or-later
"""Has parts of the lab run: clouds, hosts and images, for the verbs and for launches at the simulated Lambda Cloud."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lab import authority, cloud_processes, engine, hosts, identity, images, names, recipes, registry
from lab import state as lab_state
from lab.errors import LabError
from lab.inventory import Host
from lab.settings import Settings
from lab.together import together


@dataclass
class Lab:
    """What every verb that makes something works with."""

    settings: Settings
    engine: engine.Engine
    state: lab_state.State
    secrets: dict[str, str]
    builder: images.Builder


def prepared(settings: Settings) -> Lab:
    """The lab with an engine that answers and its secrets made up."""
    state = lab_state.State(settings.state_path)
    found = engine.ensure(state.path)
    secrets = state.ensure_secrets(lab_state.secret_names(settings.variables))
    return Lab(settings, found, state, secrets, images.Builder(settings, found))


def have_hosts(lab: Lab, chosen: list[Host]) -> None:
    """Have the clouds with name server, ACME authority and identity provider run, and the hosts launched there.

    Without clouds, all of these hosts.
    """
    if lab.settings.with_clouds:
        lab.state.ensure_key()
        host_images(lab, chosen)
        cloud_processes.ensure(lab.settings, lab.state, lab.secrets)
        names.ensure(lab.settings, lab.builder.build(images.NAMES))
        authority.ensure(lab.settings, lab.builder.build(images.ACME))
        identity.ensure(lab.settings, lab.builder.build(images.IDENTITY), lab.secrets)
        launched = cloud_processes.launched(lab.settings, lab.secrets)
        chosen = [host for host in chosen if host.name in launched]
    start_hosts(lab, chosen)


def start_hosts(lab: Lab, chosen: list[Host]) -> None:
    """Have these hosts run, all at once, pin their keys, and log in to each."""
    built = host_images(lab, chosen)
    lab.state.ensure_key()
    keys = together(
        lambda host=host: hosts.ensure(lab.settings, lab.engine, lab.state, built[host.release], host)
        for host in chosen
    )
    lab.state.pin(dict(zip(chosen, keys)))
    refused = zip(chosen, together(lambda host=host: hosts.answers(lab.state, host) for host in chosen))
    problems = [f"{host.name} (127.0.0.1:{host.ssh_port}): {problem}" for host, problem in refused if problem]
    if problems:
        raise LabError(f"SSH with the lab's key {lab.state.key_path} is refused: {'; '.join(problems)}")


def launch(settings: Settings, host: Host) -> None:
    """Have one host run and answer: what a launch at the simulated Lambda Cloud does."""
    start_hosts(prepared(settings), [host])


def host_images(lab: Lab, chosen: Iterable[Host]) -> dict[str, str]:
    """The images that these hosts are made from, built where that is needed, by release."""
    releases = dict.fromkeys(host.release for host in chosen)
    return {release: lab.builder.build(images.HOST, release) for release in releases}


def publish(lab: Lab, wanted: list[images.Wanted]) -> None:
    """Have the registry run with these images, built or pulled where that is needed."""
    password = lab.secrets[lab_state.REGISTRY_PASSWORD]
    running = registry.ensure(lab.settings, lab.builder.build(images.REGISTRY), password)

    def one(item: images.Wanted) -> None:
        upstream = lab.settings.upstream_images
        source = images.pull(item, lab.builder.present) if upstream else lab.builder.build(item.folder)
        images.publish(item, source, running)

    together((lambda item=item: one(item) for item in wanted), at_once=images.BUILDERS)


def buildable(settings: Settings) -> list[images.Wanted]:
    """The catalog's images. Raises LabError naming those that the lab has no folder for."""
    wanted = images.wanted(settings.variables)
    lacking = [] if settings.upstream_images else images.without_folder(wanted)
    if lacking:
        named = "; ".join(f"{item.image} (of {', '.join(item.services)}): {item.folder}/Dockerfile" for item in lacking)
        raise LabError(
            f"The lab has no stand-in for images of the catalog. Missing in {recipes.IMAGES}: {named}. Write it, or "
            "leave the service out with `service_overrides: {NAME: {enabled: false}}` in the lab's inventory."
        )
    return wanted
