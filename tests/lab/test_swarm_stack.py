"""swarm_stack and swarm_status on a real Swarm: every way a deploy can end, with a stack beside the platform's.

Each test is one play of several tasks, since starting Ansible costs more than a task. `SWARM_STACK_TEST` may name
another Swarm than the lab's, as JSON: {inventory: [...], hosts, images: [two], auth: {host: {username, password}}}.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.sophia.platform.plugins.module_utils.catalog.naming import image_reference

ROOT = Path(__file__).resolve().parents[2]
STACK, SECRET, OTHER_SECRET = "probe", "correct-horse-1", "correct-horse-2"
LOCK = "deploy-lock-cluster"
LEFT = "; ".join(
    f"docker {kind} ls -q -f label={label}={STACK}"
    for kind, label in {
        "service": "com.docker.stack.namespace",
        "network": "com.docker.stack.namespace",
        "secret": "sophia.stack",
        "config": "sophia.stack",
    }.items()
)
PID = f"docker config inspect -f '{{{{.Spec.Labels.pid}}}}' {LOCK} 2>/dev/null"


@pytest.fixture(scope="session")
def target(request) -> dict:
    """Where the tests run: inventories, hosts, two images with a shell, the registry's login (or a template of it)."""
    if os.environ.get("SWARM_STACK_TEST"):
        return json.loads(os.environ["SWARM_STACK_TEST"])
    request.getfixturevalue("runs")
    mirror = yaml.safe_load((ROOT / "inventories/lab/group_vars/all/platform.yml").read_text())[
        "platform_registry_mirror"
    ]
    catalog = yaml.safe_load((ROOT / "inventories/common/group_vars/all/services.yml").read_text())["services"]
    images = {entry["name"]: image_reference(entry["image"], mirror) for entry in catalog if "image" in entry}
    return {
        "inventory": ["inventories/common", "inventories/lab"],
        "hosts": "managers[0]",
        "images": [images["node-exporter"], images["redis"]],
        "auth": "{{ platform | sophia.platform.catalog_registry_auth(platform_secrets) }}",
    }


@pytest.fixture(scope="session")
def ansible(target, tmp_path_factory):
    """Runs tasks in one play: returns the results of those with a name, by name, and the whole output."""
    folder = tmp_path_factory.mktemp("swarm_stack")

    def run(*tasks: dict, options: tuple[str, ...] = ()) -> tuple[dict[str, dict], str]:
        play = {"hosts": target["hosts"], "gather_facts": False, "vars": {"auth": target["auth"]}, "tasks": list(tasks)}
        (folder / "play.yml").write_text(json.dumps([play]))
        inventories = [part for path in target["inventory"] for part in ("-i", path)]
        callback = "default" if options else "ansible.posix.json"
        done = subprocess.run(
            [Path(sys.executable).parent / "ansible-playbook", *inventories, folder / "play.yml", *options],
            cwd=ROOT,
            env={**os.environ, "ANSIBLE_STDOUT_CALLBACK": callback, "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            timeout=300,
        )
        if options:
            return {}, done.stdout + done.stderr
        assert "{" in done.stdout, done.stdout + done.stderr
        report = json.loads(done.stdout[done.stdout.index("{") :])
        tasks_done = [task for one in report["plays"] for task in one["tasks"]]
        results = {task["task"]["name"]: next(iter(task["hosts"].values())) for task in tasks_done}
        return results, done.stdout

    yield run
    run(remove(STACK))


@pytest.fixture
def stack(target):
    """Makes tasks that deploy the probe stack."""
    image = target["images"][0]

    def service(script: str = "exec sleep 3600", deploy: dict | None = None, **more) -> dict:
        update = {"order": "start-first", "failure_action": "rollback", "monitor": "1s"}
        defaults = {"endpoint_mode": "dnsrr", "replicas": 1, "update_config": update}
        restart = {"restart_policy": {"condition": "any", "delay": "500ms"}}
        return {
            "image": image,
            "entrypoint": ["sh", "-c"],
            "command": [script],
            "init": True,
            "stop_grace_period": "1s",
            "networks": ["net"],
            "deploy": {**defaults, **restart, **(deploy or {})},
            **more,
        }

    def task(name: str, services: dict, check: bool = False, more: dict | None = None, **options) -> dict:
        compose = {"services": services, "networks": {"net": {"driver": "overlay"}}, **(more or {})}
        arguments = {
            "name": STACK,
            "compose": compose,
            "registry_auth": "{{ auth }}",
            "timeout_seconds": 60,
            "pending_grace_seconds": 2,
            **options,
        }
        return {
            "name": name,
            "sophia.platform.swarm_stack": arguments,
            "ignore_errors": True,
            "check_mode": check,
            "diff": True,
        }

    task.service = service
    return task


def remove(name: str, title: str = "remove", check: bool = False) -> dict:
    return {"name": title, "check_mode": check, "sophia.platform.swarm_stack": {"name": name, "state": "absent"}}


def command(text: str, title: str = "by hand") -> dict:
    return {
        "name": title,
        "ansible.builtin.command": {"cmd": "{% raw %}" + text + "{% endraw %}"},
        "ignore_errors": True,
    }


def shell(text: str, title: str) -> dict:
    return {"name": title, "ansible.builtin.shell": {"cmd": "{% raw %}" + text + "{% endraw %}"}, "ignore_errors": True}


def diff_text(result: dict) -> str:
    return json.dumps(result.get("diff", []))


def why(result: dict, service: str = "web") -> tuple[str, str]:
    return next((step["action"], step["why"]) for step in result["plan"] if step["service"] == service)


def with_secret(name: str, value: str, config: str, content: str) -> dict:
    """What a task with one secret `pw` and one config `page` takes besides its services."""
    more = {
        "secrets": {"pw": {"external": True, "name": name}},
        "configs": {"page": {"external": True, "name": config}},
    }
    return {"more": more, "secrets": {name: value}, "configs": {config: content}}


def test_a_first_deploy_a_second_and_a_change(ansible, stack):
    service = stack.service
    changed = {"web": service(environment={"LEVEL": "debug", "API_TOKEN": "never-shown"})}
    results, output = ansible(
        remove(STACK, "clean"),
        stack("predict", {"web": service()}, check=True),
        stack("first", {"web": service()}),
        stack("again", {"web": service()}),
        stack("predict again", {"web": service()}, check=True),
        stack("predict change", changed, check=True),
        stack("change", changed),
        command(
            f"docker service inspect --format '{{{{json .Spec.TaskTemplate.ContainerSpec.Image}}}}' {STACK}_web",
            "pinned",
        ),
    )
    assert [results[name]["changed"] for name in ("predict", "first", "again", "predict again")] == [
        True,
        True,
        False,
        False,
    ]
    assert (results["first"]["release"], results["change"]["release"]) == (1, 2)
    assert why(results["first"]) == ("create", "new")
    for name in ("predict change", "change"):
        assert why(results[name]) == ("update", "environment: API_TOKEN, LEVEL")
        assert "debug" in diff_text(results[name])
    assert "never-shown" not in output
    assert "@sha256:" in results["pinned"]["stdout"]


def test_what_is_wrong_from_the_start_is_refused_and_changes_nothing(ansible, stack, target):
    service = stack.service
    unknown = target["images"][0].rpartition(":")[0] + ":0.0.0-unknown"
    results, _output = ansible(
        stack("tag", {"web": {**service(), "image": unknown}}),
        stack("login", {"web": {**service(), "image": target["images"][1]}}, registry_auth={}),
        stack("lint", {"web": service(restart="always", tmpfs=["/x"], secrets=["nope"], environment={"A": "$HOME"})}),
        stack("schema", {"web": service(nonsense=1)}),
        stack("network", {"web": service(networks=["far"])}, more={"networks": {"far": {"external": True}}}),
    )
    for name, words in {
        "tag": [unknown, "has no such image", "nothing was changed"],
        "login": [target["images"][1], "registry_auth has none"],
        "lint": ["restart: Swarm ignores it", "tmpfs: Swarm ignores it", "secrets: nope", "write $$ for a dollar sign"],
        "schema": ["nonsense"],
        "network": ["network far is external and does not exist"],
    }.items():
        assert results[name]["failed"], name
        assert not results[name]["changed"], name
        assert all(word in results[name]["msg"] for word in words), results[name]["msg"]


def test_a_bad_update_fails_with_its_tasks_words_and_the_last_release_runs_on(ansible, stack):
    service = stack.service
    good = {"web": service(environment={"LEVEL": "debug"})}
    never = {"test": ["CMD", "false"], "interval": "1s", "timeout": "1s", "retries": 1}
    nowhere = {"placement": {"constraints": ["node.labels.nowhere == 1"]}}
    results, _output = ansible(
        stack("good", good),
        stack("exits", {"web": service("echo no such board >&2; exit 3")}),
        stack("after exits", good, check=True),
        stack("unhealthy", {"web": service("echo here I am; exec sleep 60", healthcheck=never)}),
        stack("after unhealthy", good, check=True),
        stack("nowhere", {"web": service(deploy=nowhere)}),
        stack("after nowhere", good, check=True),
        stack("crashing addition", {**good, "new": service("exit 4")}),
        stack("end", good),
    )
    for name, words in {
        "exits": ["rollback_completed", "exit code 3", "no such board", "runs again"],
        "unhealthy": ["rollback_completed", "unhealthy", "here I am", "runs again"],
        "nowhere": ["cannot be placed: no suitable node", "runs again", "deployed again: web"],
        "crashing addition": ["probe_new: its tasks end again and again", "exit code 4", "removed: new"],
    }.items():
        assert results[name]["failed"], name
        assert results[name]["changed"], name
        assert all(word in results[name]["msg"] for word in words), results[name]["msg"]
    for name in ("after exits", "after unhealthy", "after nowhere", "end"):
        assert (results[name]["changed"], results[name]["drift"]) == (False, []), name


def test_a_first_deploy_that_fails_leaves_nothing(ansible, stack):
    service = stack.service
    parts = with_secret("probe_pw_aaaaaaaaaa", SECRET, "probe_page_aaaaaaaaaa", "one\n")
    script = "cat /run/secrets/pw; exit 1"
    results, output = ansible(
        remove(STACK, "clean"),
        stack("first", {"web": service(script, secrets=["pw"], configs=["page"]), "ok": service()}, **parts),
        shell(LEFT, "left"),
    )
    assert results["first"]["failed"]
    assert "removed again (ok, web)" in results["first"]["msg"]
    assert "| ********" in results["first"]["msg"]
    assert results["left"]["stdout"] == ""
    assert SECRET not in output


def test_secrets_and_configs_rotate_and_are_pruned(ansible, stack):
    service = stack.service
    web = service("cat /run/secrets/pw /page; exec sleep 3600", secrets=["pw"], configs=["page"])
    one = with_secret("probe_pw_aaaaaaaaaa", SECRET, "probe_page_aaaaaaaaaa", "one\n")
    two = with_secret("probe_pw_bbbbbbbbbb", OTHER_SECRET, "probe_page_bbbbbbbbbb", "two\n")
    names = "docker secret ls --format '{{.Name}}'; docker config ls --format '{{.Name}}'"
    results, output = ansible(
        remove(STACK, "clean"),
        stack("one", {"web": web, "side": service()}, **one),
        stack("predict two", {"web": web}, check=True, **two),
        stack("two", {"web": web}, **two),
        shell(names, "kept"),
        stack("three", {"web": {**web, "environment": {"A": "1"}}}, keep_releases=1, **two),
        shell(names, "pruned"),
    )
    assert results["one"]["changed"]
    for name in ("predict two", "two"):
        assert why(results[name])[1] == (
            "configs: probe_page_aaaaaaaaaa -> probe_page_bbbbbbbbbb; "
            "secrets: probe_pw_aaaaaaaaaa -> probe_pw_bbbbbbbbbb"
        )
        assert why(results[name], "side") == ("remove", "not in the stack any more")
        assert '"before": "one\\n"' in diff_text(results[name])
    kept = {"probe_pw_aaaaaaaaaa", "probe_pw_bbbbbbbbbb", "probe_page_aaaaaaaaaa", "probe_page_bbbbbbbbbb"}
    assert kept <= set(results["kept"]["stdout_lines"])
    assert kept & set(results["pruned"]["stdout_lines"]) == {"probe_pw_bbbbbbbbbb", "probe_page_bbbbbbbbbb"}
    assert [line for line in results["pruned"]["stdout_lines"] if line.startswith("probe_release")] == [
        "probe_release_3"
    ]
    assert SECRET not in output
    assert OTHER_SECRET not in output


def test_what_was_changed_by_hand_is_reported_and_put_right(ansible, stack, target):
    services = {"web": stack.service()}
    image = target["images"][1]
    results, output = ansible(
        stack("good", services),
        command("docker service scale --detach probe_web=2"),
        stack("predict scaled", services, check=True),
        stack("scaled", services),
        command(
            f"docker service update --detach --no-resolve-image --env-add X_TOKEN=by-hand --image {image} probe_web"
        ),
        stack("predict updated", services, check=True),
        stack("updated", services),
        stack("end", services),
        command("docker service inspect --format '{{.Spec.TaskTemplate.ContainerSpec.Image}}' probe_web", "image"),
    )
    fields = ["TaskTemplate.ContainerSpec.Env", "TaskTemplate.ContainerSpec.Image"]
    for name, drifted in {"scaled": ["replicas (1 -> 2)"], "updated": fields}.items():
        for result in (results[f"predict {name}"], results[name]):
            assert result["changed"], name
            assert result["drift"] == [{"service": "web", "fields": drifted}]
    assert not results["end"]["changed"]
    assert results["image"]["stdout"].startswith(target["images"][0] + "@sha256:")
    assert "by-hand" not in diff_text(results["predict updated"])


def test_replicas_belong_to_the_autoscaler_within_its_limits(ansible, stack):
    web, changed = stack.service(), stack.service(environment={"B": "2"})
    scaled = {"web": {"min": 1, "max": 3}}
    count = "docker service inspect --format '{{.Spec.Mode.Replicated.Replicas}}' probe_web"
    results, _output = ansible(
        stack("good", {"web": web}),
        stack("hand over", {"web": web}, scaled=scaled),
        command("docker service scale --detach probe_web=3"),
        stack("no change", {"web": web}, scaled=scaled),
        stack("change", {"web": changed}, scaled=scaled),
        command(count, "kept"),
        stack("limits", {"web": changed}, scaled={"web": {"min": 1, "max": 2}}),
        command(count, "clamped"),
    )
    assert why(results["hand over"]) == ("none", "")
    assert not results["no change"]["changed"]
    assert results["kept"]["stdout"] == "3"
    assert why(results["limits"]) == ("update", "replicas: 3 -> 2 (the autoscaler's limits)")
    assert results["clamped"]["stdout"] == "2"


def test_one_deploy_at_a_time(ansible, stack):
    """Another host's lock is respected, one whose process is gone is removed, an interrupted deploy gives it back."""
    web, other = stack.service(), stack.service(environment={"C": "3"})
    held = "docker config create -l host=elsewhere -l holder=alice -l since=noon -l command=x"
    gone = 'docker config create -l host="$(hostname)" -l boot=before -l pid=1'
    wait = f"for n in $(seq 80); do pid=$({PID}) && break; sleep 0.1; done"
    start = stack(
        "start",
        {"web": stack.service(deploy={"placement": {"constraints": ["node.labels.nowhere == 1"]}})},
        pending_grace_seconds=60,
    )
    results, _output = ansible(
        stack("good", {"web": web}),
        command(f"{held} {LOCK} /etc/hostname"),
        stack("refused", {"web": other}, lock_timeout_seconds=0),
        stack("nothing to do", {"web": web}, lock_timeout_seconds=0),
        command(f"docker config rm {LOCK}"),
        shell(f"{gone} {LOCK} /etc/hostname", "stale"),
        stack("over a stale lock", {"web": other}, lock_timeout_seconds=0),
        {**start, "async": 60, "poll": 0},
        shell(f"{wait}; sleep 2; kill -TERM $pid; sleep 2; docker config ls -q -f name={LOCK}", "interrupted"),
        stack("finished", {"web": other}),
        stack("end", {"web": other}),
    )
    assert "alice on elsewhere since noon, running `x`" in results["refused"]["msg"]
    assert not results["refused"]["changed"]
    assert not results["nothing to do"]["changed"]
    assert not results["nothing to do"].get("failed")
    assert results["over a stale lock"]["changed"]
    assert (results["interrupted"]["rc"], results["interrupted"]["stdout"]) == (0, "")
    assert [entry["service"] for entry in results["finished"]["drift"]] == ["web"]
    assert not results["finished"].get("failed")
    assert not results["end"]["changed"]


def test_members_of_a_database_go_one_after_another_and_jobs_are_judged(ansible, stack):
    service = stack.service
    job = {"mode": "replicated-job", "endpoint_mode": "dnsrr", "restart_policy": {"condition": "none"}}
    job = {key: value for key, value in service("echo migrated", job).items() if key != "stop_grace_period"}
    job["deploy"] = {key: value for key, value in job["deploy"].items() if key not in ("replicas", "update_config")}
    failing = {**job, "command": ["echo cannot migrate; exit 5"]}
    new = {"environment": {"A": "1"}}
    both = {"a": service(**new), "b": service(**new)}
    results, _output = ansible(
        stack("first", {"a": service(), "b": service()}),
        stack("b fails", {"a": service(user="0"), "b": service("exit 9")}, sequential=["a", "b"]),
        stack("in turn", both, sequential=["b", "a"]),
        command(
            "docker service inspect probe_b probe_a --format "
            "'{{.UpdateStatus.StartedAt.UnixNano}} {{.UpdateStatus.CompletedAt.UnixNano}}'",
            "times",
        ),
        stack("job", {**both, "job": job}),
        stack("job again", {**both, "job": job}),
        stack("job fails", {**both, "job": failing}),
    )
    assert "probe_b: rollback" in results["b fails"]["msg"]
    assert "deployed again: a" in results["b fails"]["msg"]
    (_b_began, b_ended), (a_began, _a_ended) = (map(int, line.split()) for line in results["times"]["stdout_lines"])
    assert b_ended < a_began
    assert results["job"]["changed"]
    assert not results["job again"]["changed"]
    assert "the job failed" in results["job fails"]["msg"]
    assert "cannot migrate" in results["job fails"]["msg"]


def test_nothing_secret_is_printed_at_the_highest_verbosity(ansible, stack):
    parts = with_secret("probe_pw_cccccccccc", SECRET, "probe_page_cccccccccc", "page\n")
    web = stack.service(
        "cat /run/secrets/pw; exit 1", secrets=["pw"], configs=["page"], environment={"DB_PASSWORD": "never-shown"}
    )
    _results, output = ansible(stack("leak", {"web": web}, **parts), options=("-vvvv",))
    assert "exit code 1" in output
    assert SECRET not in output
    assert "never-shown" not in output


def test_status_and_removal(ansible, stack):
    status = {"name": "status", "sophia.platform.swarm_status": {"stacks": [STACK]}}
    results, _output = ansible(
        stack("good", {"web": stack.service(deploy={"replicas": 2})}),
        status,
        remove(STACK, "predict", check=True),
        remove(STACK),
        remove(STACK, "again"),
        shell(LEFT, "left"),
    )
    (web,) = results["status"]["services"]
    assert (web["name"], web["stack"], web["mode"]) == ("probe_web", STACK, "replicated")
    assert (web["replicas_wanted"], web["replicas_running"], web["pending"]) == (2, 2, [])
    assert "@sha256:" in web["image"]
    assert results["status"]["swarm_id"]
    assert {node["state"] for node in results["status"]["nodes"]} == {"ready"}
    assert (results["predict"]["changed"], results["remove"]["changed"], results["again"]["changed"]) == (
        True,
        True,
        False,
    )
    assert results["predict"]["removed"] == results["remove"]["removed"]
    assert results["left"]["stdout"] == ""
