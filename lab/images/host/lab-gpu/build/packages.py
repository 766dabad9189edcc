# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in packages: names, versions and relations as gh200_hosts.md §0.3, §1 and §2.2 tell them.

Sets of one kind exclude each other the way the real ones do: each package provides the unsuffixed name of its part and
conflicts with it, so that a set of another branch can only replace it as a whole.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

COMMAND = "/usr/local/lib/lab-gpu/lab-gpu"
OPEN, CLOSED = "Dual MIT/GPL", "NVIDIA"
_UNITS = {"old": "/etc/systemd/system", "new": "/lib/systemd/system"}
_ONLINE = "[ -d /run/systemd/system ]"


@dataclass
class Package:
    """One deb. `links` are commands of the simulation, `part` is what it says of itself (kind, content)."""

    name: str
    version: str
    relations: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    links: tuple[str, ...] = ()
    scripts: dict[str, str] = field(default_factory=dict)
    conffiles: tuple[str, ...] = ()
    part: tuple[str, dict[str, str]] | None = None

    @property
    def upstream(self) -> str:
        return self.version.partition("-")[0]

    def control(self) -> str:
        fields = {
            "Package": self.name,
            "Version": self.version,
            "Architecture": "all",
            "Maintainer": "Sophia lab <lab@example.org>",
            **self.relations,
            "Section": "restricted/misc",
            "Priority": "optional",
            "Description": "stand-in of the Sophia lab; nothing in it is NVIDIA's",
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)

    def all_files(self) -> dict[str, str]:
        if not self.part:
            return self.files
        kind, content = self.part
        return {**self.files, f"/usr/share/lab-gpu/{kind}/{self.name}.json": json.dumps(content) + "\n"}


def _alone(part: str) -> dict[str, str]:
    return {name: part for name in ("Provides", "Conflicts", "Replaces")}


def driver_set(
    branch: str, version: str, licence: str = OPEN, server: bool = True, dkms_name: str = "nvidia", prebuilt: bool = False
) -> Iterator[Package]:
    """The packages of one branch with suffixed names, as Lambda, Canonical and (up to 580) NVIDIA name them."""
    end = f"{branch}-server" if server else branch
    flavour = f"{end}-open" if licence == OPEN else end
    upstream = version.partition("-")[0]
    same = f"(= {version})"
    dkms = f"nvidia-dkms-{flavour} {same}"
    module = f"{dkms} | linux-modules-nvidia-{flavour}-generic {same}" if prebuilt else dkms
    utils = [f"libnvidia-compute-{end} {same}", f"nvidia-utils-{end} {same}", f"nvidia-compute-utils-{end} {same}"]
    common = f"nvidia-kernel-common-{end} {same}"
    yield Package(f"nvidia-driver-{flavour}", version, {"Depends": ", ".join([module, common, *utils])})
    yield Package(f"nvidia-headless-{flavour}", version, {"Depends": ", ".join([module, common, utils[0]])})
    yield from _parts(f"-{end}", f"nvidia-dkms-{flavour}", version, licence, dkms_name)
    if prebuilt:
        for kernel in ("generic", "generic-64k"):
            yield _module(
                f"linux-modules-nvidia-{flavour}-{kernel}",
                version,
                {"kind": "signed", "version": upstream, "license": licence},
                {"Depends": common},
            )


def unsuffixed_set(version: str) -> Iterator[Package]:
    """NVIDIA's names since 590. Which of them carries nvidia-smi is a guess of ours."""
    same = f"(= {version})"
    whole = ", ".join(f"{name} {same}" for name in ("libnvidia-compute", "nvidia-utils", "nvidia-compute-utils"))
    yield Package("nvidia-open", version, {"Depends": f"nvidia-driver-open {same}"})
    yield Package("nvidia-driver-open", version, {"Depends": f"nvidia-dkms-open {same}, {whole}"})
    yield from _parts("", "nvidia-dkms-open", version, OPEN, "nvidia")


def _parts(end: str, dkms: str, version: str, licence: str, dkms_name: str) -> Iterator[Package]:
    same, upstream = f"(= {version})", version.partition("-")[0]

    def relations(part: str, depends: str = "") -> dict[str, str]:
        return {"Depends": depends, **(_alone(part) if end else {})}

    yield Package(f"nvidia-kernel-common{end}", version, relations("nvidia-kernel-common"))
    yield Package(
        f"libnvidia-compute{end}",
        version,
        relations("libnvidia-compute", "" if end else f"nvidia-utils {same}"),
        part=("library", {"version": upstream}),
    )
    yield Package(f"nvidia-utils{end}", version, relations("nvidia-utils"), links=("nvidia-smi",))
    yield Package(
        f"nvidia-compute-utils{end}",
        version,
        relations("nvidia-compute-utils"),
        files={"/lib/systemd/system/nvidia-persistenced.service": PERSISTENCED},
        links=("nvidia-persistenced",),
        scripts={
            "postinst": "id nvidia-persistenced >/dev/null 2>&1 || useradd --system --no-create-home --home-dir / "
            f"--shell /usr/sbin/nologin nvidia-persistenced\nif {_ONLINE}; then systemctl daemon-reload; fi",
            "prerm": f'if [ "$1" = remove ] && {_ONLINE}; then systemctl stop nvidia-persistenced.service || :; fi',
        },
    )
    yield _module(
        dkms,
        version,
        {"kind": "dkms", "dkms_name": dkms_name, "version": upstream, "license": licence},
        {"Depends": f"nvidia-kernel-common{end} {same}", **_alone("nvidia-dkms-kernel")},
    )


def _module(name: str, version: str, module: dict[str, str], relations: dict[str, str]) -> Package:
    """A package with the kernel module: afterwards it is in modules.dep, and the initramfs is new."""
    dep = '"/lib/modules/$(uname -r)/modules.dep"'
    return Package(
        name,
        version,
        relations,
        part=("module", module),
        scripts={
            "postinst": f'mkdir -p "/lib/modules/$(uname -r)"\necho updates/dkms/nvidia.ko: > {dep}\n'
            "if command -v update-initramfs >/dev/null; then update-initramfs -u >/dev/null; fi",
            "postrm": f"ls /usr/share/lab-gpu/module/*.json >/dev/null 2>&1 || rm -f {dep}",
        },
    )


def toolkit(version: str) -> Iterator[Package]:
    """The four packages of NVIDIA's container toolkit, which belong together exactly."""
    same, upstream = f"(= {version})", version.partition("-")[0]
    new = upstream.startswith("1.20")
    folder = _UNITS["new" if new else "old"]
    units = {f"{folder}/{name}": text for name, text in CDI_REFRESH.items()}
    old = [f"{_UNITS['old']}/{name}" for name in CDI_REFRESH]
    forget = "".join(f'dpkg-maintscript-helper rm_conffile {path} 1.20.0-1~ -- "$@"\n' for path in old) if new else ""
    enable = f"systemctl --quiet enable {' '.join(CDI_REFRESH)} || :"
    start = "systemctl --quiet start nvidia-cdi-refresh.path nvidia-cdi-refresh.service || :"
    yield Package(
        "nvidia-container-toolkit",
        version,
        {"Depends": f"nvidia-container-toolkit-base {same}, libnvidia-container-tools {same}"},
        links=("nvidia-container-runtime-hook",),
    )
    yield Package(
        "nvidia-container-toolkit-base",
        version,
        files=units,
        links=("nvidia-ctk", "nvidia-container-runtime", "nvidia-cdi-hook"),
        conffiles=() if new else tuple(units),
        part=("toolkit", {"version": upstream}),
        scripts={
            "preinst": forget,
            "postinst": f"{forget}/usr/bin/nvidia-ctk --quiet config "
            "--config-file=/etc/nvidia-container-runtime/config.toml --in-place\n"
            f"if {_ONLINE}; then systemctl daemon-reload; {enable}; {start}; else {enable}; fi",
            "prerm": f'if [ "$1" = remove ]; then systemctl --quiet disable {" ".join(CDI_REFRESH)} || :; fi',
            "postrm": f"{forget}if {_ONLINE}; then systemctl daemon-reload; fi",
        },
    )
    yield Package(
        "libnvidia-container-tools",
        version,
        {"Depends": f"libnvidia-container1 (= {version})"},
        links=("nvidia-container-cli",),
    )
    yield Package("libnvidia-container1", version)


def pinning(name: str, version: str, pin: str) -> Package:
    """A package that holds NVIDIA's driver to a branch or a version, by a file for apt."""
    text = (
        "# A stand-in of the Sophia lab.\nPackage: nvidia-open nvidia-driver-* nvidia-dkms-* nvidia-utils* "
        f"nvidia-compute-utils* nvidia-kernel-common* libnvidia-compute* cuda-drivers*\nPin: version {pin}\n"
        "Pin-Priority: 1000\n"
    )
    relations = {name: "nvidia-driver-pinning" for name in ("Provides", "Conflicts", "Replaces")}
    return Package(name, version, relations, files={f"/etc/apt/preferences.d/{name}": text})


def repositories() -> dict[str, list[Package]]:
    """All packages, by the host name of their repository."""
    lambda_580, lambda_570 = "580.105.08-0lambda0.22.04.1", "570.148.08-0lambda0.22.04.1"
    ubuntu, cuda_580 = "580.95.05-0ubuntu0.24.04.1", "580.159.04-1ubuntu1"
    either = "nvidia-driver-570-server-open | nvidia-driver-580-server-open"
    return {
        "archive.lambdalabs.com": [
            Package("lambda-server", "0.1.17~22.04.1", {"Depends": either}),
            Package("lambda-stack-cuda", "0.1.17~22.04.1", {"Depends": "lambda-server"}),
            *driver_set("570", lambda_570),
            *driver_set("580", lambda_580),
            *toolkit("1.18.1-0lambda0.22.04.1"),
        ],
        "nvidia.github.io": [
            package for version in ("1.18.2-1", "1.19.1-1", "1.20.0-1") for package in toolkit(version)
        ],
        "archive.ubuntu.lab": [
            *driver_set("580", ubuntu, dkms_name="nvidia-srv", prebuilt=True),
            Package("nvidia-driver-570-server-open", ubuntu, {"Depends": f"nvidia-driver-580-server-open (= {ubuntu})"}),
        ],
        "developer.download.nvidia.com": [
            pinning("nvidia-driver-pinning-580", "580-1ubuntu1", "580.*"),
            pinning("nvidia-driver-pinning-590.48.01", "590.48.01-0ubuntu1", "590.48.01-*"),
            *driver_set("580", cuda_580, server=False),
            Package("nvidia-open", cuda_580, {"Depends": f"nvidia-driver-580-open (= {cuda_580})"}),
            *unsuffixed_set("590.48.01-1ubuntu1"),
            *unsuffixed_set("610.43.02-1ubuntu1"),
            *(
                package
                for package in driver_set("580", cuda_580, licence=CLOSED, server=False)
                if package.name in ("nvidia-driver-580", "nvidia-dkms-580")
            ),
            Package("cuda-drivers", cuda_580, {"Depends": f"nvidia-driver-580 (= {cuda_580})"}),
        ],
    }


PERSISTENCED = """\
# A stand-in of the Sophia lab. Static, and ended when nothing wants it: as on Ubuntu.
[Unit]
Description=NVIDIA Persistence Daemon (stand-in)
StopWhenUnneeded=true

[Service]
Type=forking
ExecStart=/usr/bin/nvidia-persistenced --user nvidia-persistenced --no-persistence-mode --verbose
ExecStopPost=/bin/rm -rf /var/run/nvidia-persistenced
"""

CDI_REFRESH = {
    "nvidia-cdi-refresh.service": """\
# A stand-in of the Sophia lab.
[Unit]
Description=Refresh of the CDI specification of NVIDIA GPUs (stand-in)
ConditionPathExists=/usr/bin/nvidia-smi
ConditionPathExists=/usr/bin/nvidia-ctk

[Service]
Type=oneshot
Environment=NVIDIA_CTK_CDI_OUTPUT_FILE_PATH=/var/run/cdi/nvidia.yaml
EnvironmentFile=-/etc/nvidia-container-toolkit/nvidia-cdi-refresh.env
ExecCondition=/usr/bin/grep -qE nvidia.ko /lib/modules/%v/modules.dep
ExecStart=/usr/bin/nvidia-ctk cdi generate

[Install]
WantedBy=multi-user.target
""",
    "nvidia-cdi-refresh.path": """\
# A stand-in of the Sophia lab.
[Unit]
Description=Watch over what the CDI specification of NVIDIA GPUs depends on (stand-in)

[Path]
PathChanged=/lib/modules/%v/modules.dep
PathChanged=/lib/modules/%v/modules.dep.bin
PathChanged=/usr/bin/nvidia-ctk
Unit=nvidia-cdi-refresh.service

[Install]
WantedBy=multi-user.target
""",
}
