# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the module snowflake_objects, and what they mean for the connection and the roles."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.basic import env_fallback
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.connection import Settings
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.names import resolve
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.plan import Roles
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.want import KINDS, MANAGE


def _list_of(options: dict, required: bool = False) -> dict:
    rest = {"required": True} if required else {"default": []}
    return {"type": "list", "elements": "dict", **rest, "options": options}


def _from_environment(name: str, **option: Any) -> dict:
    return {"type": "str", **option, "fallback": (env_fallback, [f"SNOWFLAKE_{name.upper()}"])}


NAME = {"type": "str", "required": True}
TEXT = {"type": "str"}
FLAG = {"type": "bool"}
NAMES = {"type": "list", "elements": "str", "default": []}
COLUMNS = {
    "name": NAME,
    "type": NAME,
    "nullable": FLAG,
    "default": TEXT,
    "comment": TEXT,
    "primary_key": {"type": "bool", "default": False},
}
TABLES = {"name": NAME, "comment": TEXT, "columns": _list_of(COLUMNS, required=True)}
SCHEMAS = {"name": NAME, "comment": TEXT, "managed_access": FLAG, "tables": _list_of(TABLES)}
DATABASES = {"name": NAME, "comment": TEXT, "data_retention_days": {"type": "int"}, "schemas": _list_of(SCHEMAS)}
WAREHOUSES = {
    "name": NAME,
    "size": TEXT,
    "auto_suspend_seconds": {"type": "int"},
    "auto_resume": FLAG,
    "comment": TEXT,
    "initially_suspended": {"type": "bool", "default": True},
}
ROLES = {"name": NAME, "comment": TEXT, "granted_to": NAMES, "granted_to_users": NAMES}
OBJECT = {"kind": {**NAME, "choices": list(KINDS)}, "name": NAME}
GRANTS = {
    "role": NAME,
    "privileges": {"type": "list", "elements": "str", "required": True},
    "object": {"type": "dict", "required": True, "options": OBJECT},
}
SPEC = {
    "databases": _list_of(DATABASES),
    "warehouses": _list_of(WAREHOUSES),
    "roles": _list_of(ROLES),
    "grants": _list_of(GRANTS),
    "manage": {"type": "list", "elements": "str", "choices": list(MANAGE), "default": list(MANAGE)},
    "object_role": {"type": "str", "default": "SYSADMIN"},
    "user_admin_role": {"type": "str", "default": "USERADMIN"},
    "grant_role": {"type": "str", "default": "SECURITYADMIN"},
    "account": _from_environment("account", required=True),
    "user": _from_environment("user", required=True),
    "private_key": _from_environment("private_key", no_log=True),
    "private_key_path": _from_environment("private_key_path", type="path", no_log=False),
    "private_key_passphrase": _from_environment("private_key_passphrase", no_log=True),
    "token": _from_environment("token", no_log=True),
    "password": _from_environment("password", no_log=True),
    "host": _from_environment("host"),
    "port": _from_environment("port", type="int"),
    "protocol": _from_environment("protocol", choices=["http", "https"], default="https"),
    "login_timeout_seconds": {"type": "int", "default": 60},
    "network_timeout_seconds": {"type": "int", "default": 60},
    "query_tag": {"type": "str", "default": "ansible"},
}


def read_settings(options: Mapping[str, Any]) -> Settings:
    """Return the connection's settings."""
    texts = (
        "account",
        "user",
        "private_key",
        "private_key_path",
        "private_key_passphrase",
        "token",
        "password",
        "host",
    )
    return Settings(
        **{name: options[name] or "" for name in texts},
        port=options["port"] or 0,
        protocol=options["protocol"],
        login_timeout_seconds=options["login_timeout_seconds"],
        network_timeout_seconds=options["network_timeout_seconds"],
        query_tag=options["query_tag"],
    )


def read_roles(options: Mapping[str, Any]) -> tuple[Roles, list[str]]:
    """Return who does what, and what is wrong with the names."""
    names, problems = {}, []
    for field, option in (("objects", "object_role"), ("roles", "user_admin_role"), ("grants", "grant_role")):
        try:
            names[field] = resolve(options[option]) if options[option] else ""
        except ValueError as error:
            problems.append(f"{option}: {error}")
    return Roles(**names), problems
