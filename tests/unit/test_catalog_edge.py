"""Routers, middlewares and limits of routes, and the two files that Traefik reads."""

import pytest
import yaml
from ansible_collections.sophia.platform.plugins.module_utils.catalog import edge
from ansible_collections.sophia.platform.plugins.module_utils.catalog.labels import service_labels
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import read
from catalog_fixtures import platform

SERVICE = {"name": "a", "stack": "s", "image": "x/y:1", "port": 80}


def catalog(route, **settings):
    return read(platform(services=[{**SERVICE, "route": route}], **settings))


def labels(route, **settings):
    found = catalog(route, **settings)
    return service_labels(found, found.entries[0])


def dynamic(route, **settings):
    return yaml.safe_load(edge.dynamic(catalog(route, **settings)))


def test_what_all_routes_share_is_no_label():
    assert [name for name in labels({"host": "a"}) if "middlewares." in name] == []


@pytest.mark.parametrize(
    ("limits", "label", "value"),
    [
        ({"requests_per_second": 5}, "a-rate.ratelimit.average", "5"),
        ({"requests_per_second": 5}, "a-rate.ratelimit.burst", "200"),
        ({"burst": 7}, "a-rate.ratelimit.burst", "7"),
        ({"in_flight": 3}, "a-in-flight.inflightreq.amount", "3"),
        ({"request_max_bytes": 2048}, "a-size.buffering.maxrequestbodybytes", "2048"),
    ],
)
def test_a_limit_of_its_own(limits, label, value):
    found = labels({"host": "a", "limits": limits})
    assert found[f"traefik.http.middlewares.{label}"] == value
    used = found["traefik.http.routers.a-large.middlewares"].split(",")
    assert label.partition(".")[0] in used and f"{label.partition('.')[0].removeprefix('a-')}@file" not in used


def test_the_same_limit_as_the_platform_is_no_limit_of_its_own():
    assert labels({"host": "a", "limits": {"burst": 200}}) == labels({"host": "a"})


def test_limits_of_the_platform():
    shared = dynamic({"host": "a"}, route_limits={"requests_per_second": 9, "request_max_bytes": 10})["http"][
        "middlewares"
    ]
    assert shared["rate"]["ratelimit"] == {"average": 9, "burst": 200}
    assert shared["size"]["buffering"] == {"maxrequestbodybytes": 10}


@pytest.mark.parametrize(("most", "digits"), [(10485760, 7), (10, 1), (999, 2), (1000, 3), (5, 0)])
def test_a_body_that_may_be_too_large_is_read_first(most, digits):
    rule = labels({"host": "a", "limits": {"request_max_bytes": most}})["traefik.http.routers.a-large.rule"]
    wanted = f"!HeaderRegexp(`Content-Length`, `^[0-9]{{1,{digits}}}$`)" if digits else "PATCH`))"
    assert rule.endswith(wanted)


def test_an_allow_list_stands_before_everything_else():
    found = labels({"host": "a", "access": "operators", "allow": ["192.0.2.0/24", "2001:db8::/32"]})
    assert found["traefik.http.routers.a.middlewares"].startswith("a-allow,rate@file,")
    assert found["traefik.http.middlewares.a-allow.ipallowlist.sourcerange"] == "192.0.2.0/24,2001:db8::/32"


def test_each_time_limit_has_a_transport():
    found = dynamic({"host": "a", "limits": {"timeout_seconds": 7}})["http"]["serversTransports"]
    assert found["within-7s"]["forwardingTimeouts"]["responseHeaderTimeout"] == "7s"
    label = labels({"host": "a", "limits": {"timeout_seconds": 7}})
    assert label["traefik.http.services.a.loadbalancer.serverstransport"] == "within-7s@file"


def test_a_part_of_traefik_itself_is_routed_by_its_file():
    route = {"host": "traefik", "access": "operators", "internal": "api@internal", "allow": ["192.0.2.0/24"]}
    assert labels(route) == {"ai.sophia.service": "a"}
    http = dynamic(route)["http"]
    assert http["routers"]["a"]["service"] == "api@internal" and "operators@file" in http["routers"]["a"]["middlewares"]
    assert http["middlewares"]["a-allow"] == {"ipallowlist": {"sourcerange": ["192.0.2.0/24"]}}


def test_old_tls_is_refused_and_so_are_unknown_names():
    options = dynamic({"host": "a"})["tls"]["options"]["default"]
    assert options["minVersion"] == "VersionTLS12" and options["sniStrict"]
    assert [suite for suite in options["cipherSuites"] if "ECDHE" not in suite or "CBC" in suite] == []


def test_http_leads_to_the_port_that_clients_use():
    static = yaml.safe_load(edge.static(catalog({"host": "a"}, edge_https_port=8443)))
    assert static["entryPoints"]["web"]["http"]["redirections"]["entryPoint"]["to"] == ":8443"


def test_the_access_log_has_neither_headers_nor_queries():
    fields = yaml.safe_load(edge.static(catalog({"host": "a"})))["accessLog"]["fields"]
    assert {fields["headers"]["defaultMode"], fields["queryParameters"]["defaultMode"]} == {"drop"}


OIDC = {"issuer": "https://login.example.org", "client_id": "sophia", "groups": {"operators": ["ops"]}}


def guarded(access="operators", **oidc):
    """Labels of a guarded route, and the shared middlewares, with a provider."""
    settings = {"route": {"host": "a", "access": access}, "oidc": {**OIDC, **oidc}}
    return labels(**settings), dynamic(**settings)["http"]["middlewares"]


def test_without_a_provider_every_role_has_the_password():
    found = dynamic({"host": "a", "access": "viewers"})["http"]["middlewares"]
    assert found["viewers"] == found["operators"] == {"chain": {"middlewares": ["operators-basic"]}}
    assert found["operators-basic-password"]["basicAuth"]["usersFile"] == "/run/secrets/operators_htpasswd"


@pytest.mark.parametrize("access", ["operators", "viewers"])
def test_with_a_provider_no_password_is_taken(access):
    found, shared = guarded(access)
    assert f"{access}@file" in found["traefik.http.routers.a.middlewares"].split(",")
    assert shared[access] == {"chain": {"middlewares": ["operators-oidc"]}}
    assert "basicAuth" not in str(shared) and "traefik.http.routers.a-password.rule" not in found


def test_programs_may_have_the_password_from_where_they_are_allowed():
    found, shared = guarded(password_sources=["192.0.2.0/24"])
    rule = found["traefik.http.routers.a-password.rule"]
    assert rule.endswith("HeaderRegexp(`Authorization`, `^Basic `)")
    assert "password@file" in found["traefik.http.routers.a-password.middlewares"]
    assert shared["password"]["chain"]["middlewares"] == ["password-sources", "operators-basic"]
    assert shared["password-sources"] == {"ipAllowList": {"sourceRange": ["192.0.2.0/24"]}}


@pytest.mark.parametrize(("settings", "names"), [({}, ["a"]), ({"oidc": {}}, ["a"]), ({"oidc": OIDC}, ["a", "b"])])
def test_what_exists_for_a_provider_only(settings, names):
    services = [{**SERVICE, "name": "a"}, {**SERVICE, "name": "b", "only_with": "oidc"}]
    assert [service.name for service in read(platform(services=services, **settings)).entries] == names


def test_the_domain_itself_can_be_a_host():
    found = catalog({"host": "@"}, domain="example.org")
    assert found.url(found.entries[0], "/x") == "https://example.org/x"
    assert labels({"host": "@"}, domain="example.org")["traefik.http.routers.a.rule"] == "Host(`example.org`)"
