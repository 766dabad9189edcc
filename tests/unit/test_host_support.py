"""Which hosts the roles know."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.host import support

NOBLE = 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nNAME="Ubuntu"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n'


@pytest.mark.parametrize(
    ("name", "version", "machine"),
    [
        ("ubuntu", "22.04", "aarch64"),
        ("ubuntu", "24.04", "arm64"),
        ("debian", "12", "x86_64"),
        ("debian", "13", "amd64"),
        ("debian", "13.2", "aarch64"),
    ],
)
def test_known(name, version, machine):
    assert support.problems({"ID": name, "VERSION_ID": version}, machine) == []


@pytest.mark.parametrize(
    ("os_release", "machine", "seen"),
    [
        ({"ID": "ubuntu", "VERSION_ID": "20.04"}, "aarch64", ["ubuntu 20.04"]),
        ({"ID": "ubuntu", "VERSION_ID": "22.10"}, "aarch64", ["ubuntu 22.10"]),
        ({"ID": "debian", "VERSION_ID": "11", "PRETTY_NAME": "Debian 11 (bullseye)"}, "x86_64", ["Debian 11"]),
        ({"ID": "debian", "PRETTY_NAME": "Debian GNU/Linux forky/sid"}, "x86_64", ["forky/sid"]),
        ({"ID": "rocky", "VERSION_ID": "12"}, "aarch64", ["rocky 12"]),
        ({}, "aarch64", ["no readable os-release"]),
        ({"ID": "debian", "VERSION_ID": "13"}, "ppc64le", ["ppc64le"]),
        ({"ID": "debian", "VERSION_ID": "13"}, "", ["without a name"]),
        ({"ID": "rocky", "VERSION_ID": "9"}, "armv7l", ["rocky 9", "armv7l"]),
    ],
)
def test_unknown(os_release, machine, seen):
    found = support.problems(os_release, machine)
    assert len(found) == len(seen)
    assert all(word in sentence for word, sentence in zip(seen, found, strict=True))
    assert all("Ubuntu 22.04 and 24.04" in sentence for sentence in found)


def test_os_release_is_read(tmp_path):
    path = tmp_path / "os-release"
    path.write_text("# a comment = nothing\n" + NOBLE)
    assert support.read_os_release(str(path))["VERSION_ID"] == "24.04"
    assert support.read_os_release(str(path))["PRETTY_NAME"] == "Ubuntu 24.04.3 LTS"
    assert support.read_os_release(str(tmp_path / "none")) == {}


def test_this_machine():
    assert support.machine() in support.ARCHITECTURES
