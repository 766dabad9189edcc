"""NVIDIA's toolkit repository for apt: files, conflicts, versions, pins."""

import shutil
import subprocess

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_repository import (
    SOURCES_PATH,
    Repository,
    checksum_of,
    choose,
    conflicts,
    downgrades,
    entries_of,
    key_problems,
    obsolete_lists,
    offered,
    parse_policy,
    sort_versions,
)
from ansible_collections.sophia.platform.plugins.module_utils.nvidia.toolkit_versions import (
    PACKAGES,
    compare,
    is_deaf,
    numbers,
)

URL = "https://nvidia.github.io/libnvidia-container"
LAMBDA = "1.18.1-0lambda0.22.04.1"


def policy(installed, candidate, rows):
    """What `apt-cache policy` prints for the four packages: rows of version, priority, address."""
    text = ""
    for name in PACKAGES:
        text += f"{name}:\n  Installed: {installed}\n  Candidate: {candidate}\n  Version table:\n"
        for version, priority, address in rows:
            text += f" {'***' if version == installed else '   '} {version} {priority}\n"
            text += f"       {priority} {address} ./ Packages\n"
            if version == installed:
                text += "        100 /var/lib/dpkg/status\n"
    return parse_policy(text)


NVIDIA_ROWS = [(f"{version}-1", 1002, f"{URL}/stable/deb/arm64 ") for version in ("1.20.0", "1.19.1", "1.18.2")]
LAMBDA_ROWS = [(LAMBDA, 1001, "http://archive.lambdalabs.com/ubuntu")]


# The repository is the same for every distribution, so one text serves all of them.
@pytest.mark.parametrize("distribution", ["Ubuntu 22.04", "Ubuntu 24.04", "Debian 12", "Debian 13"])
@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_sources(architecture, distribution, tmp_path):
    text = Repository(URL, architecture).sources()
    assert text == (
        "# Written by the role nvidia_container_toolkit.\n"
        "Types: deb\n"
        f"URIs: https://nvidia.github.io/libnvidia-container/stable/deb/{architecture}/\n"
        "Suites: /\n"
        f"Architectures: {architecture}\n"
        "Signed-By: /etc/apt/keyrings/nvidia-container-toolkit.asc\n"
    )
    if shutil.which("apt-get") is None:
        return
    path = tmp_path / "test.sources"
    path.write_text(text)
    options = [f"Dir::Etc::SourceList={path}", "Dir::Etc::SourceParts=/dev/null", f"APT::Architecture={architecture}"]
    argv = ["apt-get", "update", "--print-uris", *(word for option in options for word in ("-o", option))]
    printed = subprocess.run(argv, capture_output=True, text=True, check=True).stdout
    assert f"'{URL}/stable/deb/{architecture}/InRelease'" in printed


@pytest.mark.parametrize(
    ("url", "host"),
    [(URL, "nvidia.github.io"), ("http://nvidia.github.io:8099/libnvidia-container/", "nvidia.github.io")],
)
def test_pin(url, host):
    assert Repository(url, "arm64").pin.splitlines()[1:] == [
        "Package: nvidia-container-toolkit* libnvidia-container*",
        f"Pin: origin {host}",
        "Pin-Priority: 1002",
    ]


def test_entries():
    text = """\
# deb https://off.example/ /
deb [arch=amd64 signed-by=/k.gpg] https://a.example/$(ARCH) /
deb-src https://b.example stable main
"""
    assert [(entry.address, entry.suite, entry.signed_by) for entry in entries_of("/x.list", text)] == [
        ("https://a.example/$(ARCH)", "/", "/k.gpg"),
        ("https://b.example", "stable", ""),
    ]
    text = """\
Types: deb
URIs: https://a.example https://b.example
Suites: /
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .

# a comment
Types: deb
URIs: https://c.example
Suites: x y
Enabled: no
"""
    found = entries_of("/x.sources", text)
    assert [entry.address for entry in found] == ["https://a.example", "https://b.example"]
    assert found[0].signed_by.startswith("-----BEGIN")


FOLDER = "/etc/apt/sources.list.d"
LINE = f"deb [signed-by=/usr/share/keyrings/n.gpg] {URL}/stable/deb/$(ARCH) /\n"


@pytest.mark.parametrize(
    ("files", "old", "problems"),
    [
        ({f"{FOLDER}/libnvidia-container.list": LINE, f"{FOLDER}/nvidia-docker.list": "x"}, 2, []),
        ({f"{FOLDER}/nvidia-container-runtime.list": LINE}, 1, []),
        ({f"{FOLDER}/nvidia-container-toolkit.list": LINE}, 1, []),
        ({SOURCES_PATH: Repository(URL, "arm64").sources()}, 0, []),
        ({f"{FOLDER}/gpu.list": LINE}, 0, [f"{FOLDER}/gpu.list"]),
        ({f"{FOLDER}/gpu.list": f"# {LINE}"}, 0, []),
        ({f"{FOLDER}/gpu.list": f"deb {URL}/experimental/deb/arm64 /\n"}, 0, []),
        ({"/etc/apt/sources.list": f"deb {URL}/stable/deb/arm64/ /\n"}, 0, ["/etc/apt/sources.list"]),
        ({f"{FOLDER}/a.sources": f"Types: deb\nURIs: {URL}/stable/deb/arm64\nSuites: /\n"}, 0, [f"{FOLDER}/a.sources"]),
    ],
)
def test_other_files_with_the_same_repository(files, old, problems):
    assert len(obsolete_lists(files)) == old
    found = conflicts(files, Repository(URL, "arm64"))
    assert sorted(found) == problems
    assert all(path in text and "Signed-By" in text and "Remove" in text for path, text in found.items())


KEY = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n"


@pytest.mark.parametrize(
    ("text", "checksum", "words"),
    [
        (KEY, checksum_of(KEY), []),
        (KEY, "", []),
        (KEY, "sha256:" + "0" * 64, [checksum_of(KEY), "repository_key_checksum", "0000"]),
        ("<html>no</html>", "", ["no armoured key", "<html>", "http://k"]),
    ],
)
def test_key(text, checksum, words):
    problems = key_problems(text, checksum, "http://k")
    assert bool(problems) is bool(words)
    assert [word for word in words if word not in problems[0]] == []


def test_offers():
    offers = policy(LAMBDA, LAMBDA, [*LAMBDA_ROWS, *NVIDIA_ROWS])
    assert offers["libnvidia-container1"].installed == LAMBDA
    assert offered(offers, "nvidia.github.io") == ["1.20.0-1", "1.19.1-1", "1.18.2-1"]
    assert offered(offers, "archive.lambdalabs.com") == [LAMBDA]
    del offers["libnvidia-container1"].origins["1.20.0-1"]
    assert offered(offers, "nvidia.github.io")[0] == "1.19.1-1", "a version counts when all four packages have it"
    assert parse_policy("a:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n")["a"].candidate == ""


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [("1.20.0", "1.20.0-1"), ("1.20.0-1", "1.20.0-1"), ("1.19", "1.19.1-1"), ("1.2", ""), ("2", "")],
)
def test_choose(wanted, expected):
    assert choose(["1.20.0-1", "1.19.1-1", "1.18.2-1"], wanted) == expected


def test_a_pin_that_takes_packages_back():
    rows = [*LAMBDA_ROWS, *NVIDIA_ROWS]
    assert downgrades(policy("1.20.0-1", LAMBDA, rows), "1.20.0-1")[0] == f"nvidia-container-toolkit {LAMBDA}"
    assert downgrades(policy("1.20.0-1", "1.20.0-1", rows), "1.20.0-1") == []
    assert downgrades(policy("1.20.0-1", "1.21.0-1", rows), "1.20.0-1") == []


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        (LAMBDA, "1.18.1-1"),
        ("570.148.08-0lambda0.22.04.1", "570.148.08-0ubuntu0.22.04.1"),
        ("1.20.0~rc.1-1", "1.20.0-1"),
        ("1.9.0-1", "1.20.0-1"),
        ("1.20.0-1", "1:0.1"),
        ("1.20.0", "1.20.0-1"),
        ("1.0a", "1.0+"),
    ],
)
def test_versions_are_ordered_as_dpkg_does(older, newer):
    assert compare(older, newer) < 0 < compare(newer, older)
    assert compare(older, older) == 0
    assert sort_versions({older, newer}) == [newer, older]
    if shutil.which("dpkg"):
        subprocess.run(["dpkg", "--compare-versions", older, "lt", newer], check=True)


@pytest.mark.parametrize(
    ("version", "deaf"),
    [
        ("1.17.8-1", False),
        ("1.18.0-1", True),
        (LAMBDA, True),
        ("1.18.2-1", True),
        ("1.19.0-1", False),
        ("1.20.0", False),
    ],
)
def test_versions_that_ignore_swarm_resource(version, deaf):
    assert is_deaf(version) is deaf
    assert numbers(f"3:{version}") == numbers(version)
