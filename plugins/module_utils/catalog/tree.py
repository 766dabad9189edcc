# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory that holds certain texts and nothing else."""

from __future__ import annotations

from pathlib import Path


def read(root_path: Path) -> dict[str, str]:
    """The texts below a directory by relative path; nothing when it does not exist."""
    paths = sorted(path for path in root_path.rglob("*") if path.is_file())
    return {
        path.relative_to(root_path).as_posix(): path.read_text(encoding="utf-8", errors="replace") for path in paths
    }


def differences(have: dict[str, str], want: dict[str, str]) -> list[dict[str, str]]:
    """The diff of each file that has to be written or removed, as Ansible shows it."""
    return [
        {
            "before_header": path if path in have else f"{path} (absent)",
            "after_header": path if path in want else f"{path} (absent)",
            "before": have.get(path, ""),
            "after": want.get(path, ""),
        }
        for path in sorted({*have, *want})
        if have.get(path) != want.get(path)
    ]


def write(root_path: Path, have: dict[str, str], want: dict[str, str]) -> None:
    """Make the directory hold the texts. Raises OSError."""
    for path in have.keys() - want.keys():
        (root_path / path).unlink()
    for path, text in want.items():
        if have.get(path) != text:
            (root_path / path).parent.mkdir(parents=True, exist_ok=True)
            (root_path / path).write_text(text, encoding="utf-8")
