# SPDX-License-Identifier: GPL-3.0-or-later
"""The two things for which the engine's own CLI is used: `docker stack config` and `docker stack deploy`.

Documents go in on standard input. Registry passwords touch no disk and no argument list: the CLI asks a credential
helper, which is a small program that exists only in this process's memory (a memfd) and is reached by a link to /proc.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.swarm.errors import SwarmError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.mask import Masker
from ansible_collections.sophia.platform.plugins.module_utils.swarm.swarm import DOCKER_HUB, DOCKER_HUB_ACCOUNT

TIME_LIMIT_SECONDS = 120
ERROR_LENGTH_LIMIT = 2000


class Cli:
    """The docker CLI of one host. Methods raise SwarmError with what the CLI said, masked."""

    def __init__(self, program: str, socket_path: str, logins: Mapping[str, Mapping[str, str]], masker: Masker) -> None:
        self._program = program
        self._socket_path = socket_path
        self._logins = logins
        self._masker = masker

    def validate(self, document: Mapping) -> None:
        """Have the CLI's own schema judge a document."""
        self._run(["stack", "config", "--compose-file", "-"], document, "The compose document is refused")

    def deploy(self, stack: str, document: Mapping) -> list[str]:
        """Hand the services of a document to the Swarm and return at once; returns the CLI's warnings."""
        arguments = ["stack", "deploy", "--detach=true", "--resolve-image", "never", "--with-registry-auth"]
        said = self._run([*arguments, "--compose-file", "-", stack], document, f"Swarm refused the stack {stack}")
        return [line for line in said.splitlines() if line.strip()]

    def _run(self, arguments: list[str], document: Mapping, what: str) -> str:
        with docker_configuration(self._logins) as folder:
            environment = {
                "PATH": f"{folder}:{os.environ.get('PATH', '/usr/sbin:/usr/bin:/sbin:/bin')}",
                "HOME": folder,
                "DOCKER_CONFIG": folder,
                "DOCKER_HOST": f"unix://{self._socket_path}",
            }
            try:
                done = subprocess.run(
                    [self._program, *arguments],
                    input=json.dumps(document, ensure_ascii=False).encode(),
                    capture_output=True,
                    env=environment,
                    timeout=TIME_LIMIT_SECONDS,
                    check=False,
                )
            except OSError as error:
                raise SwarmError(
                    f"Cannot run {self._program}: {error.strerror}. Install the docker CLI on this manager."
                ) from error
            except subprocess.TimeoutExpired as error:
                raise SwarmError(
                    f"{what}: {self._program} {' '.join(arguments)} took over {TIME_LIMIT_SECONDS} s."
                ) from error
        said = self._masker.text(done.stderr.decode(errors="replace").strip())
        if done.returncode:
            raise SwarmError(f"{what}: {said[-ERROR_LENGTH_LIMIT:]}")
        return said


@contextmanager
def docker_configuration(logins: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """A folder to serve as DOCKER_CONFIG (and in PATH), with one credential helper for each registry host."""
    descriptors = []
    try:
        with tempfile.TemporaryDirectory(prefix="swarm-stack-") as folder:
            helpers = {}
            for number, (host, login) in enumerate(sorted(logins.items())):
                descriptor = _helper(host, login)
                descriptors.append(descriptor)
                link = Path(folder) / f"docker-credential-memory{number}"
                link.symlink_to(f"/proc/{os.getpid()}/fd/{descriptor}")
                helpers[_account(host)] = f"memory{number}"
            (Path(folder) / "config.json").write_text(json.dumps({"credHelpers": helpers}))
            yield folder
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _account(host: str) -> str:
    return DOCKER_HUB_ACCOUNT if host == DOCKER_HUB else host


def _helper(host: str, login: Mapping[str, str]) -> int:
    """A program in memory that answers `get` with one login; printf is built into the shell, so no process shows it."""
    answer = json.dumps({"ServerURL": _account(host), "Username": login["username"], "Secret": login["password"]})
    program = "#!/bin/sh\nprintf '%s' '" + answer.replace("'", "\\u0027") + "'\n"
    descriptor = os.memfd_create("docker-credential", os.MFD_CLOEXEC)
    os.write(descriptor, program.encode())
    return descriptor
