#!/usr/bin/env python3
"""Gives an arm64 root whose packages were only unpacked the few files that their maintainer scripts would have made.

Running those scripts under emulation takes minutes. mmdebstrap calls this with the path of the root while the files of
the packages are still there, so that the account of dpkg can be written.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

# apt reads its whole lists at each start, which takes half a minute under emulation: only these packages stay in them,
# beside those that are unpacked.
KEPT = {"hello", "docker.io", "docker-cli", "containerd", "runc"}
# What apt and dpkg are told so that they work without accounts and without a system manager.
APT = 'APT::Sandbox::User "root";\nAPT::Install-Recommends "0";\nAcquire::Languages "none";\n'
# This container runs no systemd: a stand-in answers that no unit exists, so that modules may ask.
SYSTEMCTL = """#!/bin/sh
# Stand-in of the scenario arm64: there is no systemd here.
echo LoadState=not-found
echo ActiveState=inactive
echo UnitFileState=
"""


def output(*argv: str) -> str:
    """Run a command of this machine."""
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def describe(deb: Path, info: Path) -> str:
    """Give a package's entry in dpkg's status and write the list of its files."""
    fields = output("dpkg-deb", "--field", str(deb))
    values = dict(line.split(": ", 1) for line in fields.splitlines() if ": " in line and not line.startswith(" "))
    name = values["Package"] + (f":{values['Architecture']}" if values.get("Multi-Arch") == "same" else "")
    archive = subprocess.run(["dpkg-deb", "--fsys-tarfile", str(deb)], check=True, capture_output=True).stdout
    listed = subprocess.run(["tar", "--list"], input=archive, check=True, capture_output=True).stdout.decode()
    paths = [line.removeprefix(".").rstrip("/") or "/." for line in listed.splitlines()]
    (info / f"{name}.list").write_text("".join(f"{path}\n" for path in paths), encoding="utf-8")
    return f"{fields.rstrip()}\nStatus: install ok installed\n"


def shorten(path: Path, names: set[str]) -> None:
    """Leave only some packages in one of apt's lists."""
    entries = path.read_text(encoding="utf-8").split("\n\n")
    path.write_text("\n\n".join(entry for entry in entries if entry[9:].split("\n", 1)[0] in names), encoding="utf-8")


def main(root: Path) -> None:
    """Finish the root."""
    admin = root / "var/lib/dpkg"
    debs = sorted((root / "var/cache/apt/archives").glob("*.deb"))
    (admin / "status").write_text("\n".join(describe(deb, admin / "info") for deb in debs), encoding="utf-8")
    names = KEPT | {deb.name.split("_", 1)[0] for deb in debs}
    for path in (root / "var/lib/apt/lists").glob("*_Packages"):
        shorten(path, names)
    (admin / "info/format").write_text("1\n", encoding="utf-8")
    for name in ("passwd", "group"):
        master = root / f"usr/share/base-passwd/{name}.master"
        (root / "etc" / name).write_text(master.read_text(encoding="utf-8").replace(":*:", ":x:"), encoding="utf-8")
    (root / "etc/apt/apt.conf.d/99emulated").write_text(APT, encoding="utf-8")
    systemctl = root / "usr/bin/systemctl"
    systemctl.write_text(SYSTEMCTL, encoding="utf-8")
    systemctl.chmod(0o755)
    for path in ("root", "tmp", "run", "var/log/apt", "etc/docker"):
        (root / path).mkdir(parents=True, exist_ok=True)
    (root / "etc/docker").rmdir()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
