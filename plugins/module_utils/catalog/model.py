# SPDX-License-Identifier: GPL-3.0-or-later
"""The catalog as the other modules see it: filled entries, the platform's settings, and what both imply."""

from __future__ import annotations

from dataclasses import dataclass, field

from ansible_collections.sophia.platform.plugins.module_utils.catalog import merge, spec
from ansible_collections.sophia.platform.plugins.module_utils.catalog.errors import CatalogError
from ansible_collections.sophia.platform.plugins.module_utils.catalog.order import in_order
from ansible_collections.sophia.platform.plugins.module_utils.catalog.origin import PLATFORM_PATH, plain, where

KEY_SECRET = "platform_key"  # noqa: S105 a name: the HMAC key that names of secrets are made with
OPERATOR = {"username": "operator", "secret": "operators_password"}
OPERATORS_FILE = "/run/secrets/operators_htpasswd"
CERTIFICATE, CERTIFICATE_KEY = "edge_certificate", "edge_certificate_key"
MADE = (CERTIFICATE, CERTIFICATE_KEY)  # secrets that the role certificates makes; the store has none of them
HTTP_PORT, HTTPS_PORT = 80, 443


class Service(dict):
    """An entry with all its defaults. `at(option)` is where the option, or else the entry, was written."""

    def __init__(self, values: dict, origins: dict[str, str], origin: str) -> None:
        super().__init__(values)
        self.origins, self.origin = origins, origin

    def at(self, option: str) -> str:
        return self.origins.get(option, self.origin)

    def problem(self, option: str, text: str) -> str:
        """A message about an option of this entry."""
        return f"{self.at(option)}: service {self.name}: {text}"

    @property
    def name(self) -> str:
        return self["name"]

    @property
    def swarm_name(self) -> str:
        """The name of the Swarm service."""
        return f"{self['stack']}_{self['name']}"

    @property
    def networks(self) -> list[str]:
        """The entry's networks and those that its route and its metrics imply."""
        implied = [name for name, wanted in (("edge", self["route"]), ("monitoring", self["metrics"])) if wanted]
        return list(dict.fromkeys([*self["networks"], *implied]))

    @property
    def live_path(self) -> str | None:
        """The HTTP path that says whether one task works."""
        health = self["health"] or {}
        return health.get("live_path") or health.get("path")

    @property
    def pinned(self) -> bool:
        """Whether two tasks cannot run side by side on a node."""
        return bool(self["publish"] or self["volumes"] or self["gpu"] or self["global"])

    @property
    def metrics_port(self) -> int | None:
        return (self["metrics"] or {}).get("port") or self["port"]

    @property
    def replicas(self) -> int | None:
        """The number of tasks; None when the number of nodes or the autoscaler decides."""
        return None if self["global"] or self["autoscale"] else self["replicas"]

    @property
    def replicas_min(self) -> int:
        """The number of tasks that must run at least."""
        return 1 if self["global"] else (self["autoscale"] or {}).get("min") or self["replicas"]


@dataclass
class Catalog:
    """The platform's settings under their own names, and `entries`, its services in the catalog's order."""

    services: list
    kinds: dict
    overrides: dict
    environment: str
    domain: str
    edge_http_port: int
    edge_https_port: int
    edge_addresses: list[str]
    record_ttl_seconds: int
    certificate_authorities: list[str]
    certificate_wildcard: bool
    registry_mirror: str
    registry_credentials: dict
    route_limits: dict
    oidc: dict | None
    networks: dict
    endpoint_mode: str
    replicas_max_per_node: int
    dns: list[dict]
    zone: str
    clouds: dict[str, list[str]]
    api_keys: list[dict]
    entries: list[Service] = field(default_factory=list)

    def stacks(self) -> dict[str, list[Service]]:
        """The services by stack, the stacks in deploy order. Raises CatalogError when there is none."""
        members: dict[str, list[Service]] = {}
        for entry in self.entries:
            members.setdefault(entry["stack"], []).append(entry)
        order, cycle = in_order(list(members), stack_needs(self.entries))
        if cycle:
            raise CatalogError([f"stacks need each other: {' -> '.join(cycle)}"])
        return {stack: members[stack] for stack in order}

    def url(self, service: Service, path: str = "") -> str:
        """The address of a routed service as a client outside sees it."""
        return f"{self.origin(service['route']['host'])}{service['route']['path'] or ''}{path}"

    @property
    def login(self) -> dict:
        """The settings of `login.py`."""
        return {**(self.oidc or {}), "domain": self.domain, "https_port": self.edge_https_port}

    @property
    def login_status(self) -> int:
        """The HTTP status by which the edge asks who somebody is: a password, or a way to the provider."""
        return 302 if self.oidc else 401

    @property
    def takes_password(self) -> bool:
        """Whether a program can use guarded services with the operators' password."""
        return not self.oidc or bool(self.oidc["password_sources"])

    def origin(self, host: str) -> str:
        """What the addresses of a routed host name begin with."""
        port = "" if self.edge_https_port == HTTPS_PORT else f":{self.edge_https_port}"
        return f"https://{self.full_name(host)}{port}"

    def full_name(self, name: str) -> str:
        """A name within the platform's domain as the world knows it; `@` is the domain itself."""
        return self.domain if name == "@" else f"{name}.{self.domain}"

    def secret_names(self) -> list[str]:
        """Every secret that the store must have."""
        names = [KEY_SECRET, *(name for entry in self.entries for name in entry["secrets"])]
        names += [entry["mcp"]["token"] for entry in self.entries if entry["mcp"]]
        names += [OPERATOR["secret"] for entry in self.entries if is_guarded(entry)]
        names += [str(login["secret"]) for login in self.registry_credentials.values() if login.get("secret")]
        names += [name for needed in self.clouds.values() for name in needed]
        names += [key["secret"] for key in self.api_keys]
        return sorted(set(names) - set(MADE))


def is_guarded(service: Service) -> bool:
    """Whether the edge asks who wants to use the service."""
    return bool(service["route"]) and service["route"]["access"] != "public"


def _is_wanted(entry: dict, settings: dict) -> bool:
    """Whether the setting that an entry exists for is there."""
    return not isinstance(entry.get("only_with"), str) or bool(settings.get(plain(entry["only_with"])))


def stack_needs(entries: list[Service]) -> dict[str, list[str]]:
    """The other stacks that each stack needs."""
    stack_of = {entry["name"]: entry["stack"] for entry in entries}
    needs: dict[str, list[str]] = {}
    for entry in entries:
        wanted = [stack_of[name] for name in entry["needs"] if name in stack_of]
        needs.setdefault(entry["stack"], []).extend(stack for stack in wanted if stack != entry["stack"])
    return needs


def load(platform: object) -> tuple[Catalog, list[str]]:
    """The catalog of a platform and the problems of shape. Entries that cannot be computed with are left out."""
    if not isinstance(platform, dict):
        raise CatalogError(["platform must be a mapping, see the role catalog"])
    settings, found, usable = spec.validate("platform", platform, where(platform, otherwise=PLATFORM_PATH))
    problems = [f"{place}: platform: {text}" for place, text in found]
    if not usable:
        raise CatalogError(problems)
    settings["oidc"] = settings["oidc"] if platform.get("oidc") else None  # an empty mapping got defaults by now
    catalog = Catalog(**{name: settings[name] for name in spec.options_of("platform")})
    kinds, overrides = platform.get("kinds") or {}, platform.get("overrides") or {}
    for written in platform["services"]:
        entry = merge.merge_service(written, kinds, overrides) if isinstance(written, dict) else {"enabled": False}
        if not merge.is_enabled(entry) or not _is_wanted(entry, settings):
            continue
        name, place = entry.get("name"), where(written.get("name"), *written)
        filled, found, usable = spec.validate("entry", entry, place)
        problems += [f"{origin}: service {plain(name)}: {text}" for origin, text in found]
        if usable:
            own = merge.written_options(written, overrides)
            origins = {plain(key): where(value, key, otherwise=place) for key, value in entry.items() if key in own}
            catalog.entries.append(Service(filled, origins, place))
    return catalog, problems


def read(platform: object) -> Catalog:
    """The catalog of a platform. Raises CatalogError with all problems of shape."""
    catalog, problems = load(platform)
    if problems:
        raise CatalogError(problems)
    return catalog
