"""Compose documents: lint, comparable views, what the CLI is given, release records."""

from __future__ import annotations

import json

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.swarm import compose as documents
from ansible_collections.sophia.platform.plugins.module_utils.swarm import lint, release
from ansible_collections.sophia.platform.plugins.module_utils.swarm.images import registry_of, tag_of

AROUND = lint.Surroundings(networks={"data": "swarm", "host": "host"}, secrets={"there"}, configs=set())


def document(**service):
    return {"services": {"web": {"image": "a/b:1", **service}}}


def problems(compose, scaled=None, sequential=(), brought=None):
    around = lint.Surroundings(AROUND.networks, AROUND.secrets, AROUND.configs, brought or {})
    return lint.problems("app", compose, scaled or {}, sequential, around)


@pytest.mark.parametrize(
    ("compose", "problem"),
    [
        ({}, "compose.services is empty"),
        ({"name": "x", **document()}, "compose.name is refused"),
        (document(restart="always"), "restart: Swarm ignores it; say deploy.restart_policy"),
        (document(tmpfs=["/x"]), "tmpfs: Swarm ignores it"),
        (document(depends_on=["db"]), "depends_on: Swarm ignores it"),
        (document(gpus="all"), "gpus: Swarm's schema refuses it"),
        (document(image="a/b"), "a/b has no tag"),
        (document(image="localhost:5000/b"), "has no tag"),
        ({"services": {"web": {}}}, "image: is missing"),
        (document(environment={"A": "$HOME"}), "compose.services.web.environment.A: variables are not put in here"),
        (document(command=["echo", "$$$A"]), "compose.services.web.command[1]: variables"),
        (document(environment={"A": True}), "environment.A: a boolean is refused"),
        (document(ports=[{"target": 80, "published": "80", "mode": "host"}]), "published must be a number"),
        (document(ports=["80:80"], deploy={"endpoint_mode": "dnsrr"}), "allows published ports in mode host only"),
        (
            document(
                ports=[{"target": 80, "published": 80, "mode": "host"}],
                deploy={"mode": "global", "update_config": {"order": "start-first"}},
            ),
            "start-first can never find the host port free",
        ),
        (document(deploy={"resources": {"reservations": {"devices": []}}}), "devices: Swarm's schema refuses it"),
        (document(networks=["net"]), "networks: net is not defined"),
        (document(secrets=["pw"]), "secrets: pw is not defined"),
        (
            {**document(networks=["n"]), "networks": {"n": {"external": True}}},
            "network n is external and does not exist",
        ),
        ({**document(), "networks": {"n": {"external": True, "name": "host"}}}, "of scope host"),
        (
            {**document(secrets=["p"]), "secrets": {"p": {"external": True}}},
            "p neither exists in the Swarm nor is passed",
        ),
        ({**document(configs=["c"]), "configs": {"c": {"file": "./c"}}}, "configs.c is not external"),
    ],
)
def test_lint_finds(compose, problem):
    assert problem in "\n".join(problems(compose))


@pytest.mark.parametrize(
    "compose",
    [
        document(command=["echo", "$$A $$(date)"]),
        document(image="registry.example:5000/a/b@sha256:abc"),
        {**document(networks={"n": None}), "networks": {"n": {"external": True, "name": "data"}}},
        {
            **document(networks=["default"], secrets=[{"source": "p", "mode": 0o400}]),
            "secrets": {"p": {"external": True, "name": "there"}},
        },
    ],
)
def test_lint_lets_pass(compose):
    assert problems(compose) == []


def test_lint_names_all_problems_of_the_options_at_once():
    scaled = {"nope": {"min": 1, "max": 2}, "web": {"min": 3, "max": 2}}
    found = "\n".join(problems(document(), scaled, ["gone"], {"secrets": {"unused_0a"}}))
    for problem in ("scaled: there is no service nope", "0 <= min <= max", "no service gone", "unused_0a is passed in"):
        assert problem in found


def test_views_name_what_a_service_gets_and_not_how_the_document_calls_it():
    compose = {
        **document(secrets=["pw", {"source": "key", "target": "/k", "mode": 256}], environment=["A=1", "B"]),
        "secrets": {"pw": {"external": True, "name": "pw_1"}, "key": {"external": {"name": "key_1"}}},
    }
    view = documents.views(compose, "app", {"a/b:1": "a/b:1@sha256:x"}, [])["web"]
    assert view == {
        "image": "a/b:1@sha256:x",
        "secrets": {"pw": {"name": "pw_1"}, "/k": {"name": "key_1", "mode": 256}},
        "environment": {"A": "1", "B": ""},
        "networks": {"app_default": {}},
    }
    assert documents.object_names(compose, "secrets") == ["key_1", "pw_1"]


def test_the_input_digest_sees_every_change_but_an_autoscalers():
    base = document(deploy={"replicas": 2})
    assert documents.input_digest(base, "app", []) != documents.input_digest(
        document(deploy={"replicas": 3}), "app", []
    )
    scaled = ["web"]
    same = document(deploy={"replicas": 3})
    assert documents.input_digest(base, "app", scaled) == documents.input_digest(same, "app", scaled)
    assert documents.input_digest(base, "app", []) != documents.input_digest(document(user="1"), "app", [])


def test_the_cli_gets_digests_live_replicas_and_the_wave_only():
    compose = {"services": {"web": {"image": "a/b:1"}, "db": {"image": "c/d:1"}}, "networks": {"n": {}}}
    got = documents.rendered(compose, {"a/b:1": "a/b:1@sha256:x"}, {"web": 4}, ["web"])
    assert got == {
        "services": {"web": {"image": "a/b:1@sha256:x", "deploy": {"replicas": 4}}},
        "networks": {"n": {}},
    }
    assert compose["services"]["web"] == {"image": "a/b:1"}


@pytest.mark.parametrize("length", [10, release.PLAIN_SIZE_LIMIT_BYTES + 1])
def test_a_record_comes_back_as_it_was_stored(length):
    compose = document(command=["x" * length])
    record = release.make("app", 3, compose, {"a/b:1": "a/b:1@sha256:x"}, {}, {"web": {"Name": "app_web"}})
    stored = release.encoded(record)
    assert release.decoded(stored) == json.loads(json.dumps(record))
    assert len(stored) < release.ENGINE_SIZE_LIMIT_BYTES


@pytest.mark.parametrize(
    ("reference", "host", "tag"),
    [
        ("redis:7.2", "docker.io", "7.2"),
        ("docker.io/library/redis:7", "docker.io", "7"),
        ("ghcr.io/a/b", "ghcr.io", ""),
        ("registry.lab:5000/a", "registry.lab:5000", ""),
        ("localhost/a:1", "localhost", "1"),
        ("a/b:1@sha256:x", "docker.io", "sha256:x"),
    ],
)
def test_image_references(reference, host, tag):
    assert (registry_of(reference), tag_of(reference)) == (host, tag)
