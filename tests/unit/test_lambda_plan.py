"""What the Lambda Cloud modules decide, with no cloud: plans, choices, options, hosts."""

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud import choose, hosts, plan, settings
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.client import cleaned
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.errors import LambdaCloudError
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.model import Instance, Wanted
from lambda_fixtures import JUPYTER, PUBLIC_KEY, TAGS, image, instance

OPTIONS = {
    **{name: spec.get("default") for name, spec in settings.INSTANCE_SPEC.items()},
    "instances": [{"name": "a"}],
    "tags": TAGS,
    "ssh_key_name": "ci",
}


def wanted(name="a", **changes):
    return Wanted(name, {**TAGS, "role": "manager"}, **changes)


def launch_settings(**changes):
    return settings.LaunchSettings.of({**OPTIONS, **changes})


def seen(*raws):
    return [Instance.from_api(raw) for raw in raws]


@pytest.mark.parametrize(
    ("instances", "kept", "launch"),
    [
        ([], [], ["a"]),
        ([instance("a")], ["a"], []),
        ([instance("a", status="booting", ip=None)], ["a"], []),
        ([instance("a", status="a-status-of-tomorrow")], ["a"], []),
        ([instance("a", status="terminating")], [], ["a"]),
        ([instance("a", status="preempted"), instance("a", 2)], ["a"], []),
        ([instance("b")], [], ["a"]),
        ([{**instance("a", status="booting", ip=None), "tags": None}], ["a"], []),  # tags may come later
    ],
)
def test_what_is_there_is_kept_and_the_rest_is_launched(instances, kept, launch):
    found = plan.plan_present(seen(*instances), [wanted()], TAGS, launch_settings())
    assert (sorted(found.kept), [each.name for each in found.launch]) == (kept, launch)
    assert found.problems == found.notes == found.drift == []


def test_an_instance_of_another_owner_is_told_and_does_not_count():
    found = plan.plan_present(seen(instance("a", tags={"platform": "other"})), [wanted()], TAGS, launch_settings())
    assert [each.name for each in found.launch] == ["a"]
    assert "is another's and is left alone: it lacks the tags platform=test" in found.notes[0]
    bare = {**instance("a"), "tags": None}
    found = plan.plan_absent(seen(bare), [wanted()], TAGS)
    assert found.terminate == [] and "has not these tags and is not terminated" in found.notes[0]


def test_problems_are_told_all_at_once_and_with_ids():
    instances = seen(instance("a", 1), instance("a", 2), instance("b", 3, status="unhealthy"))
    found = plan.plan_present(instances, [wanted("a"), wanted("b"), wanted("c")], TAGS, launch_settings())
    twice, ill, many = found.problems
    assert "2 instances are called a" in twice and f"{1:032x}" in twice and f"{2:032x}" in twice
    assert f"{3:032x}, unhealthy" in ill and "state: absent" in ill
    assert "1 more instance would make 4, and `max_instances` is 3; 3 with the tags platform=test run already" in many


def test_the_budget_counts_every_living_instance_with_the_tags():
    there = seen(instance("x"), instance("y", 2), instance("z", 3, status="terminated"), instance("w", 4, tags={}))
    assert plan.budget_problem(there, 1, TAGS, 3) == ""
    assert "2 more instances would make 4" in plan.budget_problem(there, 2, TAGS, 3)
    assert plan.budget_problem(there, 0, TAGS, 1) == ""


def test_drift_is_told_in_sentences():
    odd = instance("a", type="gpu_1x_a10", region="us-west-1", ssh_key_names=["old"], hostname="h1", tags={**TAGS})
    options = launch_settings(regions=["us-east-3", "us-east-1"])
    found = plan.plan_present(seen(odd), [wanted(hostname="h2")], TAGS, options)
    assert [line.split(": the ")[1] for line in found.drift] == [
        "instance type is gpu_1x_a10, wanted is gpu_1x_gh200",
        "region is us-west-1, wanted is us-east-3 or us-east-1",
        "SSH key is old, wanted is ci",
        "hostname is h1, wanted is h2",
        "tag role is empty, wanted is manager",
    ]
    assert found.launch == []


def test_only_what_has_every_tag_is_terminated():
    both = seen(instance("a", 1), instance("a", 2), instance("b", 3, tags=TAGS))
    assert [each.id for each in plan.plan_absent(both, [wanted("a")], TAGS).terminate] == [f"{1:032x}", f"{2:032x}"]
    found = plan.plan_absent(both, [wanted("b")], TAGS)
    assert found.terminate == []
    assert "has not the tags role=manager of the instance to terminate, but role=; give the tags" in found.problems[0]
    leaving = plan.plan_absent(seen(instance("a", status="terminating")), [wanted()], TAGS)
    assert (leaving.terminate, len(leaving.leaving)) == ([], 1)


def offer(capacity=("us-east-3",), price=229, images=None, **more):
    row = {"instance_type": {"price_cents_per_hour": price}}
    row["regions_with_capacity_available"] = [{"name": name} for name in capacity]
    images = [image("i3"), image("i1", "us-east-1")] if images is None else images
    return choose.Offer({"gpu_1x_gh200": row}, images, **more)


BOTH = ("us-east-1", "us-east-3")


@pytest.mark.parametrize(
    ("capacity", "regions", "own_region", "peers", "failures", "region"),
    [
        (BOTH, [], "", [], {}, "us-east-1"),
        (BOTH, ["us-east-3", "us-east-1"], "", [], {}, "us-east-3"),
        (["us-east-1"], ["us-east-3", "us-east-1"], "", [], {}, "us-east-1"),
        (BOTH, ["us-east-3"], "us-east-1", [], {}, "us-east-1"),
        (BOTH, ["us-east-3", "us-east-1"], "", [], {"us-east-3": 1}, "us-east-1"),
        (BOTH, ["us-east-3", "us-east-1"], "", [], {"us-east-3": 1, "us-east-1": 2}, "us-east-3"),
        (BOTH, ["us-east-3", "us-east-1"], "", ["us-east-1"], {}, "us-east-1"),
        (BOTH, ["us-east-3", "us-east-1"], "", ["us-east-1"], {"us-east-1": 1}, "us-east-3"),
        ([], [], "", [], {}, None),
        (["us-east-1"], ["us-east-3"], "", [], {}, None),
    ],
)
def test_the_region(capacity, regions, own_region, peers, failures, region):
    options = launch_settings(regions=regions)
    choice = choose.choose(offer(capacity), options, wanted(region=own_region), peers, failures)
    assert (choice and choice.region) == region


@pytest.mark.parametrize(
    ("images", "options", "chosen"),
    [
        ([image("old", version="24.4.4-2141"), image("new", version="24.4.10-3")], {}, "new"),
        ([image("x86", architecture="x86_64"), image("arm")], {}, "arm"),
        ([image("other", family="gpu-base-24-04")], {}, ""),
        ([image("other", family="gpu-base-24-04")], {"image_family": "gpu-base-24-04"}, "other"),
        ([image("a", version="9"), image("b")], {"image_id": "b"}, "b"),
        ([image("b", "us-east-1")], {"image_id": "b"}, ""),
        ([image("x86", architecture="x86_64"), image("arm")], {"instance_type": "gpu_1x_a10"}, "x86"),
        ([{"id": "odd", "region": None, "version": None}], {}, ""),
    ],
)
def test_the_image(images, options, chosen):
    assert choose.image_id(offer(images=images), launch_settings(**options), "us-east-3") == chosen


def ruleset(name="edge", region="us-east-3", identifier="r1"):
    return {"id": identifier, "name": name, "region": {"name": region}}


@pytest.mark.parametrize(
    ("the_offer", "options", "words"),
    [
        (offer(), {"instance_type": "gpu_9x"}, "has no instance type gpu_9x; it has: gpu_1x_gh200"),
        (offer(price=331), {}, "costs 331 cents/hour, and `max_price_cents_per_hour` is 300: nothing was launched"),
        (offer(price=None), {}, "tells no price for gpu_1x_gh200"),
        (offer(images=[]), {}, "us-east-3 has no arm64 image of the family lambda-stack-24-04"),
        (offer(), {"image_id": "gone"}, "us-east-3 has no arm64 image gone"),
        (offer(), {"firewall_rulesets": ["edge"]}, "us-east-3 has no firewall ruleset edge"),
        (
            offer(["us-south-1"], images=[image("i", "us-south-1")]),
            {"firewall_rulesets": ["e"]},
            "no firewall rulesets",
        ),
        (offer(), {"file_systems": ["data"]}, "us-east-3 has no file system data"),
        (
            offer(firewall_rulesets=[ruleset(), ruleset(identifier="r2")]),
            {"firewall_rulesets": ["edge"], "regions": ["us-east-3"]},
            "us-east-3 has 2 firewall rulesets edge",
        ),
    ],
)
def test_what_waiting_would_not_mend(the_offer, options, words):
    with pytest.raises(LambdaCloudError, match=r".*") as caught:
        choose.choose(the_offer, launch_settings(**options), wanted())
    assert words in str(caught.value)


def test_a_region_that_lacks_something_is_passed_over():
    rulesets = [ruleset(region="us-east-3"), ruleset("edge", "us-east-1", "r1")]
    both = offer(BOTH, images=[image("i1", "us-east-1")], firewall_rulesets=rulesets)
    options = launch_settings(regions=["us-east-3", "us-east-1"], firewall_rulesets=["edge"], file_systems=[])
    choice = choose.choose(both, options, wanted())
    assert choice == choose.Choice("us-east-1", "i1", 229, ("r1",))


def test_the_launch_body_says_only_what_is_asked_for():
    body = choose.launch_body(launch_settings(), wanted(), choose.Choice("us-east-3", "i3", 229))
    assert body == {
        "region_name": "us-east-3",
        "instance_type_name": "gpu_1x_gh200",
        "ssh_key_names": ["ci"],
        "name": "a",
        "image": {"id": "i3"},
        "tags": [{"key": "platform", "value": "test"}, {"key": "role", "value": "manager"}],
    }
    options = launch_settings(user_data="#cloud-config\n", file_systems=["data"])
    body = choose.launch_body(options, wanted(hostname="a-1"), choose.Choice("us-east-3", "i3", 229, ("r1",)))
    assert body["hostname"] == "a-1" and body["user_data"] == "#cloud-config\n"
    assert body["file_system_names"] == ["data"] and body["firewall_rulesets"] == [{"id": "r1"}]


@pytest.mark.parametrize(
    ("there", "public_key", "result"),
    [
        (f"{PUBLIC_KEY} me@home", "", False),
        (f"{PUBLIC_KEY}   me@home\n", f"{PUBLIC_KEY} another", False),
        (None, PUBLIC_KEY, True),
        (None, "", "has no SSH key ci (it has: other); give `ssh_public_key`"),
        ("ssh-ed25519 BBBB", PUBLIC_KEY, "The SSH key ci at Lambda Cloud is another than `ssh_public_key`"),
    ],
)
def test_the_ssh_key(there, public_key, result):
    keys = [{"name": "other", "public_key": "x"}] + ([{"name": "ci", "public_key": there}] if there else [])
    if isinstance(result, bool):
        assert choose.key_to_register(keys, launch_settings(ssh_public_key=public_key)) is result
        return
    with pytest.raises(LambdaCloudError) as caught:
        choose.key_to_register(keys, launch_settings(ssh_public_key=public_key))
    assert result in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"tags": {}}, "`tags` is empty"),
        ({"tags": {"Platform": "x"}}, "`tags`: the key 'Platform' is none"),
        ({"tags": {"platform": True}}, "the value of platform is no text"),
        ({"instances": []}, "`instances` has 0 entries"),
        ({"instances": [{"name": f"h{number}"} for number in range(17)]}, "`instances` has 17 entries"),
        ({"instances": [{"name": "a"}, {"name": "a"}]}, "a is there 2 times"),
        ({"instances": [{"name": ""}]}, "the name '' has 0 letters"),
        ({"instances": [{"name": "a", "hostname": "A_b"}]}, "the hostname 'A_b' of a is none"),
        ({"instances": [{"name": "a", "ssh_port": 70000}]}, "the `ssh_port` of a is 70000"),
        ({"instances": [{"name": "a", "tags": {"platform": "x"}}]}, "a sets the tag platform again"),
        ({"max_instances": 17}, "`max_instances` is 17"),
        ({"ssh_key_name": ""}, "`ssh_key_name` is missing"),
        ({"ssh_public_key": "-----BEGIN OPENSSH PRIVATE KEY-----"}, "`ssh_public_key` is no public key"),
        ({"user_data": "x" * 1_000_001}, "`user_data` is longer than 1000000 bytes"),
        ({"boot_timeout_seconds": -1}, "`boot_timeout_seconds` is -1"),
        ({"regions": ["us-south-1"], "firewall_rulesets": ["edge"]}, "us-south-1 knows no firewall rulesets"),
    ],
)
def test_options_that_do_not_fit(changes, words):
    with pytest.raises(LambdaCloudError) as caught:
        settings.wanted({**OPTIONS, **changes})
    assert words in str(caught.value) and "PRIVATE" not in str(caught.value)


def test_options_become_wanted_instances():
    entries = [{"name": "a", "tags": {"number": 1}, "ssh_port": 0}, {"name": "b", "region": "us-east-1"}]
    first, second = settings.wanted({**OPTIONS, "instances": entries, "ssh_port": 2222})
    assert (first.tags, first.ssh_port) == ({"platform": "test", "number": "1"}, 0)
    assert (second.tags, second.ssh_port, second.region) == (TAGS, 2222, "us-east-1")


def test_secrets_are_dropped_however_deep():
    assert JUPYTER not in str(cleaned([instance("a"), {"terminated_instances": [instance("b")]}]))


def test_instances_become_hosts():
    there = seen(
        instance("b", 2),
        instance("a", 1, tags={**TAGS, "role": "{{ 7 * 7 }}"}),
        instance("c", 3, status="booting", ip=None),
        instance("d", 4, status="terminating"),
        instance("e", 5, tags={}),
        instance("", 6, tags={}, ip=None),
    )
    found, warnings = hosts.select(there, TAGS, ["active"])
    assert [each.name for each in found] == ["a", "b"]
    assert len(warnings) == 1 and warnings[0].startswith(f"c ({3:032x}, booting in us-east-3) is no host")
    assert hosts.variables(found[0]) == {
        "ansible_host": "127.0.0.1",
        "public_address": "127.0.0.1",
        "private_address": "10.0.2.1",
        "lambda_id": f"{1:032x}",
        "lambda_region": "us-east-3",
        "lambda_instance_type": "gpu_1x_gh200",
        "lambda_status": "active",
        "lambda_tags": {"platform": "test", "role": "{{ 7 * 7 }}"},
    }
    assert hosts.select([], TAGS, ["active"]) == ([], [])


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ([instance("a", 1), instance("a", 2, status="booting")], "several instances are called a"),
        ([instance("a", ip=None)], "active in us-east-3) has no public address"),
        ([instance(None)], "an unnamed one"),
    ],
)
def test_hosts_that_cannot_be_right(there, words):
    with pytest.raises(LambdaCloudError) as caught:
        hosts.select(seen(*there), TAGS, ["active"])
    assert words in str(caught.value)
