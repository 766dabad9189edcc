"""The edge's certificate: where it and its keys are, what goes wrong with an order, and a rotation under load."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl

import pytest
from conftest import DOMAIN, HTTPS_PORT, MACHINES, STATE, clouds, play
from cryptography import x509
from test_edge import EDGES, HOSTS, on_host

from tests.bench.requests_lost import measured, rotation

PLAYBOOK = "playbooks/certificates.yml"
STORE = "/etc/sophia/certificates"
ACME = MACHINES["lab_acme_address"]
NOBODY = f"{MACHINES['lab_names_address']}:54"


def served(address: str) -> x509.Certificate:
    """What an edge node shows, checked by the lab's authority."""
    tls = ssl.create_default_context(cafile=STATE / "ca.pem")
    with (
        socket.create_connection((address, HTTPS_PORT), 10) as plain,
        tls.wrap_socket(plain, server_hostname=f"api.{DOMAIN}") as secured,
    ):
        return x509.load_der_x509_certificate(secured.getpeercert(binary_form=True))


def stores() -> list[str]:
    return [on_host(number, f"cd {STORE}; sha256sum *; stat -c '%a %U %n' . *") for number in (1, 2, 3)]


def zone() -> list[dict]:
    return clouds("POST", "/control/namecheap/zone", {"domain": DOMAIN})


def test_every_manager_has_it_and_only_root_can_read_it(runs):
    assert len(set(stores())) == 1
    assert stores()[0].splitlines()[3:] == [
        "700 root .",
        "600 root account.key",
        "600 root edge.key",
        "600 root edge.pem",
    ]


def test_it_names_the_hosts_of_all_routes_and_lasts(runs):
    shown = {address: served(address) for address in EDGES}
    assert len({certificate.serial_number for certificate in shown.values()}) == 1
    certificate = shown[EDGES[0]]
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert sorted(names.get_values_for_type(x509.DNSName)) == [f"{host}.{DOMAIN}" for host in HOSTS]
    assert 80 < (certificate.not_valid_after_utc - certificate.not_valid_before_utc).days <= 90


def test_check_mode_predicts_an_order_and_places_none(runs):
    before = stores(), zone()
    run = play("certificate_check", "--check", "-e", "certificates_force=true", playbook=PLAYBOOK)
    assert run.returncode == 0 and run.changed == 3, run.output[-2000:]
    assert "would be ordered for" in run.output and (stores(), zone()) == before


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"platform_certificate_directory_url": f"https://{ACME}:1/dir"}, [f"{ACME}:1"]),
        (
            {
                "platform_name_servers": [NOBODY],
                "certificates_propagation_timeout_seconds": 4,
            },
            ["no name server answers", NOBODY],
        ),
        ({"platform_certificate_ca_path": str(STATE / "acme_api_ca.pem")}, ["is not stored", "not issued by"]),
    ],
    ids=["authority down", "challenge not visible", "authority not trusted"],
)
def test_an_order_that_fails_leaves_everything_as_it_was(runs, variables, says):
    before = stores(), zone()
    given = json.dumps({"platform_certificate_staging_directory_url": "", "certificates_force": True, **variables})
    run = play("certificate_fault", "-e", given, playbook=PLAYBOOK)
    text = " ".join(run.output.split())
    assert run.returncode != 0 and [word for word in says if word not in text] == [], run.output[-3000:]
    assert "stays in place; it has 89 days left" in text
    assert (stores(), zone()) == before


def test_a_zone_on_foreign_name_servers_is_refused(runs):
    before, records = stores(), zone()
    away = {"name": DOMAIN, "using_our_dns": False, "nameservers": ["ns1.example.net", "ns2.example.net"]}
    shown = ("name", "type", "address", "mx_pref", "ttl")
    kept = [{key: record[key] for key in shown} for record in records]
    clouds("POST", "/control/namecheap/domain", {**away, "records": kept})
    try:
        run = play("certificate_foreign", "-e", "certificates_force=true", playbook=PLAYBOOK)
    finally:
        clouds("POST", "/control/namecheap/domain", {"name": DOMAIN, "records": kept})
    assert run.returncode != 0 and "name servers" in run.output, run.output[-3000:]
    assert stores() == before


def test_a_rotation_loses_no_request(runs):
    """The load goes to all edge nodes, while each in turn takes the new certificate."""
    before = served(EDGES[0]).serial_number
    load, _began, _ended = asyncio.run(measured(20, rotation))
    assert len(load.results) > 300 and [problem for *_times, problem in load.results if problem] == []
    after = {served(address).serial_number for address in EDGES}
    assert len(after) == 1 and before not in after
