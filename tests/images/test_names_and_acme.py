"""The lab's name server and its ACME authority, as containers beside simulated clouds of their own."""

from __future__ import annotations

import ipaddress
import json
import os
import ssl
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import dns.message
import dns.query
import dns.rcode
import pytest
import yaml

from lab import authority, docker, names, network
from lab.cloud.running import running
from lab.errors import LabError
from lab.zone_backend import FRESH_SECONDS
from tests.images.conftest import LAB, reference, unique

ZONE = LAB.variables["platform_zone"]
TEXT = 'k=rsa; p="' + "x" * 400
RECORDS = [
    {"name": "@", "type": "A", "address": "192.0.2.1", "ttl": 300},
    {"name": "@", "type": "MX", "address": "mx1.example.net.", "mx_pref": 5},
    {"name": "@", "type": "CAA", "address": '0 issue "letsencrypt.org"'},
    {"name": "*", "type": "A", "address": "192.0.2.9"},
    {"name": "www", "type": "CNAME", "address": ZONE},
    {"name": "six", "type": "AAAA", "address": "2001:db8::1"},
    {"name": "long", "type": "TXT", "address": TEXT},
    {"name": "_acme-challenge.api", "type": "TXT", "address": "one"},
    {"name": "_acme-challenge.api", "type": "TXT", "address": "two"},
    {"name": "sub", "type": "NS", "address": "ns1.example.net."},
]


def own_network(settings):
    """The settings in a network that overlaps with no other one here."""
    for number in range(100, 120):
        addresses = {"lab_names_address": f"10.79.{number}.53", "lab_acme_address": f"10.79.{number}.54"}
        variables = {**settings.variables, **addresses}
        subnet = ipaddress.IPv4Network(f"10.79.{number}.0/24")
        settings = replace(settings, subnet=subnet, variables=variables)
        try:
            network.ensure(settings)
            return settings
        except LabError as error:
            refused = error
    raise refused


def port_of(cloud):
    return urlsplit(cloud.urls["control"]).port


@contextmanager
def clouds():
    """Simulated clouds with a zone of all types, one that has no record, and one that is on other name servers."""
    told = [
        {"name": ZONE, "email_type": "MX", "records": RECORDS},
        {"name": "empty.example"},
        {"name": "elsewhere.example", "using_our_dns": False},
    ]
    with running(seed={"namecheap": {"domain": told}}) as cloud:
        yield cloud


@pytest.fixture(scope="module")
def cloud():
    with clouds() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def lab(cloud, tmp_path_factory):
    """The settings of a lab whose name server and authority run."""
    settings = replace(LAB, prefix=unique(), state_path=tmp_path_factory.mktemp("s"), cloud_port=port_of(cloud))
    settings = own_network(settings)
    try:
        names.ensure(settings, reference("names"))
        authority.ensure(settings, reference("acme"))
        yield settings
    finally:
        authority.forget(settings)
        names.forget(settings)
        docker.run("network", "rm", settings.network, check=False)


def ask(lab, name, kind, over=dns.query.udp):
    """(status, the records of the answer as text, sorted)."""
    time.sleep(FRESH_SECONDS)
    answer = over(dns.message.make_query(name, kind), lab.names_address, timeout=10)
    return dns.rcode.to_text(answer.rcode()), sorted(
        text for each in answer.answer for text in each.to_text().split("\n")
    )


@pytest.mark.parametrize(
    ("name", "kind", "expected"),
    [
        ("@", "A", ["300 IN A 192.0.2.1"]),
        ("@", "MX", ["1800 IN MX 5 mx1.example.net."]),
        ("@", "CAA", ['1800 IN CAA 0 issue "letsencrypt.org"']),
        ("@", "NS", ["60 IN NS names.lab."]),
        ("six", "AAAA", ["1800 IN AAAA 2001:db8::1"]),
        ("SIX", "AAAA", ["1800 IN AAAA 2001:db8::1"]),
        ("_acme-challenge.api", "TXT", ['1800 IN TXT "one"', '1800 IN TXT "two"']),
        ("any.name", "A", ["1800 IN A 192.0.2.9"]),
        ("any.name", "TXT", []),
        ("api", "A", []),  # it has a name below it, so the wildcard does not stand for it
    ],
)
def test_a_name_is_answered_as_namecheap_holds_it(lab, name, kind, expected):
    name = f"{name}.{ZONE}.".removeprefix("@.")
    assert ask(lab, name, kind) == ("NOERROR", [f"{name} {record}" for record in expected])
    assert ask(lab, name, kind, dns.query.tcp)[1] == ask(lab, name, kind)[1]


def test_an_alias_is_followed_and_a_long_text_comes_whole(lab):
    assert ask(lab, f"www.{ZONE}.", "A")[1] == [f"{ZONE}. 300 IN A 192.0.2.1", f"www.{ZONE}. 1800 IN CNAME {ZONE}."]
    answer = dns.query.tcp(dns.message.make_query(f"long.{ZONE}.", "TXT"), lab.names_address, timeout=10)
    parts = answer.answer[0][0].strings
    assert (b"".join(parts).decode(), [len(part) for part in parts]) == (TEXT, [255, len(TEXT) - 255])


@pytest.mark.parametrize(
    ("name", "status"),
    [
        (f"no.name.api.{ZONE}", "NXDOMAIN"),
        ("www.empty.example", "NXDOMAIN"),
        ("www.elsewhere.example", "REFUSED"),
        ("www.example.com", "REFUSED"),
        ("example", "REFUSED"),
    ],
)
def test_what_there_is_not(lab, name, status):
    assert ask(lab, name, "A") == (status, [])


def test_a_write_is_served_a_moment_later(lab, cloud):
    name = "new.later.example."
    for _ in range(2):
        assert ask(lab, name, "A") == ("REFUSED", [])
    for address in ("192.0.2.1", "192.0.2.2"):
        records = [{"name": "new", "type": "A", "address": address}]
        cloud.control("namecheap/domain", {"name": "later.example", "records": records})
        assert ask(lab, name, "A")[1] == [f"{name} 1800 IN A {address}"]
    cloud.control("namecheap/domain", {"name": "later.example"})
    assert ask(lab, name, "A") == ("NXDOMAIN", [])


def test_servfail_while_the_clouds_are_down_and_ensure_repairs(lab):
    with clouds() as second:
        names.ensure(replace(lab, cloud_port=port_of(second)), reference("names"))
        assert ask(lab, f"{ZONE}.", "A")[0] == "NOERROR"
    assert [ask(lab, name, "A")[0] for name in (f"{ZONE}.", "www.example.com.")] == ["SERVFAIL"] * 2
    names.ensure(lab, reference("names"))
    assert ask(lab, f"{ZONE}.", "A")[0] == "NOERROR"
    docker.run("stop", "--time", "1", lab.names_container)
    names.backend(lab).stop()
    names.ensure(lab, reference("names"))
    assert ask(lab, f"{ZONE}.", "A")[0] == "NOERROR"


def started_at(container):
    return docker.inspect("container", container)[container]["State"]["StartedAt"]


def test_an_authority_that_runs_is_left_alone_and_another_validity_makes_it_anew(lab):
    trusted = ssl.create_default_context(cafile=str(lab.acme_api_ca_path))
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=trusted))
    assert "newOrder" in json.load(opener.open(lab.directory_url, timeout=10))
    before, root = started_at(lab.acme_container), lab.ca_path.read_text()
    lab.ca_path.unlink()
    authority.ensure(lab, reference("acme"))
    assert (started_at(lab.acme_container), lab.ca_path.read_text()) == (before, root)
    authority.ensure(replace(lab, certificate_days=20), reference("acme"))
    assert started_at(lab.acme_container) != before
    assert lab.ca_path.read_text() != root


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ([], r"returned an unsuccessful response: '\\x03'"),  # NXDOMAIN
        ([{"name": "_acme-challenge", "type": "TXT", "address": "another"}], "Correct value not found"),
    ],
)
def test_a_challenge_that_is_not_met_fails(lab, cloud, tmp_path, records, said):
    """The order is community.crypto's; a challenge that is met is tried where the platform gets its certificates."""
    cloud.control("namecheap/domain", {"name": "order.example", "records": records})
    authority.ensure(lab, reference("acme"))
    account = {"account_key_src": "account.key", "acme_directory": lab.directory_url, "acme_version": 2}
    order = {**account, "challenge": "dns-01", "csr": "csr.pem", "dest": "certificate.pem", "modify_account": False}
    names_asked = ["DNS:order.example", "DNS:*.order.example"]
    tasks = [
        {"community.crypto.openssl_privatekey": {"path": "account.key", "type": "ECC", "curve": "secp256r1"}},
        {"community.crypto.openssl_privatekey": {"path": "key.pem", "type": "ECC", "curve": "secp256r1"}},
        {
            "community.crypto.openssl_csr": {
                "path": "csr.pem",
                "privatekey_path": "key.pem",
                "subject_alt_name": names_asked,
            }
        },
        {"community.crypto.acme_account": {**account, "state": "present", "terms_agreed": True}},
        {"community.crypto.acme_certificate": order, "register": "begun"},
        {"community.crypto.acme_certificate": {**order, "data": "{{ begun }}"}},
    ]
    play = {"hosts": "localhost", "gather_facts": False, "tasks": tasks}
    (tmp_path / "order.yml").write_text(yaml.safe_dump([play]))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local", "order.yml"],
        cwd=tmp_path,
        env={**os.environ, "SSL_CERT_FILE": str(lab.acme_api_ca_path), "ANSIBLE_PYTHON_INTERPRETER": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, said in done.stdout) == (2, True), done.stdout + done.stderr
    assert not (tmp_path / "certificate.pem").exists()
