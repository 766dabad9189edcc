# SPDX-License-Identifier: GPL-3.0-or-later
"""The host containers as the machines of the simulated Lambda Cloud: a launch starts one, a termination removes it."""

from __future__ import annotations

from lab import docker, hosts, parts, settings
from lab.inventory import Host


class LabMachines:
    """The backend of `python -m lab.cloud --hosts`. An instance is the host of its name."""

    def __init__(self) -> None:
        self.lab = settings.read()
        self.hosts = {host.name: host for host in self.lab.hosts}
        self.ready: set[str] = set()
        self.taken: set[str] = set()

    def problem(self, request: dict) -> str | None:
        """Why this launch cannot be: the lab knows the hosts of inventories/lab only, and each of them once."""
        name = request.get("name") or ""
        if name not in self.hosts:
            return f"The lab has no machine named {name!r}; it has {', '.join(self.hosts)}."
        if name in self.taken or docker.inspect("container", self.hosts[name].container):
            return f"The lab's machine {name} runs already as the container {self.hosts[name].container}."
        self.taken.add(name)
        return None

    def start(self, instance: dict) -> None:
        """Start the host, and return when it answers. Raises LabError."""
        host = self.hosts[instance["name"]]
        parts.launch(self.lab, host)
        self.ready.add(host.name)

    def addresses(self, instance: dict) -> tuple[str, str] | None:
        """Where the host is reached from outside and from the others; None until it answers."""
        host = self.hosts.get(instance["name"])
        if host is None or not (host.name in self.ready or self._runs(host)):
            return None
        return "127.0.0.1", host.address

    def stop(self, instance: dict) -> None:
        """Remove the host with its data."""
        host = self.hosts.get(instance["name"])
        if host:
            self.ready.discard(host.name)
            hosts.remove(host)
            self.taken.discard(host.name)

    def _runs(self, host: Host) -> bool:
        """Whether a host is there that an earlier process started."""
        found = docker.inspect("container", host.container).get(host.container)
        if found and found["State"]["Running"]:
            self.ready.add(host.name)
        return host.name in self.ready
