"""The certificate's files on a manager: what is read, compared, written and shown."""

import os
import stat

import module_runs
import pytest
from ansible_collections.sophia.platform.plugins.module_utils.certificates import store
from ansible_collections.sophia.platform.plugins.module_utils.host import files
from ansible_collections.sophia.platform.plugins.modules import certificate_store

GIVEN = {"account_key": "ACCOUNT-5f1c\n", "private_key": "PRIVATE-77ab\n", "chain": "CHAIN-90cd\n"}
EMPTY = dict.fromkeys(GIVEN, "")
NAMES = ["account.key", "edge.key", "edge.pem"]


@pytest.fixture
def place(tmp_path):
    return tmp_path / "etc/sophia/certificates"


@pytest.fixture
def run(place, monkeypatch, capsys):
    def call(check=False, **options):
        options = options or GIVEN
        return module_runs.run(certificate_store.main, monkeypatch, capsys, check=check, path=str(place), **options)

    return call


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_a_host_without_it_has_nothing(run, place):
    assert run(state="read").result["content"] == EMPTY
    assert not place.exists()


def test_it_is_written_once_for_root_alone(run, place):
    assert run().result["changed"] is True
    assert sorted(path.name for path in place.iterdir()) == NAMES
    assert mode(place) == 0o700 and {mode(path) for path in place.iterdir()} == {0o600}
    before = {path.name: path.stat().st_mtime_ns for path in place.iterdir()}
    again = run().result
    assert again["changed"] is False and "diff" not in again
    assert {path.name: path.stat().st_mtime_ns for path in place.iterdir()} == before
    assert run(state="read").result["content"] == GIVEN


def test_check_mode_predicts_and_writes_nothing(run, place):
    predicted = run(check=True)
    assert predicted.result["changed"] is True and not place.exists()
    assert predicted.result["diff"] == run().result["diff"]
    assert run(check=True).result["changed"] is False


def test_neither_result_nor_diff_says_what_is_in_the_files(run):
    run()
    said = run(**{**GIVEN, "private_key": "PRIVATE-new-0042\n", "chain": "CHAIN-new-0043\n"})
    diff = said.result["diff"]
    assert diff["before"].count("sha256:") == diff["after"].count("sha256:") == 3 and diff["before"] != diff["after"]
    assert not [text for text in ("5f1c", "77ab", "90cd", "0042") if text in said.said]
    assert "0043" not in str(diff)


@pytest.mark.parametrize("name", NAMES)
def test_a_file_that_others_can_read_is_put_right(run, place, name):
    run()
    (place / name).chmod(0o644)
    result = run().result
    assert result["changed"] is True and f"{name} 0644" in result["diff"]["before"]
    assert mode(place / name) == 0o600


def test_a_directory_that_others_can_enter_is_put_right(run, place):
    run()
    place.chmod(0o755)
    assert run(check=True).result["changed"] is True and mode(place) == 0o755
    assert run().result["changed"] is True and mode(place) == 0o700
    assert run().result["changed"] is False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_of_somebody_else_is_taken_back(run, place):
    run()
    os.chown(place / "edge.key", 12345, 12345)
    assert run().result["changed"] is True
    assert (place / "edge.key").stat().st_uid == 0


def test_a_link_is_replaced_and_what_it_points_to_stays(run, place, tmp_path):
    run()
    elsewhere = tmp_path / "elsewhere"
    (place / "edge.pem").rename(elsewhere)
    (place / "edge.pem").symlink_to(elsewhere)
    elsewhere.write_text("of somebody")
    assert run().result["changed"] is True
    assert not (place / "edge.pem").is_symlink() and elsewhere.read_text() == "of somebody"


def test_garbage_is_read_as_it_is_and_replaced(run, place):
    run()
    (place / "edge.pem").write_bytes(b"\xff\xfe\x00garbage")
    assert "garbage" in run(state="read").result["content"]["chain"]
    assert run().result["changed"] is True
    assert run(state="read").result["content"] == GIVEN


def test_a_directory_in_the_place_of_a_file_is_told_before_anything_is_written(run, place):
    (place / "edge.pem").mkdir(parents=True)
    for options in ({"state": "read"}, GIVEN):
        assert f"{place}/edge.pem cannot be read as a file: Is a directory" in run(**options).result["msg"]
    assert [path.name for path in place.iterdir()] == ["edge.pem"]


def test_a_file_in_the_place_of_the_directory_is_told(run, place):
    place.parent.mkdir(parents=True)
    place.write_text("garbage")
    assert "cannot be read as a file: Not a directory" in run().result["msg"]


def test_other_files_stay_and_without_an_account_key_its_file_does(run, place):
    run()
    (place / "note.txt").write_text("of somebody")
    result = run(private_key="PRIVATE-2222\n", chain="CHAIN-2222\n").result
    assert result["changed"] is True
    assert run(state="read").result["content"]["account_key"] == GIVEN["account_key"]
    assert (place / "note.txt").read_text() == "of somebody"


def test_a_run_that_breaks_off_leaves_whole_files_and_the_old_certificate(run, place, monkeypatch):
    run()
    write, written = files.write, []

    def break_off(file):
        if file.path.endswith("edge.pem"):
            raise OSError("No space left on device")
        written.append(file.path.rsplit("/", 1)[1])
        write(file)

    monkeypatch.setattr(store.files, "write", break_off)
    new = {"account_key": "ACCOUNT-3\n", "private_key": "PRIVATE-3\n", "chain": "CHAIN-3\n"}
    assert "No space left" in run(**new).result["msg"]
    assert written == ["account.key", "edge.key"]
    assert run(state="read").result["content"] == {**new, "chain": GIVEN["chain"]}
    assert sorted(path.name for path in place.iterdir()) == NAMES


def test_key_and_chain_are_needed(run):
    assert "private_key, chain" in run(account_key="A").result["msg"]
