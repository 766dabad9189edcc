# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge: which router, middlewares and limits each route has, and Traefik's two configuration files.

What all routes share stands in the dynamic file (`NAME@file`); only what an entry has of its own becomes a label. The
file has every route as well, without the tasks' addresses, for the moment before Traefik has asked the engine.
"""

from __future__ import annotations

from ansible_collections.sophia.platform.plugins.module_utils.catalog import login
from ansible_collections.sophia.platform.plugins.module_utils.catalog.model import (
    CERTIFICATE,
    CERTIFICATE_KEY,
    HTTP_PORT,
    HTTPS_PORT,
    OPERATORS_FILE,
    Catalog,
    Service,
    is_guarded,
)
from ansible_collections.sophia.platform.plugins.module_utils.catalog.text import yaml_text

NETWORK = "edge"
ENTRY_POINT = "websecure"
SOCKET_PROXY = "docker-socket-proxy"
METRICS_PORT = 8082
DYNAMIC_FILE = "/etc/traefik/dynamic.yml"

RETRY_ATTEMPTS = 3
POLL_SECONDS = 2
ACCEPT_ON_STOP_SECONDS, FINISH_ON_STOP_SECONDS = 5, 20
LOG_LINES = 1000  # that wait to be written, so that requests do not
# What a line of the access log tells, of Traefik's 33 fields: each costs time and disk. Never a header or the query,
# which may hold tokens.
LOG_FIELDS = """
StartUTC ClientHost ClientUsername RequestMethod RequestHost RequestPath RequestProtocol RequestContentSize
DownstreamStatus DownstreamContentSize Duration OriginStatus OriginDuration RetryAttempts RouterName ServiceURL
""".split()  # noqa: SIM905 - as a list it would be sixteen lines
IDLE_CONNECTIONS = 200  # kept to each task; a transport of its own would keep two
REQUEST_READ_SECONDS, IDLE_SECONDS, DIAL_SECONDS = 60, 180, 3
HEADER_MAX_BYTES = 64 * 1024
# After retries: a service that hardly ever answers is left alone for a moment, so that it can recover. The ratio knows
# no least number of requests, so one failure of a quiet service is enough: the moment is short.
BREAKER = {"expression": "NetworkErrorRatio() > 0.90", "fallbackDuration": "3s", "recoveryDuration": "3s"}
HSTS_SECONDS = 63072000
# Mozilla's profile "intermediate"; TLS 1.3 has its own suites, all of them good.
CIPHER_SUITES = [
    f"TLS_ECDHE_{signed}_WITH_{cipher}"
    for cipher in ("AES_128_GCM_SHA256", "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256")
    for signed in ("ECDSA", "RSA")
]
CURVES = ["X25519MLKEM768", "X25519", "CurveP256", "CurveP384"]
PASSWORD_CHAIN = "password@file"  # noqa: S105 a name
YIELDING = 100_000  # routers of the file have negative priorities, those of labels have the length of their rule
WITH_BODY = "(Method(`POST`) || Method(`PUT`) || Method(`PATCH`))"


def limits(catalog: Catalog, service: Service) -> dict[str, int]:
    """A route's limits: its own, else the platform's."""
    own = {name: value for name, value in service["route"]["limits"].items() if value is not None}
    return {**catalog.route_limits, **own}


def routers(catalog: Catalog, service: Service) -> dict[str, dict]:
    """The routers of a route. Requests with a large body, or one of unknown length, have one of their own."""
    own = own_middlewares(catalog, service)
    rule, chain = _rule(catalog, service), _chain(service, own)
    internal = service["route"]["internal"]
    common = {"entrypoints": [ENTRY_POINT], "service": internal or service.name}
    found = {service.name: {"rule": rule, **common, "middlewares": chain}}
    if is_guarded(service) and catalog.oidc and catalog.takes_password:
        with_password = [PASSWORD_CHAIN if name == guard(service) else name for name in chain]
        sent = f"{rule} && HeaderRegexp(`Authorization`, `^Basic `)"
        found[f"{service.name}-password"] = {"rule": sent, **common, "middlewares": with_password}
    if internal:
        return found
    digits = len(str(limits(catalog, service)["request_max_bytes"])) - 1
    small = f" && !HeaderRegexp(`Content-Length`, `^[0-9]{{1,{digits}}}$`)" if digits else ""
    large = f"{rule} && {WITH_BODY}{small}"
    # Reading a body first holds the answer back as well, which would break streams; so not for all requests.
    chain = [*chain, _reference(service, own, "size")]
    return {**found, f"{service.name}-large": {"rule": large, **common, "middlewares": chain}}


def own_middlewares(catalog: Catalog, service: Service) -> dict[str, dict]:
    """The middlewares that only this route has, by name."""
    route, shared = service["route"], _limit_middlewares(catalog.route_limits)
    found = {}
    if route["allow"]:
        found[f"{service.name}-allow"] = {"ipallowlist": {"sourcerange": list(route["allow"])}}
    if route["path"]:
        found[f"{service.name}-strip"] = {"stripprefix": {"prefixes": [route["path"]]}}
    for kind, middleware in _limit_middlewares(limits(catalog, service)).items():
        if middleware != shared[kind]:
            found[f"{service.name}-{kind}"] = middleware
    return found


def _limit_middlewares(wanted: dict[str, int]) -> dict[str, dict]:
    return {
        "rate": {"ratelimit": {"average": wanted["requests_per_second"], "burst": wanted["burst"]}},
        "in-flight": {"inflightreq": {"amount": wanted["in_flight"]}},
        "size": {"buffering": {"maxrequestbodybytes": wanted["request_max_bytes"]}},
    }


def _chain(service: Service, own: dict[str, dict]) -> list[str]:
    """A route's middlewares, outermost first."""
    route = service["route"]
    names = [f"{service.name}-allow"] if route["allow"] else []
    names += [_reference(service, own, "rate"), _reference(service, own, "in-flight")]
    names += [guard(service)] if is_guarded(service) else []
    names += [f"{service.name}-strip"] if route["path"] else []
    # A task that has just gone refuses the connection, and Traefik learns of it a moment later: ask another one.
    return [*names, "breaker@file", "retry@file"]


def guard(service: Service) -> str:
    """The middleware that asks people for a role."""
    return f"{service['route']['access']}@file"


def _reference(service: Service, own: dict[str, dict], kind: str) -> str:
    name = f"{service.name}-{kind}"
    return name if name in own else f"{kind}@file"


def _rule(catalog: Catalog, service: Service) -> str:
    host, path = f"Host(`{catalog.full_name(service['route']['host'])}`)", service["route"]["path"]
    # A bare PathPrefix(`/git`) would match /github too.
    rule = f"{host} && (Path(`{path}`) || PathPrefix(`{path}/`))" if path else host
    # Metrics are for Prometheus, which asks the tasks themselves; the public does not see them.
    hidden = service["metrics"] and service.metrics_port == service["port"] and not is_guarded(service)
    return f"{rule} && !Path(`{path or ''}{service['metrics']['path']}`)" if hidden else rule


def transport_name(timeout_seconds: int) -> str:
    """The name of the transport whose services have so long to begin their answer."""
    return f"within-{timeout_seconds}s"


def _guards(catalog: Catalog) -> dict[str, dict]:
    """What asks people for a role, by password or at the provider; without one, the password is for every role."""
    password = login.basic_middlewares(OPERATORS_FILE)
    if not catalog.oidc:
        return {**password, **{role: _chained("operators-basic") for role in login.ROLES}}
    asked = login.oidc_middlewares(catalog.login)
    roles = {name.removesuffix("-oidc"): _chained(name) for name in asked}
    found = {**asked, login.VIEWERS: roles[login.OPERATORS], **roles}
    if catalog.takes_password:
        sources = {"password-sources": {"ipAllowList": {"sourceRange": list(catalog.oidc["password_sources"])}}}
        found |= {**password, **sources, "password": _chained("password-sources", "operators-basic")}
    return found


def _chained(*names: str) -> dict:
    return {"chain": {"middlewares": list(names)}}


def static(catalog: Catalog) -> str:
    """Traefik's static configuration: entry points, providers, logs, metrics."""
    life = {
        "requestAcceptGraceTimeout": f"{ACCEPT_ON_STOP_SECONDS}s",
        "graceTimeOut": f"{FINISH_ON_STOP_SECONDS}s",
    }
    responding = {"readTimeout": f"{REQUEST_READ_SECONDS}s", "idleTimeout": f"{IDLE_SECONDS}s"}
    transport = {"lifeCycle": life, "respondingTimeouts": responding}
    # X_Auth_User would reach a service beside, or as, the X-Auth-User that only the edge may set.
    headers = {"maxHeaderBytes": HEADER_MAX_BYTES, "aliasHeadersStrategy": "delete"}
    redirect = {"to": f":{catalog.edge_https_port}", "scheme": "https", "permanent": True}
    document = {
        "global": {"checkNewVersion": False, "sendAnonymousUsage": False},
        "entryPoints": {
            "web": {
                "address": f":{HTTP_PORT}",
                "transport": transport,
                "http": {**headers, "redirections": {"entryPoint": redirect}},
            },
            ENTRY_POINT: {
                "address": f":{HTTPS_PORT}",
                "asDefault": True,
                "transport": transport,
                "http": {**headers, "middlewares": ["security@file"], "tls": {}},
            },
            "metrics": {"address": f":{METRICS_PORT}"},
        },
        "providers": {
            "swarm": {
                "endpoint": f"tcp://{SOCKET_PROXY}:{_socket_port(catalog)}",
                "exposedByDefault": False,
                "network": NETWORK,
                "refreshSeconds": POLL_SECONDS,
            },
            "file": {"filename": DYNAMIC_FILE},
        },
        "api": {"dashboard": True},
        "ping": {"entryPoint": "metrics"},
        "metrics": {"prometheus": {"entryPoint": "metrics"}},
        "log": {"format": "json", "level": "WARN"},
        "accessLog": {
            "format": "json",
            "bufferingSize": LOG_LINES,
            "fields": {
                "defaultMode": "drop",
                "names": dict.fromkeys(LOG_FIELDS, "keep"),
                "headers": {"defaultMode": "drop"},
                "queryParameters": {"defaultMode": "drop"},
            },
        },
    }
    return yaml_text(document)


def _socket_port(catalog: Catalog) -> int:
    return next((service["port"] for service in catalog.entries if service.name == SOCKET_PROXY), 2375)


def dynamic(catalog: Catalog) -> str:
    """Traefik's dynamic configuration: TLS, and what the routes share."""
    pair = {"certFile": f"/run/secrets/{CERTIFICATE}", "keyFile": f"/run/secrets/{CERTIFICATE_KEY}"}
    options = {
        "minVersion": "VersionTLS12",
        "cipherSuites": CIPHER_SUITES,
        "curvePreferences": CURVES,
        "sniStrict": True,
    }
    routed = [service for service in catalog.entries if service["route"]]
    seconds = sorted({limits(catalog, service)["timeout_seconds"] for service in routed})
    http: dict = {
        "routers": {name: router for one in routed for name, router in _standing_routers(catalog, one).items()},
        "middlewares": {
            **_shared_middlewares(catalog),
            **{name: own for one in routed for name, own in own_middlewares(catalog, one).items()},
        },
        "services": {one.name: _by_name(catalog, one) for one in routed if not one["route"]["internal"]},
        "serversTransports": {
            transport_name(one): {
                "maxIdleConnsPerHost": IDLE_CONNECTIONS,
                "forwardingTimeouts": {"dialTimeout": f"{DIAL_SECONDS}s", "responseHeaderTimeout": f"{one}s"},
            }
            for one in seconds
        },
    }
    tls = {"certificates": [pair], "options": {"default": options}}
    return yaml_text({"tls": tls, "http": {key: value for key, value in http.items() if value}})


def _standing_routers(catalog: Catalog, service: Service) -> dict[str, dict]:
    """The routers of a route as Traefik's file has them: they hold until Traefik has asked the engine, and yield then.

    A Traefik that has just started would answer 404 otherwise, and one that cannot ask would go on with that.
    """
    found = routers(catalog, service)
    if service["route"]["internal"]:
        return found
    return {name: {**router, "priority": len(router["rule"]) - YIELDING} for name, router in found.items()}


def _by_name(catalog: Catalog, service: Service) -> dict:
    """A service of Traefik's that finds the tasks by the name which the engine's DNS has for them."""
    transport = transport_name(limits(catalog, service)["timeout_seconds"])
    servers = [{"url": f"http://{service.name}:{service['port']}"}]
    return {"loadBalancer": {"servers": servers, "serversTransport": transport}}


def _shared_middlewares(catalog: Catalog) -> dict[str, dict]:
    return {
        "security": {
            "headers": {
                "stsSeconds": HSTS_SECONDS,
                "stsIncludeSubdomains": True,
                "contentTypeNosniff": True,
                "frameDeny": True,
                "referrerPolicy": "strict-origin-when-cross-origin",
                "permissionsPolicy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
                "customResponseHeaders": {"Server": "", "X-Powered-By": ""},
            }
        },
        **_limit_middlewares(catalog.route_limits),
        **_guards(catalog),
        "breaker": {"circuitBreaker": BREAKER},
        "retry": {"retry": {"attempts": RETRY_ATTEMPTS, "initialInterval": "100ms"}},
    }
