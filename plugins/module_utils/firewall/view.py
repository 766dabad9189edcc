# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at a host: its interfaces, what else filters there, what is loaded, and who is connected. Changes nothing."""

from __future__ import annotations

import contextlib
import grp
import json
import os
import pwd
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.firewall import render, sshd
from ansible_collections.sophia.platform.plugins.module_utils.firewall.loaded import Loaded
from ansible_collections.sophia.platform.plugins.module_utils.firewall.policy import Client, HostView
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, ask, run
from ansible_collections.sophia.platform.plugins.module_utils.host.files import read
from ansible_collections.sophia.platform.plugins.module_utils.swarm.engine import Engine, EngineError

_DAEMON = "/etc/docker/daemon.json"
_RIVALS = ("firewalld.service", "netfilter-persistent.service", "nftables.service")
UNITS = (render.HOST_UNIT, render.DOCKER_UNIT)
_EMPTY_NAMESPACE = ("unshare", "--net", "--", "/bin/sh", "-c")


def families() -> list[str]:
    """The families of iptables that this host has. A kernel without IPv6 is fine."""
    return [name for name in render.FAMILIES if shutil.which(name) and ask(name, "-w", "-S").status == 0]


def unit_states() -> dict[str, dict[str, str]]:
    """States of our units and of those that would filter beside them."""
    wanted = [*UNITS, *_RIVALS, "docker.service"]
    properties = "Id,LoadState,ActiveState,UnitFileState,NeedDaemonReload"
    text = run("systemctl", "show", f"--property={properties}", *wanted)
    blocks = [dict(line.split("=", 1) for line in block.splitlines() if "=" in line) for block in text.split("\n\n")]
    return {block["Id"]: block for block in blocks if "Id" in block}


def host_view(units: Mapping[str, Mapping[str, str]]) -> HostView:
    """Everything about the host that rules must fit."""
    conflicts = {name for name in _RIVALS if units[name]["UnitFileState"] == "enabled"}
    if units["firewalld.service"]["ActiveState"] == "active":
        conflicts.add("firewalld.service")
    if "ENABLED=yes" in read("/etc/ufw/ufw.conf").split():
        conflicts.add("ufw")
    return HostView(
        interfaces=frozenset(path.name for path in Path("/sys/class/net").iterdir()),
        default_route_interfaces=default_routes(read("/proc/net/route"), read("/proc/net/ipv6_route")),
        addresses=_addresses(),
        conflicts=frozenset(conflicts),
        daemon=_daemon(),
        swarm_managers=_swarm_managers() if units["docker.service"]["ActiveState"] == "active" else (),
        client=client(),
    )


def default_routes(ipv4: str, ipv6: str) -> tuple[str, ...]:
    """The interfaces of default routes, from the kernel's two tables."""
    rows4 = [line.split() for line in ipv4.splitlines()[1:]]
    rows6 = [line.split() for line in ipv6.splitlines()]
    found = [row[0] for row in rows4 if len(row) > 7 and row[1] == row[7] == "0" * 8]
    found += [row[9] for row in rows6 if len(row) > 9 and row[0] == "0" * 32 and row[1] == "00"]
    return tuple(sorted(set(found) - {"lo"}))


def _addresses() -> frozenset[str]:
    links = json.loads(run("ip", "-json", "address", "show") or "[]")
    own = [
        entry.get("local", "") for link in links if link.get("ifname") != "lo" for entry in link.get("addr_info", [])
    ]
    return frozenset(address for address in own if address and not address.lower().startswith("fe80:"))


def _daemon() -> dict:
    try:
        found = json.loads(read(_DAEMON) or "{}")
    except ValueError:
        return {}  # its owner, the role docker, says what is wrong with it
    return found if isinstance(found, dict) else {}


def _swarm_managers() -> tuple[str, ...]:
    try:
        swarm = Engine(timeout_seconds=10).get("/info").get("Swarm") or {}
    except EngineError:
        return ()
    found = [str(entry.get("Addr") or "") for entry in swarm.get("RemoteManagers") or []]
    return tuple(sorted(address.rpartition(":")[0].strip("[]") for address in found if ":" in address))


def client() -> Client | None:
    """Who runs this over SSH. sudo takes the variables away, so they are looked for in the processes above, too; the
    uppermost of the connection is the login."""
    found, process = None, os.getpid()
    while process > 1:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{process}/environ").read_bytes().decode(errors="replace")
            variables = dict(part.split("=", 1) for part in text.split("\0") if "=" in part)
            words = variables.get("SSH_CONNECTION", "").split()
            if len(words) == 4 and (found is None or found.connection == " ".join(words)):
                user = variables.get("LOGNAME") or variables.get("USER") or "root"
                found = Client(_bare(words[0]), user, int(words[3]), " ".join(words))
        process = _parent(process)
    return found


def _bare(address: str) -> str:
    """An address without its zone, and an IPv4 address as such."""
    return address.partition("%")[0].replace("::ffff:", "") if "." in address else address.partition("%")[0]


def _parent(process: int) -> int:
    try:
        return int(Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return 0


def loaded(names: list[str]) -> Loaded:
    """What the kernel has of ours now."""
    answer = ask("nft", "-s", "list", "table", "inet", "sophia")
    if answer.status and "No such file" not in answer.errors and shutil.which("nft"):
        raise HostError(f"nft does not list the table inet sophia: {answer.said}")
    return Loaded("" if answer.status else answer.output, {name: run(name, "-w", "-S") for name in names})


def as_loaded(table: str, chains: Mapping[str, str]) -> Loaded:
    """What the kernel makes of the rules, tried in an empty network namespace: it is their judge, and its listing is
    what the loaded rules must look like, in the words of this version of the tools."""

    def tried(script: str, text: str) -> str:
        try:
            return run(*_EMPTY_NAMESPACE, script, stdin=text)
        except HostError as error:
            raise HostError(f"The rules are refused and nothing was changed. {error}\n{text}") from error

    listings = {
        name: tried(
            f"{name} -w -N DOCKER-USER && {name} -w -A DOCKER-USER -j RETURN && {name}-restore -w --noflush && "
            f"{name} -w -I DOCKER-USER 1 -j {render.CHAINS[0]} && {name} -w -S",
            text,
        )
        for name, text in chains.items()
    }
    return Loaded(tried("nft -f - && nft -s list table inet sophia", table), listings)


def judge_in_place(table: str, chains: Mapping[str, str]) -> None:
    """Let the tools judge the rules beside those that are loaded."""
    run("nft", "-c", "-f", "-", stdin=table)
    for name, text in chains.items():
        run(f"{name}-restore", "--test", "--noflush", stdin=text)


def drop_ins() -> list[str]:
    """The other drop-ins of sshd."""
    return sorted(str(path) for path in Path(sshd.DIRECTORY).glob("*.conf") if str(path) != sshd.DROP_IN_PATH)


def sshd_says(text: str, who: Client | None) -> dict[str, list[str]]:
    """What sshd makes of a whole configuration; HostError when it refuses it."""
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # where ssh.socket starts sshd it may be missing
    with tempfile.NamedTemporaryFile("w", prefix="sophia-sshd-", encoding="utf-8") as draft:
        draft.write(text)
        draft.flush()
        run("sshd", "-t", "-f", draft.name)
        for_whom = ["-C", f"user={who.user},host={who.address},addr={who.address}"] if who else []
        return sshd.parse(run("sshd", "-T", "-f", draft.name, *for_whom))


def groups_of(user: str) -> list[str]:
    """The groups of a user."""
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return []
    names = []
    for number in os.getgrouplist(user, entry.pw_gid):
        with contextlib.suppress(KeyError):
            names.append(grp.getgrgid(number).gr_name)
    return names


def has_keys(user: str, effective: Mapping[str, list[str]]) -> bool:
    """Whether a key of the user is accepted: one stands in its files, or an authority's key is trusted."""
    if " ".join(effective.get("trustedusercakeys", ["none"])) != "none":
        return True
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        return False
    for name in " ".join(effective.get("authorizedkeysfile", [])).split():
        path = name.replace("%h", entry.pw_dir).replace("%u", user).replace("%U", str(entry.pw_uid)).replace("%%", "%")
        lines = read(str(Path(entry.pw_dir, path))).splitlines()
        if any(line.strip() and not line.lstrip().startswith("#") for line in lines):
            return True
    return False
