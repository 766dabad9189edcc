# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for nvidia-ctk. What each version does to config.toml and daemon.json: gh200_hosts.md §3.2, §3.4, §3.5."""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
from pathlib import Path

from lab_gpu import machine

CONFIG = Path("/etc/nvidia-container-runtime/config.toml")
_LDCONFIG = "@/sbin/ldconfig.real" if Path("/sbin/ldconfig.real").exists() else "@/sbin/ldconfig"
# Every key of the file, by table, with its default. Those of OPTIONAL are written as comments while they are off.
_DEFAULTS: dict[str, dict[str, object]] = {
    "": {
        "accept-nvidia-visible-devices-as-volume-mounts": False,
        "accept-nvidia-visible-devices-envvar-when-unprivileged": True,
        "disable-require": False,
        "supported-driver-capabilities": "compat32,compute,display,graphics,ngx,utility,video",
        "swarm-resource": "DOCKER_RESOURCE_GPU",
    },
    "nvidia-container-cli": {
        "debug": "/var/log/nvidia-container-toolkit.log",
        "environment": [],
        "ldcache": "/etc/ld.so.cache",
        "ldconfig": _LDCONFIG,
        "load-kmods": True,
        "no-cgroups": False,
        "path": "/usr/bin/nvidia-container-cli",
        "root": "/run/nvidia/driver",
        "user": "root:video",
    },
    "nvidia-container-runtime": {
        "debug": "/var/log/nvidia-container-runtime.log",
        "log-level": "info",
        "mode": "auto",
        "runtimes": ["runc", "crun"],
    },
    "nvidia-container-runtime.modes": {},
    "nvidia-container-runtime.modes.cdi": {
        "annotation-prefixes": ["cdi.k8s.io/"],
        "default-kind": "nvidia.com/gpu",
        "spec-dirs": ["/etc/cdi", "/var/run/cdi"],
    },
    "nvidia-container-runtime.modes.csv": {
        "mount-spec-path": "/etc/nvidia-container-runtime/host-files-for-container.d"
    },
    "nvidia-container-runtime.modes.legacy": {"cuda-compat-mode": "ldconfig"},
    "nvidia-container-runtime-hook": {"path": "nvidia-container-runtime-hook", "skip-mode-detection": False},
    "nvidia-ctk": {"path": "nvidia-ctk"},
}
OPTIONAL = {
    *("accept-nvidia-visible-devices-as-volume-mounts", "swarm-resource"),
    "accept-nvidia-visible-devices-envvar-when-unprivileged",
    *(f"nvidia-container-cli.{name}" for name in ("debug", "ldcache", "no-cgroups", "path", "root", "user")),
    "nvidia-container-runtime.debug",
}


class Refused(Exception):
    """nvidia-ctk ends with an error."""


def version() -> tuple[int, ...]:
    """The installed toolkit's version."""
    return tuple(int(word) for word in (machine.part("toolkit") or {"version": "1.20.0"})["version"].split("."))


def nvidia_ctk(arguments: list[str]) -> int:
    words = [word for word in arguments if word not in ("--quiet", "-q", "--debug")]
    try:
        if words[:1] in (["--version"], ["-v"]):
            text = ".".join(map(str, version()))
            print(f"NVIDIA Container Toolkit CLI version {text}")
            print(f"commit: {hashlib.sha1(text.encode()).hexdigest()}")  # noqa: S324 looks like one
        elif words[:1] == ["config"]:
            _config(_options(words[1:], {"config-file", "config", "c", "set", "output", "o"}))
        elif words[:2] == ["cdi", "generate"]:
            _cdi_generate(_options(words[2:], {"output", "format", "mode", "device-name-strategy"}))
        elif words[:2] == ["cdi", "list"]:
            _cdi_list()
        elif words[:2] == ["runtime", "configure"]:
            _runtime_configure(_options(words[2:], {"runtime", "config", "nvidia-runtime-name", "config-mode"}))
        else:
            raise Refused(f"the stand-in does not play `nvidia-ctk {' '.join(arguments)}`")
    except Refused as error:
        print(f'time="2026-11-21T12:00:00Z" level=error msg="{error}"', file=sys.stderr)
        return 1
    return 0


def _options(words: list[str], with_value: set[str]) -> dict[str, list[str]]:
    """`--name=value`, `--name value` and `--flag`, each as often as it was given."""
    found: dict[str, list[str]] = {}
    rest = list(words)
    while rest:
        name, sign, value = rest.pop(0).lstrip("-").partition("=")
        if not sign and name in with_value:
            if not rest:
                raise Refused(f"flag needs an argument: -{name}")
            value = rest.pop(0)
        found.setdefault(name, []).append(value)
    return found


# ── config.toml ──────────────────────────────────────────────────────────────────────────────────────────────────────


def read_config(path: Path = CONFIG) -> dict[str, dict[str, object]]:
    """The settings of a file by table, of an absent one the defaults that are on."""
    on = {
        table: {key: value for key, value in keys.items() if f"{table}.{key}".lstrip(".") not in OPTIONAL}
        for table, keys in _DEFAULTS.items()
    }
    if not path.exists():
        return on
    found: dict[str, dict[str, object]] = {"": {}}
    table = ""
    for line in path.read_text().splitlines():
        text = line.strip()
        if heading := re.fullmatch(r"\[([^\]]+)\](\s*#.*)?", text):
            table = heading[1].strip()
            found.setdefault(table, {})
        elif text and not text.startswith("#"):
            key, sign, value = text.partition("=")
            if not sign:
                raise Refused(f"unable to load config file {path}: (1, 1): unexpected line {text!r}")
            found[table][key.strip()] = _parse(value.strip())
    return found


def _parse(text: str) -> object:
    """A string, truth value or list of strings of TOML, as this file has them."""
    try:
        return json.JSONDecoder().raw_decode(text)[0]
    except ValueError as error:
        raise Refused(f"unable to load config file: {text!r}: {error}") from error


def _config(given: dict[str, list[str]]) -> None:
    path = Path((given.get("config-file") or given.get("config") or given.get("c") or [str(CONFIG)])[0])
    config, changed = read_config(path), set()
    for entry in (entry for value in given.get("set", []) for entry in value.split(",")):
        name, sign, value = entry.partition("=")
        table, _, key = name.rpartition(".")
        if key not in _DEFAULTS.get(table, {}):
            raise Refused(f"invalid --set option {entry}: undefined field")
        default = _DEFAULTS[table][key]
        kind = {bool: lambda text: text != "false", list: lambda text: text.split(":")}.get(type(default), str)
        config.setdefault(table, {})[key] = kind(value) if sign else True
        changed.add(name)
    text = _rendered(config, changed)
    if "in-place" in given:
        machine.write(path, text)
    elif target := (given.get("output") or given.get("o")):
        machine.write(Path(target[0]), text)
    else:
        print(text, end="")


def _rendered(config: dict[str, dict[str, object]], changed: set[str]) -> str:
    """The file as this version writes it: in its own order, with no comments but those of settings that are off."""
    parts = []
    for table in [*_DEFAULTS, *(table for table in config if table not in _DEFAULTS)]:
        keys, defaults = config.get(table, {}), _DEFAULTS.get(table, {})
        lines = [f"[{table}]"] if table else []
        for key in sorted({*keys, *(key for key in defaults if f"{table}.{key}".lstrip(".") in OPTIONAL)}):
            name = f"{table}.{key}".lstrip(".")
            off = key not in keys or (name in OPTIONAL and keys[key] == defaults[key] and _reverts(name, changed))
            lines.append(f"{'#' if off else ''}{key} = {json.dumps(keys.get(key, defaults.get(key)))}")
        parts.append("".join(f"{line}\n" for line in lines))
    return "\n".join(parts)


def _reverts(name: str, changed: set[str]) -> bool:
    """Whether this version turns an optional setting with its usual value into a comment."""
    return version() < (1, 19) or (version() < (1, 20) and name not in changed)


# ── CDI ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _cdi_generate(given: dict[str, list[str]]) -> None:
    problem = machine.nvml()
    if problem:
        raise Refused(f"failed to generate CDI spec: failed to create edits: failed to initialize NVML: {problem[0]}")
    names = [name for index, uuid in enumerate(machine.uuids()) for name in (str(index), uuid)] + ["all"]
    lines = ["---", f"cdiVersion: {'0.5.0' if version() < (1, 19) else '0.7.0'}", "kind: nvidia.com/gpu", "devices:"]
    for name in names:
        lines += [f'- name: "{name}"', "  containerEdits:", "    env:", f'    - "LAB_GPU_DEVICE={name}"']
    lines += ["containerEdits:", "  env:", "  - NVIDIA_VISIBLE_DEVICES=void", ""]
    usual = os.environ.get("NVIDIA_CTK_CDI_OUTPUT_FILE_PATH", "")
    target = (given.get("output") or [usual])[0]
    if target:
        machine.write(Path(target), "\n".join(lines))
    else:
        print("\n".join(lines), end="")


def _cdi_list() -> None:
    names = []
    for folder in ("/etc/cdi", "/var/run/cdi"):
        for path in sorted(Path(folder).glob("*.yaml")):
            text = path.read_text()
            kind = (re.search(r"^kind: (\S+)", text, re.M) or ["", "?"])[1]
            names += [f"{kind}={name}" for name in re.findall(r'^- name: "?([^"\n]+)"?', text, re.M)]
    print(f'time="2026-11-21T12:00:00Z" level=info msg="Found {len(names)} CDI devices"', file=sys.stderr)
    for name in names:
        print(name)


# ── daemon.json ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _runtime_configure(given: dict[str, list[str]]) -> None:
    if (given.get("runtime") or ["docker"]) != ["docker"]:
        raise Refused(f"unrecognized runtime {given['runtime'][0]!r}: the stand-in plays docker only")
    path = Path((given.get("config") or ["/etc/docker/daemon.json"])[0])
    name = (given.get("nvidia-runtime-name") or ["nvidia"])[0]
    document = json.loads(path.read_text()) if path.exists() and path.read_text().strip() else {}
    document.setdefault("runtimes", {})[name] = {"path": "nvidia-container-runtime", "args": []}
    if {"set-as-default", "nvidia-set-as-default"} & set(given):
        document["default-runtime"] = name
    if {"cdi.enabled", "enable-cdi"} & set(given):
        document["features"] = {"cdi": True}
    text = json.dumps(document, indent=4, sort_keys=True)
    if "dry-run" in given:
        print(text)
    else:
        machine.write(path, text)
