# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds daemon.json from settings and fragments, and compares it with a running engine. Pure."""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

_VARIABLE = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")
_API_VERSION = re.compile(r"^\d+\.\d+$")
API_FLOOR = (1, 24)


class SettingsError(Exception):
    """The settings contradict each other or cannot work on a Swarm node."""


def merge(settings: Mapping[str, Any], fragments: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Merge the fragments of other roles (`{name, settings}`) into the settings; empty values are left out.

    Mappings are merged, lists appended to. SettingsError names every value that two owners want differently, with both,
    and everything that a Swarm node's engine cannot be told.
    """
    merged: dict[str, Any] = {}
    owners: dict[str, str] = {}
    problems: list[str] = []
    for name, part in [("the docker role", settings), *((item["name"], item["settings"]) for item in fragments)]:
        _merge_into(merged, part, "", name, owners, problems)
    problems += [f"daemon.json: {key} ({owners.get(key, 'unknown')}): {why}." for key, why in refusals(merged)]
    if problems:
        raise SettingsError(" ".join(problems))
    return merged


def _merge_into(
    target: dict[str, Any], part: Mapping[str, Any], path: str, name: str, owners: dict[str, str], problems: list[str]
) -> None:
    for key, value in part.items():
        if value in ("", None) or value in ([], {}):
            continue
        full = f"{path}{key}"
        have = target.get(key)
        if isinstance(value, Mapping) and isinstance(have if key in target else {}, dict):
            target.setdefault(key, {})
            _merge_into(target[key], value, f"{full}.", name, owners, problems)
        elif isinstance(value, list) and isinstance(have if key in target else [], list):
            target[key] = [*(have or []), *(item for item in value if item not in (have or []))]
        elif key in target and have != value:
            problems.append(f"daemon.json: {full} is {have!r} for {owners[full]} and {value!r} for {name}.")
        else:
            target[key] = value
        owners.setdefault(full, name)


def refusals(settings: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name what an engine in a Swarm cannot or must not be told, as (path in daemon.json, why)."""
    found = []
    features = _mapping(settings.get("features"))
    told = [
        ("live-restore", settings.get("live-restore") is True, "an engine with live-restore cannot be in a Swarm"),
        ("firewall-backend", settings.get("firewall-backend") == "nftables", "Swarm has no rules for nftables"),
        (
            "features.swarm-nftables",
            bool(features.get("swarm-nftables")),
            "it is an experiment, without the chain DOCKER-USER that the firewall needs",
        ),
        ("hosts", "hosts" in settings, "the systemd unit passes the listening socket"),
        ("iptables", settings.get("iptables") is False, "published ports and overlay networks need the engine's rules"),
    ]
    found += [(path, f"{why}, so {_at(settings, path)!r} is refused") for path, refused, why in told if refused]
    address = settings.get("metrics-addr", "")
    if address and not _is_bound(str(address)):
        found.append(
            ("metrics-addr", f"{address!r} is not one address with a port; bind it to 127.0.0.1 or a private address")
        )
    version = settings.get("min-api-version", "")
    if version and not (
        _API_VERSION.match(str(version)) and tuple(int(part) for part in str(version).split(".")) >= API_FLOOR
    ):
        found.append(("min-api-version", f"{version!r} is no API version from 1.24 on, such as '1.40'"))
    found += [
        (f"log-opts.{key}", f"{value!r} must be text for the engine, so quote it")
        for key, value in _mapping(settings.get("log-opts")).items()
        if not isinstance(value, str)
    ]
    return found


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _at(settings: Mapping[str, Any], path: str) -> Any:
    value: Any = settings
    for key in path.split("."):
        value = value[key]
    return value


def _is_bound(address: str) -> bool:
    """Whether `address:port` names one address of the host, not all of them."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdigit():
        return False
    try:
        return not ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return bool(re.match(r"^[A-Za-z][A-Za-z0-9.-]*$", host))  # a name, such as localhost


def render(settings: Mapping[str, Any]) -> str:
    """Give daemon.json's text: sorted keys, one canonical form."""
    return json.dumps(settings, indent=2, sort_keys=True) + "\n"


def render_environment(environment: Mapping[str, str]) -> str:
    """Give the text of a systemd drop-in that sets the engine's environment; empty for an empty environment."""
    bad = [name for name in environment if not _VARIABLE.match(name)]
    if bad:
        raise SettingsError(f"These are no names of environment variables: {', '.join(map(repr, bad))}.")
    quoted = {
        name: value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%") for name, value in environment.items()
    }
    lines = [f'Environment="{name}={value}"' for name, value in sorted(quoted.items())]
    return "\n".join(["[Service]", *lines, ""]) if lines else ""


def problems_of(settings: Mapping[str, Any], version: str, info: Mapping[str, Any]) -> list[str]:
    """Name what keeps a running engine from being the one that was asked for, as sentences."""
    running = info.get("ServerVersion", "")
    wanted = version.split(":", 1)[-1]
    problems = [
        f"The engine runs with other settings than its file says: {text}. Restart docker.service."
        for text in differences(settings, info).values()
    ]
    if not running.startswith(wanted) and not wanted.startswith(running):
        problems.append(f"The engine that runs is {running}, {version} was asked for. Restart docker.service.")
    if info.get("Driver") == "vfs":
        problems.append(
            "The engine stores images with vfs, which copies every layer: give it a file system for overlay2."
        )
    return problems


def differences(settings: Mapping[str, Any], info: Mapping[str, Any]) -> dict[str, str]:
    """Say for each key what a running engine (its answer to GET /info) does otherwise than the settings say."""
    registries = info.get("RegistryConfig") or {}
    pools = [{"base": pool["Base"], "size": pool["Size"]} for pool in info.get("DefaultAddressPools") or []]
    shown = {
        "log-driver": (info.get("LoggingDriver"), settings.get("log-driver")),
        "default-runtime": (info.get("DefaultRuntime"), settings.get("default-runtime")),
        "storage-driver": (info.get("Driver"), settings.get("storage-driver")),
        "data-root": (info.get("DockerRootDir"), settings.get("data-root")),
        "default-address-pools": (pools, settings.get("default-address-pools")),
        "debug": (info.get("Debug"), settings.get("debug")),
    }
    found = {
        key: f"{key} is {have!r} and should be {want!r}"
        for key, (have, want) in shown.items()
        if (want or want is False) and have is not None and have != want
    }
    held = {
        "insecure-registries": _insecure(registries),
        "registry-mirrors": [mirror.rstrip("/") for mirror in registries.get("Mirrors") or []],
        "node-generic-resources": _generic(info.get("GenericResources") or []),
        "labels": list(info.get("Labels") or []),
        "runtimes": list(info.get("Runtimes") or {}),
    }
    for key, have in held.items():
        missing = [value for value in settings.get(key, []) if value.rstrip("/") not in have]
        if missing:
            found[key] = f"{key} lacks {', '.join(missing)}"
    return found


def _insecure(registries: Mapping[str, Any]) -> list[str]:
    hosts = [name for name, entry in (registries.get("IndexConfigs") or {}).items() if not entry.get("Secure", True)]
    return hosts + list(registries.get("InsecureRegistryCIDRs") or [])


def _generic(resources: Sequence[Mapping[str, Any]]) -> list[str]:
    specs = [spec for resource in resources for spec in resource.values()]
    return [f"{spec['Kind']}={spec['Value']}" for spec in specs]
