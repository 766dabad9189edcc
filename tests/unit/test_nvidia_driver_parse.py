"""What the tools around a driver print."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.host.packages import simulated_removals
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import key, parse

UUID = "GPU-33948cb3-46ff-1834-07b0-6d05730ad309"
ROW = f"0, {UUID}, NVIDIA GH200 480GB, 97871, 580.105.08"


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (ROW, 1),
        (f"{ROW}\n1, {UUID[:-1]}0, GH200 480GB, 97871, 545.23.08\n", 2),
        (f"WARNING: infoROM is corrupted at gpu 0000:DD:00.0\n{ROW}", 1),
        ("No devices were found", 0),
        ("NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.", 0),
        (ROW.replace("97871", "97871 MiB"), 0),
        (ROW.replace("97871", "[N/A]"), 0),
        (ROW.replace(UUID, "GPU-short"), 0),
        ("", 0),
    ],
)
def test_rows_of_nvidia_smi(text, count):
    gpus = parse.gpus(text)
    assert len(gpus) == count
    assert all(gpu["memory_mib"] == 97871 and "GH200" in gpu["name"] for gpu in gpus)


@pytest.mark.parametrize(
    ("status", "text", "meant", "words"),
    [
        (9, "NVIDIA-SMI has failed", 9, ["not loaded", "NVIDIA-SMI has failed"]),
        (18, "", 18, ["different versions", "restart the host"]),
        (255, "Failed to initialize NVML: Driver/library version mismatch", 18, ["different versions"]),
        (0, "No devices were found", 6, ["no device", "PCI bus"]),
        (15, "", 15, ["fell off the bus"]),
        (12, "", 12, ["libnvidia-ml"]),
        (14, "", 14, ["infoROM"]),
        (127, "", 127, ["no nvidia-smi"]),
        (124, "no end after 90 s", 124, ["did not end in time"]),
        (77, "what", 77, ["ended with 77", "(what)"]),
    ],
)
def test_ends_of_nvidia_smi(status, text, meant, words):
    assert parse.smi_status(status, text) == meant
    told = parse.explain(meant, text)
    assert [word for word in [*words, "What to do: "] if word not in told] == []


def test_modes():
    assert parse.modes("Enabled, Disabled\n") == {"persistence": "Enabled", "mig": "Disabled"}
    assert parse.modes("junk\nDisabled, [N/A]") == {"persistence": "Disabled", "mig": "[N/A]"}
    assert parse.modes("[Not Supported]") == {"persistence": "", "mig": ""}


def test_packages():
    text = (
        "nvidia-utils-580-server\thi \t580.105.08-0lambda0.22.04.1\nnvidia-dkms-580-server-open\tiF \t580.1\n"
        "gone\trc \t1\nhalf\tiHR\t1\nnever\tun \t\n"
    )
    rows = parse.packages(text)
    assert sorted(rows) == ["half", "nvidia-dkms-580-server-open", "nvidia-utils-580-server"]
    assert {name: (row["held"], row["ok"]) for name, row in rows.items()} == {
        "nvidia-utils-580-server": (True, True),
        "nvidia-dkms-580-server-open": (False, False),
        "half": (False, False),
    }


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("nvidia-driver-580-server-open", True),
        ("libnvidia-compute-580", True),
        ("linux-modules-nvidia-580-server-open-generic-64k", True),
        ("nvidia-kernel-open-dkms", True),
        ("nvidia-driver-pinning-580", True),
        ("libcuda1", True),
        ("xserver-xorg-video-nvidia-580", True),
        ("nvidia-container-toolkit-base", False),
        ("libnvidia-container1", False),
        ("nvidia-cuda-toolkit", False),
        ("lambda-stack-cuda", False),
        ("python3-torch-cuda", False),
        ("linux-image-6.8.0-1013-nvidia-64k", False),
    ],
)
def test_packages_of_the_driver(name, expected):
    assert parse.is_gpu_package(name) is expected


def test_lambda_packages():
    assert parse.is_lambda_package("nvidia-utils-580-server", "580.105.08-0lambda0.24.04.1")
    assert parse.is_lambda_package("lambda-server", "1")
    assert not parse.is_lambda_package("nvidia-utils-580-server", "580.95.05-0ubuntu0.24.04.1")


@pytest.mark.parametrize(
    ("flavour", "is_open"), [("Open Kernel Module for aarch64", True), ("aarch64 Kernel Module", False)]
)
def test_loaded_module(flavour, is_open):
    text = f"NVRM version: NVIDIA UNIX {flavour}  580.105.08  Release Build  (x)\nGCC version:  gcc version 12.3.0\n"
    assert parse.proc_version(text) == {"version": "580.105.08", "open": is_open}
    assert parse.proc_version("") is None


def test_module_on_disk():
    assert parse.module_parameters("NVreg_A: (int)\nNVreg_CoherentGPUMemoryMode: (charp)\n")[1].endswith("MemoryMode")
    assert [parse.is_open_license(name) for name in ("Dual MIT/GPL\n", "NVIDIA", "")] == [True, False, None]


def test_kernel_files():
    assert parse.params('CoherentGPUMemoryMode: ""\nRmX: 1\n') == {"CoherentGPUMemoryMode": "", "RmX": "1"}
    assert [parse.secure_boot(value) for value in (b"\6\0\0\0\1", b"\6\0\0\0\0", b"")] == [True, False, None]


def test_simulated_apt():
    text = (
        "Inst nvidia-driver-580-server-open (580.105.08-0lambda0.22.04.1 Lambda:archive [all]) []\n"
        "Inst libc6:arm64 [2.1] (2.2 Ubuntu [arm64])\nRemv nvidia-driver-570-server-open [570.1] []\nConf x (1)\n"
    )
    assert parse.simulated_installs(text) == {
        "nvidia-driver-580-server-open": "580.105.08-0lambda0.22.04.1",
        "libc6": "2.2",
    }
    assert simulated_removals(text) == ["nvidia-driver-570-server-open"]


def test_versions():
    assert parse.at_least("570.148.08", "570") and not parse.at_least("550.90.07", "570")
    assert parse.begins_with("580.105.08", "580") and parse.begins_with("580.105.08", "580.105.08")
    assert not parse.begins_with("580.105.08", "580.10")
    assert (parse.branch_of("580.105.08"), parse.branch_of("5.1")) == ("580", "")


def test_hosts_in_apt_sources():
    texts = {
        "/a.list": "deb http://archive.lambdalabs.com/ubuntu jammy main\n",
        "/b.list": "# deb http://x.example/ y\n",
    }
    assert parse.hosts_in(texts, ["archive.lambdalabs.com", "x.example"]) == {
        "archive.lambdalabs.com": ["/a.list"],
        "x.example": [],
    }


# A key of the lab; gpg --show-keys gives the same fingerprint.
ARMOURED = b"""-----BEGIN PGP PUBLIC KEY BLOCK-----

mDMEawGMexYJKwYBBAHaRw8BAQdAdqXizsU096R95KR1aDLeAxQyxYhxSO2DNaVz
/7r3C9K0IVNvcGhpYSBsYWIsIHN0YW5kLWluIHJlcG9zaXRvcmllc4iQBBMWCgA4
FiEE1lVqNis+2qN1X4DX/3W4YyqHk2sFAmsBjHsCGwMFCwkIBwIGFQoJCAsCBBYC
AwECHgECF4AACgkQ/3W4YyqHk2spkAEAzTFT6ybQ6L5Wy5JQNfs3cb1AFPbF/e+0
TcU9Z+dr8GYBAIdIcYoyDYaKKwbSrORPRX8iuyNW4YQb6tvwTyk7r4sB
=6oRd
-----END PGP PUBLIC KEY BLOCK-----
"""


def test_fingerprint_of_a_key():
    assert key.fingerprint(ARMOURED) == "D6556A362B3EDAA3755F80D7FF75B8632A87936B"
    with pytest.raises(key.KeyTextError, match="no OpenPGP key"):
        key.fingerprint(b"<html>404</html>")
    with pytest.raises(key.KeyTextError, match="damaged"):
        key.fingerprint(ARMOURED.replace(b"m", b"!", 1))
