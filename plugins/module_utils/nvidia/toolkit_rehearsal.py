# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks apt beforehand, in a folder of its own, whether it could do what a plan says. Changes nothing of the host.

What only apt can tell is known before the first change: a repository that does not answer, a key that did not sign it,
a version that is not on offer, another archive's pin that would take the packages back.
"""

from __future__ import annotations

import tempfile
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.host import apt
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import Answer, ask
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import toolkit_repository as repositories
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_plan import (
    Plan,
    Seen,
    Wanted,
    pin_problems,
)
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_versions import PACKAGES

LISTS = Path("/var/lib/apt/lists")
PREFERENCES = Path("/etc/apt/preferences.d")
MAIN_LIST = "/etc/apt/sources.list"
FETCH_SECONDS = 30
_VARIABLE = "nvidia_container_toolkit_repository_url"


@dataclass
class Rehearsal:
    """How it went: the key, what apt would know then, and what is in the way."""

    key: str = ""
    offers: dict[str, repositories.Offer] = field(default_factory=dict)
    all_lists: bool = False
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Stage:
    """A folder that apt takes for its own: sources, preferences and lists as they would be."""

    folder: Path
    sources: Path
    main_list: str

    def apt(self, *argv: str, timeout_seconds: int = 300) -> Answer:
        """Run a command of apt on the stage."""
        options = {
            "Dir::Etc::SourceList": self.main_list,
            "Dir::Etc::SourceParts": self.folder / "sources",
            "Dir::Etc::PreferencesParts": self.folder / "preferences",
            "Dir::State::Lists": self.folder / "lists",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "APT::Get::List-Cleanup": "false",
        }
        pairs = [word for name, value in options.items() for word in ("-o", f"{name}={value}")]
        return ask(*apt.QUIET, argv[0], *pairs, *argv[1:], timeout_seconds=timeout_seconds)


def rehearse(plan: Plan, wanted: Wanted, seen: Seen) -> Rehearsal:
    """Play the plan through. Its version may still be the beginning of one; what apt offers then completes it."""
    done = Rehearsal(key=seen.key)
    if plan.fetch_key:
        done.key = _fetch_key(wanted, done.problems)
    if done.problems:
        return done
    repository = repositories.Repository(wanted.repository_url, seen.architecture)
    with _stage(repository, done.key, seen) as stage:
        _play(stage, repository, wanted, seen, done)
    return done


def _fetch_key(wanted: Wanted, problems: list[str]) -> str:
    address = wanted.repository_key_url
    try:
        with urllib.request.urlopen(address, timeout=FETCH_SECONDS) as answer:  # noqa: S310 the operator's own address
            text = answer.read(1 << 20).decode("utf-8", errors="replace")
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) and error.reason else error
        problems.append(
            f"The repository's key cannot be read from {address}: {reason}. Look at the host's way to the internet and "
            "at nvidia_container_toolkit_repository_key_url."
        )
        return ""
    problems += repositories.key_problems(text, wanted.repository_key_checksum, address)
    return text


@contextmanager
def _stage(repository: repositories.Repository, key: str, seen: Seen) -> Iterator[Stage]:
    with tempfile.TemporaryDirectory(prefix="sophia-apt-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # apt fetches as a user of its own
        for part in ("sources", "preferences", "lists"):
            (folder / part).mkdir()
        # A file that contradicts ours is a problem by itself; without it apt can still tell about the others.
        conflicts = repositories.conflicts(seen.apt_files, repository)
        gone = {*repositories.obsolete_lists(seen.apt_files), *conflicts, repositories.SOURCES_PATH}
        for path in (Path(path) for path in seen.apt_files if path not in gone):
            if path.parent.name == "sources.list.d":
                (folder / "sources" / path.name).symlink_to(path)
        for path in PREFERENCES.glob("*"):
            if str(path) != repositories.PIN_PATH:
                (folder / "preferences" / path.name).symlink_to(path)
        for path in LISTS.glob("*"):
            if path.is_file() and path.name != "lock":
                (folder / "lists" / path.name).symlink_to(path)
        sources = folder / "sources" / Path(repositories.SOURCES_PATH).name
        key_path = folder / "key.asc"
        key_path.write_text(key, encoding="utf-8")
        sources.write_text(repository.sources(str(key_path)), encoding="utf-8")
        (folder / "preferences" / Path(repositories.PIN_PATH).name).write_text(repository.pin, encoding="utf-8")
        yield Stage(folder, sources, "/dev/null" if MAIN_LIST in conflicts else MAIN_LIST)


def _play(stage: Stage, repository: repositories.Repository, wanted: Wanted, seen: Seen, done: Rehearsal) -> None:
    only = ("-o", f"Dir::Etc::SourceList={stage.sources}", "-o", "Dir::Etc::SourceParts=/dev/null")
    update = stage.apt("apt-get", "update", "-q", "-o", "APT::Update::Error-Mode=any", *only)
    if update.status != 0:
        done.problems.append(
            f"apt cannot read {repository.address}: {_errors(update)} Look at {_VARIABLE}, at the key's checksum and "
            "at the host's way to the internet."
        )
        return
    policy = stage.apt("apt-cache", "policy", *PACKAGES)
    if policy.status != 0:
        done.problems.append(f"apt cannot work with its sources: {_errors(policy)} Repair /etc/apt/sources.list.d.")
        return
    done.offers = repositories.parse_policy(policy.output)
    versions = repositories.offered(done.offers, repository.host)
    version = repositories.choose(versions, wanted.version)
    if not version:
        done.problems.append(
            f"{repository.address} does not offer toolkit {wanted.version}, but {', '.join(versions) or 'no version'}. "
            "Set nvidia_container_toolkit_version to one of them."
        )
        return
    done.problems += pin_problems(repositories.downgrades(done.offers, version), version)
    if version != seen.version and not done.problems:
        _simulate(stage, version, bool(seen.broken), done)


def _simulate(stage: Stage, version: str, interrupted: bool, done: Rehearsal) -> None:
    names = [f"{name}={version}" for name in PACKAGES]
    argv = ("apt-get", "--simulate", "install", "-q", "-y", "--no-install-recommends", "--no-remove")
    held = ("--allow-change-held-packages",)
    answer = stage.apt(*argv, *held, *names)
    if answer.status != 0:  # what it depends on may be missing in lists that are old, or were never read
        done.all_lists = True
        stage.apt("apt-get", "update", "-q")
        answer = stage.apt(*argv, *held, *names)
    if answer.status != 0 and not interrupted:
        done.problems.append(f"apt refuses to install toolkit {version}: {_errors(answer)}")


def _errors(answer: Answer) -> str:
    lines = [line.strip() for line in answer.said.splitlines()]
    told = [line for line in lines if line.startswith(("E:", "W:", "Err:")) or "Depends:" in line]
    return " ".join(dict.fromkeys(told))[:900] or " ".join(lines)[-600:]
