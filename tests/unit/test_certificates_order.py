"""What comes before and during an order: the authority's directory, the challenge's records, where they are visible."""

from datetime import timedelta
from email.utils import format_datetime

import certificate_fixtures as made
import dns.message
import dns.query
import dns.rrset
import fake_web
import module_runs
import pytest
from ansible_collections.sophia.platform.plugins.filter.acme_challenge_records import acme_challenge_records
from ansible_collections.sophia.platform.plugins.module_utils.certificates import authority
from ansible_collections.sophia.platform.plugins.module_utils.certificates.errors import CertificatesError
from ansible_collections.sophia.platform.plugins.modules import certificate_plan, dns_txt_wait

DIRECTORY = {"newOrder": "https://ca.example/new-order", "meta": {}}
HTML = fake_web.Answer(503, b"<html><body>Down for <b>maintenance</b></body></html>", "text/html")


def dated(difference=timedelta()):
    return fake_web.document(DIRECTORY, Date=format_datetime(made.NOW + difference, usegmt=True))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (dated(), ""),
        (dated(timedelta(minutes=4)), ""),
        (dated(timedelta(minutes=-6)), "This machine's clock says 2026-06-01 12:00 UTC and that of"),
        (dated(timedelta(days=400)), "Set the clock, then run again."),
        (HTML, "refuses: 503, an HTML page: Down for maintenance."),
        (fake_web.Answer(404, b"", "text/plain"), "refuses: 404, an empty body."),
        (fake_web.document(["newOrder"]), "is no ACME directory"),
        (fake_web.document({"hello": "world"}), "is no ACME directory"),
        (fake_web.Answer(200, b"garbage"), "is no ACME directory: garbage."),
        (fake_web.document({**DIRECTORY, "meta": {"externalAccountRequired": True}}), "external account binding"),
        (fake_web.Answer(raw=b""), "closed the connection without an answer"),
    ],
)
def test_the_authority_is_asked_before_an_order(answer, words):
    # the stand-in sends a Date of its own, too; the last one counts
    with fake_web.served({("GET", "/dir"): answer}) as (port, _seen):
        url, told = f"http://127.0.0.1:{port}/dir", ""
        try:
            authority.ask(url, made.NOW)
        except CertificatesError as error:
            told = str(error)
    assert words in told if words else told == ""
    assert not told or url in told


def plan_of(monkeypatch, capsys, tmp_path, **options):
    ca = tmp_path / "ca.pem"
    ca.write_text(made.pem(made.authority("root")))
    asked = {"found": {}, "names": ["api.example.org"], "zone": "example.org", "ca_path": str(ca), **options}
    return module_runs.run(certificate_plan.main, monkeypatch, capsys, **asked)


def test_an_authority_that_is_down_is_told_with_the_reason_and_what_stays(monkeypatch, capsys, tmp_path):
    url = "http://127.0.0.1:9/dir"
    told = plan_of(monkeypatch, capsys, tmp_path, directory_urls=[url]).result["msg"]
    assert told == (
        f"No manager has a certificate. The authority at {url} cannot be asked: nothing listens on 127.0.0.1:9. "
        "There is none in place."
    )
    assert plan_of(monkeypatch, capsys, tmp_path, directory_urls=[url], check=True).result["order"] is True


def test_bad_names_end_the_plan(monkeypatch, capsys, tmp_path):
    told = plan_of(monkeypatch, capsys, tmp_path, names=["api.example.com"]).result["msg"]
    assert told == "The names of the certificate cannot be had: api.example.com is not in the zone example.org."


def test_the_plan_says_no_key(monkeypatch, capsys, tmp_path):
    found = {"chain": made.chain("api.example.org"), "private_key": made.key_pem("edge"), "account_key": "ACCOUNT-9182"}
    ran = plan_of(monkeypatch, capsys, tmp_path, found={"m1": found})
    assert ran.result["source"] == "m1"
    assert "9182" not in ran.said and made.key_pem("edge").splitlines()[1] not in ran.said


def test_challenges_become_records_of_the_zone():
    challenges = {"_acme-challenge.example.org": ["a", "b"], "_acme-challenge.api.lab.example.org": ["c"]}
    records = acme_challenge_records(challenges, "example.org")
    told = [(record["name"], record["value"]) for record in records]
    assert told == [("_acme-challenge", "a"), ("_acme-challenge", "b"), ("_acme-challenge.api.lab", "c")]
    assert {(record["type"], record["ttl_seconds"]) for record in records} == {("TXT", 60)}
    assert acme_challenge_records({}, "example.org") == []


class Servers:
    """Name servers by address: what each has, in the order of the rounds; None does not answer."""

    def __init__(self, **rounds):
        self.rounds, self.round, self.now = rounds, 0, 0.0

    def udp_with_fallback(self, query, address, timeout, port=53):
        at = self.rounds[address.replace("192.0.2.", "s")]
        values = at[min(self.round, len(at) - 1)]
        if values is None:
            raise dns.exception.Timeout
        answer = dns.message.make_response(query)
        if values:
            answer.answer.append(dns.rrset.from_text_list(query.question[0].name, 60, "IN", "TXT", values))
        return answer, False

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.now, self.round = self.now + seconds, self.round + 1


@pytest.mark.parametrize(
    ("rounds", "words"),
    [
        ({"s1": [["x", "y"]]}, ""),
        ({"s1": [[], ["x"], ["x", "y"]], "s2": [["x", "y", "z"]]}, ""),
        ({"s1": [None], "s2": [["x", "y"]]}, ""),
        ({"s1": [None, ["x", "y"]]}, ""),
        ({"s1": [["x", "y"]], "s2": [[]]}, "192.0.2.2 has no such record at _acme-challenge.example.org"),
        ({"s1": [["old", "x"]]}, "192.0.2.1 has 2 other TXT records at _acme-challenge.example.org"),
        ({"s1": [None], "s2": [None]}, "no name server answers from here (192.0.2.1, 192.0.2.2); is port 53 open?"),
    ],
)
def test_it_waits_until_all_servers_that_answer_show_all_values(rounds, words, monkeypatch, capsys):
    servers = Servers(**rounds)
    monkeypatch.setattr(dns.query, "udp_with_fallback", servers.udp_with_fallback)
    records = [{"name": "_acme-challenge", "type": "TXT", "value": value, "ttl_seconds": 60} for value in "xy"]
    options = {"zone": "example.org", "records": records, "timeout_seconds": 20}
    addresses = [f"192.0.2.{at[1:]}" for at in rounds]
    ran = module_runs.run(lambda: dns_txt_wait.main(servers), monkeypatch, capsys, name_servers=addresses, **options)
    told = ran.result.get("msg", "")
    assert words in told and "After 20 s" in told if words else ran.result["name_servers"] == addresses


def test_a_name_server_that_is_none_ends_the_wait(monkeypatch, capsys):
    options = {"zone": "example.org", "records": [{"name": "@", "value": "x"}], "name_servers": ["192.0.2.1:port"]}
    told = module_runs.run(dns_txt_wait.main, monkeypatch, capsys, **options).result["msg"]
    assert told == "name_servers: '192.0.2.1:port' is no host, host:port or [address]:port."
