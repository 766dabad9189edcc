# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for nvidia-container-runtime: it picks the GPUs that a container asks for, and hands on to runc."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from lab_gpu import ctk, machine

_PATHS = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin")
_SMI = Path("/run/lab-gpu")  # what a container sees as nvidia-smi, by the GPUs that it has


def not_simulated(arguments: list[str]) -> int:
    print(f"a stand-in of the Sophia lab, which does nothing: {arguments}", file=sys.stderr)
    return 0


def nvidia_container_runtime(arguments: list[str]) -> int:
    config = ctk.read_config()
    section = config.get("nvidia-container-runtime", {})
    try:
        if "create" in arguments and (bundle := _value(arguments, "--bundle") or _value(arguments, "-b")):
            _modify(Path(bundle) / "config.json", config, str(section.get("mode", "auto")))
        low_level = next(
            f"{folder}/{name}"
            for name in section.get("runtimes", ["runc"])
            for folder in _PATHS
            if os.access(f"{folder}/{name}", os.X_OK)
        )
    except (ctk.Refused, StopIteration) as error:
        _fail(arguments, str(error) or "error locating runtime: no runc or crun")
        return 1
    return os.execv(low_level, [low_level, *arguments])  # noqa: S606


def chosen(environment: dict[str, str], config: dict, mode: str, version: tuple[int, ...]) -> list[str] | None:
    """The GPUs that a container asks for: ids, `all`, or nothing but the driver's files ([]). None: no GPU at all."""
    wanted = environment.get("NVIDIA_VISIBLE_DEVICES", "")
    ignored = (1, 18) <= version < (1, 19) and mode in ("auto", "jit-cdi", "cdi")
    names = [] if ignored else str(config.get("", {}).get("swarm-resource", "")).split(",")
    given = [environment[name.strip()] for name in names if name.strip() in environment]
    if given:
        wanted = ",".join(given)
    if wanted in ("", "void"):
        return None
    return [] if wanted == "none" else [name for name in wanted.split(",") if name]


def _modify(path: Path, config: dict, mode: str) -> None:
    document = json.loads(path.read_text())
    environment = dict(item.partition("=")[::2] for item in document["process"].get("env") or [])
    names = chosen(environment, config, mode, ctk.version())
    if names is None:
        return
    problem = machine.nvml()
    if problem:
        raise ctk.Refused(f"failed to create NVIDIA Container Runtime: failed to initialize NVML: {problem[0]}")
    uuids = machine.uuids()
    known = {str(index): uuid for index, uuid in enumerate(uuids)} | {uuid: uuid for uuid in uuids}
    unknown = [name for name in names if name != "all" and name.removeprefix("nvidia.com/gpu=") not in known]
    if unknown:
        listed = ", ".join(f"nvidia.com/gpu={name}" for name in unknown)
        raise ctk.Refused(f"failed to inject CDI devices: unresolvable CDI devices {listed}")
    given = uuids if "all" in names else [known[name.removeprefix("nvidia.com/gpu=")] for name in names]
    lines = [f"GPU {index}: {machine.NAME} (UUID: {uuid})" for index, uuid in enumerate(given)]
    text = "\n".join(lines or ["No devices were found"])
    script = _SMI / f"nvidia-smi-{'-'.join(uuid[-12:] for uuid in given) or 'none'}"
    machine.write(
        script,
        f"#!/bin/sh\n# A stand-in of the Sophia lab: what `nvidia-smi -L` says here.\ncat <<'END'\n{text}\nEND\n",
    )
    script.chmod(0o755)
    mount = {"destination": "/usr/bin/nvidia-smi", "type": "bind", "source": str(script), "options": ["rbind", "ro"]}
    document.setdefault("mounts", []).append(mount)
    path.write_text(json.dumps(document))


def _fail(arguments: list[str], text: str) -> None:
    """Say why not where the engine looks: in runc's log, and on stderr."""
    print(text, file=sys.stderr)
    if log := _value(arguments, "--log"):
        with open(log, "a", encoding="utf-8") as file:
            file.write(json.dumps({"level": "error", "msg": text, "time": "2026-11-21T12:00:00Z"}) + "\n")


def _value(arguments: list[str], option: str) -> str:
    for index, word in enumerate(arguments):
        if word == option:
            return arguments[index + 1]
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
    return ""
