"""A client and its login, to ask canned answers of."""

from __future__ import annotations

from typing import Any

import responses

from reconciler.core.redact import Secret
from reconciler.providers.salesforce.auth import Credentials, TokenSource
from reconciler.providers.salesforce.client import Client, connect
from reconciler.transport import Bounds
from tests.providers.salesforce.natives import HOST, TOKEN_URL, a_token
from tests.transport.clock import Clock

SECRET = "hunter2-0123456789"
SECRETS = Credentials("3MVG9-key", secret=Secret(SECRET))


def a_login(clock: Clock | None = None, **options: Any) -> tuple[Client, TokenSource]:
    """A client at the org by its secret; the tokens are answered in turn."""
    bounds = Bounds(timing=(clock or Clock()).timing)
    return connect(HOST, SECRETS, bounds=bounds, **options)


def logged_in(**options: Any) -> Client:
    """A client whose logins succeed, one after the other."""
    for number in range(1, 4):
        responses.post(TOKEN_URL, json=a_token(number))
    return a_login(**options)[0]
