"""Every package that the roles install on Debian exists for arm64, as Debian's own mirror says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import yaml
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine import sources
from apt_root import CACHE, ROOT, AptRoot

RELEASES = {"bookworm": "12", "trixie": "13"}
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")


@pytest.fixture(scope="module")
def roots(debian_mirror) -> dict[str, AptRoot]:
    """An arm64 root for each release, with today's lists."""
    trust = f"signed-by={KEYRING}" if KEYRING.exists() else "trusted=yes"  # only names are asked, nothing is installed
    made = {release: AptRoot(CACHE / release) for release in RELEASES}
    for release, root in made.items():
        root.source("debian.list", f"deb [{trust}] {debian_mirror} {release} main\n")
    with ThreadPoolExecutor(len(made)) as pool:
        list(pool.map(AptRoot.update, made.values()))
    return made


def docker_names(release: str) -> list[str]:
    source = sources.choose("distribution", {"ID": "debian", "VERSION_ID": RELEASES[release]}, "aarch64")
    return [*source.names, *source.companions]


# What the modules of host_base and host_firewall name in their code, and Ansible and the Swarm's modules on a host.
HOST_PACKAGES = [
    "unattended-upgrades",
    "nftables",
    "sudo",
    "systemd-timesyncd",
    "python3",
    "openssh-server",
    "iptables",
]


def host_names() -> list[str]:
    """All of them, with those that an inventory may change read from the defaults."""
    defaults = yaml.safe_load((ROOT / "roles/host_base/defaults/main.yml").read_text(encoding="utf-8"))
    return [*defaults["host_base_packages"], *HOST_PACKAGES]


@pytest.mark.parametrize("release", RELEASES)
def test_the_engine(roots, release):
    found = roots[release].simulate("install", *docker_names(release))
    assert found.status == 0, found.text
    assert set(docker_names(release)) <= set(found.installs)
    assert ("docker-cli" in found.installs) is (release == "trixie"), "the client is apart from Debian 13 on"
    assert found.installs["docker.io"].startswith({"bookworm": "20.10", "trixie": "26.1"}[release])


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("names", [host_names(), ["chrony"]], ids=["together", "chrony"])
def test_the_other_roles(roots, release, names):
    found = roots[release].simulate("install", *names)
    assert found.status == 0, found.text
    assert sorted(set(names) - set(found.installs)) == []
