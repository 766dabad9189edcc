"""The client of Pulumi ESC: what it sends, what it repeats, what it says, and what it never says."""

import os
import socket
import threading
import traceback

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.esc import session, values
from ansible_collections.sophia.platform.plugins.module_utils.esc.client import EscClient
from ansible_collections.sophia.platform.plugins.module_utils.esc.errors import EscError
from ansible_collections.sophia.platform.plugins.module_utils.esc.names import Place
from esc_fake import CUT, TOKEN, error, esc_served
from fake_web import Answer, document, served

APP = Place("acme", "prod", "app")
SECRET = "Zq7-of-the-platform"
DEFINITION = f"values: {{platform: {{a: {{fn::secret: {SECRET}}}}}}}\n"


@pytest.fixture(autouse=True)
def _nothing_is_open():
    session.forget()


def client_of(url, timeout_seconds=5, token=TOKEN, slept=None):
    client = EscClient(token, url, timeout_seconds, Clock(sleep=([] if slept is None else slept).append))
    client.hide([SECRET])
    return client


def everything(caught):
    """All that Python would print of an error, and the error itself."""
    error = caught.value
    assert error.__cause__ is None and error.__context__ is None, "Ansible prints the chain at -vvv"
    return "".join(traceback.format_exception(type(error), error, error.__traceback__)) + repr(error) + str(error)


def test_reading_is_two_calls_with_the_documented_headers():
    def seen(request):
        headers = request["headers"]
        assert headers["Authorization"] == f"token {TOKEN}" and headers["Accept"] == "application/vnd.pulumi+8"
        assert request["body"] == b""
        return document({"id": 77})

    answers = {
        ("POST", "/some/api/esc/environments/acme/prod/app/versions/stable/open?duration=10m"): seen,
        ("GET", "/some/api/esc/environments/acme/prod/app/open/77"): document({"properties": {"a": {"value": 1}}}),
    }
    with served(answers) as (port, requests):
        place = Place("acme", "prod", "app", "stable")
        tree = session.opened(client_of(f"http://127.0.0.1:{port}/some/"), place)
    assert values.plain(tree, "n") == {"a": 1}
    assert len(requests) == 2


def test_fifty_secrets_are_one_open():
    text = "values:\n  platform:\n" + "".join(f"    k{n}: {{fn::secret: v{n}}}\n" for n in range(50))
    with esc_served(text) as (esc, url):
        for number in range(50):
            tree = session.opened(client_of(url), APP)
            assert values.found(tree, ("platform", f"k{number}"))[0]["value"] == f"v{number}"
    assert [method for method, _path in esc.calls] == ["POST", "GET"]


def test_another_token_version_or_address_is_opened_on_its_own():
    with esc_served(DEFINITION) as (esc, url):
        for place, base in ((APP, url), (Place("acme", "prod", "app", "1"), url), (APP, f"{url}/api/esc"), (APP, url)):
            session.opened(client_of(base), place)
        assert esc.opened == 2
        with pytest.raises(EscError, match="does not accept the access token"):
            session.opened(client_of(url, token="another"), APP)
    assert TOKEN not in repr(session._opened) and TOKEN.encode().hex() not in repr(session._opened)


def test_forked_processes_have_what_was_opened_before():
    with esc_served(DEFINITION) as (esc, url):
        session.opened(client_of(url), APP)
        with session._lock:  # held while the process is forked, as another thread may
            child = os.fork()
            if not child:
                tree = session.opened(client_of(url), APP)
                os._exit(0 if values.found(tree, ("platform", "a"))[0]["value"] == SECRET else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert esc.opened == 1


def test_threads_open_once():
    with esc_served(DEFINITION) as (esc, url):
        threads = [threading.Thread(target=session.opened, args=(client_of(url), APP)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert esc.opened == 1


def test_warnings_of_an_open_are_told_and_are_no_error():
    told = []
    with esc_served(DEFINITION) as (esc, url):
        place = {"environment": "acme/prod", "begin": {"line": 3, "column": 5}}
        warning = {"severity": "warning", "summary": f"old provider {SECRET}", "range": place}
        esc.fault("POST", "/open", document({"id": "s1", "diagnostics": [warning]}))
        session.opened(client_of(url), APP, warn=told.append)
    assert told == ["Pulumi ESC, about acme/prod/app: acme/prod:3:5: old provider ***"]


HTML = Answer(502, b"<html><head><title>Bad</title></head>Gateway</html>", "text/html", {"X-Pulumi-Request-ID": "rq-1"})
DIAGNOSTICS = {
    "diagnostics": [
        {"summary": 'unknown property "x"', "range": {"environment": "prod/app", "begin": {"line": 4, "column": 2}}},
        {"summary": "old", "severity": "warning"},
        {"summary": f"bad {SECRET}", "path": "values.a", "severity": "error"},
        {"detail": "only a detail"},
    ]
}


@pytest.mark.parametrize(
    ("answer", "says", "tries"),
    [
        (error(401, "Unauthorized"), "does not accept the access token (Unauthorized). It is wrong or has expired", 1),
        (error(403, f"no {TOKEN}"), "Cannot open acme/prod/app: the access token may not (no ***)", 1),
        (error(404, "Not Found: environment"), "it is not there or not visible to this token (404", 1),
        (Answer(404, b"404 page not found", "text/plain"), "not visible to this token (404 from http://127.0.0.1", 1),
        (document(DIAGNOSTICS, 400), 'prod/app:4:2: unknown property "x"; values.a: bad ***; only a detail.', 1),
        (error(400, f"Bad Request: {SECRET}"), "Pulumi ESC refuses to open acme/prod/app: Bad Request: ***.", 1),
        (error(400, "a\nb\x1b[31m"), "refuses to open acme/prod/app: a b [31m.", 1),
        (Answer(429, b""), "takes no more requests at the moment (an empty body). Run again", 4),
        (Answer(429, b"", headers={"Retry-After": "3600"}), "takes no more requests", 1),
        (HTML, "answered 502 with an HTML page: Bad Gateway. Pulumi's id of the request is rq-1. Run again", 1),
        (
            Answer(302, b"", headers={"Location": "http://x/"}),
            "answers with a redirect (302), which is not followed",
            1,
        ),
        (Answer(200, b"<html>proxy"), "answered 200 with something that is not JSON", 1),
        (document([]), "names no session", 1),
        (document({"id": True}), "names no session", 1),
        (CUT, "closed the connection without an answer", 1),
        (Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), "cut off after 1 of 99 bytes", 1),
    ],
)
def test_faults_of_an_open(answer, says, tries):
    with esc_served(DEFINITION) as (esc, url):
        esc.fault("POST", "/open", *[answer] * 9)
        with pytest.raises(EscError) as caught:
            session.opened(client_of(url), APP)
    told = everything(caught)
    assert says in str(caught.value)
    assert TOKEN not in told and SECRET not in told
    assert len(esc.calls) == tries
    assert "Whether it was carried out" not in told


@pytest.mark.parametrize(
    ("answer", "says", "tries"),
    [
        (HTML, "Pulumi's id of the request is rq-1", 4),
        (Answer(429, b""), "takes no more requests", 4),
        (CUT, "closed the connection", 4),
        (Answer(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"), "cut off after 1 of 99", 4),
        (error(404, "Not Found"), "Cannot read the opened acme/prod/app: it is not there", 1),
        (document([1]), "is no environment", 1),
        (document({"properties": [SECRET]}), "is not an evaluated environment", 1),
    ],
)
def test_faults_of_a_read(answer, says, tries):
    slept = []
    with esc_served(DEFINITION) as (esc, url):
        esc.fault("GET", "/s1", *[answer] * 9)
        with pytest.raises(EscError) as caught:
            session.opened(client_of(url, slept=slept), APP)
    assert says in str(caught.value) and SECRET not in everything(caught)
    assert len(esc.calls) == 1 + tries and slept == [1, 2, 4][: tries - 1]


def test_a_read_that_works_in_the_end():
    slept = []
    with esc_served(DEFINITION) as (esc, url):
        esc.fault("POST", "/open", Answer(429, b"", headers={"Retry-After": "7"}))
        esc.fault("GET", "/s1", HTML, CUT, Answer(503))
        session.opened(client_of(url, slept=slept), APP)
        assert slept == [7, 1, 2, 4] and esc.opened == 1


def test_a_time_out_is_told_and_only_reads_are_repeated():
    with esc_served(DEFINITION) as (esc, url):
        silent = Answer(raw=b"", hold_seconds=0.3)
        esc.fault("POST", "/open", silent)
        esc.fault("GET", "/app", *[silent] * 4)
        client = client_of(url, timeout_seconds=0.05)
        with pytest.raises(EscError, match="no answer within 0.05 s"):
            client.open(APP, "10m")
        with pytest.raises(EscError, match="Cannot read the definition of acme/prod/app at .* no answer within 0.05 s"):
            client.definition(APP)
        assert [method for method, _path in esc.calls] == ["POST"] + ["GET"] * 4


def test_a_connection_that_is_refused_is_tried_again_also_to_open():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    slept = []
    with pytest.raises(EscError, match=f"nothing listens on 127.0.0.1:{port}"):
        client_of(f"http://127.0.0.1:{port}", slept=slept).open(APP, "10m")
    assert slept == [1, 2, 4]


@pytest.mark.parametrize(
    ("answer", "unknown", "conflict", "tries"),
    [
        (CUT, True, False, 1),
        (HTML, True, False, 1),
        (Answer(429, b""), False, False, 4),
        (error(409, "Conflict"), False, True, 1),
        (Answer(412, b"stale"), False, True, 1),
        (document(DIAGNOSTICS, 400), False, False, 1),
    ],
)
def test_faults_of_a_change(answer, unknown, conflict, tries):
    with esc_served(DEFINITION) as (esc, url):
        esc.fault("PATCH", "/app", *[answer] * 9)
        with pytest.raises(EscError) as caught:
            client_of(url).update(APP, DEFINITION, '"r1"')
    failure = caught.value
    assert (failure.outcome_unknown, failure.conflict, len(esc.calls)) == (unknown, conflict, tries)
    assert ("Whether it was carried out is not known" in str(failure)) == unknown
    assert SECRET not in everything(caught)


@pytest.mark.parametrize("token", [None, "", " ", "a b", "a\nb", "tökén", "a\x00"])
def test_a_token_that_is_none_is_refused(token):
    with pytest.raises(EscError, match="Give it as access_token or PULUMI_ACCESS_TOKEN") as caught:
        EscClient(token, "http://127.0.0.1")
    assert not token or not token.strip() or token not in str(caught.value)


def test_nothing_shows_the_token():
    client = EscClient(f" {TOKEN}\n")
    assert client.token == TOKEN
    assert TOKEN not in repr(client) + str(client)


def test_secrets_of_many_lines_are_masked_line_by_line():
    client = client_of("http://127.0.0.1")
    client.hide(["-----BEGIN-----\nMIIEvQIBADANBg\n-----END-----"])
    assert client.masked("bad MIIEvQIBADANBg here") == "bad *** here"


def test_a_definition_that_is_not_utf8_is_not_touched():
    with esc_served(DEFINITION) as (esc, url):
        esc.fault("GET", "/app", Answer(200, b"values: \xff"))
        with pytest.raises(EscError, match="is no definition") as caught:
            client_of(url).definition(APP)
    everything(caught)
