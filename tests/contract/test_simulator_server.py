"""The server of the simulated clouds: HTTP, control, faults, calls, the state file, and the command."""

import http.client
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from simulator_client import ask, ask_on

from lab.cloud.__main__ import main
from lab.cloud.running import ControlError, running

ROOT = Path(__file__).resolve().parents[2]
KEY = {"Authorization": "Bearer secret_lab_k"}
SEED = {
    "lambda": {"api_key": {"key": "secret_lab_k"}, "limits": {"enabled": False}},
    "apis": {"key": [{"service": "asana", "key": "a"}, {"service": "openai", "key": "b"}]},
}


@pytest.fixture
def api(cloud):
    """The clouds with a key of Lambda Cloud, and the address of its API."""
    for action, given in SEED["lambda"].items():
        cloud.control(f"lambda/{action}", given)
    cloud.forget_calls()
    return cloud


def add(cloud, name):
    return ask("POST", f"{cloud.urls['lambda']}/filesystems", {"name": name, "region": "us-east-3"}, KEY)


def names(cloud):
    return [one["name"] for one in ask("GET", f"{cloud.urls['lambda']}/file-systems", headers=KEY).json["data"]]


def connected(cloud):
    place = urlsplit(cloud.urls["control"])
    return http.client.HTTPConnection(place.hostname, place.port, timeout=10)


def test_a_connection_is_used_again(api):
    connection = connected(api)
    answers = [ask_on(connection, "GET", "/api/v1/regions", headers=KEY)]
    used = connection.sock
    answers.append(ask_on(connection, "GET", "/api/v1/regions", headers=KEY))
    assert connection.sock is used
    connection.close()
    assert [answer.status for answer in answers] == [200, 200]
    assert answers[0].headers["content-length"] == str(len(answers[1].body))


def test_head_is_answered_with_the_length_and_without_the_body(api):
    length = len(ask("GET", f"{api.urls['lambda']}/regions", headers=KEY).body)
    head = ["HEAD /api/v1/regions HTTP/1.1", "Host: x", "Connection: close", f"Authorization: {KEY['Authorization']}"]
    with socket.create_connection(("127.0.0.1", urlsplit(api.urls["control"]).port), timeout=10) as connection:
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        came = b"".join(iter(lambda: connection.recv(65536), b""))
    assert came.startswith(b"HTTP/1.1 200 ")
    assert f"\r\nContent-Length: {length}\r\n".encode() in came
    assert came.endswith(b"\r\n\r\n")


@pytest.mark.parametrize("target", ["/api/v1//regions", "//api/v1/regions", "/api/v1/%72egions"])
def test_slashes_are_collapsed_and_the_path_is_decoded(api, target):
    connection = connected(api)
    assert ask_on(connection, "GET", target, headers=KEY).status == 200
    connection.close()


def test_a_body_may_come_in_chunks(api):
    connection = connected(api)
    parts = [b'{"name": "data",', b' "region": "us-east-3"}']
    connection.request("POST", "/api/v1/filesystems", body=iter(parts), headers=KEY, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 200
    assert json.loads(answer.read())["data"]["name"] == "data"
    connection.close()


def test_a_wrong_length_is_refused(api):
    connection = connected(api)
    answer = ask_on(connection, "POST", "/api/v1/filesystems", headers={**KEY, "Content-Length": "many"})
    assert answer.status == 400
    connection.close()


def test_control_names_every_action_of_every_cloud(cloud):
    told = cloud.control("", method="GET")
    assert set(told["services"]) >= {"lambda", "apis"}
    assert all(told["services"].values())
    assert all(told["services"]["lambda"].values())
    assert "cut_after" in told["faults"]


@pytest.mark.parametrize(
    ("path", "given", "message"),
    [
        ("moon/phase", {}, "No simulated cloud is named 'moon'"),
        ("lambda/none", {}, "no action 'none'"),
        ("clock", {"advance_seconds": "1"}, "advance_seconds"),
        ("clock", {}, "advance_seconds"),
        ("faults", {"service": "lambda", "kind": "flood"}, "needs a kind"),
        ("faults", {"service": "control", "kind": "slow"}, "needs a service"),
        ("faults", {"service": "lambda", "kind": "status"}, "needs a status"),
        ("faults", {"service": "lambda", "kind": "slow", "seconds": "1"}, "seconds cannot be '1'"),
        ("faults", {"service": "lambda", "kind": "slow", "path": "("}, "regular expression"),
        ("faults", {"service": "lambda", "kind": "slow", "paths": "x"}, "has no paths"),
        ("nothing", {}, "has no POST /control/nothing"),
    ],
)
def test_what_control_cannot_do_is_told_in_a_sentence(cloud, path, given, message):
    with pytest.raises(ControlError, match=message.replace("(", r"\(")):
        cloud.control(path, given)


@pytest.mark.parametrize("body", ["{", "[]"])
def test_control_takes_json_objects_only(cloud, body):
    assert ask("POST", f"{cloud.urls['control']}/clock", body=body).status == 400


def test_a_fault_of_a_status_is_answered_and_not_carried_out(api):
    given = {"status": 503, "body": {"error": {"code": "provider/internal-unavailable"}}, "headers": {"X-A": "b"}}
    api.fault("lambda", "status", count=2, method="POST", path=r"/filesystems$", **given)
    assert names(api) == []
    answers = [add(api, f"data-{number}") for number in "abc"]
    assert [answer.status for answer in answers] == [503, 503, 200]
    assert answers[0].json["error"]["code"] == "provider/internal-unavailable"
    assert answers[0].headers["x-a"] == "b"
    assert names(api) == ["data-c"]
    assert api.control("faults", method="GET") == []


def test_a_fault_may_say_5xx_though_it_was_carried_out(api):
    api.fault("lambda", "status", status=500, carried_out=True)
    assert add(api, "data").status == 500
    assert names(api) == ["data"]


@pytest.mark.parametrize(("kind", "made"), [("cut_before", []), ("cut_after", ["data"])])
def test_a_connection_can_be_cut_before_and_after(api, kind, made):
    api.fault("lambda", kind)
    with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
        add(api, "data")
    assert api.calls("lambda")[-1]["status"] is None
    assert names(api) == made


def test_an_answer_can_be_truncated(api):
    api.fault("lambda", "truncate")
    with pytest.raises(http.client.IncompleteRead) as caught:
        add(api, "data")
    assert len(caught.value.partial) > 0
    assert caught.value.expected > 0
    assert names(api) == ["data"]


def test_a_gateway_may_answer_with_a_page_and_with_garbage(api):
    api.fault("lambda", "html")
    api.fault("lambda", "html", status=504)
    api.fault("lambda", "garbage")
    pages = [add(api, "data") for _ in range(3)]
    assert [page.status for page in pages] == [502, 504, 200]
    assert pages[0].body.startswith(b"<!DOCTYPE html>")
    with pytest.raises(ValueError):
        pages[2].json  # noqa: B018
    assert names(api) == []


def test_a_fault_can_slow_an_answer_down(api):
    api.fault("lambda", "slow", seconds=0.2)
    began = time.monotonic()
    assert add(api, "data").status == 200
    assert time.monotonic() - began >= 0.2


def test_a_fault_stays_until_it_is_removed_and_never_meets_control(api):
    api.fault("lambda", "cut_before", count=-1)
    api.fault("apis", "html")
    for _ in range(3):
        with pytest.raises((http.client.RemoteDisconnected, ConnectionResetError)):
            names(api)
    assert [fault["count"] for fault in api.control("faults", method="GET")] == [-1, 1]
    api.control("faults", method="DELETE")
    assert names(api) == []


def test_calls_are_recorded_without_query_and_secrets(api):
    add(api, "data")
    ask("GET", f"{api.urls['lambda']}/instances?cluster_id=s3cret", headers=KEY)
    ask("HEAD", f"{api.urls['apis']}/asana/users/me", headers={"Authorization": "Bearer s3cret"})
    api.control("lambda/quota", {"instances": 1})
    shown = [(call["service"], call["method"], call["path"], call["status"]) for call in api.calls()]
    assert shown == [
        ("lambda", "POST", "/api/v1/filesystems", 200),
        ("lambda", "GET", "/api/v1/instances", 200),
        ("apis", "HEAD", "/apis/asana/users/me", 401),
    ]
    assert "s3cret" not in str(api.calls())
    assert [call["service"] for call in api.calls("apis")] == ["apis"]
    assert all(call["seconds"] >= 0 for call in api.calls())
    api.forget_calls()
    assert api.calls() == []


def test_a_reset_begins_anew(api):
    add(api, "data")
    api.fault("lambda", "html", count=-1)
    api.advance(1000)
    api.reset()
    assert api.calls() == []
    assert api.control("faults", method="GET") == []
    assert ask("GET", f"{api.urls['lambda']}/file-systems", headers=KEY).status == 401
    assert abs(api.control("clock", {"advance_seconds": 0})["ahead_seconds"]) == 0


def test_a_simulator_goes_on_from_its_state_file(tmp_path):
    state = tmp_path / "clouds.json"
    with running(state=state, seed=SEED) as cloud:
        assert add(cloud, "data").status == 200
        cloud.advance(500)
    assert stat.S_IMODE(state.stat().st_mode) == 0o600
    assert "secret_lab_k" not in state.read_text()
    with running(state=state) as cloud:
        assert names(cloud) == ["data"]
        assert cloud.control("clock", {"advance_seconds": 0})["ahead_seconds"] == 500
        assert ask("GET", f"{cloud.urls['apis']}/asana/users/me", headers={"Authorization": "Bearer a"}).status == 200
    assert [path.name for path in tmp_path.iterdir()] == ["clouds.json"]


def test_a_change_is_soon_in_the_state_file(tmp_path):
    state = tmp_path / "clouds.json"
    with running(state=state, seed=SEED) as cloud:
        add(cloud, "data-soon")
        until = time.monotonic() + 10
        while "data-soon" not in state.read_text() and time.monotonic() < until:
            time.sleep(0.02)
        assert "data-soon" in state.read_text()


def started(*arguments, stdin=None):
    command = [sys.executable, "-m", "lab.cloud", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=ROOT, stdin=pipe if stdin else None, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_command_prints_its_urls_takes_a_seed_and_ends_well(tmp_path, number):
    state = tmp_path / "clouds.json"
    process = started("--port", "0", "--state", str(state), "--seed", "-", stdin=True)
    process.stdin.write(json.dumps(SEED))
    process.stdin.close()
    urls = json.loads(process.stdout.readline())
    assert list(urls) == ["namecheap", "esc", "lambda", "vercel", "apis", "control"]
    assert urls["namecheap"].endswith("/xml.response")
    given = {"name": "data-cli", "region": "us-east-3"}
    assert ask("POST", f"{urls['lambda']}/filesystems", given, KEY).status == 200
    os.kill(process.pid, number)
    assert process.wait(10) == 0
    assert (process.stdout.read(), process.stderr.read()) == ("", "")
    assert "data-cli" in state.read_text()


@pytest.mark.parametrize(
    ("name", "content", "option", "message"),
    [
        ("state.json", "{", "--state", "state file .* cannot be read"),
        ("state.json", "[]", "--state", "is none of the simulated clouds'"),
        ("state.json", '{"services": {"lambda": 7}}', "--state", "holds for lambda cannot be taken"),
        ("seed.json", "{", "--seed", "cannot be read"),
        ("seed.json", '{"lambda": {"none": {}}}', "--seed", "no action 'none'"),
        ("seed.json", "[]", "--seed", "not of the form"),
    ],
)
def test_the_command_says_what_is_wrong_with_a_file(tmp_path, capsys, name, content, option, message):
    (tmp_path / name).write_text(content)
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        assert main([option, str(tmp_path / name)]) == 1
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert re.search(message, told)


def test_the_command_says_that_a_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        process = started("--port", str(taken.getsockname()[1]))
        assert process.wait(20) == 1
        assert "cannot listen on 127.0.0.1" in process.stderr.read()
