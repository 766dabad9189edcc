# SPDX-License-Identifier: GPL-3.0-or-later
"""The source of a frontend: its hash, and a copy that can be built without touching the original."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.vercel.errors import VercelError

# What a build makes, what only a developer's machine needs, and values that never leave that machine.
EXCLUDED = (
    *(".git", ".hg", ".svn"),
    *(".vercel", ".next", ".nuxt", ".output", ".svelte-kit", ".turbo", "dist"),
    *("node_modules", ".cache", ".venv", "__pycache__", "*.pyc", "*.log", ".DS_Store"),
    *(".env.local", ".env.*.local"),
)


def files(source: Path, excluded: Sequence[str]) -> list[Path]:
    """Every file and link of the source below its top, in order. Raises VercelError when there is nothing to build."""
    if not source.is_dir():
        raise VercelError(f"There is no directory {source}. Give the frontend's source with source_path.")
    try:
        found = sorted(_below(source, Path(), excluded), key=lambda path: path.as_posix())
    except OSError as error:
        raise VercelError(f"The source {error.filename} cannot be read: {error.strerror}.") from None
    if not found:
        raise VercelError(f"The directory {source} holds no file to deploy.")
    problems = [problem for path in found for problem in _problems(source, path)]
    if problems:
        raise VercelError(f"The source {source} cannot be copied: {'; '.join(problems)}.")
    return found


def digest(source: Path, found: Sequence[Path]) -> str:
    """A hash over names, contents and whether a file is executable; times and owners do not count."""
    whole = hashlib.sha256()
    for path in found:
        full = source / path
        if full.is_symlink():
            kind, content = "link", str(full.readlink()).encode()
        else:
            kind = "program" if full.stat().st_mode & stat.S_IXUSR else "file"
            content = full.read_bytes()
        whole.update(f"{kind} {len(content)} {path.as_posix()}\0{hashlib.sha256(content).hexdigest()}\n".encode())
    return whole.hexdigest()[:40]


def copy(source: Path, found: Sequence[Path], destination: Path) -> None:
    """Copy these files."""
    for path in found:
        (destination / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source / path, destination / path, follow_symlinks=False)


def _below(source: Path, directory: Path, excluded: Sequence[str]) -> Iterator[Path]:
    for entry in os.scandir(source / directory):
        if any(fnmatch(entry.name, pattern) for pattern in excluded):
            continue
        path = directory / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _below(source, path, excluded)
        else:
            yield path


def _problems(source: Path, path: Path) -> Iterator[str]:
    full = source / path
    if full.is_symlink():
        if not full.resolve().is_relative_to(source.resolve()):
            yield f"the link {path} leads out of it"
    elif not full.is_file():
        yield f"{path} is neither a file nor a link"
