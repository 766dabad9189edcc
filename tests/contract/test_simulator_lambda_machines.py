"""The simulated Lambda Cloud with machines behind it."""

import json
import threading

from simulator_lambda import KEY, LAUNCH, PUBLIC_KEY

from lab.cloud.lambda_cloud import LambdaCloud
from lab.cloud.wire import Clock, Request


class FakeMachines:
    """A backend whose machines start when the test says so."""

    def __init__(self):
        self.may_start, self.done, self.seen, self.fails = threading.Event(), threading.Event(), [], False

    def problem(self, request):
        return None if request.get("name") == "lab-1" else "The lab has no such machine."

    def start(self, instance):
        self.seen.append(("start", instance["name"]))
        self.may_start.wait(10)
        if self.fails:
            raise RuntimeError("no engine")

    def addresses(self, _instance):
        return "127.0.0.1", "10.1.1.1"

    def stop(self, instance):
        self.seen.append(("stop", instance["name"]))


class OnMachines:
    """LambdaCloud with a backend, without a server."""

    def __init__(self, machines, state=None):
        self.clock, self.machines = Clock(), machines
        self.service = LambdaCloud(self.clock, machines)
        self.changed = threading.Semaphore(0)
        self.service.on_change = self.changed.release
        if state:
            self.service.load(state)
        else:
            self.service.control("api_key", {"key": KEY})
            self.service.control("limits", {"enabled": False})
            self.service.control("ssh_keys", {"name": "ci", "public_key": PUBLIC_KEY})

    def ask(self, method, path, given=None):
        body = b"" if given is None else json.dumps(given).encode()
        headers = {"authorization": f"Bearer {KEY}"}
        answer = self.service.handle(Request(method, f"/api/v1{path}", {}, headers, body, f"/api/v1{path}"))
        return json.loads(answer.body)

    def launch(self, name="lab-1"):
        return self.ask("POST", "/instance-operations/launch", {**LAUNCH, "name": name})

    def status(self):
        return [one["status"] for one in self.ask("GET", "/instances")["data"]]

    def wait(self):
        assert self.changed.acquire(timeout=10)


def test_an_instance_on_a_machine_is_active_once_the_machine_has_started():
    cloud = OnMachines(FakeMachines())
    assert cloud.launch("other")["error"]["message"] == "The lab has no such machine."
    instance_id = cloud.launch()["data"]["instance_ids"][0]
    cloud.clock.advance(1000)
    assert cloud.status() == ["booting"]
    cloud.ask("POST", f"/instances/{instance_id}", {"name": "renamed"})
    cloud.machines.may_start.set()
    cloud.wait()
    assert cloud.status() == ["active"]
    cloud.ask("POST", "/instance-operations/terminate", {"instance_ids": [instance_id]})
    cloud.wait()
    assert cloud.machines.seen == [("start", "lab-1"), ("stop", "lab-1")]  # a rename makes no other machine of it
    cloud.clock.advance(11)
    assert cloud.status() == ["terminated"]


def test_a_machine_that_does_not_start_makes_the_instance_unhealthy(capfd):
    cloud = OnMachines(FakeMachines())
    cloud.machines.fails = True
    cloud.machines.may_start.set()
    cloud.launch()
    cloud.wait()
    assert cloud.status() == ["unhealthy"]
    assert "lab-1 did not start: no engine" in capfd.readouterr().err


def test_a_restarted_simulator_goes_on_with_the_start():
    first = OnMachines(FakeMachines())
    first.launch()
    second = OnMachines(FakeMachines(), first.service.dump())
    second.machines.may_start.set()
    second.wait()
    assert second.status() == ["active"]
    first.machines.may_start.set()


def test_a_termination_during_the_start_stops_the_machine_after_it():
    cloud = OnMachines(FakeMachines())
    instance_id = cloud.launch()["data"]["instance_ids"][0]
    while not cloud.machines.seen:
        threading.Event().wait(0.005)
    cloud.ask("POST", "/instance-operations/terminate", {"instance_ids": [instance_id]})
    cloud.clock.advance(11)
    assert cloud.status() == ["terminating"]
    cloud.machines.may_start.set()
    cloud.wait()
    cloud.wait()
    assert cloud.machines.seen == [("start", "lab-1"), ("stop", "lab-1")]
    assert cloud.status() == ["terminated"]


def test_a_dump_holds_no_key_and_no_user_data():
    cloud = OnMachines(FakeMachines())
    cloud.machines.may_start.set()
    cloud.ask("POST", "/instance-operations/launch", {**LAUNCH, "name": "lab-1", "user_data": "password: s3cret"})
    dumped = json.dumps(cloud.service.dump())
    assert KEY not in dumped
    assert "s3cret" not in dumped
