"""The module lambda_instance against a cloud that misbehaves: what it says, what it asks, what it launches."""

import socket

import fake_web
import lambda_fixtures as fake
import pytest
from ansible_collections.sophia.platform.plugins.module_utils.lambda_cloud.client import LambdaCloud
from ansible_collections.sophia.platform.plugins.modules import lambda_instance
from lambda_fixtures import FakeLambda, instance

LIST, TYPES = ("GET", "/instances"), ("GET", "/instance-types")
LAUNCH, TERMINATE = ("POST", "/instance-operations/launch"), ("POST", "/instance-operations/terminate")
FIRST_ID, SECOND_ID = f"{101:032x}", f"{102:032x}"


@pytest.fixture(scope="module")
def ssh():
    with fake.greeting() as port:
        yield port


@pytest.fixture(scope="module")
def served():
    with fake.switchable() as (switch, port, seen):
        yield switch, port, seen


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    made = fake.FakeClock()
    monkeypatch.setattr(lambda_instance, "Clock", lambda: made)
    fake.bare_environment(monkeypatch)
    return made


@pytest.fixture
def run(ssh, served):
    switch, port, seen = served

    def run_against(cloud, *names, check=False, **options):
        switch.cloud, url = cloud, f"http://127.0.0.1:{port}/api/v1"
        seen.clear()
        arguments = {
            "instances": [{"name": name, "tags": {"role": "manager"}} for name in names or ("a",)],
            "tags": fake.TAGS,
            "ssh_key_name": "ci",
            "ssh_port": ssh,
            "api_key": fake.KEY,
            "api_url": url,
            **options,
        }
        arguments = {name: value for name, value in arguments.items() if value is not None}
        result, _printed = fake.run_module(lambda_instance.main, arguments, check)
        asked = [f"{request['method']} {request['path'].removeprefix('/api/v1')}" for request in seen]
        if arguments["api_url"] == url and "api_key" in arguments:
            assert result["calls"] == len(asked)
        return result, asked

    return run_against


def test_one_request_when_nothing_is_missing(run):
    cloud = FakeLambda([instance("a", 1), instance("b", 2), instance("c", 3)])
    for check in (False, True):
        result, asked = run(cloud, "a", "b", "c", check=check)
        assert (result["changed"], asked) == (False, ["GET /instances"])
        assert [each["name"] for each in result["instances"]] == ["a", "b", "c"]
        assert result["cost_cents_per_hour"] == 3 * 229 and result["drift"] == []
        assert result["diff"]["before"] == result["diff"]["after"]


def test_three_are_launched_and_waited_for(run, clock):
    cloud = FakeLambda([instance("stranger", 9, tags={})], looks_until_active=3)
    result, asked = run(cloud, "a", "b", "c")
    assert result["changed"] and [each["name"] for each in result["launched"]] == ["a", "b", "c"]
    assert [each["status"] for each in result["instances"]] == ["active"] * 3
    assert {each["ip"] for each in result["instances"]} == {"127.0.0.1"}
    assert result["cost_cents_per_hour"] == 3 * 229
    assert clock.slept.count(13) == 2  # between launches
    assert asked[:4] == ["GET /instances", "GET /instance-types", "GET /images", "GET /ssh-keys"]
    assert asked[4:9] == ["POST /instance-operations/launch", "GET /instances"] * 2 + [
        "POST /instance-operations/launch"
    ]
    assert cloud.launches[0] == {
        "name": "a",
        "region_name": "us-east-3",
        "instance_type_name": "gpu_1x_gh200",
        "ssh_key_names": ["ci"],
        "image": {"id": "i-arm"},
        "tags": [{"key": "platform", "value": "test"}, {"key": "role", "value": "manager"}],
    }
    again, asked = run(cloud, "a", "b", "c")
    assert (again["changed"], len(asked)) == (False, 1)


def test_check_mode_says_where_and_at_which_price(run):
    cloud = FakeLambda([instance("a", 1)])
    result, asked = run(cloud, "a", "sophia-1", check=True)
    assert result["msg"] == "would launch sophia-1: gpu_1x_gh200 in us-east-3 at 229 cents/hour"
    assert result["changed"] and result["cost_cents_per_hour"] == 458 and cloud.launches == []
    assert result["diff"]["after"].endswith("sophia-1: gpu_1x_gh200 in us-east-3 at 229 cents/hour\n")
    assert all(request.startswith("GET") for request in asked)
    cloud.capacity = []
    result, _asked = run(cloud, "b", check=True, regions=["us-east-3", "us-east-1"])
    assert "b: gpu_1x_gh200 in us-east-3 or us-east-1, full now at 229 cents/hour" in result["msg"]


def test_an_instance_that_boots_already_is_waited_for_and_not_launched(run):
    cloud = FakeLambda([instance("a", 1, status="booting", ip=None)])
    cloud.starting[f"{1:032x}"] = 2
    result, asked = run(cloud)
    assert not result["changed"] and result["instances"][0]["status"] == "active"
    assert asked == ["GET /instances"] * 3


INVALID_KEY = "did not list the instances: global/invalid-api-key"
# What the first list is answered with, how often, the words, and how many requests are made.
READ_FAULTS = [
    (fake.refusal("global/invalid-api-key", 401), INVALID_KEY, 1),
    (fake.refusal("global/account-inactive", 403), "global/account-inactive, Something is not right. (***). Verify", 1),
    (fake.refusal("global/not-found", 404), "global/not-found", 1),
    (fake.refusal("global/internal-error", 500), "global/internal-error", 3),
    (fake.refusal("provider/internal-unavailable", 503), "provider/internal-unavailable", 3),
    (fake.BAD_GATEWAY, "HTTP 502, an HTML page: Bad gateway", 3),
    (fake.HTML, "HTTP 200, an HTML page: Please log in", 3),
    (fake_web.Answer(301, b"", "text/plain", {"Location": "https://elsewhere.example/"}), "HTTP 301", 1),
    (fake_web.document({"instances": [instance("a")]}), "HTTP 200, without whole JSON that has `data`", 3),
    (fake_web.document({"data": {"a": 1}}), "the answer is no list", 1),
    (fake_web.document({"data": [{"name": "no id"}]}), "an instance in the answer is none", 1),
    (fake.HALF_JSON, "HTTP 200, without whole JSON that has `data`", 3),
    (fake.TRUNCATED, "the answer was cut off after", 3),
    (fake.CLOSED, "closed the connection without an answer", 3),
    (fake.TOO_MANY, "HTTP 429, too many requests", 3),
]


@pytest.mark.parametrize(("answer", "words", "requests"), READ_FAULTS)
def test_a_list_that_fails_is_an_error_in_one_sentence(run, clock, answer, words, requests):
    cloud = FakeLambda([instance("a")])
    cloud.faults[LIST] = [answer] * 5
    result, asked = run(cloud)
    assert result["failed"] and words in result["msg"] and "Lambda Cloud (http://127.0.0.1:" in result["msg"]
    assert asked == ["GET /instances"] * requests and cloud.launches == []
    assert sum(clock.slept) <= 30


@pytest.mark.parametrize("answer", [fake.TOO_MANY, fake.BAD_GATEWAY, fake.TRUNCATED, fake.HALF_JSON, fake.CLOSED])
def test_a_list_that_fails_for_a_moment_is_asked_again(run, clock, answer):
    cloud = FakeLambda([instance("a")])
    cloud.faults[LIST] = [answer]
    result, asked = run(cloud)
    assert not result["changed"] and asked == ["GET /instances"] * 2
    assert clock.slept == [12 if answer is fake.TOO_MANY else 3]


def test_secrets_of_instances_leave_the_client_nowhere(served, clock):
    switch, port, _seen = served
    switch.cloud = FakeLambda([instance("a")])
    client = LambdaCloud(fake.KEY, f"http://127.0.0.1:{port}/api/v1/", clock=clock)
    raw = client.read("/instances", "list the instances")
    answer = client.write("POST", "/ssh-keys", {"name": "new", "public_key": "x"}, "register a key")
    assert raw[0]["id"] == f"{1:032x}" and answer["name"] == "new"
    assert fake.JUPYTER not in f"{raw} {answer}"


def test_the_wrong_key_is_not_shown(run):
    result, asked = run(FakeLambda(), api_key="secret_wrong_key.AbCdEf")
    assert INVALID_KEY in result["msg"] and "Give a valid key in `api_key` or LAMBDA_API_KEY." in result["msg"]
    assert "AbCdEf" not in str(result) and len(asked) == 1


def test_nobody_listens_or_answers(run):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/api/v1"
        result, _asked = run(FakeLambda(), api_url=url)
    assert "did not list the instances: nothing listens on 127.0.0.1:" in result["msg"] and result["calls"] == 1
    cloud = FakeLambda()
    cloud.faults[LIST] = [fake.SILENT] * 3
    result, _asked = run(cloud, timeout_seconds=0.05)
    assert "no answer within 0.05 s" in result["msg"] and result["calls"] == 3


def test_credentials_come_from_the_environment_too_and_nowhere_else(run, monkeypatch):
    result, _asked = run(FakeLambda(), api_key=None)
    assert "missing required arguments: api_key" in result["msg"]
    monkeypatch.setenv("LAMBDA_API_KEY", fake.KEY)
    result, _asked = run(FakeLambda([instance("a")]), api_key=None)
    assert not result["changed"]
    result, _asked = run(FakeLambda(), api_url="http://me:pass-word@127.0.0.1/api/v1")
    assert "`api_url` holds a user name or password" in result["msg"] and result["calls"] == 0


# What one launch is answered with: refused for good.
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (fake.refusal("global/quota-exceeded"), "global/quota-exceeded, Something is not right. (***). Terminate an"),
        (fake.refusal("global/invalid-parameters"), "global/invalid-parameters"),
        (fake.refusal("global/invalid-address", 403), "Give the account a billing address"),
        (fake.NOT_THERE, "global/object-does-not-exist"),
        (fake.refusal("global/object-does-not-exist", 400), "Something named in the request is not there"),
        (fake.refusal("instance-operations/launch/file-system-in-wrong-region"), "in its own region only"),
    ],
)
def test_a_launch_that_is_refused_is_not_repeated(run, answer, words):
    cloud = FakeLambda()
    cloud.faults[LAUNCH] = [answer]
    result, asked = run(cloud)
    assert "did not launch a (gpu_1x_gh200 in us-east-3): " in result["msg"] and words in result["msg"]
    assert asked.count("POST /instance-operations/launch") == 1 and result["launched"] == []
    assert "billed" not in result["msg"]


@pytest.mark.parametrize(
    "answer",
    [fake.NO_CAPACITY, fake.TOO_MANY, fake.refusal("provider/x", 400), fake.BAD_GATEWAY, fake.HTML, fake.TRUNCATED],
)
def test_a_launch_that_may_work_later_is_tried_again_after_a_look(run, clock, answer):
    cloud = FakeLambda()
    cloud.faults[LAUNCH] = [answer]
    result, asked = run(cloud)
    assert result["changed"] and len(cloud.launches) == 1 and result["launched"][0]["id"] == FIRST_ID
    first, second = (place for place, request in enumerate(asked) if request.endswith("launch"))
    assert "GET /instances" in asked[first:second] and 13 in clock.slept


@pytest.mark.parametrize("answer", [fake.CLOSED, fake.TRUNCATED, fake.BAD_GATEWAY, fake.HALF_JSON])
def test_a_launch_whose_answer_is_lost_is_found_and_not_repeated(run, answer):
    cloud = FakeLambda()
    cloud.faults[LAUNCH] = [("after", answer)]
    result, asked = run(cloud)
    assert asked.count("POST /instance-operations/launch") == 1 and len(cloud.launches) == 1
    assert result["changed"] and result["launched"] == [{"name": "a", "id": FIRST_ID}]
    assert result["instances"][0]["id"] == FIRST_ID


def test_a_lost_answer_at_the_end_of_the_time_is_looked_after_all_the_same(run):
    cloud = FakeLambda()
    cloud.faults[LAUNCH] = [("after", fake.CLOSED)]
    result, _asked = run(cloud, capacity_timeout_seconds=0)
    assert result["changed"] and result["launched"] == [{"name": "a", "id": FIRST_ID}]
    cloud = FakeLambda()
    cloud.faults[LAUNCH] = [("after", fake.CLOSED)]
    cloud.on_list = lambda: cloud.faults.update({LIST: [fake.BAD_GATEWAY] * 9}) if cloud.launches == [] else None
    result, _asked = run(cloud, capacity_timeout_seconds=0)
    assert "Whether a runs, and is billed, is not known: see Lambda's dashboard." in result["msg"]


def test_a_full_region_is_followed_by_the_next(run):
    cloud = FakeLambda(capacity=["us-east-1", "us-east-3"])
    cloud.faults[LAUNCH] = [fake.NO_CAPACITY]
    result, _asked = run(cloud, regions=["us-east-3", "us-east-1"])
    assert [body["region_name"] for body in cloud.launches] == ["us-east-1"]
    assert cloud.launches[0]["image"] == {"id": "i-arm-1"} and result["instances"][0]["region"] == "us-east-1"


def test_others_follow_the_first_into_its_region_and_a_border_is_told(run):
    cloud = FakeLambda([instance("a", 1, region="us-east-1")], capacity=["us-east-1", "us-east-3"])
    run(cloud, "a", "b")
    assert cloud.launches[0]["region_name"] == "us-east-1"
    cloud = FakeLambda([instance("a", 1, region="us-east-1")])
    result, _asked = run(cloud, "a", "b")
    assert "in us-east-1 and us-east-3: their private addresses do not reach each other" in result["notes"][0]


def test_without_capacity_nothing_is_launched_until_the_time_is_up(run):
    cloud = FakeLambda(capacity=[])
    result, asked = run(cloud, regions=["us-east-3"], capacity_timeout_seconds=60)
    assert "a could not be launched within 60 s and 5 tries" in result["msg"]
    assert "no capacity for gpu_1x_gh200 in us-east-3" in result["msg"] and "Run again to go on" in result["msg"]
    assert not any(request.startswith("POST") for request in asked)
    looks = iter([[], [], ["us-east-3"]])
    cloud.on_list = lambda: setattr(cloud, "capacity", next(looks, ["us-east-3"]))
    result, _asked = run(cloud)
    assert result["changed"] and len(cloud.launches) == 1


def test_somebody_else_launches_the_same_name_meanwhile(run):
    cloud = FakeLambda()
    cloud.faults[LAUNCH] = [fake.NO_CAPACITY]
    lists = []

    def other():
        lists.append(1)
        if len(lists) == 2:
            cloud.instances.append(instance("a", 7))

    cloud.on_list = other
    result, _asked = run(cloud)
    assert not result["changed"] and cloud.launches == [] and result["instances"][0]["id"] == f"{7:032x}"
    assert f"a ({7:032x}) was launched by somebody else meanwhile." in result["notes"]


def test_two_launches_of_one_name_at_once_are_an_error_with_both_ids(run):
    cloud = FakeLambda()
    cloud.on_list = lambda: cloud.launches and cloud.instances.append(instance("a", 7))
    result, _asked = run(cloud)
    assert "2 instances are called a" in result["msg"] and f"{7:032x}" in result["msg"]
    assert f"Launched by this run and billed until terminated: a ({FIRST_ID})." in result["msg"]


@pytest.mark.parametrize(
    ("prepare", "options", "words"),
    [
        (lambda cloud: setattr(cloud, "price", 331), {}, "costs 331 cents/hour, and `max_price_cents_per_hour` is 300"),
        (lambda cloud: None, {"max_price_cents_per_hour": 200}, "`max_price_cents_per_hour` is 200: nothing was"),
        (lambda cloud: None, {"instance_type": "gpu_9x"}, "has no instance type gpu_9x; it has: gpu_1x_gh200"),
        (lambda cloud: cloud.images.clear(), {}, "us-east-3 has no arm64 image of the family lambda-stack-24-04"),
        (lambda cloud: None, {"ssh_key_name": "other"}, "has no SSH key other (it has: ci)"),
        (lambda cloud: None, {"ssh_public_key": "ssh-rsa BBBB"}, "is another than `ssh_public_key`"),
        (lambda cloud: None, {"firewall_rulesets": ["edge"]}, "us-east-3 has no firewall ruleset edge"),
        (lambda cloud: None, {"file_systems": ["data"]}, "us-east-3 has no file system data"),
        (lambda cloud: None, {"max_instances": 1}, "2 more instances would make 2, and `max_instances` is 1"),
        (
            lambda cloud: None,
            {"regions": ["us-south-1"], "firewall_rulesets": ["e"]},
            "us-south-1 knows no firewall rulesets",
        ),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_what_would_stop_a_launch_is_found_before_the_first(run, check, prepare, options, words):
    cloud = FakeLambda()
    prepare(cloud)
    result, asked = run(cloud, "a", "b", check=check, **options)
    assert result["failed"] and words in result["msg"] and result["msg"].count(words) == 1
    assert cloud.launches == [] and not any(request.startswith("POST") for request in asked)


def test_several_obstacles_are_told_at_once(run):
    cloud = FakeLambda()
    result, _asked = run(cloud, ssh_key_name="other", max_price_cents_per_hour=1)
    assert "has no SSH key other" in result["msg"] and "costs 229 cents/hour" in result["msg"]


def test_what_is_asked_for_reaches_the_launch(run):
    cloud = FakeLambda()
    cloud.rulesets = [{"id": "r1", "name": "edge", "region": {"name": "us-east-3"}, "rules": []}]
    cloud.file_systems = [{"id": "f1", "name": "data", "region": {"name": "us-east-3"}}]
    options = {"firewall_rulesets": ["edge"], "file_systems": ["data"], "user_data": "#cloud-config\npassword: pw-1"}
    cloud.faults[LAUNCH] = [fake.refusal("provider/echo", 400, "Cannot use password: pw-1"), fake.NO_CAPACITY]
    result, _asked = run(cloud, ssh_public_key=f"{fake.PUBLIC_KEY} mine", **options)
    body = cloud.launches[0]
    assert body["firewall_rulesets"] == [{"id": "r1"}] and body["file_system_names"] == ["data"]
    assert body["user_data"] == options["user_data"] and "pw-1" not in str(result)
    cloud.faults[LAUNCH] = [fake.refusal("global/invalid-parameters", 400, "Cannot use password: pw-1")]
    result, _asked = run(cloud, "b", **options)
    assert "Cannot use ***" in result["msg"] and "pw-1" not in str(result)


@pytest.mark.parametrize("answer", [None, ("after", fake.CLOSED), ("after", fake.BAD_GATEWAY)])
def test_a_missing_key_is_registered_once(run, answer):
    cloud = FakeLambda()
    cloud.faults[("POST", "/ssh-keys")] = [answer] if answer else []
    result, _asked = run(cloud, check=True, ssh_key_name="new", ssh_public_key=fake.PUBLIC_KEY)
    assert result["msg"].endswith("; would register the SSH key new") and len(cloud.keys) == 1
    _result, asked = run(cloud, ssh_key_name="new", ssh_public_key=fake.PUBLIC_KEY)
    assert asked.count("POST /ssh-keys") == 1 and cloud.keys[-1]["name"] == "new"
    assert cloud.launches[0]["ssh_key_names"] == ["new"]


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("preempted", f"a ({FIRST_ID}, preempted in us-east-3) ended before it was ready"),
        ("terminating", "ended before it was ready. Run again to launch another."),
        ("unhealthy", "is unhealthy and billed all the same"),
        ("gone", f"a ({FIRST_ID}) is not listed any more"),
    ],
)
def test_an_instance_that_ends_while_it_boots(run, status, words):
    cloud = FakeLambda(looks_until_active=99)

    def end():
        for each in cloud.instances:
            each["status"] = status
        if status == "gone":
            cloud.instances.clear()

    cloud.on_list = lambda: cloud.launches and end()
    result, _asked = run(cloud)
    assert words in result["msg"]
    assert f"Launched by this run and billed until terminated: a ({FIRST_ID})." in result["msg"]
    assert result["launched"] == [{"name": "a", "id": FIRST_ID}]


def test_looks_that_fail_while_it_boots_do_not_matter(run, clock):
    cloud = FakeLambda(looks_until_active=2)

    def trouble():
        if cloud.launches and LIST not in cloud.faults:
            cloud.faults[LIST] = [fake.TOO_MANY, fake.BAD_GATEWAY, fake.HTML, fake.CLOSED, fake.HALF_JSON]

    cloud.on_list = trouble
    result, _asked = run(cloud)
    assert result["changed"] and result["instances"][0]["status"] == "active" and 12 in clock.slept


def test_a_key_that_is_deleted_while_it_boots_tells_what_is_billed(run):
    cloud = FakeLambda(looks_until_active=9)
    cloud.on_list = lambda: (
        cloud.launches and cloud.faults.update({LIST: [fake.refusal("global/invalid-api-key", 401)]})
    )
    result, _asked = run(cloud)
    assert "global/invalid-api-key" in result["msg"] and f"billed until terminated: a ({FIRST_ID})" in result["msg"]


def test_an_instance_that_never_gets_ready_names_what_was_seen(run):
    result, _asked = run(FakeLambda(looks_until_active=999), boot_timeout_seconds=60)
    assert f"Not ready after 60 s: a ({FIRST_ID}): its status is booting." in result["msg"]
    cloud = FakeLambda([instance("a", ip=None)])
    result, _asked = run(cloud, boot_timeout_seconds=9)
    assert "it has no address" in result["msg"] and result["instances"][0]["name"] == "a"


def test_ssh_must_answer_as_ssh_unless_nobody_is_asked(run):
    cloud = FakeLambda([instance("a")])
    with fake.greeting(b"HTTP/1.1 400") as port:
        result, _asked = run(cloud, ssh_port=port, boot_timeout_seconds=9)
    assert f"what answers at port {port} of 127.0.0.1 is no SSH server" in result["msg"]
    result, _asked = run(cloud, ssh_port=port, boot_timeout_seconds=9999)
    assert f"Not ready after 300 s: a ({1:032x}): port {port} of 127.0.0.1: Connection refused" in result["msg"]
    result, _asked = run(cloud, ssh_port=0)
    assert not result["changed"]
    result, _asked = run(cloud, instances=[{"name": "a", "ssh_port": 0}], ssh_port=port)
    assert not result["changed"]


def test_absent_terminates_what_has_the_name_and_every_tag(run):
    there = [instance("a", 1), instance("a", 2, tags={"platform": "other"}), instance("b", 3)]
    cloud = FakeLambda(there)
    result, asked = run(cloud, check=True, state="absent")
    assert result["msg"] == f"would terminate a ({1:032x}) in us-east-3" and asked == ["GET /instances"]
    result, _asked = run(cloud, state="absent")
    assert result["changed"] and cloud.terminated == [f"{1:032x}"] and result["cost_cents_per_hour"] == 229
    assert "has not these tags and is not terminated" in result["notes"][0]
    result, asked = run(cloud, state="absent", ssh_key_name="")
    assert (result["changed"], result["msg"], asked) == (False, "nothing to terminate", ["GET /instances"])


def test_absent_refuses_an_instance_with_another_tag(run):
    cloud = FakeLambda([instance("a", tags={**fake.TAGS, "role": "worker"})])
    result, _asked = run(cloud, state="absent")
    assert "has not the tags role=manager of the instance to terminate, but role=worker" in result["msg"]
    assert cloud.terminated == []


@pytest.mark.parametrize(
    ("answer", "requests"),
    [
        (("after", fake.CLOSED), 1),
        (("after", fake.BAD_GATEWAY), 1),
        (("after", fake.NOT_THERE), 1),
        (fake.BAD_GATEWAY, 2),
        (fake.TOO_MANY, 2),
    ],
)
def test_a_termination_is_repeated_only_for_what_still_runs(run, answer, requests):
    cloud = FakeLambda([instance("a", 1)])
    cloud.faults[TERMINATE] = [answer]
    result, asked = run(cloud, state="absent")
    assert result["changed"] and asked.count("POST /instance-operations/terminate") == requests
    assert cloud.terminated == [f"{1:032x}"]


def test_a_termination_that_is_refused_or_never_ends_is_an_error(run):
    cloud = FakeLambda([instance("a", 1)])
    cloud.faults[TERMINATE] = [fake.refusal("global/forbidden", 403)]
    result, _asked = run(cloud, state="absent")
    assert f"did not terminate {1:032x}: global/forbidden" in result["msg"]
    cloud.on_list = lambda: [each.update(status="terminating") for each in cloud.instances if cloud.terminated]
    result, _asked = run(cloud, state="absent", terminate_timeout_seconds=30)
    assert f"Not gone after 30 s: a ({1:032x}, terminating in us-east-3)" in result["msg"]


def test_unused_distance_between_requests_can_be_switched_off(run, clock):
    run(FakeLambda(), launch_interval_seconds=0)
    assert 1.0 not in clock.slept
    run(FakeLambda())
    assert clock.slept.count(1.0) >= 3
