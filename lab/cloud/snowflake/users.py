# SPDX-License-Identifier: GPL-3.0-or-later
"""Users: told by the control, or made by CREATE USER. Secrets are kept as SHA-256 only."""

from __future__ import annotations

import base64
import hashlib
import hmac

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)

from lab.cloud.snowflake import privileges
from lab.cloud.snowflake.answers import Table, executed, status
from lab.cloud.snowflake.catalogue import Catalogue
from lab.cloud.snowflake.context import Account, must_have
from lab.cloud.snowflake.engine import Session
from lab.cloud.snowflake.errors import exists, invalid
from lab.cloud.snowflake.filters import Filter
from lab.cloud.snowflake.parts import Creation
from lab.cloud.snowflake.sql import Reader, dotted

DEFAULT_ROLES = ("SYSADMIN", "SECURITYADMIN", "USERADMIN", "ACCOUNTADMIN", "PUBLIC")
_TEXTS = ("COMMENT", "LOGIN_NAME", "DISPLAY_NAME", "FIRST_NAME", "LAST_NAME", "EMAIL", "TYPE", "DEFAULT_ROLE")
_TEXTS += ("DEFAULT_WAREHOUSE", "DEFAULT_NAMESPACE", "DISABLED", "MUST_CHANGE_PASSWORD", "NETWORK_POLICY")
_KEYS = ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2")
_COLUMNS = ("name", "created_on", "login_name", "display_name", "first_name", "last_name", "email", "mins_to_unlock")
_COLUMNS += ("days_to_expiry", "comment", "disabled", "must_change_password", "snowflake_lock", "default_warehouse")
_COLUMNS += ("default_namespace", "default_role", "default_secondary_roles", "ext_authn_duo", "ext_authn_uid")
_COLUMNS += ("mins_to_bypass_mfa", "owner", "last_success_login", "expires_at_time", "locked_until_time")
_COLUMNS += ("has_password", "has_rsa_public_key", "type", "has_mfa", "has_pat")


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def matches(secret: object, kept: str | None) -> bool:
    """Whether a secret is the one whose digest is kept."""
    return isinstance(secret, str) and bool(kept) and hmac.compare_digest(digest(secret), kept)


def public_key(text: str) -> tuple[RSAPublicKey, str]:
    """An RSA key, from PEM or from a PEM's body, and its body. Raises ValueError."""
    if "BEGIN" in text:
        key = load_pem_public_key(text.encode())
    else:
        key = load_der_public_key(base64.b64decode("".join(text.split()), validate=True))
    if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
        raise ValueError("not an RSA key of 2048 bits or more")
    return key, base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def put(catalogue: Catalogue, given: dict) -> str:
    """What POST /lab/users was given: make or replace a user, and give its name. Raises ValueError."""
    unknown = sorted(set(given) - {"name", "public_key", "pat", "password", "roles"})
    if unknown:
        raise ValueError(f"A user has no {', '.join(unknown)}; it has name, public_key, pat, password, roles.")
    roles = given.get("roles", list(DEFAULT_ROLES))
    if not isinstance(roles, list) or not all(isinstance(role, str) and role for role in roles) or not roles:
        raise ValueError("A user's roles are a list of names, one at least.")
    for field in ("name", "public_key", "pat", "password"):
        if field in given and (not isinstance(given[field], str) or not given[field]):
            raise ValueError(f"A user's {field} is a text that is not empty.")
    if "name" not in given:
        raise ValueError("A user needs a name.")
    about: dict = {name: digest(given[name]) for name in ("pat", "password") if name in given}
    if "public_key" in given:
        try:
            about["keys"] = {"RSA_PUBLIC_KEY": public_key(given["public_key"])[1]}
        except ValueError as error:
            raise ValueError(f"The public_key is no PEM of an RSA public key: {error}.") from error
    name = dotted([given["name"].upper()])
    roles = [role.upper() for role in roles]
    catalogue.forget("USER", name)
    catalogue.add("USER", name, "ACCOUNTADMIN", default_role=roles[0], **about)
    for role in roles:
        catalogue.grant_role(role, "USER", name, "ACCOUNTADMIN")
    return name


def _set(about: dict, given: dict) -> None:
    for name in [name for name in given if name in _KEYS]:
        value = given.pop(name)
        keys = about.setdefault("keys", {})
        try:
            keys[name] = public_key(str(value or ""))[1]
        except ValueError as error:
            if value:
                raise invalid(
                    f"New public key rejected by current policy. Reason: 'Invalid public key' ({error})"
                ) from None
            keys.pop(name, None)
    if "PASSWORD" in given:
        secret = given.pop("PASSWORD")
        about["password"] = digest(str(secret)) if secret else None
    for name, value in given.items():
        folded = name in ("DEFAULT_ROLE", "DEFAULT_WAREHOUSE", "TYPE")
        about[name.lower()] = str(value).upper() if folded and value else value if value is not None else ""


def create(account: Account, session: Session, reader: Reader, creation: Creation) -> Table:
    name = dotted([reader.name()])
    given = reader.properties("PASSWORD", *_TEXTS, *_KEYS)
    privileges.need_account(account, session, "CREATE USER")
    catalogue = account.catalogue
    if name in catalogue.objects["USER"]:
        if creation.unless_exists:
            return status(f"{name} already exists, statement succeeded.")
        if not creation.replace:
            raise exists(name)
    about: dict = {}
    _set(about, given)
    catalogue.forget("USER", name)
    catalogue.add("USER", name, session.role, **about)
    return status(f"User {name} successfully created.")


def alter(account: Account, session: Session, reader: Reader, if_exists: bool) -> Table:
    name = dotted([reader.name()])
    known = account.catalogue.objects["USER"]
    if if_exists and name not in known:
        return executed()
    must_have(account, "USER", [name])
    privileges.need_owner(account, session, "USER", [name])
    if reader.take("UNSET"):
        while not reader.ended:
            word = reader.take_one("PASSWORD", *_KEYS[::-1], *_TEXTS)
            if word is None:
                raise reader.unexpected()
            _set(known[name], {word: None})
            reader.take(",")
    else:
        reader.expect("SET")
        _set(known[name], reader.properties("PASSWORD", *_TEXTS, *_KEYS))
    return executed()


def drop(account: Account, session: Session, path: list[str]) -> Table:
    """Drop one that is there."""
    privileges.need_owner(account, session, "USER", path, also="OWNERSHIP")
    account.catalogue.forget("USER", dotted(path))
    return status(f"{dotted(path)} successfully dropped.")


def _facts(name: str, about: dict) -> dict:
    return {
        **{word.lower(): about.get(word.lower(), "") for word in _TEXTS},
        "name": name,
        "created_on": about["created"],
        "login_name": about.get("login_name") or name,
        "display_name": about.get("display_name") or name,
        "disabled": str(about.get("disabled") or False).lower(),
        "must_change_password": str(about.get("must_change_password") or False).lower(),
        "owner": about["owner"],
        "has_password": str(bool(about.get("password"))).lower(),
        "has_rsa_public_key": str(bool(about.get("keys"))).lower(),
        "has_mfa": "false",
        "has_pat": str(bool(about.get("pat"))).lower(),
    }


def show(account: Account, _session: Session, reader: Reader) -> Table:
    wanted = Filter.read(reader)
    rows = [_facts(name, about) for name, about in sorted(account.catalogue.objects["USER"].items())]
    return Table.of(_COLUMNS, wanted.of(rows))


def fingerprint(body: str) -> str:
    """`SHA256:…` of a key, as in a JWT's issuer and in DESCRIBE USER."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(base64.b64decode(body)).digest()).decode()


def describe(account: Account, _session: Session, path: list[str]) -> Table:
    """DESCRIBE USER of one that is there."""
    about = account.catalogue.objects["USER"][dotted(path)]
    facts = {word.upper(): value for word, value in _facts(dotted(path), about).items() if word != "created_on"}
    for name in _KEYS:
        body = about.get("keys", {}).get(name)
        facts[name] = body or "null"
        facts[f"{name}_FP"] = fingerprint(body) if body else "null"
    rows = [[name, str(value) or "null", "null", ""] for name, value in facts.items()]
    return Table(["property", "value", "default", "description"], rows)
