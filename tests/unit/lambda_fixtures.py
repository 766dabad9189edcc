"""A small Lambda Cloud for tests, written down from its contract, with faults to order; a clock that does not wait."""

import io
import json
import socketserver
import threading
from contextlib import contextmanager, redirect_stdout, suppress
from itertools import count

import fake_web
from ansible.module_utils.testing import patch_module_args

KEY = "secret_tests_0123456789abcdef0123456789abcdef.Rand0m"
JUPYTER = "jupyter-t0ken-of-an-instance"
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIExample"
TAGS = {"platform": "test"}
REGION_TEXT = "somewhere"

# Answers that are none.
HTML = fake_web.Answer(200, b"<html><body>Please log in</body></html>", "text/html")
BAD_GATEWAY = fake_web.Answer(502, b"<!doctype html><h1>Bad gateway</h1>", "text/html")
TRUNCATED = fake_web.Answer(
    raw=b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"data": [{"jupyter_token": "' + JUPYTER.encode()
)
HALF_JSON = fake_web.Answer(200, b'{"data": [{"jupyter_token": "' + JUPYTER.encode())
CLOSED = fake_web.Answer(raw=b"")
SILENT = fake_web.Answer(raw=b"", hold_seconds=0.5)
TOO_MANY = fake_web.Answer(429, b"slow down", "text/plain")


def refusal(code, status=400, message="Something is not right."):
    """An error document, which quotes the key as a careless server might."""
    return fake_web.document({"error": {"code": code, "message": f"{message} ({KEY})"}}, status)


NO_CAPACITY = refusal("instance-operations/launch/insufficient-capacity", message="Not enough capacity.")
NOT_THERE = refusal("global/object-does-not-exist", 404)


class FakeClock:
    """Sleeping moves the time, and nothing else does."""

    def __init__(self):
        self.now, self.slept = 1000.0, []

    def monotonic(self):
        return self.now

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def instance(name, number=1, **changes):
    """An instance as the API lists it; tags may be given as a mapping."""
    tags = changes.pop("tags", {**TAGS, "role": "manager"})
    raw = {
        "id": f"{number:032x}",
        "name": name,
        "ip": "127.0.0.1",
        "private_ip": f"10.0.2.{number}",
        "status": "active",
        "ssh_key_names": ["ci"],
        "file_system_names": [],
        "region": {"name": changes.pop("region", "us-east-3"), "description": REGION_TEXT},
        "instance_type": {"name": changes.pop("type", "gpu_1x_gh200"), "price_cents_per_hour": 229},
        "jupyter_token": JUPYTER,
        "jupyter_url": f"https://jupyter.example/?token={JUPYTER}",
        "actions": {},
        "tags": [{"key": key, "value": value} for key, value in tags.items()],
    }
    return {**raw, **changes}


def image(identifier, region="us-east-3", architecture="arm64", family="lambda-stack-24-04", version="24.4.5-1"):
    """An image as the API lists it."""
    return {
        "id": identifier,
        "family": family,
        "version": version,
        "architecture": architecture,
        "region": {"name": region},
    }


class FakeLambda:
    """The API. `faults` maps (method, path) to answers given first: an answer, a function, or ("after", answer)."""

    def __init__(self, instances=(), capacity=("us-east-3",), looks_until_active=1):
        self.instances, self.capacity, self.looks_until_active = list(instances), list(capacity), looks_until_active
        self.price, self.keys = 229, [{"id": "k1", "name": "ci", "public_key": f"{PUBLIC_KEY} other@comment"}]
        self.images = [image("i-arm"), image("i-arm-1", "us-east-1"), image("i-x86", architecture="x86_64")]
        self.rulesets, self.file_systems, self.faults, self.numbers = [], [], {}, count(101)
        self.launches, self.terminated, self.starting, self.on_list = [], [], {}, lambda: None
        self.global_rules = {"id": "global", "name": "Global Firewall Rules", "rules": []}

    def get(self, place, default=None):
        """Stand in for the mapping that `served` takes."""
        method, path = place[0], place[1].removeprefix("/api/v1")
        handler = getattr(self, f"{method.lower()}_{path.split('/')[1].replace('-', '_')}", None)

        def answer(request):
            if request["headers"]["Authorization"] != f"Bearer {KEY}":
                message = f"API key {request['headers']['Authorization']} was invalid, expired, or deleted."
                return fake_web.document({"error": {"code": "global/invalid-api-key", "message": message}}, 401)
            fault = self.faults.get((method, path), [None]).pop(0) if self.faults.get((method, path)) else None
            if fault is not None and not isinstance(fault, fake_web.Answer) and fault[0] == "after":
                handler(path, json.loads(request["body"] or b"null"))
                return fault[1]
            return fault or (handler(path, json.loads(request["body"] or b"null")) if handler else default)

        return answer

    def get_instances(self, _path, _body):
        self.on_list()
        for each in self.instances:
            left = self.starting.get(each["id"])
            if left == 0:
                each.update(status="active", ip="127.0.0.1", private_ip="10.0.2.9")
            if left is not None:
                self.starting[each["id"]] = left - 1
        listed = [dict(each) for each in self.instances]
        self.instances = [each for each in self.instances if each["status"] != "terminated"]
        for each in self.instances:
            if each["status"] == "terminating":
                each["status"] = "terminated"
        return fake_web.document({"data": listed})

    def get_instance_types(self, _path, _body):
        regions = [{"name": name, "description": REGION_TEXT} for name in self.capacity]
        of_type = {"name": "gpu_1x_gh200", "price_cents_per_hour": self.price}
        row = {"instance_type": of_type, "regions_with_capacity_available": regions}
        return fake_web.document({"data": {"gpu_1x_gh200": row}})

    def get_images(self, _path, _body):
        return fake_web.document({"data": self.images})

    def get_ssh_keys(self, _path, _body):
        return fake_web.document({"data": self.keys})

    def post_ssh_keys(self, _path, body):
        self.keys.append({"id": "k2", **body})
        return fake_web.document({"data": {**self.keys[-1], "private_key": JUPYTER}})

    def get_file_systems(self, _path, _body):
        return fake_web.document({"data": self.file_systems})

    def post_instance_operations(self, path, body):
        if path.endswith("terminate"):
            return self.terminate(body)
        assert len(body["ssh_key_names"]) == 1 and "quantity" not in body
        self.launches.append(body)
        number = next(self.numbers)
        tags = {tag["key"]: tag["value"] for tag in body["tags"]}
        raw = instance(body["name"], number, status="booting", ip=None, region=body["region_name"], tags=tags)
        del raw["private_ip"]  # left out while booting
        self.instances.append(raw)
        self.starting[raw["id"]] = self.looks_until_active
        return fake_web.document({"data": {"instance_ids": [raw["id"]]}})

    def terminate(self, body):
        known = {each["id"]: each for each in self.instances}
        if any(identifier not in known for identifier in body["instance_ids"]):
            return NOT_THERE
        self.terminated += body["instance_ids"]
        ended = [known[identifier] for identifier in body["instance_ids"]]
        for each in ended:
            each["status"] = "terminating"
        return fake_web.document({"data": {"terminated_instances": ended}})

    def get_firewall_rulesets(self, path, _body):
        return fake_web.document({"data": self.global_rules if path.endswith("/global") else self.rulesets})

    def post_firewall_rulesets(self, _path, body):
        self.rulesets.append({"id": "r9", **body, "region": {"name": body["region"]}, "instance_ids": []})
        return fake_web.document({"data": self.rulesets[-1]})

    def patch_firewall_rulesets(self, path, body):
        for each in [*self.rulesets, self.global_rules]:
            if each["id"] == path.split("/")[-1]:
                each.update(body)
                return fake_web.document({"data": each})
        return NOT_THERE

    def delete_firewall_rulesets(self, path, _body):
        self.rulesets = [each for each in self.rulesets if each["id"] != path.split("/")[-1]]
        return fake_web.document({"data": {}})


class Switch:
    """Whichever cloud a test puts here."""

    cloud = None

    def get(self, place, default=None):
        return self.cloud.get(place, default)


@contextmanager
def switchable():
    """One server for many tests; yields (the switch, port, requests seen)."""
    switch = Switch()
    with fake_web.served(switch) as (port, seen):
        yield switch, port, seen


def bare_environment(monkeypatch):
    """No credentials in the environment, and no certificates, as loading them takes longer than all the rest."""
    for name in ("LAMBDA_API_KEY", "LAMBDA_API_URL", "LAMBDA_CLOUD_INVENTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", "/dev/null")
    monkeypatch.setenv("SSL_CERT_DIR", "/dev/null")


class _Greeter(socketserver.BaseRequestHandler):
    def handle(self):
        with suppress(OSError):
            self.request.sendall(self.server.greeting)


@contextmanager
def greeting(text=b"SSH-2.0-Test\r\n"):
    """A TCP server that says this to everybody; yields its port."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Greeter) as server:
        server.greeting = text
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def run_module(main, arguments, check=False):
    """Run a module's main() and return (result, all that it printed)."""
    printed = io.StringIO()
    with patch_module_args({**arguments, "_ansible_check_mode": check}), redirect_stdout(printed), suppress(SystemExit):
        main()
    text = printed.getvalue()
    assert KEY not in text and JUPYTER not in text
    return json.loads(text), text
