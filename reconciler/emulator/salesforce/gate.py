"""What every call passes: session, user, app, the two switches, the quota; on every call anew.

So a switch bites at once. When the service ends existing sessions is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.emulator.salesforce import errors
from reconciler.emulator.salesforce.access import is_shut_out, permissions
from reconciler.emulator.salesforce.apps import App, app_by_id
from reconciler.emulator.salesforce.store import Session, Store


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is let through: `app` is None for a browser's session."""

    token: str
    user_id: str
    app: App | None
    permissions: frozenset[str]

    def may(self, *needed: str) -> bool:
        return set(needed) <= self.permissions

    def may_any(self, *needed: str) -> bool:
        return bool(self.permissions.intersection(needed))


def admit(store: Store, token: str) -> Caller:
    """The caller behind a token, counted against the quota; Failure when shut out."""
    session = store.session(token)
    user = store.get("User", session.user_id) if session else None
    if session is None or user is None or not user.get("IsActive", True):
        raise errors.session_unknown()
    held = frozenset(permissions(store, session.user_id))
    if "ApiEnabled" not in held:
        raise errors.api_disabled()
    app = _app_of(store, session)
    if is_shut_out(store, session.user_id, app):
        raise errors.session_not_for_api()
    if store.used_requests >= store.settings.dailyApiRequests:
        raise errors.limit_exceeded()
    store.used_requests += 1
    return Caller(token, session.user_id, app, held)


def _app_of(store: Store, session: Session) -> App | None:
    """The session's app; one that is gone or blocked ends the session."""
    if session.app_id is None:
        return None
    app = app_by_id(store, session.app_id)
    if app is None or app.is_blocked:
        raise errors.session_unknown()
    # A policy that asks for a higher session level cannot be met without a person.
    if app.action == "RaiseSessionLevel" and session.flow != "browser":
        raise errors.session_not_for_api()
    return app
