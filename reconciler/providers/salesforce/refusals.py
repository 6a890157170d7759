"""What the token endpoint means when it refuses, and what to do (facts, section 3). Pure."""

from __future__ import annotations

from enum import Enum
from typing import Self

from reconciler.errors import NotAllowed, ProviderError


class Why(Enum):
    """The reasons that can be told apart; the value is what to do."""

    NOT_ADMIN_APPROVED = (
        "the app admits only users that an admin has approved, and this one is not: grant the app "
        "to the user by a permission set or profile"
    )
    NOT_CONSENTED = (
        "the user has never approved the app: set the app to admin-approved users and grant it to "
        "the user by a permission set or profile"
    )
    NOT_INSTALLED = (
        "the app is not installed in this org: Setup, Connected Apps OAuth Usage, Install"
    )
    BLOCKED = "an admin has blocked the app: Setup, Connected Apps OAuth Usage, Unblock"
    UNKNOWN_APP = (
        "the org does not know the consumer key: check clientId (SALESFORCE_CLIENT_ID) and the "
        "host; a new app takes up to 10 minutes to be known"
    )
    WRONG_SECRET = "the secret is wrong: check clientSecret (SALESFORCE_CLIENT_SECRET)"
    BAD_CREDENTIALS = (
        "the user, the key or the clock is wrong: check username (SALESFORCE_USERNAME), that the "
        "certificate of privateKeyFile is the app's, and that the host is the user's own org"
    )
    FLOW_DISABLED = (
        "this way to log in is switched off: allow JWT bearer (a certificate) or client "
        "credentials (a user to run as) in the app, and use the org's My Domain as host"
    )
    MALFORMED = "the service did not understand the login"
    OTHER = "Setup, Login History says more"

    @property
    def is_passing(self) -> bool:
        """Whether it may be that a change of the app has not spread yet (facts, sections 7, 10).
        Wrong credentials are none of these: tries count against the user."""
        return self in _PASSING


_PASSING = frozenset(
    [Why.NOT_ADMIN_APPROVED, Why.NOT_CONSENTED, Why.NOT_INSTALLED, Why.BLOCKED, Why.UNKNOWN_APP]
)
# The first that fits: the error, and a part of its description.
_MEANINGS = (
    ("", "blocked by admin", Why.BLOCKED),
    ("OAUTH_APP_BLOCKED", "", Why.BLOCKED),
    ("invalid_app_access", "", Why.NOT_ADMIN_APPROVED),
    ("invalid_grant", "hasn't approved", Why.NOT_CONSENTED),
    ("invalid_grant", "not admin approved", Why.NOT_ADMIN_APPROVED),
    ("invalid_grant", "", Why.BAD_CREDENTIALS),
    ("invalid_client", "must be installed", Why.NOT_INSTALLED),
    ("invalid_client", "", Why.WRONG_SECRET),
    ("invalid_client_id", "", Why.UNKNOWN_APP),
    ("unsupported_grant_type", "", Why.FLOW_DISABLED),
    ("invalid_request", "", Why.MALFORMED),
)


def meaning_of(error: str, description: str) -> Why:
    """The reason behind a refusal; OTHER for what the facts do not list."""
    said = description.replace("’", "'").lower()
    for name, part, why in _MEANINGS:
        if name in ("", error) and part in said:
            return why
    return Why.OTHER


class LoginRefused(NotAllowed):
    """No token was given; `why` says for which reason, `code` is the `error` of the answer."""

    why = Why.OTHER

    @classmethod
    def by(cls, error: ProviderError, why: Why) -> Self:
        """The refusal that an answer of the token endpoint is."""
        made = cls._as(error, f"{why.value} (the service says: {error.message})")
        made.why = why
        return made

    def saying(self, message: str) -> Self:
        made = super().saying(message)
        made.why = self.why
        return made

    @classmethod
    def _as(cls, error: ProviderError, message: str) -> Self:
        return cls(
            message,
            service=error.service,
            method=error.method,
            path=error.path,
            status=error.status,
            request_id=error.request_id,
            code=error.code,
        )


class SessionRefused(NotAllowed):
    """The API refuses a session that was given only now. No renewal helps: the org limits API
    access (the login is locked out), a session policy asks for more, or the address is locked."""
