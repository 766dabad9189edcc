# SPDX-License-Identifier: GPL-3.0-or-later
"""The verbs of `python -m lab`."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from lab import authority, cloud_processes, docker, engine, hosts, identity, images, names, network, parts, report
from lab.errors import LabError
from lab.inventory import Host
from lab.progress import say, step
from lab.settings import Settings
from lab.together import together


def up(settings: Settings, fresh: bool = False, with_registry: bool = True, only: list[str] | None = None) -> None:
    """Have the registry run with every image of the catalog, the clouds with name server and ACME authority, and the
    hosts that were launched there.

    With an inventory of their own the hosts are started here, and there is no cloud.
    """
    chosen = _hosts(settings, only)
    wanted = parts.buildable(settings) if with_registry else []
    with _alone(settings):
        lab = parts.prepared(settings)
        if fresh:
            with step("removing the hosts that are there"):
                together(lambda host=host: hosts.remove(host) for host in chosen)
                _forget_clouds(settings)
        network.ensure(settings)
        tasks: list[Callable[[], object]] = [lambda: parts.have_hosts(lab, chosen)]
        if with_registry:
            tasks.append(lambda: parts.publish(lab, wanted))
        together(tasks)


def build(settings: Settings, only: list[str] | None = None) -> None:
    """Build the images whose content is new, those of the lab's own containers too, and publish the catalog's."""
    wanted = parts.buildable(settings)
    alone = (images.NAMES, images.ACME, images.IDENTITY)
    own = [images.HOST, images.REGISTRY, *alone]
    chosen = _known(only, [*own, *(item.folder for item in wanted)], "image")
    with _alone(settings):
        lab = parts.prepared(settings)
        network.ensure(settings)
        published = [item for item in wanted if item.folder in chosen]
        tasks: list[Callable[[], object]] = [lambda: parts.publish(lab, published)]
        if images.HOST in chosen:
            tasks.append(lambda: parts.host_images(lab, settings.hosts))
        tasks += [lambda name=name: lab.builder.build(name) for name in alone if name in chosen]
        together(tasks)


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
