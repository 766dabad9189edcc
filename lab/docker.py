# SPDX-License-Identifier: GPL-3.0-or-later
"""The docker command, as functions."""

from __future__ import annotations

import json
import os
import subprocess

from lab.errors import LabError

LABEL = "sophia.lab"  # its value is the lab's prefix; what carries it is ours to remove


def run(
    *arguments: str,
    stdin: str | bytes | None = None,
    timeout_seconds: float = 120,
    environment: dict[str, str] | None = None,
    check: bool = True,
) -> subprocess.CompletedProcess[str]:
    """Run `docker …`. Raises LabError with what it said when it fails (unless `check` is false) or takes too long."""
    command = ["docker", *arguments]
    try:
        done = subprocess.run(
            command,
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            timeout=timeout_seconds,
            env={**os.environ, **(environment or {})},
            check=False,
        )
    except FileNotFoundError as error:
        raise LabError("There is no `docker` command on this machine; install Docker's client.") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{shown(command)}: no end after {timeout_seconds:.0f} s.") from error
    text = subprocess.CompletedProcess(
        command, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )
    if check and text.returncode:
        raise LabError(f"{shown(command)} failed with {text.returncode}: {tail(text.stderr or text.stdout)}")
    return text


def shown(command: list[str]) -> str:
    """A command's beginning, for a message."""
    text = " ".join(command)
    return text if len(text) < 160 else text[:157] + "…"


def tail(output: str, lines: int = 25) -> str:
    """The last lines of an output."""
    return "\n".join(output.strip().splitlines()[-lines:])


def inspect(kind: str, *names: str) -> dict[str, dict]:
    """What the engine knows of things (kind: container, image, network, volume), by name, without the absent."""
    if not names:
        return {}
    found = json.loads(run(kind, "inspect", *names, check=False).stdout or "[]")
    by_name = {str(item.get("Name", "")).lstrip("/"): item for item in found}
    for item in found:
        for tag in item.get("RepoTags") or []:
            by_name[tag] = item
    return {name: by_name[name] for name in names if name in by_name}


def images() -> dict[str, str]:
    """Every tagged image here: `repository:tag` -> id."""
    lines = run("images", "--no-trunc", "--format", "{{.Repository}}:{{.Tag}} {{.ID}}").stdout.splitlines()
    return dict(line.split(" ", 1) for line in lines)


def lab_images() -> list[str]:
    """The tags of all images that a lab made on this engine."""
    found = run("images", "--filter", f"label={LABEL}=image", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    return [tag for tag in found if "<none>" not in tag]


def labelled(kind: str, prefix: str) -> list[str]:
    """The names of the containers, volumes or networks (kind) that belong to the lab with this prefix."""
    name = "{{.Names}}" if kind == "container" else "{{.Name}}"
    everything = ["--all"] if kind == "container" else []
    return run(kind, "ls", *everything, "--filter", f"label={LABEL}={prefix}", "--format", name).stdout.split()


def ensure_volume(name: str, prefix: str) -> None:
    """Have a volume that belongs to the lab with this prefix."""
    run("volume", "create", "--label", f"{LABEL}={prefix}", name)
