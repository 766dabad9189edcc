# SPDX-License-Identifier: GPL-3.0-or-later
"""One Snowflake session. The connector is imported when it is needed, and little of it is used: both lines of it work.

Used: connect, cursor().execute/fetchall/description, errors.Error.errno/sqlstate/msg (reference §1).
"""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.sophia.platform.plugins.module_utils.cloud.http import masked
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.errors import (
    STATEMENT_HINTS,
    SnowflakeError,
    login_hint,
    said,
)
from ansible_collections.sophia.platform.plugins.module_utils.snowflake.names import sql_name

REQUIREMENT = "snowflake-connector-python>=3.12,<6"


@dataclass(frozen=True)
class Settings:
    """Where to connect, and as whom. Of the credentials the first one that is given is used."""

    account: str
    user: str
    private_key: str = ""
    private_key_path: str = ""
    private_key_passphrase: str = ""
    token: str = ""
    password: str = ""
    host: str = ""
    port: int = 0
    protocol: str = "https"
    login_timeout_seconds: int = 60
    network_timeout_seconds: int = 60
    query_tag: str = "ansible"

    def __repr__(self) -> str:
        return f"Settings({self.user} at {self.account})"

    @property
    def secrets(self) -> list[str]:
        return [self.private_key, self.private_key_passphrase, self.token, self.password]

    def problems(self) -> list[str]:
        """Say what is wrong with the settings, all of it."""
        found = []
        if ".snowflakecomputing." in self.account or "/" in self.account:
            found.append("account is the identifier alone (organization-account), without .snowflakecomputing.com")
        if not self.account or not self.user:
            found.append("account and user are needed")
        if not (self.private_key or self.private_key_path or self.token or self.password):
            found.append("a credential is needed: private_key or private_key_path, or token")
        if self.login_timeout_seconds < 1 or self.network_timeout_seconds < 1:
            found.append("a time-out is 1 second or more")
        return found


class Connection:
    """An open session; a context manager that always closes it. statements_count counts what was sent."""

    def __init__(self, settings: Settings) -> None:
        credential = _credential(settings)  # before the connector, whose import takes a while
        self.settings, self.role, self.statements_count = settings, "", 0
        connect, self._error = _connector()
        where = f"{settings.user} at {settings.account}"
        self._session = self._guarded(
            lambda: connect(**_arguments(settings), **credential),
            lambda errno: (f"Signing in to Snowflake as {where} failed", login_hint(errno)),
        )

    def __enter__(self) -> Connection:
        return self

    def __exit__(self, *_exception: object) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self._session.close()
        except Exception:  # noqa: BLE001 - how a session ends decides nothing
            logging.getLogger(__name__).debug("the session did not end cleanly")

    def use_role(self, role: str) -> None:
        """Act as this role from here on; an empty one keeps the role that there is."""
        if role and role != self.role:
            self.rows(f"USE ROLE {sql_name(role)}")
            self.role = role

    def rows(self, statement: str) -> list[dict[str, Any]]:
        """Run a statement and return its rows, by the lower-case names of their columns."""
        self.statements_count += 1
        return self._guarded(
            lambda: self._run(statement),
            lambda errno: (f"Snowflake refused `{_short(statement)}`{self._as()}", STATEMENT_HINTS.get(errno, "")),
        )

    def _run(self, statement: str) -> list[dict[str, Any]]:
        cursor = self._session.cursor()
        cursor.execute(statement)
        columns = [column[0].lower() for column in cursor.description or ()]
        return [dict(zip(columns, row)) for row in cursor.fetchall()]

    def _as(self) -> str:
        return f" as {self.role}" if self.role else ""

    def _guarded(self, call: Callable[[], Any], told: Callable[[int | None], tuple[str, str]]) -> Any:
        """Make the connector's errors ours: no secret in the text, and none in a chain behind it."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # what the next version of the connector will do differently
                return call()
        except self._error as error:
            errno = error.errno if isinstance(error.errno, int) and error.errno > 0 else None
            sqlstate, text = error.sqlstate, masked(said(error.msg), self.settings.secrets)
        except Exception as error:  # noqa: BLE001 - what the connector itself did not expect
            errno, sqlstate, text = None, None, f"the connector failed with {type(error).__name__}"
        what, hint = told(errno)
        number = f" (errno {errno})" if errno is not None else ""
        raise SnowflakeError(f"{what}{number}: {text}.{f' Perhaps {hint}.' if hint else ''}", errno, sqlstate)


def _connector() -> tuple[Callable[..., Any], type[Exception]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from snowflake.connector import connect, errors
    except ImportError as error:
        reason = str(error)
    else:
        logging.getLogger("snowflake.connector").setLevel(logging.CRITICAL)  # its retries would go to stderr
        return connect, errors.Error
    raise SnowflakeError(f"The Python {sys.executable} lacks {REQUIREMENT} ({reason}). Install it there.")


def _arguments(settings: Settings) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "account": settings.account,
        "user": settings.user,
        "login_timeout": settings.login_timeout_seconds,
        "network_timeout": settings.network_timeout_seconds,
        "session_parameters": {"QUERY_TAG": settings.query_tag, "CLIENT_TELEMETRY_ENABLED": False},
    }
    if settings.host:
        arguments.update(host=settings.host, protocol=settings.protocol)
        arguments.update({"port": settings.port} if settings.port else {})
    return arguments


def _credential(settings: Settings) -> dict[str, Any]:
    if settings.private_key or settings.private_key_path:
        return {"private_key": _key_bytes(settings)}
    if settings.token:
        return {"authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": settings.token}
    return {"password": settings.password}


def _key_bytes(settings: Settings) -> bytes:
    """The key as PKCS8 DER, which both lines of the connector take."""
    where = "private_key" if settings.private_key else settings.private_key_path
    try:
        from cryptography.hazmat.primitives import serialization

        text = settings.private_key.encode() or Path(settings.private_key_path).expanduser().read_bytes()
        key = serialization.load_pem_private_key(text, settings.private_key_passphrase.encode() or None)
        return key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    except ImportError:
        problem = f"The Python {sys.executable} lacks cryptography. Install {REQUIREMENT} there."
    except OSError as error:
        problem = f"The private key {where} cannot be read: {error.strerror}."
    except (ValueError, TypeError):
        problem = f"{where} is not a private key in PEM, or private_key_passphrase does not open it."
    raise SnowflakeError(problem)


def _short(statement: str, length: int = 160) -> str:
    text = " ".join(statement.split())
    return text if len(text) <= length else text[:length] + "…"
