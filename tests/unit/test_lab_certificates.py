"""The lab's own small authority: made once, repaired when it is half there."""

from __future__ import annotations

import stat

import pytest

from lab import certificates


@pytest.fixture
def made(tmp_path):
    """A function that has the files of both certificates, and gives their contents."""
    paths = [tmp_path / name for name in ("ca.pem", "ca.key", "certificate.pem", "key.pem")]

    def ensure(address="10.77.0.54"):
        certificates.ensure_authority(paths[0], "lab")
        certificates.ensure_server(paths[2], paths[3], paths[0], address)
        return [path.read_bytes() for path in paths]

    ensure.paths = paths
    return ensure


def test_what_is_right_is_left_alone_and_keys_are_private(made):
    assert made() == made()
    assert {stat.S_IMODE(path.stat().st_mode) for path in made.paths} == {0o600}


@pytest.mark.parametrize(
    ("broken", "kept"),
    [
        ("ca.key", []),
        ("ca.pem", []),
        ("certificate.pem", ["ca.pem", "ca.key"]),
        ("key.pem", ["ca.pem", "ca.key"]),
    ],
)
def test_what_is_half_there_is_made_anew(made, broken, kept):
    before = dict(zip([path.name for path in made.paths], made(), strict=True))
    (made.paths[0].parent / broken).write_text("half")
    after = dict(zip([path.name for path in made.paths], made(), strict=True))
    assert [name for name in before if before[name] == after[name]] == kept


def test_another_address_has_a_certificate_of_its_own(made):
    before, after = made(), made("10.78.0.54")
    assert (before[:2] == after[:2], before[2:] == after[2:]) == (True, False)
