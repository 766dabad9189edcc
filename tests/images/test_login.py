"""Operators' login: the provider, oauth2-proxy's stand-in and the real Traefik, with what the catalog computes.

A stranger is sent to the provider, a member of the group comes back and is known to the service, and nothing that a
client sends or breaks opens the door.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from ansible_collections.sophia.platform.plugins.module_utils.catalog import login
from login_platform import (
    AUTH,
    COMMAND,
    DOMAIN,
    ISSUER,
    OPERATORS_HOST,
    PATH,
    SETTINGS,
    USERS,
    VIEWERS_HOST,
    Platform,
    proxy_files,
    running,
)


@pytest.fixture(scope="module")
def platform(start) -> Iterator[Platform]:
    with running(start) as found:
        yield found


def seen(page) -> dict[str, str]:
    """The headers about the user that reached the service."""
    return {name: text for name, text in json.loads(page.text)["headers"].items() if "x-auth" in name}


def test_a_stranger_is_led_to_the_provider_and_a_member_back_to_the_page(platform):
    browser = platform.browser()
    there = browser.follow(browser.get(f"{OPERATORS_HOST}/graph?expr=up%7Bjob%3D%22a%22%7D&tab=1"), until=ISSUER)
    assert (there.status, there.location.partition("?")[0]) == (302, f"{ISSUER}/auth")
    asked = parse_qs(urlsplit(there.location).query)
    assert asked["redirect_uri"] == [f"{AUTH}/oauth2/callback"]
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["nonce"]
    form = browser.follow(there)
    wrong = browser.get(form.url, {"name": "olga", "password": "guess"})
    assert (wrong.status, "do not belong together" in wrong.text) == (401, True)
    page = browser.sign_in(form, "olga", USERS["olga"]["password"])
    assert (page.status, page.url) == (200, f"{OPERATORS_HOST}/graph?expr=up%7Bjob%3D%22a%22%7D&tab=1")
    known = seen(page)
    assert known["x-auth-request-email"] == "olga@example.org"
    assert set(known["x-auth-request-groups"].split(",")) == {"others", "on call"}
    assert known["x-auth-request-user"] == known["x-auth-request-preferred-username"] == "olga"
    assert browser.get(f"{VIEWERS_HOST}/").status == 200  # the same session, and operators may do what viewers may


def test_the_sessions_cookie_is_for_the_platform_and_for_no_script(platform):
    (cookie, *more) = [item for item in platform.operator().cookies if item.name.startswith(login.COOKIE)]
    assert (cookie.domain, cookie.secure, cookie.path, more) == (f".{DOMAIN}", True, "/", [])
    rest = {name.lower(): value for name, value in cookie._rest.items()}
    assert ("httponly" in rest, rest["samesite"].lower()) == (True, "lax")


@pytest.mark.parametrize(("name", "viewers", "operators"), [("otto", 200, 200), ("vera", 200, 403), ("nick", 403, 403)])
def test_who_is_in_no_group_of_the_role_is_refused(platform, name, viewers, operators):
    for url, status in ((f"{VIEWERS_HOST}/", viewers), (f"{OPERATORS_HOST}/", operators)):
        browser = platform.browser()
        page = browser.sign_in(browser.follow(browser.get(url)), name, USERS[name]["password"])
        assert page.status == status


def test_what_a_client_says_about_itself_reaches_no_service(platform):
    said = {name.replace("-", "_"): "root" for name in login.IDENTITY_HEADERS}
    page = platform.operator().get(f"{OPERATORS_HOST}/", **said)
    assert (page.status, "root" in page.text) == (200, False)
    assert platform.browser().get(f"{OPERATORS_HOST}/", **said).status == 302


def test_a_forged_or_changed_session_is_none(platform):
    browser = platform.operator()
    cookie = next(item for item in browser.cookies if item.name.startswith(login.COOKIE))
    genuine = cookie.value
    middle = len(genuine) // 2
    for forged in ("x", f"{genuine[:middle]}{'A' if genuine[middle] != 'A' else 'B'}{genuine[middle + 1 :]}"):
        cookie.value = forged
        page = browser.follow(browser.get(f"{OPERATORS_HOST}/"), until=ISSUER)
        assert (page.status, page.location.startswith(f"{ISSUER}/auth?")) == (302, True)


def test_a_program_is_told_and_not_led(platform):
    assert platform.browser().get(f"{OPERATORS_HOST}/api/v1/query", Accept="application/json").status == 401


def test_a_401_of_the_service_itself_stays_one(platform):
    assert platform.operator().get(f"{OPERATORS_HOST}/401").status == 401


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example/",
        f"https://{DOMAIN}.evil.example/",
        f"https://evil.example/.{DOMAIN}:8443/",
        f"https://evil.example\\@ops.{DOMAIN}:8443/",
        f"https://ops.{DOMAIN}:8443@evil.example/",
        "/\\evil.example",
    ],
)
def test_nobody_is_led_out_of_the_platform(platform, target):
    browser = platform.browser()
    for path in ("start", "sign_in"):
        page = browser.follow(browser.get(f"{AUTH}/oauth2/{path}?rd={quote(target, safe='')}"))
        page = browser.sign_in(page, "olga", USERS["olga"]["password"]) if "<form" in page.text else page
        assert page.url.startswith(f"{AUTH}/")
    page = browser.follow(browser.get(f"{AUTH}/oauth2/sign_out?rd={quote(target, safe='')}"), until=ISSUER)
    assert page.url.startswith(f"{AUTH}/")


def test_the_login_page_leads_back_to_an_address_of_the_platform(platform):
    browser = platform.browser()
    page = browser.follow(browser.get(f"{AUTH}/oauth2/start?rd={quote(f'{OPERATORS_HOST}/a?b=c%20d&e', safe='')}"))
    page = browser.sign_in(page, "olga", USERS["olga"]["password"])
    assert (page.status, json.loads(page.text)["path"]) == (200, "/a?b=c%20d&e")


def test_who_signs_out_is_a_stranger(platform):
    browser = platform.operator()
    browser.follow(browser.get(f"{AUTH}/oauth2/sign_out?rd={quote(OPERATORS_HOST, safe='')}"), until=OPERATORS_HOST)
    page = browser.follow(browser.get(f"{OPERATORS_HOST}/"), until=ISSUER)
    assert (page.status, page.location.startswith(f"{ISSUER}/auth?")) == (302, True)


def test_a_login_that_another_browser_began_is_refused(platform):
    attacker, victim = platform.browser(), platform.browser()
    form = attacker.follow(attacker.get(f"{OPERATORS_HOST}/"))
    answer = attacker.sign_in(form, "olga", USERS["olga"]["password"], until=f"{AUTH}/oauth2/callback")
    victim.get(answer.location)
    assert victim.get(f"{OPERATORS_HOST}/").status == 302


def test_a_password_is_enough_where_there_is_no_provider_and_guessing_is_slow(platform):
    url = f"https://word.{DOMAIN}:8443/"
    browser = platform.browser()

    def status(password: str) -> int:
        token = base64.b64encode(f"operator:{password}".encode()).decode()
        page = browser.get(url, Authorization=f"Basic {token}")
        assert page.status != 200 or "authorization" not in json.loads(page.text)["headers"]
        return page.status

    assert (browser.get(url).status, status("word"), status("wrong")) == (401, 200, 401)
    assert 429 in (status("wrong") for _ in range(8 * login.PASSWORD_LIMIT["burst"]))


def test_without_the_provider_nobody_new_gets_in_and_without_oauth2_proxy_nobody_at_all(platform):
    begun, known = platform.browser(), platform.operator()
    form = begun.follow(begun.get(f"{OPERATORS_HOST}/"))
    answer = begun.sign_in(form, "olga", USERS["olga"]["password"], until=f"{AUTH}/oauth2/callback")
    platform.identity.stop()
    assert begun.get(answer.location).status >= 400  # of oauth2-proxy 500, of its stand-in 400
    assert begun.get(f"{OPERATORS_HOST}/").status == 302
    assert known.get(f"{OPERATORS_HOST}/").status == 200  # sessions live in their cookies
    platform.proxy.stop()
    assert known.get(f"{OPERATORS_HOST}/").status in range(500, 600)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({PATH: f'{login.configuration(SETTINGS)}colour = "red"\n'}, "colour"),
        ({f"/run/secrets/{login.COOKIE_SECRET}": "c" * 31}, "16, 24,? or 32 bytes"),
        ({}, "identity"),  # nobody answers there
    ],
)
def test_what_oauth2_proxy_cannot_work_with_ends_it(start, changes, said):
    with start("oauth2-proxy", COMMAND, files={**proxy_files(), **changes}) as proxy:
        assert proxy.ended() != 0
        assert re.search(said, proxy.log)
