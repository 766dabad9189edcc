"""The client of Namecheap's API under every fault: what it says, what it repeats, and that it tells no key."""

from __future__ import annotations

import traceback

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.client import Access, Namecheap
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.errors import NamecheapError, advice
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.pace import Pace
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.records import Record
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.wanted import domain_of
from fake_web import Answer, served
from namecheap_fake import KEY, PATH, FakeNamecheap, FakeZone, Host, error, ticking, xml


@pytest.fixture(autouse=True)
def _no_certificates(monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")  # those of all the world cost 20 ms a call


DOMAIN, _PROBLEMS = domain_of("example.com")
RECORD = Record("api", "A", "192.0.2.10")


def client(address, key=KEY, clock=None, timeout_seconds=5, limit=1000):
    clock = clock or ticking()
    access = Access(address, "sophia", key, "sophia", "127.0.0.1", timeout_seconds)
    found = Namecheap(access, Pace(None, limit, clock), clock)
    found.clock = clock
    return found


def page(status, text="Not now", **headers):
    return Answer(status, f"<html><body><h1>{text}</h1></body></html>".encode(), "text/html", headers)


def zone_text(fake):
    return fake.do_getHosts("example.com", fake.zones["example.com"], {}).body


def fake_zone():
    return FakeNamecheap(example_com=FakeZone([Host("@", "TXT", "t")]))


def cut_off():
    body = zone_text(fake_zone())
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    return Answer(raw=head + body[:-60])


GOOD = zone_text(fake_zone())
BROKEN = Answer(200, GOOD[:-60], "text/xml")
CUT = cut_off()
CLOSED = Answer(raw=b"")
SILENT = Answer(raw=b"", hold_seconds=0.3)
ENTITY = Answer(200, b'<!DOCTYPE x [<!ENTITY y "z">]><ApiResponse Status="OK">&y;</ApiResponse>', "text/xml")
UTF16 = Answer(200, GOOD.decode().replace("utf-8", "utf-16").encode("utf-16"), "text/xml")
NO_STATUS = xml("<ApiResponse><Errors/><CommandResponse/></ApiResponse>")
BAD_STATUS = xml('<ApiResponse Status="ERROR"><Errors/><CommandResponse/></ApiResponse>')
TWICE = Answer(200, GOOD.replace(b"</CommandResponse>", b"<DomainDNSGetHostsResult/></CommandResponse>"), "text/xml")
OTHER_ROOT = xml("<Other Status='OK'/>")
ECHO = error("2030166", f"no right for {KEY}")
MANY = error("2016166", "Domain is not associated", "1016103", "UserName is unauthorized")

# what comes · how often the read is sent · waits in seconds · words of the sentence
READS = {
    "wrong key": ([error("1011102", "API Key is invalid")], 1, [], ["1011102", "the key is not that of sophia"]),
    "off the allow-list": (
        [error("1011150", "Invalid request IP: 203.0.113.7")],
        1,
        [],
        ["203.0.113.7, and that is not on the allow-list"],
    ),
    "off the allow-list without an address": (
        [error("1011150", "Invalid request IP")],
        1,
        [],
        ["an address that it does not tell"],
    ),
    "off the allow-list over IPv6": ([error("1011150", "IP: 2001:db8::7")], 1, [], ["from 2001:db8::7,"]),
    "bad client_ip": ([error("1011105", "Parameter ClientIP is invalid")], 1, [], ["Set client_ip", "not IPv6"]),
    "no permission": ([error("2030166", "Edit permission")], 1, [], ["no right to edit this domain"]),
    "not found": ([error("2019166", "Domain not found")], 1, [], ["the registered domain itself"]),
    "several errors": ([MANY], 1, [], ["2016166: Domain is not", "1016103: UserName", "user_name", "api_user"]),
    "an unknown number": ([error("2015280", "Odd")], 1, [], ["2015280: Odd", "no list"]),
    "HTTP 405": ([page(405)] * 9, 5, [10, 20, 40, 60], ["rate limit", "700 an hour", "run again later"]),
    "HTTP 429": ([page(429)] * 9, 5, [10, 20, 40, 60], ["rate limit"]),
    "HTTP 429 with a short wait": ([page(429, Retry_After="3")] * 9, 5, [3] * 4, ["rate limit", "asks to wait 3 s"]),
    "HTTP 429 with a long wait": ([page(429, Retry_After="900")], 1, [], ["asks to wait 900 s"]),
    "too many requests": ([error("500000", "Too many requests")] * 9, 5, [10, 20, 40, 60], ["rate limit"]),
    "HTTP 503": ([page(503)] * 9, 3, [2, 4], ["HTTP 503, an HTML page: Not now"]),
    "HTTP 400": ([page(400, "Bad Request")], 1, [], ["HTTP 400", "Bad Request", "api_url is not the address"]),
    "HTTP 404": ([Answer(404, b"nothing", "text/plain")], 1, [], ["HTTP 404, nothing"]),
    "a redirect": ([Answer(302, b"", headers={"Location": "http://127.0.0.1:9/"})], 1, [], ["HTTP 302"]),
    "HTML under 200": ([page(200, "Login")] * 9, 3, [2, 4], ["an HTML page: Login"]),
    "an empty body": ([Answer(200, b"")] * 9, 3, [2, 4], ["an empty body"]),
    "truncated XML": ([BROKEN] * 9, 3, [2, 4], ["cut off or broken"]),
    "a cut connection": ([CUT] * 9, 3, [2, 4], ["the answer was cut off after"]),
    "a closed connection": ([CLOSED] * 9, 3, [2, 4], ["closed the connection", "network of this machine"]),
    "a time-out": ([SILENT] * 9, 3, [2, 4], ["no answer within 0.05 s"]),
    "an entity": ([ENTITY], 1, [], ["document type or an entity"]),
    "UTF-16": ([UTF16] * 9, 3, [2, 4], ["not UTF-8"]),
    "another root": ([OTHER_ROOT] * 9, 3, [2, 4], ["not the API's"]),
    "no Status": ([NO_STATUS], 1, [], ["no Status"]),
    "a bad Status without an error": ([BAD_STATUS], 1, [], ["Status is 'ERROR'"]),
    "an outage": ([error("4023330", "Unable to get DNS hosts")] * 9, 3, [2, 4], ["outage at Namecheap"]),
    "an outage beside another error": ([error("4023330", "x", "2019166", "Domain not found")], 1, [], ["2019166"]),
    "two results": ([TWICE] * 9, 3, [2, 4], ["2 elements DomainDNSGetHostsResult"]),
    "an unhandled exception": ([error("5050900", "Unhandled exceptions")] * 9, 3, [2, 4], ["5050900"]),
    "bad input as an unhandled exception": ([error("5050900", "INVALID_NAME: x")], 1, [], ["INVALID_NAME: x"]),
    "an error that echoes the key": ([ECHO], 1, [], ["no right for ***"]),
    "a page that echoes the key": ([page(403, "x" * 145 + KEY)], 1, [], ["HTTP 403", "xxx*"]),
}


def sentence(call):
    """The error's text; the key is neither in it nor in what it was raised from."""
    with pytest.raises(NamecheapError) as raised:
        call()
    whole = "".join(traceback.format_exception(raised.type, raised.value, raised.value.__traceback__))
    for part in (KEY, KEY[:9], "s3cret%2B"):
        assert part not in whole
    return str(raised.value)


@pytest.mark.parametrize(("given", "count", "waits", "words"), READS.values(), ids=READS)
def test_reads_under_faults(given, count, waits, words):
    fake = fake_zone()
    fake.faults["getHosts"] = list(given)
    with fake.served() as address:
        found = client(address, timeout_seconds=0.05 if SILENT in given else 5)
        text = sentence(lambda: found.zone(DOMAIN))
    assert text.startswith("Reading the records of example.com at Namecheap failed: ")
    assert [word for word in words if word not in text] == [], text
    assert (len(fake.calls), found.calls, found.clock.waits) == (count, count, waits)


@pytest.mark.parametrize(
    "fault", [page(405), page(503), page(200), BROKEN, CUT, CLOSED, error("500000", "Too many requests")]
)
def test_a_read_succeeds_after_a_passing_fault(fault):
    fake = fake_zone()
    fake.faults["getHosts"] = [fault]
    with fake.served() as address:
        assert client(address).zone(DOMAIN).records == (Record("@", "TXT", "t"),)


def test_a_wrong_key_is_told():
    with fake_zone().served() as address:
        assert "the key is not that of sophia" in sentence(lambda: client(address, key="wr0ng").zone(DOMAIN))


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:1/xml.response", ["nothing listens on 127.0.0.1:1", "api_url"]),
        ("http://nowhere.invalid/xml.response", ["nowhere.invalid does not resolve"]),
        ("file:///etc/passwd", ["not an http or https one"]),
    ],
)
def test_an_api_that_cannot_be_reached(address, words):
    text = sentence(lambda: client(address).zone(DOMAIN))
    assert [word for word in words if word not in text] == [], text


NOT_WRITTEN = xml(
    '<ApiResponse Status="OK"><Errors/><CommandResponse><DomainDNSSetHostsResult Domain="example.com" '
    'IsSuccess="false"/></CommandResponse></ApiResponse>'
)
# what comes · whether the zone must be read again · whether the call did nothing · waits · words
WRITES = {
    "HTTP 405": (page(405), True, True, [10], ["rate limit turned it away"]),
    "HTTP 429": (page(429, Retry_After="7"), True, True, [7], ["rate limit turned it away"]),
    "too many requests": (error("500000", "Too many requests"), True, True, [10], ["rate limit turned it away"]),
    "HTTP 500": (page(500), True, False, [2], ["HTTP 500", "is not known"]),
    "HTML": (page(200), True, False, [2], ["an HTML page", "is not known"]),
    "a cut answer": (CUT, True, False, [2], ["cut off", "is not known"]),
    "a closed connection": (CLOSED, True, False, [2], ["closed the connection", "is not known"]),
    "a time-out": (SILENT, True, False, [2], ["no answer within", "is not known"]),
    "an entity": (ENTITY, True, False, [2], ["is not known"]),
    "another result": (xml(GOOD.decode().partition("?>")[2]), True, False, [2], ["no element", "is not known"]),
    "IsSuccess false": (NOT_WRITTEN, True, False, [2], ["IsSuccess is 'false'", "is not known"]),
    "an outage": (error("3031510", "Error From Enom"), True, False, [2], ["3031510"]),
    "an unhandled exception": (error("5050900", "Unknown exception"), True, False, [2], ["5050900"]),
    "a bad Status without an error": (BAD_STATUS, True, False, [2], ["Status is 'ERROR'"]),
    "bad input": (error("5050900", "INVALID_NAME: x"), False, False, [], ["INVALID_NAME: x"]),
    "bad input beside an outage": (error("5050900", "Unknown", "2019166", "no"), False, False, [], ["2019166: no"]),
    "too many records": (error("4013288", "Too many records"), False, False, [], ["150 records at most"]),
    "no permission": (error("2030166", "Edit permission"), False, False, [], ["no right"]),
    "HTTP 403": (page(403), False, False, [], ["HTTP 403"]),
}


@pytest.mark.parametrize(("fault", "reread", "not_done", "waits", "words"), WRITES.values(), ids=WRITES)
def test_a_write_is_sent_once_and_its_doubt_is_told(fault, reread, not_done, waits, words):
    fake = fake_zone()
    fake.faults["setHosts"] = [fault]
    with fake.served() as address, pytest.raises(NamecheapError) as raised:
        found = client(address, timeout_seconds=0.05 if fault is SILENT else 5)
        found.write(DOMAIN, [RECORD], "FWD")
    assert fake.commands() == ["setHosts"]
    assert (raised.value.reread, raised.value.not_done, found.clock.waits) == (reread, not_done, waits)
    assert [word for word in words if word not in str(raised.value)] == [], str(raised.value)


def test_a_write_that_was_not_sent_changed_nothing():
    with pytest.raises(NamecheapError, match=r"nothing listens .* Nothing was changed") as raised:
        client("http://127.0.0.1:1/").write(DOMAIN, [RECORD], "FWD")
    assert (raised.value.reread, raised.value.not_done) == (False, True)


def test_waits_for_the_rate_limit_are_few_in_a_run():
    fake = fake_zone()
    fake.faults["getHosts"] = [page(405), page(405), None, page(405), page(405), page(405)]
    with fake.served() as address:
        found = client(address)
        found.zone(DOMAIN)
        assert "rate limit" in sentence(lambda: found.zone(DOMAIN))
    assert found.clock.waits == [10, 20, 40, 60]


def test_a_call_is_a_form_and_nothing_else():
    fake = fake_zone()
    with fake.served() as address:
        client(address).write(DOMAIN, [RECORD, Record("@", "MXE", "192.0.2.1"), Record("x", "MX", "m.", 60, 5)], "MX")
    ((command, fields),) = fake.calls
    assert command == "namecheap.domains.dns.setHosts"
    assert fake.seen[0]["headers"]["Content-Type"] == "application/x-www-form-urlencoded"
    assert fields == {
        **{"ApiUser": "sophia", "ApiKey": KEY, "UserName": "sophia", "ClientIp": "127.0.0.1"},
        **{"SLD": "example", "TLD": "com", "EmailType": "MX"},
        **{"HostName1": "api", "RecordType1": "A", "Address1": "192.0.2.10", "MXPref1": "10", "TTL1": "1800"},
        **{"HostName2": "example.com", "RecordType2": "MXE", "Address2": "192.0.2.1", "MXPref2": "10", "TTL2": "1800"},
        **{"HostName3": "x", "RecordType3": "MX", "Address3": "m.", "MXPref3": "5", "TTL3": "60"},
    }


def test_name_servers_of_a_free_domain_come_from_another_command():
    fake = FakeNamecheap(example_com=FakeZone(name_servers=("ns1.example.org.", "NS2.example.org")))
    fake.faults["getList"] = [error("2019166", "no")]
    with fake.served() as address:
        assert client(address).name_servers(DOMAIN) == ["ns1.example.org", "ns2.example.org"]
    assert fake.commands() == ["getList", "getInfo"]


def test_the_mail_record_of_the_domain_itself_has_one_name():
    fake = FakeNamecheap(example_com=FakeZone([Host("example.com", "MXE", "192.0.2.1")], "MXE"))
    with fake.served() as address:
        (record,) = client(address).zone(DOMAIN).records
    assert record.pair == ("@", "MXE")


def test_warnings_of_the_api_are_kept():
    fake = fake_zone()
    fake.warnings = f"<Warning>odd {KEY}</Warning>"
    with fake.served() as address:
        found = client(address)
        found.write(DOMAIN, [RECORD], "FWD")
    assert found.warnings == ["odd ***"]


def test_the_key_is_in_no_representation():
    access = Access("http://a/", "u", KEY, "u", "127.0.0.1")
    assert KEY not in repr(access)
    assert KEY not in access.budget_name


@pytest.mark.parametrize(
    ("attribute", "words"),
    [
        ('Name="a" Type="A"', "lacks Name, Type or Address"),
        ('Name="a" Type="" Address="x"', "lacks Name, Type or Address"),
        ('Type="A" Address="x"', "lacks Name, Type or Address"),
        ('Name="a" Type="MX" Address="x"', "MXPref"),
        ('Name="a" Type="A" Address="x" TTL="²"', "TTL"),
    ],
)
def test_a_record_that_cannot_be_read_is_a_doubt(attribute, words):
    result = f'<DomainDNSGetHostsResult Domain="example.com" IsUsingOurDNS="true"><host {attribute}/>'
    body = f'<ApiResponse Status="OK"><Errors/><CommandResponse>{result}</DomainDNSGetHostsResult></CommandResponse>'
    with served({("POST", PATH): xml(body + "</ApiResponse>")}) as (port, seen):
        text = sentence(lambda: client(f"http://127.0.0.1:{port}{PATH}").zone(DOMAIN))
    assert words in text
    assert len(seen) == 1


def test_names_count_without_case_and_namespace():
    body = (
        '<?xml version="1.0" encoding="iso-8859-15"?><a:APIRESPONSE xmlns:a="urn:x" STATUS="ok"><a:errors/>'
        '<a:commandresponse><a:domaindnsgethostsresult domain="EXAMPLE.com" emailtype="MX" isusingourdns="True">'
        '<a:HOST name="WWW" type="cname" address="é.example." /></a:domaindnsgethostsresult></a:commandresponse>'
        "</a:APIRESPONSE>"
    )
    with served({("POST", PATH): Answer(200, b"\xef\xbb\xbf" + body.encode(), "text/xml")}) as (port, _seen):
        zone = client(f"http://127.0.0.1:{port}{PATH}").zone(DOMAIN)
    assert (zone.email_type, zone.is_at_namecheap) == ("MX", True)
    assert zone.records == (Record("www", "CNAME", "é.example."),)


@pytest.mark.parametrize(
    "number", ["1010101", "1016103", "2016166", "2030288", "3013288", "4011103", "4022328", "5019169", "5050900", "4"]
)
def test_numbers_of_the_reference_have_advice(number):
    assert "in no list" not in advice([number], "text", "sophia", "")
