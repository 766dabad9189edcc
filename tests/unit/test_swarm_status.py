"""What swarm_status says of a Swarm whose node has died."""

from ansible_collections.sophia.platform.plugins.module_utils.swarm.status import service_summaries

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
