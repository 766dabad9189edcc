"""What a deploy would do to each service, and whether that costs downtime."""

from __future__ import annotations

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.swarm import compose as documents
from ansible_collections.sophia.platform.plugins.module_utils.swarm import plan
from ansible_collections.sophia.platform.plugins.module_utils.swarm import spec as specs

TAG = "registry.example/web:1"
PINNED = {TAG: f"{TAG}@sha256:one", "registry.example/web:2": "registry.example/web:2@sha256:two"}
START_FIRST = {"order": "start-first"}


def document(deploy=None, **changes):
    web = {"image": TAG, "networks": ["net"], "deploy": {"replicas": 1, "update_config": START_FIRST, **(deploy or {})}}
    return {"services": {"web": {**web, **changes}}, "networks": {"net": {"external": True, "name": "data"}}}


def views(compose, scaled=()):
    return documents.views(compose, "app", PINNED, scaled)


def live(mode=None, count=1, **spec):
    mode = mode or {"Replicated": {"Replicas": count}}
    return {"ID": "x", "Spec": {"Name": "app_web", "Mode": mode, "TaskTemplate": {}, **spec}}


def step(before, after, scaled=None, service=None):
    scaled = scaled or {}
    service = service or live(count=documents.wanted_replicas(before["services"]["web"]))
    previous = plan.Release(views(before, scaled), {"web": specs.normalised(live()["Spec"])})
    return plan.steps(views(after, scaled), previous, {"web": service}, scaled)[0]


@pytest.mark.parametrize(
    ("before", "after", "why", "downtime"),
    [
        (document(), document(), "", False),
        (
            document(),
            document(image="registry.example/web:2"),
            f"image: {PINNED[TAG]} -> registry.example/web:2@sha256:two",
            False,
        ),
        (document(), document(environment={"A": "1"}), "environment: A", False),
        (document(environment=["A=1"]), document(environment={"A": "1"}), "", False),
        (document(), document(environment={}), "", False),
        (
            document({"update_config": {}}),
            document({"update_config": {}}, environment={"A": "1"}),
            "environment: A",
            True,
        ),
        (
            document({"update_config": {}, "replicas": 2}),
            document({"update_config": {}, "replicas": 2}, environment={"A": "1"}),
            "environment: A",
            False,
        ),
        (
            document({"update_config": {"parallelism": 0}, "replicas": 3}),
            document({"update_config": {"parallelism": 0}, "replicas": 3}, user="1"),
            "user",
            True,
        ),
        (document(), document({"labels": {"a": "b"}}), "deploy.labels", False),
        (
            document({"update_config": {}}),
            document({"update_config": {}, "labels": {"a": "b"}}),
            "deploy.labels",
            False,
        ),
        (document(), document({"replicas": 0}), "deploy.replicas: 1 -> 0", True),
        (document(), document({"mode": "global"}), "deploy.mode: None -> global", True),
        (document(), document({"endpoint_mode": "dnsrr"}), "deploy.endpoint_mode: None -> dnsrr", True),
        (document(), {**document(), "networks": {"net": {"external": True, "name": "edge"}}}, "networks", True),
    ],
)
def test_a_change_is_explained_and_its_downtime_foreseen(before, after, why, downtime):
    found = step(before, after)
    assert found.action == (plan.UPDATE if why else plan.NONE)
    assert (found.why, found.downtime) == (why, downtime)


@pytest.mark.parametrize(
    ("ports", "downtime"), [([{"target": 80, "published": 80, "mode": "host"}], True), ([], False)]
)
def test_a_global_service_with_host_ports_is_away_for_a_moment_on_each_node(ports, downtime):
    deploy = {"mode": "global", "update_config": {}}
    before = document(deploy, ports=ports)
    found = step(before, document(deploy, ports=ports, user="1"), service=live({"Global": {}}))
    assert (found.action, found.downtime) == (plan.UPDATE, downtime)


def test_services_come_and_go():
    wanted = views({**document(), "services": {**document()["services"], "new": {"image": TAG}}})
    steps = plan.steps(wanted, None, {"old": live()}, {})
    assert [(one.service, one.action, one.downtime) for one in steps] == [
        ("web", "create", False),
        ("new", "create", False),
        ("old", "remove", True),
    ]


def test_without_a_record_everything_is_deployed_again():
    found = plan.steps(views(document()), None, {"web": live()}, {})[0]
    assert (found.action, found.why) == ("update", "there is no release record of it")


def test_a_mode_change_needs_a_new_service():
    assert step(document(), document({"mode": "global"})).replace
    assert not step(document(), document(user="1")).replace


@pytest.mark.parametrize(
    ("service", "fields"),
    [
        (live(), []),
        (live(count=3), ["replicas (1 -> 3)"]),
        (live(Labels={"x": "y"}), ["Labels.x"]),
        (live(TaskTemplate={"ContainerSpec": {"Env": ["A=secret"]}}), ["TaskTemplate.ContainerSpec.Env"]),
        (live(TaskTemplate={"ForceUpdate": 2}), []),
        (None, ["the service is gone"]),
    ],
)
def test_what_was_changed_by_hand_is_found_without_its_values(service, fields):
    previous = plan.Release(views(document()), {"web": specs.normalised(live()["Spec"])})
    there = {"web": service} if service else {}
    assert plan.drift(previous, there, {}) == ([{"service": "web", "fields": fields}] if fields else [])


@pytest.mark.parametrize(
    ("count", "why"),
    [
        (3, ""),
        (2, ""),
        (1, "replicas: 1 -> 2 (the autoscaler's limits)"),
        (9, "replicas: 9 -> 4 (the autoscaler's limits)"),
    ],
)
def test_the_autoscaler_owns_replicas_within_its_limits(count, why):
    scaled = {"web": {"min": 2, "max": 4}}
    assert step(document(), document({"replicas": 3}), scaled, live(count=count)).why == why


def test_handing_replicas_to_the_autoscaler_touches_nothing():
    previous = plan.Release(views(document()), {"web": specs.normalised(live()["Spec"])})
    scaled = {"web": {"min": 1, "max": 4}}
    assert plan.steps(views(document(), scaled), previous, {"web": live()}, scaled)[0].action == plan.NONE


def test_members_of_one_database_are_updated_one_after_another():
    steps = [
        plan.Step("a", plan.UPDATE, ""),
        plan.Step("b", plan.UPDATE, ""),
        plan.Step("c", plan.CREATE, ""),
        plan.Step("x", plan.UPDATE, ""),
        plan.Step("y", plan.NONE, ""),
    ]
    assert plan.waves(steps, ["b", "a", "c", "y"]) == [["b"], ["a"], ["c", "x"]]
