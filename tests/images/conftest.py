"""Containers of the lab's images, each removed with its volumes after its test, or after the tests that share it.

The images are those that `python -m lab images` has built; IMAGES_UNDER_TEST (`…/{name}:tag`) names others.
"""

from __future__ import annotations

import io
import itertools
import os
import tarfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.catalog.compose import service_document
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import read as read_catalog

from lab import docker, settings
from lab.images import REPOSITORY

LAB = settings.read()
NUMBERS = itertools.count(1)
OURS = ("--label", f"{docker.LABEL}={LAB.prefix}")  # `python -m lab down` removes what carries it


def unique() -> str:
    """A name that no other test run uses."""
    return f"{LAB.prefix}-test-{os.getpid()}-{next(NUMBERS)}"


def reference(name: str) -> str:
    """The image of a folder of lab/images."""
    if template := os.environ.get("IMAGES_UNDER_TEST"):
        return template.format(name=name)
    built = [tag for tag in docker.images() if tag.startswith(f"{REPOSITORY}/{name}:")]
    assert built, f"no image of lab/images/{name} is here: run `python -m lab images`"
    return built[0]  # the newest comes first


def archive(files: Mapping[str, str | bytes], mode: int) -> bytes:
    """A tar archive of the files, owned by root. Paths are absolute; a program starts with `#!` and gets its x bits."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as tar:
        for path, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            entry = tarfile.TarInfo(path.lstrip("/"))
            entry.size, entry.mode = len(data), mode | (0o111 if data.startswith(b"#!") else 0)
            tar.addfile(entry, io.BytesIO(data))
    return stream.getvalue()


@dataclass(frozen=True)
class Container:
    """A container that was started."""

    name: str

    def run(self, *command: str, environment: Mapping[str, str] | None = None, check: bool = True):
        """Run a command in it."""
        options = [part for pair in (environment or {}).items() for part in ("--env", "=".join(pair))]
        return docker.run("exec", *options, self.name, *command, check=check, timeout_seconds=60)

    def health(self, test: list[str]):
        """Run a compose health check in it."""
        command = test[1:] if test[0] == "CMD" else ["sh", "-c", test[1]]
        return self.run(*command, check=False)

    def inspect(self, template: str) -> str:
        return docker.run("inspect", "--format", template, self.name).stdout.strip()

    @property
    def log(self) -> str:
        done = docker.run("logs", self.name)
        return done.stdout + done.stderr

    @property
    def address(self) -> str:
        return self.inspect("{{.NetworkSettings.IPAddress}}")

    def until(self, what: str, reason: Callable[[], str], timeout_seconds: float = 60) -> None:
        """Wait until `reason` returns nothing; a container that has ended fails at once."""
        deadline = time.monotonic() + timeout_seconds
        while why_not := reason():
            assert self.inspect("{{.State.Running}}") == "true", f"waiting for {what}, but it ended:\n{self.log}"
            assert time.monotonic() < deadline, f"{what}: not so after {timeout_seconds} s: {why_not}\n{self.log}"
            time.sleep(0.1)

    def healthy(self, test: list[str], timeout_seconds: float = 60) -> None:
        """Wait until a health check passes."""

        def reason() -> str:
            done = self.health(test)
            return f"{done.returncode} {done.stdout}{done.stderr}" if done.returncode else ""

        self.until(f"health check {test}", reason, timeout_seconds)

    def stop(self) -> None:
        """Send the image's stop signal and wait for the end."""
        docker.run("stop", "--time", "20", self.name)

    def kill(self) -> None:
        docker.run("kill", self.name)

    def ended(self, timeout_seconds: int = 60) -> int:
        """Wait for the end. Returns the exit status."""
        return int(docker.run("wait", self.name, timeout_seconds=timeout_seconds).stdout)


@contextmanager
def started(
    image: str,
    *command: str,
    environment: Mapping[str, str] | None = None,
    files: Mapping[str, str | bytes] | None = None,
    mode: int = 0o444,
    options: tuple[str, ...] = (),
) -> Iterator[Container]:
    """Start a container of a lab image (by its folder's name) with files put into it."""
    container = Container(unique())
    variables = [part for pair in (environment or {}).items() for part in ("--env", "=".join(pair))]
    docker.run("create", "--name", container.name, "--init", *OURS, *variables, *options, reference(image), *command)
    try:
        docker.run("cp", "-", f"{container.name}:/", stdin=archive(files or {}, mode))
        docker.run("start", container.name)
        yield container
    finally:
        docker.run("rm", "--force", "--volumes", container.name, check=False)


@pytest.fixture(scope="session")
def start():
    """`with start(image, …) as container`."""
    return started


@pytest.fixture
def volume() -> Iterator[str]:
    """An empty named volume."""
    name = unique()
    docker.run("volume", "create", *OURS, name)
    yield name
    docker.run("volume", "rm", "--force", name, check=False)


@pytest.fixture(scope="session")
def catalog() -> dict:
    """The compose documents of the catalog's services, by name."""
    catalog = read_catalog(LAB.variables["platform"])
    return {service.name: service_document(catalog, service) for service in catalog.entries}
