"""Packages at a version, on hold."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.host.packages import (
    Installed,
    describe,
    make_plan,
    matches,
    parse_candidates,
    parse_installed,
)

DPKG = """docker.io\thold\tinstalled\t26.1.5+dfsg1-9
docker-cli\tinstall\tinstalled\t26.1.5+dfsg1-9
old\tdeinstall\tconfig-files\t1
"""
MADISON = """ docker-ce | 5:29.8.1-1~debian.13~trixie | https://x trixie/stable amd64 Packages
 docker-ce | 5:29.8.0-1~debian.13~trixie | https://x trixie/stable amd64 Packages
containerd.io | 2.2.6-1 | https://x trixie/stable amd64 Packages
"""


def test_parsing():
    installed = parse_installed(DPKG)
    assert sorted(installed) == ["docker-cli", "docker.io"]
    assert (installed["docker.io"].held, installed["docker-cli"].held) == (True, False)
    assert parse_candidates(MADISON)["docker-ce"][1] == "5:29.8.0-1~debian.13~trixie"


@pytest.mark.parametrize(
    ("version", "wanted", "expected"),
    [
        ("5:29.8.0-1~debian.13", "29.8.0", True),
        ("5:29.8.0-1~debian.13", "29.8", True),
        ("5:29.80.0-1", "29.8", False),
        ("26.1.5+dfsg1-9", "26.1.5", True),
        ("5:29.8.0-1", "5:29.8.0-1", True),
    ],
)
def test_versions(version, wanted, expected):
    assert matches(version, wanted) is expected


def test_fresh_host_gets_the_exact_candidate():
    plan = make_plan(["docker-ce", "containerd.io"], {"docker-ce": "29.8.0"}, {}, parse_candidates(MADISON), False)
    assert plan.install == {"docker-ce": "5:29.8.0-1~debian.13~trixie", "containerd.io": ""}
    assert plan.hold == ["docker-ce", "containerd.io"] and not plan.upgrades
    assert describe(plan, {})["after"] == "containerd.io newest (held)\ndocker-ce 5:29.8.0-1~debian.13~trixie (held)\n"


def test_what_is_installed_is_kept_and_held():
    plan = make_plan(["docker.io", "docker-cli"], {}, parse_installed(DPKG), {}, False)
    assert (plan.install, plan.hold, plan.problems) == ({}, ["docker-cli"], [])


def test_another_version_must_be_allowed():
    have = {"docker-ce": Installed("5:29.8.0-1~debian.13~trixie", True)}
    wanted, candidates = {"docker-ce": "29.8.1"}, parse_candidates(MADISON)
    refused = make_plan(["docker-ce"], wanted, have, candidates, False)
    assert refused.install == {} and "29.8.1 is asked for" in refused.problems[0]
    allowed = make_plan(["docker-ce"], wanted, have, candidates, True)
    assert allowed.install == {"docker-ce": "5:29.8.1-1~debian.13~trixie"}
    assert allowed.upgrades and allowed.hold == ["docker-ce"]


def test_version_that_is_not_on_offer():
    plan = make_plan(["docker-ce"], {"docker-ce": "30"}, {}, parse_candidates(MADISON), False)
    assert "docker-ce 30 is not on offer; apt knows 5:29.8.1-1" in plan.problems[0]
