# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the stand-in packages and their signed apt repositories: `python3 repositories.py FOLDER`. Needs gpg."""

from __future__ import annotations

import gzip
import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
from email.utils import formatdate
from pathlib import Path

import packages

_ORIGINS = {
    "archive.lambdalabs.com": "Lambda",
    "nvidia.github.io": "nvidia",
    "archive.ubuntu.lab": "Ubuntu",
    "developer.download.nvidia.com": "NVIDIA",
}


def deb(package: packages.Package) -> bytes:
    """A binary package, written here: dpkg-deb costs a process each."""
    scripts = {name: f"#!/bin/sh\nset -e\n{text}\n" for name, text in package.scripts.items() if text}
    conffiles = {"conffiles": "".join(f"{path}\n" for path in package.conffiles)} if package.conffiles else {}
    control = _tar({"control": package.control(), **conffiles, **scripts}, executable=set(scripts))
    links = {f"usr/bin/{name}": packages.COMMAND for name in package.links}
    data = _tar({path.lstrip("/"): text for path, text in package.all_files().items()}, links=links)
    members = {"debian-binary": b"2.0\n", "control.tar.gz": control, "data.tar.gz": data}
    return b"!<arch>\n" + b"".join(
        f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(content):<10}`\n".encode() + content + b"\n" * (len(content) % 2)
        for name, content in members.items()
    )


def _tar(files: dict[str, str], executable: set[str] = frozenset(), links: dict[str, str] | None = None) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        names = [*files, *(links or {})]
        folders = {str(parent) for name in names for parent in Path(name).parents}
        for folder in sorted(folders):
            entry = tarfile.TarInfo("./" if folder == "." else f"./{folder}/")
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            archive.addfile(entry)
        for name, text in files.items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.size, entry.mode = len(text.encode()), 0o755 if name in executable else 0o644
            archive.addfile(entry, io.BytesIO(text.encode()))
        for name, target in (links or {}).items():
            entry = tarfile.TarInfo(f"./{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, target
            archive.addfile(entry)
    return gzip.compress(buffer.getvalue(), mtime=0)


def repository(folder: Path, host: str, content: list[packages.Package], home: str) -> None:
    """Write one flat repository: debs, Packages, a signed InRelease and the key."""
    folder.mkdir(parents=True)
    entries = []
    for package in content:
        data = deb(package)
        name = f"{package.name}_{package.version}_all.deb"
        (folder / name).write_bytes(data)
        digest = hashlib.sha256(data).hexdigest()
        entries.append(f"{package.control()}Filename: ./{name}\nSize: {len(data)}\nSHA256: {digest}\n")
    index = "\n".join(entries)
    (folder / "Packages").write_text(index)
    digest = hashlib.sha256(index.encode()).hexdigest()
    release = (
        f"Origin: {_ORIGINS[host]}\nLabel: stand-in of the Sophia lab\nDate: {formatdate(usegmt=True)}\n"
        f"Architectures: all amd64 arm64\nSHA256:\n {digest} {len(index.encode())} Packages\n"
    )
    (folder / "InRelease").write_bytes(_gpg(home, "--clearsign", stdin=release.encode()))
    (folder / "gpgkey").write_bytes(_gpg(home, "--armor", "--export"))
    (folder / "gpgkey.gpg").write_bytes(_gpg(home, "--export"))


def _gpg(home: str, *arguments: str, stdin: bytes = b"") -> bytes:
    command = ["gpg", "--homedir", home, "--batch", "--quiet", "--passphrase", "", *arguments]
    return subprocess.run(command, input=stdin, stdout=subprocess.PIPE, check=True).stdout


def main(target: Path) -> None:
    """Build everything below a folder, with a key that nobody keeps."""
    with tempfile.TemporaryDirectory() as home:
        _gpg(home, "--quick-generate-key", "Sophia lab, stand-in repositories", "ed25519", "sign", "never")
        for host, content in packages.repositories().items():
            repository(target / host, host, content, home)
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
