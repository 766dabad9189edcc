"""The modules namecheap_dns and namecheap_dns_info as Ansible runs them, and what keeps runs apart."""

from __future__ import annotations

import fcntl

import pytest
import yaml
from ansible_collections.sophia.platform.plugins.doc_fragments.namecheap import ModuleDocFragment
from ansible_collections.sophia.platform.plugins.module_utils.namecheap import lock, pace
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.errors import NamecheapError
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.pace import Pace
from ansible_collections.sophia.platform.plugins.modules import namecheap_dns, namecheap_dns_info
from fake_web import Answer
from namecheap_fake import KEY, FakeNamecheap, FakeZone, Host, error, run_module, ticking

API = {"name": "api", "type": "A", "value": "192.0.2.10", "ttl_seconds": 300}
CLOSED = Answer(raw=b"")


@pytest.fixture(autouse=True)
def cache(monkeypatch, tmp_path):
    for name in ("NAMECHEAP_API_USER", "NAMECHEAP_API_KEY", "NAMECHEAP_CLIENT_IP", "NAMECHEAP_API_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")  # certificates of all the world cost 20 ms a call
    return tmp_path


def account(*hosts, **more):
    return FakeNamecheap(example_com=FakeZone(list(hosts) or [Host("@", "TXT", "t")], **more))


def shown(fake):
    return sorted(f"{host.name} {host.type} {host.address} {host.ttl}" for host in fake.zones["example.com"].hosts)


def test_a_change_costs_three_calls_and_its_repetition_one():
    fake = account()
    with fake.served() as address:
        first = run_module(namecheap_dns, address, records=[API])
        second = run_module(namecheap_dns, address, records=[API])
    assert (first["changed"], first["calls"], first["email_type"]) == (True, 3, "NONE")
    assert first["changes"] == [{"action": "add", **API}]
    assert first["diff"] == {
        "before": '; example.com: EmailType NONE\n@ 1800 IN TXT "t"\n',
        "after": '; example.com: EmailType NONE\n@ 1800 IN TXT "t"\napi 300 IN A 192.0.2.10\n',
    }
    assert (second["changed"], second["calls"], second["changes"]) == (False, 1, [])
    assert second["diff"]["before"] == second["diff"]["after"] == first["diff"]["after"]
    text = {"name": "@", "type": "TXT", "value": "t", "ttl_seconds": 1800}
    assert second["records"] == first["records"] == [text, API]
    assert fake.commands() == ["getHosts", "setHosts", "getHosts", "getHosts"]


def test_a_hundred_changed_records_cost_three_calls():
    fake = account(*[Host(f"h{number}", "A", "192.0.2.1") for number in range(100)], Host("@", "TXT", "t"))
    wanted = [{"name": f"h{number}", "type": "A", "value": "192.0.2.2"} for number in range(100)]
    with fake.served() as address:
        result = run_module(namecheap_dns, address, records=wanted)
    assert (result["changed"], result["calls"], len(result["changes"])) == (True, 3, 200)
    assert fake.commands() == ["getHosts", "setHosts", "getHosts"]
    assert sum(" A 192.0.2.2 " in host for host in shown(fake)) == 100
    assert "@ TXT t 1800" in shown(fake)


def test_check_mode_tells_the_same_with_one_call_and_no_lock(cache):
    fake = account()
    with fake.served() as address:
        told = run_module(namecheap_dns, address, check_mode=True, records=[API], owner="prod")
        assert fake.commands() == ["getHosts"]
        assert not list(cache.rglob("*.lock"))
        done = run_module(namecheap_dns, address, records=[API], owner="prod")
    for name in ("changed", "changes", "diff", "email_type", "records"):
        assert told[name] == done[name]
    assert told["calls"] == 1


def test_a_route_that_moves_takes_its_record_along_in_one_write():
    fake = account(Host("mail", "A", "192.0.2.99"))
    with fake.served() as address:
        run_module(namecheap_dns, address, records=[API], owner="prod")
        run_module(namecheap_dns, address, records=[{**API, "name": "lab"}], owner="staging")
        moved = run_module(namecheap_dns, address, records=[{**API, "name": "v2"}], owner="prod")
        taken = run_module(
            namecheap_dns, address, records=[{**API, "value": "192.0.2.11", "name": "v2"}], owner="staging"
        )
    assert moved["calls"] == 3
    assert shown(fake) == [
        "_owned.prod TXT sophia-owned: v2/A 1800",
        "_owned.staging TXT sophia-owned: lab/A 1800",
        "lab A 192.0.2.10 300",
        "mail A 192.0.2.99 1800",
        "v2 A 192.0.2.10 300",
    ]
    assert "by the owner staging, but it belongs to the owner prod" in taken["msg"]


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_write_that_was_cut_is_read_and_not_just_sent_again(carried_out):
    fake = account()

    def cut(fields):
        if carried_out:
            fake.do_setHosts("example.com", fake.zones["example.com"], fields)
        return CLOSED

    fake.faults["setHosts"] = [cut]
    with fake.served() as address:
        result = run_module(namecheap_dns, address, records=[API])
    assert result["changed"]
    assert shown(fake) == ["@ TXT t 1800", "api A 192.0.2.10 300"]
    again = [] if carried_out else ["setHosts", "getHosts"]
    assert fake.commands() == ["getHosts", "setHosts", "getHosts", *again]


def test_another_record_lost_by_a_write_that_was_cut_is_told():
    fake = account(Host("@", "TXT", "t"), Host("s", "SRV", "1 2 3 a."))
    fake.drops = lambda host: host.type == "SRV"
    fake.faults["setHosts"] = [
        lambda fields: fake.do_setHosts("example.com", fake.zones["example.com"], fields) and CLOSED
    ]
    with fake.served() as address:
        result = run_module(namecheap_dns, address, records=[API])
    assert result["changed"]
    assert "s 1800 IN SRV 1 2 3 a." in result["msg"]


def test_a_write_whose_outcome_cannot_be_read_says_to_run_again():
    fake = account()
    fake.faults.update(setHosts=[CLOSED], getHosts=[None, *[CLOSED] * 3])
    with fake.served() as address:
        result = run_module(namecheap_dns, address, records=[API])
    assert (result["failed"], result["changed"]) == (True, True)
    for word in ("is not known", "Then: Reading the records", "Run again: it reads the zone first"):
        assert word in result["msg"]


def test_the_second_of_two_writes_that_fails_says_what_is_missing():
    fake = account(Host("@", "MX", "mx1.example.net.", pref="5"), Host("@", "TXT", "t"), email_type="MX")
    fake.faults["setHosts"] = [None, error("2030166", "Edit permission")]
    wanted = [{"name": "@", "type": "MX", "value": "mx1.example.net", "mx_preference": 20}]
    with fake.served() as address:
        result = run_module(namecheap_dns, address, records=wanted, two_phase=True)
        assert (result["failed"], result["changed"]) == (True, True)
        assert "no right" in result["msg"]
        assert "@ MX 20 mx1.example.net. is missing from the zone now; run again soon" in result["msg"]
        repaired = run_module(namecheap_dns, address, records=wanted)
    assert (repaired["calls"], repaired["records"][0]["mx_preference"]) == (3, 20)


def test_two_writes_belong_to_one_change():
    fake = account(Host("@", "MX", "mx1.example.net.", pref="5"), email_type="MX")
    wanted = [{"name": "@", "type": "MX", "value": "mx1.example.net", "mx_preference": 20}]
    with fake.served() as address:
        result = run_module(namecheap_dns, address, records=wanted, two_phase=True)
    (change,) = result["changes"]
    assert (change["action"], change["mx_preference"], change["before"]["mx_preference"]) == ("change", 20, 5)
    assert result["calls"] == 5


def test_a_challenge_that_its_client_takes_out_meanwhile_is_no_loss():
    fake = account(Host("@", "TXT", "t"), Host("_acme-challenge.x", "TXT", "token"))

    def clean(zone):
        zone.hosts = [host for host in zone.hosts if not host.name.startswith("_acme")]

    fake.after_write = clean
    with fake.served() as address:
        result = run_module(namecheap_dns, address, records=[API])
    assert (result["changed"], result["calls"], "failed" in result) == (True, 3, False)


def test_mail_settings_that_someone_changes_meanwhile_are_told():
    fake = account(email_type="FWD")
    fake.after_write = lambda zone: setattr(zone, "email_type", "MX")
    with fake.served() as address:
        result = run_module(namecheap_dns, address, records=[API])
    assert "have EmailType MX where FWD was" in result["msg"]


def test_mail_settings_that_are_asked_for_are_written_again():
    fake = account(email_type="FWD")
    fake.after_write = lambda zone: setattr(zone, "email_type", "FWD")
    with fake.served() as address:
        result = run_module(namecheap_dns, address, email_type="MX")
    assert (result["email_type"], result["calls"], len(result["changes"])) == ("MX", 5, 1)


def test_writes_that_are_turned_away_are_no_lost_updates():
    fake, clock = account(), ticking()
    fake.faults["setHosts"] = [Answer(405)] * 4
    with fake.served() as address:
        result = run_module(namecheap_dns, address, clock, records=[API])
    assert (result["changed"], "failed" in result, result["calls"]) == (True, False, 11)
    assert clock.waits == [10, 20, 40, 60]


def test_writes_that_are_turned_away_for_good_change_nothing():
    fake = account()
    fake.faults["setHosts"] = [Answer(405)] * 9
    with fake.served() as address:
        result = run_module(namecheap_dns, address, records=[API])
    assert (result["changed"], result["failed"]) == (False, True)
    assert "rate limit" in result["msg"]
    assert fake.commands().count("setHosts") == 5


def test_the_second_of_two_writes_has_retries_of_its_own():
    fake = account(Host("@", "MX", "mx1.example.net.", pref="5"), email_type="MX")
    fake.faults["setHosts"] = [CLOSED, CLOSED, None, CLOSED, CLOSED]
    wanted = [{"name": "@", "type": "MX", "value": "mx1.example.net", "mx_preference": 20}]
    with fake.served() as address:
        result = run_module(namecheap_dns, address, records=wanted, two_phase=True)
    assert (result["records"][0]["mx_preference"], fake.commands().count("setHosts")) == (20, 6)


def test_a_read_leaves_room_for_the_write_that_follows_it():
    fake, clock = account(), ticking()
    waited = []
    fake.before_write = lambda _zone: waited.extend(clock.waits)
    with fake.served() as address:
        run_module(namecheap_dns, address, clock, records=[API], calls_per_minute=1)
        assert (waited, [round(seconds) for seconds in clock.waits]) == ([], [60])
        clock = ticking()
        clock.waits.append(1000)
        run_module(namecheap_dns, address, clock, records=[{**API, "name": "b"}], calls_per_minute=3)
    assert [round(seconds) for seconds in clock.waits[1:]] == [60]


def test_warnings_of_the_api_are_shown():
    fake = account()
    fake.warnings = "<Warning>the registry is slow</Warning>"
    with fake.served() as address:
        result = run_module(namecheap_dns, address, records=[API])
    assert "Namecheap warns about example.com: the registry is slow" in str(result["warnings"])


def test_all_wrong_options_are_told_before_any_call():
    fake = account()
    with fake.served() as address:
        result = run_module(
            namecheap_dns,
            address,
            domain="example",
            client_ip="::1",
            calls_per_minute=0,
            owner="A",
            records=[{"name": "x", "type": "A", "value": "y"}, {"name": "x", "type": "TXT"}],
        )
    for word in ("domain: 'example'", "client_ip: ::1", "calls_per_minute", "owner: 'A'", "records[0]", "records[1]"):
        assert word in result["msg"]
    assert fake.calls == []


def test_credentials_come_from_the_environment(monkeypatch):
    fake = account()
    with fake.served() as address:
        for name, value in (("API_USER", "sophia"), ("API_KEY", KEY), ("CLIENT_IP", "192.0.2.7"), ("API_URL", address)):
            monkeypatch.setenv(f"NAMECHEAP_{name}", value)
        none_given = dict.fromkeys(("api_url", "api_user", "api_key", "client_ip"))
        found = run_module(namecheap_dns_info, address, **none_given, user_name="other")
        empty = run_module(namecheap_dns_info, address, **{**none_given, "api_user": ""})
        monkeypatch.delenv("NAMECHEAP_CLIENT_IP")
        monkeypatch.delenv("NAMECHEAP_API_USER")
        missing = run_module(namecheap_dns_info, address, **none_given)
    assert found["records"]
    assert fake.calls[0][1] | {"ClientIp": "192.0.2.7", "ApiUser": "sophia", "UserName": "other"} == fake.calls[0][1]
    assert "api_user: is empty" in empty["msg"]
    assert "missing required arguments: api_user, client_ip" in missing["msg"]


def test_info_tells_the_zone_with_two_calls():
    fake = account(Host("home", "A", "192.0.2.1", ddns=True), Host("_owned.prod", "TXT", "sophia-owned: x/A"))
    with fake.served() as address:
        result = run_module(namecheap_dns_info, address)
        short = run_module(namecheap_dns_info, address, gather_name_servers=False)
    assert (result["changed"], result["calls"], short["calls"]) == (False, 2, 1)
    assert result["name_servers"] == ["dns1.registrar-servers.com", "dns2.registrar-servers.com"]
    assert "name_servers" not in short
    assert (result["dynamic_dns"], result["owners"]) == (["home"], {"prod": ["x/A"]})
    assert (result["is_at_namecheap"], result["email_type"]) == (True, "NONE")


def test_info_of_a_domain_on_other_name_servers_is_no_error():
    fake = account(using_our_dns="2030288", name_servers=("ns1.example.org",))
    with fake.served() as address:
        result = run_module(namecheap_dns_info, address)
    assert (result["is_at_namecheap"], result["records"], result["name_servers"]) == (False, [], ["ns1.example.org"])


def test_info_fails_with_the_clients_sentence():
    fake = account()
    with fake.served() as address:
        result = run_module(namecheap_dns_info, address, domain="example.org")
    assert (result["failed"], result["calls"]) == (True, 1)
    assert "2019166" in result["msg"]


def test_a_zone_that_is_being_written_names_its_writer():
    fake, clock = account(), ticking()
    with fake.served() as address, lock.held("example.com", 1, clock):
        result = run_module(namecheap_dns, address, clock, records=[API], lock_timeout_seconds=3)
        other = run_module(namecheap_dns, address, clock, domain="example.org", records=[API])
    assert "example.com is being written by process " in result["msg"]
    assert "still after 3 s" in result["msg"]
    assert (result["calls"], result["changed"], sum(clock.waits)) == (0, False, 3.0)
    assert "2019166" in other["msg"]  # another zone is not held


def test_a_lock_is_free_again_after_an_error(cache):
    with pytest.raises(KeyError), lock.held("example.com", 0, ticking()):
        raise KeyError
    path = cache / "sophia-platform/namecheap/example.com.lock"
    path.write_text("x" * 300)
    with lock.held("example.com", 0, ticking()):
        assert "x" * 100 not in path.read_text()
        with open(path) as other, pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def test_a_place_for_locks_that_cannot_be_written_is_told(monkeypatch, cache):
    (cache / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache / "file"))
    fake = account()
    with fake.served() as address:
        result = run_module(namecheap_dns, address, records=[API])
        assert run_module(namecheap_dns_info, address)["calls"] == 2
    assert "Set XDG_CACHE_HOME" in result["msg"]


def test_runs_wait_only_when_the_budget_of_a_minute_is_used_up(tmp_path):
    clock = ticking()
    budgets = [Pace(tmp_path / "calls", 4, clock) for _process in range(2)]  # two processes with one file
    budgets[0].wait(room=2)
    budgets[0].note()
    budgets[1].wait(room=2)
    assert clock.waits == []
    budgets[1].wait(room=2)  # one more call has room, but not the write that may follow
    assert [round(seconds) for seconds in clock.waits] == [60]
    budgets[0].note()
    budgets[0].note()
    budgets[0].note()
    budgets[0].note()
    assert len(clock.waits) == 1  # a write never waits between its read and itself


def test_a_small_budget_still_lets_one_call_through(tmp_path):
    clock = ticking()
    budget = Pace(tmp_path / "calls", 1, clock)
    for _call in range(3):
        budget.wait(room=2)
    assert [round(seconds) for seconds in clock.waits] == [60, 60]


def test_waiting_for_the_budget_has_an_end(tmp_path):
    clock, path = ticking(), tmp_path / "calls"
    others = Pace(path, 1, clock)
    sleep = clock.sleep

    def crowded(seconds):
        sleep(seconds)
        others.note()

    clock.sleep = crowded
    others.note()
    with pytest.raises(NamecheapError, match="calls_per_minute.*300 s"):
        Pace(path, 1, clock).wait(room=1)
    assert sum(clock.waits) <= pace.WAIT_SECONDS_MAX


def test_times_of_an_earlier_boot_and_rubbish_do_not_count(tmp_path):
    (tmp_path / "calls").write_text("999999.0\nrubbish\n1.0\n\n")
    clock = ticking()
    Pace(tmp_path / "calls", 1, clock).wait(room=1)
    assert clock.waits == []
    assert (tmp_path / "calls").read_text() == "1000.000\n"


def test_the_budgets_file_holds_no_secret(cache):
    fake = account()
    with fake.served() as address:
        run_module(namecheap_dns, address, records=[API])
    files = [path for path in cache.rglob("*") if path.is_file()]
    assert sorted(path.name[:6] for path in files) == ["calls-", "exampl"]
    for path in files:
        assert KEY not in path.name + path.read_text()
        assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("module", [namecheap_dns, namecheap_dns_info])
def test_the_documentation_tells_the_options_that_are_taken(module):
    told = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]
    told |= yaml.safe_load(module.DOCUMENTATION).get("options", {})

    def facts(options):
        keys = ("type", "elements", "default", "required", "choices")
        return {name: {key: option[key] for key in keys if key in option} for name, option in options.items()}

    def listed(options):
        return {name: {**option, "choices": sorted(option.get("choices", []))} for name, option in options.items()}

    assert listed(facts(told)) == listed(facts(module.SPEC))
    if "records" in told:
        assert listed(facts(told["records"]["suboptions"])) == listed(facts(module.SPEC["records"]["options"]))
