"""A private apt root: a real apt decides for arm64, and nothing of this machine is touched."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# apt fetches only what has changed since: the second run of these tests takes seconds.
CACHE = ROOT / "build/arm64"
TIMEOUT_SECONDS = 240
ARCHITECTURE = "arm64"
FOLDERS = (
    *(f"etc/apt/{name}" for name in ("apt.conf.d", "sources.list.d", "preferences.d", "trusted.gpg.d")),
    *("var/lib/apt/lists/partial", "var/cache/apt/archives/partial", "var/lib/dpkg"),
)


@dataclass(frozen=True)
class Result:
    """How a simulated run ended, and what it would have done."""

    status: int
    text: str
    installs: dict[str, str]
    removes: list[str]


@dataclass
class AptRoot:
    """A folder that apt takes for the whole machine, an arm64 one."""

    path: Path

    def __post_init__(self) -> None:
        for name in FOLDERS:
            (self.path / name).mkdir(parents=True, exist_ok=True)
        self.install({})

    def source(self, name: str, text: str) -> None:
        """Describe a repository."""
        (self.path / "etc/apt/sources.list.d" / name).write_text(text, encoding="utf-8")

    def preferences(self, path: str, text: str) -> None:
        """Have a file of preferences, named as it is on a host."""
        target = self.path / "etc/apt/preferences.d" / Path(path).name
        target.write_text(text, encoding="utf-8") if text else target.unlink(missing_ok=True)

    def install(self, packages: Mapping[str, str], depends: Mapping[str, str] | None = None) -> None:
        """Have dpkg know these packages as installed: name -> version."""
        entries = [
            f"Package: {name}\nStatus: install ok installed\nArchitecture: {ARCHITECTURE}\nVersion: {version}\n"
            f"Maintainer: x <x@x>\nDescription: x\n"
            + (f"Depends: {depends[name]}\n" if name in (depends or {}) else "")
            for name, version in packages.items()
        ]
        (self.path / "var/lib/dpkg/status").write_text("\n".join(entries), encoding="utf-8")

    def update(self) -> None:
        """Read the lists; those that have not changed are not fetched again."""
        done = self._apt("apt-get", "update")
        assert done.returncode == 0 and "\nErr:" not in done.stdout, done.stdout + done.stderr

    def simulate(self, *arguments: str) -> Result:
        """Let apt-get say what it would do."""
        done = self._apt("apt-get", "--simulate", "--no-install-recommends", *arguments)
        lines = [line.split() for line in done.stdout.splitlines()]
        installs = {
            cells[1].split(":")[0]: next(cell for cell in cells[2:] if cell.startswith("(")).strip("()[]")
            for cells in lines
            if cells[:1] == ["Inst"]
        }
        removes = [cells[1].split(":")[0] for cells in lines if cells[:1] == ["Remv"]]
        return Result(done.returncode, done.stdout + done.stderr, installs, removes)

    def candidate(self, name: str) -> str:
        """Give the version that apt would take."""
        done = self._apt("apt-cache", "policy", name)
        return next(line.split()[1] for line in done.stdout.splitlines() if "Candidate:" in line)

    def _apt(self, *argv: str) -> subprocess.CompletedProcess:
        options = {
            "Dir": self.path,
            "Dir::State::status": self.path / "var/lib/dpkg/status",
            "Dir::Etc::Trusted": "/etc/apt/trusted.gpg",
            "Dir::Etc::TrustedParts": "/etc/apt/trusted.gpg.d/",
            "APT::Architecture": ARCHITECTURE,
            "APT::Architectures": ARCHITECTURE,
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Debug::NoLocking": "true",
        }
        command = [argv[0], *(part for name, value in options.items() for part in ("-o", f"{name}={value}")), *argv[1:]]
        # This machine's own configuration must not leak in.
        empty = {**os.environ, "LC_ALL": "C", "APT_CONFIG": str(_configuration(self.path))}
        return subprocess.run(command, env=empty, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)


def _configuration(path: Path) -> Path:
    """A configuration that is read before all others and turns their folder into the root's own."""
    file = path / "etc/apt/test.conf"
    file.write_text(f'Dir::Etc::parts "{path}/etc/apt/apt.conf.d";\nDir::Etc::main "/dev/null";\n', encoding="utf-8")
    return file


def flat_repository(folder: Path, origin: str, packages: Iterable[tuple[str, str, str]]) -> str:
    """Write the index of a flat repository of stubs, (name, version, Depends), and give the line that describes it."""
    folder.mkdir(parents=True, exist_ok=True)
    index = "\n".join(
        f"Package: {name}\nVersion: {version}\nArchitecture: {ARCHITECTURE}\nMaintainer: x <x@x>\nDescription: x\n"
        + (f"Depends: {depends}\n" if depends else "")
        + f"Filename: ./{name}.deb\nSize: 1\nSHA256: {'0' * 64}\n"
        for name, version, depends in packages
    )
    (folder / "Packages").write_text(index, encoding="utf-8")
    digest = hashlib.sha256(index.encode()).hexdigest()
    release = f"Origin: {origin}\nLabel: {origin}\nSHA256:\n {digest} {len(index.encode())} Packages\n"
    (folder / "Release").write_text(release, encoding="utf-8")
    return f"deb [trusted=yes] file:{folder} ./\n"
