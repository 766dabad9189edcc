"""What the edge and oauth2-proxy are told about operators' login, and which settings are refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomllib
import yaml
from ansible_collections.sophia.platform.plugins.module_utils.catalog import login

OPTIONS = yaml.safe_load((Path(__file__).parent / "fixtures/login/oauth2_proxy_options.yml").read_text())
ROOT = Path(__file__).resolve().parents[2]
IMAGE = ROOT / "lab/images/oauth2-proxy"
SERVICES = ROOT / "inventories/common/group_vars/all/services.yml"
SETTINGS = {
    "issuer": "https://login.example.org",
    "client_id": "platform",
    "domain": "example.org",
    "https_port": 443,
    "groups": {"operators": ["ops", "on call"], "viewers": ["/staff"]},
    "groups_claim": "groups",
    "scopes": ["openid", "email", "profile", "groups"],
}
GOLDEN = """\
http_address = "0.0.0.0:4180"
reverse_proxy = true
silence_ping_logging = true
provider = "oidc"
oidc_issuer_url = "https://login.example.org"
client_id = "platform"
client_secret_file = "/run/secrets/oidc_client_secret"
scope = "openid email profile groups"
code_challenge_method = "S256"
insecure_oidc_skip_nonce = false
redirect_url = "https://auth.example.org/oauth2/callback"
skip_provider_button = true
oidc_groups_claim = "groups"
allowed_groups = ["ops", "on call", "/staff"]
email_domains = ["*"]
whitelist_domains = [".example.org"]
cookie_name = "__Secure-sophia"
cookie_secret_file = "/run/secrets/oauth2_proxy_cookie_secret"
cookie_domains = [".example.org"]
cookie_expire = "1h"
cookie_secure = true
cookie_httponly = true
cookie_samesite = "lax"
cookie_csrf_per_request = true
cookie_csrf_per_request_limit = 5
cookie_csrf_expire = "15m"
session_cookie_minimal = true
set_xauthrequest = true
upstreams = ["static://202"]
"""


def with_groups(**groups: list[str]) -> dict:
    return {**SETTINGS, "groups": groups}


def kind(value: object) -> str:
    """What the fixture calls the type of a value in the file."""
    if isinstance(value, str):
        return "duration" if re.fullmatch(r"(\d+(h|m|s))+", value) else "text"
    return {bool: "boolean", int: "number", list: "texts"}[type(value)]


def test_the_configuration_of_oauth2_proxy():
    assert login.configuration(SETTINGS) == GOLDEN


def test_oauth2_proxy_knows_every_option_and_takes_its_type():
    found = tomllib.loads(login.configuration(SETTINGS))
    assert [name for name, value in found.items() if name not in OPTIONS[kind(value)]] == []


def test_the_catalog_has_oauth2_proxy_where_it_is_looked_for():
    entries = {entry["name"]: entry for entry in yaml.safe_load(SERVICES.read_text())["services"]}
    entry = entries[login.SERVICE]
    assert (entry["port"], entry["route"]["host"]) == (login.PORT, login.LOGIN_HOST)


def test_the_stand_in_says_which_oauth2_proxy_the_options_are_of():
    assert f'VERSION = "{OPTIONS["version"]}"' in (IMAGE / "oauth2-proxy").read_text()
    assert f"oauth2-proxy:{OPTIONS['version']}" in (IMAGE / "Dockerfile").read_text()


def test_what_differs_between_providers_and_edges_is_a_setting():
    given = {**SETTINGS, "https_port": 8443, "scopes": ["openid", "email"], "groups_claim": "roles", "client_id": 'a"ü'}
    found = tomllib.loads(login.configuration(given))
    assert (found["scope"], found["oidc_groups_claim"], found["client_id"]) == ("openid email", "roles", 'a"ü')
    assert found["whitelist_domains"] == [".example.org:8443"]
    assert found["redirect_url"] == "https://auth.example.org:8443/oauth2/callback"
    assert found["cookie_domains"] == [".example.org"]


def test_a_middleware_for_each_role_lets_the_roles_above_in_too():
    forward = {
        "trustForwardHeader": False,
        "authResponseHeaders": [
            "X-Auth-Request-User",
            "X-Auth-Request-Email",
            "X-Auth-Request-Groups",
            "X-Auth-Request-Preferred-Username",
        ],
    }
    address = "http://oauth2-proxy:4180/?allowed_groups="
    assert login.oidc_middlewares(SETTINGS) == {
        "operators-oidc": {"forwardAuth": {"address": f"{address}ops,on%20call", **forward}},
        "viewers-oidc": {"forwardAuth": {"address": f"{address}/staff,ops,on%20call", **forward}},
    }
    assert list(login.oidc_middlewares(with_groups(operators=["ops"]))) == ["operators-oidc"]


def test_a_login_by_password_is_limited_before_the_password_is_looked_at():
    found = login.basic_middlewares("/run/secrets/operators_htpasswd")
    limit, password = (found[name] for name in found["operators-basic"]["chain"]["middlewares"])
    assert list(limit) == ["rateLimit"]
    assert password == {"basicAuth": {"usersFile": "/run/secrets/operators_htpasswd", "removeHeader": True}}


@pytest.mark.parametrize(
    "issuer", ["https://login.example.org/realms/a", "http://10.77.0.55:9400", "http://127.0.0.1:1"]
)
def test_settings_with_nothing_wrong(issuer):
    groups = {"operators": ["a/b", "c d", "6f0e-11", "ops@example.org"]}
    assert login.problems({**SETTINGS, "issuer": issuer, "groups": groups}) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"issuer": "http://login.example.org"}, "must begin with https"),
        ({"issuer": "http://192.0.2.1.example.org"}, "must begin with https"),
        ({"issuer": "http://8.8.8.8"}, "must begin with https"),
        ({"issuer": ""}, "issuer '' must be the provider's address"),
        ({"issuer": "login.example.org"}, "must be the provider's address"),
        ({"issuer": "https://login.example.org/?a=b"}, "must be the provider's address"),
        ({"client_id": ""}, "client_id is empty"),
        ({"scopes": []}, "scopes is empty: leave it out"),
        ({"groups_claim": ""}, "groups_claim is empty: leave it out"),
        ({"groups": {}}, "groups.operators is empty"),
        ({"groups": {"operators": []}}, "groups.operators is empty"),
        ({"groups": {"operators": ["a"], "admins": ["b"]}}, "no role admins; there is operators, viewers"),
        ({"groups": {"operators": ["a,b"]}}, "groups.operators: 'a,b' has a sign"),
        ({"groups": {"operators": ["a"], "viewers": ["it's"]}}, 'groups.viewers: "it\'s" has a sign'),
        ({"groups": {"operators": [""]}}, "groups.operators: '' has a sign"),
    ],
)
def test_each_wrong_setting_is_named(changes, said):
    (problem,) = login.problems({**SETTINGS, **changes})
    assert said in problem
