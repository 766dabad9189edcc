# SPDX-License-Identifier: GPL-3.0-or-later
"""npm packages for images. Builds reach Debian's mirror only, so this machine installs them for the build context."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from lab.docker import tail
from lab.errors import LabError
from lab.progress import step

_SECONDS = 300
# No package's own scripts run here, and what is installed fits every machine: an image can take no compiled add-on.
_COMMAND = ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]


def ensure(lock_path: Path, cache_path: Path) -> Path:
    """The `node_modules` that a package-lock.json pins by content. Installed once."""
    sources = [lock_path, lock_path.with_name("package.json")]
    key = hashlib.sha256(b"\n".join(path.read_bytes() for path in sources)).hexdigest()[:12]
    modules = cache_path / "npm" / f"{lock_path.parent.name}-{key}"
    if not modules.exists():
        _install(sources, modules)
    return modules


def _install(sources: list[Path], modules: Path) -> None:
    modules.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=modules.parent) as partial, step(f"npm packages of {sources[0].parent.name}"):
        for path in sources:
            shutil.copy(path, partial)
        try:
            done = subprocess.run(_COMMAND, cwd=partial, capture_output=True, text=True, timeout=_SECONDS, check=False)
        except FileNotFoundError as error:
            raise LabError(
                f"{sources[0]} wants `npm` on this machine; install it (nodejs and npm on Debian)."
            ) from error
        except subprocess.TimeoutExpired as error:
            raise LabError(f"npm ci for {sources[0]}: no end after {_SECONDS} s.") from error
        if done.returncode:
            raise LabError(f"npm ci for {sources[0]} failed with {done.returncode}: {tail(done.stderr)}")
        shutil.move(f"{partial}/node_modules", modules)
