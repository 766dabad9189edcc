"""An account at the simulated Lambda Cloud, as its tests use it."""

from simulator_client import ask

KEY = "secret_lab_0123456789abcdef0123456789abcdef.aBcD"
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGV4YW1wbGVleGFtcGxlZXhhbXBsZWV4YW1wbGVl lab"
LAUNCH = {"region_name": "us-east-3", "instance_type_name": "gpu_1x_gh200", "ssh_key_names": ["ci"]}
WITHOUT = object()
INVALID, MISSING = (400, "global/invalid-parameters"), (400, "global/object-does-not-exist")


class Lambda:
    """An account with the key ci, no limiter, and instances that boot for 30 s."""

    def __init__(self, cloud):
        self.cloud = cloud
        cloud.control("lambda/api_key", {"key": KEY})
        cloud.control("lambda/limits", {"enabled": False})
        cloud.control("lambda/ssh_keys", {"name": "ci", "public_key": PUBLIC_KEY})

    def ask(self, method, path, given=None, **headers):
        headers = headers or {"Authorization": f"Bearer {KEY}"}
        return ask(method, self.cloud.urls["lambda"] + path, given, headers)

    def data(self, method, path, given=None):
        answer = self.ask(method, path, given)
        assert answer.status == 200, answer.body
        assert list(answer.json) == ["data"]
        return answer.json["data"]

    def refused(self, method, path, given=None):
        answer = self.ask(method, path, given)
        assert set(answer.json["error"]) <= {"code", "message", "suggestion"}
        assert answer.json["error"]["message"]
        return answer.status, answer.json["error"]["code"]

    def launch(self, **given):
        wanted = {name: value for name, value in {**LAUNCH, **given}.items() if value is not WITHOUT}
        return self.data("POST", "/instance-operations/launch", wanted)["instance_ids"][0]

    def not_launched(self, **given):
        wanted = {name: value for name, value in {**LAUNCH, **given}.items() if value is not WITHOUT}
        return self.refused("POST", "/instance-operations/launch", wanted)

    def instance(self, instance_id):
        return self.data("GET", f"/instances/{instance_id}")
