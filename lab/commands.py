# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of `python -m lab`."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from lab import (
    authority,
    cloud_processes,
    docker,
    engine,
    hosts,
    identity,
    images,
    names,
    network,
    recipes,
    registry,
    report,
)
from lab import state as lab_state
from lab.errors import LabError
from lab.inventory import Host
from lab.progress import say, step
from lab.settings import Settings


@dataclass
class Lab:
    """What every verb that makes something works with."""

    settings: Settings
    engine: engine.Engine
    state: lab_state.State
    secrets: dict[str, str]
    builder: images.Builder


def up(settings: Settings, fresh: bool = False, with_registry: bool = True, only: list[str] | None = None) -> None:
    """Have the registry run with every image of the catalog, the clouds with name server and ACME authority, and the
    hosts that were launched there.

    With an inventory of their own the hosts are started here, and there is no cloud.
    """
    chosen = _hosts(settings, only)
    wanted = _buildable(settings) if with_registry else []
    with _alone(settings), _prepared(settings) as lab:
        if fresh:
            with step("removing the hosts that are there"):
                together(lambda host=host: hosts.remove(host) for host in chosen)
                _forget_clouds(settings)
        network.ensure(settings)
        parts: list[Callable[[], object]] = [lambda: _have_hosts(lab, chosen)]
        if with_registry:
            parts.append(lambda: _publish(lab, wanted))
        together(parts)


def build(settings: Settings, only: list[str] | None = None) -> None:
    """Build the images whose content is new, those of the lab's own containers too, and publish the catalog's."""
    wanted = _buildable(settings)
    alone = (images.NAMES, images.ACME, images.IDENTITY)
    own = [images.HOST, images.REGISTRY, *alone]
    chosen = _known(only, [*own, *(item.folder for item in wanted)], "image")
    with _alone(settings), _prepared(settings) as lab:
        network.ensure(settings)
        parts: list[Callable[[], object]] = [lambda: _publish(lab, [item for item in wanted if item.folder in chosen])]
        if images.HOST in chosen:
            parts.append(lambda: _host_images(lab, settings.hosts))
        parts += [lambda name=name: lab.builder.build(name) for name in alone if name in chosen]
        together(parts)


def down(
    settings: Settings, only: list[str] | None = None, with_images: bool = False, with_state: bool = False
) -> None:
    """Remove what carries the lab's label. The engine stays, and so do images and state unless asked for."""
    if engine.ask() is None:
        say("No Docker engine answers; so nothing of the lab runs.")
    elif only:
        with _alone(settings), step("removing hosts"):
            together(lambda host=host: hosts.remove(host) for host in _hosts(settings, only))
        return
    else:
        with _alone(settings), step("removing the lab"):
            _remove_all(settings, with_images)
    if with_state:
        shutil.rmtree(settings.state_path, ignore_errors=True)
    elif settings.state_path.exists():
        say(f"Kept: keys and secrets in {settings.state_path} (`--state` removes them).")


def status(settings: Settings) -> None:
    """Print what runs, and where."""
    if engine.ask() is None:
        say("No Docker engine answers; `python -m lab up` starts one.")
    else:
        say(report.text(settings))


def launch(settings: Settings, host: Host) -> None:
    """Have one host run and answer: what a launch at the simulated Lambda Cloud does."""
    with _prepared(settings) as lab:
        start_hosts(lab, [host])


def _have_hosts(lab: Lab, chosen: list[Host]) -> None:
    if lab.settings.with_clouds:
        lab.state.ensure_key()
        _host_images(lab, chosen)
        cloud_processes.ensure(lab.settings, lab.state, lab.secrets)
        names.ensure(lab.settings, lab.builder.build(images.NAMES))
        authority.ensure(lab.settings, lab.builder.build(images.ACME))
        identity.ensure(lab.settings, lab.builder.build(images.IDENTITY), lab.secrets)
        launched = cloud_processes.launched(lab.settings, lab.secrets)
        chosen = [host for host in chosen if host.name in launched]
    start_hosts(lab, chosen)


def start_hosts(lab: Lab, chosen: list[Host]) -> None:
    """Have these hosts run, all at once, pin their keys, and log in to each."""
    built = _host_images(lab, chosen)
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


def _host_images(lab: Lab, chosen: Iterable[Host]) -> dict[str, str]:
    """The images that these hosts are made from, built where that is needed, by release."""
    releases = dict.fromkeys(host.release for host in chosen)
    return {release: lab.builder.build(images.HOST, release) for release in releases}


def _publish(lab: Lab, wanted: list[images.Wanted]) -> None:
    password = lab.secrets[lab_state.REGISTRY_PASSWORD]
    running = registry.ensure(lab.settings, lab.builder.build(images.REGISTRY), password)

    def one(item: images.Wanted) -> None:
        upstream = lab.settings.upstream_images
        source = images.pull(item, lab.builder.present) if upstream else lab.builder.build(item.folder)
        images.publish(item, source, running)

    together((lambda item=item: one(item) for item in wanted), at_once=images.BUILDERS)


def _buildable(settings: Settings) -> list[images.Wanted]:
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


def _forget_clouds(settings: Settings) -> None:
    for part in (identity, authority, names, cloud_processes) if settings.with_clouds else ():
        part.forget(settings)


def _remove_all(settings: Settings, with_images: bool) -> None:
    _forget_clouds(settings)
    containers = docker.labelled("container", settings.prefix)
    if containers:
        docker.run("rm", "--force", "--volumes", *containers)
    volumes = docker.labelled("volume", settings.prefix)
    if volumes:
        docker.run("volume", "rm", "--force", *volumes)
    for name in docker.labelled("network", settings.prefix):
        docker.run("network", "rm", name)
    if with_images:
        kept = [tag for tag in docker.lab_images() if docker.run("rmi", tag, check=False).returncode]
        if kept:
            say(f"Images that something else uses stay: {', '.join(kept)}")


@contextmanager
def _prepared(settings: Settings) -> Iterator[Lab]:
    state = lab_state.State(settings.state_path)
    found = engine.ensure(state.path)
    secrets = state.ensure_secrets(lab_state.secret_names(settings.variables))
    yield Lab(settings, found, state, secrets, images.Builder(settings, found))


@contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """One lab command at a time on this machine: they share images."""
    settings.cache_path.mkdir(parents=True, exist_ok=True)
    with open(settings.cache_path / "lock", "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            with step("waiting for another lab command to end"):
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _hosts(settings: Settings, only: list[str] | None) -> list[Host]:
    chosen = _known(only, [host.name for host in settings.hosts], "host")
    return [host for host in settings.hosts if host.name in chosen]


def _known(only: list[str] | None, known: list[str], what: str) -> list[str]:
    """The names asked for, all when none is. Raises LabError for one that there is not."""
    unknown = sorted(set(only or []) - set(known))
    if unknown:
        raise LabError(f"There is no {what} {', '.join(unknown)}; there is {', '.join(known)}.")
    return only or known


def together(tasks: Iterable[Callable[[], object]], at_once: int = 16) -> list:
    """Run functions at the same time and give their results. Raises one LabError with all that went wrong."""
    with ThreadPoolExecutor(at_once) as pool:
        futures = [pool.submit(task) for task in tasks]
    problems = [future.exception() for future in futures if future.exception()]
    unforeseen = next((problem for problem in problems if not isinstance(problem, LabError)), None)
    if unforeseen:
        raise unforeseen
    if problems:
        raise LabError("\n".join(dict.fromkeys(str(problem) for problem in problems)))
    return [future.result() for future in futures]
