"""The search that the lab's leak test relies on: it must find what is there, in each form."""

import base64
import gzip
import json
import zlib
from urllib.parse import quote

import leaks
import pytest

VALUE = 'pä$s/"word"+123'
WANTED = leaks.needles(
    {"key": VALUE, "short": "abc", "file": "-----BEGIN X-----\nMIIEvQIBADANBgkqhkiG\n-----END X-----\n"}
)


@pytest.mark.parametrize(
    "data",
    [
        VALUE,
        json.dumps({"a": VALUE}),
        json.dumps({"a": VALUE}, ensure_ascii=False),
        f"http://user:{quote(VALUE, safe='')}@host/",
        f"x: {VALUE.replace('$', '$$')}",
        *[base64.b64encode(f"{'x' * before}{VALUE}{'y' * 9}".encode()) for before in range(3)],
        base64.urlsafe_b64encode(f"operator:{VALUE}".encode()),
        gzip.compress(VALUE.encode()),
        zlib.compress(VALUE.encode()),
    ],
)
def test_found(data):
    data = data if isinstance(data, bytes) else data.encode()
    assert leaks.found_in(data, WANTED) == {"key"}


@pytest.mark.parametrize(
    "data", [b"", b"abc", b"-----BEGIN X-----", b"\x1f\x8bbroken", b"xbroken", VALUE[:-1].encode()]
)
def test_not_found(data):
    assert leaks.found_in(data, WANTED) == set()


def test_one_line_of_a_file_is_enough():
    assert leaks.found_in(b"log: MIIEvQIBADANBgkqhkiG ...", WANTED) == {"file"}


def test_files(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/log").write_text(f"a {VALUE} b")
    (tmp_path / "clean").write_text("nothing")
    (tmp_path / "link").symlink_to(tmp_path / "deep/log")
    assert leaks.found_in_files(tmp_path, WANTED) == {str(tmp_path / "deep/log"): {"key"}}
    assert leaks.found_in_files(tmp_path / "nowhere", WANTED) == {}


def test_configs():
    data = base64.b64encode(b"rendered").decode()
    inspected = json.dumps([{"Spec": {"Name": "release_1", "Data": data}}, {"Spec": {"Name": "empty"}}]).encode()
    assert leaks.config_contents(inspected) == [("release_1", b"rendered"), ("empty", b"")]
    assert leaks.config_contents(b"") == []
