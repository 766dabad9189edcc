# SPDX-License-Identifier: GPL-3.0-or-later
"""What the account knows besides its data: roles, warehouses, users, grants, and the properties of objects.

Which databases, schemas and tables there are, DuckDB says; here is what it cannot keep of them, by dotted name.
"""

from __future__ import annotations

import copy
import threading
import time

from lab.cloud.snowflake.sql import dotted

ACCOUNT = "LAB"
BUILT_IN_ROLES = {  # role: the roles that hold it
    "ACCOUNTADMIN": (),
    "SECURITYADMIN": ("ACCOUNTADMIN",),
    "USERADMIN": ("SECURITYADMIN",),
    "SYSADMIN": ("ACCOUNTADMIN",),
    "PUBLIC": (),
}
_BUILT_IN_GRANTS = {
    "CREATE DATABASE": "SYSADMIN",
    "CREATE WAREHOUSE": "SYSADMIN",
    "CREATE ROLE": "USERADMIN",
    "CREATE USER": "USERADMIN",
    "MANAGE GRANTS": "SECURITYADMIN",
}
_OF_THE_ACCOUNT = ("ROLE", "WAREHOUSE", "USER")
_PLACED = ("DATABASE", "SCHEMA", "TABLE")  # one below the other


class Catalogue:
    """The state, as it goes into the file. The lock is held while it is changed or dumped."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """As new."""
        self.objects: dict[str, dict[str, dict]] = {kind: {} for kind in (*_OF_THE_ACCOUNT, *_PLACED)}
        self.grants: list[dict] = []
        self.future: list[dict] = []
        self.role_grants: list[dict] = []
        for role, holders in BUILT_IN_ROLES.items():
            self.add("ROLE", role, owner="")
            for holder in holders:
                self.grant_role(role, "ROLE", holder, "")
        for privilege, role in _BUILT_IN_GRANTS.items():
            self.grant(privilege, "ACCOUNT", ACCOUNT, role, by="")

    def dump(self) -> dict:
        with self.lock:
            lists = {"grants": self.grants, "future": self.future, "role_grants": self.role_grants}
            return copy.deepcopy({"objects": self.objects, **lists})

    def load(self, state: dict) -> None:
        if state:
            self.objects.update(state["objects"])
            self.grants, self.future, self.role_grants = state["grants"], state["future"], state["role_grants"]

    def add(self, kind: str, name: str, owner: str, **about: object) -> dict:
        """Know an object, and apply the future grants to it."""
        self.objects[kind][name] = {"owner": owner, "comment": "", "created": time.time(), **about}
        return self.objects[kind][name]

    def get(self, kind: str, path: list[str] | tuple[str, ...]) -> dict:
        """What is known of an object that is there."""
        name = dotted(path)
        return self.objects[kind].get(name) or self.add(kind, name, owner="ACCOUNTADMIN")

    def forget(self, kind: str, name: str) -> None:
        """Drop an object, all below it, and every grant on them and to it."""
        for other in self._kinds(kind):
            known = self.objects[other].items()
            self.objects[other] = {one: about for one, about in known if not self._is_in(kind, name, other, one)}
        self.grants = [
            grant
            for grant in self.grants
            if not self._is_in(kind, name, grant["on"], grant["name"])
            and not (kind == "ROLE" and grant["grantee"] == name)
        ]
        self.future = [
            grant
            for grant in self.future
            if not self._is_in(kind, name, grant["in_kind"], grant["in"])
            and not (kind == "ROLE" and grant["grantee"] == name)
        ]
        self.role_grants = [
            grant
            for grant in self.role_grants
            if not (kind == "ROLE" and grant["role"] == name) and (grant["to"], grant["grantee"]) != (kind, name)
        ]

    def rename(self, kind: str, name: str, new: str) -> None:
        """Give an object, with all below it, another name."""

        def renamed(other: str, old: str) -> str:
            return new + old[len(name) :] if self._is_in(kind, name, other, old) else old

        for other in self._kinds(kind):
            self.objects[other] = {renamed(other, one): about for one, about in self.objects[other].items()}
        for grant in self.grants:
            grant["name"] = renamed(grant["on"], grant["name"])
        for grant in self.future:
            grant["in"] = renamed(grant["in_kind"], grant["in"])

    @staticmethod
    def _kinds(kind: str) -> tuple[str, ...]:
        return _PLACED if kind in _PLACED else (kind,)

    @staticmethod
    def _is_in(kind: str, name: str, other_kind: str, other: str) -> bool:
        """Whether an object is this one, or stands below it."""
        if other_kind == kind and other == name:
            return True
        return kind in _PLACED and other_kind not in (*_OF_THE_ACCOUNT, "ACCOUNT") and other.startswith(f"{name}.")

    def grant(self, privilege: str, on: str, name: str, role: str, by: str, option: bool = False) -> None:
        """Give a privilege; given again it is the one it was."""
        for grant in self.grants:
            if self._is(grant, privilege, on, name, role):
                grant["option"] = grant["option"] or option
                return
        row = {"privilege": privilege, "on": on, "name": name, "grantee": role, "option": option, "by": by}
        self.grants.append({**row, "created": time.time()})

    def revoke(self, privilege: str, on: str, name: str, role: str) -> None:
        self.grants = [grant for grant in self.grants if not self._is(grant, privilege, on, name, role)]

    @staticmethod
    def _is(grant: dict, privilege: str, on: str, name: str, role: str) -> bool:
        known = (grant["privilege"], grant["on"], grant["name"], grant["grantee"])
        return known == (privilege, on, name, role)

    def grant_role(self, role: str, to: str, grantee: str, by: str) -> None:
        """Give a role to a role or user; given again it is the one it was."""
        if not any(self._holds(grant, role, to, grantee) for grant in self.role_grants):
            row = {"role": role, "to": to, "grantee": grantee, "by": by, "created": time.time()}
            self.role_grants.append(row)

    def revoke_role(self, role: str, to: str, grantee: str) -> None:
        self.role_grants = [grant for grant in self.role_grants if not self._holds(grant, role, to, grantee)]

    @staticmethod
    def _holds(grant: dict, role: str, to: str, grantee: str) -> bool:
        return (grant["role"], grant["to"], grant["grantee"]) == (role, to, grantee)

    def held(self, to: str, grantee: str) -> list[str]:
        """The roles that a role or user was given itself."""
        return [grant["role"] for grant in self.role_grants if grant["to"] == to and grant["grantee"] == grantee]

    def reached(self, to: str, grantee: str) -> set[str]:
        """The roles that a role or user has, those that come with others too."""
        found: set[str] = set()
        ahead = [*self.held(to, grantee), "PUBLIC"]
        while ahead:
            role = ahead.pop()
            if role not in found and role in self.objects["ROLE"]:
                found.add(role)
                ahead += self.held("ROLE", role)
        return found
