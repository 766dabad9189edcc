# SPDX-License-Identifier: GPL-3.0-or-later
"""Does to a host what a plan says. Knows no Ansible."""

from __future__ import annotations

import shutil
import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.host import files
from ansible_collections.sophia.platform.plugins.module_utils.host.apt import LOCK, QUIET, update_lists
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError, ask, run
from ansible_collections.sophia.platform.plugins.module_utils.host.packages import named, simulated_removals
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import key, parse, settings, sources

UPDATE_SECONDS, BOOT_SECONDS = 300, 600
KEY_BYTES_COUNT = 100_000
PREFERENCES = Path("/etc/apt/preferences.d")
RAMDISK, GRUB_CONFIGURATION = "/boot/initrd.img-{kernel}", "/boot/grub/grub.cfg"


def read_offers(names: list[str]) -> sources.Offers:
    """Ask apt which versions of the packages its lists hold, and where."""
    return parse.offers(run("apt-cache", "madison", *names))


def trust_key(url: str, fingerprint: str) -> None:
    """Fetch an archive's key and put it in place if it is the one that is expected."""
    if not url.startswith(("https://", "http://")):
        raise HostError(f"The key of NVIDIA's archive cannot be fetched from {url}: that is no web address.")
    try:
        with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310
            data = answer.read(KEY_BYTES_COUNT)
        seen = key.fingerprint(data)
    except (OSError, urllib.error.URLError, key.KeyTextError) as error:
        raise HostError(f"The key of NVIDIA's archive cannot be had from {url}: {error}.") from error
    if seen != fingerprint.replace(" ", "").upper():
        raise HostError(
            f"The key at {url} has the fingerprint {seen}, expected is {fingerprint}. Nothing is trusted. If NVIDIA "
            "has a new key, set nvidia_driver_repository_key_fingerprint."
        )
    files.write(files.File(sources.KEY_PATH, data.decode("utf-8")))


def rehearse(
    packages: Mapping[str, str], downgrade: bool, apt_files: Iterable[files.File]
) -> tuple[dict[str, str], list[str]]:
    """Simulate under preferences that are not written yet: an old pin may forbid what the new one allows."""
    with tempfile.TemporaryDirectory(prefix="sophia-") as folder:
        shutil.copytree(PREFERENCES, folder, dirs_exist_ok=True)
        for file in apt_files:
            if Path(file.path).parent == PREFERENCES:
                Path(folder, Path(file.path).name).write_text(file.text, encoding="utf-8")
        Path(folder).chmod(0o755)
        return simulate(packages, downgrade, ["-o", f"Dir::Etc::preferencesparts={folder}"])


def simulate(
    packages: Mapping[str, str], downgrade: bool, options: Iterable[str] = ()
) -> tuple[dict[str, str], list[str]]:
    """Let apt say what it would install and remove. No other package may go, and none that others hold may change."""
    text = _apt_get(["-s", *options], packages, downgrade, 120)
    held = set(run("apt-mark", "showhold").split())
    gone = [name for name in simulated_removals(text) if not parse.is_gpu_package(name)]
    changed = [name for name in parse.simulated_installs(text) if name in held and not parse.is_gpu_package(name)]
    for names, what in ((gone, "remove"), (changed, "change what is on hold:")):
        if names:
            raise HostError(
                f"To install {' '.join(named(packages))} apt would {what} {', '.join(names)}, which is no part of the "
                "driver. Nothing is changed. What to do: see why with `apt-get -s install`, or choose another branch."
            )
    return parse.simulated_installs(text), simulated_removals(text)


def install(packages: Mapping[str, str], downgrade: bool, timeout_seconds: int) -> None:
    """Install packages of the driver; those of another branch make room."""
    simulate(packages, downgrade)
    _apt_get(["-y"], packages, downgrade, timeout_seconds)


def _apt_get(how: list[str], packages: Mapping[str, str], downgrade: bool, timeout_seconds: int) -> str:
    # Holds are ours: a set of another branch makes room although it is held.
    options = ["-q", "--no-install-recommends", "--fix-broken", "--allow-change-held-packages", "--ignore-hold"]
    options += ["--allow-downgrades"] if downgrade else []
    argv = ["apt-get", "install", *how, *options, *LOCK, *named(packages)]
    answer = ask(*QUIET, *argv, timeout_seconds=timeout_seconds)
    if answer.status != 0:
        told = answer.said.rpartition("unmet dependencies:")[2].strip() or "it says nothing"
        raise HostError(f"apt-get cannot install {' '.join(named(packages))} ({answer.status}): {told[-1500:]}")
    return answer.output


def finish_interrupted(timeout_seconds: int) -> None:
    """Let dpkg finish what an interrupted run left; what it cannot, the installation that follows repairs."""
    ask(*QUIET, "dpkg", "--configure", "-a", timeout_seconds=timeout_seconds)


def refresh_lists() -> None:
    """Read the package lists again."""
    update_lists(UPDATE_SECONDS)


def load_module() -> str:
    """Load the driver; gives why it could not be, or nothing."""
    answer = ask("modprobe", "nvidia")
    return "" if answer.status == 0 else f"modprobe nvidia ended with {answer.status}: {answer.said[:300]}"


def stale(inputs: Iterable[str], output: str) -> bool:
    """Say whether a file is older than one that it is made from; one that is not there is not."""
    made = Path(output)
    given = [Path(path).stat().st_mtime for path in inputs if Path(path).exists()]
    return made.exists() and any(time > made.stat().st_mtime for time in given)


def boot_tools(changed_paths: Iterable[str], kernel: str) -> list[list[str]]:
    """Give the commands that carry changed files into the initial ramdisk and the boot loader."""
    changed, tools = set(changed_paths), []
    ramdisk = (settings.NOUVEAU_PATH, settings.OPTIONS_PATH)
    if changed & set(ramdisk) or stale(ramdisk, RAMDISK.format(kernel=kernel)):
        tools.append(["update-initramfs", "-u", "-k", "all"])
    if settings.GRUB_PATH in changed or stale([settings.GRUB_PATH], GRUB_CONFIGURATION):
        tools.append(["update-grub"])
    return [tool for tool in tools if shutil.which(tool[0])]


def run_boot_tools(tools: Iterable[list[str]]) -> None:
    """Run them."""
    for tool in tools:
        run(*tool, timeout_seconds=BOOT_SECONDS)


def live_sysctls(names: Iterable[str]) -> dict[str, str]:
    """Read values of the running kernel; names that it does not know are left out."""
    paths = {name: Path("/proc/sys", *name.replace("/", ".").split(".")) for name in names}
    return {name: files.read(str(path)) for name, path in paths.items() if path.is_file()}


def apply_sysctls() -> None:
    """Give the running kernel the file's values; it may not know all of them."""
    run("sysctl", "-e", "-q", "-p", settings.SYSCTL_PATH)


def reload_units() -> None:
    """Let systemd read its units again."""
    run("systemctl", "daemon-reload")
