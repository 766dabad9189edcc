"""The platform's names: records, certificate names and probes."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.catalog import records
from ansible_collections.sophia.platform.plugins.module_utils.catalog.errors import CatalogError
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import read
from ansible_collections.sophia.platform.plugins.module_utils.catalog.problems import problems
from ansible_collections.sophia.platform.plugins.module_utils.vercel import dns as vercel_dns
from catalog_fixtures import platform

SERVICE = {"name": "a", "stack": "s", "image": "x/y:1", "port": 80}
EDGES = ["192.0.2.1", "2001:db8::1"]
LE = "letsencrypt.org"


def routed(*hosts, **more):
    return [{**SERVICE, "name": f"s{number}", "route": {"host": host}, **more} for number, host in enumerate(hosts)]


def of(*hosts, **changes):
    return read(platform(services=routed(*hosts), **changes))


def caa(value, name="@"):
    return {"name": name, "type": "CAA", "value": value}


def shown(found):
    return [(record["name"], record["type"], record["value"], record["ttl_seconds"]) for record in found]


def test_each_host_name_is_at_each_edge_and_records_of_no_service_follow():
    services = [
        {**SERVICE, "name": "a", "route": {"host": "mcp", "path": "/a"}},
        {**SERVICE, "name": "b", "route": {"host": "mcp", "path": "/b"}},
    ]
    dns = [{"name": "@", "type": "TXT", "value": "hello", "ttl_seconds": 60}]
    catalog = read(platform(services=services, edge_addresses=EDGES, dns=dns, record_ttl_seconds=120))
    assert shown(records.records(catalog)) == [
        ("mcp", "A", "192.0.2.1", 120),
        ("mcp", "AAAA", "2001:db8::1", 120),
        ("@", "TXT", "hello", 60),
    ]


@pytest.mark.parametrize(
    ("domain", "zone", "names"),
    [
        ("example.org", "", ["api", "@", "@"]),
        ("example.org", "example.org", ["api", "@", "@"]),
        ("staging.example.org", "example.org", ["api.staging", "staging", "staging"]),
    ],
)
def test_names_of_records_are_those_within_the_zone(domain, zone, names):
    dns = [{"name": "@", "type": "TXT", "value": "v"}]
    more = {"domain": domain, "zone": zone, "dns": dns, "edge_addresses": EDGES[:1], "certificate_authorities": [LE]}
    found = records.records(of("api", **more))
    assert list(dict.fromkeys(record["name"] for record in found)) == list(dict.fromkeys(names))


@pytest.mark.parametrize(
    ("wildcard", "dns", "values"),
    [
        (False, [], [f'0 issue "{LE}"', '0 issuewild ";"']),
        (True, [], [f'0 issue "{LE}"', f'0 issuewild "{LE}"']),
        (False, [caa(f'0 issue "{LE}"')], [f'0 issue "{LE}"']),
        (False, [caa('0 iodef "mailto:a@x.org"')], [f'0 issue "{LE}"', '0 issuewild ";"', '0 iodef "mailto:a@x.org"']),
        (False, [caa('0 issue "ca.example"', "www")], [f'0 issue "{LE}"', '0 issuewild ";"', '0 issue "ca.example"']),
    ],
)
def test_who_may_issue_is_derived_unless_dns_yml_says_it(wildcard, dns, values):
    found = records.records(of(certificate_authorities=[LE], certificate_wildcard=wildcard, dns=dns))
    assert [record["value"] for record in found] == values


@pytest.mark.parametrize(
    ("wildcard", "written", "tag"),
    [
        (False, [f'0 issue "{LE}; accounturi=https://x.example/1"', '0 issue "ca.example"'], None),
        (False, ['0 issuewild ";"'], None),  # only of wildcards
        (False, ['0 issue "ca.example"'], "issue"),
        (False, ['0 issue ";"'], "issue"),
        (True, [f'0 issue "{LE}"'], None),
        (True, [f'0 issue "{LE}"', '0 issuewild ";"'], "issuewild"),
    ],
)
def test_dns_yml_must_let_the_authority_issue(wildcard, written, tag):
    dns = [caa(value) for value in written]
    found = problems(platform(certificate_authorities=[LE], certificate_wildcard=wildcard, dns=dns))
    told = [f"dns.yml: the CAA records of example.org ({tag}) do not let {LE}"] if tag else []
    assert [each in message for each, message in zip(told, found)] == [True] * len(found) and len(found) == len(told)


def test_records_of_others_come_last_and_may_not_take_a_name_of_the_platform():
    catalog = of("api", edge_addresses=EDGES[:1])
    app = {"name": "app", "type": "CNAME", "value": "x.example.", "ttl_seconds": 300, "fqdn": "app.example.org"}
    assert records.records(catalog, [app])[-1] == {key: app[key] for key in ("name", "type", "value", "ttl_seconds")}
    with pytest.raises(CatalogError, match="api cannot be CNAME x.example.: the platform has A 192.0.2.1 there"):
        records.records(catalog, [{**app, "name": "api"}])


def test_the_frontend_at_the_domain_itself_has_the_address_that_vercel_asks_for_beside_who_may_issue():
    configuration = {"recommendedIPv4": [{"rank": 1, "value": ["216.198.79.1"]}]}
    apex = {"name": "example.org", "apexName": "example.org", "verified": True}
    frontend = vercel_dns.records(apex, configuration, 300)
    found = shown(records.records(of("api", edge_addresses=EDGES[:1], certificate_authorities=[LE]), frontend))
    assert found[0] == ("api", "A", "192.0.2.1", 300) and found[-1] == ("@", "A", "216.198.79.1", 300)
    assert [each[1] for each in found] == ["A", "CAA", "CAA", "A"]


@pytest.mark.parametrize(
    ("wildcard", "names"),
    [
        (False, ["example.org", "a.b.example.org", "api.example.org"]),
        (True, ["example.org", "*.example.org", "a.b.example.org"]),
    ],
)
def test_a_certificate_names_every_routed_host(wildcard, names):
    assert records.certificate_names(of("api", "a.b", "@", certificate_wildcard=wildcard)) == names


def test_a_host_is_probed_by_the_health_of_what_everybody_may_ask():
    closed = {"route": {"host": "x", "path": "/c", "access": "operators"}, "health": {"path": "/up"}}
    services = [
        {**SERVICE, "name": "closed", **closed},
        {**SERVICE, "name": "open", "route": {"host": "x", "path": "/o"}, "health": {"path": "/health"}},
        {**SERVICE, "name": "hidden", **closed, "route": {"host": "y", "access": "operators"}},
    ]
    found = records.edge_probes(read(platform(services=services, edge_addresses=EDGES)))
    assert [(probe["name"], probe["url"], probe["status"]) for probe in found] == [
        ("x.example.org", "https://x.example.org/o/health", 200),
        ("y.example.org", "https://y.example.org/up", 401),
    ]
    assert {tuple(probe["addresses"]) for probe in found} == {tuple(EDGES)}
