"""The stand-ins for the platform's own images, the backend and the MCP servers, started as the catalog starts them."""

from __future__ import annotations

import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from lab import docker
from tests.images.services import PASSWORDS, folder_of, new_network, secret_files, serving

MCP_SERVERS = (
    "ai-memory",
    "ui-ux-agent",
    "codacy",
    "linear",
    "github",
    "asana",
    "lambda-labs-cli",
    "lambda-labs-serverless",
)
SNIPPET = "def f(a=[]):\n    try:\n        return eval(a)\n    except:\n        pass\n"
TOKENS = {"text": "Sophia counts tokens.", "model": "small-chat-8b", "output_tokens": 1_000_000}
# server, tool, arguments, part of the result
CALLS = [
    ("ai-memory", "store_memory", {"content": "The lab has three hosts", "tags": ["lab"]}, {"tags": ["lab"]}),
    ("ui-ux-agent", "contrast_ratio", {"foreground": "#777777", "background": "#fff"}, {"ratio": 4.48}),
    ("ui-ux-agent", "readable_text_colour", {"background": "#1a2b3c"}, {"colour": "#ffffff"}),
    ("ui-ux-agent", "spacing_scale", {"steps": 5}, {"steps_px": [4, 8, 12, 16, 20]}),
    ("codacy", "review_code", {"code": SNIPPET}, {"score": 64, "grade": "C"}),
    ("codacy", "review_code", {"code": "x = 1\n"}, {"score": 100, "grade": "A", "issues": []}),
    ("codacy", "measure_complexity", {"code": SNIPPET}, {"functions": [{"name": "f", "line": 1, "complexity": 2}]}),
    ("linear", "create_issue", {"title": "Fix it", "team": "OPS"}, {"identifier": "OPS-1", "state": "backlog"}),
    ("linear", "move_issue", {"number": 1, "state": "done"}, {"identifier": "OPS-1", "state": "done"}),
    ("linear", "list_issues", {"state": "backlog"}, {"issues": []}),
    ("github", "open_pull_request", {"repository": "a/b", "title": "T", "head": "new"}, {"number": 1, "base": "main"}),
    ("github", "merge_pull_request", {"number": 1}, {"state": "merged"}),
    ("asana", "create_task", {"name": "Write", "due_on": "2026-12-31"}, {"number": 1, "due_on": "2026-12-31"}),
    ("asana", "complete_task", {"number": 1}, {"completed": True}),
    ("asana", "list_tasks", {"due_before": "2027-01-01"}, {"tasks": []}),
    ("lambda-labs-cli", "estimate_cost", {"instance_type": "gpu_1x_gh200", "hours": 10}, {"total_cents": 2290}),
    ("lambda-labs-serverless", "choose_model", {"task": "code", "context_tokens": 50_000}, {"name": "large-chat-70b"}),
    ("lambda-labs-serverless", "estimate_tokens", TOKENS, {"input_tokens": 7, "fits": False, "cost_cents": 4.000021}),
]
# server, tool, arguments, what the error says
REFUSED = [
    ("ui-ux-agent", "contrast_ratio", {"foreground": "red", "background": "#fff"}, "foreground"),
    ("codacy", "review_code", {"code": "def"}, "line 1: not Python"),
    ("linear", "move_issue", {"number": 99, "state": "done"}, "there is no issue 99"),
    ("github", "merge_pull_request", {"number": 1}, "is merged, not open"),
    ("asana", "create_task", {"name": "x", "due_on": "tomorrow"}, "due_on"),
    ("lambda-labs-cli", "estimate_cost", {"instance_type": "huge", "hours": 1}, "no instance type 'huge'"),
    ("lambda-labs-serverless", "choose_model", {"task": "reasoning", "context_tokens": 10**9}, "no model"),
    ("asana", "drop_table", {}, "drop_table"),
]


@pytest.fixture(scope="module")
def network():
    with new_network() as name:
        yield name


@pytest.fixture(scope="module")
def services(start, catalog, network):
    """Everything, by name: both databases, the backend and the MCP servers."""
    names = ("postgres", "redis", "backend", *MCP_SERVERS)
    with ExitStack() as stack, ThreadPoolExecutor(4) as pool:
        running = dict(
            zip(names, pool.map(lambda name: stack.enter_context(serving(start, catalog, name, network)), names))
        )
        for name in ("backend", *MCP_SERVERS):
            running[name].until_well()
            running[name].container.healthy(catalog[name]["healthcheck"]["test"])
        yield running
        logs = "".join(service.container.log for service in running.values())
        assert not [secret for secret in (*PASSWORDS.values(), "token-of-") if secret in logs]


@contextmanager
def stopped(service):
    docker.run("stop", "--time", "10", service.container.name)
    yield
    docker.run("start", service.container.name)


# ── backend ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_backend_asks_its_databases(services):
    health = services["backend"].request("/health").json
    assert health["checks"]["postgres"]["version"].startswith("PostgreSQL 16")
    assert health["checks"]["redis"]["version"].startswith("7.")


def test_backend_answers_its_paths(services):
    backend = services["backend"]
    assert "stand-in" in backend.request("/").json["stand_in"]
    assert backend.request("/api/v1/lambda-labs/status").json["gpu_count"] == 0
    assert b"swagger" in backend.request("/docs").body
    assert b'path="/api/v1/lambda-labs/status",status="200"' in backend.request("/metrics").body


def test_backend_counts_a_conversations_turns(services):
    backend = services["backend"]
    said = [backend.request("/api/v1/chat", {"message": "hello", "conversation_id": "c-1"}) for _ in range(2)]
    assert [answer.json["turn"] for answer in said] == [1, 2]
    assert backend.request("/api/v1/chat", {"message": " "}).status == 422
    done = backend.container.run("python3", "/test/chat.py", '{"message": "one"}', "{}", '{"message": "two"}')
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer.get("turn") for answer in answers] == [1, None, 2]
    assert "not a valid chat request" in answers[1]["error"]


def test_services_recover_when_the_databases_come_back(services):
    backend, memory = services["backend"], services["ai-memory"]
    memory.call("store_memory", content="Herons fish at dawn", tags=["birds"])
    with stopped(services["redis"]), stopped(services["postgres"]):
        health = backend.request("/health")
        assert health.status == 503
        assert [check["ok"] for check in health.json["checks"].values()] == [False, False]
        assert backend.request("/livez").status == 200
        assert backend.request("/api/v1/chat", {"message": "hello"}).status == 503
        degraded = memory.request("/health")
        assert (degraded.status, degraded.json["status"]) == (200, "degraded")
        failed = memory.call("count_memories")
        assert failed["isError"]
        assert "does not answer" in failed["content"][0]["text"]
    for service in (backend, memory):
        service.until_well(timeout_seconds=15)
    found = memory.call("recall_memories", query="heron fishing", tags=["birds"])["structuredContent"]["memories"]
    assert [item["content"] for item in found] == ["Herons fish at dawn"]


def test_health_answers_in_time_while_a_database_hangs(services, catalog):
    backend, memory = services["backend"], services["ai-memory"]
    docker.run("pause", services["postgres"].container.name)
    try:
        started = time.monotonic()
        assert backend.request("/health").status == 503
        assert time.monotonic() - started < 3
        memory.container.healthy(catalog["ai-memory"]["healthcheck"]["test"], timeout_seconds=0)
    finally:
        docker.run("unpause", services["postgres"].container.name)
    for service in (backend, memory):
        service.until_well(timeout_seconds=15)


# ── MCP servers ──────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", MCP_SERVERS)
def test_mcp_server_wants_its_token_and_redirects_nobody(services, name):
    server = services[name]
    for given in ({"Authorization": ""}, {"Authorization": "Bearer wrong"}):
        refused = server.rpc("tools/list", {}, headers=given)
        assert refused.status == 401
        assert refused.headers["WWW-Authenticate"].startswith(f'Bearer realm="{name}"')
    for path in ("/mcp", "/mcp/"):
        listed = server.rpc("tools/list", {}, path=path)
        assert listed.status == 200
        assert len(listed.json["result"]["tools"]) >= 2


@pytest.mark.parametrize("name", ["ai-memory", "codacy"])
def test_mcp_server_talks_to_the_official_client(services, name):
    tool, arguments = {"ai-memory": ("count_memories", "{}"), "codacy": ("list_rules", "{}")}[name]
    url, token_path = f"http://{name}:{services[name].port}/mcp", f"/run/secrets/mcp_{name.replace('-', '_')}_token"
    done = services[name].container.run("python3", "/test/official_client.py", url, token_path, tool, arguments)
    for talk in json.loads(done.stdout).values():
        assert (talk["server"], talk["error"]) == (name, False)
        assert "stand-in" in talk["instructions"]
        assert all(description and schema for description, schema in talk["tools"].values())
        assert talk["content"]


def test_mcp_tools_answer(services):
    for name, tool, arguments, expected in CALLS:
        result = services[name].call(tool, **arguments)
        assert not result.get("isError"), (tool, result)
        content = result["structuredContent"]
        assert {key: content.get(key) for key in expected} == expected, tool


def test_mcp_tools_refuse_what_they_cannot_do(services):
    for name, tool, arguments, said in REFUSED:
        answer = services[name].rpc("tools/call", {"name": tool, "arguments": arguments}).json
        text = json.dumps(answer)
        assert "error" in answer or answer["result"]["isError"], (tool, text)
        assert said in text, tool
    assert b'mcp_tool_calls_total{outcome="error",tool="unknown"} 1.0' in services["asana"].request("/metrics").body


# ── both ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_service_serves_on_for_a_while_after_sigterm(start, catalog, network, services):
    """It answers new requests while draining and finishes an open one. (The MCP servers stop by the same code.)"""
    with serving(start, catalog, "backend", network, {"DRAIN_SECONDS": "2"}) as service:
        service.until_well()
        address = service.address
        assert service.container.run("id", "-u").stdout.strip() == "10001"
        docker.run("kill", "--signal", "TERM", service.container.name)
        asked = time.monotonic()
        with socket.create_connection(address, timeout=10) as slow:
            slow.sendall(b"POST /api/v1/chat HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n")
            while time.monotonic() - asked < 1.7:
                answer = service.request("/metrics")
                assert answer.status == 200
                assert answer.headers["Connection"] == "close"
            slow.sendall(b"Content-Length: 16\r\n\r\n")
            time.sleep(2.5 - (time.monotonic() - asked))
            with pytest.raises(OSError):
                service.request("/metrics")
            slow.sendall(b'{"message":"hi"}')
            answer = http.client.HTTPResponse(slow)
            answer.begin()
            assert answer.status == 200
        assert service.container.ended() == 0


def test_service_names_all_that_is_wrong_with_its_environment(start, catalog):
    document = catalog["ai-memory"]
    environment = {**document["environment"], "DATABASE_HOST": "", "DATABASE_PORT": "many"}
    files = {path: value for path, value in secret_files(document).items() if "postgres" not in path}
    with start(folder_of(document), environment=environment, files=files) as container:
        assert container.ended() == 78
        for problem in ("DATABASE_HOST is not set", "DATABASE_PORT is 'many'", "DATABASE_PASSWORD_FILE: cannot read"):
            assert f"cannot start: {problem}" in container.log
