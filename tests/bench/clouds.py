#!/usr/bin/env python3
"""Counts the calls and times the work of the cloud clients, beside clients that others wrote, on the same simulator.

Each client does the same work in the same run: Namecheap, `--records` records changed in a zone that has as many;
Pulumi ESC, `--secrets` secrets read; Lambda Cloud, 16 instances listed. Figures are medians of `--times` runs; the
first run of each client, which loads it, is left out. Our clients pay some 25 ms a call for `open_url`, which loads the
certificate store each time; over a network that is lost in the way there. Nothing is asserted: read the table.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "collections")]

import pulumi_esc_sdk  # noqa: E402 - the project's own packages must be importable first
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock  # noqa: E402
from ansible_collections.sophia.platform.plugins.module_utils.esc import session as esc_session  # noqa: E402
from ansible_collections.sophia.platform.plugins.module_utils.esc.client import EscClient  # noqa: E402
from ansible_collections.sophia.platform.plugins.module_utils.esc.names import Place  # noqa: E402
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.client import LambdaCloud  # noqa: E402
from ansible_collections.sophia.platform.plugins.module_utils.namecheap import wanted  # noqa: E402
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.client import Access, Namecheap  # noqa: E402
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.pace import Pace  # noqa: E402
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.reconcile import (  # noqa: E402
    Outcome,
    reconcile,
)
from ansible_collections.sophia.platform.plugins.module_utils.swarm.text import columns  # noqa: E402
from lambda_ai_cloud_api_client import AuthenticatedClient  # noqa: E402
from lambda_ai_cloud_api_client.api.instances import list_instances  # noqa: E402
from lexicon._private.providers import namecheap as lexicon_provider  # noqa: E402
from lexicon.client import Client as Lexicon  # noqa: E402
from lexicon.config import ConfigResolver  # noqa: E402

from lab.cloud.running import Cloud, running  # noqa: E402

DOMAIN, USER, KEY = "example.com", "bench", "the-key-of-the-bench"
TOKEN, PLACE = "pul-of-the-bench", ("acme", "platform", "bench")  # noqa: S105


def address(number: int, turn: int) -> str:
    return f"192.0.{turn % 2}.{number}"


def seed_namecheap(cloud: Cloud, records_count: int) -> None:
    records = [{"name": f"n{number}", "type": "A", "address": address(number, 0)} for number in range(records_count)]
    cloud.control("namecheap/account", {"user": USER, "key": KEY})
    cloud.control("namecheap/domain", {"name": DOMAIN, "records": records})


def ours_namecheap(cloud: Cloud, records_count: int) -> Callable[[int], None]:
    access = Access(cloud.urls["namecheap"], USER, KEY, USER, "127.0.0.1", 30)

    def change(turn: int) -> None:
        records = [
            {"name": f"n{number}", "type": "A", "value": address(number, turn), "ttl_seconds": None}
            for number in range(records_count)
        ]
        domain, _problems = wanted.domain_of(DOMAIN, None, None)
        options = {"records": records, "state": "present", "record_sets": "replace", "max_deletions": 5}
        want, problems = wanted.want_of({**DEFAULTS, **options}, DOMAIN)
        assert not problems, problems
        client = Namecheap(access, Pace(None, 10_000, Clock()), Clock())
        reconcile(client, domain, want, False, Outcome())

    return change


DEFAULTS = {
    "owner": None,
    "purge": False,
    "purge_keep": [],
    "email_type": None,
    "allow_empty_zone": False,
    "accept_ddns_loss": False,
    "two_phase": False,
    "lock_timeout_seconds": 1,
}


def lexicon_namecheap(cloud: Cloud, records_count: int) -> Callable[[int], None]:
    original = lexicon_provider._Api.__init__

    def at_simulator(self, *arguments, **options) -> None:
        original(self, *arguments, **options)
        self.endpoint = cloud.urls["namecheap"]

    lexicon_provider._Api.__init__ = at_simulator
    login = {"auth_username": USER, "auth_token": KEY, "auth_client_ip": "127.0.0.1"}
    given = {"provider_name": "namecheap", "action": "update", "type": "A", "domain": DOMAIN, "namecheap": login}

    def change(turn: int) -> None:
        with Lexicon(ConfigResolver().with_dict(given)) as client:
            for number in range(records_count):
                name = f"n{number}.{DOMAIN}"
                client.delete_record(rtype="A", name=name, content=address(number, turn + 1))
                client.create_record(rtype="A", name=name, content=address(number, turn))

    return change


def seed_esc(cloud: Cloud, secrets_count: int) -> list[str]:
    names = [f"secret_{number}" for number in range(secrets_count)]
    values = "".join(f"    {name}: {{fn::secret: value-of-{name}}}\n" for name in names)
    cloud.control("esc/token", {"token": TOKEN, "login": "bench", "organizations": [PLACE[0]]})
    place = dict(zip(("organization", "project", "name"), PLACE))
    cloud.control("esc/environment", {**place, "yaml": f"values:\n  platform:\n{values}"})
    return names


def ours_esc(cloud: Cloud) -> Callable[[int], None]:
    def read(_turn: int) -> None:
        esc_session.forget()
        esc_session.opened(EscClient(TOKEN, cloud.urls["esc"]), Place(*PLACE))

    return read


def sdk(cloud: Cloud) -> pulumi_esc_sdk.EscClient:
    return pulumi_esc_sdk.EscClient(pulumi_esc_sdk.Configuration(access_token=TOKEN, host=cloud.urls["esc"]))


def sdk_whole(cloud: Cloud) -> Callable[[int], None]:
    client = sdk(cloud)
    return lambda _turn: client.open_and_read_environment(*PLACE)


def sdk_each(cloud: Cloud, names: list[str]) -> Callable[[int], None]:
    """As operators do that fetch one secret at a time: each time the environment is opened."""
    client = sdk(cloud)

    def read(_turn: int) -> None:
        for name in names:
            opened = client.open_environment(*PLACE)
            client.read_open_environment_property(*PLACE, opened.id, f"platform.{name}")

    return read


def seed_lambda(cloud: Cloud) -> None:
    cloud.control("lambda/api_key", {"key": KEY})
    cloud.control("lambda/limits", {"enabled": False})
    cloud.control("lambda/ssh_keys", {"name": "ci", "public_key": "ssh-ed25519 AAAA ci"})
    cloud.control("lambda/capacity", {"instance_type": "gpu_1x_gh200", "count": -1})
    client = LambdaCloud(KEY, cloud.urls["lambda"], 30)
    for number in range(16):
        body = {"region_name": "us-east-3", "instance_type_name": "gpu_1x_gh200", "ssh_key_names": ["ci"]}
        client.launch({**body, "name": f"host-{number}"})
    cloud.advance(3600)


def measured(cloud: Cloud, service: str, work: Callable[[int], None], times: int) -> tuple[int, float]:
    """(calls of one run, median seconds)."""
    work(1)
    seconds = []
    for turn in range(2, times + 2):
        cloud.forget_calls()
        began = time.perf_counter()
        work(turn)
        seconds.append(time.perf_counter() - began)
    return len(cloud.calls(service)), statistics.median(seconds)


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=5, help="runs of each client (5)")
    parser.add_argument("--records", type=int, default=100, help="records that change (100)")
    parser.add_argument("--secrets", type=int, default=50, help="secrets that are read (50)")
    given = parser.parse_args()
    rows = [("WORK", "CLIENT", "CALLS", "SECONDS")]
    with running() as cloud, contextlib.redirect_stdout(io.StringIO()):  # lexicon prints as it goes

        def row(work: str, client: str, service: str, run: Callable[[int], None], times: int = given.times) -> None:
            calls, seconds = measured(cloud, service, run, times)
            rows.append((work, client, str(calls), f"{seconds:.3f}"))

        what = f"Namecheap, {given.records} records changed"
        seed_namecheap(cloud, given.records)
        row(what, "namecheap_dns", "namecheap", ours_namecheap(cloud, given.records))
        row(what, "dns-lexicon", "namecheap", lexicon_namecheap(cloud, given.records), max(1, given.times // 2))
        what, names = f"Pulumi ESC, {given.secrets} secrets read", seed_esc(cloud, given.secrets)
        row(what, "esc lookup", "esc", ours_esc(cloud))
        row(what, "pulumi-esc-sdk, the whole environment", "esc", sdk_whole(cloud))
        row(what, "pulumi-esc-sdk, one property at a time", "esc", sdk_each(cloud, names))
        seed_lambda(cloud)
        what, base = "Lambda Cloud, 16 instances listed", cloud.urls["lambda"].removesuffix("/api/v1")
        other = AuthenticatedClient(base_url=base, token=KEY)
        row(what, "lambda_cloud", "lambda", lambda _turn: LambdaCloud(KEY, cloud.urls["lambda"], 30).instances())
        row(what, "lambda-ai-cloud-api-client", "lambda", lambda _turn: list_instances.sync(client=other))
    print(columns(rows))


if __name__ == "__main__":
    main()
