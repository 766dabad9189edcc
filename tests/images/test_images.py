"""The lab's images against the contract of the images they stand for, started as the catalog starts them."""

from __future__ import annotations

import gzip
import json
import re

import pytest

PASSWORD = "it's a $ecret"  # noqa: S105 made up; awkward for a shell on purpose
VERSIONS = {
    "postgres": (r"\(PostgreSQL\) ([\d.]+)", ["postgres", "--version"]),
    "redis": (r"v=([\d.]+)", ["redis-server", "--version"]),
    "traefik": (r"Version: +([\d.]+)", ["version"]),
    "prometheus": (r"version ([\d.]+)", ["--version"]),
    "alertmanager": (r"version ([\d.]+)", ["--version"]),
    "node-exporter": (r"version ([\d.]+)", ["--version"]),
}
INSERT = "INSERT INTO seen (script) VALUES"
INIT_SCRIPTS = {
    "10-first.sql": f"CREATE TABLE seen (number serial, script text); {INSERT} ('sql');",
    "20-executed.sh": f"#!/bin/sh -e\npsql -U $POSTGRES_USER -d $POSTGRES_DB -c \"{INSERT} ('executed')\"",
    "30-sourced.sh": f'"${{psql[@]}}" <<<"{INSERT} (\'sourced\')"',
    "40-packed.sql.gz": gzip.compress(f"{INSERT} ('packed');".encode()),
    "50-ignored.txt": f"{INSERT} ('ignored');",
}
MINIMAL_CONFIGS = {
    "prometheus": {"/etc/prometheus/prometheus.yml": "scrape_configs: []\n"},
    "alertmanager": {"/etc/alertmanager/alertmanager.yml": "route: {receiver: none}\nreceivers: [{name: none}]\n"},
    "node-exporter": {},
}


def init_files(scripts: dict) -> dict:
    return {f"/docker-entrypoint-initdb.d/{name}": text for name, text in scripts.items()}


@pytest.mark.parametrize("name", VERSIONS)
def test_label_and_catalog_tell_the_version_inside(start, catalog, name):
    pattern, command = VERSIONS[name]
    with start(name, *command) as container:
        assert container.ended() == 0, container.log
        version = re.search(pattern, container.log)[1]
        label = container.inspect('{{index .Config.Labels "ai.sophia.stand-in"}}')
    assert f" {version}" in label
    assert version.split(".")[0] in re.findall(r"\d+", catalog[name]["image"].rpartition(":")[2])


# ── postgres ─────────────────────────────────────────────────────────────────────────────────────────────────────


def sql(container, query: str, password: str = PASSWORD, **options):
    """Run a query over the network, as a client elsewhere would."""
    command = ["psql", "-X", "-A", "-t", "-h", container.address, "-U", "sophia", "-d", "sophia_db", "-c", query]
    return container.run(*command, environment={"PGPASSWORD": password}, **options)


@pytest.fixture(scope="module")
def postgres(start, catalog):
    """The catalog's postgres, with a postgres option and with a script of each kind."""
    files = {"/run/secrets/postgres_password": PASSWORD, **init_files(INIT_SCRIPTS)}
    service = catalog["postgres"]
    with start("postgres", "-c", "max_connections=17", environment=service["environment"], files=files) as container:
        container.healthy(service["healthcheck"]["test"])
        yield container


def test_postgres_makes_the_database_and_runs_the_scripts_in_order(postgres):
    seen = sql(postgres, "SELECT script FROM seen ORDER BY number").stdout.split()
    assert seen == ["sql", "executed", "sourced", "packed"]


def test_postgres_checks_passwords_of_clients(postgres):
    assert sql(postgres, "SELECT 1", password="wrong", check=False).returncode == 2  # noqa: S106
    assert sql(postgres, "SHOW password_encryption").stdout.strip() == "scram-sha-256"


def test_postgres_creates_the_vector_extension(postgres):
    sql(postgres, "CREATE EXTENSION vector")
    assert sql(postgres, "SELECT '[1,2]'::vector <-> '[4,6]'").stdout.strip() == "5"


def test_postgres_runs_unprivileged_with_the_options_given(postgres):
    assert sql(postgres, "SHOW max_connections").stdout.strip() == "17"
    assert sql(postgres, "SELECT DISTINCT datcollate FROM pg_database").stdout.strip() == "en_US.utf8"
    assert postgres.run("stat", "-c", "%u %a", "/var/lib/postgresql/data/pgdata").stdout.split() == ["999", "700"]
    assert postgres.run("pg_isready", "-h", "/var/run/postgresql").returncode == 0
    server = postgres.run("head", "-1", "/var/lib/postgresql/data/pgdata/postmaster.pid").stdout.strip()
    assert postgres.run("stat", "-c", "%u", f"/proc/{server}").stdout.strip() == "999"


def test_postgres_keeps_its_data_and_needs_no_password_later(start, catalog, volume):
    service, mount = catalog["postgres"], ("--volume", f"{volume}:/var/lib/postgresql/data")
    secret = {"/run/secrets/postgres_password": PASSWORD}
    once = init_files({"10-once.sql": "CREATE TABLE once ();"})
    place = {"PGDATA": service["environment"]["PGDATA"]}
    with start("postgres", environment=service["environment"], files={**secret, **once}, options=mount) as first:
        first.healthy(service["healthcheck"]["test"])
        sql(first, "CREATE TABLE kept AS SELECT 'here' AS what")
        first.stop()
        assert first.inspect("{{.State.ExitCode}}") == "0"
        assert "fast shutdown" in first.log
    with start("postgres", environment=place, files=once, options=mount) as second:
        second.healthy(service["healthcheck"]["test"])
        assert sql(second, "SELECT what FROM kept").stdout.strip() == "here"


def test_postgres_begins_an_interrupted_initialisation_anew(start, volume):
    mount = ("--volume", f"{volume}:/var/lib/postgresql/data")
    environment = {"POSTGRES_PASSWORD": PASSWORD, "POSTGRES_USER": "sophia", "POSTGRES_DB": "sophia_db"}
    slow = init_files({"10-half.sql": "CREATE TABLE half ();", "20-slow.sh": "echo half way; sleep 60"})
    with start("postgres", environment=environment, files=slow, options=mount) as first:
        first.until("the slow script", lambda: "" if "half way" in first.log else "no sign of it")
        first.kill()
    whole = init_files({"10-whole.sql": "CREATE TABLE whole ();"})
    with start("postgres", environment=environment, files=whole, options=mount) as second:
        second.healthy(["CMD", "pg_isready", "-q", "-h", "127.0.0.1"])
        assert sql(second, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'").stdout.split() == ["whole"]
        assert second.run("ls", "-A", "/var/lib/postgresql/data").stdout.split().count(".initialising") == 0


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "POSTGRES_PASSWORD"),
        ({"POSTGRES_PASSWORD": "a", "POSTGRES_PASSWORD_FILE": "/b"}, "POSTGRES_PASSWORD_FILE are set"),
    ],
    ids=["no password", "two passwords"],
)
def test_postgres_refuses_to_start(start, environment, said):
    with start("postgres", environment=environment) as container:
        assert container.ended() == 1
        assert said in container.log


def test_postgres_takes_initdb_arguments_and_trust(start):
    environment = {"POSTGRES_HOST_AUTH_METHOD": "trust", "POSTGRES_USER_FILE": "/user", "POSTGRES_DB": "sophia_db"}
    environment["POSTGRES_INITDB_ARGS"] = "--data-checksums --lc-messages='C'"
    with start("postgres", environment=environment, files={"/user": "sophia\n"}) as container:
        container.healthy(["CMD", "pg_isready", "-q", "-h", "127.0.0.1"])
        assert sql(container, "SHOW data_checksums", password="").stdout.strip() == "on"


# ── redis ────────────────────────────────────────────────────────────────────────────────────────────────────────


def owner_of_redis(container, password: str = "") -> str:
    """The uid that the server runs as."""
    server = container.run("redis-cli", "info", "server", environment={"REDISCLI_AUTH": password} if password else None)
    return container.run("stat", "-c", "%u", "/proc/" + re.search(r"process_id:(\d+)", server.stdout)[1]).stdout.strip()


def test_redis_runs_as_the_catalog_starts_it(start, catalog):
    service = catalog["redis"]
    secret = {"/run/secrets/redis_password": "secret"}
    with start("redis", *service["command"], files=secret) as container:
        container.healthy(service["healthcheck"]["test"])
        assert "NOAUTH" in container.run("redis-cli", "ping").stdout
        setting = container.run("redis-cli", "config", "get", "appendonly", environment={"REDISCLI_AUTH": "secret"})
        assert setting.stdout.split() == ["appendonly", "yes"]
        assert owner_of_redis(container, password="secret") == "999"  # noqa: S106
        arguments = container.run("sh", "-c", "cat /proc/[0-9]*/cmdline").stdout
        assert "redis-server" in arguments
        assert "requirepass secret" not in arguments
        container.stop()
        assert container.inspect("{{.State.ExitCode}}") == "0", container.log


@pytest.mark.parametrize(
    ("command", "files", "protected"),
    [
        ([], {}, "no"),
        (["--port", "6379"], {}, "no"),
        (["redis-server", "--protected-mode", "yes"], {}, "yes"),
        (["/redis.conf"], {"/redis.conf": "protected-mode yes\n"}, "yes"),
        (["/redis.conf", "--maxclients", "100"], {"/redis.conf": "port 6379\n"}, "no"),
        (["sh", "-c", "echo protected-mode yes | exec redis-server -"], {}, "yes"),
    ],
)
def test_redis_is_open_by_default_and_whatever_the_caller_says_wins(start, command, files, protected):
    with start("redis", *command, files=files) as container:
        container.healthy(["CMD-SHELL", "redis-cli ping | grep -q PONG"])
        assert container.run("redis-cli", "config", "get", "protected-mode").stdout.split()[1] == protected
        # As in the official image, root is given up for redis-server and its arguments, not for other commands.
        assert owner_of_redis(container) == ("0" if command[:1] == ["sh"] else "999")


# ── the Prometheus family ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", MINIMAL_CONFIGS)
def test_exporters_and_monitors_answer_the_catalogs_health_check(start, catalog, name):
    service = catalog[name]
    with start(name, *service["command"], files=MINIMAL_CONFIGS[name]) as container:
        container.healthy(service["healthcheck"]["test"])
        assert container.run("id", "-u").stdout.strip() == "65534"


def test_node_exporter_collects_what_the_released_one_does(start, catalog):
    service = catalog["node-exporter"]
    with start("node-exporter", *service["command"]) as container:
        container.healthy(service["healthcheck"]["test"])
        metrics = container.run("wget", "-q", "-O", "-", "http://127.0.0.1:9100/metrics").stdout
    assert 'node_scrape_collector_success{collector="meminfo"} 1' in metrics
    assert 'collector="systemd"' not in metrics
    assert "node_textfile_scrape_error 0" in metrics


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("prometheus", ["promtool", "check", "config", "/etc/prometheus/prometheus.yml"]),
        ("alertmanager", ["amtool", "check-config", "/etc/alertmanager/alertmanager.yml"]),
    ],
)
def test_monitors_bring_their_tools(start, name, command):
    with start(name, *command[1:], files=MINIMAL_CONFIGS[name], options=("--entrypoint", command[0])) as container:
        assert container.ended() == 0, container.log
        assert json.loads(container.inspect("{{json .Config.Volumes}}")).keys() == {f"/{name}"}
