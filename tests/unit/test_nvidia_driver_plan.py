"""What a host needs, from what was seen on it: every state that is known, as data."""

import re
from pathlib import Path

import pytest
import yaml
from ansible_collections.sophia.platform.plugins.module_utils.nvidia import parse, sources
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.plan import describe, make_plan

FIXTURES = Path(__file__).parent / "fixtures/nvidia"
BASE, STATES = (yaml.safe_load((FIXTURES / f"{name}.yml").read_text()) for name in ("base", "states"))
WANTED = {
    "source": "auto",
    "branch": "580",
    "version": "",
    "min_version": "570",
    "hold": True,
    "allow_foreign_repository": False,
    "repository_url": "https://developer.download.nvidia.com/compute/cuda/repos",
    "coherent_memory_mode": "auto",
    "module_options": {},
    "persistence": True,
    "sysctls": {},
    "kernel_parameters": ["init_on_alloc=0"],
    "manage_kernel_parameters": False,
    "expected_count": 1,
    "expected_name_regex": "GH200",
    "expected_memory_mib": 90000,
    "reboot": "when_idle",
    "reboot_scope": "gpu",
}
LAMBDA_580 = "580.105.08-0lambda0.22.04.1"
LAMBDA_URL = "http://archive.lambdalabs.com/ubuntu jammy/main arm64 Packages"
CANONICAL_URL = "http://ports.ubuntu.com/ubuntu-ports noble/restricted arm64 Packages"
CANONICAL = "580.95.05-0ubuntu0.24.04.1"
NVIDIA_URL = "https://developer.download.nvidia.com/compute/cuda/repos/debian13/sbsa  Packages"


def state(name, **more):
    seen = {**BASE, **STATES[name], **more}
    return {**seen, "smi": {**seen["smi"], "gpus": parse.gpus(seen["smi"]["text"])}}


def wanted(**more):
    return {**WANTED, **more}


def offers(url, **versions):
    return {name.replace("_", "-"): [(version, url)] for name, version in versions.items()}


LAMBDA = {
    "nvidia-driver-580-server-open": [
        ("580.126.09-0ubuntu0.22.04.1", CANONICAL_URL),
        (LAMBDA_580, LAMBDA_URL),
    ]
}
UBUNTU_TOOLS = offers(CANONICAL_URL, nvidia_utils_580_server=CANONICAL, nvidia_compute_utils_580_server=CANONICAL)
UBUNTU_SIGNED = {
    **UBUNTU_TOOLS,
    **offers(
        CANONICAL_URL,
        linux_modules_nvidia_580_server_open_generic="6.8.0-88.89",
        nvidia_headless_no_dkms_580_server_open=CANONICAL,
    ),
}
UBUNTU_DKMS = {
    **UBUNTU_TOOLS,
    **offers(CANONICAL_URL, nvidia_headless_580_server_open=CANONICAL, nvidia_dkms_580_server_open=CANONICAL),
}
DEBIAN = offers(
    NVIDIA_URL,
    nvidia_driver_pinning_580="580-1",
    nvidia_kernel_open_dkms="580.159.04-1",
    nvidia_driver_cuda="580.159.04-1",
)


@pytest.mark.parametrize(
    ("name", "options", "source"),
    [
        ("lambda-570-healthy", {}, "preinstalled"),
        ("lambda-580-cdmm", {}, "preinstalled"),
        ("lambda-570-healthy", {"source": "lambda_stack"}, "lambda_stack"),
        ("lambda-570-healthy", {"min_version": "580"}, "lambda_stack"),
        ("lambda-570-healthy", {"version": "580.105.08"}, "lambda_stack"),
        ("too-old", {}, "lambda_stack"),
        ("interrupted", {}, "lambda_stack"),
        ("mismatch", {}, "preinstalled"),
        ("driver-not-loaded", {}, "preinstalled"),
        ("closed-module", {}, "preinstalled"),
        ("plain-ubuntu-no-driver", {}, "ubuntu"),
        ("plain-debian-no-driver", {}, "nvidia"),
        ("plain-debian-no-driver", {"source": "preinstalled"}, "preinstalled"),
    ],
)
def test_source(name, options, source):
    assert make_plan(state(name), wanted(**options)).source == source


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("no-gpu-on-the-bus", {}, ["no NVIDIA GPU on the PCI bus", "group gpu"]),
        ("no-devices", {}, ["nvidia-smi ended with 6", "No devices were found"]),
        ("loaded-but-not-answering", {}, ["nvidia-smi ended with 9", "not loaded"]),
        ("junk-instead-of-rows", {}, ["infoROM is corrupted", "no line that describes a GPU"]),
        ("lambda-570-healthy", {"expected_count": 2}, ["PCI bus has 1 of 2"]),
        ("other-gpu", {}, ["'NVIDIA L4' and should match 'GH200'", "23034 MiB", "at least 90000"]),
        ("other-gpu", {"source": "lambda_stack"}, ["'NVIDIA L4'", "23034 MiB"]),
        ("mismatch", {"reboot": "never"}, ["570.148.08 is loaded and 580.105.08 is on disk", "reboot is never"]),
        ("mismatch", {"reboot": "when_idle", "__containers": 2}, ["2 containers run here", "if_required"]),
        ("mismatch", {"__containers": None}, ["does not say which containers run"]),
        ("closed-module", {}, ["570.148.08 is the closed one", "Set nvidia_driver_source"]),
        ("secure-boot-on", {"source": "lambda_stack"}, ["Secure Boot is on", "DKMS"]),
        ("secure-boot-on-ubuntu", {"__offers": UBUNTU_DKMS}, ["Secure Boot is on"]),
        ("foreign-archive", {}, ["cuda-ubuntu2204-sbsa.list", "nvidia_driver_allow_foreign_repository"]),
        ("lambda-570-healthy", {"source": "nvidia"}, ["drivers of the two archives break each other"]),
        ("lambda-570-healthy", {"source": "nvidia", "allow_foreign_repository": True}, ["Use lambda_stack"]),
        ("unsupported", {}, ["Rocky Linux 9.4", "ppc64le"]),
        ("no-headers", {"source": "lambda_stack"}, ["/lib/modules/6.8.0-1013-nvidia-64k/build is missing"]),
        (
            "lambda-570-healthy",
            {"source": "lambda_stack", "version": "580.200"},
            ["nvidia-driver-580-server-open of 580.200 is not on offer", LAMBDA_580],
        ),
        ("lambda-570-healthy", {"source": "lambda_stack", "version": "570.1"}, ["is not of the branch 580"]),
        ("lambda-570-healthy", {"source": "ubuntu", "__os": "debian"}, ["the host runs debian"]),
        ("plain-ubuntu-no-driver", {"source": "lambda_stack"}, ["neither Lambda's archive nor its packages"]),
        ("plain-ubuntu-no-driver", {"source": "preinstalled"}, ["there is no driver on the host"]),
        ("plain-ubuntu-no-driver", {"__offers": {}}, ["not on offer from ubuntu", "restricted"]),
        ("too-old", {"source": "preinstalled"}, ["550.90.07 is on the host", "570 or newer"]),
        ("interrupted", {"source": "preinstalled"}, ["dpkg --configure -a", "nvidia-dkms-580-server-open"]),
        ("mig-on", {"coherent_memory_mode": "driver"}, ["MIG is on", "exclude each other"]),
        ("lambda-570-healthy", {"coherent_memory_mode": "numa"}, ["570.148.08 has no such parameter"]),
        ("lambda-570-healthy", {"module_options": {"NVreg_Nonsense": 1}}, ["no parameter NVreg_Nonsense"]),
        ("lambda-570-healthy", {"branch": "latest"}, ["'latest'", "three digits"]),
        ("busy", {"source": "lambda_stack"}, ["while its module 570.148.08 is loaded", "3 containers run here"]),
    ],
)
def test_refused(name, options, words):
    options = dict(options)
    found = options.pop("__offers", LAMBDA)
    more = {"containers": options.pop("__containers")} if "__containers" in options else {}
    if "__os" in options:
        more["os_release"] = {"ID": options.pop("__os"), "VERSION_ID": "13"}
    told = " ".join(make_plan(state(name, **more), wanted(**options), found).problems)
    assert [word for word in words if word not in told] == [], told


def test_all_problems_at_once():
    options = {"source": "lambda_stack", "version": "570.1", "reboot": "never"}
    problems = make_plan(state("foreign-archive", secure_boot=True), wanted(**options), LAMBDA).problems
    assert len(problems) == 4  # version, foreign archive, not on offer, restart (the packages are not known)


@pytest.mark.parametrize(
    ("name", "options", "found", "install"),
    [
        ("lambda-570-healthy", {}, {}, {}),
        ("lambda-580-cdmm", {"source": "lambda_stack"}, {}, {}),
        ("lambda-580-cdmm", {"source": "lambda_stack", "version": "580.105"}, {}, {}),
        # A newer build of Canonical is on offer beside Lambda's, and does not count.
        ("lambda-570-healthy", {"source": "lambda_stack"}, LAMBDA, {"nvidia-driver-580-server-open": LAMBDA_580}),
        ("interrupted", {}, LAMBDA, {"nvidia-driver-580-server-open": LAMBDA_580}),
        (
            "plain-ubuntu-no-driver",
            {},
            {**UBUNTU_SIGNED, **UBUNTU_DKMS},
            {
                "linux-modules-nvidia-580-server-open-generic": "",
                "nvidia-headless-no-dkms-580-server-open": CANONICAL,
                "nvidia-utils-580-server": CANONICAL,
                "nvidia-compute-utils-580-server": CANONICAL,
            },
        ),
        (
            "plain-ubuntu-no-driver",
            {},
            UBUNTU_DKMS,
            {
                "nvidia-headless-580-server-open": CANONICAL,
                "nvidia-dkms-580-server-open": CANONICAL,
                "nvidia-utils-580-server": CANONICAL,
                "nvidia-compute-utils-580-server": CANONICAL,
            },
        ),
        (
            "plain-debian-no-driver",
            {"__headers": False},
            {**DEBIAN, "linux-headers-6.12.57+deb13-arm64": [("6.12.57-1", "http://deb.debian.org")]},
            {
                "nvidia-kernel-open-dkms": "580.159.04-1",
                "nvidia-driver-cuda": "580.159.04-1",
                "linux-headers-6.12.57+deb13-arm64": "",
            },
        ),
    ],
)
def test_packages(name, options, found, install):
    options = dict(options)
    plan = make_plan(state(name, headers=options.pop("__headers", True)), wanted(**options), found)
    assert plan.problems == []
    assert plan.install == install
    assert plan.first == ({"nvidia-driver-pinning-580": ""} if plan.source == "nvidia" else {})


def test_secure_boot_is_no_problem_for_signed_modules():
    plan = make_plan(state("secure-boot-on-ubuntu"), wanted(), UBUNTU_SIGNED)
    assert (plan.problems, plan.source) == ([], "ubuntu")


def test_what_apt_does_not_know_yet_is_taken_on_trust():
    seen = state("plain-debian-no-driver")
    plan = make_plan(seen, wanted(), {}, trust=True)
    assert (plan.problems, plan.new_repository, plan.key) == ([], True, True)
    assert list(plan.install) == ["nvidia-kernel-open-dkms", "nvidia-driver-cuda"]
    text = describe(plan, seen, holds=True)["after"]
    assert "nvidia-driver-cuda newest of the branch (held)\n" in text and "module nvidia loaded" in text


@pytest.mark.parametrize(
    ("branch", "version", "names", "pinning"),
    [
        ("580", "", ["nvidia-driver-580-open"], "nvidia-driver-pinning-580"),
        ("590", "590.48.01", ["nvidia-driver-open"], "nvidia-driver-pinning-590.48.01"),
        ("590", "590.48.01-1ubuntu1", ["nvidia-driver-open"], "nvidia-driver-pinning-590.48.01"),
    ],
)
def test_names_in_the_archive_of_nvidia(branch, version, names, pinning):
    options = wanted(source="nvidia", branch=branch, version=version)
    assert sources.alternatives(state("plain-ubuntu-no-driver"), options, "nvidia") == [names]
    assert sources.pinning_package(options, "nvidia") == pinning


@pytest.mark.parametrize(
    ("kernel", "release", "flavours"),
    [
        ("6.8.0-1013-nvidia-64k", "22.04", ["nvidia-64k-hwe-22.04", "nvidia-64k"]),
        ("5.15.0-131-generic", "22.04", ["generic", "generic-hwe-22.04"]),
        ("6.14.0-36-generic-64k", "24.04", ["generic-64k-hwe-24.04", "generic-64k"]),
        ("6.8.0-88-generic-64k", "24.04", ["generic-64k", "generic-64k-hwe-24.04"]),
    ],
)
def test_flavours(kernel, release, flavours):
    assert sources.flavours({"kernel": kernel, "os_release": {"VERSION_ID": release}}) == flavours


def test_repository_and_pins():
    seen = state("plain-debian-no-driver")
    assert "repos/debian13/sbsa/\nSuites: /\nSigned-By: /etc/apt/keyrings/" in sources.repository_text(seen, wanted())
    seen = state("plain-ubuntu-no-driver", machine="x86_64")
    assert sources.nvidia_repository(seen, wanted()).endswith("repos/ubuntu2404/x86_64")
    assert "Pin-Priority: 600" in sources.branch_pin(wanted(), "nvidia")
    assert "Pin-Priority: -1" in sources.branch_pin(wanted(), "lambda_stack")


def test_archive_that_is_there_is_not_described_twice():
    there = {"archive.lambdalabs.com": [], "developer.download.nvidia.com": ["/etc/apt/sources.list.d/cuda.list"]}
    plan = make_plan(state("plain-debian-no-driver", archives=there), wanted(), DEBIAN)
    assert not plan.new_repository and not plan.key


def test_foreign_archive_is_pinned_where_it_is_allowed():
    plan = make_plan(state("foreign-archive"), wanted(allow_foreign_repository=True))
    assert (plan.problems, [file.path for file in plan.apt_files]) == ([], [sources.FOREIGN_PATH])
    assert make_plan(state("foreign-archive", foreign_pin=True), wanted()).problems == []


@pytest.mark.parametrize("branch", ["570", "580", "590", "605", "999", "100"])
def test_other_branches(branch):
    other = re.compile(f"^({sources.other_branches(branch)})$")
    assert [number for number in map(str, range(100, 1000)) if not other.match(number)] == [branch]


def test_what_came_with_the_machine_is_kept_and_held():
    plan = make_plan(state("lambda-570-healthy"), wanted())
    assert (plan.problems, plan.reasons, plan.apt_files, plan.installing) == ([], [], [], False)
    assert len(plan.hold) == 5 and "lambda-stack-cuda" not in plan.hold
    assert make_plan(state("lambda-570-healthy"), wanted(hold=False)).hold == []
    assert make_plan(state("lambda-580-cdmm"), wanted()).hold == []


def test_two_gpus_where_one_is_expected():
    assert make_plan(state("two-gpus"), wanted()).problems == []


def test_a_driver_that_is_not_loaded_is_loaded():
    plan = make_plan(state("driver-not-loaded"), wanted())
    assert (plan.load, plan.problems, plan.reasons) == (True, [], [])


def test_interrupted_dpkg_is_finished_only_where_the_role_installs():
    assert make_plan(state("interrupted"), wanted(), LAMBDA).configure
    assert not make_plan(state("interrupted"), wanted(source="preinstalled")).configure
