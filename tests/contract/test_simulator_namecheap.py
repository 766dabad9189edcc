"""The simulated Namecheap against its contract (reference/namecheap_contract.md, above all §6.1 and §14)."""

import json
import xml.etree.ElementTree as ElementTree
from urllib.parse import urlencode

import pytest

from lab.cloud.namecheap import Namecheap
from lab.cloud.wire import Clock, Request

NS = "{http://api.namecheap.com/xml.response}"
CALLER = {"ApiUser": "sophia", "ApiKey": "k3y", "UserName": "sophia", "ClientIp": "192.0.2.9"}
DNS = "namecheap.domains.dns."


@pytest.fixture
def cloud():
    service = Namecheap(Clock())
    service.control("account", {"user": "sophia", "key": "k3y", "addresses": ["192.0.2.9"]})
    service.control("seed", {"name": "empty", "domain": "example.com"})
    return service


def raw(service, **given):
    body = urlencode({key: value for key, value in {**CALLER, **given}.items() if value is not None})
    response = service.handle(Request("POST", "/xml.response", body=body.encode(), raw_target="/xml.response"))
    assert (response.status, response.content_type) == (200, "text/xml; charset=utf-8")
    return response.body


def call(service, command, sld="example", tld="com", **given):
    return ElementTree.fromstring(raw(service, Command=DNS + command, SLD=sld, TLD=tld, **given))


def errors(root):
    return [(int(error.get("Number")), error.text) for error in root.iter(f"{NS}Error")]


def hosts(service, **given):
    root = call(service, "getHosts", **given)
    assert root.get("Status") == "OK", errors(root)
    return [dict(host.attrib) for host in root.iter(f"{NS}host")]


def rows(service, *columns):
    return [tuple(host[column] for column in columns or ("Name", "Type", "Address")) for host in hosts(service)]


def write(service, *records, email_type="NONE", **given):
    fields = {"EmailType": email_type}
    for number, record in enumerate(records, 1):
        name, kind, address, *rest = record
        fields |= {f"HostName{number}": name, f"RecordType{number}": kind, f"Address{number}": address}
        fields |= dict(zip((f"MXPref{number}", f"TTL{number}"), map(str, rest), strict=False))
    return call(service, "setHosts", **fields, **given)


def result(root):
    return root.find(f"{NS}CommandResponse")[0]


def test_an_answer_is_right_to_the_byte(cloud):
    cloud.control("domain", {"name": "example.com", "records": [{"name": "@", "type": "TXT", "address": 'a "<&>" b'}]})
    lines = raw(cloud, Command="NAMECHEAP.domains.DNS.getHosts", SLD="Example", TLD="COM").split(b"\r\n")
    assert lines == [
        b'<?xml version="1.0" encoding="utf-8"?>',
        b'<ApiResponse Status="OK" xmlns="http://api.namecheap.com/xml.response">',
        b"  <Errors />",
        b"  <Warnings />",
        b"  <RequestedCommand>namecheap.domains.dns.gethosts</RequestedCommand>",
        b'  <CommandResponse Type="namecheap.domains.dns.getHosts">',
        b'    <DomainDNSGetHostsResult Domain="example.com" EmailType="NONE" IsUsingOurDNS="true">',
        b'      <host HostId="746360" Name="@" Type="TXT" Address="a &quot;&lt;&amp;&gt;&quot; b" '
        b'MXPref="10" TTL="1800" AssociatedAppTitle="" FriendlyName="" IsActive="true" IsDDNSEnabled="false" />',
        b"    </DomainDNSGetHostsResult>",
        b"  </CommandResponse>",
        b"  <Server>PHX01APIEXT03</Server>",
        b"  <GMTTimeDifference>--4:00</GMTTimeDifference>",
        b"  <ExecutionTime>0.011</ExecutionTime>",
        b"</ApiResponse>",
    ]


def test_an_empty_zone_is_a_closed_result(cloud):
    body = raw(cloud, Command=DNS + "getHosts", SLD="example", TLD="com")
    assert b'    <DomainDNSGetHostsResult Domain="example.com" EmailType="NONE" IsUsingOurDNS="true" />\r\n' in body


@pytest.mark.parametrize(
    ("changed", "number"),
    [
        ({"ApiUser": None, "ApiKey": None}, 1010101),
        ({"ApiKey": None, "Command": None}, 1010102),
        ({"Command": None, "ClientIp": None}, 1010104),
        ({"ClientIp": None, "ApiKey": "wrong"}, 1010105),
        ({"ClientIp": "2001:db8::1", "ApiKey": "wrong"}, 1011105),
        ({"ApiKey": "wrong", "ClientIp": "192.0.2.1"}, 1011102),
        ({"ApiUser": "other"}, 1011102),
        ({"UserName": "other"}, 1016103),
        ({"ClientIp": "192.0.2.1", "Command": "namecheap.none"}, 1011150),
        ({"Command": "namecheap.none"}, 4),
    ],
)
def test_checks_come_in_order_and_global_errors_carry_no_result(cloud, changed, number):
    root = ElementTree.fromstring(raw(cloud, **{"Command": DNS + "getHosts", **changed}))
    assert [found for found, _ in errors(root)] == [number]
    assert root.get("Status") == "ERROR"
    assert root.find(f"{NS}CommandResponse") is None
    assert root.find(f"{NS}RequestedCommand").text is None


def test_there_is_no_account_until_one_is_given():
    root = ElementTree.fromstring(raw(Namecheap(Clock()), Command=DNS + "getHosts"))
    assert errors(root)[0][0] == 1011102


def test_the_refused_address_is_named(cloud):
    assert b"Invalid request IP: 198.51.100.7" in raw(cloud, Command=DNS + "getHosts", ClientIp="198.51.100.7")


def test_a_refused_command_keeps_a_hollow_result(cloud):
    root = write(cloud, ("@", "A", "192.0.2.1"), sld="other")
    text = "The domain (other.com) doesn't seem to be associated with your account."
    assert errors(root) == [(2019166, text)]
    assert result(root).attrib == {"Domain": "other.com", "EmailType": "", "IsSuccess": "false"}


def test_query_and_body_are_merged_and_get_works(cloud):
    query = {**{name.upper(): value for name, value in CALLER.items()}, "command": DNS + "sethosts", "sld": "example"}
    body = urlencode({"TLD": "com", "hostname1": "@", "RECORDTYPE1": "a", "address1": "192.0.2.1"}).encode()
    for request in (
        Request("POST", "/xml.response", query, body=body),
        Request("GET", "/xml.response", query | {"tld": "com"}),
    ):
        assert b'IsSuccess="true"' in cloud.handle(request).body
    assert hosts(cloud) == []


@pytest.mark.parametrize(("length", "status"), [(2000, 200), (2001, 404)])
def test_a_long_url_is_not_found(cloud, length, status):
    assert cloud.handle(Request("GET", "/xml.response", CALLER, raw_target="x" * length)).status == status


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (("WWW", "A", "192.0.2.10"), ("www", "A", "192.0.2.10")),
        (("a.b", "AAAA", "::0"), ("a.b", "AAAA", "::0")),
        (("c", "CNAME", "example.net"), ("c", "CNAME", "example.net.")),
        (("c", "CNAME", "example.net."), ("c", "CNAME", "example.net.")),
        (("@", "ALIAS", "example.net"), ("@", "ALIAS", "example.net.")),
        (("sub", "NS", "ns1.example.net"), ("sub", "NS", "ns1.example.net.")),
        (("@", "TXT", "v=DMARC1; p=none +&/'"), ("@", "TXT", "v=DMARC1; p=none +&/'")),
        (("*", "TXT", "x" * 2500), ("*", "TXT", "x" * 2500)),
        (("@", "CAA", "0 issue letsencrypt.org"), ("@", "CAA", '0 issue "letsencrypt.org"')),
        (("@", "CAA", '0 issue "letsencrypt.org"'), ("@", "CAA", '0 issue "letsencrypt.org"')),
        (("old", "URL", "http://example.com/"), ("old", "URL", "http://example.com/")),
        (("old", "URL301", "https://example.com/new"), ("old", "URL301", "https://example.com/new")),
        (("old", "FRAME", "https://example.com"), ("old", "FRAME", "https://example.com")),
        (("example.com", "MXE", "192.0.2.1"), ("example.com", "MXE", "192.0.2.1")),
    ],
)
def test_what_is_written_is_read_back_in_the_servers_spelling(cloud, sent, stored):
    assert result(write(cloud, (*sent, 77))).attrib == {
        "Domain": "example.com",
        "EmailType": "NONE",
        "IsSuccess": "true",
    }
    assert rows(cloud) == [stored]
    assert rows(cloud, "MXPref", "TTL") == [("10", "1800")]


def test_mxe_is_labelled(cloud):
    write(cloud, ("example.com", "MXE", "192.0.2.1"), email_type="MXE")
    assert rows(cloud, "AssociatedAppTitle", "FriendlyName") == [("MXE", "MXE1")]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (("@", "NS", "ns1.example.net"), "INVALID_NAME: NS record can't be set up for a @ or * host names"),
        (("*", "NS", "ns1.example.net"), "NS record can't be set up"),
        (("@", "SRV", "x"), "RecordType1"),
        (("@", "A", ""), "Address1 is missing"),
        (("@", "A", "::1"), "Address1"),
        (("@", "AAAA", "192.0.2.1"), "Address1"),
        (("@", "CAA", "issue x"), "Address1"),
        (("@", "URL", "example.com"), "Address1"),
        (("@", "TXT", "x" * 2501), "Address1"),
        (("x" * 61, "A", "192.0.2.1"), "HostName1"),
        (("@", "A", "192.0.2.1", 10, 59), "TTL1"),
        (("@", "A", "192.0.2.1", 10, 60001), "TTL1"),
        (("@", "MX", "mx.example.net.", 256), "MXPref1"),
    ],
)
def test_a_bad_record_is_refused_and_nothing_is_written(cloud, record, words):
    write(cloud, ("keep", "A", "192.0.2.1"))
    root = write(cloud, record, email_type="MX")
    [(number, text)] = errors(root)
    assert number == 5050900
    assert words in text
    assert len(root.find(f"{NS}CommandResponse")) == 0
    assert rows(cloud) == [("keep", "A", "192.0.2.1")]


def test_a_gap_in_the_numbers_is_refused(cloud):
    given = {"HostName2": "@", "RecordType2": "A", "Address2": "192.0.2.1"}
    assert errors(call(cloud, "setHosts", **given)) == [(5050900, "Parameter HostName1 is missing")]


def test_records_are_sorted_by_type_name_and_address(cloud):
    write(cloud, ("b", "TXT", "x"), ("b", "A", "192.0.2.9"), ("a", "A", "192.0.2.9"), ("a", "A", "192.0.2.10"))
    assert rows(cloud) == [
        ("a", "A", "192.0.2.10"),
        ("a", "A", "192.0.2.9"),
        ("b", "A", "192.0.2.9"),
        ("b", "TXT", "x"),
    ]


@pytest.mark.parametrize(("last_wins", "ttl"), [(False, "60"), (True, "70")])
def test_duplicates_collapse_silently(cloud, last_wins, ttl):
    cloud.control("knobs", {"last_duplicate_wins": last_wins})
    write(cloud, ("docs", "CNAME", "example.com", 10, 60), ("DOCS", "CNAME", "example.com.", 10, 70))
    assert rows(cloud, "Address", "TTL") == [("example.com.", ttl)]


def test_a_kept_record_keeps_its_id_and_takes_a_new_ttl(cloud):
    write(cloud, ("@", "A", "192.0.2.1", 10, 60), ("www", "A", "192.0.2.1"))
    before = {host["Name"]: host["HostId"] for host in hosts(cloud)}
    write(cloud, ("@", "A", "192.0.2.1", 10, 70), ("www", "A", "192.0.2.2"))
    after = {host["Name"]: host["HostId"] for host in hosts(cloud)}
    assert rows(cloud, "Name", "TTL") == [("@", "70"), ("www", "1800")]
    assert (after["@"], after["www"] != before["www"]) == (before["@"], True)
    cloud.control("knobs", {"renumber": True})
    write(cloud, ("@", "A", "192.0.2.1", 10, 70))
    assert hosts(cloud)[0]["HostId"] not in {*before.values(), *after.values()}


def test_labels_of_the_panel_survive_on_kept_records(cloud):
    cloud.control("seed", {"name": "parking", "domain": "example.com"})
    write(cloud, ("www", "CNAME", "parkingpage.namecheap.com"), ("@", "URL301", "http://www.example.com/"))
    assert rows(cloud, "Type", "FriendlyName") == [("CNAME", "CNAME Record"), ("URL301", "")]


def test_a_new_preference_alone_changes_nothing(cloud):
    write(cloud, ("@", "MX", "mx.example.net.", 5), email_type="MX")
    assert result(write(cloud, ("@", "MX", "mx.example.net.", 20), email_type="MX")).get("IsSuccess") == "true"
    assert rows(cloud, "MXPref") == [("5",)]
    write(cloud, email_type="MX")
    write(cloud, ("@", "MX", "mx.example.net.", 20), email_type="MX")
    assert rows(cloud, "MXPref") == [("20",)]
    cloud.control("knobs", {"sticky": False})
    write(cloud, ("@", "MX", "mx.example.net.", 30), email_type="MX")
    assert rows(cloud, "MXPref") == [("30",)]


def test_two_mx_records_that_differ_in_preference_alone_are_one(cloud):
    write(cloud, ("@", "MX", "mx.example.net.", 5), ("@", "MX", "mx.example.net", 20), email_type="MX")
    assert rows(cloud, "Address", "MXPref") == [("mx.example.net.", "5")]


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        ('128 issue "a.example"', '0 issue "a.example"'),
        ('0 issuewild "a.example"', '0 issuewild "a.example"'),
        ('0 issue "b.example"', '0 issue "b.example"'),
    ],
)
def test_caa_flags_stick_and_tag_and_value_do_not(cloud, value, stored):
    write(cloud, ("@", "CAA", '0 issue "a.example"'))
    write(cloud, ("@", "CAA", value))
    assert rows(cloud, "Address") == [(stored,)]


@pytest.mark.parametrize(
    ("email_type", "kept"), [("MX", 2), ("OX", 2), ("GMAIL", 2), ("FWD", 0), ("NONE", 0), ("MXE", 0)]
)
def test_mx_records_are_dropped_without_an_email_type_that_has_them(cloud, email_type, kept):
    records = ("@", "MX", "a.example.net.", 5), ("@", "MX", "b.example.net", 9)
    assert result(write(cloud, *records, email_type=email_type)).get("IsSuccess") == "true"
    assert len(hosts(cloud)) == kept
    assert result(call(cloud, "getHosts")).get("EmailType") == email_type


@pytest.mark.parametrize(("becomes_none", "email_type"), [(False, "MX"), (True, "NONE")])
def test_a_write_without_email_type_loses_the_mx_records(cloud, becomes_none, email_type):
    cloud.control("knobs", {"omitted_email_type_becomes_none": becomes_none})
    cloud.control("seed", {"name": "mx", "domain": "example.com"})
    given = {"HostName1": "@", "RecordType1": "MX", "Address1": "mx1.example.net.", "MXPref1": "5"}
    assert result(call(cloud, "setHosts", **given)).attrib == {"Domain": "example.com", "IsSuccess": "true"}
    assert hosts(cloud) == []
    assert result(call(cloud, "getHosts")).get("EmailType") == email_type


def test_an_mx_target_without_a_dot_can_be_dropped(cloud):
    cloud.control("knobs", {"mx_needs_dot": True})
    write(cloud, ("@", "MX", "a.example.net", 5), ("@", "MX", "b.example.net.", 5), email_type="MX")
    assert rows(cloud, "Address") == [("b.example.net.",)]


def test_an_unknown_email_type_is_refused(cloud):
    assert errors(write(cloud, email_type="SMTP")) == [(5050900, "Parameter EmailType is invalid")]


def test_any_write_clears_dynamic_dns(cloud):
    cloud.control("seed", {"name": "ddns", "domain": "example.com"})
    assert rows(cloud, "IsDDNSEnabled") == [("false",), ("true",)]
    assert info(cloud, "example.com").find(f".//{NS}DnsDetails").get("DynamicDNSStatus") == "true"
    write(cloud, ("home", "A", "192.0.2.10"), ("@", "A", "192.0.2.10"))
    assert rows(cloud, "IsDDNSEnabled") == [("false",), ("false",)]


def test_an_empty_txt_value_does_not_survive(cloud):
    write(cloud, ("@", "TXT", ""), ("@", "TXT", "x"))
    assert rows(cloud) == [("@", "TXT", "x")]


def test_150_records_fit_and_zero_empty_the_zone(cloud):
    cloud.control("seed", {"name": "full150", "domain": "example.com"})
    assert len(hosts(cloud)) == 150
    many = [(f"h{number}", "A", "192.0.2.1") for number in range(151)]
    assert errors(write(cloud, *many)) == [(4013288, "Too many records")]
    write(cloud, *many[:150])
    assert len(hosts(cloud)) == 150
    write(cloud)
    assert hosts(cloud) == []


def info(service, name):
    return ElementTree.fromstring(raw(service, Command="namecheap.domains.getInfo", DomainName=name))


def test_info_of_an_own_and_a_shared_and_an_unknown_domain(cloud):
    cloud.control("seed", {"name": "shared", "domain": "other.com"})
    own, shared, none = (info(cloud, name) for name in ("example.com", "Other.com", "none.com"))
    details = own.find(f".//{NS}DnsDetails")
    assert (details.get("ProviderType"), details.get("EmailType"), details.get("HostCount")) == (
        "FREE",
        "No Email Service",
        "0",
    )
    assert [server.text for server in details] == ["dns1.registrar-servers.com", "dns2.registrar-servers.com"]
    assert (result(own).get("IsOwner"), result(own).get("Status")) == ("true", "Ok")
    rights = shared.find(f".//{NS}Modificationrights")
    assert (result(shared).get("IsOwner"), rights.get("All")) == ("false", "false")
    assert {right.get("Type"): right.text for right in rights}["hosts"] == "OK"
    assert errors(none) == [(2030166, "Domain is invalid")]
    assert result(none).attrib == {"ID": "0", "IsOwner": "false", "IsPremium": "false"}


def test_a_registered_domain_is_split_at_its_first_dot(cloud):
    cloud.control("seed", {"name": "co.uk", "domain": "example.co.uk"})
    assert len(list(call(cloud, "getHosts", tld="co.uk").iter(f"{NS}host"))) == 2
    for sld, tld in (("example.co", "uk"), ("co", "uk"), ("www.example", "com")):
        assert errors(call(cloud, "getHosts", sld=sld, tld=tld))[0][0] == 2019166


def test_a_sub_domain_can_be_a_zone_of_its_own(cloud):
    cloud.control("domain", {"name": "1605.example.com", "sld": "1605.example"})
    assert result(call(cloud, "getHosts", sld="1605.example")).get("Domain") == "1605.example.com"
    assert errors(call(cloud, "getList", sld="1605.example"))[0][0] == 2019166
    assert info(cloud, "1605.example.com").find(f".//{NS}DnsDetails").get("ProviderType") == "FreeDNS"
    assert errors(call(cloud, "getHosts", sld="1605", tld="example.com"))[0][0] == 2019166


def test_custom_name_servers_and_back(cloud):
    write(cloud, ("@", "A", "192.0.2.1"))
    assert errors(call(cloud, "setCustom", Nameservers="ns1.example.net"))[0][0] == 5050900
    assert result(call(cloud, "setCustom", Nameservers="ns1.example.net,ns2.example.net.")).get("Updated") == "true"
    assert errors(call(cloud, "getHosts"))[0][0] == 2030288
    assert errors(write(cloud, ("@", "A", "192.0.2.2")))[0][0] == 2030288
    listed = result(call(cloud, "getList"))
    assert (listed.get("IsUsingOurDNS"), [server.text for server in listed]) == (
        "false",
        ["ns1.example.net", "ns2.example.net"],
    )
    assert info(cloud, "example.com").find(f".//{NS}DnsDetails").get("ProviderType") == "CUSTOM"
    cloud.control("knobs", {"custom_ns_is_readable": True, "custom_ns_is_writable": True})
    assert result(call(cloud, "getHosts")).get("IsUsingOurDNS") == "false"
    assert result(write(cloud, ("@", "A", "192.0.2.2"))).get("IsSuccess") == "true"
    assert result(call(cloud, "setDefault")).attrib == {"Domain": "example.com", "Updated": "true"}
    assert rows(cloud) == [("@", "A", "192.0.2.2")]


def domains(service, **given):
    root = ElementTree.fromstring(raw(service, Command="namecheap.domains.getList", **given))
    paging = {part.tag.removeprefix(NS): part.text for part in root.find(f".//{NS}Paging")}
    return [domain.get("Name") for domain in root.iter(f"{NS}Domain")], paging


def test_own_domains_are_listed_by_page(cloud):
    for number in range(11):
        cloud.control("seed", {"name": "empty", "domain": f"d{number:02d}.net"})
    cloud.control("seed", {"name": "shared", "domain": "shared.net"})
    names, paging = domains(cloud, PageSize=10, Page=2)
    assert (names, paging) == (["d10.net", "example.com"], {"TotalItems": "12", "CurrentPage": "2", "PageSize": "10"})
    assert domains(cloud, SearchTerm="d1")[0] == ["d10.net"]
    assert domains(cloud, SortBy="NAME_DESC")[0][0] == "example.com"
    root = ElementTree.fromstring(raw(cloud, Command="namecheap.domains.getList", PageSize=9))
    assert errors(root)[0][0] == 5050900


def test_mail_forwarding_is_a_table_of_its_own(cloud):
    cloud.control("seed", {"name": "fwd", "domain": "example.com"})

    def forwarding(verb, **given):
        command = f"{DNS}{verb}EmailForwarding"
        return ElementTree.fromstring(raw(cloud, Command=command, DomainName="example.com", **given))

    def table():
        return [(row.get("mailbox"), row.text) for row in forwarding("get").iter(f"{NS}Forward")]

    assert table() == [("info", "me@example.net")]
    done = forwarding("set", MailBox1="a", ForwardTo1="a@example.net", MailBox2="b", ForwardTo2="b@example.net")
    assert result(done).attrib == {"Domain": "example.com", "IsSuccess": "true"}
    write(cloud, email_type="FWD")
    assert table() == [("a", "a@example.net"), ("b", "b@example.net")]


def test_the_zone_shows_what_is_served_and_what_forwarding_adds(cloud):
    cloud.control("seed", {"name": "fwd", "domain": "example.com"})
    zone = cloud.control("zone", {"domain": "Example.com"})
    assert [record["type"] for record in zone] == [host["Type"] for host in hosts(cloud)] == ["A", "CNAME"]
    more = cloud.control("zone", {"domain": "example.com", "generated": True})
    assert [record["type"] for record in more] == ["A", "CNAME", *["MX"] * 5, "TXT"]
    assert set(zone[0]) == {"host_id", "name", "type", "address", "mx_pref", "ttl", "ddns"}
    with pytest.raises(ValueError, match="no domain is 'none.com'; there are: example.com"):
        cloud.control("zone", {"domain": "none.com"})


@pytest.mark.parametrize(
    ("name", "domain", "count", "email_type"),
    [("parking", "a.com", 2, "NONE"), ("fwd", "a.com", 2, "FWD"), ("mx", "a.com", 4, "MX"), ("ox", "a.com", 4, "OX")],
)
def test_seeds(cloud, name, domain, count, email_type):
    assert len(cloud.control("seed", {"name": name, "domain": domain})) == count
    listed = {each["name"]: each for each in cloud.control("domains", {})}
    assert (listed[domain]["email_type"], listed[domain]["using_our_dns"]) == (email_type, True)


def test_knobs_change_how_get_hosts_looks(cloud):
    cloud.control("seed", {"name": "ddns", "domain": "example.com"})
    looks = (
        "https_namespace",
        "upper_host",
        "title_booleans",
        "hide_email_type",
        "extra_attribute",
        "srv_in_get_hosts",
    )
    cloud.control("knobs", dict.fromkeys(looks, True))
    body = raw(cloud, Command=DNS + "getHosts", SLD="example", TLD="com").decode()
    assert 'xmlns="https://api.namecheap.com/xml.response"' in body
    assert '<Host HostId="746361"' in body
    assert 'IsActive="True" IsDDNSEnabled="True" Comment="unknown"' in body
    assert "EmailType" not in body
    assert 'Type="SRV"' in body
    cloud.control("knobs", {"reset": True})
    assert "SRV" not in raw(cloud, Command=DNS + "getHosts", SLD="example", TLD="com").decode()


def test_a_result_can_be_missing_and_a_write_unsuccessful(cloud):
    cloud.control("knobs", {"missing_result_calls": 1, "unsuccessful_write_calls": 1})
    assert len(call(cloud, "getHosts").find(f"{NS}CommandResponse")) == 0
    root = write(cloud, ("@", "A", "192.0.2.1"))
    assert (root.get("Status"), result(root).get("IsSuccess")) == ("OK", "false")
    assert hosts(cloud) == []
    assert result(write(cloud, ("@", "A", "192.0.2.1"))).get("IsSuccess") == "true"


def test_a_second_writer_comes_between_a_read_and_a_write(cloud):
    record = {"name": "_acme-challenge", "type": "TXT", "address": "token", "ttl": 60}
    cloud.control("knobs", {"second_writer": {"domain": "example.com", "records": [record], "times": 2}})
    assert hosts(cloud) == []
    assert rows(cloud, "Address", "TTL") == [("token", "60")]
    write(cloud)
    assert hosts(cloud) == []


def test_a_type_can_be_dropped_on_write(cloud):
    cloud.control("knobs", {"drop_types_on_write": ["CAA"]})
    write(cloud, ("@", "CAA", "0 issue a.example"), ("@", "A", "192.0.2.1"))
    assert rows(cloud, "Type") == [("A",)]


def test_calls_beyond_the_limit_are_refused_for_a_minute(cloud):
    cloud.control("knobs", {"calls_per_minute": 2})
    request = Request("GET", "/xml.response", CALLER)
    assert [cloud.handle(request).status for _ in range(3)] == [200, 200, 405]
    cloud.clock.advance(61)
    assert cloud.handle(request).status == 200


@pytest.mark.parametrize(
    ("number", "is_global", "result_elements"), [(1050900, True, None), (3031510, False, 1), (5050900, False, 0)]
)
def test_the_next_calls_can_be_refused(cloud, number, is_global, result_elements):
    cloud.control("knobs", {"fail": {"number": number, "text": "no", "calls": 2, "command": DNS + "getHosts"}})
    write(cloud, ("@", "A", "192.0.2.1"))
    for _ in range(2):
        root = call(cloud, "getHosts")
        assert errors(root) == [(number, "no")]
        response = root.find(f"{NS}CommandResponse")
        assert (response is None) == is_global
        assert response is None or len(response) == result_elements
    assert len(hosts(cloud)) == 1


def test_a_write_can_be_carried_out_and_answered_with_an_error(cloud):
    cloud.control("knobs", {"fail": {"number": 3031510, "command": DNS + "setHosts"}, "fail_after": True})
    assert errors(write(cloud, ("@", "A", "192.0.2.1"))) == [(3031510, "Unknown exceptions")]
    assert rows(cloud) == [("@", "A", "192.0.2.1")]


@pytest.mark.parametrize(
    ("action", "given", "words"),
    [
        ("nothing", {}, "no control action of Namecheap is 'nothing'"),
        ("knobs", {"colour": 1}, "no switch of Namecheap is 'colour'"),
        ("knobs", {"renumber": "yes"}, "renumber is of type bool, not str"),
        ("knobs", {"fail": {"code": 1}}, "does not take code=1"),
        ("seed", {"name": "x", "domain": "a.com"}, "no seed of Namecheap is 'x'"),
        ("seed", {"name": "co.uk", "domain": "a.com"}, "ends in .co.uk"),
        ("domain", {"name": "com"}, "no domain name"),
        ("domain", {"name": "a.com", "email_type": "X"}, "no EmailType is 'X'"),
        ("domain", {"name": "a.com", "records": [{"name": "@", "type": "A", "address": "x"}]}, "no value of a record"),
        ("account", {"user": "a"}, "an account has user, key"),
    ],
)
def test_control_says_what_is_wrong(cloud, action, given, words):
    before = cloud.dump()
    with pytest.raises(ValueError, match=words):
        cloud.control(action, given)
    assert cloud.dump() == before


def test_a_dump_is_json_and_brings_everything_back(cloud):
    cloud.control("seed", {"name": "fwd", "domain": "example.com"})
    cloud.control("knobs", {"renumber": True})
    state = json.loads(json.dumps(cloud.dump()))
    other = Namecheap(Clock())
    other.load(state)
    assert hosts(other) == hosts(cloud)
    assert other.control("knobs", {})["renumber"] is True
    assert other.control("domains", {}) == cloud.control("domains", {})
