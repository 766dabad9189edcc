"""daemon.json on a host that had one before: what stays, what is refused, and what the running engine needs then."""

import json
import os

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine import foreign, pending, pools, reconcile
from ansible_collections.sophia.platform.plugins.module_utils.docker_engine.settings import SettingsError, merge, render
from ansible_collections.sophia.platform.plugins.module_utils.host.files import write

OURS = {"log-driver": "json-file", "log-opts": {"max-size": "20m"}}


def test_foreign_content_stays_beside_ours_and_ours_wins():
    current = {"log-driver": "local", "log-opts": {"tag": "x"}, "max-concurrent-downloads": 6}
    stays = foreign.beyond(foreign.beyond(current, {}), OURS)
    assert stays == {"log-opts": {"tag": "x"}, "max-concurrent-downloads": 6}
    assert foreign.together(stays, OURS) == {
        "log-driver": "json-file",
        "log-opts": {"max-size": "20m", "tag": "x"},
        "max-concurrent-downloads": 6,
    }
    assert foreign.paths(stays) == ["log-opts.tag", "max-concurrent-downloads"]


def test_what_was_ours_goes_away_and_what_is_foreign_does_not():
    current = {**OURS, "runtimes": {"nvidia": {"path": "n"}, "crun": {"path": "c"}}, "debug": True}
    remembered = {**OURS, "runtimes": {"nvidia": {"path": "n"}}, "debug": False}
    stays = foreign.beyond(foreign.beyond(current, remembered), OURS)
    assert stays == {"runtimes": {"crun": {"path": "c"}}}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"live-restore": True}, ["live-restore", "cannot be in a Swarm"]),
        ({"firewall-backend": "nftables"}, ["firewall-backend", "nftables"]),
        ({"features": {"swarm-nftables": True}}, ["features.swarm-nftables"]),
        ({"hosts": ["tcp://0.0.0.0:2375"]}, ["hosts", "unit"]),
        ({"iptables": False}, ["iptables"]),
        ({"metrics-addr": "0.0.0.0:9323"}, ["metrics-addr", "0.0.0.0:9323"]),
        ({"metrics-addr": "[::]:9323"}, ["metrics-addr"]),
        ({"metrics-addr": ":9323"}, ["metrics-addr"]),
        ({"min-api-version": "1.23"}, ["min-api-version", "1.24"]),
        ({"min-api-version": "v1.40"}, ["min-api-version"]),
    ],
)
def test_what_a_swarm_node_cannot_have_is_refused_whoever_wrote_it(content, words):
    with pytest.raises(SettingsError) as error:
        merge(content, [])
    told = foreign.problems(content, "/etc/docker/daemon.json")
    assert len(told) == 1 and "did not write" in told[0] and "docker_foreign_settings: remove" in told[0]
    for text in (str(error.value), told[0]):
        assert [word for word in words if word not in text] == []


@pytest.mark.parametrize(
    "content",
    [
        {"live-restore": False, "features": {"buildkit": True}, "iptables": True},
        {"metrics-addr": "127.0.0.1:9323", "min-api-version": "1.24"},
        {"metrics-addr": "[fd00::1]:9323"},
        {"metrics-addr": "localhost:9323", "min-api-version": "1.100"},
    ],
)
def test_what_is_fine(content):
    assert merge(content, []) == content
    assert foreign.problems(content, "x") == []


def test_all_contradictions_at_once():
    with pytest.raises(SettingsError) as error:
        merge({"debug": True, "live-restore": True}, [{"name": "a", "settings": {"debug": False, "hosts": ["x"]}}])
    assert [word for word in ("debug", "for a", "live-restore", "hosts") if word not in str(error.value)] == []


ROUTES = """Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT
enp230s0\t00000000\t01141AAC\t0003\t0\t0\t100\t00000000\t0\t0\t0
enp230s0\t00141AAC\t00000000\t0001\t0\t0\t100\t00FCFFFF\t0\t0\t0
docker0\t0000C90A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
named0\t0001C90A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0
"""


def pool(base, size=24):
    return [{"base": base, "size": size}]


@pytest.mark.parametrize(
    ("pools_wanted", "bridges", "reserved", "words"),
    [
        (pool("10.201.0.0/16"), {"docker0", "named0"}, [], []),
        (pool("172.16.0.0/12"), {"docker0", "named0"}, [], ["172.26.20.0/22", "enp230s0", "172.16.0.0/12"]),
        (pool("10.201.0.0/16"), set(), [], ["10.201.1.0/24", "named0"]),
        (pool("10.202.0.0/16"), set(), ["10.12.0.0/16"], []),
        (pool("10.0.0.0/12"), {"named0"}, ["10.12.0.0/16"], ["docker_reserved_networks has 10.12.0.0/16"]),
        (pool("10.202.0.0/16", 8), set(), [], ["size 8"]),
        (pool("10.202.1.0/16"), set(), [], ["no pool"]),
        (pool("fd00:1::/64", 80), set(), ["fd00:1::/48"], ["fd00:1::/48"]),
        (pool("10.202.0.0/16"), set(), ["nfs"], ["'nfs' is no network"]),
    ],
)
def test_no_pool_hides_a_network(pools_wanted, bridges, reserved, words):
    found = pools.problems(pools_wanted, pools.parse_routes(ROUTES), bridges, reserved)
    assert len(found) == (1 if words else 0), found
    assert [word for word in words if word not in found[0]] == []


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        ({}, {}, ""),
        ({"debug": True}, {"debug": True}, ""),
        ({}, {"debug": False}, "reload"),
        ({"runtimes": {"a": {}}}, {"runtimes": {"b": {}}, "default-runtime": "b"}, "reload"),
        ({"registry-mirrors": ["a"]}, {}, "restart"),
        ({"log-driver": "local"}, {"log-driver": "json-file", "debug": True}, "restart"),
        ({}, {"features": {"cdi": True}}, "restart"),
        ({}, {"node-generic-resources": ["NVIDIA-GPU=GPU-1"]}, "restart"),
    ],
)
def test_what_a_change_takes(before, after, action):
    assert pending.needed(pending.changed_keys(before, after), after) == action


def test_the_stronger_action_wins():
    assert pending.stronger("", "reload") == "reload"
    assert pending.stronger("restart", "", "reload") == "restart"


def test_what_an_interrupted_run_left_is_done_unless_the_engine_was_started_since(tmp_path):
    mark, pid = tmp_path / "mark", tmp_path / "pid"
    assert pending.marked(str(mark), str(pid)) == ""
    pending.mark("reload", str(mark))
    assert pending.marked(str(mark), str(pid)) == "reload"
    pid.write_text("1", encoding="ascii")

    os.utime(pid, (mark.stat().st_mtime - 10,) * 2)
    assert pending.marked(str(mark), str(pid)) == "reload"
    os.utime(pid, (mark.stat().st_mtime + 10,) * 2)
    assert pending.marked(str(mark), str(pid)) == ""
    pending.mark("", str(mark))
    assert not mark.exists()


@pytest.fixture
def host(tmp_path, monkeypatch):
    """A host of files: `docker(settings, …)` writes what the module would, and gives its findings."""
    monkeypatch.setattr(pools, "read_routes", list)

    class Host:
        path, memory_path = tmp_path / "daemon.json", tmp_path / "memory.json"

        def docker(self, settings, foreign_settings="keep", **fragments):
            found = reconcile.configuration(
                {
                    "settings": settings,
                    "fragments": [{"name": name, "settings": part} for name, part in fragments.items()],
                    "environment": {},
                    "foreign_settings": foreign_settings,
                    "reserved_networks": [],
                    "path": str(self.path),
                    "memory_path": str(self.memory_path),
                    "drop_in_path": str(tmp_path / "drop-in.conf"),
                }
            )
            if not found.problems:
                for file in found.wanted:
                    write(file)
            return found

        @property
        def content(self):
            return json.loads(self.path.read_text(encoding="utf-8"))

    return Host()


def test_a_life_of_daemon_json(host):
    host.path.write_text('{"max-concurrent-downloads": 6, "runtimes": {"crun": {"path": "crun"}}}', encoding="utf-8")
    toolkit = {"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}}
    first = host.docker(OURS, toolkit=toolkit)
    assert first.foreign_paths == ["max-concurrent-downloads", "runtimes.crun.path"]
    assert (first.action, set(host.content["runtimes"])) == ("restart", {"crun", "nvidia"})
    assert host.docker(OURS, toolkit=toolkit).action == ""
    without = host.docker(OURS)
    assert (without.action, host.content) == (
        "reload",
        {**OURS, "max-concurrent-downloads": 6, "runtimes": {"crun": {"path": "crun"}}},
    )
    adopted = host.docker({**OURS, "max-concurrent-downloads": 6})
    assert (adopted.action, adopted.foreign_paths) == ("", ["runtimes.crun.path"])
    assert host.docker(OURS, foreign_settings="remove").foreign_paths == [] and host.content == OURS


def test_somebody_elses_spelling_of_the_same_content_stays(host):
    host.path.write_text(json.dumps({**OURS, "debug": False}, indent=4), encoding="utf-8")
    assert host.docker(OURS).action == ""
    assert host.path.read_text(encoding="utf-8").startswith('{\n    "')


def test_a_file_that_is_no_json_is_an_error_and_can_be_replaced(host):
    host.path.write_text("{broken", encoding="utf-8")
    assert "holds no JSON object" in host.docker(OURS).problems[0]
    assert host.docker(OURS, foreign_settings="remove").problems == []
    assert host.path.read_text(encoding="utf-8") == render(OURS)


def test_refused_foreign_content_changes_nothing(host):
    text = '{"live-restore": true}'
    host.path.write_text(text, encoding="utf-8")
    assert "did not write" in host.docker(OURS).problems[0]
    assert host.path.read_text(encoding="utf-8") == text and not host.memory_path.exists()
    assert host.docker({**OURS, "live-restore": False}).problems == [], "we say otherwise, and we win"
