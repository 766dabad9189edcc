"""Which packages are the engine, by facts; what apt is told; and what forbids a change."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine import sources
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.install import also_removed
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.packages import decide, numbers
from ansible_collections.sophia.platform.plugins.module_utils.host.packages import Installed

RELEASES = {
    "jammy": {"ID": "ubuntu", "VERSION_ID": "22.04", "VERSION_CODENAME": "jammy"},
    "noble": {"ID": "ubuntu", "VERSION_ID": "24.04", "VERSION_CODENAME": "noble"},
    "bookworm": {"ID": "debian", "VERSION_ID": "12", "VERSION_CODENAME": "bookworm"},
    "trixie": {"ID": "debian", "VERSION_ID": "13", "VERSION_CODENAME": "trixie"},
}
URL = "https://packages.example/linux"
OPTIONS = {"version": "", "min_version": "20.10", "allow_upgrade": False, "replace": False}


def choose(source, release, machine="aarch64", version="", **more):
    return sources.choose(source, RELEASES[release], machine, version, URL, "stable", **more)


def text_of(source, path):
    return next(file.text for file in source.files if file.path == path)


@pytest.mark.parametrize(
    ("release", "names"),
    [
        ("jammy", ("docker.io",)),
        ("noble", ("docker.io",)),
        ("bookworm", ("docker.io",)),
        ("trixie", ("docker.io", "docker-cli")),
    ],
)
def test_the_distributions_own_engine(release, names):
    source = choose("distribution", release)
    assert (source.names, source.companions) == (names, ("containerd", "runc"))
    assert "docker-ce" in source.conflicts and not set(source.conflicts) & {*names, "containerd", "runc"}
    assert text_of(source, sources.PIN_PATH) == ""


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize(("machine", "architecture"), [("aarch64", "arm64"), ("x86_64", "amd64")])
def test_dockers_own_repository(release, machine, architecture):
    source = choose("docker", release, machine)
    assert (source.names, source.companions) == (("docker-ce", "docker-ce-cli"), ("containerd.io",))
    assert {"docker.io", "docker-cli", "containerd", "runc"} <= set(source.conflicts)
    lines = text_of(source, sources.REPOSITORY_PATH).splitlines()
    assert lines[1:] == [
        "Types: deb",
        f"URIs: {URL}/{RELEASES[release]['ID']}",
        f"Suites: {release}",
        "Components: stable",
        f"Architectures: {architecture}",
        "Signed-By: /etc/apt/keyrings/docker.asc",
    ]
    assert text_of(source, "/etc/apt/sources.list.d/docker.list") == "", "a leftover makes apt refuse every list"
    assert "Pin: origin packages.example\nPin-Priority: 1002" in text_of(source, sources.PIN_PATH)


@pytest.mark.parametrize(
    ("source", "version", "pins"),
    [
        ("docker", "29.6", ["5:29.6.*", "5:29.6-*", "5:29.6+*", "5:29.6~*"]),
        ("docker", "5:29.6.1-1~debian.13~trixie", ["5:29.6.1-1~debian.13~trixie"]),
        ("distribution", "26.1", ["26.1.*", "26.1+*"]),
    ],
)
def test_a_version_is_pinned_by_its_beginning(source, version, pins):
    text = text_of(choose(source, "trixie", version=version), sources.PIN_PATH)
    assert [pin for pin in pins if f"Pin: version {pin}\nPin-Priority: 1002\n" not in text] == []
    assert "5:29.6*" not in text, "that would be 29.60 too"


def test_preinstalled_is_whatever_is_there():
    ubuntu = choose("preinstalled", "jammy", installed={"docker.io", "containerd", "runc", "docker-buildx"})
    assert (ubuntu.names, ubuntu.companions, ubuntu.conflicts) == (("docker.io",), ("containerd", "runc"), ())
    docker = choose("preinstalled", "noble", installed={"docker-ce", "docker-ce-cli", "containerd.io"})
    assert (docker.names, docker.companions) == (("docker-ce", "docker-ce-cli"), ("containerd.io",))


def installed(**versions):
    return {name.replace("_", "-"): Installed(version, held=False) for name, version in versions.items()}


UBUNTU = {
    "docker.io": Installed("24.0.7-0ubuntu2~22.04.1", False),
    "containerd": Installed("1.7.2-0ubuntu1~22.04.1", True),
    "runc": Installed("1.1.7-0ubuntu1~22.04.2", False),
}


def plan(kind, have, containers_count=0, candidates=None, release="jammy", **options):
    source = choose(kind, release, version=options.get("version", ""), installed=have)
    return decide(kind, source, {**OPTIONS, **options}, have, candidates or {}, containers_count)


def test_a_preinstalled_engine_is_held_and_otherwise_left_alone():
    found = plan("preinstalled", UBUNTU, containers_count=3)
    assert (found.install, found.hold, found.problems) == ({}, ["docker.io", "runc"], [])


def test_a_preinstalled_engine_must_be_there():
    assert "neither docker.io nor docker-ce" in plan("preinstalled", {}).problems[0]


@pytest.mark.parametrize("kind", ["preinstalled", "distribution"])
def test_an_engine_that_is_too_old_is_refused(kind):
    found = plan(kind, UBUNTU, min_version="28.0")
    assert [problem for problem in found.problems if "24.0.7" in problem and "docker_min_version (28.0)" in problem]
    assert plan(kind, UBUNTU, min_version="24").problems == []


def test_what_is_on_offer_may_be_too_old_as_well():
    candidates = {"docker.io": ["20.10.24+dfsg1-1"], "containerd": ["1.6"], "runc": ["1.1"]}
    assert "20.10.24" in plan("distribution", {}, candidates=candidates, min_version="23.0").problems[0]


@pytest.mark.parametrize(("containers_count", "replace", "refused"), [(0, False, 0), (2, False, 1), (2, True, 0)])
def test_another_source_replaces_an_engine_only_where_nothing_runs(containers_count, replace, refused):
    found = plan("docker", UBUNTU, containers_count, replace=replace)
    assert len(found.problems) == refused
    if refused:
        text = found.problems[0]
        assert "docker.io 24.0.7" in text and "containerd 1.7.2" in text and "docker_replace: true" in text


def test_a_foreign_client_beside_the_installed_engine_is_no_problem():
    have = {name: Installed("5:29.6.1-1", True) for name in ("docker-ce", "docker-ce-cli", "containerd.io")}
    assert plan("docker", {**have, "docker-buildx": Installed("0.20", False)}, containers_count=5).problems == []


def test_apt_may_remove_nothing_else():
    text = "Remv docker.io [24.0.7]\nRemv lambda-server [1] \nInst docker-ce (5:29)\nRemv runc:arm64 [1.1]\n"
    assert also_removed(text, ["docker.io", "runc"]) == ["lambda-server"]


@pytest.mark.parametrize(
    ("version", "expected"),
    [("5:29.8.0-1~debian.13", (29, 8, 0)), ("26.1.5+dfsg1-9", (26, 1, 5)), ("20.10", (20, 10)), ("", ())],
)
def test_numbers(version, expected):
    assert numbers(version) == expected
