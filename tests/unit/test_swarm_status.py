"""What swarm_status says of a Swarm whose node has died."""

from ansible_collections.sophia.platform.plugins.module_utils.swarm.status import node_summary, service_summaries
from ansible_collections.sophia.platform.plugins.module_utils.swarm.text import overview

NODES = [
    {"ID": "n1", "Description": {"Hostname": "m1"}, "Status": {"State": "ready"}},
    {"ID": "n2", "Description": {"Hostname": "m2"}, "Status": {"State": "down"}},
]


def service(identifier, mode, desired):
    labels = {"com.docker.stack.namespace": "app"}
    template = {"ContainerSpec": {"Image": "a:1@sha256:x", "Env": ["PASSWORD=hunter22"]}}
    return {
        "ID": identifier,
        "ServiceStatus": {"DesiredTasks": desired},
        "Spec": {"Name": f"app_{identifier}", "Labels": labels, "Mode": mode, "TaskTemplate": template},
    }


def task(service_id, node, state, desired="running", **status):
    return {
        "ID": f"{service_id}{node}{state}",
        "ServiceID": service_id,
        "NodeID": node,
        "DesiredState": desired,
        "CreatedAt": "1",
        "Status": {"State": state, **status},
    }


def test_replicas_are_counted_by_what_runs_and_is_meant_to():
    services = [service("web", {"Replicated": {"Replicas": 2}}, 2), service("agent", {"Global": {}}, 1)]
    tasks = [
        task("web", "n2", "running", "shutdown"),
        task("web", "", "pending", Err="no suitable node"),
        task("web", "n1", "running"),
        task("web", "n1", "failed", "shutdown", Err="exit", ContainerStatus={"ExitCode": 3}),
        task("agent", "n1", "running"),
        task("agent", "n2", "running"),
    ]
    agent, web = service_summaries(services, tasks, NODES)
    assert (web["replicas_wanted"], web["replicas_running"], web["mode"]) == (2, 1, "replicated")
    assert web["pending"] == ["no suitable node"]
    assert web["failures"] == ["task webn1failed on m1: failed: exit (exit code 3)"]
    assert (web["stack"], web["image"], web["nodes"]) == ("app", "a:1@sha256:x", ["m1"])
    assert (agent["replicas_wanted"], agent["replicas_running"]) == (2, 1)
    assert "hunter22" not in str([agent, web])


def test_tasks_of_the_old_image_do_not_count_while_an_update_is_stuck():
    old = {**task("web", "n1", "running"), "Spec": {"ContainerSpec": {"Image": "a:0@sha256:w"}}}
    new = {**task("web", "", "pending", Err="no suitable node"), "Spec": {"ContainerSpec": {"Image": "a:1@sha256:x"}}}
    (web,) = service_summaries([service("web", {"Replicated": {"Replicas": 1}}, 1)], [old, new], NODES)
    assert (web["replicas_running"], web["pending"]) == (0, ["no suitable node"])


def node(name, **resources):
    return {
        "ID": name,
        "Spec": {"Role": "manager", "Availability": "drain"},
        "Status": {"State": "ready", "Addr": "10.0.0.1"},
        "ManagerStatus": {"Leader": True, "Reachability": "reachable"},
        "Description": {"Hostname": name, "Engine": {"EngineVersion": "26.1.5"}, "Resources": resources},
    }


def test_gpus_of_a_node():
    named = [{"NamedResourceSpec": {"Kind": "NVIDIA-GPU", "Value": f"GPU-{number}"}} for number in (2, 1)]
    other = {"DiscreteResourceSpec": {"Kind": "SSD", "Value": 3}}
    assert node_summary(node("m1", GenericResources=[other, *named]))["gpus"] == ["GPU-1", "GPU-2"]
    assert node_summary(node("m1"))["gpus"] == []


def test_the_overview_says_why_a_replica_does_not_run():
    services = [service("llm", {"Replicated": {"Replicas": 4}}, 4)]
    tasks = [task("llm", "n1", "running"), task("llm", "", "pending", Err="no suitable node (insufficient resources)")]
    lines = overview([node_summary(node("m1"))], service_summaries(services, tasks, NODES)).splitlines()
    assert lines[1].split() == ["m1", "leader", "ready,", "drain", "10.0.0.1", "26.1.5", "0"]
    assert lines[-1].startswith("app_llm  1 of 4")
    assert lines[-1].endswith("a:1    pending: no suitable node (insufficient resources)")
