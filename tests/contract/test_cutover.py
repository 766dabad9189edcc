"""The playbooks that move names, against the simulated Namecheap, a name server of its zone, and two edges here."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml
from zone_server import edge, name_server

from tests.tls import self_signed

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE = Path(sys.executable).with_name("ansible-playbook")
ZONE, KEY = "example.com", "nc key of the test 0123456789"
OLD, NEW = "127.0.0.1", "127.0.0.2"
FAST = {
    "cutover_interval_seconds": 1,
    "cutover_watch_seconds": 1,
    "cutover_wait_seconds": 0,
    "cutover_settle_seconds": 5,
}


def host(name, kind, address, ttl=1800, **more):
    return {"name": name, "type": kind, "address": address, "ttl": ttl, **more}


FOREIGN = [
    host("@", "MX", "mx1.example.net.", 3600, mx_pref=5),
    host("@", "TXT", "v=spf1 include:_spf.example.net -all"),
    host("@", "TXT", 'a "quoted" proof of somebody'),
    host("www", "CNAME", "www.example.net.", 600),
    host("api", "TXT", "beside the address"),
]
BEFORE = [
    *FOREIGN,
    host("api", "A", OLD, 900),
    host("api", "AAAA", "::1", 900),
    host("mcp", "CNAME", "old.example.net.", 1200),
    host("@", "CAA", '0 issue "ca.example.net"'),
]
LISTED = host("_owned.sophia-test", "TXT", "sophia-owned: @/CAA api/A mcp/A")
CAA = [host("@", "CAA", value, 300) for value in ('0 issue "letsencrypt.org"', '0 issuewild ";"')]
AFTER = [*FOREIGN, *CAA, host("api", "A", NEW, 300), host("mcp", "A", NEW, 300), LISTED]
LOW = [{**each, "ttl": 60} if each["type"] in ("A", "AAAA") or each["name"] == "mcp" else each for each in BEFORE]


class Site:
    """The zone, the edges, and the playbooks that run against them."""

    def __init__(self, cloud, path, stack):
        self.cloud, self.path, self.is_broken = cloud, path, lambda: False
        self.server = stack.enter_context(name_server(cloud, ZONE))
        shown = self_signed(path / "tls", [f"api.{ZONE}", f"mcp.{ZONE}"])
        port = stack.enter_context(edge(OLD, 0, lambda _host, _path: 200, shown))

        def new(_host, path):
            return 503 if path != "/health" or self.is_broken() else 200

        stack.enter_context(edge(NEW, port, new, shown))
        self.snapshot_path = path / "build/zone-before-cutover-test.json"
        entry = {"stack": "s", "image": "x/y:1", "port": 80, "health": {"path": "/health"}}
        variables = {
            "platform_environment": "test",
            "platform_domain": ZONE,
            "platform_edge_addresses": [NEW],
            "platform_edge_https_port": port,
            "platform_certificate_ca_path": str(shown),
            "services": [{**entry, "name": name, "route": {"host": name}} for name in ("api", "mcp")],
            "service_kinds": {},
            "platform_clouds": {"namecheap": ["namecheap_api_key"]},
            "platform_secrets": {"namecheap_api_key": KEY},
            "platform_namecheap_api_url": cloud.urls["namecheap"],
            "platform_namecheap_api_user": "sophia",
            "platform_name_servers": [self.server],
        }
        (path / "inventory/group_vars").mkdir(parents=True)
        (path / "inventory/hosts.yml").write_text("all: {}\n")
        (path / "inventory/group_vars/all.yml").write_text(yaml.safe_dump(variables))

    def zone(self, hosts=BEFORE, **more):
        self.cloud.control("namecheap/account", {"user": "sophia", "key": KEY})
        self.cloud.control("namecheap/domain", {"name": ZONE, "email_type": "MX", "records": hosts, **more})

    def start(self, playbook, *options, **variables):
        """Start a playbook; each run has the API's budget of calls to itself."""
        (self.path / "home").mkdir(exist_ok=True)
        extra = {**FAST, "cutover_snapshot_path": str(self.snapshot_path), **variables}
        command = [ANSIBLE, "-i", "inventories/common", "-i", self.path / "inventory", f"playbooks/{playbook}.yml"]
        environment = {**os.environ, "ANSIBLE_LOCAL_TEMP": str(self.path / "tmp"), "ANSIBLE_NOCOLOR": "1"}
        environment["XDG_CACHE_HOME"] = str(self.path / f"cache-{time.monotonic_ns()}")
        return subprocess.Popen(
            [*command, "-e", json.dumps(extra), *options],
            cwd=ROOT,
            env=environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def run(self, playbook, *options, **variables):
        """Run a playbook. Returns its exit status and what it said, in one line."""
        running = self.start(playbook, *options, **variables)
        said = running.communicate(timeout=180)[0]
        assert KEY not in said
        return running.returncode, " ".join(said.split())

    def interrupted(self, moment, **variables):
        """Run the cut-over until it has noted a moment, and end it there."""
        running = self.start("ops/dns_cutover", **variables)
        for _try in range(1200):
            if running.poll() is not None or moment in self.kept():
                break
            time.sleep(0.1)
        assert running.poll() is None, running.communicate()[0]
        os.killpg(running.pid, signal.SIGKILL)
        running.communicate()

    def kept(self):
        return json.loads(self.snapshot_path.read_text()) if self.snapshot_path.exists() else {}

    def shown(self):
        return sorted(map(line, self.cloud.control("namecheap/zone", {"domain": ZONE})))

    def is_switched(self):
        return any("api" in text and NEW in text for text in self.shown())

    def writes(self):
        return [call for call in self.cloud.calls("namecheap") if call["command"].endswith("setHosts")]


def line(found):
    mail = found.get("mx_pref", 10) if found["type"] == "MX" else ""
    return f"{found['name']} {found['ttl']} {found['type']} {mail} {found['address']}"


def lines(hosts):
    return sorted(map(line, hosts))


@pytest.fixture
def site(cloud, tmp_path):
    """A site whose names point to the old edge."""
    with ExitStack() as stack:
        made = Site(cloud, tmp_path, stack)
        made.zone()
        yield made


def test_names_move_and_nothing_else_of_the_zone_does(site):
    status, said = site.run("ops/dns_cutover", "--check", "--diff")
    assert (status, site.shown(), site.kept()) == (0, lines(BEFORE), {}), said
    for step in ("Lower the TTL of what is there", "Switch the names", "Give the names the usual TTL"):
        assert f"TASK [cutover : {step}]" in said
    status, said = site.run("ops/dns_cutover")
    assert status == 0 and site.shown() == lines(AFTER), said
    assert "Lowered the TTL:" in said and "0 of " in said and "probes failed in" in said
    assert {"began_at", "lowered_at", "waited_at", "switched_at", "watched_at", "finished_at"} < set(site.kept())
    assert len(site.writes()) == 3

    first = site.kept()
    status, said = site.run("ops/dns_cutover")
    assert status == 0 and "changed=0" in said and "where they belong" in said and site.kept() == first
    assert "changed=0" in site.run("dns")[1]  # the usual playbook finds its own

    status, said = site.run("ops/dns_rollback", "--check")
    assert status == 0 and "would be where they were" in said and site.shown() == lines(AFTER), said
    status, said = site.run("ops/dns_rollback")
    assert status == 0 and site.shown() == lines(BEFORE) and "rolled_back_at" in site.kept(), said
    assert "changed=0" in site.run("ops/dns_rollback")[1]


def test_an_edge_that_breaks_after_the_switch_gives_the_names_back(site):
    site.is_broken = site.is_switched
    status, said = site.run("ops/dns_cutover", cutover_failures_max=1)
    assert status != 0 and site.shown() == lines(BEFORE), said
    assert "did not hold at the platform (" in said and "503, and 200 was expected" in said
    assert "rolled_back_at" in site.kept() and "finished_at" not in site.kept()
    site.is_broken = lambda: False
    assert site.run("ops/dns_cutover")[0] == 0 and site.shown() == lines(AFTER)


def test_an_edge_that_is_broken_before_is_never_switched_to(site):
    site.is_broken = lambda: True
    status, said = site.run("ops/dns_cutover", cutover_failures_max=0)
    assert status != 0 and "Nothing was changed, since the platform does not serve the names" in said
    assert (site.shown(), site.writes(), site.kept()) == (lines(BEFORE), [], {})


def test_a_move_that_was_interrupted_is_finished_by_the_next_run(site):
    site.interrupted("lowered_at", cutover_wait_seconds=600)
    assert site.shown() == lines(LOW)
    records = site.kept()["records"]
    status, said = site.run("ops/dns_cutover")
    assert status == 0 and site.shown() == lines(AFTER) and site.kept()["records"] == records, said
    assert "finished_at" in site.kept() and len(site.writes()) == 3


def test_a_move_that_was_interrupted_is_taken_back(site):
    """Here it is one from an edge of the platform to another."""
    owned = [*FOREIGN, *CAA, host("api", "A", OLD, 300), host("mcp", "A", OLD, 300), LISTED]
    site.zone(owned)
    site.interrupted("switched_at", cutover_watch_seconds=600)
    assert site.is_switched()
    status, said = site.run("ops/dns_rollback")
    assert status == 0 and site.shown() == lines(owned), said


def test_a_zone_on_other_name_servers_is_refused_and_nothing_is_written(site):
    site.zone([], using_our_dns=False, nameservers=["ns1.example.net", "ns2.example.net"])
    status, said = site.run("ops/dns_cutover")
    assert status != 0 and "not on Namecheap's name servers but on ns1.example.net, ns2.example.net" in said
    assert (site.writes(), site.kept()) == ([], {})


def test_without_a_snapshot_nothing_is_put_back(site):
    status, said = site.run("ops/dns_rollback")
    assert status != 0 and "Nothing was changed" in said and site.writes() == []
