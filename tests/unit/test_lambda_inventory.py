"""The inventory plugin lambda_cloud, through a real ansible-inventory on a temporary pair of environments."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import fake_web
import lambda_fixtures as fake
import pytest
import yaml
from lambda_fixtures import FakeLambda, instance

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
PLUGIN = """
    plugin: sophia.platform.lambda_cloud
    api_url: "{{ cloud_url }}/{{ cloud }}/api/v1"
    api_key: "{{ secrets.lambda_api_key }}"
    tags: {platform: "{{ environment_name }}"}
    strict: true
    groups:
      managers: lambda_tags.role == 'manager'
    keyed_groups:
      - {key: lambda_region, prefix: region}
    compose:
      ansible_user: "'ubuntu'"
"""


class Clouds:
    """Several clouds behind one port, by the first part of the path."""

    def __init__(self, **clouds):
        self.clouds = clouds

    def get(self, place, default=None):
        _empty, name, rest = place[1].split("/", 2)
        return self.clouds[name].get((place[0], f"/{rest}"), default) if name in self.clouds else default


def write(place, text):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(textwrap.dedent(text))


@pytest.fixture
def environment(tmp_path):
    """Two chained inventories: the common one knows the group and the name, the other one all else."""
    write(tmp_path / "common/groups.yml", "all: {children: {swarm: {children: {managers: {}}}}}")
    write(tmp_path / "common/group_vars/all/a.yml", "environment_name: wrong\ncloud: main\n")
    write(tmp_path / "lab/group_vars/all/a.yml", 'environment_name: "te{{ \'st\' }}"\nsecrets: "{{ all_secrets }}"\n')
    write(tmp_path / "lab/group_vars/all/b.yml", f"all_secrets: {{lambda_api_key: {fake.KEY}}}\n")
    write(tmp_path / "hosts.lambda_cloud.yml", PLUGIN)
    (tmp_path / "lab/hosts.lambda_cloud.yml").symlink_to("../hosts.lambda_cloud.yml")  # as the environments share it
    return tmp_path


def run(environment, url, *arguments, sources=("common", "lab"), tool="ansible-inventory", **variables):
    """Run a tool; returns (exit code, standard output, standard error), in which no secret may be."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ANSIBLE_", "LAMBDA_"))}
    named = [part for source in sources for part in ("-i", str(environment / source))]
    extra = ["-e", f"cloud_url={url}"] if url else []
    done = subprocess.run(
        [str(TOOLS / tool), *named, *extra, *arguments],
        cwd=ROOT,
        env={**clean, "SSL_CERT_FILE": "/dev/null", "SSL_CERT_DIR": "/dev/null", "HOME": str(environment), **variables},
        capture_output=True,
        text=True,
        timeout=60,
    )
    told = " ".join(done.stderr.split())
    for secret in (fake.JUPYTER, fake.KEY):
        assert secret not in told
        assert tool != "ansible-inventory" or secret not in "".join(
            line for line in done.stdout.splitlines() if "lambda_api_key" not in line
        )
    return done.returncode, done.stdout, told


def caching(environment):
    return {
        "ANSIBLE_INVENTORY_CACHE": "true",
        "ANSIBLE_INVENTORY_CACHE_PLUGIN": "ansible.builtin.jsonfile",
        "ANSIBLE_INVENTORY_CACHE_CONNECTION": str(environment / "cache"),
    }


def fleet():
    return FakeLambda(
        [
            instance("a", 1),
            instance("b", 2, tags={**fake.TAGS, "role": "{{ lookup('pipe', 'id') }}"}, region="us-east-1"),
            instance("c", 3, status="booting", ip=None),
            instance("d", 4, status="terminating"),
            instance("e", 5, tags={"platform": "other"}),
        ]
    )


def test_hosts_groups_and_variables_with_one_request_and_none_from_the_cache(environment):
    with fake_web.served(Clouds(main=fleet())) as (port, seen):
        answers = [run(environment, f"http://127.0.0.1:{port}", "--list", **caching(environment)) for _number in (1, 2)]
        assert [request["path"] for request in seen] == ["/main/api/v1/instances"]
    code, printed, told = answers[0]
    assert code == 0 and answers[1] == answers[0], told
    found = json.loads(printed, object_hook=lambda value: value.get("__ansible_unsafe", value))
    hosts = found["_meta"]["hostvars"]
    assert sorted(hosts) == ["a", "b"] and found["managers"]["hosts"] == ["a"]
    assert found["region_us_east_3"]["hosts"] == ["a"] and found["region_us_east_1"]["hosts"] == ["b"]
    expected = {
        "ansible_host": "127.0.0.1",
        "ansible_user": "ubuntu",
        "public_address": "127.0.0.1",
        "private_address": "10.0.2.1",
        "lambda_id": f"{1:032x}",
        "lambda_region": "us-east-3",
        "lambda_instance_type": "gpu_1x_gh200",
        "lambda_status": "active",
        "lambda_tags": {"platform": "test", "role": "manager"},
    }
    assert {name: hosts["a"].get(name) for name in expected} == expected
    assert hosts["b"]["lambda_tags"]["role"] == "{{ lookup('pipe', 'id') }}"
    assert f"c ({3:032x}, booting in us-east-3) is no host of the inventory yet" in told
    cached = "".join(file.read_text() for file in (environment / "cache").iterdir())
    assert "10.0.2.1" in cached and fake.JUPYTER not in cached and fake.KEY not in cached and "jupyter" not in cached


FAULTS = {
    "key": ({}, "did not list the instances: global/invalid-api-key"),
    "template": ({"api_key": "{{ nothing.here }}"}, "`api_key` cannot be worked out: 'nothing' is undefined."),
    "none": ({"api_key": ""}, "No key for Lambda Cloud: give `api_key` or LAMBDA_API_KEY."),
    "tags": ({"tags": ["a"]}, "`tags` must be a mapping of names to texts with at least one entry."),
    "unreachable": ({"api_url": "http://127.0.0.1:9/api/v1"}, "did not list the instances: nothing listens on"),
    "twice": ({}, "several instances are called a ("),
    "address": ({}, "active in us-east-3) has no public address"),
    "strict": ({"groups": {"x": "nothing_is_called_so"}}, "Could not add host a to group x"),
}


def test_what_is_wrong_is_told_in_a_sentence_and_is_never_an_empty_inventory(environment):
    clouds = Clouds(
        main=FakeLambda(),
        key=FakeLambda(),
        twice=FakeLambda([instance("a", 1), instance("a", 2)]),
        address=FakeLambda([instance("a", ip=None)]),
        strict=FakeLambda([instance("a")]),
    )
    clouds.clouds["key"].faults[("GET", "/instances")] = [fake.refusal("global/invalid-api-key", 401)] * 2
    for name, (changes, _words) in FAULTS.items():
        wrong = {**yaml.safe_load(textwrap.dedent(PLUGIN).replace("{{ cloud }}", name)), **changes}
        write(environment / f"wrong/{name}.lambda_cloud.yml", yaml.safe_dump(wrong))
    sources = ["common", "lab", *(f"wrong/{name}.lambda_cloud.yml" for name in FAULTS)]
    with fake_web.served(clouds) as (port, _seen):
        url = f"http://127.0.0.1:{port}"
        tolerant = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "false"}
        _code, _printed, told = run(environment, url, "--list", sources=sources, **tolerant)
        code, printed, why = run(environment, url, "--list", sources=("common", "lab", "wrong/key.lambda_cloud.yml"))
    assert "/lab/" not in told  # an empty cloud is fine
    for name, (_changes, words) in FAULTS.items():
        assert f"/{name}.lambda_cloud.yml" in told and words in told, (name, told)
    assert code != 0 and printed == "" and "Completely failed to parse inventory source" in why


def test_skipping_asks_nobody(environment):
    code, printed, told = run(environment, "", "--list", LAMBDA_CLOUD_INVENTORY="skip")
    assert (code, json.loads(printed)["_meta"]["hostvars"], told) == (0, {}, "")


def test_a_play_reads_the_inventory_again_whatever_is_cached(environment):
    cloud = fleet()
    cloud.on_list = lambda: cloud.instances.append(instance(f"n{len(cloud.instances)}", 100 + len(cloud.instances)))
    write(
        environment / "play.yml",
        """
        - hosts: localhost
          gather_facts: false
          tasks:
            - ansible.builtin.meta: refresh_inventory
            - ansible.builtin.debug:
                msg: "managers: {{ groups.managers | join(' ') }}, {{ hostvars.b.lambda_tags.role }}"
        """,
    )
    with fake_web.served(Clouds(main=cloud)) as (port, seen):
        play = str(environment / "play.yml")
        config = environment / "ansible.cfg"
        collections = ROOT / "collections"
        write(
            config,
            f"""
            [defaults]
            inventory = common,lab
            collections_path = {collections}
            [inventory]
            any_unparsed_is_failed = True
            enable_plugins = sophia.platform.lambda_cloud, ansible.builtin.yaml
            """,
        )
        url = f"http://127.0.0.1:{port}"
        code, printed, told = run(
            environment,
            url,
            play,
            sources=(),
            tool="ansible-playbook",
            ANSIBLE_CONFIG=str(config),
            **caching(environment),
        )
        assert len(seen) == 2
    assert code == 0, printed + told
    assert "managers: a n5 n6, {{ lookup('pipe', 'id') }}" in printed
