# SPDX-License-Identifier: GPL-3.0-or-later
"""The service: which function answers which path."""

from __future__ import annotations

import re
from collections.abc import Callable

from lab.cloud.lambda_cloud import (
    access,
    catalogue,
    controls,
    file_systems,
    firewall,
    instances,
    launch,
    ssh_keys,
    state,
)
from lab.cloud.lambda_cloud.account import Account
from lab.cloud.lambda_cloud.errors import ApiError
from lab.cloud.lambda_cloud.machines import Machines, MemoryMachines
from lab.cloud.wire import Clock, Request, Response, document

PREFIX = "/api/v1"
_ROUTES = {
    "GET /instance-types": instances.types,
    f"POST {access.LAUNCH_PATH}": launch.launch,
    "POST /instance-operations/restart": instances.restart,
    "POST /instance-operations/terminate": instances.terminate,
    "GET /instances": instances.listed,
    "GET /instances/([^/]+)": instances.get,
    "POST /instances/([^/]+)": instances.rename,
    "GET /ssh-keys": ssh_keys.listed,
    "POST /ssh-keys": ssh_keys.add,
    "DELETE /ssh-keys/([^/]+)": ssh_keys.delete,
    "GET /file-systems": file_systems.listed,
    "POST /filesystems": file_systems.add,
    "DELETE /filesystems/([^/]+)": file_systems.delete,
    "GET /images": lambda account, _request: catalogue.images(account.state.hidden_images),
    "GET /regions": lambda _account, _request: [catalogue.region(name) for name in catalogue.REGIONS],
    "GET /firewall-rules": firewall.rules,
    "PUT /firewall-rules": firewall.replace_rules,
    "GET /firewall-rulesets/global": firewall.global_ruleset,
    "PATCH /firewall-rulesets/global": firewall.change_global,
    "DELETE /firewall-rulesets/global": firewall.keep_global,
    "GET /firewall-rulesets": firewall.listed,
    "POST /firewall-rulesets": firewall.add,
    "GET /firewall-rulesets/([^/]+)": firewall.get,
    "PATCH /firewall-rulesets/([^/]+)": firewall.change,
    "DELETE /firewall-rulesets/([^/]+)": firewall.delete,
}


class LambdaCloud:
    """Lambda Cloud. machines: the backend of its instances, None for instances in memory only."""

    name = "lambda"
    actions = controls.ACTIONS

    def __init__(self, clock: Clock, machines: Machines | None = None) -> None:
        self.account = Account(clock, machines or MemoryMachines(clock))
        self.limiter = access.Limiter(clock)

    @property
    def on_change(self) -> Callable[[], None]:
        """Called when something changed without a request."""
        return self.account.on_change

    @on_change.setter
    def on_change(self, call: Callable[[], None]) -> None:
        self.account.on_change = call

    def handles(self, request: Request) -> bool:
        return request.path == PREFIX or request.path.startswith(f"{PREFIX}/")

    def handle(self, request: Request) -> Response:
        path = request.path.removeprefix(PREFIX)
        try:
            access.require(self.account.state, request)
            refusal = self.limiter.refusal(self.account.state.limits, path, request.method)
            return refusal or document({"data": self._answer(f"{request.method} {path}", request)})
        except ApiError as error:
            return error.response()

    def control(self, action: str, given: dict) -> object:
        return controls.control(self.account, action, given)

    def dump(self) -> dict:
        return self.account.state.dump()

    def load(self, dumped: dict) -> None:
        self.account.state = state.load(dumped)
        self.account.resume()

    def give_back(self) -> None:
        """Stop all machines; the service is thrown away after this."""
        for instance in self.account.live():
            if instance.terminated_at is None:
                instance.terminated_at = self.account.clock.now()
                self.account.stop(instance)

    def _answer(self, asked: str, request: Request) -> object:
        for route, answer in _ROUTES.items():
            match = re.fullmatch(route, asked)
            if match:
                return answer(self.account, request, *match.groups())
        raise ApiError(404, "global/not-found", "The requested resource was not found.")
