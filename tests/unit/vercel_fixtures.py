"""A small Vercel for tests of its client: one project, its variables, domains and deployments, and faults on demand."""

from __future__ import annotations

import itertools
import json
from urllib.parse import parse_qs, urlsplit

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from fake_web import Answer, document

TOKEN = "vcpTokenOfTheTests123"  # the CLI refuses one with a hyphen
TEAM = "team_acme"


class Time(Clock):
    """A clock whose hours pass at once."""

    def __init__(self):
        self.now, self.slept = 0.0, []
        super().__init__(lambda: self.now, self._sleep)

    def _sleep(self, seconds):
        self.slept.append(seconds)
        self.now += seconds


def error(status, code, message="no", **extra):
    return document({"error": {"code": code, "message": message, **extra}}, status)


def production(number, state="READY", created=None, **meta):
    """A production deployment as the API tells it."""
    return {
        "id": f"dpl_{number}",
        "url": f"web-{number}.vercel.app",
        "readyState": state,
        "target": "production",
        "alias": ["web.vercel.app"],
        "aliasAssigned": True,
        "aliasError": None,
        "projectId": "prj_1",
        "createdAt": number if created is None else created,
        "meta": meta,
    }


class Vercel:
    """What `fake_web.served` asks for answers. faults: {(method, piece of the path): answers, used up in order}."""

    def __init__(self):
        self.project, self.variables, self.domains, self.deployments = None, [], {}, {}
        self.calls, self.faults, self.numbers = [], {}, itertools.count(1)
        self.configured, self.alias_of = set(), ""
        self.taken = set()  # domains of another project
        self.foreign = set()  # domains whose owner must be proven
        self.events = []
        self.switch_status = "succeeded"

    def get(self, key, _default=None):
        return lambda request: self.answer(*key, request)

    def with_project(self, **fields):
        self.project = {"id": "prj_1", "name": "web", "accountId": TEAM, "framework": None, "targets": {}, **fields}
        return self

    def serving(self, deployment):
        self.deployments[deployment["id"]] = deployment
        target = {"id": deployment["id"], "readyState": deployment["readyState"], "alias": deployment["alias"]}
        self.project["targets"] = {"production": target}
        return self

    def id_of(self, key):
        return next(one["id"] for one in self.variables if one["key"] == key)

    def writes(self):
        return [call for call in self.calls if not call.startswith("GET")]

    def answer(self, method, target, request):
        place = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(place.query).items()}
        self.calls.append(f"{method} {place.path}")
        for (verb, piece), answers in self.faults.items():
            if verb == method and piece in place.path and answers:
                answer = answers.pop(0)
                if callable(answer):
                    answer = answer(lambda: self.normal(method, place.path, query, request))
                if answer is not None:
                    return answer
        return self.normal(method, place.path, query, request)

    def normal(self, method, path, query, request):
        if request["headers"].get("Authorization") != f"Bearer {TOKEN}":
            return error(403, "forbidden", "Not authorized", invalidToken=True)
        if query.get("teamId") != TEAM:
            return error(404, "not_found", "Not Found")
        body = json.loads(request["body"]) if request["body"] else None
        parts = path.strip("/").split("/")
        if parts[1] == "projects":
            return self.projects(method, parts[2:], body)
        if parts[1] == "domains":
            return document(self.configuration(parts[2]))
        if parts[1] == "aliases":
            return document({"alias": parts[2], "deploymentId": self.alias_of})
        return self.deployment(parts)

    def projects(self, method, parts, body):
        if not parts:
            self.with_project(**body)
            return document(self.project)
        if self.project is None or parts[0] not in ("web", "prj_1"):
            return error(404, "not_found", "Project not found")
        if len(parts) == 1:
            if method == "DELETE":
                self.project = None
                return Answer(204)
            self.project.update(body or {})
            return document(self.project)
        if parts[1] == "env":
            return self.env(method, parts[2:], body)
        if parts[1] == "domains":
            return self.domain(method, parts[2:], body)
        kind = parts[1]
        request = {"type": kind, "toDeploymentId": parts[2], "requestedAt": next(self.numbers)}
        before = (self.project["targets"].get("production") or {}).get("id")
        self.project["lastAliasRequest"] = {**request, "fromDeploymentId": before, "jobStatus": self.switch_status}
        if self.switch_status == "succeeded":
            self.deployments[parts[2]]["aliasAssigned"] = 12345
            self.serving(self.deployments[parts[2]])
        return Answer(201)

    def env(self, method, parts, body):
        if method == "GET":
            return document({"envs": [{**one, "value": "ciphertext"} for one in self.variables]})
        if method == "POST":
            created = [{"id": f"env_{next(self.numbers)}", "updatedAt": next(self.numbers), **one} for one in body]
            self.variables += created
            return document({"created": created, "failed": []}, 201)
        found = [one for one in self.variables if one["id"] == parts[0]]
        if method == "DELETE":
            self.variables = [one for one in self.variables if one["id"] != parts[0]]
            return document({})
        found[0].update(body, updatedAt=next(self.numbers))
        return document(found[0])

    def domain(self, method, parts, body):
        if not parts and method == "GET":
            return document({"domains": list(self.domains.values()), "pagination": {"next": None}})
        name = parts[0] if parts else body["name"]
        if parts and name not in self.domains:
            return error(404, "not_found", "Domain not found")
        if parts[1:] == ["verify"]:
            if name in self.foreign:
                return error(400, "missing_txt_record", "Domain _vercel is missing required TXT Record")
            self.domains[name]["verified"] = True
            return document(self.domains[name])
        if method == "POST":
            if name in self.domains or name in self.taken:
                return error(409, "domain_already_in_use", f"Cannot add {name}", projectId="prj_other")
            self.domains[name] = self.domain_entry(**body)
        elif method == "PATCH":
            self.domains[name].update(body)
        elif method == "DELETE":
            return document([self.domains.pop(name), {}][1])
        return document(self.domains[name])

    def domain_entry(self, name, redirect=None, redirectStatusCode=None):  # noqa: N803
        apex = ".".join(name.split(".")[-2:])
        proof = {"type": "TXT", "domain": f"_vercel.{apex}", "value": f"vc-domain-verify={name},abc"}
        entry = {"name": name, "apexName": apex, "redirect": redirect, "redirectStatusCode": redirectStatusCode}
        foreign = name in self.foreign
        return {**entry, "verified": not foreign, **({"verification": [proof]} if foreign else {})}

    def configuration(self, name):
        return {
            "configuredBy": None,
            "misconfigured": name not in self.configured,
            "recommendedIPv4": [{"rank": 2, "value": ["76.76.21.21"]}, {"rank": 1, "value": ["216.198.79.1"]}],
            "recommendedCNAME": [{"rank": 1, "value": "d1d4.vercel-dns-017.com."}, {"rank": 2, "value": "c.example."}],
        }

    def deployment(self, parts):
        if len(parts) == 2:
            return document({"deployments": [{**one, "uid": one["id"]} for one in self.deployments.values()]})
        if parts[-1] == "events":
            return document(self.events)
        found = [one for one in self.deployments.values() if parts[2] in (one["id"], one["url"])]
        return document(found[0]) if found else error(404, "deployment_not_found", "not found")
