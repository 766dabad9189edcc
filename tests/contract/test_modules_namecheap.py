"""The modules for Namecheap against the simulated one of other hands: a zone ends as it was, or as asked for."""

import time

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.modules import namecheap_dns, namecheap_dns_info
from module_runs import run as run_module

KEY = "nc+key/of=the lab&0123456789"
GET, SET = "getHosts", "setHosts"
WROTE = [GET, SET, GET]


def host(name, kind, address, ttl=1800, **more):
    return {"name": name, "type": kind, "address": address, "ttl": ttl, **more}


def record(name, kind, value, ttl_seconds=1800, **more):
    return {"name": name, "type": kind, "value": value, "ttl_seconds": ttl_seconds, **more}


MX1, MX2 = (host("@", "MX", f"mx{number}.example.net.", 3600, mx_pref=number * 5) for number in (1, 2))
FOREIGN = [
    MX1,
    MX2,
    host("@", "TXT", "v=spf1 include:_spf.example.net -all", 1799),
    host("@", "TXT", "google-site-verification=a+b/c==&<>"),
    host("@", "CAA", '128 issue "letsencrypt.org"'),
    host("_dmarc", "TXT", "v=DMARC1; p=none", 300),
    host("www", "CNAME", "target.example.net.", 600),
    host("six", "AAAA", "2001:db8::1"),
    host("go", "URL301", "https://example.net/?a=1&b=2"),
]
OLD = [*FOREIGN, host("api", "A", "192.0.2.1", 300)]
API, LAB = record("api", "A", "192.0.2.10", 300), record("lab", "A", "192.0.2.11")
ASKED = [API, LAB]
NEW = [*FOREIGN, host("api", "A", "192.0.2.10", 300), host("lab", "A", "192.0.2.11")]


class CloudClock(Clock):
    """Waiting lets time pass in the cloud, takes none here, and does once what was ordered for the next wait."""

    def __init__(self, cloud):
        super().__init__(lambda: self.now, self._pass)
        self.cloud, self.now, self.order = cloud, 1000.0, None

    def _pass(self, seconds):
        self.now += seconds
        self.cloud.advance(seconds)
        order, self.order = self.order, None
        if order:
            order()


@pytest.fixture
def clock(cloud):
    return CloudClock(cloud)


@pytest.fixture
def run(cloud, clock, monkeypatch, capsys, tmp_path):
    """Run a module; the key is in nothing that it said."""
    cloud.control("namecheap/account", {"user": "sophia", "key": KEY})
    for name in ("NAMECHEAP_API_USER", "NAMECHEAP_API_KEY", "NAMECHEAP_CLIENT_IP", "NAMECHEAP_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")  # certificates of all the world cost 20 ms a call

    def run_against(module=namecheap_dns, check=False, **options):
        clock.now += 60
        cloud.forget_calls()
        given = {"domain": "example.com", "api_user": "sophia", "api_key": KEY, "client_ip": "127.0.0.1"}
        given = {**given, "api_url": cloud.urls["namecheap"], **options}
        done = run_module(lambda: module.main(clock), monkeypatch, capsys, check=check, **given)
        told = done.said + str(done.warnings)
        assert all(text not in told for text in (KEY, "nc%2Bkey", "Traceback"))
        assert done.result["calls"] == arrived(cloud, done.result["calls"])
        return done.result

    return run_against


@pytest.fixture
def zone(cloud):
    """Put a zone there, in the place of the one before."""

    def made(hosts=OLD, name="example.com", email_type="MX", **more):
        given = {"name": name, "email_type": email_type, "records": hosts, **more}
        cloud.control("namecheap/domain", given)

    return made


def commands(cloud):
    return [call["command"].rpartition(".")[2] for call in cloud.calls("namecheap")]


def arrived(cloud, count):
    """How many calls the cloud has done with; one that it is slow with comes later."""
    for _try in range(100):
        if len(commands(cloud)) >= count:
            break
        time.sleep(0.05)
    return len(commands(cloud))


def shown(cloud, domain="example.com"):
    return sorted(line(found) for found in cloud.control("namecheap/zone", {"domain": domain}))


def lines(hosts):
    return sorted(line({"mx_pref": 10, "ddns": False, **given}) for given in hosts)


def line(found):
    ttl = 1800 if found["ttl"] == 1799 else found["ttl"]  # the same to Namecheap (reference §7)
    mail = f" {found['mx_pref']}" if found["type"] == "MX" else ""
    return f"{found['name']} {ttl} {found['type']}{mail} {found['address']}{' DDNS' if found['ddns'] else ''}"


def email_type(cloud, domain="example.com"):
    return next(each["email_type"] for each in cloud.control("namecheap/domains", {}) if each["name"] == domain)


def knobs(cloud, **given):
    cloud.control("namecheap/knobs", given)


def is_sentence(message, *words):
    """A message for people: what was tried, on which domain, and these words."""
    for word in (*words, "example.com"):
        assert word in message, message
    assert message.endswith(".") and "Error(" not in message and len(message) < 900


# --- faults of every kind, on the read and on the write of a change ---

FAULTS = {
    "503": ("status", {"status": 503}),
    "500 carried out": ("status", {"status": 500, "carried_out": True}),
    "405": ("status", {"status": 405, "body": "<html>Not Allowed</html>", "content_type": "text/html"}),
    "429": ("status", {"status": 429}),
    "429 with a wait": ("status", {"status": 429, "headers": {"Retry-After": "7"}}),
    "slow": ("slow", {"seconds": 0.02}),
    "cut before": ("cut_before", {}),
    "cut after": ("cut_after", {}),
    "truncated": ("truncate", {}),
    "gateway's page": ("html", {}),
    "gateway's page, carried out": ("html", {"carried_out": True}),
    "login page": ("html", {"status": 200}),
    "login page, carried out": ("html", {"status": 200, "carried_out": True}),
    "garbage": ("garbage", {}),
    "garbage, carried out": ("garbage", {"carried_out": True}),
    "no result": (
        "status",
        {"status": 200, "body": '<ApiResponse Status="OK"><Errors/><CommandResponse/></ApiResponse>'},
    ),
    "nothing": ("status", {"status": 200, "body": "", "carried_out": True}),
}
CARRIED_OUT = {name for name, (kind, more) in FAULTS.items() if more.get("carried_out") or kind[:4] in ("slow", "trun")}
CARRIED_OUT |= {"cut after"}
TOO_MANY = ("405", "429", "429 with a wait")


@pytest.mark.parametrize("command", [GET, SET])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_is_survived(cloud, zone, run, fault, command):
    zone()
    kind, more = FAULTS[fault]
    cloud.fault("namecheap", kind, command=command, **more)
    result = run(records=ASKED)
    assert "msg" not in result and result["changed"]
    assert shown(cloud) == lines(NEW) and email_type(cloud) == "MX"
    if command == SET:
        repeated = [] if fault in CARRIED_OUT else [SET, GET]
        assert commands(cloud) == [*WROTE, *repeated]
    assert (run(records=ASKED)["changed"], commands(cloud)) == (False, [GET])


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "slow"])
def test_a_read_that_never_works_is_followed_by_no_write(cloud, zone, run, fault):
    zone()
    kind, more = FAULTS[fault]
    cloud.fault("namecheap", kind, count=-1, command=GET, **more)
    result = run(records=ASKED)
    why = "the rate limit of this key is used up" if fault in TOO_MANY else ""
    is_sentence(result["msg"], "Reading the records of example.com at Namecheap failed", why)
    assert not result["changed"] and shown(cloud) == lines(OLD)
    assert set(commands(cloud)) == {GET} and len(commands(cloud)) == (5 if fault in TOO_MANY else 3)


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in CARRIED_OUT])
def test_a_write_that_never_works_leaves_the_zone_as_it_was(cloud, zone, run, fault):
    zone()
    kind, more = FAULTS[fault]
    cloud.fault("namecheap", kind, count=-1, command=SET, **more)
    result = run(records=ASKED)
    if fault in TOO_MANY:
        words = ["Writing the records of example.com", "the rate limit of this key is used up", "run again later"]
    else:
        words = ["After 3 writes the zone example.com is not as asked for", "api A 192.0.2.10 is missing"]
        words += ["lab A 192.0.2.11 is missing", "Last error: Writing the records of example.com"]
    is_sentence(result["msg"], *words)
    assert shown(cloud) == lines(OLD) and email_type(cloud) == "MX"


@pytest.mark.parametrize("fault", sorted(CARRIED_OUT - {"slow"}))
def test_a_write_that_always_loses_its_answer_is_not_repeated(cloud, zone, run, fault):
    zone()
    kind, more = FAULTS[fault]
    cloud.fault("namecheap", kind, count=-1, command=SET, **more)
    assert run(records=ASKED)["changed"]
    assert commands(cloud) == WROTE and shown(cloud) == lines(NEW)


@pytest.mark.parametrize("command", [GET, SET])
def test_what_is_slower_than_the_timeout_is_survived(cloud, zone, run, command):
    zone()
    cloud.fault("namecheap", "slow", seconds=1.1, command=command)
    assert run(records=ASKED, timeout_seconds=1)["changed"] and shown(cloud) == lines(NEW)


@pytest.mark.parametrize("fault", ["cut after", "gateway's page, carried out", "truncated"])
def test_a_zone_that_cannot_be_read_after_a_lost_answer_is_left_to_the_next_run(cloud, clock, zone, run, fault):
    zone()
    kind, more = FAULTS[fault]
    cloud.fault("namecheap", kind, command=SET, **more)
    clock.order = lambda: cloud.fault("namecheap", "cut_before", count=3, command=GET)
    result = run(records=ASKED)
    is_sentence(
        result["msg"], "Writing the records of", "is not known", "Then: Reading the records", "Run again: it reads"
    )
    assert result["changed"] and shown(cloud) == lines(NEW)
    assert not run(records=ASKED)["changed"]


def test_the_limit_of_calls_a_minute_is_waited_out(cloud, zone, run):
    zone()
    knobs(cloud, calls_per_minute=2)
    assert run(records=ASKED)["changed"] and shown(cloud) == lines(NEW)
    assert [call["status"] for call in cloud.calls("namecheap")].count(405) >= 2


# --- switches that stand for what is not known of the real service ---

PREFERENCE = [record("@", "MX", "mx1.example.net", 3600, mx_preference=30), record("@", "MX", "mx2.example.net", 3600)]
SETTINGS = {
    "namespace": {"https_namespace": True},
    "upper host": {"upper_host": True},
    "title booleans": {"title_booleans": True},
    "an unknown attribute": {"extra_attribute": True},
    "renumbered": {"renumber": True},
    "not sticky": {"sticky": False},
    "last duplicate wins": {"last_duplicate_wins": True},
    "MX needs its dot": {"mx_needs_dot": True},
    "no EmailType would mean NONE": {"omitted_email_type_becomes_none": True},
    "a write is not done once": {"unsuccessful_write_calls": 1},
    "a write is not done twice": {"unsuccessful_write_calls": 2},
    "a result is missing": {"missing_result_calls": 1},
    "two results are missing": {"missing_result_calls": 2},
    "an outage at the read": {"fail": {"number": 5050900, "command": f"namecheap.domains.dns.{GET}", "calls": 2}},
    "an outage at the write": {"fail": {"number": 5050900, "command": f"namecheap.domains.dns.{SET}", "calls": 2}},
    "an outage after the write": {
        "fail": {"number": 5050900, "command": f"namecheap.domains.dns.{SET}"},
        "fail_after": True,
    },
    "an upstream outage": {"fail": {"number": 3031510, "text": "Error From Enom", "calls": 2}},
    "all at once": {
        **{name: True for name in ("https_namespace", "upper_host", "title_booleans", "renumber", "mx_needs_dot")},
        **{"last_duplicate_wins": True, "unsuccessful_write_calls": 1, "missing_result_calls": 1},
    },
}


@pytest.mark.parametrize("case", SETTINGS)
def test_either_reading_of_the_service_gives_the_same_zone(cloud, zone, run, case):
    zone()
    knobs(cloud, **SETTINGS[case])
    mail = record("@", "MX", "mx3.example.net", mx_preference=40)
    result = run(records=[*ASKED, mail], check=True)
    assert result["changed"] and shown(cloud) == lines(OLD)
    result = run(records=[*ASKED, mail], owner="prod", max_deletions=2)
    assert "msg" not in result
    own = host("_owned.prod", "TXT", "sophia-owned: @/MX api/A lab/A")
    wanted = [each for each in NEW if each["type"] != "MX"] + [host("@", "MX", "mx3.example.net.", mx_pref=40), own]
    assert shown(cloud) == lines(wanted) and email_type(cloud) == "MX"
    assert (run(records=[*ASKED, mail], owner="prod")["changed"], commands(cloud)) == (False, [GET])


@pytest.mark.parametrize("two_phase", [False, True])
@pytest.mark.parametrize("sticky", [False, True])
@pytest.mark.parametrize("of", ["preference", "flag"])
def test_what_a_write_ignores_is_refused_or_done_in_two(cloud, zone, run, of, sticky, two_phase):
    zone()
    knobs(cloud, sticky=sticky)
    caa = record("@", "CAA", '0 issue "letsencrypt.org"')
    asked = [caa] if of == "flag" else [*PREFERENCE]
    wanted = {"CAA": "0 issue"} if of == "flag" else {"MX 30": "mx1"}
    result = run(records=asked, two_phase=two_phase)
    if not two_phase:
        is_sentence(
            result["msg"], "Namecheap ignores a change of only an MX preference or a CAA flag", "two_phase: true"
        )
        assert shown(cloud) == lines(OLD) and commands(cloud) == [GET]
        return
    assert "msg" not in result and commands(cloud) == [GET, SET, GET, SET, GET]
    for kind, value in wanted.items():
        assert any(f" {kind} {value}" in text for text in shown(cloud))
    untouched = [each for each in OLD if each["type"] != ("CAA" if of == "flag" else "MX")]
    assert set(lines(untouched)) < set(shown(cloud)) and len(shown(cloud)) == len(OLD)
    assert not run(records=asked, two_phase=two_phase)["changed"]


REFUSED = {
    "no EmailType": ({"hide_email_type": True}, ("did not tell the zone's EmailType", "run again later")),
    "SRV in the list": ({"srv_in_get_hosts": True}, ("Writing the records of example.com", "5050900", "RecordType")),
    "never done": ({"unsuccessful_write_calls": 9}, ("After 3 writes the zone", "IsSuccess is 'false' although")),
    "never a result": ({"missing_result_calls": 9}, ("Reading the records", "it holds no element")),
    "not ours": (
        {
            "fail": {
                "number": 2019166,
                "text": "The domain (example.com) doesn't seem to be associated with your account.",
            }
        },
        ("Reading the records of example.com", "2019166", "Check that domain is the registered domain itself"),
    ),
    "address at the read": (
        {"fail": {"number": 1011150, "text": "Invalid request IP: 203.0.113.7"}},
        ("Namecheap saw the call come from 203.0.113.7", "allow-list of the account sophia"),
    ),
    "address at the write": (
        {
            "fail": {
                "number": 1011150,
                "text": "Invalid request IP: 203.0.113.7",
                "command": f"namecheap.domains.dns.{SET}",
            }
        },
        ("Writing the records of example.com", "Namecheap saw the call come from 203.0.113.7"),
    ),
    "no right": (
        {"fail": {"number": 2030166, "text": "Edit permission for domain is not supported"}},
        ("2030166", "no right to edit this domain"),
    ),
    "bad input": (
        {"fail": {"number": 5050900, "text": "INVALID_NAME: x", "command": f"namecheap.domains.dns.{SET}", "calls": 9}},
        ("Writing the records of example.com", "5050900: INVALID_NAME: x"),
    ),
    "an outage of all reads": ({"fail": {"number": 5050900, "calls": 9}}, ("5050900: Unknown exceptions", "run again")),
    "an outage of all writes": (
        {"fail": {"number": 5050900, "calls": 9, "command": f"namecheap.domains.dns.{SET}"}},
        ("After 3 writes", "5050900: Unknown exceptions"),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_told_in_a_sentence_and_changes_nothing(cloud, zone, run, case):
    zone()
    given, words = REFUSED[case]
    knobs(cloud, **given)
    result = run(records=ASKED)
    is_sentence(result["msg"], *words)
    assert shown(cloud) == lines(OLD) and email_type(cloud) == "MX"
    knobs(cloud, reset=True)
    assert run(records=ASKED)["changed"] and shown(cloud) == lines(NEW)


@pytest.mark.parametrize("case", [{"hide_email_type": True}, {"srv_in_get_hosts": True}])
def test_a_zone_that_is_right_is_not_complained_about(cloud, zone, run, case):
    zone(NEW)
    knobs(cloud, **case)
    assert (run(records=ASKED)["changed"], commands(cloud)) == (False, [GET])


@pytest.mark.parametrize("kind", ["CAA", "A", "MX"])
def test_records_that_the_service_does_not_store_are_told(cloud, zone, run, kind):
    zone()
    knobs(cloud, drop_types_on_write=[kind])
    result = run(records=ASKED)
    words = ["api A 192.0.2.10 is missing"] if kind == "A" else ["which was to be kept", f"IN {kind} "]
    is_sentence(result["msg"], *words)
    assert result["changed"] and set(shown(cloud)) == {text for text in lines(NEW) if f" {kind} " not in text}


def test_a_second_writer_before_and_after_our_write(cloud, zone, run):
    zone()
    late = host("late", "A", "192.0.2.99")
    knobs(cloud, second_writer={"domain": "example.com", "records": [late], "times": 2})
    assert run(records=ASKED)["changed"] and shown(cloud) == lines([*NEW, late])
    rival = host("api", "A", "192.0.2.66")
    zone()
    clash = {"domain": "example.com", "records": [rival], "times": 1}
    knobs(cloud, reset=True, second_writer=clash)
    assert run(records=ASKED)["changed"] and shown(cloud) == lines(NEW)


@pytest.mark.parametrize("readable", [False, True])
def test_a_domain_on_other_name_servers_is_refused_by_their_names(cloud, zone, run, readable):
    zone([], using_our_dns=False, nameservers=["ns1.example.net", "ns2.example.net"])
    knobs(cloud, custom_ns_is_readable=readable)
    result = run(records=ASKED)
    is_sentence(result["msg"], "is not on Namecheap's name servers but on ns1.example.net, ns2.example.net")
    assert commands(cloud) == [GET, "getList"]
    info = run(namecheap_dns_info)
    assert (info["is_at_namecheap"], info["name_servers"]) == (False, ["ns1.example.net", "ns2.example.net"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"api_key": "wrong"}, ("1011102", "the key is not that of sophia")),
        ({"user_name": "other"}, ("1016103", "Check api_user and user_name")),
        ({"domain": "api.example.com"}, ("2019166", "Check that domain is the registered domain itself")),
        ({"client_ip": "192.0.2.77"}, ("1011150", "Namecheap saw the call come from 192.0.2.77")),
    ],
)
def test_what_the_account_refuses_is_told_in_a_sentence(cloud, zone, run, options, words):
    zone()
    cloud.control("namecheap/account", {"user": "sophia", "key": KEY, "addresses": ["127.0.0.1"]})
    is_sentence(run(records=ASKED, **options)["msg"], *words)
    assert shown(cloud) == lines(OLD) and commands(cloud) == [GET]


# --- foreign records and seeds ---


def test_dynamic_dns_is_switched_off_only_when_told(cloud, run):
    cloud.control("namecheap/seed", {"name": "ddns", "domain": "example.com"})
    before = shown(cloud)
    result = run(records=ASKED)
    is_sentence(result["msg"], "switches Dynamic DNS off for home A 192.0.2.10", "accept_ddns_loss: true")
    assert shown(cloud) == before and commands(cloud) == [GET]
    assert run(records=ASKED, accept_ddns_loss=True)["changed"]
    assert len(shown(cloud)) == 4 and not any("DDNS" in text for text in shown(cloud))


def test_parking_records_stay_until_they_are_removed(cloud, run):
    cloud.control("namecheap/seed", {"name": "parking", "domain": "example.com"})
    parking = shown(cloud)
    assert run(records=ASKED)["changed"] and set(parking) < set(shown(cloud))
    refused = run(records=[record("www", "A", "192.0.2.10")])
    is_sentence(refused["msg"], "www CNAME parkingpage.namecheap.com. is the parking record of a new domain")
    gone = [{"name": "www", "type": "CNAME", "value": "parkingpage.namecheap.com"}]
    gone += [{"name": "@", "type": "URL", "value": "http://www.example.com/"}]
    assert run(records=gone, state="absent")["changed"] and not set(parking) & set(shown(cloud))


@pytest.mark.parametrize(
    ("seed", "domain"),
    [
        ("fwd", "example.com"),
        ("mx", "example.com"),
        ("ox", "example.com"),
        ("shared", "example.com"),
        ("co.uk", "a.co.uk"),
    ],
)
def test_what_a_zone_has_stays_and_so_does_its_mail(cloud, run, seed, domain):
    cloud.control("namecheap/seed", {"name": seed, "domain": domain})
    before, mail = shown(cloud, domain), email_type(cloud, domain)
    assert run(domain=domain, records=ASKED)["changed"] and commands(cloud) == WROTE
    assert set(shown(cloud, domain)) == {*before, "api 300 A 192.0.2.10", "lab 1800 A 192.0.2.11"}
    assert email_type(cloud, domain) == mail


def test_mail_that_would_not_be_stored_is_refused(cloud, run):
    cloud.control("namecheap/seed", {"name": "fwd", "domain": "example.com"})
    before, mail = shown(cloud), [record("@", "MX", "mx1.example.net", mx_preference=5)]
    is_sentence(run(records=mail)["msg"], "MX records are not stored in a zone whose EmailType is FWD")
    assert shown(cloud) == before
    assert run(records=mail, email_type="MX")["changed"]
    assert "@ 1800 MX 5 mx1.example.net." in shown(cloud) and email_type(cloud) == "MX"


def test_a_full_zone_takes_no_more(cloud, run):
    cloud.control("namecheap/seed", {"name": "full150", "domain": "example.com"})
    before = shown(cloud)
    is_sentence(run(records=[LAB])["msg"], "the zone would have 151 records, and Namecheap takes 150")
    assert shown(cloud) == before
    assert run(records=[record("host-001", "A", "203.0.113.1")])["changed"] and len(shown(cloud)) == 150


# --- calls, owners ---


@pytest.mark.parametrize("owner", [None, "prod"])
def test_a_hundred_changes_cost_three_calls_and_none_costs_one(cloud, zone, run, owner):
    zone([*FOREIGN, *[host(f"h{number}", "A", "192.0.2.1") for number in range(100)]])
    wanted = [record(f"h{number}", "A", "192.0.2.2") for number in range(100)]
    more = {"owner": owner} if owner else {}
    checked = run(records=wanted, check=True, **more)
    assert commands(cloud) == [GET]
    done = run(records=wanted, **more)
    assert commands(cloud) == WROTE and checked["diff"] == done["diff"] and checked["changes"] == done["changes"]
    assert sum(" A 192.0.2.2" in text for text in shown(cloud)) == 100 and set(lines(FOREIGN)) < set(shown(cloud))
    assert (run(records=wanted, **more)["changed"], commands(cloud)) == (False, [GET])


def test_two_owners_share_a_zone(cloud, zone, run):
    zone()
    run(records=[API], owner="prod")
    run(records=[LAB, record("@", "TXT", "of staging")], owner="staging")
    both = [*NEW, host("@", "TXT", "of staging"), host("_owned.prod", "TXT", "sophia-owned: api/A")]
    entry = next(each["address"] for each in zone_of(cloud) if each["name"] == "_owned.staging")
    assert shown(cloud) == lines([*both, host("_owned.staging", "TXT", entry)])
    before = shown(cloud)
    refused = run(records=[{**API, "value": "192.0.2.66"}, LAB], owner="staging")
    is_sentence(refused["msg"], "by the owner staging, but it belongs to the owner prod")
    is_sentence(run(records=[{**LAB, "value": "192.0.2.66"}])["msg"], "belongs to the owner staging")
    assert shown(cloud) == before
    moved = record("v2", "A", "192.0.2.10", 300)
    assert run(records=[moved], owner="prod")["changed"] and commands(cloud) == WROTE
    wanted = [each for each in both if each["name"] not in ("api", "_owned.prod")]
    wanted += [host("v2", "A", "192.0.2.10", 300), host("_owned.prod", "TXT", "sophia-owned: v2/A")]
    assert shown(cloud) == lines([*wanted, host("_owned.staging", "TXT", entry)])
    assert run(namecheap_dns_info)["owners"]["prod"] == ["v2/A"]
    run(records=[], owner="prod")
    run(records=[], owner="staging")
    assert shown(cloud) == lines(FOREIGN)


def zone_of(cloud):
    return cloud.control("namecheap/zone", {"domain": "example.com"})
