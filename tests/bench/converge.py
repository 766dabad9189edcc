#!/usr/bin/env python3
"""Times converges on the running lab, beside what the bare engine takes for the same, in one run.

The peer is `docker stack deploy` on a manager, of the very documents that the last release of each stack was made of,
followed by a wait until every replica runs. Figures are medians of --times runs; `--fresh` also makes the hosts anew
and times the first converge (once).
Nothing is asserted: read the table.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLAYBOOK = str(Path(sys.executable).parent / "ansible-playbook")
MANAGER = os.environ.get("LAB_PREFIX", "sophia-lab") + "-1"
STACKS = ("data", "edge", "app", "mcp", "monitoring")
EMPTY_PLAY = "- {name: Nothing, hosts: localhost, gather_facts: false, tasks: []}\n"


def seconds(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def run(*command: str, input: str | None = None) -> str:
    done = subprocess.run(command, cwd=ROOT, input=input, capture_output=True, text=True, timeout=1800)
    if done.returncode:
        sys.exit(f"{' '.join(command)[:200]} ended with {done.returncode}:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def play(playbook: str, overrides: dict | None = None) -> None:
    variables = {"service_overrides": {"grafana": {"enabled": False}, **(overrides or {})}}
    run(PLAYBOOK, playbook, "-e", json.dumps(variables))


def on_manager(script: str, input: str | None = None) -> str:
    return run("docker", "exec", "--interactive", MANAGER, "sh", "-euc", script, input=input)


def release(stack: str) -> dict:
    """The document of a stack's newest release, with the digests it was pinned to."""
    names = on_manager(f"docker config ls --format '{{{{.Name}}}}' --filter name={stack}_release_").split()
    newest = max(names, key=lambda name: int(name.rsplit("_", 1)[1]))
    content = '{{printf "%s" .Spec.Data}}'
    record = json.loads(on_manager(f"docker config inspect --format '{content}' {newest}"))
    for service in record["compose"]["services"].values():
        service["image"] = record["pinned"].get(service["image"], service["image"])
    return record["compose"]


# Every replica runs and no update is under way.
WAIT = (
    "until [ -z \"$(docker service ls --format '{{.Replicas}}' | awk -F'[/ ]' '$1 != $2')\" ] && "
    "! docker service inspect $(docker service ls -q) --format '{{if .UpdateStatus}}{{.UpdateStatus.State}}{{end}}' | "
    "grep -q updating; do sleep 0.3; done"
)


def bare_deploy(documents: dict[str, dict]) -> None:
    """Deploy stacks with the engine's own command, one after the other, then wait for all at once."""
    for stack, document in documents.items():
        on_manager(
            f"cat > /run/{stack}.json; docker stack deploy --resolve-image never -c /run/{stack}.json {stack}; "
            f"rm /run/{stack}.json",
            json.dumps(document),
        )
    on_manager(WAIT)


def remove_stacks() -> None:
    """Remove every stack, with its release records, so that both ways start from a Swarm without services."""
    on_manager(
        "docker stack rm " + " ".join(STACKS) + " >/dev/null; "
        'while [ -n "$(docker ps -q --filter label=com.docker.swarm.task)" ]; do sleep 0.5; done; '
        "docker config ls -q --filter name=_release_ | xargs -r docker config rm >/dev/null"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=3, help="runs a figure is the median of (default 3)")
    parser.add_argument("--fresh", action="store_true", help="make the hosts anew first and time the first converge")
    options = parser.parse_args()
    rows: list[tuple[str, float, float | None]] = []

    def median(work: Callable[[int], object]) -> float:
        return statistics.median(seconds(lambda number=number: work(number)) for number in range(options.times))

    def row(what: str, ours: float, bare: float | None = None) -> None:
        rows.append((what, ours, bare))
        print(f"   {what}: {ours:.1f} s" + ("" if bare is None else f", bare engine {bare:.1f} s"), flush=True)

    with tempfile.NamedTemporaryFile("w", suffix=".yml") as empty:
        empty.write(EMPTY_PLAY)
        empty.flush()
        row("starting Ansible (an empty play)", median(lambda _: play(empty.name)))
    if options.fresh:
        run(sys.executable, "-m", "lab", "up", "--fresh")
        row("first converge, fresh hosts (site.yml)", seconds(lambda: play("site.yml")))
    else:
        play("site.yml")
    documents = {stack: release(stack) for stack in STACKS}

    def all_bare(_number: int = 0) -> None:
        bare_deploy(documents)

    row("no-op, all of site.yml", median(lambda _: play("site.yml")), median(all_bare))
    row("no-op, stacks only (stacks.yml)", median(lambda _: play("playbooks/stacks.yml")))

    def changed(number: int) -> dict:
        return {"linear": {"environment": {"BENCH": f"run-{number}-{time.time_ns()}"}}}

    ours = median(lambda number: play("playbooks/stacks.yml", changed(number)))

    def bare_change(number: int) -> None:
        document = json.loads(json.dumps(documents["mcp"]))
        document["services"]["linear"]["environment"]["BENCH"] = f"bare-{number}"
        bare_deploy({"mcp": document})

    row("one service changed (stacks.yml)", ours, median(bare_change))
    play("playbooks/stacks.yml")
    remove_stacks()
    bare = seconds(all_bare)
    remove_stacks()
    row("all stacks from nothing (stacks.yml)", seconds(lambda: play("playbooks/stacks.yml")), bare)

    print(f"\n| what (median of {options.times}) | ours, s | bare engine, s | ratio |\n|---|---:|---:|---:|")
    for what, mine, peer in rows:
        beside = ("", "") if peer is None else (f"{peer:.1f}", f"{mine / peer:.2f}")
        print(f"| {what} | {mine:.1f} | {' | '.join(beside)} |")


if __name__ == "__main__":
    main()
