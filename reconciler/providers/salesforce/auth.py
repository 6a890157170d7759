"""Credentials of an org from files or the environment, and the token that they give.

Facts, section 3. No passwords: neither the legacy flow nor SOAP `login()` survives the switches
that this provider sets.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.core.hosts import is_loopback
from reconciler.core.redact import Secret
from reconciler.errors import BadAnswer, NoCredentials, NotAllowed, ProviderError, Refusal
from reconciler.providers.logins import Login
from reconciler.providers.salesforce.assertion import assertion_of
from reconciler.providers.salesforce.failures import INVALID_SESSION, TOKEN
from reconciler.providers.salesforce.ids import is_same_id, record_id
from reconciler.providers.salesforce.refusals import LoginRefused
from reconciler.transport import Body, Bounds, Transport, check_host

PATIENCE_S = 600.0
"""How long a change of an app may take to be known to the token endpoint (facts, section 10)."""

_JWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_FIRST_WAIT_S, _LONGEST_WAIT_S = 5.0, 60.0
_PRODUCTION, _SANDBOX = "https://login.salesforce.com", "https://test.salesforce.com"

# In order of preference. Per kind: keys of `auth:` in files, and the variables.
_KINDS = {
    "JWT bearer": (
        ("clientId", "username", "privateKeyFile"),
        ("SALESFORCE_CLIENT_ID", "SALESFORCE_USERNAME", "SALESFORCE_PRIVATE_KEY_FILE"),
    ),
    "client credentials": (
        ("clientId", "clientSecret"),
        ("SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET"),
    ),
}

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Credentials:
    """One way to log in. With a `key_file` it is JWT bearer as `username`, else client credentials
    with the secret, which may be changed by its app's admin at any time."""

    client_id: str
    username: str = ""
    key_file: Path | None = None
    secret: Secret = Secret("")

    @property
    def kind(self) -> str:
        return "JWT bearer" if self.key_file else "client credentials"


@dataclass(frozen=True, slots=True)
class Grant:
    """A token, where to use it, and whose it is. Ids have 18 characters."""

    token: Secret = field(repr=False)
    instance_url: str
    organization: str
    user: str


def credentials_from(
    auth: Mapping[str, Any] | None, environ: Mapping[str, str], folder: Path = Path()
) -> Credentials:
    """Credentials of a resolved `auth:` mapping, or else of the SALESFORCE_* variables.

    JWT bearer is taken where both are whole. folder: where a `privateKeyFile` of files is relative
    to. Raises NoCredentials, naming what is missing.
    """
    place = "auth: of the environment" if auth else "the process environment"
    given = auth or environ
    found = {
        kind: {key: _text(given.get(name), name) for key, name in zip(keys, names, strict=True)}
        for kind, (keys, variables) in _KINDS.items()
        for names in (keys if auth else variables,)
    }
    for kind, values in found.items():
        if all(values.values()):
            log.debug("salesforce: logging in with the %s of %s", kind, place)
            return _credentials(values, folder if auth else Path())
    raise NoCredentials(_missing(found, place, is_file=bool(auth)), service="salesforce")


def _text(found: Any, name: str) -> str:
    """The value without the line ends that files and shells leave behind; empty where absent."""
    secret = found if isinstance(found, Secret) else Secret(found)
    if secret.reference and not secret.is_known:
        message = f"{name} is {secret.reference}, which is not set"
        raise NoCredentials(message, service="salesforce")
    value = secret.reveal()
    return "" if value is None else str(value).strip()


def _credentials(values: Mapping[str, str], folder: Path) -> Credentials:
    if "clientSecret" in values:
        return Credentials(values["clientId"], secret=Secret(values["clientSecret"]))
    path = folder / Path(values["privateKeyFile"]).expanduser()
    return Credentials(values["clientId"], values["username"], path)


def _missing(found: Mapping[str, Mapping[str, str]], place: str, *, is_file: bool) -> str:
    """What the set that is nearest to whole lacks."""
    ways = "; or ".join(", ".join(kind[0 if is_file else 1]) for kind in _KINDS.values())
    kind, values = max(found.items(), key=lambda item: sum(map(bool, item[1].values())))
    if not any(values.values()):
        return f"no credentials in {place}; set {ways}"
    keys, variables = _KINDS[kind]
    names = zip(keys if is_file else variables, values.values(), strict=True)
    lacking = ", ".join(name for name, value in names if not value)
    return f"{lacking} is missing in {place}: the credentials are not complete; set {ways}"


def audience_of(base_url: str, *, is_sandbox: bool) -> str:
    """Whom an assertion is for: the login host of production or of sandboxes; on this machine
    the service itself."""
    if is_loopback(urlsplit(base_url).hostname or ""):
        return base_url
    return _SANDBOX if is_sandbox else _PRODUCTION


class TokenSource(Login[Grant]):
    """The token of one login to one org, for all threads; asked for when first needed.

    org_id: the org that the files name; a token for any other is a Refusal, and not used.
    """

    service = "salesforce"

    def __init__(
        self,
        transport: Transport,
        credentials: Credentials,
        *,
        is_sandbox: bool = False,
        org_id: str = "",
        allow_hosts: Sequence[str] = (),
        bounds: Bounds | None = None,
    ) -> None:
        super().__init__()
        self._transport = transport
        self._credentials = credentials
        self._audience = audience_of(transport.base_url, is_sandbox=is_sandbox)
        self._org_id = org_id
        self._allow_hosts = allow_hosts
        self._bounds = bounds or Bounds()

    def fresh(self, patience_s: float = 0.0) -> Grant:
        """A token asked for now, which calls use from here on: an old one proves nothing of
        whether the login would still be admitted (facts, section 10).

        patience_s: how long refusals are waited out that a change of the app may cause until it
        has spread. Raises LoginRefused with the last one.
        """
        grant = self._awaited(patience_s)
        with self._lock:
            self._token, self._refusal = grant, None
            self._is_renewed, self._vain = False, 0
        return grant

    def _awaited(self, patience_s: float) -> Grant:
        timing, wait_s = self._bounds.timing, _FIRST_WAIT_S
        until = timing.clock() + min(patience_s, self._bounds.deadline.left_s())
        while True:
            try:
                return self._ask()
            except LoginRefused as error:
                if not error.why.is_passing or timing.clock() + wait_s > until:
                    raise
                log.info("salesforce: %s; asking again in %.0f s", error.message, wait_s)
            timing.sleep(wait_s)
            wait_s = min(_LONGEST_WAIT_S, 2 * wait_s)

    def _is_stale(self, error: NotAllowed) -> bool:
        # A SOAP fault says it with status 500.
        return error.status == 401 or error.code == INVALID_SESSION

    def _ask(self) -> Grant:
        fields, hide = self._form()
        try:
            answer = self._transport.request(
                "POST", TOKEN, body=Body.form(fields), repeatable=True, hide=hide
            )
        except LoginRefused as error:
            message = f"the login by {self._credentials.kind} was refused: {error.message}"
            raise error.saying(message) from None
        return self._grant(answer if isinstance(answer, Mapping) else {})

    def _form(self) -> tuple[dict[str, str], tuple[str, ...]]:
        """The fields to send, and those of them that no message may hold."""
        credentials = self._credentials
        if credentials.key_file is None:
            secret = credentials.secret.reveal()
            fields = {"grant_type": "client_credentials", "client_id": credentials.client_id}
            return {**fields, "client_secret": secret}, (secret,)
        assertion = assertion_of(
            credentials.key_file,
            issuer=credentials.client_id,
            subject=credentials.username,
            audience=self._audience,
            now=self._bounds.timing.epoch(),
        )
        return {"grant_type": _JWT, "assertion": assertion}, (assertion,)

    def _grant(self, answer: Mapping[str, Any]) -> Grant:
        token = answer.get("access_token")
        if not isinstance(token, str) or not _is_token(token):
            raise _bad("the login gave no token")
        organization, user = _owner(answer.get("id"))
        if self._org_id and not is_same_id(organization, self._org_id):
            raise Refusal(
                f"salesforce: the login is to the org {organization}, and the files name "
                f"{self._org_id}; correct orgId or the credentials"
            )
        return Grant(Secret(token), self._instance(answer), organization, user)

    def _instance(self, answer: Mapping[str, Any]) -> str:
        """Where the token is to be used; Refusal for a host that may get no credentials."""
        url = answer.get("instance_url")
        if not isinstance(url, str) or not url:
            raise _bad("the login names no instance_url")
        checked = check_host(url, self._allow_hosts, platform="salesforce")
        base_url = self._transport.base_url
        if is_loopback(urlsplit(checked).hostname or "") and not _is_local(base_url):
            raise Refusal(f"host {checked}: {base_url} sends the token to this machine")
        return checked


def _is_local(base_url: str) -> bool:
    return is_loopback(urlsplit(base_url).hostname or "")


def _is_token(text: str) -> bool:
    return bool(text) and all("!" <= char <= "~" for char in text)


def _owner(url: Any) -> tuple[str, str]:
    """Organization and user of the identity URL, which ends with both; it is not called."""
    try:
        organization, user = (urlsplit(url).path if isinstance(url, str) else "").split("/")[-2:]
        return record_id(organization), record_id(user)
    except ValueError:
        raise _bad("the login does not say which org and user it is for") from None


def _bad(message: str) -> ProviderError:
    return BadAnswer(message, service="salesforce", method="POST", path=TOKEN)
