# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate's files on a manager. Knows no Ansible."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

from ansible_collections.sophia.platform.plugins.module_utils.host import files
from ansible_collections.sophia.platform.plugins.module_utils.host.commands import HostError

# In the order in which they are written: after a crash in between key and certificate do not fit, which is seen.
NAMES = {"account_key": "account.key", "private_key": "edge.key", "chain": "edge.pem"}
DIRECTORY_MODE, FILE_MODE = 0o700, 0o600


def read(directory: str) -> dict[str, str]:
    """What the files hold, empty where there is none. Raises HostError."""
    return {content: _text(Path(directory, name)) for content, name in NAMES.items()}


def changes(directory: str, contents: Mapping[str, str]) -> list[files.File]:
    """The files that are not as they should be. A content that is empty is not looked at. Raises HostError."""
    read(directory)  # something else under one of the names is told before anything is written
    wanted = [
        files.File(str(Path(directory, name)), contents[content], FILE_MODE)
        for content, name in NAMES.items()
        if contents[content]
    ]
    return [file for file in wanted if not (_is_ours(file.path, FILE_MODE) and file.is_right)]


def is_private(directory: str) -> bool:
    """Whether only root gets into the directory."""
    return _is_ours(directory, DIRECTORY_MODE)


def write(directory: str, changed: list[files.File]) -> None:
    """Put the files in place, each in one step."""
    place = Path(directory)
    place.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    place.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    os.chown(place, os.geteuid(), os.getegid())
    place.chmod(DIRECTORY_MODE)
    for file in changed:
        files.write(file)


def listing(directory: str, changed: list[files.File] | None = None) -> str:
    """The files with fingerprints in place of contents; as they are, or as they are once `changed` is written."""
    after = {file.path: file for file in changed or []}
    lines = []
    if changed is not None or Path(directory).exists():
        lines.append(f"{directory} {DIRECTORY_MODE if changed is not None else _mode(directory):04o}")
    for name in NAMES.values():
        path = str(Path(directory, name))
        text = after[path].text if path in after else _text(Path(path))
        mode = FILE_MODE if path in after else _mode(path)
        if text:
            lines.append(f"{path} {mode:04o} sha256:{sha256(text.encode()).hexdigest()}")
    return "".join(f"{line}\n" for line in lines)


def _text(path: Path) -> str:
    try:
        return files.read(str(path))
    except OSError as error:
        raise HostError(f"{path} cannot be read as a file: {error.strerror}. Look at it and move it away.") from None


def _is_ours(path: str, mode: int) -> bool:
    try:
        found = Path(path).lstat()
    except FileNotFoundError:
        return False
    return not stat.S_ISLNK(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == mode


def _mode(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode) if Path(path).exists() else 0
