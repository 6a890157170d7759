"""Credentials from files or the environment, and the token that they give."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.core.redact import Secret
from reconciler.errors import NoCredentials, NotAllowed, ProviderError
from reconciler.providers.logins import Login
from reconciler.transport import Transport

LOGIN = "/accounts/login"
TOKEN = "/accounts/api/v2/oauth2/token"

# In order of preference. Per kind: keys of `auth:` in files, and the variables.
_KINDS = {
    "connected app": (
        ("clientId", "clientSecret"),
        ("ANYPOINT_CLIENT_ID", "ANYPOINT_CLIENT_SECRET"),
    ),
    "user": (("username", "password"), ("ANYPOINT_USERNAME", "ANYPOINT_PASSWORD")),
    "token": (("token",), ("ANYPOINT_TOKEN",)),
}
_HELP = (
    "set ANYPOINT_CLIENT_ID and ANYPOINT_CLIENT_SECRET (a connected app), "
    "or ANYPOINT_USERNAME and ANYPOINT_PASSWORD, or ANYPOINT_TOKEN"
)
_TOKEN_TEXT = re.compile(r"[!-~]+")
# 400 is what OAuth says of an unknown client; 418 is a user of another platform.
_REFUSED = frozenset([400, 401, 403, 418])

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """One way to log in. kind: `connected app`, `user` or `token`; `name` is unused for a token."""

    kind: str
    name: Secret
    secret: Secret


def credentials_from(auth: Mapping[str, Any] | None, environ: Mapping[str, str]) -> Credentials:
    """Credentials of a resolved `auth:` mapping, or else of the ANYPOINT_* variables.

    Of several sets the first of connected app, user, token is taken. Raises NoCredentials, naming
    what is missing, where there is none or where half a set stands before the first whole one.
    """
    place = "auth: of the organization" if auth else "the environment"
    for kind, (keys, variables) in _KINDS.items():
        names = keys if auth else variables
        values = [_value((auth or environ).get(name), name) for name in names]
        if all(values):
            log.debug("anypoint: logging in with the %s of %s", kind, place)
            return _credentials(kind, [value for value in values if value])
        if any(values):
            missing = ", ".join(
                name for name, value in zip(names, values, strict=True) if not value
            )
            raise NoCredentials(f"{missing} is missing in {place}: the {kind} is not complete")
    if auth:
        keys_help = "clientId and clientSecret, or username and password, or token"
        raise NoCredentials(f"{place} gives no credentials; it needs {keys_help}")
    raise NoCredentials(f"no credentials; {_HELP}")


def _value(found: Any, name: str) -> Secret | None:
    """The value wrapped; None where it is absent or empty."""
    secret = found if isinstance(found, Secret) else Secret(found)
    if secret.reference and not secret.is_known:
        raise NoCredentials(f"{name} is {secret.reference}, which is not set")
    return secret if secret.reveal() not in (None, "") else None


def _credentials(kind: str, values: list[Secret]) -> Credentials:
    texts = [Secret(str(value.reveal()), value.reference) for value in values]
    if kind != "user":
        # Files and shells leave line ends behind; no client id, secret or token has any.
        texts = [Secret(text.reveal().strip(), text.reference) for text in texts]
    return Credentials(kind, texts[0] if len(texts) > 1 else Secret(""), texts[-1])


class TokenSource(Login[str]):
    """The token of one login to one host, for all threads; asked for when first needed."""

    service = "anypoint"

    def __init__(self, transport: Transport, credentials: Credentials) -> None:
        super().__init__()
        self._transport = transport
        self._credentials = credentials

    def renew(self, rejected: str) -> str:
        """As any login; raises NotAllowed for a bare token, too."""
        if self._credentials.kind == "token":
            raise NotAllowed(
                "the token is not valid (any more), and a bare token cannot be renewed; "
                "set a new ANYPOINT_TOKEN or use a connected app",
                status=401,
            )
        return super().renew(rejected)

    def _ask(self) -> str:
        name, secret = self._credentials.name.reveal(), self._credentials.secret.reveal()
        match self._credentials.kind:
            case "token":
                return _checked(secret, "token")
            case "user":
                return self._post(LOGIN, {"username": name, "password": secret})
        body = {"grant_type": "client_credentials", "client_id": name, "client_secret": secret}
        return self._post(TOKEN, body)

    def _post(self, path: str, body: Mapping[str, str]) -> str:
        kind = self._credentials.kind
        hide = (self._credentials.secret.reveal(),)
        try:
            answer = self._transport.request(
                "POST", path, json=dict(body), repeatable=True, hide=hide
            )
        except ProviderError as error:
            if error.status not in _REFUSED:
                raise
            message = f"the login of the {kind} was refused: {error.message}"
            raise NotAllowed(
                message, method="POST", path=path, status=error.status, request_id=error.request_id
            ) from None
        token = answer.get("access_token") if isinstance(answer, Mapping) else None
        if not isinstance(token, str) or not token:
            raise NotAllowed(
                f"the login of the {kind} gave no token. Where users sign in with a second factor "
                "or single sign-on, use a connected app (ANYPOINT_CLIENT_ID and "
                "ANYPOINT_CLIENT_SECRET)",
                method="POST",
                path=path,
            )
        return _checked(token, "token of the service")


def _checked(token: str, what: str) -> str:
    if not _TOKEN_TEXT.fullmatch(token):
        raise NotAllowed(f"the {what} holds characters that no token has")
    return token
