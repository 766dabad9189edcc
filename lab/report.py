# SPDX-License-Identifier: GPL-3.0-or-later
"""What `python -m lab status` prints."""

from __future__ import annotations

from urllib.parse import urlsplit

from ansible_collections.sophia.platform.plugins.module_utils.catalog import model
from ansible_collections.sophia.platform.plugins.module_utils.catalog.errors import CatalogError
from ansible_collections.sophia.platform.plugins.module_utils.swarm.text import columns

from lab import cloud_processes, docker, identity
from lab.settings import Settings
from lab.state import IDENTITY_PASSWORD


def text(settings: Settings) -> str:
    """The lab's containers, its simulated clouds and the addresses of its services, as tables."""
    beside = [(settings.registry_container, settings.registry_address, settings.registry_endpoint)]
    if settings.with_clouds:
        beside.append((settings.names_container, settings.names_address, "-"))
        beside.append((settings.acme_container, settings.acme_address, "-"))
        beside.append((settings.identity_container, urlsplit(settings.identity_url).hostname, "-"))
    names = [host.container for host in settings.hosts] + [name for name, *_rest in beside]
    found = docker.inspect("container", *names)
    state = {name: found[name]["State"]["Status"] if name in found else "absent" for name in names}
    ssh = f"ssh -i {settings.state_path}/id_ed25519 -o UserKnownHostsFile={settings.state_path}/known_hosts"
    rows = [("HOST", "STATE", "ADDRESS", "SSH PORT", "EDGE")]
    for host in settings.hosts:
        edge = ", ".join(f"{host.edge_address}:{port}" for port in settings.edge_ports) if host.edge_address else "-"
        rows.append((host.name, state[host.container], host.address, str(host.ssh_port), edge))
    rows += [(name, state[name], address, "-", edge) for name, address, edge in beside]
    parts = [columns(rows), f"log in: {ssh} -p {settings.hosts[0].ssh_port} root@127.0.0.1"]
    simulated = list(cloud_processes.urls(settings)) if settings.with_clouds else []
    if state.get(settings.names_container) == "running":
        simulated.append(("name server", f"{settings.names_address}:53"))
    if state.get(settings.acme_container) == "running":
        simulated.append(("acme directory", f"{settings.directory_url} (its CA: {settings.acme_api_ca_path})"))
        simulated.append(("acme root", f"{settings.ca_path}: curl --cacert"))
    if state.get(settings.identity_container) == "running":
        simulated.append(("identity provider", f"{settings.identity_url} ({', '.join(identity.PEOPLE)})"))
    if simulated:
        parts.append(columns([("SIMULATED", "ADDRESS"), *simulated]))
    routes = services(settings.variables)
    if routes:
        parts += [columns([("SERVICE", "ADDRESS", ""), *routes])]
    if any(note for _name, _url, note in routes):
        parts.append(
            f"people log in with {IDENTITY_PASSWORD}, programs as {model.OPERATOR['username']} with "
            f"{model.OPERATOR['secret']}, both in `ansible-vault view "
            f"--vault-password-file {settings.state_path}/vault_password {settings.state_path}/secrets.yml`"
        )
    return "\n\n".join(parts)


def services(variables: dict) -> list[tuple[str, str, str]]:
    """(name, address outside, note) of every routed service."""
    try:
        catalog = model.load(variables.get("platform"))[0]
    except CatalogError:
        return []
    return [
        (
            entry.name,
            catalog.url(entry, (entry["health"] or {}).get("path") or "/"),
            f"for {entry['route']['access']}" if model.is_guarded(entry) else "",
        )
        for entry in catalog.entries
        if entry["route"]
    ]
