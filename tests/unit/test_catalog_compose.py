"""Entries become the services of a compose document."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.catalog import releases
from ansible_collections.sophia.platform.plugins.module_utils.catalog.compose import service_document
from ansible_collections.sophia.platform.plugins.module_utils.catalog.errors import CatalogError
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import MADE, read
from ansible_collections.sophia.platform.plugins.module_utils.catalog.naming import image_reference
from ansible_collections.sophia.platform.plugins.module_utils.catalog.units import size_bytes
from catalog_fixtures import of_environment, platform


def document(settings: dict | None = None, **options: object) -> dict:
    catalog = read(platform(services=[{"name": "a", "stack": "s", "image": "x/y:1", **options}], **(settings or {})))
    return service_document(catalog, catalog.entries[0])


def deploy(settings: dict | None = None, **options: object) -> dict:
    return document(settings, **options)["deploy"]


def labels(settings: dict | None = None, **options: object) -> dict:
    return deploy(settings, port=80, **options)["labels"]


@pytest.mark.parametrize(
    ("options", "order", "failure_action"),
    [
        ({}, "start-first", "rollback"),
        ({"global": True}, "stop-first", "rollback"),
        ({"gpu": 1}, "stop-first", "rollback"),
        ({"publish": [{"port": 80, "published": 80}]}, "stop-first", "rollback"),
        ({"volumes": {"a": "/data"}}, "stop-first", "pause"),
        ({"update_order": "stop-first"}, "stop-first", "rollback"),
    ],
)
def test_update(options, order, failure_action):
    update = deploy(**options)["update_config"]
    assert (update["order"], update["failure_action"], update["parallelism"]) == (order, failure_action, 1)
    assert deploy(**options)["rollback_config"]["order"] == order


@pytest.mark.parametrize(
    ("health", "expected"),
    [
        (None, "5s"),
        ({"command": ["CMD", "true"]}, "18s"),
        ({"command": ["CMD", "true"], "interval_seconds": 1, "timeout_seconds": 1, "retries": 2}, "5s"),
        ({"command": ["CMD", "true"], "interval_seconds": 10}, "33s"),
    ],
)
def test_an_updated_task_is_watched_until_its_check_would_have_failed(health, expected):
    assert deploy(health=health)["update_config"]["monitor"] == expected


@pytest.mark.parametrize(
    ("via", "first_words", "last_word"),
    [
        (
            "python3",
            ["CMD", "python3", "-c"],
            "import urllib.request as r; r.urlopen('http://127.0.0.1:80/l', timeout=3)",
        ),
        ("wget", ["CMD", "wget", "-q", "-T", "3", "-O", "/dev/null"], "http://127.0.0.1:80/l"),
        ("curl", ["CMD", "curl", "-fsS", "-m", "3", "-o", "/dev/null"], "http://127.0.0.1:80/l"),
    ],
)
def test_healthcheck_asks_the_task_itself(via, first_words, last_word):
    test = document(port=80, health={"via": via, "path": "/deep", "live_path": "/l"})["healthcheck"]["test"]
    assert (test[:-1], test[-1]) == (first_words, last_word)


def test_a_path_without_a_program_is_for_the_edge_only():
    assert "healthcheck" not in document(port=80, health={"path": "/"})


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"mode": 0o444}),
        ({"user": "1000:50"}, {"mode": 0o400, "uid": "1000"}),
        ({"user": "nobody"}, {"mode": 0o444}),
        ({"user": "nobody", "secret_uid": 65534}, {"mode": 0o400, "uid": "65534"}),
        ({"secret_uid": 0}, {"mode": 0o400, "uid": "0"}),
    ],
)
def test_who_may_read_secrets(options, expected):
    assert document(secrets=["t"], **options)["secrets"] == [{"source": "t", "target": "t", **expected}]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, []),
        ({"networks": ["data"]}, ["data"]),
        ({"networks": ["data"], "port": 80, "route": {"host": "a"}, "metrics": {}}, ["data", "edge", "monitoring"]),
        ({"networks": ["edge"], "port": 80, "route": {"host": "a"}}, ["edge"]),
    ],
)
def test_networks_follow_from_what_the_service_does(options, expected):
    networks = document(**options).get("networks", {})
    assert list(networks) == expected
    assert all(network == {"aliases": ["a"]} for network in networks.values())


@pytest.mark.parametrize(
    ("settings", "options", "expected"),
    [
        ({}, {}, None),
        ({"replicas_max_per_node": 2}, {}, {"max_replicas_per_node": 2}),
        ({"replicas_max_per_node": 2}, {"placement": {"max_per_node": 0}}, None),
        ({"replicas_max_per_node": 2}, {"global": True}, None),
        (
            {},
            {"placement": {"labels": {"x": 1}, "role": "worker"}},
            {"constraints": ["node.labels.x == 1", "node.role == worker"]},
        ),
    ],
)
def test_placement(settings, options, expected):
    assert deploy(settings, **options).get("placement") == expected


def test_no_replicas_is_written_out_since_a_missing_number_means_one():
    assert deploy(replicas=0)["replicas"] == 0


def test_route_of_a_whole_host():
    found = labels(route={"host": "api"}, health={"path": "/h", "interval_seconds": 7})
    assert found["traefik.http.routers.a.rule"] == "Host(`api.example.org`)"
    assert found["traefik.http.routers.a.middlewares"] == "rate@file,in-flight@file,breaker@file,retry@file"
    assert found["traefik.http.services.a.loadbalancer.server.port"] == "80"
    assert found["traefik.http.services.a.loadbalancer.healthcheck.path"] == "/h"
    assert found["traefik.http.services.a.loadbalancer.healthcheck.interval"] == "7s"


def test_route_below_a_path_for_operators():
    found = labels(route={"host": "mcp", "path": "/git", "access": "operators"})
    assert found["traefik.http.routers.a.rule"] == "Host(`mcp.example.org`) && (Path(`/git`) || PathPrefix(`/git/`))"
    chain = "rate@file,in-flight@file,operators@file,a-strip,breaker@file,retry@file"
    assert found["traefik.http.routers.a.middlewares"] == chain
    assert found["traefik.http.routers.a-large.middlewares"] == f"{chain},size@file"
    assert found["traefik.http.middlewares.a-strip.stripprefix.prefixes"] == "/git"


def test_without_a_route_traefik_leaves_it_alone():
    assert labels() == {"ai.sophia.service": "a"}


def test_behind_a_virtual_address_traefik_asks_that():
    found = labels({"endpoint_mode": "vip"}, route={"host": "a"}, health={"path": "/h"})
    assert found["traefik.swarm.lbswarm"] == "true"
    assert not any("healthcheck" in label for label in found)


@pytest.mark.parametrize(
    ("image", "mirror", "expected"),
    [
        ("docker.io/library/redis:7", "", "docker.io/library/redis:7"),
        ("docker.io/library/redis:7", "m:5000", "m:5000/library/redis:7"),
        ("redis:7", "m:5000", "m:5000/library/redis:7"),
        ("prom/prometheus:v1", "m", "m/prom/prometheus:v1"),
        ("localhost:5000/a/b:1", "m", "m/a/b:1"),
        ("ghcr.io/a/b:1@sha256:ab", "m", "m/a/b:1@sha256:ab"),
    ],
)
def test_image_behind_a_mirror(image, mirror, expected):
    assert image_reference(image, mirror) == expected


@pytest.mark.parametrize(("text", "expected"), [("1K", 1024), ("512m", 512 << 20), ("1.5G", 3 << 29), ("1T", 1 << 40)])
def test_size(text, expected):
    assert size_bytes(text) == expected


@pytest.mark.parametrize("text", ["", "1", "G", "1GB", "-1G", "1 G", 5])
def test_no_size(text):
    with pytest.raises(ValueError, match="is no size"):
        size_bytes(text)


SERVICES = [
    {
        "name": "a",
        "stack": "late",
        "image": "x/y:1",
        "needs": ["b"],
        "secrets": ["t"],
        "autoscale": {"min": 1, "max": 2},
    },
    {"name": "b", "stack": "early", "image": "x/y:1", "configs": [{"source": "postgres_init.sql", "target": "/x"}]},
]


def test_stacks_in_deploy_order_with_versioned_names():
    catalog = read(platform(services=SERVICES))
    early, late = releases.stacks(catalog, {"t": "value", "platform_key": "key", "unused": "x"})
    assert (early["name"], late["name"]) == ("early", "late")
    assert late["secrets"] == {"t_90fbfcf15e": "value"}
    assert late["compose"]["secrets"] == {"t": {"external": True, "name": "t_90fbfcf15e"}}
    assert late["scaled"] == {"a": {"min": 1, "max": 2}}
    (name, content) = next(iter(early["configs"].items()))
    assert name.startswith("early_postgres_init_sql_")
    assert content.startswith("--")
    assert early["compose"]["configs"]["postgres_init_sql"]["name"] == name


def test_a_rotated_value_or_key_is_another_name():
    catalog = read(platform(services=SERVICES))
    names = {
        next(iter(releases.stacks(catalog, secrets)[1]["secrets"]))
        for secrets in (
            {"t": "one", "platform_key": "k"},
            {"t": "two", "platform_key": "k"},
            {"t": "one", "platform_key": "l"},
        )
    }
    assert len(names) == 3


def test_missing_values_are_named_all_at_once():
    with pytest.raises(CatalogError) as error:
        releases.stacks(read(platform(services=SERVICES)), {})
    assert error.value.problems == ["the secret store has no platform_key", "the secret store has no t"]


def test_no_document_holds_a_value():
    catalog = read(of_environment("lab"))
    values = {name: f"value-of-{name}" for name in [*catalog.secret_names(), *MADE]}
    assert "value-of-" not in str([stack["compose"] for stack in releases.stacks(catalog, values)])


def test_registry_auth():
    logins = {"r.example.org": {"username": "u", "secret": "pull"}}
    catalog = read(platform(registry_credentials=logins))
    assert releases.registry_auth(catalog, {"pull": "x"}) == {"r.example.org": {"username": "u", "password": "x"}}
    with pytest.raises(CatalogError, match="pull"):
        releases.registry_auth(catalog, {})
