# SPDX-License-Identifier: GPL-3.0-or-later
"""What both modules take, and the client that is made of it."""

from __future__ import annotations

from collections.abc import Mapping

from ansible.module_utils.basic import env_fallback
from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import Clock
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.client import Access, Namecheap
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.errors import NamecheapError
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.pace import Pace, state_directory
from ansible_collections.sophia.platform.plugins.module_utils.namecheap.wanted import Domain, domain_of

API_URL = "https://api.namecheap.com/xml.response"

SPEC = {
    "domain": {"type": "str", "required": True},
    "sld": {"type": "str"},
    "tld": {"type": "str"},
    "api_url": {"type": "str", "default": API_URL, "fallback": (env_fallback, ["NAMECHEAP_API_URL"])},
    "api_user": {"type": "str", "required": True, "fallback": (env_fallback, ["NAMECHEAP_API_USER"])},
    "api_key": {"type": "str", "required": True, "no_log": True, "fallback": (env_fallback, ["NAMECHEAP_API_KEY"])},
    "user_name": {"type": "str"},
    "client_ip": {"type": "str", "required": True, "fallback": (env_fallback, ["NAMECHEAP_CLIENT_IP"])},
    "timeout_seconds": {"type": "int", "default": 60},
    "calls_per_minute": {"type": "int", "default": 20},
}


def problems_and_domain(options: Mapping) -> tuple[list[str], Domain]:
    """What is wrong with the common options, and the domain."""
    domain, problems = domain_of(options["domain"], options["sld"], options["tld"])
    problems += _access(options).problems()
    problems += [
        f"{name}: {options[name]} is less than 1"
        for name in ("timeout_seconds", "calls_per_minute")
        if options[name] < 1
    ]
    return problems, domain


def refuse(problems: list[str]) -> None:
    """Raise NamecheapError with all problems, when there is one."""
    if problems:
        listed = f" {problems[0]}" if len(problems) == 1 else "".join(f"\n- {problem}" for problem in problems)
        raise NamecheapError(f"Nothing was sent to Namecheap, because of the options:{listed}")


def client(options: Mapping, clock: Clock) -> Namecheap:
    """The client."""
    access = _access(options)
    try:
        path = state_directory() / access.budget_name
    except (OSError, RuntimeError):  # without a home, this process keeps to the budget alone
        path = None
    return Namecheap(access, Pace(path, options["calls_per_minute"], clock), clock)


def _access(options: Mapping) -> Access:
    return Access(
        options["api_url"],
        options["api_user"],
        options["api_key"],
        options["user_name"] or options["api_user"],
        options["client_ip"],
        options["timeout_seconds"],
    )
