# SPDX-License-Identifier: GPL-3.0-or-later
"""Python wheels for images. Builds reach Debian's mirror only, so this machine downloads the wheels for them."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from lab.bases import Release
from lab.docker import tail
from lab.errors import LabError
from lab.progress import step

_SECONDS = 600
_PINNED = re.compile(r"[A-Za-z0-9._-]+(\[[A-Za-z0-9,._-]+\])?==[^\s;*]+(\s*;.*)?")


def ensure(requirements_path: Path, release: Release, architecture: str, cache_path: Path) -> Path:
    """The directory with the wheels of a requirements file, for an image's Python. Downloaded once."""
    unpinned = unpinned_lines(requirements_path.read_text(encoding="utf-8"))
    if unpinned:
        raise LabError(f"{requirements_path} must pin each package with `==`: {', '.join(unpinned)}.")
    arguments = platform_arguments(release, architecture)
    key = hashlib.sha256(requirements_path.read_bytes() + " ".join(arguments).encode()).hexdigest()[:12]
    wheels = cache_path / "wheels" / f"{requirements_path.parent.name}-{key}"
    if not wheels.exists():
        _download(requirements_path, arguments, wheels)
    return wheels


def unpinned_lines(text: str) -> list[str]:
    """The requirements that are not pinned exactly."""
    lines = [line.split(" #")[0].strip() for line in text.splitlines()]
    return [line for line in lines if line and not line.startswith("#") and not _PINNED.fullmatch(line)]


def platform_arguments(release: Release, architecture: str) -> list[str]:
    """What tells pip which wheels fit an image: its Python, and every manylinux tag up to its glibc."""
    tags = [f"manylinux_2_{minor}" for minor in range(release.glibc_minor, 16, -1)] + ["manylinux2014"]
    platforms = [f"--platform={tag}_{architecture}" for tag in tags]
    return [f"--python-version={release.python}", "--implementation=cp", *platforms]


def _download(requirements_path: Path, arguments: list[str], wheels: Path) -> None:
    wheels.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=wheels.parent) as partial, step(f"wheels of {requirements_path.parent.name}"):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--only-binary=:all:", *arguments, f"--dest={partial}/wheels", f"--requirement={requirements_path}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise LabError(f"pip download for {requirements_path}: no end after {_SECONDS} s.") from error
        if done.returncode:
            raise LabError(f"pip download for {requirements_path} failed with {done.returncode}: {tail(done.stderr)}")
        shutil.move(f"{partial}/wheels", wheels)
