"""Access with one bearer token per server."""

from __future__ import annotations

import hmac

from sophia_service.settings import Secret
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send


class BearerTokenRequired:
    """Lets requests through that carry the token; answers 401 to all others."""

    def __init__(self, app: ASGIApp, token: Secret, realm: str) -> None:
        self.app = app
        self._token = token.reveal().encode()
        self.realm = realm

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scheme, _, given = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme.lower() != "bearer":
            await self._refuse("a bearer token is required", f'Bearer realm="{self.realm}"')(scope, receive, send)
        elif not hmac.compare_digest(given.strip().encode("latin-1"), self._token):
            challenge = f'Bearer realm="{self.realm}", error="invalid_token"'
            await self._refuse("the bearer token is not this server's", challenge)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    @staticmethod
    def _refuse(reason: str, challenge: str) -> JSONResponse:
        return JSONResponse({"error": reason}, status_code=401, headers={"WWW-Authenticate": challenge})
