# SPDX-License-Identifier: GPL-3.0-or-later
"""Image folders: what a Dockerfile's first lines ask for, what goes into the build, and the hash of all that."""

from __future__ import annotations

import hashlib
import io
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lab.bases import RELEASES, Release
from lab.errors import LabError

IMAGES = Path(__file__).resolve().parent / "images"
_VERSION = "1"  # raise it when the way of building changes what comes out
_HEADER = re.compile(r"#\s*(base|shared):\s*(\S.*)")
_SKIPPED = {"__pycache__", ".pytest_cache", ".ruff_cache"}


@dataclass(frozen=True)
class Recipe:
    """A folder of lab/images. `shared` names more folders, which lie in the build context under their last name.

    `base` is the release that it is built on, `usual_base` the one that it asks for.
    """

    name: str
    path: Path
    base: str
    usual_base: str
    shared: tuple[Path, ...]

    @property
    def release(self) -> Release:
        return RELEASES[self.base]

    @property
    def wheels_path(self) -> Path | None:
        path = self.path / "wheels.txt"
        return path if path.exists() else None

    @property
    def npm_lock_path(self) -> Path | None:
        path = self.path / "package-lock.json"
        return path if path.exists() else None

    def files(self) -> Iterator[tuple[str, Path]]:
        """(name in the build context, file), sorted."""
        for folder, under in ((self.path, ""), *((folder, f"{folder.name}/") for folder in self.shared)):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and not _SKIPPED & set(path.parts) and path.suffix != ".pyc":
                    yield under + path.relative_to(folder).as_posix(), path

    def digest(self, base_id: str, architecture: str) -> str:
        """Twelve hexadecimal digits that change when anything that goes into the image does."""
        total = hashlib.sha256(f"{_VERSION} {base_id} {architecture}".encode())
        for name, path in self.files():
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"\n{name} {_mode(path):o} {content}".encode())
        return total.hexdigest()[:12]

    def context(self, downloads: Mapping[str, Path] | None = None) -> bytes:
        """The build context as a tar archive; the same for the same files, whatever their times and owners.

        downloads: folders outside of the recipe, by their name in the context.
        """
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w") as archive:
            found = ((under, folder, path) for under, folder in (downloads or {}).items() for path in folder.rglob("*"))
            more = sorted((f"{under}/{path.relative_to(folder)}", path) for under, folder, path in found)
            for name, path in [*self.files(), *((name, path) for name, path in more if path.is_file())]:
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = path.stat().st_size, _mode(path)
                with open(path, "rb") as content:
                    archive.addfile(entry, content)
        return buffer.getvalue()


def read(name: str, release: str | None = None, images: Path = IMAGES) -> Recipe:
    """Read the folder of an image, to be built on a release (else its own). Raises LabError when it is not one."""
    path = images / name
    try:
        lines = (path / "Dockerfile").read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise LabError(f"The lab cannot build the image {name}: {path}/Dockerfile: {error.strerror}.") from error
    base, shared = "trixie", []
    for line in lines:
        if line.strip() and not line.startswith("#"):
            break
        match = _HEADER.fullmatch(line.strip())
        if match and match[1] == "base":
            base = match[2].strip()
        elif match:
            shared += [images / part.strip() for part in match[2].split(",")]
    missing = [str(folder) for folder in shared if not folder.is_dir()]
    if missing:
        raise LabError(f"{path}/Dockerfile: `# shared:` names {', '.join(missing)}, which is no folder.")
    if base not in RELEASES:
        raise LabError(f"{path}/Dockerfile: `# base: {base}` is none of {', '.join(RELEASES)}.")
    return Recipe(name, path, release or base, base, tuple(shared))


def _mode(path: Path) -> int:
    return 0o755 if path.stat().st_mode & 0o100 else 0o644
