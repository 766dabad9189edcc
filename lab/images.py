# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's images: which ones the catalog wants, built from lab/images/ when their content is new, and published."""

from __future__ import annotations

import functools
import re
import threading
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.catalog.merge import merge_services
from ansible_collections.sophia.platform.plugins.module_utils.catalog.naming import image_parts

from lab import bases, docker, node_packages, recipes, wheels
from lab.engine import Engine
from lab.errors import LabError
from lab.progress import step
from lab.registry import Registry
from lab.settings import Settings

REPOSITORY = "sophia-lab"
HOST, REGISTRY, NAMES, ACME, IDENTITY = "host", "registry", "names", "acme", "identity"
_BUILD_SECONDS = 900
BUILDERS = 2


@dataclass(frozen=True)
class Wanted:
    """An image that a service of the catalog names. `folder` is its folder in lab/images."""

    image: str
    repository: str
    tag: str
    services: tuple[str, ...]

    @property
    def folder(self) -> str:
        return self.repository.rpartition("/")[2]


def wanted(variables: dict) -> list[Wanted]:
    """The images of the enabled services, each once. Raises LabError naming every image without a tag."""
    users: dict[str, list[str]] = {}
    entries = merge_services(
        variables.get("services") or [], variables.get("service_kinds") or {}, variables.get("service_overrides") or {}
    )
    for entry in entries:
        if entry.get("image"):
            users.setdefault(str(entry["image"]), []).append(str(entry.get("name")))
    images = [Wanted(image, *image_parts(image)[1:], tuple(names)) for image, names in users.items()]
    untagged = [f"{item.image} ({', '.join(item.services)})" for item in images if not item.tag]
    if untagged:
        raise LabError(f"Images without a tag in the catalog: {'; '.join(untagged)}.")
    return images


def without_folder(images: list[Wanted], path: Path = recipes.IMAGES) -> list[Wanted]:
    """Those that the lab has no Dockerfile for."""
    return [item for item in images if not (path / item.folder / "Dockerfile").exists()]


class Builder:
    """Builds image folders on one engine. Its methods may be called from several threads."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        self.settings, self.engine = settings, engine
        self.present = docker.images()
        self._bases = {release: threading.Lock() for release in bases.RELEASES}

    def build(self, name: str, release: str | None = None) -> str:
        """Make the image of a folder unless its content has been built; give its tag.

        On another release than the recipe's it is an image of its own, `sophia-lab/NAME-RELEASE`.
        """
        recipe = recipes.read(name, release)
        name = name if recipe.base == recipe.usual_base else f"{name}-{recipe.base}"
        with self._bases[recipe.base]:
            base, base_id = bases.ensure(recipe.base, self.present, self.settings.upstream_images)
        tag = f"{REPOSITORY}/{name}:{recipe.digest(base_id, self.engine.architecture)}"
        if tag not in self.present:
            downloads = self._downloads(recipe)
            with step(f"image {name}"):
                self._build(tag, recipe, base, downloads)
            self._forget_others(name, tag)
        return tag

    def _downloads(self, recipe: recipes.Recipe) -> dict[str, Path]:
        """What this machine fetches for a build, by the name in its context."""
        found, cache = {}, self.settings.cache_path
        if recipe.wheels_path:
            found["wheels"] = wheels.ensure(recipe.wheels_path, recipe.release, self.engine.architecture, cache)
        if recipe.npm_lock_path:
            found["node_modules"] = node_packages.ensure(recipe.npm_lock_path, cache)
        return found

    def _build(self, tag: str, recipe: recipes.Recipe, base: str, downloads: dict[str, Path]) -> None:
        arguments = ["--build-arg", f"BASE={base}", "--label", f"{docker.LABEL}=image"]
        done = docker.run(
            *["build", "--force-rm", *arguments, "--tag", tag, "-"],
            stdin=recipe.context(downloads),
            timeout_seconds=_BUILD_SECONDS,
            environment=builder_environment(),
            check=False,
        )
        if done.returncode:
            raise LabError(f"Building {recipe.path} failed:\n{docker.tail(f'{done.stdout}{done.stderr}', 30)}")

    def _forget_others(self, name: str, tag: str) -> None:
        """Remove the tags that earlier content of a folder got; what a container still uses stays."""
        ours = re.compile(rf"{REPOSITORY}/{re.escape(name)}:[0-9a-f]{{12}}")
        older = [other for other in self.present if ours.fullmatch(other) and other != tag]
        if older:
            docker.run("rmi", *older, check=False)


@functools.cache
def builder_environment() -> dict[str, str]:
    """BuildKit where the client can drive it, else the engine's own builder."""
    buildx = docker.run("buildx", "version", check=False).returncode == 0
    return {} if buildx else {"DOCKER_BUILDKIT": "0"}


def publish(image: Wanted, source: str, registry: Registry) -> None:
    """Give the lab's registry an image under its production name and tag, unless it has that content already."""
    mark = f"lab-{source.rpartition(':')[2]}"
    if registry.digest(image.repository, image.tag, mark):
        return
    with step(f"publishing {image.repository}:{image.tag}"):
        for tag in (image.tag, mark):
            name = f"{registry.endpoint}/{image.repository}:{tag}"
            docker.run("tag", source, name)
            try:
                registry.push(name)
            finally:
                docker.run("rmi", name, check=False)


def pull(image: Wanted, present: dict[str, str]) -> str:
    """Fetch a production image; give a name whose last part identifies its content."""
    done = None
    if image.image not in present:
        with step(f"docker pull {image.image}"):
            done = docker.run("pull", image.image, timeout_seconds=_BUILD_SECONDS, check=False)
    if done and done.returncode:
        raise LabError(
            f"docker pull {image.image} (of {', '.join(image.services)}) failed: {docker.tail(done.stderr)}\n"
            "LAB_IMAGES=upstream takes every image from its own registry; `docker login` there, or leave it out."
        )
    identity = docker.run("image", "inspect", "--format", "{{.Id}}", image.image).stdout.strip().removeprefix("sha256:")
    source = f"{REPOSITORY}/upstream-{image.folder}:{identity[:12]}"
    docker.run("tag", image.image, source)
    return source
