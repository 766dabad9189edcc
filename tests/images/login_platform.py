"""What the tests of the login run: the lab's provider, oauth2-proxy, Traefik, and a service that tells what it got."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import bcrypt
from ansible_collections.sophia.platform.plugins.module_utils.catalog import login
from services import new_network

from lab import docker
from tests.browser import Browser

DOMAIN, ISSUER, CLIENT = "login.test", "http://identity:9400", "platform"
SETTINGS = {
    "issuer": ISSUER,
    "client_id": CLIENT,
    "domain": DOMAIN,
    "https_port": 8443,
    "groups": {"operators": ["platform/ops", "on call"], "viewers": ["staff"]},
    "groups_claim": "groups",
    "scopes": ["openid", "email", "profile", "groups"],
}
USERS = {
    "olga": {"password": "olga's password", "email": "olga@example.org", "groups": ["others", "on call"]},
    "otto": {"password": "otto's password", "email": "otto@example.org", "groups": ["platform/ops"]},
    "vera": {"password": "vera's password", "email": "vera@example.org", "groups": ["staff"]},
    "nick": {"password": "nick's password", "email": "nick@example.org", "groups": ["others", "call", "platform"]},
}
OPERATORS_HOST, VIEWERS_HOST = (f"https://{name}.{DOMAIN}:8443" for name in ("ops", "view"))
AUTH = login.login_url(SETTINGS)
CLIENT_SECRET, COOKIE_SECRET = "secret-of-the-client", "c" * 32  # noqa: S105 made up
PATH = "/etc/oauth2-proxy/oauth2-proxy.cfg"
COMMAND = f"--config={PATH}"
TRAEFIK = ("--entryPoints.websecure.address=:8443", "--providers.file.filename=/etc/traefik/routes.yml")
ECHO = """
import http.server, json
class Echo(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = 401 if self.path.startswith("/401") else 200
        body = json.dumps({"path": self.path, "headers": {k.lower(): v for k, v in self.headers.items()}}).encode()
        self.send_response(status); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    do_POST = do_GET
http.server.ThreadingHTTPServer(("", 8000), Echo).serve_forever()
"""


def routes() -> dict:
    """Traefik's dynamic file: the middlewares as the catalog has them, before a service for each role."""
    routers = {
        host: {
            "rule": f"Host(`{host}.{DOMAIN}`)",
            "service": service,
            "middlewares": middlewares,
            "entryPoints": ["websecure"],
            "tls": {},
        }
        for host, service, middlewares in (
            ("ops", "echo", ["operators-oidc"]),
            ("view", "echo", ["viewers-oidc"]),
            ("word", "echo", ["operators-basic"]),
            (login.LOGIN_HOST, login.SERVICE, []),
        )
    }
    places = {"echo": "http://echo:8000", login.SERVICE: f"http://{login.SERVICE}:{login.PORT}"}
    services = {name: {"loadBalancer": {"servers": [{"url": url}]}} for name, url in places.items()}
    middlewares = {**login.basic_middlewares("/run/secrets/operators_htpasswd"), **login.oidc_middlewares(SETTINGS)}
    return {"http": {"routers": routers, "services": services, "middlewares": middlewares}}


@dataclass(frozen=True)
class Platform:
    """The three containers, from where a browser is."""

    identity: Any
    proxy: Any
    traefik: Any

    def browser(self) -> Browser:
        return Browser({f"{DOMAIN}:8443": _place(self.traefik, 8443), "identity:9400": _place(self.identity, 9400)})

    def operator(self, name: str = "olga", url: str = f"{OPERATORS_HOST}/graph") -> Browser:
        """A browser whose user signed in."""
        browser = self.browser()
        browser.sign_in(browser.follow(browser.get(url)), name, USERS[name]["password"])
        return browser


def _place(container, port: int) -> tuple[str, int]:
    published = docker.run("port", container.name, str(port)).stdout.splitlines()[0].rpartition(":")[2]
    return "127.0.0.1", int(published)


def proxy_files() -> dict[str, str]:
    return {
        PATH: login.configuration(SETTINGS),
        f"/run/secrets/{login.CLIENT_SECRET}": CLIENT_SECRET,
        f"/run/secrets/{login.COOKIE_SECRET}": COOKIE_SECRET,
    }


def _until_it_serves(container, url: str) -> None:
    """Wait until a container answers 200 at its published port."""
    place = urlsplit(url)

    def reason() -> str:
        try:
            page = Browser({place.netloc: _place(container, place.port)}).get(url)
        except (OSError, http.client.HTTPException) as error:
            return str(error)
        return "" if page.status == 200 else page.text

    container.until(url, reason)


@contextmanager
def running(start) -> Iterator[Platform]:
    """Provider, oauth2-proxy and Traefik on a network of their own."""
    with ExitStack() as stack:
        network = stack.enter_context(new_network())

        def begin(image: str, alias: str, *command: str, port: int = 0, options: tuple[str, ...] = (), **arguments):
            options += ("--network", network, "--network-alias", alias)
            options += ("--publish", f"127.0.0.1::{port}") if port else ()
            return stack.enter_context(start(image, *command, options=options, **arguments))

        variables = {
            "IDENTITY_ISSUER": ISSUER,
            "IDENTITY_CLIENT_ID": CLIENT,
            "IDENTITY_CLIENT_SECRET_FILE": "/run/secrets/client",
            "IDENTITY_USERS_FILE": "/run/secrets/users",
            "IDENTITY_REDIRECT_URIS": login.login_url(SETTINGS, login.CALLBACK_PATH),
        }
        files = {"/run/secrets/client": CLIENT_SECRET, "/run/secrets/users": json.dumps(USERS)}
        identity = begin("identity", "identity", port=9400, environment=variables, files=files)
        begin("sophia-backend", "echo", "python3", "-c", ECHO)
        _until_it_serves(identity, "http://identity:9400/.well-known/openid-configuration")
        proxy = begin("oauth2-proxy", login.SERVICE, COMMAND, files=proxy_files())
        proxy.healthy(["CMD", "wget", "-qO-", "http://127.0.0.1:4180/ping"])
        word = bcrypt.hashpw(b"word", bcrypt.gensalt(4)).decode()
        files = {"/etc/traefik/routes.yml": json.dumps(routes()), "/run/secrets/operators_htpasswd": f"operator:{word}"}
        traefik = begin("traefik", "traefik", *TRAEFIK, port=8443, files=files)
        _until_it_serves(traefik, f"{AUTH}/ping")
        yield Platform(identity, proxy, traefik)
